//! The evaluation keys of the pseudonymiser: their file, and what each is known by again.

use std::path::Path;

use sha2::{Digest, Sha256};
use signpost_core::id::KeyFingerprint;
use signpost_core::subject::EvaluationKeyId;
use signpost_pseudonym::oprf::EvaluationKeys;

use crate::exit::Failure;
use crate::secret_file;

/// Reads a key file.
pub fn read(path: &Path) -> Result<EvaluationKeys, Failure> {
    let text = secret_file::read(path)?;
    EvaluationKeys::from_text(&text)
        .map_err(|error| Failure::config(format!("{}: {error}", path.display())))
}

/// The id of each key and its fingerprint: SHA-256 of a fixed text and the secret, which is random
/// and so cannot be guessed back.
#[must_use]
pub fn fingerprints(keys: &EvaluationKeys) -> Vec<(EvaluationKeyId, KeyFingerprint)> {
    let fingerprint = |secret: &[u8; 32]| {
        let hash = Sha256::new().chain_update("signpost evaluation key v1\0").chain_update(secret);
        KeyFingerprint::new(hash.finalize().into())
    };
    keys.iter().map(|key| (EvaluationKeyId(key.id().0), fingerprint(&key.to_bytes()))).collect()
}
