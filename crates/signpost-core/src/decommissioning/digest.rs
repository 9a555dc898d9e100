//! The digest of a plan: what an approver approves, and nothing else than that.
//!
//! SHA-256 of this encoding, in which every number is big-endian and every part has a fixed length or
//! a count before it, so that no two plans have one encoding:
//!
//! | length | part |
//! |---|---|
//! | 24 | `signpost closing plan v1` |
//! | 16 | the plan's id |
//! | 1 | authority |
//! | 2 | the length of the case reference |
//! | | the case reference |
//! | 8 | the closing instant, in seconds since 1970 |
//! | 4 | the announced day, as year (2), month (1) and day (1) |
//! | 4 | how many regions follow |
//! | 32 each | organisation (16) and team (16) |
//! | 4 | how many tasks follow |
//! | 21 each | title (1), owner (16), due minutes (4, signed) |
//! | 4 | how many nil returns follow |
//! | 17 each | of what (1), by whom (16) |
//! | 4 | how many entries of the inventory follow |
//! | 18 each | kind (1), owner (16), method (1) |

use sha2::{Digest, Sha256};

use super::{ClosingPlan, Decommissioning};
use crate::id::{ClosingDigest, DecommissioningId};

/// The first bytes of the encoding.
const LABEL: &[u8; 24] = b"signpost closing plan v1";

impl Decommissioning {
    /// The digest of the plan, computed anew.
    #[must_use]
    pub fn compute_digest(&self) -> ClosingDigest {
        self.plan.digest(self.id)
    }
}

impl ClosingPlan {
    /// The digest of the plan under this id.
    #[must_use]
    pub fn digest(&self, id: DecommissioningId) -> ClosingDigest {
        let mut hasher = Sha256::new().chain_update(LABEL).chain_update(id.as_bytes());
        hasher.update([self.authority.code()]);
        let case = self.case.as_str().as_bytes();
        hasher.update(u16::try_from(case.len()).unwrap_or(u16::MAX).to_be_bytes());
        hasher.update(case);
        hasher.update(self.closes_at.as_second().to_be_bytes());
        let day = self.announced_on;
        hasher.update(day.year().to_be_bytes());
        hasher.update([day.month().unsigned_abs(), day.day().unsigned_abs()]);
        hasher.update(count(self.regions.len()));
        for region in &self.regions {
            hasher.update(region.organisation.as_bytes());
            hasher.update(region.team.as_bytes());
        }
        hasher.update(count(self.tasks.len()));
        for task in &self.tasks {
            hasher.update([task.title.code()]);
            hasher.update(task.owner.as_bytes());
            hasher.update(task.due_minutes.to_be_bytes());
        }
        hasher.update(count(self.returns.len()));
        for (what, by) in &self.returns {
            hasher.update([what.code()]);
            hasher.update(by.as_bytes());
        }
        hasher.update(count(self.copies.len()));
        for copies in &self.copies {
            hasher.update([copies.kind.code()]);
            hasher.update(copies.owner.as_bytes());
            hasher.update([copies.method.code()]);
        }
        ClosingDigest::new(hasher.finalize().into())
    }
}

fn count(of: usize) -> [u8; 4] {
    u32::try_from(of).unwrap_or(u32::MAX).to_be_bytes()
}
