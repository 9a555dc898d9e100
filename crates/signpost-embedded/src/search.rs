//! Searching every file of a store for what should be gone: the machine's own files, past the disk's
//! trait and past sled, block by block, over all cores.
//!
//! Files that are made after it has begun are not searched.

mod files;
mod needles;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use signpost_core::search::{Found, SearchProgress, Searched, Sought};
use signpost_core::store::StoreError;

use crate::state::Shared;
use files::{Block, Files};
use needles::Needles;

/// How many windows are looked at between two reads, and so nearly how much of a file is in memory.
const BLOCK_LEN: usize = 1 << 20;

/// Searches all that lies in the data directory and the keyring's.
pub(crate) fn search(
    shared: &Shared,
    sought: &[Sought],
    progress: &dyn SearchProgress,
) -> Result<Searched, StoreError> {
    let roots = [("data", &*shared.layout.root), ("keyring", &*shared.keyring)];
    let commits = Mutex::new(None);
    // The store is closed: nobody waits for it. While commits come in, it rests as long as it works.
    let goes_on = |worked: Duration| {
        let Ok(last) = shared.generation().and_then(|_| Ok(shared.pending()?.last)) else {
            return false;
        };
        let before = commits.lock().unwrap_or_else(PoisonError::into_inner).replace(last);
        let rested = Instant::now();
        while before.is_some_and(|before| before != last) && rested.elapsed() < worked {
            std::thread::park_timeout(worked);
        }
        true
    };
    let searched = Files::under(&roots).and_then(|files| {
        Search {
            files: Mutex::new(files),
            needles: Needles::new(sought),
            progress,
            goes_on: &goes_on,
        }
        .run(BLOCK_LEN)
    });
    searched.map_err(|error| {
        tracing::error!(%error, "the files could not be searched");
        StoreError::Unavailable
    })
}

struct Search<'s> {
    files: Mutex<Files>,
    needles: Needles<'s>,
    progress: &'s dyn SearchProgress,
    /// Is told how long a block took; false ends the search.
    goes_on: &'s (dyn Fn(Duration) -> bool + Sync),
}

/// What one core has come to.
#[derive(Debug, Default)]
struct Part {
    searched: Searched,
    read: BTreeSet<usize>,
    vanished: BTreeSet<usize>,
    /// How many places of each that is sought are told.
    places: Vec<usize>,
}

impl Search<'_> {
    fn run(&self, block_len: usize) -> io::Result<Searched> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let parts = std::thread::scope(|scope| {
            let parts = (0..cores).map(|_| scope.spawn(|| self.search_blocks(block_len)));
            let parts: Vec<_> = parts.collect();
            let broken = || Err(io::Error::other("a thread panicked"));
            let joined = parts.into_iter().map(|part| part.join().unwrap_or_else(|_| broken()));
            joined.collect::<io::Result<Vec<Part>>>()
        })?;
        let mut all = Searched::default();
        let (mut read, mut vanished) = (BTreeSet::new(), BTreeSet::new());
        for mut part in parts {
            all.bytes += part.searched.bytes;
            all.hits += part.searched.hits;
            all.found.append(&mut part.searched.found);
            read.append(&mut part.read);
            vanished.append(&mut part.vanished);
        }
        let gone = self.files.lock().unwrap_or_else(PoisonError::into_inner).directories_gone;
        all.files = read.difference(&vanished).count() as u64;
        all.vanished = vanished.len() as u64 + gone;
        all.found.sort_unstable();
        let (mut last, mut places) = (None, 0);
        all.found.retain(|found| {
            places = if last == Some(found.sought) { places + 1 } else { 1 };
            last = Some(found.sought);
            places <= Searched::PLACES_MAX
        });
        Ok(all)
    }

    fn search_blocks(&self, block_len: usize) -> io::Result<Part> {
        let mut part = Part { places: vec![0; self.needles.count()], ..Part::default() };
        let mut buffer = vec![0; block_len + self.needles.overlap()];
        loop {
            let next = self.files.lock().unwrap_or_else(PoisonError::into_inner).next(block_len);
            let Some(block) = next else { return Ok(part) };
            let begun = Instant::now();
            match self.search_block(&block, &mut buffer, block_len, &mut part) {
                Ok(()) => drop(part.read.insert(block.file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    part.vanished.insert(block.file);
                }
                Err(error) => return Err(error),
            }
            if !(self.goes_on)(begun.elapsed()) {
                return Err(io::Error::other("the store is closed"));
            }
        }
    }

    /// Looks at every window that begins in a block. The last block of a file goes on to wherever the
    /// file ends by now.
    fn search_block(
        &self,
        block: &Block,
        buffer: &mut [u8],
        block_len: usize,
        part: &mut Part,
    ) -> io::Result<()> {
        let file = File::open(&block.path)?;
        let mut offset = block.offset;
        loop {
            let len = read_up_to(&file, buffer, offset)?;
            let ends = len < buffer.len();
            let starts = if ends && block.is_last { len } else { len.min(block_len) };
            self.needles.find(&buffer[..len], starts, |sought, at| {
                part.searched.hits += 1;
                part.places[sought] += 1;
                if part.places[sought] <= Searched::PLACES_MAX {
                    let offset = offset + at as u64;
                    part.searched.found.push(Found { sought, file: block.name.clone(), offset });
                }
            });
            part.searched.bytes += starts as u64;
            self.progress.searched(starts as u64);
            offset += starts as u64;
            if ends || !block.is_last {
                return Ok(());
            }
        }
    }
}

/// Fills the buffer as far as the file goes; says how far that was.
fn read_up_to(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match file.read_at(&mut buffer[len..], offset + len as u64) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

#[cfg(test)]
mod tests;
