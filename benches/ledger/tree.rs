//! A ledger to measure, and the plain reading and hashing of its entries beside it.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use sha2::{Digest, Sha256};
use signpost_ledger::disk::OsDisk;
use signpost_ledger::log::Log;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::note::signer::{LogSigner, Seed};

/// The time of the first entry, in milliseconds since 1970.
const FIRST_MS: u64 = 1_780_000_000_000;

/// The bytes of all bundles, and how long each way through them took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain {
    pub(crate) bytes: u64,
    pub(crate) read: Duration,
    /// Reading and SHA-256 over all of them as one stream, on one thread.
    pub(crate) hashed: Duration,
}

/// What verifies the ledger's checkpoint.
pub(crate) fn key() -> anyhow::Result<VerifierKey> {
    Ok(signer()?.verifier().clone())
}

fn signer() -> anyhow::Result<LogSigner> {
    Ok(LogSigner::new("bench.example/ledger", &Seed::new([7; 32]))?)
}

/// Makes a ledger of so many entries, with one checkpoint at its end.
pub(crate) fn make(directory: &Path, entries: u64) -> anyhow::Result<(Log, Duration)> {
    let mut log = Log::create(Arc::new(OsDisk), directory, signer()?)?;
    let from = Instant::now();
    for index in 0..entries {
        log.append(index, &entry(index))?;
    }
    log.checkpoint()?;
    Ok((log, from.elapsed()))
}

/// An entry by the service's layout: one each millisecond, with what would be a commitment and ids.
fn entry(index: u64) -> [u8; 256] {
    let mut entry = [0; 256];
    entry[1] = 1;
    entry[8..16].copy_from_slice(&(FIRST_MS + index).to_be_bytes());
    entry[16..48].copy_from_slice(&Sha256::digest(index.to_be_bytes()));
    entry[176..208].copy_from_slice(&Sha256::digest((!index).to_be_bytes()));
    entry
}

/// Reads all bundles by their names, and so in the order of their entries, once without and once with
/// hashing them.
pub(crate) fn read_and_hash(directory: &Path) -> anyhow::Result<Plain> {
    let mut bundles = Vec::new();
    let mut left = vec![directory.join("tile/entries")];
    while let Some(next) = left.pop() {
        for found in fs::read_dir(&next).with_context(|| next.display().to_string())? {
            let path = found?.path();
            if path.is_dir() { left.push(path) } else { bundles.push(path) }
        }
    }
    bundles.sort();
    let mut bytes = Vec::new();
    let mut pass = |each: &mut dyn FnMut(&[u8])| -> anyhow::Result<Duration> {
        let from = Instant::now();
        for bundle in &bundles {
            bytes.clear();
            File::open(bundle)?.read_to_end(&mut bytes)?;
            each(&bytes);
        }
        Ok(from.elapsed())
    };
    let mut all = 0;
    let read = pass(&mut |bytes| all += bytes.len() as u64)?;
    let mut digest = Sha256::new();
    let hashed = pass(&mut |bytes| digest.update(bytes))?;
    std::hint::black_box(digest.finalize());
    Ok(Plain { bytes: all, read, hashed })
}
