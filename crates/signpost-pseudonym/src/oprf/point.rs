//! The two points that travel: blinded to the server, evaluated back to the client.

use std::fmt;

use thiserror::Error;
use voprf::{BlindedElement, EvaluationElement, Ristretto255};

/// How many bytes an encoded point has.
const LENGTH: usize = 32;

/// An identifier's point, blinded: what a client sends. It says nothing of the identifier.
pub struct BlindedPoint(pub(super) BlindedElement<Ristretto255>);

impl BlindedPoint {
    /// How many bytes an encoded point has.
    pub const LENGTH: usize = LENGTH;

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; LENGTH] {
        self.0.serialize().into()
    }
}

impl TryFrom<&[u8]> for BlindedPoint {
    type Error = PointError;

    fn try_from(bytes: &[u8]) -> Result<Self, PointError> {
        refuse_length_and_identity(bytes)?;
        BlindedElement::deserialize(bytes).map(Self).map_err(|_| PointError::NotCanonical)
    }
}

impl fmt::Debug for BlindedPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlindedPoint")
    }
}

/// A blinded point, evaluated under a key: what the server answers.
pub struct EvaluatedPoint(pub(super) EvaluationElement<Ristretto255>);

impl EvaluatedPoint {
    /// How many bytes an encoded point has.
    pub const LENGTH: usize = LENGTH;

    /// The canonical encoding.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; LENGTH] {
        self.0.serialize().into()
    }
}

impl TryFrom<&[u8]> for EvaluatedPoint {
    type Error = PointError;

    fn try_from(bytes: &[u8]) -> Result<Self, PointError> {
        refuse_length_and_identity(bytes)?;
        EvaluationElement::deserialize(bytes).map(Self).map_err(|_| PointError::NotCanonical)
    }
}

impl fmt::Debug for EvaluatedPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EvaluatedPoint")
    }
}

/// The decoder takes the first 32 bytes of more, and does not say that a point was the identity.
fn refuse_length_and_identity(bytes: &[u8]) -> Result<(), PointError> {
    if bytes.len() != LENGTH {
        return Err(PointError::Length { found: bytes.len() });
    }
    // Zeros only are the one canonical encoding of the identity; it would give away nothing of the
    // key, but every identifier would get the same pseudonym.
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(PointError::Identity);
    }
    Ok(())
}

/// Why bytes are no point that this protocol uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PointError {
    /// Too few or too many bytes.
    #[error("a point has 32 bytes, {found} found")]
    Length {
        /// How many bytes there were.
        found: usize,
    },
    /// Not the one encoding of any point.
    #[error("not the canonical encoding of a ristretto255 point")]
    NotCanonical,
    /// The identity element, which no honest peer sends.
    #[error("the identity element is no point of this protocol")]
    Identity,
}
