//! An erasure takes the openings it names, and nothing else.

use std::sync::Arc;

use super::samples::{about, commit, numbered, put_head, subject};
use super::turns::{everything, turn};
use super::{Fixture, NO_LIMIT, limit};
use crate::entry::Opening;
use crate::id::Receipt;
use crate::store::StoreError;
use crate::turn::{EraseOpenings, Erased};

/// Erases the openings of these entries.
#[derive(Debug)]
struct Those(Vec<u64>);

impl EraseOpenings for Those {
    fn erases(&self, entry: Receipt, _opening: &Opening) -> bool {
        self.0.contains(&entry.0)
    }
}

fn those(entries: impl IntoIterator<Item = u64>) -> Arc<Those> {
    Arc::new(Those(entries.into_iter().collect()))
}

/// So many entries, each third of which is about no child.
const ENTRIES: u64 = 30;

async fn fill(fixture: &Fixture) {
    for number in 0..30_u8 {
        if number % 3 == 2 {
            fixture.commit(numbered(u32::from(number))).await;
        } else {
            fixture.commit(about(subject(&[u16::from(number)]), number)).await;
        }
    }
}

async fn openings(fixture: &Fixture) -> Vec<(Receipt, Opening)> {
    let openings = fixture.store.openings(Receipt(0), NO_LIMIT).await;
    openings.expect("the openings are read")
}

async fn erase(fixture: &Fixture, which: Arc<Those>, below: u64) -> Erased {
    let erased = fixture.generations().erase(which, Receipt(below)).await;
    erased.expect("they are erased")
}

/// Those that were named are found by no read from any index; all others, and every entry, are byte
/// for byte what they were. Entries without an opening, and those not below, are passed over.
pub async fn an_erased_opening_is_gone_and_all_else_stays(fixture: &Fixture) {
    fill(fixture).await;
    let (entries, before) = (fixture.entries().await, openings(fixture).await);
    assert_eq!(before.len(), 20);
    turn(fixture, everything()).await;
    // 2 is about no child, and 27 is not below.
    let erased = erase(fixture, those([0, 2, 3, 4, 16, 25, 27]), 26).await;
    assert_eq!(erased.openings, 5);
    let gone = [0, 3, 4, 16, 25];
    let stays: Vec<_> = before.into_iter().filter(|(entry, _)| !gone.contains(&entry.0)).collect();
    assert_eq!(openings(fixture).await, stays);
    assert_eq!(fixture.entries().await, entries);
    for from in 0..ENTRIES {
        let read = async |most| fixture.store.openings(Receipt(from), most).await;
        let expected: Vec<_> = stays.iter().filter(|(entry, _)| entry.0 >= from).cloned().collect();
        assert_eq!(read(NO_LIMIT).await, Ok(expected.clone()), "from {from}");
        assert_eq!(read(limit(3)).await, Ok(expected.into_iter().take(3).collect()), "from {from}");
    }
}

/// Whoever was cut short, or does not know, may ask again.
pub async fn erasing_again_changes_nothing(fixture: &Fixture) {
    fill(fixture).await;
    turn(fixture, everything()).await;
    let first = erase(fixture, those([1, 7, 8, 9]), ENTRIES).await;
    assert_eq!(first.openings, 3);
    let left = openings(fixture).await;
    assert_eq!(erase(fixture, those([1, 7, 8, 9]), ENTRIES).await, first);
    assert_eq!(openings(fixture).await, left);
    let more = erase(fixture, those([1, 7, 10]), ENTRIES).await;
    assert_eq!(more.openings, 4, "it adds up");
    assert_eq!(openings(fixture).await.len(), left.len() - 1);
}

/// It is remembered until its entry is written.
pub async fn what_is_erased_is_told_until_it_is_on_record(fixture: &Fixture) {
    fill(fixture).await;
    let store = fixture.generations();
    let told = async || store.unfinished().await.expect("it is told").erased;
    turn(fixture, everything()).await;
    assert_eq!(told().await, Erased::default());
    let erased = erase(fixture, those(0..9), ENTRIES).await;
    assert_eq!((erased.openings, told().await), (6, erased));
    store.erasure_recorded().await.expect("it is let go of");
    assert_eq!(told().await, Erased::default());
    assert_eq!(erase(fixture, those(0..9), ENTRIES).await, Erased::default());
}

/// Openings of the generation in use, and those that the one before may hold, are not erased; nor is
/// anything else then.
pub async fn nothing_is_erased_that_a_journal_may_still_hold(fixture: &Fixture) {
    fill(fixture).await;
    let store = fixture.generations();
    let erase = async |below| store.erase(those(0..40), Receipt(below)).await;
    assert_eq!(erase(ENTRIES).await, Err(StoreError::Unavailable), "they are in the journal");
    let next = store.prepare(everything()).await.expect("the next generation is filled").generation;
    assert_eq!(erase(ENTRIES).await, Err(StoreError::Unavailable), "it is not in use");
    store.switch(next).await.expect("it is put into use");
    assert_eq!(erase(ENTRIES).await, Err(StoreError::Unavailable), "the one before is there");
    store.destroy(next - 1).await.expect("the one before goes");
    fixture.commit(about(subject(&[99]), 99)).await;
    assert_eq!(
        erase(ENTRIES + 1).await,
        Err(StoreError::Unavailable),
        "the last is in the journal"
    );
    assert_eq!(openings(fixture).await.len(), 21);
    assert_eq!(erase(ENTRIES).await.expect("they are erased").openings, 20);
    assert_eq!(openings(fixture).await.len(), 1);
}

/// What was erased stays so over turns, and what comes after it can be erased in its turn.
pub async fn openings_go_on_behind_erased_ones(fixture: &Fixture) {
    let mut expected = Vec::new();
    for round in 0..4_u8 {
        for number in 0..3 {
            fixture.commit(about(subject(&[u16::from(round)]), 10 * round + number)).await;
            fixture.commit(commit(vec![put_head(u16::from(number))])).await;
        }
        let all = openings(fixture).await;
        let behind = all.iter().filter(|(entry, _)| entry.0 >= 6 * u64::from(round));
        expected.extend(behind.cloned());
        assert_eq!(all, expected);
        turn(fixture, everything()).await;
        let (first, last) = (6 * u64::from(round), 6 * u64::from(round) + 4);
        erase(fixture, those([first, last]), last + 1).await;
        expected.retain(|(entry, _)| ![first, last].contains(&entry.0));
        assert_eq!(openings(fixture).await, expected);
    }
    assert_eq!(expected.len(), 4);
    assert_eq!(fixture.entries().await.len(), 24);
}
