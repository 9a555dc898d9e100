//! The file of a certificate: what an outsider needs to check it, in one JSON object.

use serde::{Deserialize, Serialize};
use signpost_ledger::note::NOTE_LEN_MAX;
use signpost_ledger::tree::hash::Hash;
use signpost_ledger::tree::proof::InclusionProof;

/// A file longer than this is none: note, entry, proof and checkpoint, in JSON.
pub const FILE_LEN_MAX: usize = 4 * NOTE_LEN_MAX;

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateFile {
    /// The certificate as a note (C2SP signed-note), signed by the ledger's key.
    pub certificate: String,
    /// The ledger entry that holds its digest: 256 bytes, hexadecimal.
    pub entry: String,
    /// The index of that entry.
    pub index: u64,
    /// The hashes of the proof that it is under the checkpoint, from below, hexadecimal.
    pub proof: Vec<String>,
    /// A checkpoint of the ledger (C2SP tlog-checkpoint), cosigned by its witnesses if it has any.
    pub checkpoint: String,
}

/// Why a file is none of a certificate.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is longer than any.
    #[error("longer than any file of a certificate")]
    Long,
    /// It is not JSON of this form.
    #[error("not the file of a certificate: {0}")]
    Json(#[from] serde_json::Error),
    /// The entry is not 256 bytes of hexadecimal digits.
    #[error("the entry is not 256 bytes in hexadecimal digits")]
    Entry,
    /// A hash is not 32 bytes of hexadecimal digits.
    #[error("hash {0} of the proof is not 32 bytes in hexadecimal digits")]
    Hash(usize),
}

impl CertificateFile {
    /// Reads a file.
    pub fn parse(bytes: &[u8]) -> Result<Self, FileError> {
        if bytes.len() > FILE_LEN_MAX {
            return Err(FileError::Long);
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// The bytes of the entry.
    pub fn entry(&self) -> Result<[u8; 256], FileError> {
        let mut entry = [0; 256];
        hex::decode_to_slice(&self.entry, &mut entry).map_err(|_| FileError::Entry)?;
        Ok(entry)
    }

    /// The proof, for a tree of this size.
    pub fn proof(&self, size: u64) -> Result<InclusionProof, FileError> {
        let mut path = Vec::with_capacity(self.proof.len().min(64));
        for (place, text) in self.proof.iter().enumerate() {
            let mut hash = [0; Hash::LEN];
            hex::decode_to_slice(text, &mut hash).map_err(|_| FileError::Hash(place + 1))?;
            path.push(Hash::new(hash));
        }
        Ok(InclusionProof { index: self.index, size, path })
    }
}

/// The file's text.
impl std::fmt::Display for CertificateFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = serde_json::to_string_pretty(self).expect("strings, a number and a list");
        writeln!(f, "{text}")
    }
}
