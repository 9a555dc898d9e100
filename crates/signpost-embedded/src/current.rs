//! `CURRENT`: which generation is in use, and where the ledger stood when it came into use.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::checksum;
use crate::disk::Disk;
use crate::durable;
use crate::error::OpenError;
use crate::journal::frame::FrameId;
use crate::layout::Layout;
use crate::ledger::EntryChain;

/// The generation in use. Its journal begins with its fill, frames that carry records over and no
/// entries; what follows is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Current {
    pub(crate) generation: u64,
    /// The last frame of the fill; for the first generation, which has none, number 0 and the hash
    /// of the header of the first journal file.
    pub(crate) fill: FrameId,
    /// The index of the first entry behind the fill. All before are in the ledger's own files, and
    /// their openings in theirs.
    pub(crate) first_entry: u64,
    /// The time of the entry before that, in milliseconds since 1970; 0 where there is none.
    pub(crate) last_ms: u64,
    /// The segment that openings went to, and how many it held; 0 before the first. It is closed, so
    /// that no segment holds openings which this journal has and others: it could not be rewritten.
    pub(crate) segment: u64,
    pub(crate) slots_used: u32,
    /// The chain over all entries before the first.
    pub(crate) chain: EntryChain,
    /// The last frame of the generation before; number 0 where there is none.
    pub(crate) left: FrameId,
    /// The segments that were closed before they were full, and how many each holds.
    pub(crate) short: Arc<Short>,
}

/// The segments of openings that were closed before they were full, and how many each holds.
pub(crate) type Short = BTreeMap<u64, u32>;

impl Current {
    const MAGIC: &[u8; 8] = b"SGNPCUR2";

    /// Reads and checks the file.
    pub(crate) fn read(disk: &dyn Disk, layout: &Layout) -> Result<Self, OpenError> {
        let path = layout.current();
        let bytes = durable::read(disk, &path).map_err(OpenError::io(&path))?;
        Self::decode(&bytes)
            .ok_or_else(|| OpenError::damaged(&path, 0, "it is not what was written to it"))
    }

    /// Puts this generation into use: durably, and at one moment.
    pub(crate) fn write(&self, disk: &Arc<dyn Disk>, layout: &Layout) -> std::io::Result<()> {
        durable::write_durably(&**disk, &layout.current(), &self.encode())
    }

    /// Magic (8), generation (8), number (8) and hash (32) of the fill's last frame, first entry
    /// (8), last time (8), segment (8), slots (4), entry chain (32), number (8) and hash (32) of the
    /// last frame of the generation before; of each short segment its number (8) and slots (4);
    /// BLAKE3 of all before (32). Big-endian.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Self::MAGIC.to_vec();
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.fill.number.to_be_bytes());
        bytes.extend_from_slice(&self.fill.hash);
        bytes.extend_from_slice(&self.first_entry.to_be_bytes());
        bytes.extend_from_slice(&self.last_ms.to_be_bytes());
        bytes.extend_from_slice(&self.segment.to_be_bytes());
        bytes.extend_from_slice(&self.slots_used.to_be_bytes());
        bytes.extend_from_slice(&self.chain.0);
        bytes.extend_from_slice(&self.left.number.to_be_bytes());
        bytes.extend_from_slice(&self.left.hash);
        for (segment, slots) in &*self.short {
            bytes.extend_from_slice(&segment.to_be_bytes());
            bytes.extend_from_slice(&slots.to_be_bytes());
        }
        checksum::append(&mut bytes);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (hashed, _) = checksum::split(bytes)?;
        let (magic, rest) = hashed.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (fill_hash, rest) = rest.split_first_chunk()?;
        let (first_entry, rest) = rest.split_first_chunk()?;
        let (last_ms, rest) = rest.split_first_chunk()?;
        let (segment, rest) = rest.split_first_chunk()?;
        let (slots_used, rest) = rest.split_first_chunk()?;
        let (chain, rest) = rest.split_first_chunk()?;
        let (left_number, rest) = rest.split_first_chunk()?;
        let (left_hash, short) = rest.split_first_chunk()?;
        let (short, rest) = short.as_chunks::<12>();
        let short = short.iter().map(|one| {
            let (segment, slots) = one.split_at(8);
            let segment = u64::from_be_bytes(segment.try_into().expect("8 bytes"));
            (segment, u32::from_be_bytes(slots.try_into().expect("4 bytes")))
        });
        let current = Self {
            generation: u64::from_be_bytes(*generation),
            fill: FrameId { number: u64::from_be_bytes(*number), hash: *fill_hash },
            first_entry: u64::from_be_bytes(*first_entry),
            last_ms: u64::from_be_bytes(*last_ms),
            segment: u64::from_be_bytes(*segment),
            slots_used: u32::from_be_bytes(*slots_used),
            chain: EntryChain(*chain),
            left: FrameId { number: u64::from_be_bytes(*left_number), hash: *left_hash },
            short: Arc::new(short.collect()),
        };
        (magic == Self::MAGIC && rest.is_empty()).then_some(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_whole_or_not_at_all() {
        let current = Current {
            generation: 3,
            fill: FrameId { number: 9, hash: [7; 32] },
            first_entry: 11,
            last_ms: 12,
            segment: 13,
            slots_used: 14,
            chain: EntryChain([15; 32]),
            left: FrameId { number: 16, hash: [17; 32] },
            short: Arc::new([(2, 1), (13, 14)].into()),
        };
        let bytes = current.encode();
        assert_eq!(Current::decode(&bytes), Some(current));
        for at in 0..bytes.len() {
            assert_eq!(Current::decode(&bytes[..at]), None);
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert_eq!(Current::decode(&flipped), None, "byte {at}, bit {bit}");
            }
        }
    }
}
