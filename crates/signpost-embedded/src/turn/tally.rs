//! How many records of each kind a turn carries over and leaves behind, counted once each however often
//! they change meanwhile.

use std::collections::BTreeMap;

use signpost_core::record::RecordKind;
use signpost_core::turn::Passed;

/// What was counted so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    kinds: BTreeMap<RecordKind, Passed>,
    /// What the records that changed were last counted as, by the part of a location that is the
    /// record's own.
    changed: BTreeMap<[u8; 16], Counted>,
}

/// What a record is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Not at all: it is not there.
    Not,
    /// Carried over.
    Carried,
    /// Left behind.
    Left,
}

impl Tally {
    /// Counts a record that is come by for the first time.
    pub(crate) fn count(&mut self, kind: RecordKind, counted: Counted) {
        let passed = self.kinds.entry(kind).or_default();
        match counted {
            Counted::Not => {}
            Counted::Carried => passed.carried += 1,
            Counted::Left => passed.left += 1,
        }
    }

    /// Counts a record anew that has changed. What it was counted as before is asked the first time.
    pub(crate) fn recount(
        &mut self,
        location: &[u8; 48],
        kind: RecordKind,
        before: impl FnOnce() -> Counted,
        now: Counted,
    ) {
        let own: [u8; 16] = *location.last_chunk().expect("a location is longer");
        let before = self.changed.insert(own, now).unwrap_or_else(before);
        let passed = self.kinds.entry(kind).or_default();
        match before {
            Counted::Not => {}
            Counted::Carried => passed.carried = passed.carried.saturating_sub(1),
            Counted::Left => passed.left = passed.left.saturating_sub(1),
        }
        self.count(kind, now);
    }

    /// All kinds of which there is any.
    pub(crate) fn kinds(&self) -> BTreeMap<RecordKind, Passed> {
        let kinds = self.kinds.iter().filter(|(_, passed)| **passed != Passed::default());
        kinds.map(|(kind, passed)| (*kind, *passed)).collect()
    }
}
