//! The index: sled, which finds sealed records by location. It is a fine ordered index and a poor
//! witness, so what it holds is counted and summed, and never believed where the sum is wrong.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{self, Read};
use std::ops::Bound;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::journal::frame::{FrameId, SealedWrite};
use crate::turn::traces;

/// An open index.
#[derive(Debug)]
pub(crate) struct Index {
    db: sled::Db,
    /// Changed by the one thread that applies.
    applied: Mutex<Applied>,
}

/// How far the index is, kept in the same atomic batch as what it holds: the last frame applied,
/// the count of its records, and the exclusive-or of their hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Applied {
    frame: FrameId,
    records: u64,
    sum: [u8; 32],
}

/// What is known of an index before it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Nothing.
    None,
    /// Its files are those that were closed.
    Sealed,
}

/// A sealed record and its location.
pub(crate) type Located = ([u8; 48], sled::IVec);

impl Index {
    /// Opens or makes an index. What it holds is compared with its count and sum, unless its files
    /// are known to be those that were closed. An error means that it is lost; sled may panic on
    /// damage, so it is opened on a thread of its own.
    pub(crate) fn open(path: &Path, cache_bytes: u64, trust: Trust) -> Result<Self, String> {
        let path = path.to_owned();
        let opening = std::thread::spawn(move || open_and_check(&path, cache_bytes, trust));
        opening.join().unwrap_or_else(|_| Err("sled panicked".to_owned()))
    }

    /// The last frame applied; number 0 before the first.
    pub(crate) fn frame(&self) -> FrameId {
        self.applied().frame
    }

    /// How many records it holds.
    pub(crate) fn records(&self) -> u64 {
        self.applied().records
    }

    /// Applies a frame's writes, all or none, and remembers the frame with them. A frame without
    /// writes changes nothing here and is not remembered: most frames are answers, and each batch
    /// costs sled two writes of its log.
    pub(crate) fn apply(&self, frame: FrameId, writes: &[SealedWrite]) -> sled::Result<()> {
        if writes.is_empty() {
            return Ok(());
        }
        self.remember(frame, writes)
    }

    /// Remembers a later frame, up to which it holds all.
    pub(crate) fn name(&self, frame: FrameId) -> sled::Result<()> {
        if frame.number > self.frame().number {
            self.remember(frame, &[])?;
        }
        Ok(())
    }

    /// Remembers the last frame of all and flushes, so that the next start finds nothing to do.
    pub(crate) fn close(&self, last: FrameId) -> sled::Result<usize> {
        self.name(last)?;
        self.flush()
    }

    fn remember(&self, frame: FrameId, writes: &[SealedWrite]) -> sled::Result<()> {
        let mut batch = sled::Batch::default();
        let mut now = Applied { frame, ..self.applied() };
        let mut within = BTreeMap::new();
        for write in writes {
            let earlier = match within.get(&write.location) {
                Some(earlier) => *earlier,
                None => self.get(&write.location)?.map(|it| hash(&write.location, &it)),
            };
            if let Some(earlier) = earlier {
                now.subtract(earlier);
            }
            let later = write.sealed.as_ref().map(|sealed| hash(&write.location, sealed));
            match (&write.sealed, later) {
                (Some(sealed), Some(later)) => {
                    now.add(later);
                    batch.insert(&write.location[..], sealed.as_slice());
                }
                _ => batch.remove(&write.location[..]),
            }
            within.insert(write.location, later);
        }
        batch.insert(APPLIED_KEY, now.encode());
        fail::fail_point!("index-applies", |_| {
            Err(sled::Error::Io(io::ErrorKind::StorageFull.into()))
        });
        self.db.apply_batch(batch)?;
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Ok(())
    }

    fn applied(&self) -> Applied {
        *self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The sealed record at a location.
    pub(crate) fn get(&self, location: &[u8; 48]) -> sled::Result<Option<sled::IVec>> {
        self.db.get(location)
    }

    /// At most `limit` sealed records of a scope, in order of location, behind `after`.
    pub(crate) fn scan(
        &self,
        scope: &[u8; 32],
        after: Option<&[u8; 48]>,
        limit: usize,
    ) -> sled::Result<Vec<Located>> {
        let mut found = Vec::new();
        let from = match after {
            None => Bound::Included(&scope[..]),
            Some(location) => Bound::Excluded(&location[..]),
        };
        for item in self.db.range::<&[u8], _>((from, Bound::Unbounded)).take(limit) {
            let (key, sealed) = item?;
            match <[u8; 48]>::try_from(&key[..]) {
                Ok(location) if key.starts_with(scope) => found.push((location, sealed)),
                _ => break,
            }
        }
        Ok(found)
    }

    /// At most `limit` sealed records of all scopes, in order of location, behind `after`.
    pub(crate) fn scan_all(
        &self,
        after: Option<&[u8; 48]>,
        limit: usize,
    ) -> sled::Result<Vec<Located>> {
        let from = after.map_or(Bound::Unbounded, |location| Bound::Excluded(&location[..]));
        let items = self.db.range::<&[u8], _>((from, Bound::Unbounded));
        let located = items.filter_map(|item| match item {
            Ok((key, sealed)) => <[u8; 48]>::try_from(&key[..]).ok().map(|key| Ok((key, sealed))),
            Err(error) => Some(Err(error)),
        });
        located.take(limit).collect()
    }

    /// Writes what is in memory to sled's files, so that a start after a crash has little to apply
    /// again. It is no sync, and need not be: the journal is the truth.
    pub(crate) fn flush(&self) -> sled::Result<usize> {
        self.db.flush()
    }
}

/// Waits until no earlier index holds sled's file: its threads let go of it a moment after the last
/// handle is dropped, and a file that is still held would pass for a lost index.
pub(crate) fn wait_until_released(path: &Path) -> io::Result<()> {
    let file = match File::options().read(true).write(true).open(path.join("db")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begun.elapsed() > RELEASED_WITHIN => {
                return Err(io::Error::other("something else holds its file"));
            }
            Err(TryLockError::WouldBlock) => std::thread::park_timeout(LOOK_EVERY),
        }
    }
}

const RELEASED_WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(5);

fn open_and_check(path: &Path, cache_bytes: u64, trust: Trust) -> Result<Index, String> {
    wait_until_released(path).map_err(|error| error.to_string())?;
    let config = sled::Config::new().path(path).cache_capacity(cache_bytes).flush_every_ms(None);
    fail::fail_point!("index-opens", |_| Err("it does not open".to_owned()));
    let db = config.open().map_err(|error| error.to_string())?;
    traces::plant_in_index(path).map_err(|error| error.to_string())?;
    let applied = db.get(APPLIED_KEY).map_err(|error| error.to_string())?;
    let applied = match applied {
        None => Applied::NOTHING,
        Some(bytes) => Applied::decode(&bytes).ok_or("its mark does not decode")?,
    };
    if trust == Trust::None {
        read_ahead(path).map_err(|error| error.to_string())?;
        if sum_of(&db, applied.frame)? != applied {
            return Err("records are missing".to_owned());
        }
    }
    Ok(Index { db, applied: Mutex::new(applied) })
}

/// Reads sled's file through, for the kernel to have it in memory. Pages of neighbouring locations
/// lie all over it: without this, a walk over all records waits for the disk at nearly each of them.
fn read_ahead(path: &Path) -> io::Result<()> {
    let mut file = File::open(path.join("db"))?;
    let mut buffer = vec![0; READ_LEN];
    while file.read(&mut buffer)? > 0 {}
    Ok(())
}

const READ_LEN: usize = 1 << 20;

/// What the index comes to, counted and summed by all cores, each over its part of the locations.
fn sum_of(db: &sled::Db, frame: FrameId) -> Result<Applied, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(LOCATIONS);
    let starts: Vec<usize> = (0..=cores).map(|part| part * LOCATIONS / cores).collect();
    let parts = std::thread::scope(|scope| {
        let parts = starts.windows(2).map(|part| {
            let (from, to) = (part[0], part[1]);
            scope.spawn(move || sum_of_part(db, from, to))
        });
        let parts: Vec<_> = parts.collect();
        let joined = parts
            .into_iter()
            .map(|part| part.join().unwrap_or_else(|_| Err("sled panicked".to_owned())));
        joined.collect::<Result<Vec<_>, _>>()
    })?;
    let mut all = Applied { frame, ..Applied::NOTHING };
    for part in parts {
        all.records += part.records;
        all.mix(part.sum);
    }
    Ok(all)
}

/// What the records come to whose location begins with a byte from `from` to below `to`.
fn sum_of_part(db: &sled::Db, from: usize, to: usize) -> Result<Applied, String> {
    let bound = |start: usize| u8::try_from(start).ok().map(|byte| [byte]);
    let (from, to) = (bound(from), bound(to));
    let from = from.as_ref().map_or(Bound::Unbounded, |byte| Bound::Included(&byte[..]));
    let to = to.as_ref().map_or(Bound::Unbounded, |byte| Bound::Excluded(&byte[..]));
    let mut sum = Applied::NOTHING;
    for item in db.range::<&[u8], _>((from, to)) {
        let (key, sealed) = item.map_err(|error| error.to_string())?;
        match <[u8; 48]>::try_from(&key[..]) {
            Ok(location) => sum.add(hash(&location, &sealed)),
            Err(_) if *key == *APPLIED_KEY => {}
            Err(_) => return Err("it holds a key that was never put".to_owned()),
        }
    }
    Ok(sum)
}

/// How many first bytes a location can have.
const LOCATIONS: usize = 256;

impl Applied {
    const NOTHING: Self = Self { frame: FrameId::NONE, records: 0, sum: [0; 32] };

    fn add(&mut self, record: [u8; 32]) {
        self.records += 1;
        self.mix(record);
    }

    fn subtract(&mut self, record: [u8; 32]) {
        self.records -= 1;
        self.mix(record);
    }

    fn mix(&mut self, record: [u8; 32]) {
        for (byte, other) in self.sum.iter_mut().zip(record) {
            *byte ^= other;
        }
    }

    /// Frame number (8), frame hash (32), count (8), sum (32).
    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.frame.number.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.frame.hash);
        bytes.extend_from_slice(&self.records.to_be_bytes());
        bytes.extend_from_slice(&self.sum);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk()?;
        let (hash, rest) = rest.split_first_chunk()?;
        let (records, sum) = rest.split_first_chunk()?;
        Some(Self {
            frame: FrameId { number: u64::from_be_bytes(*number), hash: *hash },
            records: u64::from_be_bytes(*records),
            sum: sum.try_into().ok()?,
        })
    }
}

fn hash(location: &[u8; 48], sealed: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(location).update(sealed).finalize().as_bytes()
}

/// Shorter than every location, so that no scan of a scope meets it.
const APPLIED_KEY: &[u8] = b"applied";

#[cfg(test)]
mod tests {
    use super::*;

    const CACHE_BYTES: u64 = 1 << 20;

    fn put(location: u8, sealed: u8) -> SealedWrite {
        SealedWrite { location: [location; 48], sealed: Some(vec![sealed; 300]) }
    }

    fn frame(number: u64) -> FrameId {
        FrameId { number, hash: [9; 32] }
    }

    #[test]
    fn what_was_applied_is_there_again_with_its_frame() {
        let directory = tempfile::tempdir().unwrap();
        let index = Index::open(directory.path(), CACHE_BYTES, Trust::None).unwrap();
        assert_eq!(index.frame(), FrameId { number: 0, hash: [0; 32] });
        let removed = SealedWrite { location: [2; 48], sealed: None };
        index.apply(frame(1), &[put(1, 1), put(2, 2), put(1, 3), removed]).unwrap();
        index.apply(frame(2), &[put(3, 3), put(1, 4)]).unwrap();
        index.flush().unwrap();
        drop(index);
        let index = Index::open(directory.path(), CACHE_BYTES, Trust::None).unwrap();
        assert_eq!(index.frame(), frame(2));
        assert_eq!(index.get(&[1; 48]).unwrap().unwrap(), vec![4; 300]);
        assert!(index.get(&[2; 48]).unwrap().is_none());
    }

    #[test]
    fn a_record_that_is_gone_behind_our_back_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let index = Index::open(directory.path(), CACHE_BYTES, Trust::None).unwrap();
        index.apply(frame(1), &[put(1, 1), put(2, 2)]).unwrap();
        index.db.remove([1; 48]).unwrap();
        index.flush().unwrap();
        drop(index);
        assert_eq!(
            Index::open(directory.path(), CACHE_BYTES, Trust::None).unwrap_err(),
            "records are missing"
        );
    }
}
