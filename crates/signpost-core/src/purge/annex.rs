//! What a dry run counted, and how many plans an operator has made today.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Covered;
use crate::id::{PersonId, PurgeId};
use crate::record::Record;
use crate::terms::PurgedKind;

/// What a dry run counted. For one child it is shown to a privacy officer alone, by a call of its own
/// that is on record: that there is anything to count would tell that the child is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeAnnex {
    /// The purge.
    pub purge: PurgeId,
    /// A count of each kind, of every kind and in order of code, zeros too: so that its length says
    /// next to nothing.
    pub counts: Vec<Count>,
}

/// How many records of a kind go, and how many stay changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// The kind.
    pub kind: PurgedKind,
    /// How many go.
    pub gone: u64,
    /// How many stay, without what is in scope.
    pub changed: u64,
}

/// How many plans of one child an operator has made on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeQuota {
    /// The operator.
    pub person: PersonId,
    /// The day (UTC).
    pub day: Date,
    /// How many.
    pub plans: u32,
}

/// Counts what a purge takes.
#[derive(Clone, Debug)]
pub struct Tally(Vec<Count>);

impl Default for Tally {
    fn default() -> Self {
        let none = |kind: &PurgedKind| Count { kind: *kind, gone: 0, changed: 0 };
        Self(PurgedKind::ALL.iter().map(none).collect())
    }
}

impl Tally {
    /// Counts what becomes of this record.
    pub fn add(&mut self, record: &Record, covered: &Covered) {
        let kind = match covered {
            Covered::Empty => Some(PurgedKind::EmptyChildHead),
            Covered::Goes | Covered::Changed(_) => kind_of(record),
        };
        let Some(count) = self.0.iter_mut().find(|count| Some(count.kind) == kind) else { return };
        match covered {
            Covered::Goes | Covered::Empty => count.gone += 1,
            Covered::Changed(_) => count.changed += 1,
        }
    }

    /// What was counted.
    #[must_use]
    pub fn into_counts(self) -> Vec<Count> {
        self.0
    }
}

/// What a record is counted as; none of a kind that no purge touches.
fn kind_of(record: &Record) -> Option<PurgedKind> {
    match record {
        Record::Head(_) => Some(PurgedKind::ChildHead),
        Record::Flag(_) => Some(PurgedKind::FlagCopy),
        Record::Replay(_) => Some(PurgedKind::Replay),
        Record::Lift(_) => Some(PurgedKind::Lift),
        Record::Canary(_) => Some(PurgedKind::Canary),
        Record::Alert(_) => Some(PurgedKind::Alert),
        Record::Person(_) => Some(PurgedKind::Person),
        Record::Claim(_) => Some(PurgedKind::Claim),
        Record::Enrolment(_) => Some(PurgedKind::Enrolment),
        Record::Purge(_) => Some(PurgedKind::PurgePlan),
        Record::Hold(_) => Some(PurgedKind::LegalHold),
        Record::Suppression(_) => Some(PurgedKind::Suppression),
        Record::MarkerKey(_) => Some(PurgedKind::MarkerKey),
        Record::History(_) => Some(PurgedKind::History),
        Record::AccessReview(_) => Some(PurgedKind::AccessReview),
        Record::Organisation(_)
        | Record::Team(_)
        | Record::System(_)
        | Record::Certificate(_)
        | Record::Group(_)
        | Record::Token(_)
        | Record::Service(_)
        | Record::ClockDoubt(_)
        | Record::Members(_)
        | Record::Custodies(_)
        | Record::Proposal(_)
        | Record::AlertMark(_)
        | Record::PurgeAnnex(_)
        | Record::PurgeQuota(_)
        | Record::PurgeRun(_)
        | Record::PurgeCertificate(_)
        | Record::StandingOrder(_)
        | Record::Decommissioning(_) => None,
    }
}
