//! A person: one group, one role, and the conditions that must hold.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::HeldToken;
use crate::id::{ActorId, GroupId, OrganisationId, PersonId};
use crate::text::StaffReference;
use crate::token::CodeHash;

/// For how long a check of somebody's vetting counts.
const VETTING_YEARS: i64 = 3;

/// For how long a person goes on without being recertified.
const RECERTIFIED_MONTHS: i64 = 4;

/// How many tokens a person may be issued within [`RENEWED_DAYS`] and still renew the last one. Every
/// token stays on the person's record, which every question reads: it must not grow at will.
const RENEWED_MAX: usize = 4;

/// Over how many days renewals are counted.
const RENEWED_DAYS: i64 = 30;

/// A person of the register. Who it is stands with the organisation, under its staff reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The person's id.
    pub id: PersonId,
    /// What the person is called in the ledger.
    pub actor: ActorId,
    /// The person's organisation.
    pub organisation: OrganisationId,
    /// What that organisation calls the person; unique within it.
    pub staff: StaffReference,
    /// The person's group.
    pub group: GroupId,
    /// Whether the person may act.
    pub standing: PersonStanding,
    /// What was checked of the person.
    pub conditions: Conditions,
    /// When the group's sponsor last said that the person still needs access.
    pub recertified_on: Date,
    /// The administrator who invited the person; none where the person was there first. The two of
    /// them are no two names.
    pub let_in_by: Option<PersonId>,
    /// The enrolment code that was issued last.
    pub code: Option<CodeHash>,
    /// Every token that was issued to the person, the last one at the end.
    pub tokens: Vec<HeldToken>,
}

/// Whether a person may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PersonStanding {
    /// Not yet: no enrolment code was redeemed.
    Invited,
    /// The person may act.
    Active,
    /// The person may not, until active again.
    Suspended,
    /// The person has left, and will not act again.
    Removed,
}

/// What was checked of a person, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// When the vetting was checked; it counts for 3 years.
    pub vetting_on: Date,
    /// When it was checked that the person is not on a barred list.
    pub barred_list_checked_on: Date,
    /// When the person was trained.
    pub training_on: Date,
    /// When the person signed the agreement.
    pub agreement_signed_on: Date,
}

/// A condition that no longer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lapse {
    /// The vetting was checked more than 3 years ago.
    #[error("the vetting was checked more than 3 years ago")]
    Vetting,
    /// The group's sponsor has not recertified the person for 4 months.
    #[error("the person was not recertified within 4 months")]
    Recertification,
}

impl Person {
    /// The first condition that does not hold on this day.
    #[must_use]
    pub fn lapse(&self, today: Date) -> Option<Lapse> {
        let recertified_until = self.recertified_on.saturating_add(RECERTIFIED_MONTHS.months());
        if !self.conditions.vetting_counts_on(today) {
            Some(Lapse::Vetting)
        } else if today > recertified_until {
            Some(Lapse::Recertification)
        } else {
            None
        }
    }

    /// Whether the last token may be renewed on this day: a few times in a month, and no more.
    #[must_use]
    pub fn may_renew_on(&self, today: Date) -> bool {
        let since = today.saturating_sub(RENEWED_DAYS.days());
        let lately = self.tokens.iter().filter(|held| held.issued_on > since);
        lately.count() < RENEWED_MAX
    }

    /// The token that was issued last.
    #[must_use]
    pub fn last_token(&self) -> Option<HeldToken> {
        self.tokens.last().copied()
    }
}

impl Conditions {
    /// Whether the vetting still counts on this day.
    #[must_use]
    pub fn vetting_counts_on(&self, day: Date) -> bool {
        day <= self.vetting_on.saturating_add(VETTING_YEARS.years())
    }

    /// The days, each with its field's name in the API.
    #[must_use]
    pub fn days(&self) -> [(&'static str, Date); 4] {
        [
            ("vetting_on", self.vetting_on),
            ("barred_list_checked_on", self.barred_list_checked_on),
            ("training_on", self.training_on),
            ("agreement_signed_on", self.agreement_signed_on),
        ]
    }
}
