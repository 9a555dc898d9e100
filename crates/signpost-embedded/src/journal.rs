//! The journal: appended to and synced once per batch, read and verified from its first frame.

pub(crate) mod frame;
pub(crate) mod mark;
pub(crate) mod reader;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::durable;
use crate::error::Failure;
use crate::keyring::sealing;
use crate::layout::Layout;
use frame::{FileHeader, FrameId};

/// A journal that is open for appending to its last file.
#[derive(Debug)]
pub(crate) struct Journal {
    disk: Arc<dyn Disk>,
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    /// Where the next frame goes.
    end: u64,
    /// The last frame; before the first, number 0 and the hash of the first file's header.
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

impl Journal {
    /// Makes the first file of a generation's journal, with no frames, durably.
    pub(crate) fn create(
        disk: &Arc<dyn Disk>,
        layout: &Layout,
        generation: u64,
    ) -> io::Result<Self> {
        let after = FrameId::NONE;
        let header = FileHeader { generation, file: 1, after, tracer: sealing::random() };
        let path = layout.journal(generation, 1);
        durable::write_durably(&**disk, &path, &header.encode())?;
        Self::open(disk, &path, FileHeader::LEN as u64, header.before_first())
    }

    /// Makes a further file of a generation's journal, durably: these frames, which go on after
    /// that one.
    pub(crate) fn create_further(
        disk: &Arc<dyn Disk>,
        path: &Path,
        header: &FileHeader,
        frames: &[u8],
    ) -> io::Result<()> {
        durable::write_durably(&**disk, path, &[&header.encode(), frames].concat())
    }

    /// Opens the last file of a journal, which was read to this end, for appending there.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        path: &Path,
        end: u64,
        last: FrameId,
    ) -> io::Result<Self> {
        let file = disk.open(path)?;
        Ok(Self { disk: Arc::clone(disk), file, path: path.to_owned(), end, last })
    }

    pub(crate) fn last(&self) -> FrameId {
        self.last
    }

    /// Appends one frame; it is durable on return.
    pub(crate) fn append(&mut self, frame: &[u8], id: FrameId) -> Result<(), AppendError> {
        self.write(frame)?;
        self.check_is_still_ours()?;
        self.sync()?;
        self.end += frame.len() as u64;
        self.last = id;
        Ok(())
    }

    /// Appends one frame of a fill; it is durable after the next sync.
    pub(crate) fn append_unsynced(&mut self, frame: &[u8], id: FrameId) -> Result<(), AppendError> {
        self.write(frame)?;
        self.end += frame.len() as u64;
        self.last = id;
        Ok(())
    }

    /// Makes all that was appended durable.
    pub(crate) fn sync(&self) -> Result<(), AppendError> {
        self.sync_batch().map_err(|error| {
            tracing::error!(%error, "the journal could not be synced");
            AppendError::Broken(Failure::JournalNotSynced)
        })
    }

    fn write(&self, frame: &[u8]) -> Result<(), AppendError> {
        self.file.write_all_at(frame, self.end).map_err(|error| match self.cut_back() {
            Ok(()) => AppendError::NotWritten(error),
            Err(_) => AppendError::Broken(Failure::JournalNotCut),
        })
    }

    /// The one sync of a batch: without it, an acknowledged commit may be lost with the power.
    fn sync_batch(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn check_is_still_ours(&self) -> Result<(), AppendError> {
        match self.is_still_our_file() {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(AppendError::Broken(Failure::JournalReplaced)),
        }
    }

    /// Whether the journal's path still names the file we write: a file that was moved away or
    /// removed takes our writes and keeps none.
    fn is_still_our_file(&self) -> io::Result<bool> {
        Ok(self.file.status()?.identity == self.disk.status(&self.path)?.identity)
    }

    /// Cuts a frame that was not wholly written off again.
    fn cut_back(&self) -> io::Result<()> {
        self.file.set_len(self.end)
    }
}

/// Cuts what lies behind the good frames of a file off, durably. Whether that is allowed is the
/// caller's to know.
pub(crate) fn cut(disk: &dyn Disk, path: &Path, end: u64) -> io::Result<()> {
    let file = disk.open(path)?;
    file.set_len(end)?;
    file.sync_all()
}

#[cfg(all(test, feature = "faults"))]
mod tests {
    use super::*;
    use crate::disk::volatile::VolatileDisk;
    use crate::journal::frame::Body;

    #[test]
    fn what_was_not_wholly_written_is_cut_off_again() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path());
        let disk = VolatileDisk::new();
        let faults = disk.faults();
        let disk: Arc<dyn Disk> = Arc::new(disk);
        disk.create_directory(&layout.generation(1)).unwrap();
        let mut journal = Journal::create(&disk, &layout, 1).unwrap();
        let len = || disk.status(&layout.journal(1, 1)).unwrap().len;
        let empty = len();
        let (frame, id) = Body::default().encode(1, 0, &journal.last().hash).unwrap();

        faults.no_space(40);
        assert!(matches!(journal.append(&frame, id), Err(AppendError::NotWritten(_))));
        assert_eq!((len(), journal.last().number), (empty, 0));
        faults.space_again();
        journal.append(&frame, id).unwrap();
        assert_eq!((len(), journal.last()), (empty + frame.len() as u64, id));
    }
}
