//! The index is no truth: however it is lost, it is built anew from the journal, and said to be.

use signpost_embedded::error::OpenError;
use signpost_embedded::store::EmbeddedStore;
use signpost_embedded::verify::{IndexState, verify};

use super::aged::{Aged, Outcome};
use super::cases::{Case, Damage, cases, try_all};
use crate::support::{files, put_back, remove};

const INDEX: &str = "data/generation-0000000002/index";

/// What the index keeps beside the records: how far it is, how many there are, and their sum.
const APPLIED: &[u8] = b"applied";

fn of_index_files(aged: &Aged) -> Vec<Case> {
    let mut all = Vec::new();
    for path in files(&aged.path(INDEX)) {
        let name = path.strip_prefix(aged.place.directory.path()).unwrap().to_str().unwrap();
        let len = aged.len(name);
        let cuts = (0..len).step_by((len / 12).max(1)).map(Damage::CutTo);
        let flips = (0..len).step_by((len / 40).max(7)).map(|at| Damage::Flip { at, bit: 3 });
        all.extend(cases(name, true, cuts.chain(flips).chain([Damage::Missing])));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_or_flipped_anywhere_it_is_right_or_built_anew() {
    let aged = Aged::grow().await;
    let mut rebuilt = 0;
    let all = of_index_files(&aged);
    let count = all.len();
    for (case, outcome) in try_all(&aged, all).await {
        let Outcome::Right { rebuilt_index } = outcome else { panic!("{case:?}: {outcome:?}") };
        rebuilt += usize::from(rebuilt_index);
    }
    assert!(rebuilt > 20 && rebuilt < count, "{rebuilt} of {count} were built anew");
}

#[tokio::test]
async fn one_of_an_earlier_time_is_brought_up_to_date() {
    let aged = Aged::grow().await;
    put_back(&aged.older.join(INDEX), &aged.path(INDEX));
    let IndexState::Lags(frames) = verify(&aged.place.options).unwrap().index else { panic!() };
    assert!(frames > 0);
    assert_eq!(aged.look().await, Outcome::Right { rebuilt_index: false });
}

#[tokio::test]
async fn one_of_another_generation_or_none_is_built_anew() {
    let aged = Aged::grow().await;
    put_back(&aged.first.join("data/generation-0000000001/index"), &aged.path(INDEX));
    assert_eq!(aged.look().await, Outcome::Right { rebuilt_index: true });
    remove(&aged.path(INDEX));
    assert_eq!(aged.look().await, Outcome::Right { rebuilt_index: true });
}

/// What was changed in it under sled's own checksums.
#[tokio::test]
async fn what_disagrees_with_its_own_count_and_sum_is_built_anew() {
    let aged = Aged::grow().await;
    let spoil: [fn(&sled::Db); 6] = [
        |db| drop(db.remove(APPLIED).unwrap()),
        |db| drop(db.insert(APPLIED, b"garbage").unwrap()),
        |db| {
            let (key, _) = db.first().unwrap().unwrap();
            db.remove(key).unwrap();
        },
        |db| {
            let (key, mut value) = db.first().unwrap().unwrap();
            value[20] ^= 1;
            db.insert(key, value).unwrap();
        },
        |db| drop(db.insert([7; 48], vec![1; 300]).unwrap()),
        // The number of the last frame, and a hash that is not that frame's.
        |db| {
            let mut applied = db.get(APPLIED).unwrap().unwrap();
            applied[8] ^= 1;
            db.insert(APPLIED, applied).unwrap();
        },
    ];
    for (nth, spoil) in spoil.iter().enumerate() {
        change_index(&aged, spoil);
        assert_eq!(aged.look().await, Outcome::Right { rebuilt_index: true }, "{nth}");
    }
}

/// It is a witness as well: where it knows of a later frame, acknowledged commits are missing, and
/// nothing is built over them.
#[tokio::test]
async fn one_that_knows_of_a_later_frame_is_believed() {
    let aged = Aged::grow().await;
    change_index(&aged, |db| {
        let mut applied = db.get(APPLIED).unwrap().unwrap();
        applied[0] = 1;
        db.insert(APPLIED, applied).unwrap();
    });
    let error = EmbeddedStore::open(&aged.place.options).unwrap_err();
    let OpenError::FramesMissing { witness, .. } = &error else { panic!("{error}") };
    assert_eq!(*witness, "the index");
}

fn change_index(aged: &Aged, change: impl Fn(&sled::Db)) {
    let db = sled::open(aged.path(INDEX)).unwrap();
    change(&db);
    db.flush().unwrap();
}
