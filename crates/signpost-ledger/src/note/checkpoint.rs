//! Checkpoints (C2SP tlog-checkpoint): which tree a log says to have.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::key::VerifierKey;
use super::{Note, NoteError, malformed};
use crate::tree::hash::Hash;

/// The size and root of a log's tree. It prints as the text that is signed: origin, size in decimal
/// digits, root in base64, each a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: its key's name.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// The root of its tree.
    pub root: Hash,
}

impl Checkpoint {
    /// Reads a checkpoint and verifies that the log of this key signed it.
    ///
    /// The origin must be the key's name. Lines after the third must not be empty, and are not
    /// looked at otherwise: they are the log's own word, which nobody can verify.
    pub fn open(bytes: &[u8], log: &VerifierKey) -> Result<(Self, Note), NoteError> {
        let note = Note::parse(bytes)?;
        note.verify(log)?;
        let checkpoint = Self::parse(note.text())?;
        if checkpoint.origin != log.name() {
            return Err(malformed(1, "the checkpoint of another log than the key's"));
        }
        Ok((checkpoint, note))
    }

    fn parse(text: &str) -> Result<Self, NoteError> {
        let mut lines = text.lines();
        let mut next = || lines.next().unwrap_or_default();
        let (origin, size, root) = (next(), next(), next());
        if let Some(empty) = text.lines().position(str::is_empty) {
            return Err(malformed(empty + 1, "a checkpoint has no empty line"));
        }
        Ok(Self {
            origin: origin.to_owned(),
            size: tree_size(size).ok_or(malformed(2, "not the size of a tree"))?,
            root: hash(root).ok_or(malformed(3, "not the root of a tree"))?,
        })
    }
}

/// A size in decimal digits, without leading zeros.
pub(crate) fn tree_size(text: &str) -> Option<u64> {
    let in_digits = text.bytes().all(|one| one.is_ascii_digit());
    let leads_with_zero = text.len() > 1 && text.starts_with('0');
    text.parse().ok().filter(|_| in_digits && !leads_with_zero)
}

/// A hash in base64.
pub(crate) fn hash(text: &str) -> Option<Hash> {
    let bytes = BASE64.decode(text).ok()?;
    Some(Hash::new(bytes.try_into().ok()?))
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = BASE64.encode(self.root.as_bytes());
        writeln!(f, "{}\n{}\n{root}", self.origin, self.size)
    }
}
