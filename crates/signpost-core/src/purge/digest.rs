//! The digest of a plan: what an approver approves, and nothing else than that.
//!
//! SHA-256 of this encoding, in which every number is big-endian and every part has a fixed length or
//! a count before it, so that no two plans have one encoding:
//!
//! | length | part |
//! |---|---|
//! | 24 | `signpost purge plan v1` and two zeros |
//! | 16 | the plan's id |
//! | 32 | its nonce |
//! | 8 | the cut-off: the ledger index of the last entry before the plan |
//! | 1 | the kind of scope |
//! | 1 | what becomes of the child: 1 FORGET, 2 SUPPRESS; 0 where the scope is no child |
//! | 4 | the last day of the suppression, as year (2), month (1) and day (1); else 0 |
//! | 1 | how many pseudonyms follow |
//! | 69 each | in order of their bytes: pseudonym (64), namespace (1), evaluation key (4) |
//! | 16 | the id of organisation, system or person; else 0 |
//! | 4 | the day by which all is expired, likewise; else 0 |
//! | 4 | after how many months an ended involvement is shown to nobody |
//! | 1 | 1 where openings go that are past their time, else 0 |
//! | 8 | the ledger index below which they do, else 0 |
//! | 4 | how many systems follow |
//! | 16 each | their ids, in order |
//! | 1 each | legal authority and reason |
//! | 2 | the length of the case reference |
//! | | the case reference |

use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::{PurgeMode, PurgePlan, PurgeScope};
use crate::id::PurgeDigest;
use crate::subject::{NamedPseudonym, Subject};

/// The first bytes of the encoding.
const LABEL: &[u8; 24] = b"signpost purge plan v1\0\0";

impl PurgePlan {
    /// The digest of what the plan covers, computed anew. None of a child's plan that is over.
    #[must_use]
    pub fn compute_digest(&self) -> Option<PurgeDigest> {
        let mut hasher = Sha256::new()
            .chain_update(LABEL)
            .chain_update(self.id.as_bytes())
            .chain_update(self.nonce.as_bytes())
            .chain_update(self.cut_off.0.to_be_bytes())
            .chain_update([self.scope.kind().code()]);
        let (mode, until, subject, about, by) = parts(&self.scope)?;
        hasher.update([mode]);
        hasher.update(until.map_or([0; 4], day));
        update_pseudonyms(&mut hasher, subject);
        hasher.update(about);
        hasher.update(by.map_or([0; 4], day));
        hasher.update(self.reach.visible_months.to_be_bytes());
        hasher.update([u8::from(self.reach.openings_below.is_some())]);
        hasher.update(self.reach.openings_below.map_or(0, |below| below.0).to_be_bytes());
        hasher.update(count(self.reach.systems.len()).to_be_bytes());
        for system in &self.reach.systems {
            hasher.update(system.as_bytes());
        }
        hasher.update([self.authority.code(), self.reason.code()]);
        let case = self.case.as_str().as_bytes();
        hasher.update(u16::try_from(case.len()).unwrap_or(u16::MAX).to_be_bytes());
        hasher.update(case);
        Some(PurgeDigest::new(hasher.finalize().into()))
    }
}

/// Mode, last day of the suppression, child, what else it is of, and the day.
type Parts<'s> = (u8, Option<Date>, Option<&'s Subject>, [u8; 16], Option<Date>);

/// The parts of a scope; none of a child that is forgotten.
fn parts(scope: &PurgeScope) -> Option<Parts<'_>> {
    Some(match scope {
        PurgeScope::Child { subject, mode } => {
            let until = match mode {
                PurgeMode::Forget => None,
                PurgeMode::Suppress { until } => Some(*until),
            };
            (mode.term().code(), until, Some(subject.as_ref()?), [0; 16], None)
        }
        PurgeScope::Organisation(id) => (0, None, None, *id.as_bytes(), None),
        PurgeScope::System(id) => (0, None, None, *id.as_bytes(), None),
        PurgeScope::Person(id) => (0, None, None, *id.as_bytes(), None),
        PurgeScope::Expired { by } => (0, None, None, [0; 16], Some(*by)),
        PurgeScope::All => (0, None, None, [0; 16], None),
    })
}

fn update_pseudonyms(hasher: &mut Sha256, subject: Option<&Subject>) {
    let mut named: Vec<&NamedPseudonym> =
        subject.map_or_else(Vec::new, |subject| subject.pseudonyms().iter().collect());
    named.sort_by_key(|one| one.pseudonym.as_bytes());
    hasher.update([u8::try_from(named.len()).unwrap_or(u8::MAX)]);
    for one in named {
        hasher.update(one.pseudonym.as_bytes());
        hasher.update([one.namespace.code()]);
        hasher.update(one.key.0.to_be_bytes());
    }
}

pub(super) fn day(date: Date) -> [u8; 4] {
    let [century, year] = date.year().to_be_bytes();
    [century, year, date.month().unsigned_abs(), date.day().unsigned_abs()]
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
