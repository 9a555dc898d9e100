//! Bytes that were written here and there: ranges of a file that do not overlap.

use std::collections::BTreeMap;

/// Ranges by the offset of their first byte.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges(BTreeMap<u64, Vec<u8>>);

impl Ranges {
    /// Puts bytes in place of what was there. A write behind the last one lengthens its range.
    pub(super) fn put(&mut self, offset: u64, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.cut(offset, offset + bytes.len() as u64);
        if let Some((start, before)) = self.0.range_mut(..offset).next_back()
            && start + before.len() as u64 == offset
        {
            before.extend_from_slice(bytes);
        } else {
            self.0.insert(offset, bytes.to_vec());
        }
    }

    /// Forgets all bytes from one offset to below another.
    pub(super) fn cut(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        self.split(from);
        self.split(to);
        let mut rest = self.0.split_off(&from);
        self.0.append(&mut rest.split_off(&to));
    }

    /// Lays what is in a window of the file over the bytes that are there.
    pub(super) fn lay_over(&self, window: &mut [u8], offset: u64) {
        let end = offset + window.len() as u64;
        let first = self.0.range(..=offset).next_back().map_or(offset, |(start, _)| *start);
        for (start, bytes) in self.0.range(first..end) {
            let from = offset.max(*start);
            let to = end.min(start + bytes.len() as u64);
            if from < to {
                let found = &bytes[distance(*start, from)..distance(*start, to)];
                window[distance(offset, from)..distance(offset, to)].copy_from_slice(found);
            }
        }
    }

    /// Takes up all of other ranges, in place of what is there.
    pub(super) fn put_all(&mut self, other: Self) {
        for (offset, bytes) in other.0 {
            self.put(offset, &bytes);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.0.iter().map(|(offset, bytes)| (*offset, &bytes[..]))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Makes sure that no range reaches over this offset.
    fn split(&mut self, at: u64) {
        if let Some((start, bytes)) = self.0.range_mut(..at).next_back()
            && start + bytes.len() as u64 > at
        {
            let behind = bytes.split_off(distance(*start, at));
            self.0.insert(at, behind);
        }
    }
}

/// How far an offset lies behind another, which is in the same buffer.
fn distance(from: u64, to: u64) -> usize {
    usize::try_from(to - from).expect("both are in one buffer")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn ranges_hold_what_a_plain_array_holds(
            steps in prop::collection::vec((0..40_u64, 0..20_usize, any::<Option<u8>>()), 1..40),
            window in (0..70_u64, 0..70_usize),
        ) {
            let mut ranges = Ranges::default();
            let mut plain = [None; 140];
            for (offset, len, byte) in steps {
                let at = usize::try_from(offset).unwrap();
                plain[at..at + len].fill(byte);
                match byte {
                    Some(byte) => ranges.put(offset, &vec![byte; len]),
                    None => ranges.cut(offset, offset + len as u64),
                }
            }
            let (offset, len) = window;
            let mut found = vec![7; len];
            ranges.lay_over(&mut found, offset);
            let at = usize::try_from(offset).unwrap();
            let expected: Vec<u8> = plain[at..at + len].iter().map(|byte| byte.unwrap_or(7)).collect();
            prop_assert_eq!(found, expected);
            let held: usize = ranges.iter().map(|(_, bytes)| bytes.len()).sum();
            prop_assert_eq!(held, plain.iter().flatten().count());
        }
    }
}
