//! Signed notes (C2SP signed-note): a text, an empty line, and lines of signatures.
//!
//! ```text
//! <text, each line ended by U+000A>
//!
//! — <key name> <base64 of key ID (4 bytes) and signature>
//! ```
//!
//! What is signed is the text with its last line's end and without the empty line. Signatures by
//! keys that nobody asks for are kept and mean nothing.

pub mod checkpoint;
pub mod key;
pub mod signer;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use key::{KeyId, Unfit, VerifierKey};

/// The longest note that is read, in bytes: room for 16 signatures of the post-quantum kind.
pub const NOTE_LEN_MAX: usize = 256 * 1024;
/// The most signatures that are read.
pub const SIGNATURES_MAX: usize = 100;

const DASH: &str = "\u{2014} ";

/// A note whose signatures may be anybody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// A line of a note: who says to have signed, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The name of the key.
    pub name: String,
    /// The ID of the key.
    pub id: KeyId,
    /// What the key's algorithm makes of the text; of an Ed25519 key 64 bytes.
    pub bytes: Vec<u8>,
}

/// Why bytes are no note, or a note is not signed as it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// The bytes have not the form of a note.
    #[error("line {line}: {what}; get it anew from where it was signed")]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// No signature is by this key.
    #[error(
        "it is not signed by {key}; if the key was replaced, give the one that was in use then"
    )]
    NotSigned {
        /// The key, in the form of a verifier key.
        key: String,
    },
    /// A signature names this key and is not its own.
    #[error("the signature of {key} does not fit: the text or the signature was changed")]
    BadSignature {
        /// The key, in the form of a verifier key.
        key: String,
    },
}

impl Note {
    /// A note of this text, not yet signed. The text ends a line and has no control characters.
    pub fn new(text: String) -> Result<Self, NoteError> {
        check_characters(&text)?;
        if !text.ends_with('\n') {
            return Err(malformed(text.lines().count(), "the text does not end its last line"));
        }
        Ok(Self { text, signatures: Vec::new() })
    }

    /// Reads a note: at most [`NOTE_LEN_MAX`] bytes of UTF-8 with 1 to [`SIGNATURES_MAX`]
    /// signatures.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > NOTE_LEN_MAX {
            return Err(malformed(1, "longer than any note"));
        }
        let whole = str::from_utf8(bytes).map_err(|_| malformed(1, "not UTF-8"))?;
        check_characters(whole)?;
        let end = whole.rfind("\n\n").ok_or(malformed(1, "no empty line before signatures"))?;
        let (text, lines) = (&whole[..=end], &whole[end + 2..]);
        let before = text.lines().count() + 1;
        if !lines.ends_with('\n') {
            return Err(malformed(before + 1, "no signatures, or the last is cut off"));
        }
        let mut note = Self::new(text.to_owned())?;
        for (place, line) in lines.lines().enumerate() {
            if place == SIGNATURES_MAX {
                return Err(malformed(before + 1 + place, "too many signatures"));
            }
            let signature =
                Signature::parse(line).map_err(|what| malformed(before + 1 + place, what))?;
            note.signatures.push(signature);
        }
        Ok(note)
    }

    /// What is signed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All signatures, in their order, verified or not.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The last signature that names this key, verified or not.
    #[must_use]
    pub fn signature_by(&self, key: &VerifierKey) -> Option<&Signature> {
        self.signatures.iter().rfind(|one| one.names(key))
    }

    /// Adds a signature at the end, in place of those that name the same key.
    #[must_use]
    pub fn with(mut self, signature: Signature) -> Self {
        self.signatures.retain(|one| (&one.name, one.id) != (&signature.name, signature.id));
        self.signatures.push(signature);
        self
    }

    /// Verifies that this key signed, and each of its signatures. Returns when, if the key's
    /// algorithm tells: seconds since 1970; of several, the latest.
    pub fn verify(&self, key: &VerifierKey) -> Result<Option<u64>, NoteError> {
        let mut signed = None;
        for signature in self.signatures.iter().filter(|one| one.names(key)) {
            let time = key
                .verify(&self.text, &signature.bytes)
                .map_err(|Unfit| NoteError::BadSignature { key: key.to_string() })?;
            signed = signed.max(Some(time));
        }
        signed.ok_or_else(|| NoteError::NotSigned { key: key.to_string() })
    }
}

/// The whole note, as it is stored and sent.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl Signature {
    fn names(&self, key: &VerifierKey) -> bool {
        (self.name.as_str(), self.id) == (key.name(), key.id())
    }

    /// Reads one line without its end.
    fn parse(line: &str) -> Result<Self, &'static str> {
        let rest = line.strip_prefix(DASH).ok_or("not a line of a signature")?;
        let (name, encoded) = rest.split_once(' ').ok_or("a signature without a name")?;
        key::check_name(name)?;
        let bytes = BASE64.decode(encoded).map_err(|_| "the signature is not base64")?;
        let (id, bytes) = bytes.split_first_chunk().ok_or("the signature is too short")?;
        if bytes.is_empty() {
            return Err("the signature is too short");
        }
        Ok(Self { name: name.to_owned(), id: KeyId(*id), bytes: bytes.to_owned() })
    }
}

/// The line, without its end.
impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id.0, self.bytes.as_slice()].concat();
        write!(f, "{DASH}{} {}", self.name, BASE64.encode(bytes))
    }
}

fn check_characters(text: &str) -> Result<(), NoteError> {
    let bad = |line: &str| line.chars().any(|one| one < ' ');
    match text.split('\n').position(bad) {
        Some(place) => Err(malformed(place + 1, "a control character")),
        None => Ok(()),
    }
}

fn malformed(line: usize, what: &'static str) -> NoteError {
    NoteError::Malformed { line, what }
}

#[cfg(test)]
mod tests;
