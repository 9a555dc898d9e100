//! Starts after each kind of end, and the plain reading of the journal right before each.

use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::child::{self, Told};
use crate::county::County;
use crate::page_cache::drop_page_cache;

/// How the store ended before a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was closed.
    Stop,
    /// Its process was killed under load.
    Kill,
    /// It was closed, and its index removed.
    IndexLost,
}

/// Whether the kernel has the files in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cache {
    /// All that memory holds of them; they were just written or read.
    Hot,
    /// Nothing.
    Cold,
}

/// What is started, and what it goes through before a kill.
#[derive(Debug)]
pub(crate) struct Plan<'p> {
    pub(crate) county: &'p County,
    pub(crate) under_load: Duration,
}

/// One start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) end: End,
    pub(crate) cache: Cache,
    pub(crate) journal: Journal,
    pub(crate) told: Told,
}

/// The journal, read plainly and hashed with BLAKE3.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Journal {
    pub(crate) bytes: u64,
    pub(crate) seconds: f64,
}

/// Every kind of end, in the order of a round: the journal is as it was until the kill.
pub(crate) const ENDS: [End; 3] = [End::Stop, End::IndexLost, End::Kill];

impl End {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stop => "clean stop",
            Self::Kill => "kill",
            Self::IndexLost => "index lost",
        }
    }
}

impl Cache {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Cold => "cold",
        }
    }

    /// What was written before is on the disk either way: it is not measured with what follows.
    fn prepare(self) {
        match self {
            Self::Hot => rustix::fs::sync(),
            Self::Cold => assert!(drop_page_cache(), "it could be dropped before"),
        }
    }
}

impl Plan<'_> {
    /// One start after each kind of end.
    pub(crate) fn round(&self, cache: Cache) -> anyhow::Result<Vec<Start>> {
        ENDS.into_iter().map(|end| self.start_after(end, cache)).collect()
    }

    /// The store is closed before and after.
    fn start_after(&self, end: End, cache: Cache) -> anyhow::Result<Start> {
        match end {
            End::Stop => {}
            End::Kill => child::load_and_kill(self.county, self.under_load)?,
            End::IndexLost => fs::remove_dir_all(self.generation()?.join("index"))?,
        }
        cache.prepare();
        let journal = self.read_journal()?;
        cache.prepare();
        let told = child::open(self.county)?;
        ensure!(
            told.rebuilt_index == (end == End::IndexLost),
            "after {}: the index was built anew, or not, as it should not be",
            end.name()
        );
        Ok(Start { end, cache, journal, told })
    }

    /// All files of the journal, once.
    fn read_journal(&self) -> anyhow::Result<Journal> {
        let begun = Instant::now();
        let (mut hasher, mut bytes, mut buffer) = (blake3::Hasher::new(), 0, vec![0; 1 << 20]);
        for entry in fs::read_dir(self.generation()?)? {
            let entry = entry?;
            if !entry.file_name().to_string_lossy().starts_with("journal-") {
                continue;
            }
            let mut file = File::open(entry.path())?;
            loop {
                let read = file.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
        std::hint::black_box(hasher.finalize());
        Ok(Journal { bytes, seconds: begun.elapsed().as_secs_f64() })
    }

    /// The folder of the one generation there is.
    fn generation(&self) -> anyhow::Result<PathBuf> {
        let found = fs::read_dir(self.county.path("data"))?.flatten();
        let mut found =
            found.filter(|entry| entry.file_name().to_string_lossy().starts_with("generation-"));
        Ok(found.next().context("no generation")?.path())
    }
}
