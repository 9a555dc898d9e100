//! The verifier's own tree (RFC 6962, section 2.1): a stack of complete subtrees.

use sha2::{Digest, Sha256};

/// A hash, as bytes.
pub(super) type Hash = [u8; 32];

/// The bytes of a full tile: 256 hashes.
pub(super) const TILE_LEN: usize = 256 * 32;

/// All that a tree of any size needs in order to grow: a hash for each bit of its size, and the
/// tiles that are not full.
#[derive(Debug)]
pub(super) struct Tree {
    size: u64,
    /// Where the size has a bit, the hash of a complete subtree of that height.
    complete: [Hash; 64],
    /// Of each level, the tile that is being filled.
    tiles: [TileContent; 8],
}

/// The hashes that a tile should hold.
#[derive(Debug, Default)]
pub(super) struct TileContent {
    pub(super) number: u64,
    pub(super) hashes: Vec<u8>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { size: 0, complete: [[0; 32]; 64], tiles: Default::default() }
    }
}

impl Tree {
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next entry. Each subtree it completes whose height is a multiple of 8 has its hash
    /// in a tile.
    pub(super) fn push(&mut self, entry: &[u8]) {
        let mut hash: Hash = Sha256::new().chain_update([0]).chain_update(entry).finalize().into();
        let completes = self.size.trailing_ones() as usize;
        for height in 0..completes {
            self.note(height, hash);
            hash = node(&self.complete[height], &hash);
        }
        self.note(completes, hash);
        self.complete[completes] = hash;
        self.size += 1;
    }

    pub(super) fn root(&self) -> Hash {
        let mut present = (0..64).filter(|height| self.size >> height & 1 == 1);
        let Some(smallest) = present.next() else { return Sha256::digest([]).into() };
        present.fold(self.complete[smallest], |right, height| node(&self.complete[height], &right))
    }

    /// The tile of the last entries' own hashes.
    pub(super) fn first_tile(&self) -> &TileContent {
        &self.tiles[0]
    }

    /// The tiles that are full, from below.
    pub(super) fn full_tiles(&self) -> impl Iterator<Item = (usize, &TileContent)> {
        self.tiles.iter().enumerate().filter(|(_, tile)| tile.hashes.len() == TILE_LEN)
    }

    /// Makes room behind the tiles that are full.
    pub(super) fn clear_full_tiles(&mut self) {
        for tile in self.tiles.iter_mut().filter(|tile| tile.hashes.len() == TILE_LEN) {
            tile.number += 1;
            tile.hashes.clear();
        }
    }

    /// The tiles that have hashes and are not full, from below.
    pub(super) fn partial_tiles(&self) -> impl Iterator<Item = (usize, &TileContent)> {
        let partial = |tile: &TileContent| (1..TILE_LEN).contains(&tile.hashes.len());
        self.tiles.iter().enumerate().filter(move |(_, tile)| partial(tile))
    }

    fn note(&mut self, height: usize, hash: Hash) {
        if height.is_multiple_of(8) {
            self.tiles[height / 8].hashes.extend_from_slice(&hash);
        }
    }
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}
