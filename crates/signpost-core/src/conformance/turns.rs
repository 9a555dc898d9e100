//! A turn carries over what stays, as it is, and leaves the rest behind.

use std::sync::Arc;

use super::samples::{
    about, commit, commit_if, every_kind, flag, head_key, put_head, replay, subject,
};
use super::{Fixture, NO_LIMIT, limit};
use crate::commit::{Precondition, Write};
use crate::id::Receipt;
use crate::record::{Kind, Record, RecordKey, RecordKind, Scope, Stored};
use crate::store::{Clock, StoreError};
use crate::turn::{Carry, Compaction, Passed, Unfinished};

/// Leaves these records behind, and carries all others over.
#[derive(Debug)]
pub(super) struct AllBut(Vec<RecordKey>);

impl Carry for AllBut {
    fn carry(&self, _version: Receipt, record: Record) -> Option<Record> {
        (!self.0.contains(&record.key())).then_some(record)
    }
}

pub(super) fn everything() -> Arc<AllBut> {
    Arc::new(AllBut(Vec::new()))
}

pub(super) async fn turn(fixture: &Fixture, carry: Arc<dyn Carry>) {
    let prepared =
        fixture.generations().prepare(carry).await.expect("the next generation is filled");
    finish(fixture, prepared.generation).await;
}

/// Leaves behind what was last changed before this.
#[derive(Debug)]
struct Since(Receipt);

impl Carry for Since {
    fn carry(&self, version: Receipt, record: Record) -> Option<Record> {
        (version >= self.0).then_some(record)
    }
}

async fn finish(fixture: &Fixture, generation: u64) {
    fixture.generations().switch(generation).await.expect("it is put into use");
    let destroyed = fixture.generations().destroy(generation - 1).await;
    assert_eq!(destroyed.expect("the one before goes").generation, generation - 1);
}

/// No kind is forgotten, and what refers to a child still refers to it: the pseudonyms that a
/// record holds are those it held.
pub async fn every_kind_of_record_survives_a_turn(fixture: &Fixture) {
    let records = every_kind();
    let writes = records.iter().cloned().map(Write::Put).collect();
    let receipt = fixture.commit(commit(writes)).await;
    for _ in 0..2 {
        turn(fixture, everything()).await;
        for record in &records {
            let expected = Stored { version: receipt, record: record.clone() };
            assert_eq!(fixture.read(&record.key()).await, Some(expected));
        }
    }
}

/// What is left behind is found by no read and no scan; its neighbours are.
pub async fn what_is_left_behind_is_gone(fixture: &Fixture) {
    let writes = vec![put_head(1), Write::Put(flag(1, 1)), Write::Put(flag(1, 2)), put_head(2)];
    fixture.commit(commit(writes)).await;
    let gone = vec![flag(1, 1).key(), head_key(2)];
    let prepared = fixture.generations().prepare(Arc::new(AllBut(gone.clone()))).await;
    let prepared = prepared.expect("the next generation is filled");
    assert_eq!((prepared.carried, prepared.left), (2, 2));
    for key in &gone {
        assert!(fixture.read(key).await.is_some(), "until the switch all is there");
    }
    finish(fixture, prepared.generation).await;
    for key in gone {
        assert_eq!(fixture.read(&key).await, None);
    }
    let found = fixture.store.scan(&head_key(1).scope(), None, NO_LIMIT).await;
    assert_eq!(found.expect("the child is scanned").len(), 2);
}

/// What is put, replaced and removed while a turn goes on is so after it.
pub async fn what_changes_during_a_turn_is_carried_over(fixture: &Fixture) {
    let before = fixture.commit(commit(vec![put_head(1), put_head(2), put_head(3)])).await;
    let prepared = fixture.generations().prepare(Arc::new(AllBut(vec![flag(1, 9).key()]))).await;
    let prepared = prepared.expect("the next generation is filled");
    let unchanged = vec![Precondition::At(head_key(1), before)];
    let writes = vec![put_head(1), Write::Remove(head_key(2)), Write::Put(flag(1, 1))];
    let during = fixture.commit(commit_if(unchanged, writes)).await;
    fixture.commit(commit(vec![Write::Put(flag(1, 9))])).await;
    finish(fixture, prepared.generation).await;
    let version = async |key: RecordKey| fixture.read(&key).await.map(|stored| stored.version);
    assert_eq!(version(head_key(1)).await, Some(during));
    assert_eq!(version(head_key(2)).await, None);
    assert_eq!(version(head_key(3)).await, Some(before));
    assert_eq!(version(flag(1, 1).key()).await, Some(during));
    assert_eq!(version(flag(1, 9).key()).await, None, "it is left behind by the same rule");
    let unchanged = vec![Precondition::At(head_key(1), during), Precondition::Absent(head_key(2))];
    fixture.commit(commit_if(unchanged, vec![put_head(2)])).await;
}

/// Entries and openings are those they were, and go on where they were.
pub async fn the_ledger_goes_on_through_a_turn(fixture: &Fixture) {
    for number in 1..4 {
        fixture.commit(about(subject(&[number]), 7)).await;
    }
    let position = fixture.store.position().await.expect("the position is told");
    let openings = async || fixture.store.openings(Receipt(0), NO_LIMIT).await;
    let (entries, opened) = (fixture.entries().await, openings().await);
    assert_eq!(opened.as_ref().expect("openings are read").len(), 3);
    turn(fixture, everything()).await;
    let turned = fixture.store.position().await.expect("the position is told");
    assert!(turned.generation > position.generation && turned != position);
    assert_eq!(fixture.entries().await, entries);
    assert_eq!(openings().await, opened);
    assert_eq!(fixture.commit(about(subject(&[4]), 8)).await, Receipt(3));
    assert_eq!(fixture.entries().await[..3], entries);
    assert_eq!(openings().await.expect("openings are read").len(), 4);
}

/// The turn that compacts leaves behind what has had its time, and nothing else.
pub async fn a_compaction_leaves_only_what_has_had_its_time(fixture: &Fixture) {
    let mut records = every_kind();
    let old = replay(7);
    let Record::Replay(mut recent) = replay(8) else { unreachable!("it is one") };
    recent.until = fixture.clock.now() + jiff::Span::new().hours(1);
    let Record::Replay(ended) = &old else { unreachable!("it is one") };
    fixture.clock.set(ended.until);
    recent.until = fixture.clock.now() + jiff::Span::new().hours(1);
    records.retain(|record| {
        let has_its_time = matches!(
            record,
            Record::Replay(_) | Record::Lift(_) | Record::Suppression(_) | Record::MarkerKey(_)
        );
        !has_its_time
    });
    let stays = records.into_iter().chain([Record::Replay(recent)]).collect::<Vec<_>>();
    let writes = stays.iter().cloned().chain([old.clone()]).map(Write::Put).collect();
    fixture.commit(commit(writes)).await;
    turn(fixture, Arc::new(Compaction { now: fixture.clock.now() })).await;
    assert_eq!(fixture.read(&old.key()).await, None);
    for record in stays {
        assert!(fixture.read(&record.key()).await.is_some(), "{record:?}");
    }
    let found = fixture.store.scan(&Scope::Kind(Kind::Replay), None, limit(9)).await;
    assert_eq!(found.expect("the kind is scanned").len(), 1);
}

/// Only what is prepared is put into use, and only what was in use is destroyed.
pub async fn a_turn_has_one_order(fixture: &Fixture) {
    let store = fixture.generations();
    assert_eq!(store.switch(2).await, Err(StoreError::Unavailable), "nothing is prepared");
    assert_eq!(store.destroy(1).await, Err(StoreError::Unavailable), "it is in use");
    let first = store.prepare(everything()).await.expect("the next generation is filled");
    fixture.commit(commit(vec![put_head(1)])).await;
    let again = store.prepare(everything()).await.expect("the first is given up");
    assert_eq!(again.generation, first.generation);
    assert_eq!(again.carried, 1);
    assert_eq!(store.switch(again.generation + 1).await, Err(StoreError::Unavailable));
    assert_eq!(store.destroy(again.generation).await, Err(StoreError::Unavailable));
    store.switch(again.generation).await.expect("it is put into use");
    assert_eq!(store.switch(again.generation).await, Err(StoreError::Unavailable), "it is in use");
    let left = store.unfinished().await.expect("it is told");
    assert_eq!((left.retired, left.unrecorded), (Some(again.generation - 1), Vec::new()));
    let destroyed = store.destroy(again.generation - 1).await.expect("the one before goes");
    let left = store.unfinished().await.expect("it is told");
    assert_eq!((left.retired, left.unrecorded), (None, vec![destroyed]));
    store.recorded(again.generation - 1).await.expect("it is let go of");
    assert_eq!(store.unfinished().await, Ok(Unfinished::default()));
    let destroyed = store.destroy(again.generation - 1).await;
    assert_eq!(destroyed, Err(StoreError::Unavailable), "it is gone");
}

/// The generation that was in use before goes first, and nothing is begun over it.
pub async fn no_turn_begins_before_the_last_one_is_over(fixture: &Fixture) {
    let store = fixture.generations();
    fixture.commit(commit(vec![put_head(1)])).await;
    let first = store.prepare(everything()).await.expect("the next generation is filled");
    store.switch(first.generation).await.expect("it is put into use");
    assert_eq!(store.prepare(everything()).await, Err(StoreError::Busy));
    let left = store.unfinished().await.expect("it is told");
    assert_eq!(left.retired, Some(first.generation - 1), "it is still there to be destroyed");
    store.destroy(first.generation - 1).await.expect("the one before goes");
    turn(fixture, everything()).await;
}

/// A rule sees the version, and each kind is counted, also where records change meanwhile.
pub async fn what_is_left_behind_is_told_by_kind_and_by_version(fixture: &Fixture) {
    let flags = [flag(1, 1), flag(1, 2), flag(2, 1)].map(Write::Put);
    fixture.commit(commit([put_head(1), put_head(2)].into_iter().chain(flags).collect())).await;
    let cut_off = fixture.commit(commit(vec![put_head(2), Write::Put(replay(1))])).await;
    let carry = Arc::new(Since(cut_off));
    let prepared = fixture.generations().prepare(carry).await.expect("it is filled");
    assert_eq!((prepared.carried, prepared.left), (2, 4));
    let of = |kind| prepared.kinds.get(&kind).copied();
    let passed = |carried, left| Some(Passed { carried, left });
    assert_eq!(of(RecordKind::Head), passed(1, 1));
    assert_eq!(of(RecordKind::Flag), passed(0, 3));
    assert_eq!(of(RecordKind::Of(Kind::Replay)), passed(1, 0));
    assert_eq!(prepared.kinds.len(), 3);
    finish(fixture, prepared.generation).await;
    assert_eq!(fixture.read(&head_key(1)).await, None);
    assert_eq!(fixture.read(&head_key(2)).await.map(|stored| stored.version), Some(cut_off));
}
