//! The check of the entries that no journal has any more: after each start, beside the service, they
//! are compared with the chain that `CURRENT` holds over them.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use signpost_core::entry::Entry;

use super::{EntryChain, EntryReader, PER_FILE};
use crate::current::Current;
use crate::error::Failure;
use crate::state::Shared;

/// What the checking thread owns.
#[derive(Debug)]
pub(crate) struct EntryCheck {
    pub(crate) shared: Arc<Shared>,
    pub(crate) current: Current,
    /// Its other end goes when the store is closed.
    pub(crate) closed: Receiver<()>,
}

/// So many entries are read at a time, a mebibyte; then the disk is left to others for a moment.
const CHUNK: u64 = 4096;
const REST: Duration = Duration::from_millis(10);

impl EntryCheck {
    /// Checks all of them once, unless the store is closed before. Where they are not what they were,
    /// the store fails.
    pub(crate) fn run(self) {
        let Current { first_entry, chain, .. } = self.current;
        if first_entry == 0 {
            return;
        }
        let found = self.chain_of_all();
        if matches!(found, Ok(Some(found)) if found == chain) {
            tracing::info!(entries = first_entry, "the entries up to the last turn are whole");
        } else if !matches!(found, Ok(None)) {
            let layout = &self.shared.layout;
            tracing::error!(
                first = %layout.entries(0).display(),
                last = %layout.entries((first_entry - 1) / PER_FILE).display(),
                error = found.err().map(tracing::field::display),
                "an entry up to the last turn is not what it was: restore these files from the newest \
                 backup"
            );
            self.shared.fail(Failure::EntriesChanged);
        }
    }

    /// The chain over all of them; none where the store was closed before.
    fn chain_of_all(&self) -> io::Result<Option<EntryChain>> {
        let Shared { layout, disk, .. } = &*self.shared;
        let mut reader = EntryReader::new(layout.clone(), Arc::clone(disk));
        let mut chain = EntryChain::BEFORE_FIRST;
        for index in 0..self.current.first_entry {
            if index % CHUNK == 0
                && self.closed.recv_timeout(REST) != Err(RecvTimeoutError::Timeout)
            {
                return Ok(None);
            }
            let entry = Entry::try_from(&reader.read(index)?[..]);
            chain = chain.with(&entry.map_err(|_| io::ErrorKind::InvalidData)?);
        }
        Ok(Some(chain))
    }
}
