//! What is sought, by its first bytes: nearly all windows are passed over by those alone.

use signpost_core::search::Sought;

/// All that is sought at once.
pub(super) struct Needles<'s> {
    sought: &'s [Sought],
    /// The heads, in order, and whose each is.
    heads: Vec<(u32, usize)>,
    /// One bit for each value that a head is folded to.
    folded: Vec<u64>,
    length_max: usize,
}

/// Few windows pass that are not sought, and the bits stay near the processor.
const FOLDED_BITS: u32 = 19;

impl<'s> Needles<'s> {
    pub(super) fn new(sought: &'s [Sought]) -> Self {
        let heads = sought.iter().map(|one| u32::from_be_bytes(one.head()));
        let mut heads: Vec<(u32, usize)> = heads.zip(0..).collect();
        heads.sort_unstable();
        let mut folded = vec![0; (1 << FOLDED_BITS) / 64];
        for (head, _) in &heads {
            let bit = fold(*head);
            folded[bit / 64] |= 1_u64 << (bit % 64);
        }
        let length_max = sought.iter().map(Sought::length).max().unwrap_or(0);
        Self { sought, heads, folded, length_max }
    }

    pub(super) fn count(&self) -> usize {
        self.sought.len()
    }

    /// How many bytes behind a block belong to windows that begin in it.
    pub(super) fn overlap(&self) -> usize {
        self.length_max.saturating_sub(1)
    }

    /// Tells of all that is sought in these bytes and begins before `starts`, and where.
    pub(super) fn find(&self, bytes: &[u8], starts: usize, mut found: impl FnMut(usize, usize)) {
        let windows = bytes.windows(Sought::HEAD_LEN).take(starts);
        for (at, window) in windows.enumerate() {
            let head = u32::from_be_bytes(window.try_into().expect("windows have this length"));
            let bit = fold(head);
            if self.folded[bit / 64] & (1 << (bit % 64)) == 0 {
                continue;
            }
            let first = self.heads.partition_point(|(known, _)| *known < head);
            let same = self.heads[first..].iter().take_while(|(known, _)| *known == head);
            for (_, nth) in same {
                if self.sought[*nth].begins(&bytes[at..]) {
                    found(*nth, at);
                }
            }
        }
    }
}

fn fold(head: u32) -> usize {
    (head.wrapping_mul(0x9E37_79B1) >> (32 - FOLDED_BITS)) as usize
}
