//! The versions of records that were read or written lately, so that the writer, which checks them
//! again, need not read and open a record a second time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use signpost_core::id::Receipt;

/// What a location holds: a record of this version, or none.
pub(crate) type Version = Option<Receipt>;

/// Versions by location. What it knows is always so: a reader notes what it has read while it holds
/// the read lock of the generation, the writer what it has applied under the write lock.
#[derive(Debug, Default)]
pub(crate) struct Versions(Mutex<Lately>);

/// Two halves of a cache: when the newer one is full, the older is forgotten.
#[derive(Debug, Default)]
struct Lately {
    newer: BTreeMap<[u8; 48], Version>,
    older: BTreeMap<[u8; 48], Version>,
}

/// How many versions each half holds.
const HALF: usize = 1 << 14;

impl Versions {
    /// The version at a location; none if it is not known.
    pub(crate) fn get(&self, location: &[u8; 48]) -> Option<Version> {
        let lately = self.lately();
        lately.newer.get(location).or_else(|| lately.older.get(location)).copied()
    }

    pub(crate) fn note(&self, location: [u8; 48], version: Version) {
        let mut lately = self.lately();
        if lately.newer.len() >= HALF {
            lately.older = std::mem::take(&mut lately.newer);
        }
        lately.newer.insert(location, version);
    }

    /// Another generation has other locations.
    pub(crate) fn forget(&self) {
        *self.lately() = Lately::default();
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(number: usize) -> [u8; 48] {
        let mut location = [0; 48];
        location[..8].copy_from_slice(&(number as u64).to_be_bytes());
        location
    }

    #[test]
    fn what_was_noted_last_counts_until_it_is_forgotten() {
        let versions = Versions::default();
        assert_eq!(versions.get(&location(1)), None);
        versions.note(location(1), None);
        assert_eq!(versions.get(&location(1)), Some(None));
        for number in 2..HALF + 2 {
            versions.note(location(number), Some(Receipt(7)));
        }
        assert_eq!(versions.get(&location(1)), Some(None), "it is in the older half");
        versions.note(location(1), Some(Receipt(8)));
        assert_eq!(versions.get(&location(1)), Some(Some(Receipt(8))), "the newer one counts");
        for number in 2..2 * HALF + 2 {
            versions.note(location(number), None);
        }
        assert_eq!(versions.get(&location(1)), None);
        versions.forget();
        assert_eq!(versions.get(&location(2 * HALF)), None);
    }
}
