//! The standing order: two names by which the service plans a purge of what is expired, each day.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Approval;
use super::digest::day;
use crate::id::{OrderId, PurgeDigest, PurgeId, Receipt};
use crate::text::CaseReference;

/// The first bytes of the encoding.
const LABEL: &[u8; 24] = b"signpost purge order v1\0";

/// How long a proposed order waits for its approval.
const WAITS_HOURS: i64 = 7 * 24;

/// A standing order. There is one at a time; a new one takes the place of one that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingOrder {
    /// Its id.
    pub id: OrderId,
    /// The last day on which a purge is planned by it.
    pub until: Date,
    /// After how many years the opening of an entry is past its time.
    pub openings_years: u32,
    /// The case file by which somebody answers for it.
    pub case: CaseReference,
    /// What is approved.
    pub digest: PurgeDigest,
    /// Who proposed it; as long as this is the record's own version, without its entry.
    pub proposed: Approval,
    /// Who approved it, likewise.
    pub approved: Option<Approval>,
    /// Who revoked it, and when.
    pub revoked: Option<Approval>,
    /// The last day on which a purge was planned by it, and that purge.
    pub last: Option<(Date, PurgeId)>,
}

/// The order that a plan was made by, as it was approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderOrder {
    /// Its id.
    pub id: OrderId,
    /// Its digest.
    pub digest: PurgeDigest,
}

impl StandingOrder {
    /// The longest that one may stand, in days.
    pub const DAYS_MAX: i64 = 400;

    /// Whether it waits for its approval still.
    #[must_use]
    pub fn waits_at(&self, now: Timestamp) -> bool {
        let until = self.proposed.at.saturating_add(WAITS_HOURS.hours());
        let until = until.expect("hours are a fixed span");
        self.approved.is_none() && self.revoked.is_none() && now < until
    }

    /// Whether purges are planned by it on this day.
    #[must_use]
    pub fn stands_on(&self, today: Date) -> bool {
        self.approved.is_some() && self.revoked.is_none() && today <= self.until
    }

    /// The same with the entries of its names, given this record's version: before it is written anew.
    #[must_use]
    pub fn noted(mut self, version: Receipt) -> Self {
        let last = self.approved.as_mut().unwrap_or(&mut self.proposed);
        last.entry.get_or_insert(version);
        self
    }

    /// The digest of its terms, computed anew: SHA-256 of `signpost purge order v1` and a zero, its id
    /// (16 bytes), its last day as year (2), month (1) and day (1), the years of openings (4), and the
    /// case reference behind its length (2); every number big-endian.
    #[must_use]
    pub fn compute_digest(&self) -> PurgeDigest {
        let case = self.case.as_str().as_bytes();
        let hasher = Sha256::new()
            .chain_update(LABEL)
            .chain_update(self.id.as_bytes())
            .chain_update(day(self.until))
            .chain_update(self.openings_years.to_be_bytes())
            .chain_update(u16::try_from(case.len()).unwrap_or(u16::MAX).to_be_bytes())
            .chain_update(case);
        PurgeDigest::new(hasher.finalize().into())
    }
}
