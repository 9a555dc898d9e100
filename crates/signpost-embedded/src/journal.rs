//! The journal file: appended to and synced once per batch, read and verified from its first frame.

pub(crate) mod frame;
pub(crate) mod mark;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::durable;
use crate::error::Failure;
use frame::{Body, FileHeader, FrameHeader, FrameId};

/// A journal that is open for appending.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// Where the next frame goes.
    end: u64,
    /// The last frame; before the first, number 0 and the hash of the file header.
    last: FrameId,
}

/// Why a frame is not in the journal for certain.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// It is certainly not: what was written of it was cut off again.
    NotWritten(io::Error),
    /// It may be; no more may be written.
    Broken(Failure),
}

/// One good frame on reading.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) id: FrameId,
    pub(crate) first_entry: u64,
    pub(crate) body: Body,
}

/// Where reading stopped, and what lies behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The file ends with a whole frame.
    Clean,
    /// The rest is no whole frame, and no later frame lies in it.
    Torn,
    /// The rest holds a later frame: damage, not a tail.
    Damaged,
}

/// Reads a journal from its start and checks each frame against the one before.
#[derive(Debug)]
pub(crate) struct JournalReader {
    reader: BufReader<File>,
    pub(crate) header: FileHeader,
    pub(crate) last: FrameId,
    pub(crate) next_entry: u64,
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

impl Journal {
    /// Makes a journal with no frames, durably.
    pub(crate) fn create(path: &Path, header: &FileHeader) -> io::Result<()> {
        durable::write_durably(path, &header.encode())
    }

    /// Opens a journal that was read to this end, for appending there.
    pub(crate) fn open(path: &Path, end: u64, last: FrameId) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        Ok(Self { file, path: path.to_owned(), end, last })
    }

    pub(crate) fn last(&self) -> FrameId {
        self.last
    }

    /// Appends one frame; it is durable on return.
    pub(crate) fn append(&mut self, frame: &[u8], id: FrameId) -> Result<(), AppendError> {
        if let Err(error) = self.file.write_all_at(frame, self.end) {
            return Err(match self.cut_back() {
                Ok(()) => AppendError::NotWritten(error),
                Err(_) => AppendError::Broken(Failure::JournalNotCut),
            });
        }
        match self.is_still_our_file() {
            Ok(true) => {}
            Ok(false) | Err(_) => return Err(AppendError::Broken(Failure::JournalReplaced)),
        }
        self.sync_batch().map_err(|error| {
            tracing::error!(%error, "the journal could not be synced");
            AppendError::Broken(Failure::JournalNotSynced)
        })?;
        self.end += frame.len() as u64;
        self.last = id;
        Ok(())
    }

    /// The one sync of a batch: without it, an acknowledged commit may be lost with the power.
    fn sync_batch(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Whether the journal's path still names the file we write: a file that was moved away or
    /// removed takes our writes and keeps none.
    fn is_still_our_file(&self) -> io::Result<bool> {
        let ours = self.file.metadata()?;
        let named = std::fs::metadata(&self.path)?;
        Ok((ours.dev(), ours.ino()) == (named.dev(), named.ino()))
    }

    /// Cuts a frame that was not wholly written off again.
    fn cut_back(&self) -> io::Result<()> {
        self.file.set_len(self.end)
    }
}

/// Cuts an incomplete last frame off, durably. Whether that is allowed is the caller's to know.
pub(crate) fn cut_tail(path: &Path, end: u64) -> io::Result<()> {
    let file = File::options().write(true).open(path)?;
    file.set_len(end)?;
    file.sync_all()
}

impl JournalReader {
    /// Opens a journal and reads its header. None if that is not one of this format.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        let mut reader = BufReader::with_capacity(READ_BUFFER_LEN, file);
        let mut header = [0; FileHeader::LEN];
        if len < header.len() as u64 {
            return Ok(None);
        }
        reader.read_exact(&mut header)?;
        let Ok((header, hash)) = FileHeader::decode(&header) else { return Ok(None) };
        let next_entry = header.first_entry;
        let last = FrameId { number: 0, hash };
        Ok(Some(Self { reader, header, last, next_entry, offset: FileHeader::LEN as u64, len }))
    }

    /// Opens a journal that was read before, at a frame whose predecessor is known.
    pub(crate) fn resume(
        path: &Path,
        offset: u64,
        last: FrameId,
        next_entry: u64,
    ) -> io::Result<Self> {
        let reader = Self::open(path)?.ok_or(io::ErrorKind::InvalidData)?;
        let Self { mut reader, header, len, .. } = reader;
        reader.seek(SeekFrom::Start(offset))?;
        Ok(Self { reader, header, last, next_entry, offset, len })
    }

    /// The next good frame; none at the end of the good frames.
    pub(crate) fn next_frame(&mut self) -> io::Result<Option<Found>> {
        let Some(frame) = self.whole_frame()? else { return Ok(None) };
        let Ok((header, body, id)) = Body::decode(&frame) else { return Ok(None) };
        if !self.follows(&header) {
            return Ok(None);
        }
        self.offset += frame.len() as u64;
        self.last = id;
        self.next_entry += body.entries.len() as u64;
        Ok(Some(Found { id, first_entry: header.first_entry, body }))
    }

    /// What lies behind the last good frame.
    pub(crate) fn end(&self) -> io::Result<End> {
        let rest = self.len - self.offset;
        if rest == 0 {
            return Ok(End::Clean);
        }
        let file = self.reader.get_ref();
        if self.holds_later_frame(file)? { Ok(End::Damaged) } else { Ok(End::Torn) }
    }

    /// Whether this frame is the one that comes next.
    fn follows(&self, header: &FrameHeader) -> bool {
        header.number == self.last.number + 1
            && header.previous == self.last.hash
            && header.first_entry == self.next_entry
    }

    /// The bytes that would be the next frame; none where the file is too short for them.
    fn whole_frame(&mut self) -> io::Result<Option<Vec<u8>>> {
        let rest = self.len - self.offset;
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
    fn holds_later_frame(&self, file: &File) -> io::Result<bool> {
        let mut window = vec![0; READ_BUFFER_LEN];
        let mut at = self.offset;
        while at < self.len {
            let window_len = usize::try_from(self.len - at).unwrap_or(usize::MAX).min(window.len());
            let window = &mut window[..window_len];
            file.read_exact_at(window, at)?;
            let magic_len = FrameHeader::MAGIC.len();
            for (index, bytes) in window.windows(magic_len).enumerate() {
                if bytes == FrameHeader::MAGIC && self.is_later_frame(file, at + index as u64)? {
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

    fn is_later_frame(&self, file: &File, at: u64) -> io::Result<bool> {
        let rest = self.len - at;
        let mut start = [0; FrameHeader::LEN];
        if rest < start.len() as u64 {
            return Ok(false);
        }
        file.read_exact_at(&mut start, at)?;
        let Ok(header) = FrameHeader::decode(&start) else { return Ok(false) };
        let in_its_place = at == self.offset;
        let is_later = header.number > self.last.number + 1;
        if !(in_its_place || is_later) || rest < header.frame_len() {
            return Ok(false);
        }
        let mut frame = vec![0; usize::try_from(header.frame_len()).expect("it fits the file")];
        file.read_exact_at(&mut frame, at)?;
        Ok(Body::decode(&frame).is_ok())
    }
}

const READ_BUFFER_LEN: usize = 1 << 20;
