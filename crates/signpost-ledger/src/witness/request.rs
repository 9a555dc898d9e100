//! What a log sends to a witness: a checkpoint, and the proof that it holds the one cosigned last.
//!
//! ```text
//! old <size of the checkpoint that was cosigned last>
//! <hash of the consistency proof, in base64; from none to 63 lines>
//!
//! <checkpoint, a signed note>
//! ```

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::Refused;
use crate::note::checkpoint::{hash, tree_size};
use crate::note::{NOTE_LEN_MAX, Note};
use crate::tree::hash::Hash;

/// The most hashes of a proof (C2SP tlog-witness, "add-checkpoint").
const PATH_MAX: usize = 63;

/// The longest request that is read, in bytes.
pub const REQUEST_LEN_MAX: usize = NOTE_LEN_MAX + 4096;

/// A checkpoint that is to be cosigned. It prints as the body of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The size of the checkpoint that the witness cosigned last, 0 if it is the first.
    pub old_size: u64,
    /// The hashes of the consistency proof from that size on.
    pub path: Vec<Hash>,
    /// The checkpoint.
    pub note: Note,
}

impl Request {
    /// Reads the body of a request.
    pub fn parse(body: &[u8]) -> Result<Self, Refused> {
        if body.len() > REQUEST_LEN_MAX {
            return Err(Refused::Malformed("it is longer than any request"));
        }
        let body = str::from_utf8(body).map_err(|_| Refused::Malformed("it is not UTF-8"))?;
        let (head, note) = body
            .split_once("\n\n")
            .ok_or(Refused::Malformed("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old_size = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(tree_size);
        let old_size =
            old_size.ok_or(Refused::Malformed("the first line is not \"old <size>\""))?;
        let path: Option<Vec<Hash>> = lines.map(hash).collect();
        let path = path.ok_or(Refused::Malformed("a line of the proof is no hash in base64"))?;
        if path.len() > PATH_MAX {
            return Err(Refused::Malformed("the proof has more than 63 hashes"));
        }
        let note = Note::parse(note.as_bytes()).map_err(Refused::Note)?;
        Ok(Self { old_size, path, note })
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        for hash in &self.path {
            writeln!(f, "{}", BASE64.encode(hash.as_bytes()))?;
        }
        write!(f, "\n{}", self.note)
    }
}
