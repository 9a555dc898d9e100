//! Building a lost index. Locations are hashes: as the journal has them they fall all over the index,
//! and beyond its cache nearly each waits for the disk. So they are put in order first, in runs that
//! memory holds.

use std::collections::BTreeMap;

use crate::journal::frame::{FrameId, SealedWrite};
use crate::progress::Progress;
use crate::state::index::Index;

/// What is to go into an empty index: of each location, the last write.
#[derive(Debug)]
pub(super) struct Rebuild<'i> {
    index: &'i Index,
    run: BTreeMap<[u8; 48], Option<Vec<u8>>>,
    run_bytes: usize,
    run_bytes_max: usize,
    /// The last frame that wrote anything.
    last: FrameId,
}

/// What a run takes of memory, about: some 600 000 records. Each further run is one more way through
/// the index, in order.
const RUN_BYTES_MAX: usize = 256 << 20;

/// What a write takes beside its sealed bytes: location, length, pointers, its share of the tree.
const WRITE_BYTES: usize = 128;

/// How many writes go into the index at a time.
const CHUNK: usize = 1024;

impl<'i> Rebuild<'i> {
    pub(super) fn new(index: &'i Index) -> Self {
        Self {
            index,
            run: BTreeMap::new(),
            run_bytes: 0,
            run_bytes_max: RUN_BYTES_MAX,
            last: FrameId::NONE,
        }
    }

    /// Takes a frame's writes.
    pub(super) fn add(&mut self, frame: FrameId, writes: Vec<SealedWrite>) -> sled::Result<()> {
        for SealedWrite { location, sealed } in writes {
            self.last = frame;
            self.run_bytes += len(sealed.as_ref());
            if let Some(earlier) = self.run.insert(location, sealed) {
                self.run_bytes -= len(earlier.as_ref());
            }
        }
        if self.run_bytes > self.run_bytes_max {
            while self.write_chunk()? > 0 {}
        }
        Ok(())
    }

    /// Writes what is left. Only now does the index name a frame: one that was cut short before holds
    /// a part, agrees with itself, and must pass for lost.
    pub(super) fn finish(mut self, progress: &dyn Progress) -> sled::Result<()> {
        progress.begin("building the index", self.run_bytes as u64);
        loop {
            let written = self.write_chunk()?;
            if written == 0 {
                break;
            }
            progress.advance(written as u64);
        }
        progress.end();
        self.index.name(self.last)
    }

    /// Writes the first of the run; says how many bytes that were.
    fn write_chunk(&mut self) -> sled::Result<usize> {
        let mut writes = Vec::new();
        while writes.len() < CHUNK
            && let Some((location, sealed)) = self.run.pop_first()
        {
            writes.push(SealedWrite { location, sealed });
        }
        self.index.apply(FrameId::NONE, &writes)?;
        let written = writes.iter().map(|write| len(write.sealed.as_ref())).sum();
        self.run_bytes -= written;
        Ok(written)
    }
}

fn len(sealed: Option<&Vec<u8>>) -> usize {
    WRITE_BYTES + sealed.map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;
    use crate::state::index::Trust;

    fn open(directory: &tempfile::TempDir, name: &str) -> Index {
        Index::open(&directory.path().join(name), 1 << 20, Trust::None).unwrap()
    }

    /// Frames that put, replace and remove, none in order.
    fn frames() -> Vec<(FrameId, Vec<SealedWrite>)> {
        let write = |number: u8, nth: u8| {
            let hash = blake3::hash(&[number.wrapping_mul(7).wrapping_add(nth) % 200]);
            let mut location = [0; 48];
            location[..32].copy_from_slice(hash.as_bytes());
            let sealed = (!number.is_multiple_of(5)).then(|| vec![number; 100]);
            SealedWrite { location, sealed }
        };
        let frame = |number: u8| {
            let writes = (0..40).map(|nth| write(number, nth)).collect();
            (FrameId { number: number.into(), hash: [number; 32] }, writes)
        };
        let mut frames: Vec<_> = (1..100).map(frame).collect();
        frames.push((FrameId { number: 100, hash: [100; 32] }, Vec::new()));
        frames
    }

    #[test]
    fn an_index_built_in_runs_is_the_one_that_was_applied_frame_by_frame() {
        let directory = tempfile::tempdir().unwrap();
        let applied = open(&directory, "applied");
        for (frame, writes) in frames() {
            applied.apply(frame, &writes).unwrap();
        }
        for run_bytes_max in [0, 10_000, RUN_BYTES_MAX] {
            let built = open(&directory, &format!("built-{run_bytes_max}"));
            let mut rebuild = Rebuild { run_bytes_max, ..Rebuild::new(&built) };
            for (frame, writes) in frames() {
                rebuild.add(frame, writes).unwrap();
                assert_eq!(built.frame(), FrameId::NONE, "a part passes for nothing");
            }
            rebuild.finish(&Silent).unwrap();
            assert_eq!(built.frame(), applied.frame());
            assert_eq!(built.scan_all(None, 1000), applied.scan_all(None, 1000));
            assert!(built.records() > 50 && built.records() == applied.records());
            drop(built);
            open(&directory, &format!("built-{run_bytes_max}"));
        }
    }
}
