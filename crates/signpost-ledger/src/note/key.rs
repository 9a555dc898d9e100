//! Keys that verify signatures, as they are handed on: `<name>+<ID>+<base64>` (C2SP signed-note,
//! "Verifier keys").

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};

/// What a key signs, and how: the type byte of C2SP signed-note, "Signature types".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Algorithm {
    /// Ed25519 over a note's text: how a log signs. The signature has 64 bytes.
    Ed25519 = 0x01,
    /// Ed25519 over a time and a checkpoint's text (C2SP tlog-cosignature): how a witness signs.
    /// The signature has 72 bytes: the time in seconds since 1970 (8, big-endian) and Ed25519's 64.
    Cosignature = 0x04,
}

/// The first 4 bytes of SHA-256 of the key's name, 0x0A, the algorithm's byte, and the public key.
/// It finds a key, and is no proof of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 4]);

/// A public key and the name it goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    algorithm: Algorithm,
    public: VerifyingKey,
}

/// Why a text is no verifier key, or a name no key's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It has not the form of a verifier key.
    #[error(
        "not a verifier key of the form <name>+<8 hexadecimal digits>+<base64>: copy all of it"
    )]
    Form,
    /// The name is empty, or has a space, a plus or a control character.
    #[error("a key's name has at least one character, and no space, plus or control character")]
    Name,
    /// The algorithm is not one of [`Algorithm`].
    #[error(
        "the key is for algorithm {0:#04x}; known are 0x01 (Ed25519) and 0x04 (cosignature/v1)"
    )]
    Algorithm(u8),
    /// ID and key do not belong together.
    #[error("the key's ID does not fit its name and key: one of the three was changed")]
    Id,
    /// The bytes are no Ed25519 public key, or one under which anything verifies.
    #[error("not an Ed25519 public key that can be used")]
    Public,
}

impl Algorithm {
    fn from_code(code: u8) -> Option<Self> {
        [Self::Ed25519, Self::Cosignature].into_iter().find(|algorithm| *algorithm as u8 == code)
    }
}

/// In 8 hexadecimal digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl VerifierKey {
    pub(super) fn new(
        name: &str,
        algorithm: Algorithm,
        public: VerifyingKey,
    ) -> Result<Self, KeyError> {
        check_name(name).map_err(|_| KeyError::Name)?;
        if public.is_weak() {
            return Err(KeyError::Public);
        }
        let hash = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', algorithm as u8])
            .chain_update(public.as_bytes())
            .finalize();
        let id = KeyId([hash[0], hash[1], hash[2], hash[3]]);
        Ok(Self { name: name.to_owned(), id, algorithm, public })
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ID.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What it verifies.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The time that a signature of this text tells, if its algorithm tells one.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Result<Option<u64>, Unfit> {
        let (time, signature) = match self.algorithm {
            Algorithm::Ed25519 => (None, signature),
            Algorithm::Cosignature => {
                let (time, rest) = signature.split_first_chunk().ok_or(Unfit)?;
                (Some(u64::from_be_bytes(*time)), rest)
            }
        };
        let signature = Signature::from_slice(signature).map_err(|_| Unfit)?;
        let signed = match time {
            None => text.to_owned(),
            Some(time) => cosigned(time, text).ok_or(Unfit)?,
        };
        self.public.verify_strict(signed.as_bytes(), &signature).map_err(|_| Unfit)?;
        Ok(time)
    }
}

/// A signature is not the key's own of this text.
pub(super) struct Unfit;

/// What a witness signs (C2SP tlog-cosignature, "Ed25519 signed message"); none for a time that no
/// signature may have, above 2^63 - 1.
pub(super) fn cosigned(time: u64, text: &str) -> Option<String> {
    i64::try_from(time).ok().map(|time| format!("cosignature/v1\ntime {time}\n{text}"))
}

/// A key's name has a character at least, and none of these (C2SP signed-note, "Format").
pub(super) fn check_name(name: &str) -> Result<(), &'static str> {
    let bad = |one: char| one.is_whitespace() || one == '+' || one < ' ';
    if name.is_empty() || name.contains(bad) { Err("not the name of a key") } else { Ok(()) }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm as u8], self.public.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, self.id, BASE64.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Form);
        };
        let key = BASE64.decode(key).map_err(|_| KeyError::Form)?;
        let (code, public) = key.split_first().ok_or(KeyError::Form)?;
        let algorithm = Algorithm::from_code(*code).ok_or(KeyError::Algorithm(*code))?;
        let public = public.try_into().map_err(|_| KeyError::Public)?;
        let public = VerifyingKey::from_bytes(public).map_err(|_| KeyError::Public)?;
        let key = Self::new(name, algorithm, public)?;
        if key.id.to_string() == id { Ok(key) } else { Err(KeyError::Id) }
    }
}
