//! Tokens: who holds each, where it is, and the enrolment codes they were redeemed for.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::Standing;
use crate::id::{OrganisationId, PersonId, TokenId};
use crate::terms::Custody;
use crate::token::{CodeHash, TokenHash};

/// A token that is not used for so long no longer counts.
const IDLE_DAYS: i64 = 60;

/// A token, as it is stored: its hash, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// The hash by which it is found.
    pub hash: TokenHash,
    /// What it is called in the ledger.
    pub id: TokenId,
    /// The person who holds it.
    pub person: PersonId,
    /// The organisation it is bound to: it counts over this organisation's systems only.
    pub organisation: OrganisationId,
    /// The last day on which it did anything, written with the first thing of each day; at first
    /// the day of issue.
    pub used_on: Date,
    /// Its last day.
    pub valid_until: Date,
    /// Whether it may be used.
    pub standing: Standing,
    /// Where it is.
    pub custody: Custody,
}

/// A token as its person's record names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldToken {
    /// What it is called in the ledger.
    pub id: TokenId,
    /// The hash by which it is found.
    pub hash: TokenHash,
    /// The day on which it was issued.
    pub issued_on: Date,
}

/// Where an organisation's tokens are: issued is the sum of the others at every moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custodies {
    /// The organisation.
    pub organisation: OrganisationId,
    /// How many were ever issued.
    pub issued: u32,
    /// How many are out.
    pub out: u32,
    /// How many came back.
    pub returned: u32,
    /// How many were destroyed.
    pub destroyed: u32,
    /// How many were lost, and revoked.
    pub lost_revoked: u32,
}

/// An enrolment code, as it is stored: its hash, and whom it lets in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// The hash by which it is found.
    pub code: CodeHash,
    /// The person it lets in.
    pub person: PersonId,
    /// That person's organisation: it can be redeemed over this organisation's systems only.
    pub organisation: OrganisationId,
    /// Until when it can be redeemed.
    pub until: Timestamp,
    /// What became of it.
    pub state: EnrolmentState,
}

/// What became of an enrolment code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EnrolmentState {
    /// It waits, until its time is over.
    Open,
    /// It was redeemed for this token.
    Redeemed(TokenHash),
    /// Another code was issued in its place, or the person was removed.
    Void,
}

impl TokenRecord {
    /// Whether it is over on this day: past its last day, or unused for 60 days.
    #[must_use]
    pub fn has_expired_on(&self, day: Date) -> bool {
        day > self.valid_until || day > self.used_on.saturating_add(IDLE_DAYS.days())
    }
}

impl Custodies {
    /// An organisation that was issued none.
    #[must_use]
    pub fn none(organisation: OrganisationId) -> Self {
        Self { organisation, issued: 0, out: 0, returned: 0, destroyed: 0, lost_revoked: 0 }
    }

    /// One more is issued, and out.
    #[must_use]
    pub fn issue(mut self) -> Self {
        self.issued += 1;
        self.out += 1;
        self
    }

    /// One is no longer where it was. Nothing if none was there.
    #[must_use]
    pub fn pass(mut self, from: Custody, to: Custody) -> Option<Self> {
        let left = self.place(from);
        *left = left.checked_sub(1)?;
        *self.place(to) += 1;
        Some(self)
    }

    /// Whether every token issued is somewhere.
    #[must_use]
    pub fn balances(&self) -> bool {
        let places = [self.out, self.returned, self.destroyed, self.lost_revoked];
        places.iter().map(|&count| u64::from(count)).sum::<u64>() == u64::from(self.issued)
    }

    fn place(&mut self, custody: Custody) -> &mut u32 {
        match custody {
            Custody::Out => &mut self.out,
            Custody::Returned => &mut self.returned,
            Custody::Destroyed => &mut self.destroyed,
            Custody::LostRevoked => &mut self.lost_revoked,
        }
    }
}
