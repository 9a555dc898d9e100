//! What to search for after a purge, and what a search comes to: fingerprints of bytes, never the bytes,
//! so that they can be stored and do not find themselves.

use serde::{Deserialize, Serialize};

/// What sought bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SoughtKind {
    /// Bytes that were planted in clear to be sought.
    Tracer,
    /// A key, in clear or wrapped, as it lies in a file.
    Key,
    /// A part of a sealed value.
    Sealed,
}

/// Bytes to search for: their length, the first few by which a search passes nearly all else over, and
/// the digest that decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sought {
    /// What they are.
    pub what: SoughtKind,
    /// How many, in bytes.
    length: u16,
    /// The first four.
    head: [u8; Sought::HEAD_LEN],
    /// BLAKE3 of all.
    digest: [u8; 32],
}

/// What a search came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    /// How many files were read.
    pub files: u64,
    /// How many bytes of those.
    pub bytes: u64,
    /// How many files went before they were read, or while they were.
    pub vanished: u64,
    /// How often something was found.
    pub hits: u64,
    /// Where: of each that was sought, at most [`Searched::PLACES_MAX`].
    pub found: Vec<Found>,
}

/// Where sought bytes were found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Which of those that were sought.
    pub sought: usize,
    /// The file: `data/` or `keyring/`, and its path there.
    pub file: String,
    /// Where in it the bytes begin.
    pub offset: u64,
}

/// Is told how far a search is.
pub trait SearchProgress: Send + Sync + std::fmt::Debug {
    /// So many more bytes are searched.
    fn searched(&self, bytes: u64);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl SearchProgress for Unwatched {
    fn searched(&self, _bytes: u64) {}
}

impl Sought {
    /// How many of the bytes are told in clear.
    pub const HEAD_LEN: usize = 4;
    /// Fewer bytes could be found out from their digest.
    pub const LENGTH_MIN: usize = 24;
    /// How much of a file is looked at as one, in bytes.
    pub const LENGTH_MAX: usize = 4096;

    /// The fingerprint of random or sealed bytes; none of so few or so many that none is taken.
    #[must_use]
    pub fn of(what: SoughtKind, bytes: &[u8]) -> Option<Self> {
        if !(Self::LENGTH_MIN..=Self::LENGTH_MAX).contains(&bytes.len()) {
            return None;
        }
        let head = *bytes.first_chunk()?;
        let digest = *blake3::hash(bytes).as_bytes();
        Some(Self { what, length: u16::try_from(bytes.len()).ok()?, head, digest })
    }

    /// How many bytes it is of.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length.into()
    }

    /// The first bytes.
    #[must_use]
    pub fn head(&self) -> [u8; Self::HEAD_LEN] {
        self.head
    }

    /// Whether bytes begin with those that are sought.
    #[must_use]
    pub fn begins(&self, bytes: &[u8]) -> bool {
        bytes.starts_with(&self.head)
            && bytes
                .get(..self.length())
                .is_some_and(|part| *blake3::hash(part).as_bytes() == self.digest)
    }
}

impl Searched {
    /// Of how many places each that is sought is told: it may lie anywhere any number of times.
    pub const PLACES_MAX: usize = 16;

    /// Whether this one of those that were sought was found.
    #[must_use]
    pub fn has_found(&self, sought: usize) -> bool {
        self.found.iter().any(|found| found.sought == sought)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_knows_its_bytes_and_no_others() {
        let bytes: Vec<u8> = (0..40).collect();
        let sought = Sought::of(SoughtKind::Key, &bytes).unwrap();
        assert!(sought.begins(&bytes));
        assert!(sought.begins(&[&bytes[..], b"and more"].concat()));
        assert!(!sought.begins(&bytes[..39]));
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(!sought.begins(&other), "byte {at}");
        }
    }

    #[test]
    fn neither_few_bytes_nor_many_are_taken() {
        for (len, is_taken) in [(0, false), (23, false), (24, true), (4096, true), (4097, false)] {
            assert_eq!(Sought::of(SoughtKind::Tracer, &vec![7; len]).is_some(), is_taken, "{len}");
        }
    }

    #[test]
    fn a_fingerprint_is_stored_and_does_not_find_itself() {
        let bytes = [7; 32];
        let sought = Sought::of(SoughtKind::Sealed, &bytes).unwrap();
        let stored = postcard::to_extend(&sought, Vec::new()).unwrap();
        assert_eq!(postcard::from_bytes::<Sought>(&stored), Ok(sought));
        assert!(stored.windows(bytes.len()).all(|window| !sought.begins(window)));
        assert!(stored.windows(8).all(|window| window != &bytes[..8]));
    }
}
