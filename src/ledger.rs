//! The ledger as a Merkle tree, kept beside the store: where it lies, who signs it, how it is made.
//!
//! The store is the truth of what the entries are; the tree is what outsiders can hold us to.
//! `keeper` feeds it while the service runs (`feed`), `start` compares the two before anything is
//! served, and `witnesses` are others who keep what was signed.

mod disk;
pub(crate) mod feed;
pub(crate) mod keeper;
pub(crate) mod start;
pub(crate) mod witnesses;

use std::path::Path;
use std::sync::Arc;

use signpost_embedded::disk::Disk;
use signpost_ledger::error::LedgerError;
use signpost_ledger::log::Log;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::note::signer::LogSigner;

use crate::config;
use crate::exit::{Exit, Failure};
use crate::seed_file;
use crate::server::with_sources;
use disk::LogDisk;

/// The public key of the ledger that the configuration names: what outsiders verify by.
pub fn verifier(config: &config::Ledger) -> Result<VerifierKey, Failure> {
    signer(config).map(|signer| signer.verifier().clone())
}

/// Makes a ledger without entries where the configuration says; the service fills it. One that is
/// there is refused, and so is a missing key.
pub fn create(disk: Arc<dyn Disk>, config: &config::Ledger) -> Result<(), Failure> {
    let made = Log::create(Arc::new(LogDisk(disk)), &config.directory, signer(config)?);
    made.map(drop).map_err(|error| Failure::config(with_sources(&error)))
}

/// Opens the ledger that the configuration names.
pub(crate) fn open(disk: Arc<dyn Disk>, config: &config::Ledger) -> Result<Log, Failure> {
    let opened = Log::open(Arc::new(LogDisk(disk)), &config.directory, signer(config)?);
    opened.map_err(|error| sealed(&config.directory, &error))
}

/// Why a ledger is not relied on, and what to do about it.
fn sealed(directory: &Path, error: &LedgerError) -> Failure {
    let (directory, problem) = (directory.display(), with_sources(error));
    let advice = "restore it from a copy, or move it away and make it anew from the store's \
                  entries (signpost ledger create)";
    Failure::new(Exit::Sealed, format!("the ledger {directory}: {problem}; {advice}"))
}

/// Reads the key and the name that checkpoints are signed with.
pub(crate) fn signer(config: &config::Ledger) -> Result<LogSigner, Failure> {
    LogSigner::new(&config.origin, &seed_file::read(&config.key)?)
        .map_err(|error| Failure::config(format!("ledger.origin: {error}")))
}
