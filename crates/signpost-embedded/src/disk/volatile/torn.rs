//! What of a write reaches the disk early: chance, from a seed.

use std::ops::Range;

/// The unit in which a disk writes.
const SECTOR_LEN: usize = 512;

/// `SplitMix64`: numbers that are the same for the same seed.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another course of numbers, which this one decides.
    pub(super) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to this one, itself too.
    pub(super) fn up_to(&mut self, highest: usize) -> usize {
        let count = highest as u64 + 1;
        usize::try_from(self.next() % count).expect("not above a usize")
    }

    pub(super) fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }

    /// The pieces of a write that reach the disk: none of it, its first bytes, or some of its
    /// sectors; and whether the file's length does.
    pub(super) fn pieces(&mut self, offset: u64, len: usize) -> (Vec<Range<usize>>, bool) {
        let pieces = match self.up_to(2) {
            0 => Vec::new(),
            1 => std::iter::once(0..self.up_to(len)).collect(),
            _ => sectors(offset, len).into_iter().filter(|_| self.coin()).collect(),
        };
        (pieces.into_iter().filter(|piece| !piece.is_empty()).collect(), self.up_to(3) == 0)
    }
}

/// A write by the sectors of the file that it touches.
fn sectors(offset: u64, len: usize) -> Vec<Range<usize>> {
    let into_sector = usize::try_from(offset % SECTOR_LEN as u64).expect("less than a sector");
    let first_len = (SECTOR_LEN - into_sector).min(len);
    let later = (first_len..len).step_by(SECTOR_LEN);
    let later = later.map(|start| start..(start + SECTOR_LEN).min(len));
    std::iter::once(0..first_len).chain(later).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_are_those_of_the_file() {
        assert_eq!(sectors(0, 1024), [0..512, 512..1024]);
        assert_eq!(sectors(1000, 600), [0..24, 24..536, 536..600]);
        assert_eq!(sectors(1020, 10), [0..4, 4..10]);
    }
}
