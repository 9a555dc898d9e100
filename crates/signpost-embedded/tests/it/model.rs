//! Any course of operations, with restarts, losses, power cuts and turns in between, gives what the
//! reference and a plain map give.
//!
//! A course that was ever found to fail is kept below as a test with a name.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::ToSpan;
use proptest::prelude::*;
use signpost_core::commit::Commit;
use signpost_core::entry::Opening;
use signpost_core::id::{FlagId, Receipt};
use signpost_core::memory::MemoryStore;
use signpost_core::store::{Clock, CommitError, Store};
use signpost_core::subject::Pseudonym;
use signpost_core::testing::ManualClock;
use signpost_core::turn::{Carry, Compaction, EraseOpenings, Generations};
use signpost_embedded::disk::Disk;
use signpost_embedded::disk::os::OsDisk;
use signpost_embedded::disk::volatile::{Faults, VolatileDisk, When};
use signpost_embedded::options::Options;
use signpost_embedded::store::EmbeddedStore;
use tempfile::TempDir;

use crate::catching::Catching;
use crate::support::{finish_turn, options_on, remove};
use crate::twin::{ALL, Twin};
use crate::world::{World, first_light, pseudonym};

#[derive(Clone, Debug)]
enum Step {
    Record {
        child: u8,
        reference: u8,
    },
    End {
        nth: prop::sample::Index,
    },
    Ask {
        child: u8,
    },
    ShieldAndLift {
        child: u8,
    },
    /// Commits that were decided on one state, all at once: of those on one child, one wins.
    Clash {
        children: Vec<u8>,
    },
    /// A commit of a clash once more, long after.
    Repeat {
        nth: prop::sample::Index,
    },
    /// Forward, or back.
    MoveClock {
        seconds: i64,
    },
    /// Closes the store and opens it again.
    Reopen,
    /// Closes the store, loses the index, and opens it again.
    CloseAndLoseIndex,
    /// Fills the next generation, records and ends while that is not in use yet, and turns to it.
    Turn {
        child: u8,
    },
    /// Cuts the power so many operations later, in the middle of a clash. On a disk that forgets
    /// nothing, the store is opened again.
    PowerCut {
        after: u64,
        children: Vec<u8>,
    },
    /// Erases the openings about a child that a turn has left in no journal.
    Erase {
        child: u8,
    },
    /// Cuts the power so many operations after such an erasure was begun, which is done again then.
    EraseCutShort {
        child: u8,
        after: u64,
    },
    /// Cuts the power so many operations after a turn was begun.
    TurnCutShort {
        after: u64,
    },
}

const CHILDREN: u8 = 3;

/// Erases the openings about a child.
#[derive(Debug)]
struct About(Pseudonym);

impl EraseOpenings for About {
    fn erases(&self, _entry: Receipt, opening: &Opening) -> bool {
        opening.subject().pseudonyms().iter().any(|named| named.pseudonym == self.0)
    }
}

fn step() -> impl Strategy<Value = Step> {
    let child = 0..CHILDREN;
    let children = || prop::collection::vec(0..CHILDREN, 2..6);
    prop_oneof![
        4 => (child.clone(), 0..3_u8)
            .prop_map(|(child, reference)| Step::Record { child, reference }),
        2 => any::<prop::sample::Index>().prop_map(|nth| Step::End { nth }),
        3 => child.clone().prop_map(|child| Step::Ask { child }),
        1 => child.clone().prop_map(|child| Step::ShieldAndLift { child }),
        2 => children().prop_map(|children| Step::Clash { children }),
        1 => any::<prop::sample::Index>().prop_map(|nth| Step::Repeat { nth }),
        // A day and more lets replays and liftings have had their time.
        2 => prop_oneof![-5_i64..60, -90_000_i64..200_000]
            .prop_map(|seconds| Step::MoveClock { seconds }),
        1 => Just(Step::Reopen),
        1 => Just(Step::CloseAndLoseIndex),
        1 => child.prop_map(|child| Step::Turn { child }),
        1 => (0..12_u64, children())
            .prop_map(|(after, children)| Step::PowerCut { after, children }),
        1 => (0..40_u64).prop_map(|after| Step::TurnCutShort { after }),
        1 => (0..CHILDREN).prop_map(|child| Step::Erase { child }),
        1 => (0..CHILDREN, 0..40_u64)
            .prop_map(|(child, after)| Step::EraseCutShort { child, after }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn the_embedded_store_does_as_the_reference_does(
        steps in prop::collection::vec(step(), 1..24),
    ) {
        run_blocking(steps, None);
    }

    #[test]
    fn the_embedded_store_does_so_on_a_disk_that_forgets(
        steps in prop::collection::vec(step(), 1..24),
        seed in any::<u64>(),
    ) {
        run_blocking(steps, Some(seed));
    }
}

/// Of two that clash in one batch the second is refused for the first, which dies with the power: then
/// what the second rests on has not changed, and it had no effect all the same.
#[test]
fn whoever_clashed_with_a_commit_that_was_lost_is_refused_and_no_more() {
    for seed in 0..4 {
        let clash = Step::PowerCut { after: 0, children: vec![1, 1, 1] };
        let steps = vec![Step::Record { child: 1, reference: 0 }, clash, Step::Reopen];
        run_blocking(steps, Some(seed));
    }
}

fn run_blocking(steps: Vec<Step>, seed: Option<u64>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    runtime.unwrap().block_on(async {
        let mut course = Course::begin(seed).await;
        for step in steps {
            course.step(step).await;
            course.twin.compare(CHILDREN).await;
            course.twin.compare_with_map().await;
        }
    });
}

/// A store on its way, beside the reference.
struct Course {
    directory: TempDir,
    clock: Arc<ManualClock>,
    /// By which a disk that forgets writes early; none on a disk that forgets nothing.
    seed: Option<u64>,
    faults: Option<Faults>,
    options: Options,
    twin: Arc<Twin>,
    world: World,
    /// How many worlds there were: each draws its ids from a seed of its own.
    worlds: u64,
    flags: Vec<(u8, FlagId)>,
    clashed: Vec<Commit>,
    generation: u64,
    /// The first entry of its journal.
    first_entry: Receipt,
}

impl Course {
    async fn begin(seed: Option<u64>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::default());
        let (options, faults) = options(&directory, &clock, seed);
        EmbeddedStore::create(&options).unwrap();
        let store = EmbeddedStore::open(&options).unwrap().store;
        let twin = Arc::new(Twin::new(MemoryStore::new(clock.clone()), store));
        first_light(&*twin).await;
        let world = World::start(twin.clone(), clock.clone()).await;
        let (flags, clashed) = (Vec::new(), Vec::new());
        Self {
            directory,
            clock,
            seed,
            faults,
            options,
            twin,
            world,
            worlds: 1,
            flags,
            clashed,
            generation: 1,
            first_entry: Receipt(0),
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Record { child, reference } => self.record(child, reference).await,
            Step::End { nth } if !self.flags.is_empty() => {
                let (child, flag) = *nth.get(&self.flags);
                self.world.end(child, flag).await;
            }
            Step::Repeat { nth } if !self.clashed.is_empty() => {
                let commit = nth.get(&self.clashed).clone();
                let _either = self.twin.commit(commit).await;
            }
            Step::End { .. } | Step::Repeat { .. } => {}
            Step::Ask { child } => drop(self.world.ask(child).await),
            Step::ShieldAndLift { child } => self.world.shield_and_lift(child).await,
            Step::MoveClock { seconds } => self.clock.step(seconds.seconds()),
            Step::Clash { children } => {
                self.catch_up_with_clock().await;
                let given = self.clash(children).await;
                self.twin.follow(given).await;
            }
            Step::Reopen => {
                self.twin.embedded().close().await.unwrap();
                assert!(!self.open(), "a closed store needs no new index");
            }
            Step::CloseAndLoseIndex => {
                self.twin.embedded().close().await.unwrap();
                remove(&self.generation_path(self.generation).join("index"));
                assert!(self.open());
            }
            Step::Turn { child } => self.turn(child).await,
            Step::PowerCut { after, children } => {
                self.catch_up_with_clock().await;
                self.cut_power(after, children).await;
            }
            Step::TurnCutShort { after } => self.cut_turn_short(after).await,
            Step::Erase { child } => {
                let about = Arc::new(About(pseudonym(child)));
                self.twin.erase(about, self.first_entry).await.unwrap();
            }
            Step::EraseCutShort { child, after } => self.cut_erasure_short(child, after).await,
        }
    }

    async fn record(&mut self, child: u8, reference: u8) {
        self.flags.push((child, self.world.record(child, reference).await.0));
    }

    async fn turn(&mut self, child: u8) {
        let next = self.twin.prepare(self.compaction()).await.unwrap().generation;
        self.record(child, 0).await;
        let (ended, flag) = self.flags[0];
        self.world.end(ended, flag).await;
        self.twin.switch(next).await.unwrap();
        self.twin.destroy(self.generation).await.unwrap();
        self.turned_to(next).await;
    }

    async fn turned_to(&mut self, generation: u64) {
        self.generation = generation;
        let entries = self.twin.entries(Receipt(0), ALL).await.unwrap();
        self.first_entry = Receipt(entries.len() as u64);
    }

    fn compaction(&self) -> Arc<dyn Carry> {
        Arc::new(Compaction { now: self.clock.now() })
    }

    /// Whoever starts after the clock went a day ahead of the last entry puts that on record first.
    async fn catch_up_with_clock(&mut self) {
        drop(self.world.ask(0).await);
    }

    /// Decides on one commit for each of these children, then hands all over at once.
    async fn clash(&mut self, children: Vec<u8>) -> Vec<(Commit, Result<Receipt, CommitError>)> {
        let mut decided = Vec::new();
        for (nth, child) in children.into_iter().enumerate() {
            self.worlds += 1;
            let catching = Arc::new(Catching::before(Arc::clone(&self.twin) as Arc<dyn Store>));
            let store = Arc::clone(&catching) as Arc<dyn Store>;
            let mut world = World::start_from(self.worlds, store, self.clock.clone()).await;
            world.skip_requests(self.worlds * 1000);
            match nth % 3 {
                0 | 1 => drop(world.try_record(child, 0).await),
                _ => drop(world.try_ask(child).await),
            }
            decided.extend(catching.take());
        }
        self.clashed.extend(decided.iter().cloned());
        let store = self.twin.embedded();
        let hand_over = |commit: Commit| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { (commit.clone(), store.commit(commit).await) })
        };
        let handed_over: Vec<_> = decided.into_iter().map(hand_over).collect();
        let mut given = Vec::new();
        for one in handed_over {
            given.push(one.await.unwrap());
        }
        given
    }

    async fn cut_power(&mut self, after: u64, children: Vec<u8>) {
        self.die_after(after);
        let given = self.clash(children).await;
        self.open_after_power_cut().await;
        self.twin.follow(given).await;
    }

    async fn cut_erasure_short(&mut self, child: u8, after: u64) {
        let about = Arc::new(About(pseudonym(child)));
        self.die_after(after);
        let _either = self.twin.embedded().erase(about.clone(), self.first_entry).await;
        self.open_after_power_cut().await;
        self.twin.erase(about, self.first_entry).await.unwrap();
    }

    /// Whether the next generation came into use is for CURRENT to say.
    async fn cut_turn_short(&mut self, after: u64) {
        let carry = self.compaction();
        let next = self.twin.prepare_reference(Arc::clone(&carry)).await;
        self.die_after(after);
        if self.twin.embedded().prepare(carry).await.is_ok() && self.faults.is_some() {
            let _either = self.twin.embedded().switch(next).await;
        }
        self.open_after_power_cut().await;
        if self.generation_path(next).exists() {
            self.twin.follow_switch(next).await;
            finish_turn(&self.twin.embedded()).await.unwrap();
            self.turned_to(next).await;
        }
    }

    fn die_after(&self, operations: u64) {
        if let Some(faults) = &self.faults {
            faults.die(faults.count() + operations, When::Before);
        }
    }

    /// Opens what a power cut has left, on a new disk; what no power cut has met, as it is.
    async fn open_after_power_cut(&mut self) {
        if let Some(faults) = &self.faults {
            faults.cut_power();
        }
        let _failed = self.twin.embedded().close().await;
        self.seed = self.seed.map(|seed| seed.wrapping_add(1));
        (self.options, self.faults) = options(&self.directory, &self.clock, self.seed);
        self.open();
    }

    /// Opens the store; returns whether its index was built anew.
    fn open(&self) -> bool {
        let opened = EmbeddedStore::open(&self.options).unwrap();
        self.twin.replace(opened.store);
        opened.rebuilt_index
    }

    fn generation_path(&self, generation: u64) -> PathBuf {
        self.options.data_dir.join(format!("generation-{generation:010}"))
    }
}

fn options(
    directory: &TempDir,
    clock: &Arc<ManualClock>,
    seed: Option<u64>,
) -> (Options, Option<Faults>) {
    let volatile = seed.map(|seed| {
        let disk = VolatileDisk::new();
        disk.faults().write_back(seed);
        disk
    });
    let faults = volatile.as_ref().map(VolatileDisk::faults);
    let disk: Arc<dyn Disk> = match volatile {
        Some(disk) => Arc::new(disk),
        None => Arc::new(OsDisk),
    };
    let mut options = options_on(directory.path(), disk).unwrap();
    options.clock = clock.clone();
    (options, faults)
}
