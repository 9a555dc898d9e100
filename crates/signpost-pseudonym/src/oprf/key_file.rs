//! The text form of evaluation keys, one line a key, the current one first.

use std::fmt::Write;

use thiserror::Error;
use zeroize::Zeroizing;

use super::key::{EvaluationKey, EvaluationKeyId, EvaluationKeys, KeyError};

/// Starts every line, so that a file says what it is and no older form is misread.
const MARK: &str = "signpost-evaluation-key-v1";

/// Mark, id of at most ten digits, secret, two spaces and the end of the line.
const LINE_LENGTH_MAX: usize = MARK.len() + 10 + 2 * EvaluationKey::LENGTH + 3;

impl EvaluationKeys {
    /// Reads keys from text: `signpost-evaluation-key-v1 <id> <64 hex digits>`, one a line.
    pub fn from_text(text: &str) -> Result<Self, KeyFileError> {
        let mut keys: Option<Self> = None;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let key = parse_line(line, number)?;
            keys = Some(match keys {
                None => Self::new(key),
                Some(keys) => keys.with_other(key).map_err(|error| match error {
                    KeyError::RepeatedId => KeyFileError::RepeatedId { line: number },
                    KeyError::Secret => KeyFileError::Secret { line: number },
                })?,
            });
        }
        keys.ok_or(KeyFileError::Empty)
    }

    /// Writes all keys as [`EvaluationKeys::from_text`] reads them.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        // Room for all lines at once: a string that grows leaves unwiped copies behind.
        let length = self.iter().count() * LINE_LENGTH_MAX;
        let mut text = Zeroizing::new(String::with_capacity(length));
        for key in self.iter() {
            let mut digits = Zeroizing::new([0; 2 * EvaluationKey::LENGTH]);
            hex::encode_to_slice(*key.to_bytes(), &mut *digits).expect("two digits for each byte");
            let secret = std::str::from_utf8(&*digits).expect("hex digits are ASCII");
            writeln!(text, "{MARK} {} {secret}", key.id()).expect("a string takes all writing");
        }
        text
    }
}

fn parse_line(line: &str, number: usize) -> Result<EvaluationKey, KeyFileError> {
    let form = KeyFileError::Form { line: number };
    let mut parts = line.split(' ');
    let (Some(MARK), Some(id), Some(digits), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(form);
    };
    // One spelling of each id: no sign, no leading zero.
    let id = id.parse().ok().filter(|parsed: &u32| parsed.to_string() == id);
    let id = id.map(EvaluationKeyId).ok_or(KeyFileError::Id { line: number })?;
    let mut secret = Zeroizing::new([0; EvaluationKey::LENGTH]);
    // The decoder's error quotes a digit of the secret: leave it out.
    hex::decode_to_slice(digits, &mut *secret)
        .map_err(|_| KeyFileError::Secret { line: number })?;
    EvaluationKey::from_bytes(id, &secret).map_err(|_| KeyFileError::Secret { line: number })
}

/// What is wrong in a text of evaluation keys; never says what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// No line at all.
    #[error("no evaluation key: at least one line is needed")]
    Empty,
    /// Not three words, or another mark.
    #[error("line {line} is not of the form \"{MARK} <id> <64 hex digits>\"")]
    Form {
        /// Which line, from 1.
        line: usize,
    },
    /// No key id.
    #[error("line {line}: the id is not a number from 0 to 2^32-1 without sign or leading zeros")]
    Id {
        /// Which line, from 1.
        line: usize,
    },
    /// No secret.
    #[error("line {line}: the secret is not 64 hex digits of a canonical scalar other than zero")]
    Secret {
        /// Which line, from 1.
        line: usize,
    },
    /// The id of an earlier line.
    #[error("line {line}: an earlier line has the same id")]
    RepeatedId {
        /// Which line, from 1.
        line: usize,
    },
}
