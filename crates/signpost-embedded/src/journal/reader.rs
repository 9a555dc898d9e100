//! Reading a journal from its first frame, over all its files, and checking each frame against the
//! one before.

use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;

use super::frame::{Body, FileHeader, FrameHeader, FrameId};
use crate::current::Current;
use crate::disk::{Disk, DiskFile, Reader, read_exact_at};
use crate::error::OpenError;
use crate::layout::Layout;

/// One good frame on reading.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) id: FrameId,
    pub(crate) first_entry: u64,
    pub(crate) body: Body,
    /// The length of the whole frame in bytes.
    pub(crate) len: u64,
}

/// Where reading stopped, and what lies behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The last file ends with a whole frame.
    Clean,
    /// The rest is no whole frame, and no later frame lies in it.
    Torn,
    /// The rest holds a later frame: damage, not a tail.
    Damaged,
}

/// Where a frame starts, and what it follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The number of the journal file.
    pub(crate) file: u64,
    pub(crate) offset: u64,
    pub(crate) last: FrameId,
    pub(crate) next_entry: u64,
}

/// Reads frames in order.
#[derive(Debug)]
pub(crate) struct JournalReader {
    /// The last frame of the fill, and the first entry behind it.
    fill: FrameId,
    first_entry: u64,
    files: Vec<JournalFile>,
    /// The index of the file that is read.
    at: usize,
    reader: BufReader<Reader>,
    pub(crate) last: FrameId,
    pub(crate) next_entry: u64,
    pub(crate) offset: u64,
}

/// A file of the journal.
#[derive(Debug)]
struct JournalFile {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    header: FileHeader,
    len: u64,
}

impl JournalReader {
    /// Opens all files of the current generation's journal and checks their headers.
    pub(crate) fn open(
        disk: &dyn Disk,
        layout: &Layout,
        current: &Current,
    ) -> Result<Self, OpenError> {
        let generation = current.generation;
        let directory = layout.generation(generation);
        let numbers = layout.journal_files(disk, generation).map_err(OpenError::io(&directory))?;
        let mut files = Vec::new();
        for (expected, number) in (1..).zip(numbers.into_iter().chain([0])) {
            if number == 0 && expected > 1 {
                break;
            }
            let path = layout.journal(generation, expected);
            if number != expected {
                return Err(OpenError::damaged(&path, 0, "this file of the journal is missing"));
            }
            files.push(open_file(disk, path, generation, number)?);
        }
        let first = files[0].header.before_first();
        if current.fill.number == 0 && current.fill.hash != first.hash {
            let what = "it is not the journal that CURRENT was written for";
            return Err(OpenError::damaged(&files[0].path, 0, what));
        }
        let next_entry = if current.fill.number == 0 { current.first_entry } else { 0 };
        let offset = FileHeader::LEN as u64;
        let reader = read_from(&files[0], offset);
        let (fill, first_entry) = (current.fill, current.first_entry);
        let (at, last) = (0, first);
        let mut reader = Self { fill, first_entry, files, at, reader, last, next_entry, offset };
        reader.move_on()?;
        Ok(reader)
    }

    /// Goes on at a position that was reached before.
    pub(crate) fn resume(&mut self, position: Position) {
        self.at = index_of(position.file);
        self.reader = read_from(&self.files[self.at], position.offset);
        self.last = position.last;
        self.next_entry = position.next_entry;
        self.offset = position.offset;
    }

    /// Where the next frame starts.
    pub(crate) fn position(&self) -> Position {
        Position {
            file: self.files[self.at].header.file,
            offset: self.offset,
            last: self.last,
            next_entry: self.next_entry,
        }
    }

    /// The path of the file that is read.
    pub(crate) fn path(&self) -> &PathBuf {
        &self.files[self.at].path
    }

    /// The length of the file that is read.
    pub(crate) fn file_len(&self) -> u64 {
        self.files[self.at].len
    }

    /// The bytes of all files together.
    pub(crate) fn total_len(&self) -> u64 {
        self.files.iter().map(|file| file.len).sum()
    }

    /// The frame that the last file goes on after.
    pub(crate) fn last_file_after(&self) -> FrameId {
        let last = self.files.last().expect("there is a first file");
        last.header.after
    }

    /// How many bytes lie behind a position.
    pub(crate) fn len_from(&self, position: Position) -> u64 {
        let rest = &self.files[index_of(position.file)..];
        rest.iter().map(|file| file.len).sum::<u64>() - position.offset
    }

    /// The next good frame; none at the end of the good frames of the last file.
    pub(crate) fn next_frame(&mut self) -> Result<Option<Found>, OpenError> {
        let frame = self.whole_frame();
        let frame = frame.map_err(OpenError::io(&self.files[self.at].path))?;
        let decoded =
            frame.and_then(|frame| Some((frame.len() as u64, Body::decode(&frame).ok()?)));
        let Some((frame_len, (_, body, id))) =
            decoded.filter(|(_, (header, ..))| self.follows(header))
        else {
            return self.end_of_frames();
        };
        let first_entry = self.next_entry;
        self.offset += frame_len;
        self.last = id;
        self.next_entry += body.entries.len() as u64;
        if id.number == self.fill.number {
            self.leave_fill()?;
        }
        self.move_on()?;
        Ok(Some(Found { id, first_entry, body, len: frame_len }))
    }

    /// What lies behind the last good frame.
    pub(crate) fn end(&self) -> std::io::Result<End> {
        if self.file_len() == self.offset {
            return Ok(End::Clean);
        }
        if self.holds_later_frame()? { Ok(End::Damaged) } else { Ok(End::Torn) }
    }

    /// The bytes of all frames of the last file from this offset to where reading stopped.
    pub(crate) fn bytes_from(&self, offset: u64) -> std::io::Result<Vec<u8>> {
        let len = usize::try_from(self.offset - offset).expect("a tail fits in memory");
        let mut bytes = vec![0; len];
        read_exact_at(&*self.files[self.at].file, &mut bytes, offset)?;
        Ok(bytes)
    }

    /// Goes on to the next file where that goes on after the last frame: what this one may still
    /// hold was never trusted.
    fn move_on(&mut self) -> Result<(), OpenError> {
        while let Some(next) = self.files.get(self.at + 1)
            && next.header.after.number == self.last.number
        {
            if next.header.after.hash != self.last.hash {
                let what = "it does not go on after the file before it";
                return Err(OpenError::damaged(&next.path, 0, what));
            }
            self.at += 1;
            self.offset = FileHeader::LEN as u64;
            self.reader = read_from(&self.files[self.at], self.offset);
        }
        Ok(())
    }

    /// In the last file the good frames may end; in an earlier one they may not.
    fn end_of_frames(&self) -> Result<Option<Found>, OpenError> {
        if self.at + 1 < self.files.len() {
            let what = "a frame is broken or missing, and a later journal file goes on behind it";
            return Err(OpenError::damaged(self.path(), self.offset, what));
        }
        Ok(None)
    }

    /// The fill is over: from here on entries follow those in the ledger's own files.
    fn leave_fill(&mut self) -> Result<(), OpenError> {
        if self.last.hash != self.fill.hash || self.next_entry != 0 {
            let what = "it is not the journal that CURRENT was written for";
            return Err(OpenError::damaged(self.path(), 0, what));
        }
        self.next_entry = self.first_entry;
        Ok(())
    }

    /// Whether this frame is the one that comes next.
    fn follows(&self, header: &FrameHeader) -> bool {
        header.number == self.last.number + 1
            && header.previous == self.last.hash
            && header.first_entry == self.next_entry
    }

    /// The bytes that would be the next frame; none where the file is too short for them.
    fn whole_frame(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let rest = self.file_len() - self.offset;
        if rest < FrameHeader::LEN as u64 {
            return Ok(None);
        }
        let mut start = [0; FrameHeader::LEN];
        self.reader.read_exact(&mut start)?;
        let Ok(header) = FrameHeader::decode(&start) else { return Ok(None) };
        if rest < header.frame_len() {
            return Ok(None);
        }
        let frame_len = usize::try_from(header.frame_len()).expect("it fits the file");
        let mut frame = vec![0; frame_len];
        frame[..FrameHeader::LEN].copy_from_slice(&start);
        self.reader.read_exact(&mut frame[FrameHeader::LEN..])?;
        Ok(Some(frame))
    }

    /// Searches the rest for a whole frame that is not the next one: in the next one's place, or
    /// with a number behind it. A frame is written only after the one before it was synced, so
    /// there is none behind a torn one.
    fn holds_later_frame(&self) -> std::io::Result<bool> {
        let JournalFile { file, len, .. } = &self.files[self.at];
        let mut window = vec![0; READ_BUFFER_LEN];
        let mut at = self.offset;
        while at < *len {
            let window_len = usize::try_from(len - at).unwrap_or(usize::MAX).min(window.len());
            let window = &mut window[..window_len];
            read_exact_at(&**file, window, at)?;
            let magic_len = FrameHeader::MAGIC.len();
            for (index, bytes) in window.windows(magic_len).enumerate() {
                if bytes == FrameHeader::MAGIC && self.is_later_frame(at + index as u64)? {
                    return Ok(true);
                }
            }
            if window_len <= magic_len {
                break;
            }
            at += (window_len + 1 - magic_len) as u64;
        }
        Ok(false)
    }

    fn is_later_frame(&self, at: u64) -> std::io::Result<bool> {
        let JournalFile { file, len, .. } = &self.files[self.at];
        let rest = len - at;
        let mut start = [0; FrameHeader::LEN];
        if rest < start.len() as u64 {
            return Ok(false);
        }
        read_exact_at(&**file, &mut start, at)?;
        let Ok(header) = FrameHeader::decode(&start) else { return Ok(false) };
        let in_its_place = at == self.offset;
        let is_later = header.number > self.last.number + 1;
        if !(in_its_place || is_later) || rest < header.frame_len() {
            return Ok(false);
        }
        let mut frame = vec![0; usize::try_from(header.frame_len()).expect("it fits the file")];
        read_exact_at(&**file, &mut frame, at)?;
        Ok(Body::decode(&frame).is_ok())
    }
}

/// Where the file of this number stands among the files.
fn index_of(file: u64) -> usize {
    usize::try_from(file - 1).expect("files are numbered from 1")
}

fn open_file(
    disk: &dyn Disk,
    path: PathBuf,
    generation: u64,
    number: u64,
) -> Result<JournalFile, OpenError> {
    let file = disk.open_to_read(&path).map_err(OpenError::io(&path))?;
    let len = file.status().map_err(OpenError::io(&path))?.len;
    let mut header = [0; FileHeader::LEN];
    let header = if len < header.len() as u64 {
        None
    } else {
        read_exact_at(&*file, &mut header, 0).map_err(OpenError::io(&path))?;
        FileHeader::decode(&header).ok()
    };
    let header = header.filter(|header| (header.generation, header.file) == (generation, number));
    let header = header.ok_or_else(|| {
        OpenError::damaged(&path, 0, "its header is not that of this file of the journal")
    })?;
    Ok(JournalFile { path, file, header, len })
}

fn read_from(file: &JournalFile, offset: u64) -> BufReader<Reader> {
    BufReader::with_capacity(READ_BUFFER_LEN, Reader::new(Arc::clone(&file.file), offset))
}

const READ_BUFFER_LEN: usize = 1 << 20;

#[cfg(test)]
mod tests;
