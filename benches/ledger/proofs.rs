//! Inclusion proofs by the reader that the service answers from, and a bare read of a tile beside them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use signpost_ledger::log::reader::Reader;

/// How long so many of each took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proven {
    pub(crate) count: usize,
    pub(crate) proofs: Duration,
    /// Opening and reading the lowest tile over the entry, and nothing else.
    pub(crate) reads: Duration,
}

/// Proves entries from all over the ledger, as `ProveInclusion` does: the leaf's hash, and the path.
pub(crate) fn prove(reader: &Reader, directory: &Path, count: usize) -> anyhow::Result<Proven> {
    let size = reader.checkpoint().size;
    let indexes: Vec<u64> = spread(size).take(count).collect();
    let from = Instant::now();
    for index in &indexes {
        let leaf = reader.leaf_hash(*index)?;
        let proof = reader.inclusion(*index, size)?;
        std::hint::black_box((leaf, proof));
    }
    let proofs = from.elapsed();
    let tiles: Vec<_> = indexes.iter().map(|index| directory.join(tile(*index, size))).collect();
    let from = Instant::now();
    for tile in &tiles {
        std::hint::black_box(fs::read(tile)?);
    }
    Ok(Proven { count, proofs, reads: from.elapsed() })
}

/// Indexes without an order that a disk could follow, the same in each run.
fn spread(size: u64) -> impl Iterator<Item = u64> {
    let next = |last: &u64| Some(last.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    std::iter::successors(Some(1), next).map(move |number| (number >> 11) % size)
}

/// The file of the lowest tile over an entry (C2SP tlog-tiles, "Tiled Merkle tree").
fn tile(index: u64, size: u64) -> String {
    let number = index / 256;
    let mut path = format!("{:03}", number % 1000);
    let mut above = number / 1000;
    while above > 0 {
        path = format!("x{:03}/{path}", above % 1000);
        above /= 1000;
    }
    let width = (size - number * 256).min(256);
    if width < 256 { format!("tile/0/{path}.p/{width}") } else { format!("tile/0/{path}") }
}
