//! The certificate of a purge: what was destroyed, on whose word and by what means, in a form that an
//! outsider checks without the service.
//!
//! Its text is JSON, signed by the ledger's key as a note. The ledger holds its digest: in the entry
//! `CERTIFY_PURGE`, whose detail is the SHA-256 of the text. [`file::CertificateFile`] carries text,
//! entry, and the proof that the entry is under a checkpoint.

pub mod body;
pub mod file;
pub mod page;
pub mod verify;

use sha2::{Digest, Sha256};

/// What an entry says of the certificate of this text.
#[must_use]
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
