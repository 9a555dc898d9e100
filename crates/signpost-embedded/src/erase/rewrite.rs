//! Rewriting a segment of openings under a new key, so that a cut at any moment leaves the segment as
//! it was or as it is to be, with its key.
//!
//! | step | after it, behind `openings/segment-0000000001` |
//! |---|---|
//! | the new key and the new slots are written, and synced | `.next-key`, `.next`: of no use yet |
//! | what is to be erased is noted | |
//! | the old key is renamed | `.old-key`: from here on it is the new ones that count |
//! | the new slots and the new key take the old ones' names | `.old-key` |
//! | the old key is destroyed | `.old-key`, which names a key that is gone |
//! | the name of the old key is removed | |
//!
//! A start takes back what is of no use yet, and renames what counts. It destroys no key that was in
//! use: whoever asked for the erasure asks again.

use std::io;
use std::path::{Path, PathBuf};

use signpost_core::store::StoreError;

use super::note::Noted;
use super::scan::SegmentScan;
use crate::disk::Disk;
use crate::durable::{self, none_if_missing};
use crate::error::Failure;
use crate::keyring::sealing::{SealingKey, seal_opening, seal_tombstone};
use crate::keyring::{KeyError, KeySource, WrappedKey};
use crate::layout::Layout;
use crate::ledger::slot_offset;
use crate::state::{Shared, read_wrapped_segment_key, segment_label};
use crate::turn::unrecorded::key_that_is_gone;

/// A segment that is to be rewritten.
#[derive(Debug)]
pub(super) struct Rewrite<'s> {
    pub(super) shared: &'s Shared,
    pub(super) segment: u64,
    /// The slots whose openings are to be erased, in order.
    pub(super) erased: Vec<u32>,
}

/// Why a segment was not rewritten, or its old key not destroyed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RewriteError {
    /// The segment, or the wrapped key of it, is not what was written.
    #[error("it is damaged")]
    Damaged,
    /// A key could not be made or destroyed.
    #[error("a key could not be made or destroyed")]
    Key(#[from] KeyError),
    /// Something could not be written or removed.
    #[error("cannot use {}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Which of the two keys counts is unknown: the next start looks.
    #[error("a name could not be changed")]
    Unknown(#[source] io::Error),
}

/// How many slots are sealed and written at a time.
const CHUNK: u32 = 1024;

impl Rewrite<'_> {
    /// Does all of it.
    pub(super) fn make(&self, scan: &mut SegmentScan<'_>) -> Result<(), RewriteError> {
        let Shared { disk, layout, source, .. } = self.shared;
        let old = read_wrapped_segment_key(&**disk, layout, self.segment)?;
        let written = self.write_next(scan).and_then(|()| self.note(&old));
        if let Err(error) = written {
            if let Err(error) = take_back(&**disk, layout, &**source, self.segment) {
                tracing::warn!(%error, segment = self.segment, "what was rewritten in vain is there");
            }
            return Err(error);
        }
        self.replace()?;
        finish(self.shared, self.segment)
    }

    /// Writes the new key and the new slots; nothing rests on them yet.
    fn write_next(&self, scan: &mut SegmentScan<'_>) -> Result<(), RewriteError> {
        let Shared { disk, layout, source, .. } = self.shared;
        let (disk, segment) = (&**disk, self.segment);
        let key = SealingKey::random();
        let wrapped = source.create(&segment_label(segment), key.as_bytes())?;
        let path = layout.segment_next_key(segment);
        if let Err(source_error) = durable::write_durably(disk, &path, &wrapped.encode()) {
            // Nothing names the key-encryption key: nobody else would destroy it.
            if let Err(error) = source.destroy(&wrapped.id) {
                tracing::warn!(%error, "a key that seals nothing is still there");
            }
            return Err(RewriteError::Io { path, source: source_error });
        }
        let path = layout.segment_next(segment);
        let io = |source| RewriteError::Io { path: path.clone(), source };
        let file = durable::open_or_create(disk, &path).map_err(io)?;
        file.set_len(0).map_err(io)?;
        let mut erased = self.erased.iter().peekable();
        for first in (0..scan.slots()).step_by(CHUNK as usize) {
            let mut slots = Vec::new();
            for slot in first..scan.slots().min(first + CHUNK) {
                let sealed = scan.slot(slot).map_err(damaged)?;
                let is_erased = erased.next_if_eq(&&slot).is_some();
                let opening =
                    if is_erased { None } else { scan.open_slot(&sealed).map_err(damaged)? };
                let sealed_anew = match opening {
                    Some(opening) => seal_opening(&key, segment, sealed.entry, &opening),
                    None => seal_tombstone(&key, segment, sealed.entry),
                };
                slots.extend_from_slice(&sealed.entry.0.to_be_bytes());
                slots.extend_from_slice(&sealed_anew);
            }
            file.write_all_at(&slots, slot_offset(first)).map_err(io)?;
        }
        file.sync_all().map_err(io)
    }

    /// Notes, before anything counts, what will have been erased: a key that nothing names any more
    /// could not be told of.
    fn note(&self, old: &WrappedKey) -> Result<(), RewriteError> {
        let Shared { disk, layout, .. } = self.shared;
        let (segment, key) = (layout.segment(self.segment), layout.segment_key(self.segment));
        let len = |path: &Path| {
            let io = |source| RewriteError::Io { path: path.to_owned(), source };
            Ok::<u64, RewriteError>(disk.status(path).map_err(io)?.len)
        };
        let noted = Noted {
            segment: self.segment,
            key: *old.id.as_bytes(),
            openings: self.erased.len() as u64,
            files: 2,
            bytes: len(&segment)? + len(&key)?,
            destroyed: None,
        };
        let noted = self.shared.erasures().note(&**disk, layout, noted);
        noted.map_err(|source| RewriteError::Io { path: layout.erased(), source })
    }

    /// From the first of these names on it is the new segment that counts. Nobody reads meanwhile.
    fn replace(&self) -> Result<(), RewriteError> {
        let _nobody_reads = self.shared.replace_openings();
        let Shared { disk, layout, .. } = self.shared;
        let (key, old_key) =
            (layout.segment_key(self.segment), layout.segment_old_key(self.segment));
        let replaced = disk
            .rename(&key, &old_key)
            .and_then(|()| disk.sync_directory(&layout.openings()))
            .and_then(|()| rename_next(&**disk, layout, self.segment));
        replaced.map_err(|error| {
            self.shared.fail(Failure::OpeningsNotReplaced);
            RewriteError::Unknown(error)
        })
    }
}

fn damaged(_told: StoreError) -> RewriteError {
    RewriteError::Damaged
}

/// Gives the new slots and the new key the old ones' names, as far as they have not.
fn rename_next(disk: &dyn Disk, layout: &Layout, segment: u64) -> io::Result<()> {
    let names = [
        (layout.segment_next(segment), layout.segment(segment)),
        (layout.segment_next_key(segment), layout.segment_key(segment)),
    ];
    for (next, name) in names {
        none_if_missing(disk.rename(&next, &name))?;
        disk.sync_directory(&layout.openings())?;
    }
    Ok(())
}

/// Takes back what is of no use yet.
fn take_back(
    disk: &dyn Disk,
    layout: &Layout,
    source: &dyn KeySource,
    segment: u64,
) -> Result<(), RewriteError> {
    let path = layout.segment_next_key(segment);
    let io = |source| RewriteError::Io { path: path.clone(), source };
    none_if_missing(disk.remove_file(&layout.segment_next(segment))).map_err(io)?;
    let Some(bytes) = durable::read_if_there(disk, &path).map_err(io)? else { return Ok(()) };
    if let Some(wrapped) = WrappedKey::decode(&bytes) {
        destroy_unless_gone(source, &wrapped)?;
    }
    disk.remove_file(&path).map_err(io)?;
    disk.sync_directory(&layout.openings()).map_err(io)
}

fn destroy_unless_gone(source: &dyn KeySource, wrapped: &WrappedKey) -> Result<(), KeyError> {
    match source.destroy(&wrapped.id) {
        Ok(_) | Err(KeyError::Unknown { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Destroys the old key of a segment that was rewritten, if there is one, and notes its keeper's word.
pub(super) fn finish(shared: &Shared, segment: u64) -> Result<(), RewriteError> {
    let Shared { disk, layout, source, .. } = shared;
    let path = layout.segment_old_key(segment);
    let io = |source| RewriteError::Io { path: path.clone(), source };
    let Some(bytes) = durable::read_if_there(&**disk, &path).map_err(io)? else { return Ok(()) };
    let old = WrappedKey::decode(&bytes).ok_or(RewriteError::Damaged)?;
    let in_use = read_wrapped_segment_key(&**disk, layout, segment)?;
    if in_use.id != old.id {
        let receipt = match source.destroy(&old.id) {
            Ok(receipt) => receipt.into(),
            Err(KeyError::Unknown { .. }) => key_that_is_gone(*old.id.as_bytes()),
            Err(error) => return Err(error.into()),
        };
        let kept = shared.erasures().keep_receipt(&**disk, layout, segment, receipt);
        kept.map_err(|source| RewriteError::Io { path: layout.erased(), source })?;
    }
    disk.remove_file(&path).map_err(io)?;
    disk.sync_directory(&layout.openings()).map_err(io)
}

/// Where a segment and its key lie for whoever changes nothing: a cut may have left them half renamed.
pub(crate) fn standing(
    disk: &dyn Disk,
    layout: &Layout,
    segment: u64,
) -> io::Result<(PathBuf, PathBuf)> {
    let (slots, key) = (layout.segment(segment), layout.segment_key(segment));
    if !durable::is_there(disk, &layout.segment_old_key(segment))? {
        return Ok((slots, key));
    }
    let (next, next_key) = (layout.segment_next(segment), layout.segment_next_key(segment));
    let slots = if durable::is_there(disk, &next)? { next } else { slots };
    let key = if durable::is_there(disk, &next_key)? { next_key } else { key };
    Ok((slots, key))
}

/// Brings every segment to the one state or the other, at a start.
pub(crate) fn settle(
    disk: &dyn Disk,
    layout: &Layout,
    source: &dyn KeySource,
) -> Result<(), RewriteError> {
    let io = |path: PathBuf| move |source| RewriteError::Io { path, source };
    for segment in layout.rewritten_segments(disk).map_err(io(layout.openings()))? {
        let path = layout.segment_old_key(segment);
        if durable::is_there(disk, &path).map_err(io(path.clone()))? {
            tracing::warn!(segment, "an erasure was cut short: its new segment is put into place");
            rename_next(disk, layout, segment).map_err(io(path))?;
        } else {
            tracing::warn!(segment, "an erasure was cut short before it began: the segment stays");
            take_back(disk, layout, source, segment)?;
        }
    }
    Ok(())
}
