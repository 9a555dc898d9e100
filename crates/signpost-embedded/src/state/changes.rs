//! What changes in the generation in use while the next one is filled.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use signpost_core::record::RecordKey;

/// The records that were put or removed since the fill has come by, by location.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    noted: BTreeMap<[u8; 48], Change>,
    /// How far the fill has come; none before it has begun.
    come_by: Option<[u8; 48]>,
}

/// A record that has changed.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) key: RecordKey,
    /// Whether it was there before the first of its changes.
    pub(crate) was_there: bool,
}

/// So many changes are noted, of some 200 bytes each; a turn that falls further behind is given up.
const CHANGES_MAX: usize = 1 << 19;

impl Changes {
    /// Whether the fill has come by this location: what it has not, it will read as it is then.
    pub(crate) fn concern(&self, location: &[u8; 48]) -> bool {
        self.come_by.is_some_and(|last| *location <= last)
    }

    /// The fill has read all up to this location. The caller holds the read lock of the generation, so
    /// that each change comes either before it, or is noted.
    pub(crate) fn come_by(&mut self, last: [u8; 48]) {
        self.come_by = Some(last);
    }

    /// The fill has read all.
    pub(crate) fn come_to_end(&mut self) {
        self.come_by = Some([u8::MAX; 48]);
    }

    /// Notes a change; false where too many wait.
    pub(crate) fn note(&mut self, location: [u8; 48], key: RecordKey, was_there: bool) -> bool {
        match self.noted.entry(location) {
            Entry::Vacant(vacant) => drop(vacant.insert(Change { key, was_there })),
            Entry::Occupied(_) => {}
        }
        self.noted.len() <= CHANGES_MAX
    }

    /// Gives what was noted, in order of location, and goes on noting.
    pub(crate) fn take(&mut self) -> BTreeMap<[u8; 48], Change> {
        std::mem::take(&mut self.noted)
    }
}
