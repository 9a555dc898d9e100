//! Anchors: entries that bind the ledger to the journal of the store that brought them.
//!
//! An older copy of a store, put back, is in itself without fault. Whoever has a checkpoint of the
//! ledger finds the last anchor below it, and asks the store for the frame that was durable then.

use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::terms::Action;

/// How far a store is: the last frame that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The generation in use.
    pub generation: u64,
    /// The number of its last frame.
    pub frame: u64,
    /// The hash of that frame, which only its bytes have, and those of every frame before it.
    pub hash: [u8; 32],
}

/// What an anchor says of a position, in an entry of [`Action::Anchor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The generation, in the entry's count: a turn leaves its frames behind, and then there is
    /// nothing to ask for. Generations beyond 32 bits count as the last of these.
    pub generation: u32,
    /// The commitment to all of the position, in the entry's detail: BLAKE3 of
    /// `signpost anchor v1` and a zero byte, the generation (8 bytes), the number of the frame (8)
    /// and its hash (32), numbers big-endian.
    pub commitment: [u8; 32],
}

impl Anchor {
    /// The anchor of a position.
    #[must_use]
    pub fn of(position: &Position) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"signpost anchor v1\0");
        hasher.update(&position.generation.to_be_bytes());
        hasher.update(&position.frame.to_be_bytes());
        hasher.update(&position.hash);
        let generation = u32::try_from(position.generation).unwrap_or(u32::MAX);
        Self { generation, commitment: *hasher.finalize().as_bytes() }
    }

    /// The anchor that this entry is, if it is one.
    #[must_use]
    pub fn on_record(entry: &Entry) -> Option<Self> {
        let anchor = Self { generation: entry.count(), commitment: entry.detail() };
        (entry.action() == Action::Anchor).then_some(anchor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed from the bytes by another implementation (Python's blake3).
    #[test]
    fn an_anchor_is_what_its_description_says() {
        let mut hash = [0; 32];
        for (byte, value) in hash.iter_mut().zip(0x10..) {
            *byte = value;
        }
        let position = Position { generation: 3, frame: 0x0102_0304_0506_0708, hash };
        let anchor = Anchor::of(&position);
        assert_eq!(anchor.generation, 3);
        assert_eq!(
            hex::encode(anchor.commitment),
            "6917a26dcf6c5699bef683e1bf29eeae6e38cac79ea0dd180fd188f98c448682"
        );
        for other in [
            Position { generation: 4, ..position },
            Position { frame: 1, ..position },
            Position { hash: [0; 32], ..position },
        ] {
            assert_ne!(Anchor::of(&other).commitment, anchor.commitment);
        }
    }
}
