//! Ways to damage a file, each tried on a copy of one store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::aged::{Aged, Outcome};
use crate::support::{put_back, remove};

/// One way to damage a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    CutTo(usize),
    Flip {
        at: usize,
        bit: u8,
    },
    Missing,
    /// As it was before the turn, or before the last commits.
    AsBeforeTheTurn,
    AsBefore,
}

/// A file, what is done to it, and whether it is opened then or only verified.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) file: String,
    pub(super) damage: Damage,
    pub(super) is_opened: bool,
}

/// How many stores are damaged at a time: opening one waits for the disk half of the time.
const AT_A_TIME: usize = 6;

/// Does all of this to copies of one store; returns what became of each.
pub(super) async fn try_all(aged: &Aged, cases: Vec<Case>) -> Vec<(Case, Outcome)> {
    let cases = Arc::new(cases);
    let next = Arc::new(AtomicUsize::new(0));
    let workers = (0..AT_A_TIME).map(|_| {
        let (aged, cases, next) = (aged.another(), Arc::clone(&cases), Arc::clone(&next));
        let runtime = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || {
            let mut outcomes = Vec::new();
            while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                outcomes.push((case.clone(), runtime.block_on(try_one(&aged, case))));
            }
            outcomes
        })
    });
    let mut outcomes = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        outcomes.extend(worker.await.unwrap());
    }
    outcomes
}

async fn try_one(aged: &Aged, case: &Case) -> Outcome {
    let path = aged.path(&case.file);
    let bytes = std::fs::read(&path).unwrap();
    match case.damage {
        Damage::CutTo(len) => std::fs::write(&path, &bytes[..len]).unwrap(),
        Damage::Flip { at, bit } => {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            std::fs::write(&path, flipped).unwrap();
        }
        Damage::Missing => remove(&path),
        Damage::AsBeforeTheTurn => put_back(&aged.first.join(&case.file), &path),
        Damage::AsBefore => put_back(&aged.older.join(&case.file), &path),
    }
    let outcome = if case.is_opened { aged.look().await } else { aged.look_without_opening() };
    put_back(&aged.good(&case.file), &path);
    outcome
}

pub(super) fn cases(
    file: &str,
    is_opened: bool,
    damages: impl IntoIterator<Item = Damage>,
) -> Vec<Case> {
    let case = |damage| Case { file: file.to_owned(), damage, is_opened };
    damages.into_iter().map(case).collect()
}

pub(super) fn every_cut(len: usize) -> impl Iterator<Item = Damage> {
    (0..len).map(Damage::CutTo)
}

pub(super) fn every_bit(bytes: std::ops::Range<usize>) -> impl Iterator<Item = Damage> {
    bytes.flat_map(|at| (0..8).map(move |bit| Damage::Flip { at, bit }))
}

/// One bit in each 64 bytes, not always the same.
pub(super) fn one_bit_in_64(len: usize) -> impl Iterator<Item = Damage> {
    (0..len.div_ceil(64)).map(move |nth| {
        let at = (nth * 64 + nth * 7 % 64).min(len - 1);
        Damage::Flip { at, bit: u8::try_from(nth % 8).unwrap() }
    })
}
