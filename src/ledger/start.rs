//! What a start compares before anything is served: the ledger's last entries with the store's.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use signpost_core::anchor::Anchor;
use signpost_core::entry::Entry;
use signpost_core::id::Receipt;
use signpost_core::store::Store;
use signpost_embedded::options::LedgerEvidence;
use signpost_ledger::log::Log;

use super::sealed;
use crate::exit::{Exit, Failure};

/// So many of the last entries are compared at every start; `signpost ledger verify` and
/// `signpost store verify` read all.
const COMPARED_MAX: u64 = 65_536;

const PAGE: usize = 4096;

/// The last entries that the ledger's checkpoint covers, each seen to be in the tree it signs.
#[derive(Debug)]
pub(crate) struct LastEntries {
    directory: PathBuf,
    size: u64,
    first: u64,
    entries: Vec<Vec<u8>>,
}

impl LastEntries {
    /// Reads them. It blocks.
    pub(crate) fn read(directory: &Path, log: &Log) -> Result<Self, Failure> {
        let size = log.size();
        let first = size.saturating_sub(COMPARED_MAX);
        let reader = log.reader();
        let entries = reader.export(first..size).map(|proven| proven.map(|it| it.entry));
        let entries =
            entries.collect::<Result<_, _>>().map_err(|error| sealed(directory, &error))?;
        Ok(Self { directory: directory.to_owned(), size, first, entries })
    }

    /// What they tell of the store, which is asked while it is opened. Each checkpoint ends with an
    /// anchor.
    pub(crate) fn evidence(&self) -> LedgerEvidence {
        let entries = self.entries.iter().rev();
        let mut anchors = entries.filter_map(|bytes| Entry::try_from(&bytes[..]).ok());
        LedgerEvidence { entries: self.size, anchor: anchors.find_map(|it| Anchor::on_record(&it)) }
    }

    /// Compares them with the store's.
    pub(crate) async fn compare(&self, store: &dyn Store) -> Result<(), Failure> {
        for (first, ours) in (self.first..).step_by(PAGE).zip(self.entries.chunks(PAGE)) {
            let Some(limit) = NonZeroUsize::new(ours.len()) else { continue };
            let theirs = store.entries(Receipt(first), limit).await;
            let theirs =
                theirs.map_err(|error| Failure::new(Exit::StoreFailed, error.to_string()))?;
            let alike = ours.iter().zip(&theirs).take_while(|(one, two)| **one == two.as_bytes());
            let alike = alike.count();
            if alike < ours.len() {
                return Err(self.differs(first + alike as u64));
            }
        }
        Ok(())
    }

    fn differs(&self, index: u64) -> Failure {
        let directory = self.directory.display();
        Failure::new(
            Exit::Sealed,
            format!(
                "entry {index} in the ledger {directory} is not the one in the store: one of them is \
                 of another service, or was changed or put back; find out which by a checkpoint that \
                 somebody else has kept (signpost ledger verify --since), and restore the other from a \
                 copy"
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use signpost_ledger::disk::OsDisk;

    use super::*;
    use crate::testing::{first_light, ledger_signer};

    #[tokio::test]
    async fn entries_that_differ_are_named_and_the_last_anchor_is_evidence() {
        let (store, rules) = first_light().await;
        rules.anchor().await.unwrap();
        let entries = store.entries(Receipt(0), NonZeroUsize::MAX).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        for differs in [None, Some(0), Some(1)] {
            let directory = folder.path().join(format!("{differs:?}"));
            let mut log = Log::create(Arc::new(OsDisk), &directory, ledger_signer()).unwrap();
            for (index, entry) in (0..).zip(&entries) {
                let mut bytes = *entry.as_bytes();
                // The time: what is left is an entry.
                bytes[15] ^= u8::from(Some(index) == differs);
                log.append(index, &bytes).unwrap();
            }
            log.checkpoint().unwrap();
            let last = LastEntries::read(&directory, &log).unwrap();
            assert_eq!(last.evidence().entries, 2);
            assert_eq!(last.evidence().anchor, Anchor::on_record(&entries[1]));
            match (differs, last.compare(&*store).await) {
                (None, compared) => compared.unwrap(),
                (Some(index), compared) => {
                    let failure = compared.unwrap_err();
                    assert_eq!(failure.exit, Exit::Sealed);
                    assert!(failure.message.starts_with(&format!("entry {index} in")), "{failure}");
                }
            }
        }
    }

    /// `signpost ledger verify` finds what lies before.
    #[test]
    fn a_changed_bit_is_found_in_the_last_entries_and_not_looked_for_before_them() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("ledger");
        let mut log = Log::create(Arc::new(OsDisk), &directory, ledger_signer()).unwrap();
        let size = COMPARED_MAX + 300;
        for index in 0..size {
            log.append(index, &index.to_be_bytes()).unwrap();
        }
        log.checkpoint().unwrap();
        for (bundle, is_found) in [("000", false), ("002", true)] {
            let path = directory.join("tile/entries").join(bundle);
            let good = std::fs::read(&path).unwrap();
            let mut flipped = good.clone();
            flipped[9] ^= 1;
            std::fs::write(&path, flipped).unwrap();
            let log = Log::open(Arc::new(OsDisk), &directory, ledger_signer()).unwrap();
            let read = LastEntries::read(&directory, &log);
            assert_eq!(read.is_err(), is_found, "{bundle}");
            std::fs::write(&path, good).unwrap();
        }
    }
}
