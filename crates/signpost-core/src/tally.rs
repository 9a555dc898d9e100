//! Refusals before anybody is identified, counted, so that a flood of them cannot flood the ledger.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::id::SystemId;
use crate::terms::Outcome;

/// Counts per system (none where the certificate names none) and reason.
///
/// The directory writes at most one count to the ledger a second, the largest first; there are as
/// many counters as systems and reasons, however many refusals.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Mutex<BTreeMap<(Option<SystemId>, Outcome), u32>>,
}

impl Tally {
    /// Counts one refusal.
    pub fn count(&self, system: Option<SystemId>, reason: Outcome) {
        self.add(system, reason, 1);
    }

    /// Adds to a count, which stops at its largest value rather than wrap.
    pub(crate) fn add(&self, system: Option<SystemId>, reason: Outcome, count: u32) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counts.entry((system, reason)).or_default();
        *counted = counted.saturating_add(count);
    }

    /// Takes the largest count, if there is any.
    pub(crate) fn take_largest(&self) -> Option<(Option<SystemId>, Outcome, u32)> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (&(system, reason), _) = counts.iter().max_by_key(|(_, count)| **count)?;
        let count = counts.remove(&(system, reason))?;
        Some((system, reason, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_kept_per_system_and_reason_and_taken_largest_first() {
        let tally = Tally::default();
        let system = Some(SystemId::new([1; 16]));
        tally.count(system, Outcome::TokenMissing);
        tally.count(None, Outcome::CertificateUnknown);
        tally.count(None, Outcome::CertificateUnknown);
        assert_eq!(tally.take_largest(), Some((None, Outcome::CertificateUnknown, 2)));
        assert_eq!(tally.take_largest(), Some((system, Outcome::TokenMissing, 1)));
        assert_eq!(tally.take_largest(), None);
    }
}
