//! Scans: the records of one child or one kind, in pages.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use super::samples::{commit, every_kind, flag, head_key, pseudonym, put_head, replay};
use super::{Fixture, NO_LIMIT, limit};
use crate::commit::Write;
use crate::record::{Kind, Record, RecordKey, Scope, Stored};

/// Nothing was put, nothing is found.
pub async fn an_empty_scope_has_no_records(fixture: &Fixture) {
    fixture.commit(commit(vec![put_head(2)])).await;
    assert_eq!(scan(fixture, &Scope::Child(pseudonym(1)), NO_LIMIT).await, []);
    assert_eq!(scan(fixture, &Scope::Kind(Kind::Replay), NO_LIMIT).await, []);
}

/// A child's scope holds its head and flags, and nothing of any other pseudonym.
pub async fn a_child_is_its_own_head_and_flags(fixture: &Fixture) {
    let writes = every_kind().into_iter().map(Write::Put);
    fixture.commit(commit(writes.collect())).await;
    let others = (2..40).flat_map(|number| [put_head(number), Write::Put(flag(number, 1))]);
    fixture.commit(commit(others.collect())).await;
    fixture.commit(commit(vec![Write::Put(flag(1, 2))])).await;

    let found = scan(fixture, &Scope::Child(pseudonym(1)), NO_LIMIT).await;
    let expected = [head_key(1), flag(1, 1).key(), flag(1, 2).key()];
    assert_eq!(keys(&found), sorted(expected));
}

/// A kind's scope holds every record of the kind and none of another.
pub async fn a_kind_is_all_its_records(fixture: &Fixture) {
    let replays = (2..20).map(replay);
    let writes = every_kind().into_iter().chain(replays).map(Write::Put);
    fixture.commit(commit(writes.collect())).await;
    let found = scan(fixture, &Scope::Kind(Kind::Replay), NO_LIMIT).await;
    assert_eq!(keys(&found), sorted((1..20).map(|number| replay(number).key())));
    for record in every_kind() {
        let found = scan(fixture, &record.key().scope(), NO_LIMIT).await;
        assert!(found.iter().any(|stored| stored.record == record));
        assert!(found.iter().all(|stored| stored.record.key().scope() == record.key().scope()));
    }
}

/// Everything is every record of every kind and child, each once, whatever the size of the pages.
pub async fn everything_is_every_record_once(fixture: &Fixture) {
    let others = (2..40).flat_map(|number| [put_head(number), Write::Put(flag(number, 1))]);
    let writes = every_kind().into_iter().map(Write::Put).chain(others);
    fixture.commit(commit(writes.collect())).await;
    let expected = every_kind().into_iter().map(|record| record.key());
    let others = (2..40).flat_map(|number| [head_key(number), flag(number, 1).key()]);
    let expected = sorted(expected.chain(others));
    for size in [1, 7, 64, 10_000] {
        let found = pages(fixture, &Scope::Everything, limit(size)).await;
        assert_eq!(keys(&found), expected, "pages of {size}");
    }
    let child = scan(fixture, &Scope::Child(pseudonym(3)), NO_LIMIT).await;
    assert_eq!(keys(&child), sorted([head_key(3), flag(3, 1).key()]), "as it was before");
}

/// Whatever the size of the pages, each record is visited once, and in one order.
pub async fn pages_visit_each_record_once(fixture: &Fixture) {
    let writes = (0..30).map(|id| Write::Put(flag(1, id))).chain([put_head(1)]);
    fixture.commit(commit(writes.collect())).await;
    let scope = Scope::Child(pseudonym(1));
    let whole = scan(fixture, &scope, NO_LIMIT).await;
    assert_eq!(whole.len(), 31);
    for size in [1, 2, 7, 30, 31, 32] {
        assert_eq!(pages(fixture, &scope, limit(size)).await, whole, "pages of {size}");
    }
}

/// The record behind which a scan goes on need not be there any more.
pub async fn a_scan_goes_on_behind_a_removed_record(fixture: &Fixture) {
    let writes = (0..20).map(|id| Write::Put(flag(1, id)));
    fixture.commit(commit(writes.collect())).await;
    let scope = Scope::Child(pseudonym(1));
    let whole = scan(fixture, &scope, NO_LIMIT).await;
    let last_seen = whole[9].record.key();
    fixture.commit(commit(vec![Write::Remove(last_seen.clone())])).await;
    let rest = fixture.store.scan(&scope, Some(&last_seen), NO_LIMIT).await;
    assert_eq!(rest.expect("the child is scanned"), whole[10..]);
}

/// A limit is the most, not a size to prepare for.
pub async fn the_largest_limit_is_no_error(fixture: &Fixture) {
    fixture.commit(commit(vec![put_head(1)])).await;
    let found = scan(fixture, &Scope::Child(pseudonym(1)), NonZeroUsize::MAX).await;
    assert_eq!(keys(&found), sorted([head_key(1)]));
}

/// Six hundred flags of one child, more than a page, put at once and scanned.
pub async fn a_child_may_have_hundreds_of_records(fixture: &Fixture) {
    let writes = (0..600).map(|id| Write::Put(flag(1, id)));
    fixture.commit(commit(writes.collect())).await;
    let scope = Scope::Child(pseudonym(1));
    let expected = sorted((0..600).map(|id| flag(1, id).key()));
    assert_eq!(keys(&scan(fixture, &scope, NO_LIMIT).await), expected);
    assert_eq!(keys(&pages(fixture, &scope, limit(256)).await), expected);
}

/// One scan sees the child as one commit left it, never half of a later one.
pub async fn a_scan_is_of_one_moment(fixture: &Fixture) {
    let whole = || (0..12).map(|id| Write::Put(flag(1, id))).chain([put_head(1)]).collect();
    fixture.commit(commit(whole())).await;
    let writer = fixture.clone();
    let writing = tokio::spawn(async move {
        for _ in 0..100 {
            writer.commit(commit(whole())).await;
        }
    });
    while !writing.is_finished() {
        let found = scan(fixture, &Scope::Child(pseudonym(1)), NO_LIMIT).await;
        let versions: BTreeSet<_> = found.iter().map(|stored| stored.version).collect();
        assert_eq!((found.len(), versions.len()), (13, 1), "half of a commit was seen");
        tokio::task::yield_now().await;
    }
    writing.await.expect("the writer ends");
}

async fn scan(fixture: &Fixture, scope: &Scope, limit: NonZeroUsize) -> Vec<Stored> {
    fixture.store.scan(scope, None, limit).await.expect("the scope is scanned")
}

async fn pages(fixture: &Fixture, scope: &Scope, size: NonZeroUsize) -> Vec<Stored> {
    let mut seen: Vec<Stored> = Vec::new();
    loop {
        let after = seen.last().map(|stored| stored.record.key());
        let page = fixture.store.scan(scope, after.as_ref(), size).await;
        let page = page.expect("the scope is scanned");
        assert!(page.len() <= size.get(), "a page holds at most its limit");
        if page.is_empty() {
            return seen;
        }
        seen.extend(page);
    }
}

fn keys(found: &[Stored]) -> Vec<[u8; 48]> {
    sorted(found.iter().map(|stored| Record::key(&stored.record)))
}

/// Keys in an order that is the same for every store, duplicates kept.
fn sorted(keys: impl IntoIterator<Item = RecordKey>) -> Vec<[u8; 48]> {
    let mut keys: Vec<[u8; 48]> =
        keys.into_iter().map(|key| *key.locate(&[0; 32]).as_bytes()).collect();
    keys.sort_unstable();
    keys
}
