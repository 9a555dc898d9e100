//! The right edge of the tree: what appending needs, so that it reads nothing.

use super::hash::Hash;
use super::tile::{HEIGHT, Kind, Tile, TileHashes, WIDTH};

/// The hashes of every level's partial tile: at most 255 for each of 8 levels, 64 KiB in all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// An edge from the hashes of the partial tiles of a tree of this size, level 0 first. Whether
    /// they are the right ones shows in the root.
    pub(crate) fn new(size: u64, levels: Vec<Vec<Hash>>) -> Self {
        Self { size, levels }
    }

    /// How many entries the tree has.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the partial tile of each level, level 0 first; none where it would be empty.
    pub(crate) fn levels(&self) -> impl Iterator<Item = &[Hash]> {
        self.levels.iter().map(Vec::as_slice)
    }

    /// Takes the hash of the next entry. Calls with every tile that is full by it, from below.
    pub(crate) fn push(&mut self, entry: Hash, mut full: impl FnMut(Tile, &[Hash])) {
        let mut hash = entry;
        for level in 0.. {
            if self.levels.len() == level as usize {
                self.levels.push(Vec::with_capacity(usize::from(WIDTH)));
            }
            let hashes = &mut self.levels[level as usize];
            hashes.push(hash);
            if hashes.len() < usize::from(WIDTH) {
                break;
            }
            let number = self.size >> ((level + 1) * HEIGHT);
            full(Tile { kind: Kind::Hashes(level), number, width: WIDTH }, hashes);
            hash = root_of_complete(hashes);
            hashes.clear();
        }
        self.size += 1;
    }

    /// The root of the tree as it is.
    ///
    /// The tree is a row of complete subtrees, each smaller than the one to its left: the bits of
    /// its size. Within a level these are the bits of the partial tile's width.
    pub(crate) fn root(&self) -> Hash {
        let mut root = None;
        for hashes in self.levels.iter().filter(|hashes| !hashes.is_empty()) {
            let tile = TileHashes::new(hashes.clone());
            for height in (0..HEIGHT).filter(|height| hashes.len() >> height & 1 == 1) {
                let left = tile.get(height, (hashes.len() >> height) - 1);
                root = match (left, root) {
                    (Some(left), Some(right)) => Some(Hash::of_children(&left, &right)),
                    (left, right) => left.or(right),
                };
            }
        }
        root.unwrap_or_else(Hash::of_nothing)
    }
}

/// The root over hashes whose number is a power of two.
fn root_of_complete(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        let (pairs, _none) = row.as_chunks::<2>();
        row = pairs.iter().map(|[left, right]| Hash::of_children(left, right)).collect();
    }
    row.first().copied().unwrap_or_else(Hash::of_nothing)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The eight inputs that certificate transparency's own tests use, and the roots of their first
    /// 0 to 8 (`google/certificate-transparency`, `merkle_tree_test.cc`; RFC 9162, section 2.1.5,
    /// has the shapes).
    const INPUTS: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn the_roots_of_the_known_inputs_are_the_known_ones() {
        let mut edge = Edge::default();
        assert_eq!(edge.root().to_string(), ROOTS[0]);
        for (input, root) in INPUTS.iter().zip(&ROOTS[1..]) {
            edge.push(Hash::of_entry(&hex::decode(input).unwrap()), |_, _| {});
            assert_eq!(edge.root().to_string(), *root);
        }
    }

    #[test]
    fn tiles_are_full_in_their_order_and_from_below() {
        let mut edge = Edge::default();
        let mut full = Vec::new();
        for _ in 0..65_536 + 256 {
            edge.push(Hash::of_nothing(), |tile, hashes| {
                assert_eq!(hashes.len(), 256);
                full.push(tile.to_string());
            });
        }
        assert_eq!(full.len(), 256 + 1 + 1);
        assert_eq!(full[..2], ["tile/0/000", "tile/0/001"]);
        assert_eq!(full[255..], ["tile/0/255", "tile/1/000", "tile/0/256"]);
        let widths: Vec<usize> = edge.levels().map(<[Hash]>::len).collect();
        assert_eq!(widths, [0, 1, 1]);
    }
}
