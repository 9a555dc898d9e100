//! Killed at any moment: what was acknowledged and answered is there after the next start.
//!
//! The server is a process of its own, and so is its client: this very test executable, started
//! again. The client writes one line for each acknowledged write and each received answer, before it
//! sends the next request. Then one of the two is killed at a random moment, the other after it, the
//! server is started again, and the lines are compared with what the store holds.

mod client;
mod forgetful;
mod ledger;

use std::collections::BTreeSet;
use std::time::Duration;

use signpost::entropy::SystemEntropy;
use signpost_core::entry::Entry;
use signpost_core::record::{Record, RecordKey};
use signpost_core::store::Store;
use signpost_core::terms::{Action, Outcome};
use signpost_ledger::note::checkpoint::Checkpoint;

use crate::harness::{Binary, Ledger, Victim, World, eventually, open_store};
use client::{Burst, Line, What};

const TEST: &str = "process::kill::what_was_acknowledged_and_answered_outlives_every_kill";

/// How many rounds there are, where it is set.
const ROUNDS: &str = "SIGNPOST_KILL_ROUNDS";
const ROUNDS_USUALLY: u32 = 5;

/// A kill comes at most this many microseconds after the client has begun to write and to ask.
const KILLED_WITHIN_MICROS: u32 = 250_000;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_and_answered_outlives_every_kill() {
    if let Some(burst) = Burst::told() {
        return burst.run().await;
    }
    kill_and_compare::<Binary>(&Binary::initialised(), rounds()).await;
}

fn rounds() -> u32 {
    std::env::var(ROUNDS).map_or(ROUNDS_USUALLY, |text| text.parse().unwrap())
}

/// What was told in all rounds so far, and the ledger as the last of them left it.
#[derive(Default)]
struct Told {
    receipts: BTreeSet<u64>,
    acknowledged: usize,
    answers: usize,
    entries: Vec<Entry>,
    /// What was signed and given out, in order.
    given: Vec<Checkpoint>,
    /// The checkpoint that the last round ended with.
    note: Option<Vec<u8>>,
}

async fn kill_and_compare<V: Victim>(world: &World, rounds: u32) {
    let mut told = Told::default();
    for round in 0..rounds {
        let burst = burst_and_kill::<V>(world, round).await;
        let lines = burst.lines();
        // It opens what it has left behind, serves, and ends in good order.
        V::start(world).await.stop().await;
        told.compare(world, &lines).await;
        told.compare_tree(world, &burst, &lines);
    }
    let Told { acknowledged, answers, given, .. } = told;
    // One of each round is that of its end.
    let checkpoints = given.len() - rounds as usize;
    println!("{rounds} rounds: {acknowledged} writes acknowledged, {answers} answers, none lost");
    println!("{checkpoints} checkpoints, each held by every later one and by the tree at the end");
    let under_way = acknowledged > 0 && answers > 0 && checkpoints > 0;
    assert!(rounds < ROUNDS_USUALLY || under_way, "nothing was under way");
}

/// One burst of writes and questions, and its end.
async fn burst_and_kill<V: Victim>(world: &World, round: u32) -> Burst {
    let victim = V::start(world).await;
    let burst = Burst { folder: world.path(""), address: victim.address(), round };
    let mut client = burst.start(TEST);
    eventually("the first line", || {
        let begun = burst.has_begun();
        async move { begun.then_some(()) }
    })
    .await;
    let chance = u32::from_be_bytes(SystemEntropy.bytes());
    tokio::time::sleep(Duration::from_micros(u64::from(chance % KILLED_WITHIN_MICROS))).await;
    if round % 4 == 3 {
        client.kill().unwrap();
        victim.kill().await;
    } else {
        victim.kill().await;
        client.kill().unwrap();
    }
    client.wait().unwrap();
    burst
}

impl Told {
    /// Each write that was acknowledged is there, each answer that was received is on record, and
    /// the ledger goes on where it was.
    async fn compare(&mut self, world: &World, lines: &[Line]) {
        let store = open_store(world).await;
        let ledger = Ledger::read(&store).await;
        assert!(ledger.0.starts_with(&self.entries), "the ledger of earlier rounds has changed");
        let times = ledger.0.windows(2).all(|pair| pair[0].time_ms() <= pair[1].time_ms());
        assert!(times, "times went back");
        for line in lines {
            assert!(self.receipts.insert(line.receipt), "receipt {} was given twice", line.receipt);
            let entry = ledger.at(line.receipt);
            assert_eq!(entry.action(), line.what.action(), "{line:?}");
            match line.what {
                What::Ask | What::AskMany => {
                    let nothing = entry.outcome() == Outcome::NoVisibleContact;
                    assert_eq!(nothing, line.shown == 0, "{line:?}: {:?}", entry.outcome());
                    self.answers += 1;
                }
                What::Record | What::End | What::Shield => {
                    assert_eq!(entry.outcome(), Outcome::Done);
                    is_written(&store, line).await;
                    self.acknowledged += 1;
                }
            }
        }
        self.entries = ledger.0;
        store.close().await.unwrap();
    }
}

/// The flag lies under its pseudonym, ended if that is what was acknowledged; or the shield does.
async fn is_written(store: &dyn Store, line: &Line) {
    let key = match line.flag {
        Some(flag) => RecordKey::Flag(line.pseudonym.clone(), flag),
        None => RecordKey::Head(line.pseudonym.clone()),
    };
    let stored = store.read(&key).await.unwrap();
    let stored = stored.unwrap_or_else(|| panic!("lost: {line:?}"));
    assert!(stored.version.0 >= line.receipt, "older than it was: {line:?}");
    match stored.record {
        Record::Flag(copy) => {
            let is_ended = copy.flag.involvement.details().ended.is_some();
            assert!(is_ended || line.what != What::End, "the end is lost: {line:?}");
        }
        Record::Head(head) => assert!(!head.shields.is_empty(), "the shield is lost: {line:?}"),
        other => panic!("{line:?} leads to {other:?}"),
    }
}

impl What {
    fn action(self) -> Action {
        match self {
            Self::Ask => Action::Ask,
            Self::AskMany => Action::AskMany,
            Self::Record => Action::RecordContact,
            Self::End => Action::EndContact,
            Self::Shield => Action::SetShield,
        }
    }
}
