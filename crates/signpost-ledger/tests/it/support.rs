//! A log of numbered entries, on a disk that does not wait for syncs.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use signpost_ledger::disk::{Disk, OsDisk, WriteError};
use signpost_ledger::error::LedgerError;
use signpost_ledger::log::Log;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::note::signer::{LogSigner, Seed, WitnessSigner};
use signpost_ledger::verify::entries::EntryRules;
use signpost_ledger::verify::{Verification, Verified, VerifyError};

/// The machine's disk without its syncs; it counts what is read.
#[derive(Debug, Default)]
pub(crate) struct Unsynced {
    reads: AtomicU64,
}

impl Unsynced {
    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }
}

impl Disk for Unsynced {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        OsDisk.read(path)
    }

    fn write_synced(&self, path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
        fs::write(path, bytes).map_err(WriteError::NotWritten)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename(from, to)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        OsDisk.create_directory(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove_directory(path)
    }

    fn sync_directory(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn identity(&self, path: &Path) -> io::Result<(u64, u64)> {
        OsDisk.identity(path)
    }
}

pub(crate) fn signer() -> LogSigner {
    LogSigner::new("signpost.example/ledger", &Seed::new([7; 32])).unwrap()
}

pub(crate) fn key() -> VerifierKey {
    signer().verifier().clone()
}

pub(crate) fn witness() -> WitnessSigner {
    WitnessSigner::new("witness.example/w1", &Seed::new([8; 32])).unwrap()
}

/// An entry as the service writes them, as far as the verifier looks at it.
pub(crate) fn entry(index: u64) -> [u8; 256] {
    let mut entry = [0; 256];
    entry[1] = 1;
    entry[8..16].copy_from_slice(&(1_700_000_000_000 + index / 2).to_be_bytes());
    entry[208..216].copy_from_slice(&index.to_be_bytes());
    entry
}

pub(crate) fn create(directory: &Path) -> Log {
    Log::create(Arc::new(Unsynced::default()), directory, signer()).unwrap()
}

pub(crate) fn open(directory: &Path) -> Result<Log, LedgerError> {
    Log::open(Arc::new(Unsynced::default()), directory, signer())
}

/// Feeds the log until it has so many entries.
pub(crate) fn feed(log: &mut Log, size: u64) {
    for index in log.size()..size {
        log.append(index, &entry(index)).unwrap();
    }
}

/// A log of this size, with a checkpoint at each of these sizes and at the end.
pub(crate) fn log_with(directory: &Path, checkpoints: &[u64], size: u64) -> Log {
    let mut log = create(directory);
    for at in checkpoints.iter().copied().chain([size]) {
        feed(&mut log, at);
        log.checkpoint().unwrap();
    }
    log
}

/// Verifies with the rules of the service's entries.
pub(crate) fn verify(directory: &Path, since: Option<&str>) -> Result<Verified, VerifyError> {
    let key = key();
    let mut rules = EntryRules::default();
    let mut verification = Verification::new(directory, &key);
    if let Some(since) = since {
        verification = verification.since(since.as_bytes());
    }
    verification.run(|_, entry| rules.check(entry), |_, _| {})
}
