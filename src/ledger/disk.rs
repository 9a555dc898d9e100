//! The ledger's files on the disk of the store, so that one fault strikes both.

use std::io;
use std::path::Path;
use std::sync::Arc;

use signpost_embedded::disk::Disk as StoreDisk;
use signpost_embedded::durable;
use signpost_ledger::disk::{Disk, FILE_LEN_MAX, WriteError};

#[derive(Debug)]
pub(super) struct LogDisk(pub(super) Arc<dyn StoreDisk>);

impl Disk for LogDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if self.0.status(path)?.len > FILE_LEN_MAX {
            let problem = "it is longer than any file of a ledger";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
        }
        durable::read(&*self.0, path)
    }

    fn write_synced(&self, path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
        let file = self.0.open_or_create(path).map_err(WriteError::NotWritten)?;
        let written = file.set_len(0).and_then(|()| file.write_all_at(bytes, 0));
        if let Err(error) = written {
            let _space_is_given_back = self.0.remove_file(path);
            return Err(WriteError::NotWritten(error));
        }
        file.sync_all().map_err(WriteError::NotSynced)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.0.create_directory(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.0.remove_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.0.sync_directory(path)
    }

    fn identity(&self, path: &Path) -> io::Result<(u64, u64)> {
        self.0.status(path).map(|status| status.identity)
    }
}
