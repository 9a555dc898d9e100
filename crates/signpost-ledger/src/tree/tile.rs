//! Tiles and entry bundles: what each holds, and the path it lies at (C2SP tlog-tiles).
//!
//! | file | content |
//! |---|---|
//! | `tile/<L>/<N>` | 256 hashes of 32 bytes: those of the complete subtrees of height 8L, from the 256N-th on |
//! | `tile/entries/<N>` | the 256 entries from the 256N-th on, each after its length (2 bytes, big-endian) |
//! | either with `.p/<W>` | the first W of these, 1 to 255, as they stood at a checkpoint |
//!
//! `<N>` is written in groups of three digits, all but the last after an `x`: 1234067 is
//! `x001/x234/067`.

use std::fmt;

use super::hash::Hash;

/// How many hashes a full tile holds, and how many entries a full bundle.
pub(crate) const WIDTH: u16 = 256;
/// The levels of the tree that a tile spans.
pub(crate) const HEIGHT: u32 = 8;
/// The levels of tiles that a tree of any size has at most: 64 / 8.
pub(crate) const LEVELS_MAX: u32 = 8;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Hashes of this level, 0 to 7.
    Hashes(u32),
    /// Entries.
    Entries,
}

/// A tile or an entry bundle. It prints as its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tile {
    pub(crate) kind: Kind,
    /// Its number among its like, from 0.
    pub(crate) number: u64,
    /// How many it holds: 1 to 256.
    pub(crate) width: u16,
}

impl Tile {
    /// The tile of this number as it is in a tree of some size; none where it would be empty.
    pub(crate) fn within(kind: Kind, number: u64, size: u64) -> Option<Self> {
        let level = match kind {
            Kind::Hashes(level) => level,
            Kind::Entries => 0,
        };
        let hashes = size.checked_shr(level * HEIGHT).unwrap_or(0);
        let before = number.checked_mul(u64::from(WIDTH))?;
        let width = u16::try_from(hashes.saturating_sub(before)).unwrap_or(u16::MAX).min(WIDTH);
        (width > 0).then_some(Self { kind, number, width })
    }

    /// The last tile of its kind in a tree of this size, if it is a partial one.
    pub(crate) fn partial(kind: Kind, size: u64) -> Option<Self> {
        let level = match kind {
            Kind::Hashes(level) => level,
            Kind::Entries => 0,
        };
        let number = size.checked_shr((level + 1) * HEIGHT).unwrap_or(0);
        Self::within(kind, number, size).filter(|tile| tile.width < WIDTH)
    }

    /// The same with all that it can hold.
    pub(crate) fn full(self) -> Self {
        Self { width: WIDTH, ..self }
    }

    /// The directory of its partial forms.
    pub(crate) fn partials(self) -> String {
        format!("{}.p", self.full())
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Hashes(level) => write!(f, "tile/{level}/")?,
            Kind::Entries => f.write_str("tile/entries/")?,
        }
        let groups = (1..7).rev().map(|power| 1000_u64.pow(power));
        for group in groups.filter(|group| self.number >= *group) {
            write!(f, "x{:03}/", self.number / group % 1000)?;
        }
        write!(f, "{:03}", self.number % 1000)?;
        if self.width < WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// The hashes of a tile, and all between them and its root.
#[derive(Debug)]
pub(crate) struct TileHashes {
    /// Those of height 0 to 8 within the tile; of each height the complete ones.
    heights: Vec<Vec<Hash>>,
}

impl TileHashes {
    /// From the hashes of a tile, in their order.
    pub(crate) fn new(hashes: Vec<Hash>) -> Self {
        let mut heights = vec![hashes];
        for below in 0..HEIGHT as usize {
            let (pairs, _odd) = heights[below].as_chunks::<2>();
            let above = pairs.iter().map(|[left, right]| Hash::of_children(left, right)).collect();
            heights.push(above);
        }
        Self { heights }
    }

    /// The hash of the complete subtree of this height, 0 to 8, over the tile's hashes.
    pub(crate) fn get(&self, height: u32, index: usize) -> Option<Hash> {
        self.heights.get(height as usize)?.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(kind: Kind, number: u64, width: u16) -> String {
        Tile { kind, number, width }.to_string()
    }

    /// The examples of C2SP tlog-tiles, and the borders of the groups.
    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(path(Kind::Hashes(3), 1_234_067, 256), "tile/3/x001/x234/067");
        assert_eq!(path(Kind::Entries, 1_234_067, 8), "tile/entries/x001/x234/067.p/8");
        assert_eq!(path(Kind::Hashes(0), 0, 1), "tile/0/000.p/1");
        assert_eq!(path(Kind::Hashes(0), 999, 256), "tile/0/999");
        assert_eq!(path(Kind::Hashes(0), 1000, 256), "tile/0/x001/000");
        assert_eq!(path(Kind::Hashes(0), 1_000_000, 255), "tile/0/x001/x000/000.p/255");
        let last = "tile/0/x018/x446/x744/x073/x709/x551/615";
        assert_eq!(path(Kind::Hashes(0), u64::MAX, 256), last);
    }

    /// "A tree of size 70,000 will be represented by" (C2SP tlog-tiles, "Partial Tiles").
    #[test]
    fn a_tree_of_70_000_has_the_tiles_of_the_specification() {
        let width = |kind, number| Tile::within(kind, number, 70_000).map(|tile| tile.width);
        assert_eq!(width(Kind::Hashes(0), 272), Some(256));
        assert_eq!(width(Kind::Hashes(0), 273), Some(112));
        assert_eq!(width(Kind::Hashes(0), 274), None);
        assert_eq!(width(Kind::Entries, 273), Some(112));
        assert_eq!((width(Kind::Hashes(1), 0), width(Kind::Hashes(1), 1)), (Some(256), Some(17)));
        assert_eq!((width(Kind::Hashes(2), 0), width(Kind::Hashes(3), 0)), (Some(1), None));
        let partial = |level| Tile::partial(Kind::Hashes(level), 256).map(|tile| tile.to_string());
        assert_eq!((partial(0), partial(1)), (None, Some("tile/1/000.p/1".to_owned())));
    }

    #[test]
    fn no_size_is_too_large() {
        for level in 0..LEVELS_MAX {
            assert!(Tile::partial(Kind::Hashes(level), u64::MAX).is_some());
        }
        assert_eq!(Tile::within(Kind::Hashes(0), u64::MAX, u64::MAX), None);
    }
}
