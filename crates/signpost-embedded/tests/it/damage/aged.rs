//! A store with a past, to be damaged: a turn, a power cut with a restart, and about fifty frames.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use signpost_core::memory::MemoryStore;
use signpost_core::store::{Clock, Store};
use signpost_core::testing::ManualClock;
use signpost_core::turn::{Compaction, Generations};
use signpost_embedded::disk::volatile::VolatileDisk;
use signpost_embedded::error::OpenError;
use signpost_embedded::keyring::SoftwareKeyring;
use signpost_embedded::options::Options;
use signpost_embedded::store::EmbeddedStore;
use signpost_embedded::verify::verify;

use crate::support::{Place, copy, files, options, put_back};
use crate::twin::Twin;
use crate::world::{World, first_light};

pub(super) const CHILDREN: u8 = 5;
pub(super) const OPENINGS_PER_SEGMENT: u32 = 16;

/// A closed store of the second generation, whose journal has two files, and what it holds.
pub(super) struct Aged {
    pub(super) place: Place,
    pub(super) twin: Twin,
    /// A copy of data directory and keyring as they are.
    good: PathBuf,
    /// The copy from before the turn.
    pub(super) first: PathBuf,
    /// The copy from before the last commits of the present generation.
    pub(super) older: PathBuf,
}

/// What became of a damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The store was not opened; in these words.
    Refused(String),
    /// The store that was opened is exactly right; whether its index was built anew.
    Right { rebuilt_index: bool },
    /// The store was opened and is not right; verifying says so in these words.
    Verified(String),
    /// Nobody has noticed.
    Unnoticed(String),
}

impl Aged {
    pub(super) async fn grow() -> Self {
        let clock = Arc::new(ManualClock::default());
        let mut place = Place::create(clock.clone());
        place.options.segment_openings_max = OPENINGS_PER_SEGMENT;
        let reference = MemoryStore::new(clock.clone());
        let twin = Arc::new(Twin::new(reference, place.open().store));
        let root = place.directory.path().to_owned();
        let copied = |name: &str| root.join(name);

        first_light(&*twin).await;
        live(&twin, &clock, 0, 8).await;
        twin.embedded().close().await.unwrap();
        take_copy(&place, &copied("first"));
        twin.replace(place.open().store);
        turn(&twin, &clock).await;
        live(&twin, &clock, 1, 8).await;
        twin.embedded().close().await.unwrap();
        take_copy(&place, &copied("older"));

        let disk = VolatileDisk::new();
        twin.replace(EmbeddedStore::open(&on(&place.options, &disk)).unwrap().store);
        live(&twin, &clock, 2, 6).await;
        disk.faults().cut_power();
        let _failed = twin.embedded().close().await;
        twin.replace(place.open().store);
        live(&twin, &clock, 3, 2).await;
        twin.embedded().close().await.unwrap();
        take_copy(&place, &copied("good"));
        let twin = Arc::into_inner(twin).unwrap();
        let [good, first, older] = ["good", "first", "older"].map(copied);
        Self { place, twin, good, first, older }
    }

    /// The same store once more, in another place.
    pub(super) fn another(&self) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for part in ["good", "first", "older"] {
            copy(&self.place.directory.path().join(part), &directory.path().join(part));
        }
        copy(&self.good, directory.path());
        let mut options = options(directory.path(), Arc::clone(&self.place.options.clock));
        options.segment_openings_max = OPENINGS_PER_SEGMENT;
        let place = Place { directory, options };
        let twin = self.twin.another();
        let [good, first, older] =
            ["good", "first", "older"].map(|part| place.directory.path().join(part));
        Self { place, twin, good, first, older }
    }

    /// The path of a file of data directory or keyring.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.place.directory.path().join(name)
    }

    /// The copy of a file as it is to be.
    pub(super) fn good(&self, name: &str) -> PathBuf {
        self.good.join(name)
    }

    pub(super) fn len(&self, name: &str) -> usize {
        usize::try_from(std::fs::metadata(self.path(name)).unwrap().len()).unwrap()
    }

    /// The number of the last segment of openings.
    pub(super) fn segments(&self) -> u64 {
        let keys = self.own_files().into_iter().filter(|file| file.contains(".key"));
        keys.count() as u64
    }

    /// The first entry that the journal of the present generation holds, as CURRENT says.
    pub(super) fn first_entry(&self) -> u64 {
        let current = std::fs::read(self.path("data/CURRENT")).unwrap();
        u64::from_be_bytes(current[56..64].try_into().unwrap())
    }

    /// Verifies the store, which is not changed by it.
    pub(super) fn look_without_opening(&self) -> Outcome {
        match verify(&self.place.options) {
            Err(error) => Outcome::Verified(in_full(&error)),
            Ok(_) => Outcome::Unnoticed("it was verified".to_owned()),
        }
    }

    /// Opens the store and looks at all it holds. Whatever happens, all is as it was afterwards, but
    /// for what the caller has damaged and a refusal has left.
    pub(super) async fn look(&self) -> Outcome {
        let opened = match EmbeddedStore::open(&self.place.options) {
            Err(error) => return Outcome::Refused(in_full(&error)),
            Ok(opened) => opened,
        };
        let rebuilt_index = opened.rebuilt_index;
        self.twin.replace(opened.store);
        let difference = self.twin.difference(CHILDREN).await;
        // It may have found out meanwhile, and failed.
        let _either = self.twin.embedded().close().await;
        let outcome = match (difference, verify(&self.place.options)) {
            (None, _) => Outcome::Right { rebuilt_index },
            (Some(_), Err(error)) => Outcome::Verified(in_full(&error)),
            (Some(difference), Ok(_)) => Outcome::Unnoticed(difference),
        };
        self.restore();
        outcome
    }

    /// Puts all back as it was.
    pub(super) fn restore(&self) {
        for part in ["data", "keyring"] {
            let (from, to) = (self.good.join(part), self.place.directory.path().join(part));
            put_back(&from, &to);
        }
    }

    /// The names of the files that are ours, and not the index's, the lock or the reserve.
    pub(super) fn own_files(&self) -> Vec<String> {
        let index = self.place.index(2);
        let mut own = files(self.place.data());
        own.extend(files(&self.place.options.mark_dir));
        own.retain(|path| {
            !path.starts_with(&index) && !path.ends_with("lock") && !path.ends_with("reserve")
        });
        let root = self.place.directory.path();
        let name = |path: PathBuf| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let mut own: Vec<String> = own.into_iter().map(name).collect();
        own.sort();
        own
    }

    /// The file of the keyring that opens a wrapped key.
    pub(super) fn key_of(&self, wrapped: &str) -> String {
        let bytes = std::fs::read(self.path(wrapped)).unwrap();
        let id = hex::encode(&bytes[1..17]);
        format!("keyring/key-{id}")
    }
}

/// Works for a while: each round is a record and an answer, and now and then more.
async fn live(twin: &Arc<Twin>, clock: &Arc<ManualClock>, part: u64, rounds: u8) {
    let store = Arc::clone(twin) as Arc<dyn Store>;
    let mut world = World::start(store, Arc::clone(clock) as Arc<dyn Clock>).await;
    world.skip_requests(part * 1000);
    for round in 0..rounds {
        let child = round % CHILDREN;
        let (flag, _) = world.record(child, round % 3).await;
        match round % 4 {
            0 => world.end(child, flag).await,
            3 => world.shield_and_lift(child).await,
            _ => {}
        }
        world.ask((round + 1) % CHILDREN).await;
    }
}

async fn turn(twin: &Arc<Twin>, clock: &Arc<ManualClock>) {
    let next = twin.prepare(Arc::new(Compaction { now: clock.now() })).await.unwrap().generation;
    live(twin, clock, 10, 1).await;
    twin.switch(next).await.unwrap();
    twin.destroy(next - 1).await.unwrap();
}

fn on(options: &Options, disk: &VolatileDisk) -> Options {
    let disk = Arc::new(disk.clone());
    let keyring = SoftwareKeyring::open_on(disk.clone(), &options.mark_dir).unwrap();
    Options { disk, keys: Arc::new(keyring), ..options.clone() }
}

/// Without the reserve: it is long, holds nothing, and is made anew.
fn take_copy(place: &Place, to: &Path) {
    std::fs::remove_file(place.data().join("reserve")).unwrap();
    copy(place.data(), &to.join("data"));
    copy(&place.options.mark_dir, &to.join("keyring"));
}

/// An error with all its causes.
pub(super) fn in_full(error: &OpenError) -> String {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}
