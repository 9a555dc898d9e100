//! The ledger: receipts, entries, openings and their times.

use std::num::NonZeroUsize;

use jiff::ToSpan;

use super::samples::{about, commit, head_key, numbered, put_head, subject};
use super::{Fixture, NO_LIMIT, limit};
use crate::anchor::Position;
use crate::commit::Precondition;
use crate::entry::{Entry, Opening};
use crate::id::Receipt;
use crate::store::Clock;

/// Receipts count from 0 without a gap, whatever the commits write.
pub async fn receipts_count_from_zero(fixture: &Fixture) {
    assert_eq!(fixture.entries().await, []);
    assert_eq!(fixture.commit(numbered(1)).await, Receipt(0));
    assert_eq!(fixture.commit(commit(vec![put_head(1), put_head(2)])).await, Receipt(1));
    assert_eq!(fixture.commit(about(subject(&[1]), 1)).await, Receipt(2));
    assert_eq!(fixture.commit(commit(Vec::new())).await, Receipt(3));
}

/// The entry at a receipt is its commit's draft, stamped.
pub async fn entries_are_those_of_their_commits(fixture: &Fixture) {
    let commits = [numbered(7), about(subject(&[1, 2]), 1), numbered(u32::MAX)];
    for commit in &commits {
        fixture.commit(commit.clone()).await;
    }
    let entries = fixture.entries().await;
    assert_eq!(entries.len(), commits.len());
    for (entry, commit) in entries.iter().zip(&commits) {
        assert_eq!(*entry, commit.entry().stamp(entry.time_ms()));
    }
}

/// Any stretch of entries can be read; beyond the last there are none.
pub async fn entries_come_in_order_from_any_index(fixture: &Fixture) {
    for number in 0..10 {
        fixture.commit(numbered(number)).await;
    }
    let read = async |from, most| {
        let entries = fixture.store.entries(Receipt(from), most).await;
        entries.expect("the entries are read").iter().map(Entry::count).collect::<Vec<u32>>()
    };
    assert_eq!(read(0, NO_LIMIT).await, (0..10).collect::<Vec<_>>());
    assert_eq!(read(0, limit(3)).await, [0, 1, 2]);
    assert_eq!(read(4, limit(1)).await, [4]);
    assert_eq!(read(8, limit(3)).await, [8, 9]);
    assert_eq!(read(9, NonZeroUsize::MAX).await, [9]);
    assert_eq!(read(10, limit(3)).await, []);
    assert_eq!(read(u64::MAX, NonZeroUsize::MAX).await, []);
}

/// Openings are found by the index of their entry; entries about no child have none.
pub async fn openings_come_in_order_from_any_index(fixture: &Fixture) {
    for number in 0..9_u8 {
        if number % 3 == 0 {
            fixture.commit(about(subject(&[u16::from(number) + 1]), number)).await;
        } else {
            fixture.commit(numbered(u32::from(number))).await;
        }
    }
    let read = async |from, most| {
        let openings = fixture.store.openings(Receipt(from), most).await;
        let openings = openings.expect("the openings are read");
        openings.into_iter().map(|(receipt, _)| receipt.0).collect::<Vec<u64>>()
    };
    assert_eq!(read(0, NO_LIMIT).await, [0, 3, 6]);
    assert_eq!(read(0, limit(2)).await, [0, 3]);
    assert_eq!(read(1, limit(1)).await, [3]);
    assert_eq!(read(4, NonZeroUsize::MAX).await, [6]);
    assert_eq!(read(7, limit(1)).await, []);
    assert_eq!(read(u64::MAX, NonZeroUsize::MAX).await, []);
}

/// An opening comes back as it was given, and opens its own entry alone.
pub async fn an_opening_fits_its_entry(fixture: &Fixture) {
    let children = [subject(&[1]), subject(&[1]), subject(&[1, 2, 3, 4])];
    for (nonce, child) in (1..).zip(&children) {
        fixture.commit(about(child.clone(), nonce)).await;
    }
    let entries = fixture.entries().await;
    let openings = fixture.store.openings(Receipt(0), NO_LIMIT).await;
    let openings: Vec<Opening> =
        openings.expect("the openings are read").into_iter().map(|(_, opening)| opening).collect();
    assert_eq!(openings.len(), children.len());
    for (index, opening) in openings.iter().enumerate() {
        assert_eq!(*opening.subject(), children[index]);
        for (other, entry) in entries.iter().enumerate() {
            assert_eq!(opening.commitment() == entry.commitment(), index == other);
        }
    }
}

/// An entry is stamped with the clock's time, to the millisecond.
pub async fn an_entry_has_the_time_of_the_clock(fixture: &Fixture) {
    let mut expected = Vec::new();
    for _ in 0..3 {
        fixture.commit(numbered(0)).await;
        expected.push(fixture.clock.now().as_millisecond());
        fixture.clock.step(1500.milliseconds());
    }
    assert_eq!(times(fixture).await, expected);
}

/// Where the clock goes back, the time of entries stands still.
pub async fn the_time_of_entries_never_goes_back(fixture: &Fixture) {
    let noon = fixture.clock.now().as_millisecond();
    fixture.commit(numbered(0)).await;
    fixture.clock.step(-(3.hours()));
    fixture.commit(numbered(1)).await;
    fixture.clock.step(1.hours());
    fixture.commit(numbered(2)).await;
    fixture.clock.step(3.hours());
    fixture.commit(numbered(3)).await;
    assert_eq!(times(fixture).await, [noon, noon, noon, noon + 3_600_000]);
}

/// Of many commits at once, each gets the receipt under which its own entry and opening stand.
pub async fn waiting_commits_each_get_a_receipt_of_their_own(fixture: &Fixture) {
    const WAITING: u8 = 100;
    let mut waiting = tokio::task::JoinSet::new();
    for number in 0..WAITING {
        let store = fixture.store.clone();
        let commit = about(subject(&[u16::from(number)]), number);
        let expected = commit.entry().commitment;
        waiting.spawn(async move { (store.commit(commit).await, expected) });
    }
    let mut given = Vec::new();
    let entries_at = waiting.join_all().await;
    let entries = fixture.entries().await;
    for (receipt, commitment) in entries_at {
        let receipt = receipt.expect("the commit is acknowledged");
        let index = usize::try_from(receipt.0).expect("a hundred entries");
        assert_eq!(entries[index].commitment(), commitment);
        given.push(receipt.0);
    }
    given.sort_unstable();
    assert_eq!(given, (0..u64::from(WAITING)).collect::<Vec<_>>());
}

/// The position is another after every commit that is acknowledged, and the same while there is
/// none.
pub async fn the_position_changes_with_every_commit_and_by_nothing_else(fixture: &Fixture) {
    let mut before = position(fixture).await;
    for number in 0..3 {
        fixture.commit(numbered(number)).await;
        let after = position(fixture).await;
        assert_eq!(after.generation, before.generation);
        assert!(after.frame > before.frame && after.hash != before.hash);
        before = after;
    }
    fixture.fail(vec![Precondition::At(head_key(1), Receipt(0))], vec![put_head(1)]).await;
    assert_eq!(fixture.entries().await.len(), 3, "reading changes nothing either");
    assert_eq!(position(fixture).await, before);
}

async fn position(fixture: &Fixture) -> Position {
    fixture.store.position().await.expect("the position is told")
}

async fn times(fixture: &Fixture) -> Vec<i64> {
    let entries = fixture.entries().await;
    let time = |ms| i64::try_from(ms).expect("within the calendar");
    entries.iter().map(|entry| time(entry.time_ms())).collect()
}
