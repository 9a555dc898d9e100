//! The server's side: evaluation keys, and the set of those in use.

use std::fmt;

use rand_core::{CryptoRng, RngCore};
use thiserror::Error;
use voprf::{Group, OprfServer, Ristretto255};
use zeroize::{Zeroize, Zeroizing};

use super::point::{BlindedPoint, EvaluatedPoint};

/// Names an evaluation key; pseudonyms under different keys have nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EvaluationKeyId(pub u32);

impl fmt::Display for EvaluationKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A secret scalar and its id.
///
/// Whoever has it can turn every identifier there is into its pseudonym. It prints as its type's
/// name and is wiped when dropped.
pub struct EvaluationKey {
    id: EvaluationKeyId,
    server: OprfServer<Ristretto255>,
}

impl EvaluationKey {
    /// How many bytes the secret has.
    pub const LENGTH: usize = 32;

    /// Makes a fresh key.
    pub fn generate<R: RngCore + CryptoRng>(id: EvaluationKeyId, rng: &mut R) -> Self {
        let scalar = Zeroizing::new(Ristretto255::random_scalar(rng));
        let secret: Zeroizing<[u8; Self::LENGTH]> =
            Zeroizing::new(Ristretto255::serialize_scalar(*scalar).into());
        Self::from_bytes(id, &secret).expect("a random scalar is canonical and not zero")
    }

    /// Takes a secret that [`EvaluationKey::to_bytes`] gave.
    pub fn from_bytes(id: EvaluationKeyId, secret: &[u8; Self::LENGTH]) -> Result<Self, KeyError> {
        let server = OprfServer::new_with_key(secret).map_err(|_| KeyError::Secret)?;
        Ok(Self { id, server })
    }

    /// The secret as the canonical encoding of its scalar.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LENGTH]> {
        let mut encoded = self.server.serialize();
        let mut secret = Zeroizing::new([0; Self::LENGTH]);
        secret.copy_from_slice(&encoded);
        encoded[..].zeroize();
        secret
    }

    /// The key's name.
    #[must_use]
    pub fn id(&self) -> EvaluationKeyId {
        self.id
    }

    /// Evaluates a blinded point; the answer names the key.
    #[must_use]
    pub fn evaluate(&self, blinded: &BlindedPoint) -> Evaluation {
        Evaluation { key: self.id, point: EvaluatedPoint(self.server.blind_evaluate(&blinded.0)) }
    }
}

impl fmt::Debug for EvaluationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EvaluationKey")
    }
}

/// An evaluated point and the key it was evaluated under.
#[derive(Debug)]
pub struct Evaluation {
    /// The key.
    pub key: EvaluationKeyId,
    /// The point.
    pub point: EvaluatedPoint,
}

/// The keys in use: the current one, and others that stand beside it while keys change.
#[derive(Debug)]
pub struct EvaluationKeys {
    current: EvaluationKey,
    others: Vec<EvaluationKey>,
}

impl EvaluationKeys {
    /// A set with one key, the current one.
    #[must_use]
    pub fn new(current: EvaluationKey) -> Self {
        Self { current, others: Vec::new() }
    }

    /// The same set with another key beside those it has.
    pub fn with_other(mut self, other: EvaluationKey) -> Result<Self, KeyError> {
        if self.find(other.id).is_some() {
            return Err(KeyError::RepeatedId);
        }
        self.others.push(other);
        Ok(self)
    }

    /// The key to use where nobody asks for another.
    #[must_use]
    pub fn current(&self) -> &EvaluationKey {
        &self.current
    }

    /// The key of this id.
    #[must_use]
    pub fn find(&self, id: EvaluationKeyId) -> Option<&EvaluationKey> {
        self.iter().find(|key| key.id == id)
    }

    /// All keys, the current one first.
    pub fn iter(&self) -> impl Iterator<Item = &EvaluationKey> {
        std::iter::once(&self.current).chain(&self.others)
    }
}

/// Why something is no evaluation key, or no set of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Zero, or not the one encoding of a scalar.
    #[error("the secret is zero or not the canonical encoding of a ristretto255 scalar")]
    Secret,
    /// Two keys of one id.
    #[error("another key has the same id")]
    RepeatedId,
}
