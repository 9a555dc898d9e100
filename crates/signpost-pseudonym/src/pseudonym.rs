//! The pseudonym: what stands for one identifier everywhere beyond the client.

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The OPRF output for one identifier under one evaluation key.
///
/// It prints as its type's name, compares in constant time and is wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pseudonym([u8; Self::LENGTH]);

impl Pseudonym {
    /// How many bytes a pseudonym has.
    pub const LENGTH: usize = 64;

    /// The bytes, to be sent or sealed.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Pseudonym {
    type Error = PseudonymError;

    fn try_from(bytes: &[u8]) -> Result<Self, PseudonymError> {
        bytes.try_into().map(Self).map_err(|_| PseudonymError { found: bytes.len() })
    }
}

impl PartialEq for Pseudonym {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Pseudonym {}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonym")
    }
}

/// The bytes cannot be a pseudonym, for they are too few or too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a pseudonym has 64 bytes, {found} found")]
pub struct PseudonymError {
    /// How many bytes there were.
    pub found: usize,
}
