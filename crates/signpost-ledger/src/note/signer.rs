//! Keys that sign: the log's, and a witness's.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::key::{Algorithm, KeyError, VerifierKey, cosigned};
use super::{Note, Signature};

/// The secret of a key: the 32 random bytes of an Ed25519 private key (RFC 8032, section 5.1.5). It
/// is wiped when it is dropped, and does not print.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; Seed::LEN]);

/// Signs checkpoints as the log. Its name is the log's origin, as in `signpost.example/ledger`.
pub struct LogSigner(Signing);

/// Cosigns checkpoints as a witness, with the time.
///
/// It signs whatever it is given: that a checkpoint is consistent with those signed before is for
/// the witness to verify first.
pub struct WitnessSigner(Signing);

struct Signing {
    verifier: VerifierKey,
    secret: SigningKey, // wiped when it is dropped
}

impl Seed {
    /// The length of every seed.
    pub const LEN: usize = 32;

    /// Wraps these bytes.
    #[must_use]
    pub fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

impl Signing {
    fn new(name: &str, algorithm: Algorithm, seed: &Seed) -> Result<Self, KeyError> {
        let secret = SigningKey::from_bytes(&seed.0);
        let verifier = VerifierKey::new(name, algorithm, secret.verifying_key())?;
        Ok(Self { verifier, secret })
    }

    fn signature(&self, bytes: Vec<u8>) -> Signature {
        let name = self.verifier.name().to_owned();
        Signature { name, id: self.verifier.id(), bytes }
    }
}

impl LogSigner {
    /// The signer of this name.
    pub fn new(name: &str, seed: &Seed) -> Result<Self, KeyError> {
        Signing::new(name, Algorithm::Ed25519, seed).map(Self)
    }

    /// The public key, to be handed to whoever verifies.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.0.verifier
    }

    /// Signs a note's text.
    #[must_use]
    pub fn sign(&self, note: &Note) -> Signature {
        self.0.signature(self.0.secret.sign(note.text().as_bytes()).to_vec())
    }
}

impl WitnessSigner {
    /// The signer of this name.
    pub fn new(name: &str, seed: &Seed) -> Result<Self, KeyError> {
        Signing::new(name, Algorithm::Cosignature, seed).map(Self)
    }

    /// The public key, to be handed to whoever verifies.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.0.verifier
    }

    /// Cosigns a checkpoint's text at this time, in seconds since 1970; none for a time above
    /// 2^63 - 1, which no cosignature may have.
    #[must_use]
    pub fn cosign(&self, note: &Note, time: u64) -> Option<Signature> {
        let signature = self.0.secret.sign(cosigned(time, note.text())?.as_bytes());
        let bytes = [time.to_be_bytes().as_slice(), &signature.to_bytes()].concat();
        Some(self.0.signature(bytes))
    }
}

impl fmt::Debug for LogSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogSigner({})", self.verifier())
    }
}

impl fmt::Debug for WitnessSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessSigner({})", self.verifier())
    }
}
