//! Files of Ed25519 seeds: 64 hexadecimal digits that only their owner may read.

use std::path::Path;

use signpost_ledger::note::signer::Seed;
use zeroize::Zeroizing;

use crate::entropy::SystemEntropy;
use crate::exit::Failure;
use crate::secret_file;

/// What such a file of a new seed holds.
#[must_use]
pub fn new() -> Zeroizing<String> {
    let seed = Zeroizing::new(SystemEntropy.bytes::<{ Seed::LEN }>());
    let mut text = Zeroizing::new(hex::encode(*seed));
    text.push('\n');
    text
}

/// Writes a new seed into a new file.
pub fn create(path: &Path) -> Result<(), Failure> {
    secret_file::create(path, &new())
}

/// Reads a seed.
pub fn read(path: &Path) -> Result<Seed, Failure> {
    let text = secret_file::read(path)?;
    let mut seed = Zeroizing::new([0; Seed::LEN]);
    hex::decode_to_slice(text.trim_end(), &mut *seed).map_err(|_| {
        let path = path.display();
        Failure::config(format!("{path}: must be the 64 hex digits of an Ed25519 seed"))
    })?;
    Ok(Seed::new(*seed))
}
