//! The contact flag: "this team is, or was, working with this child, and is reached so".

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::id::{FlagId, OrganisationId, SystemId, TeamId};
use crate::subject::Subject;
use crate::terms::{
    ContactRole, DisclosureBasis, InvolvementStatus, Sensitivity, ServiceType, SubjectInformed,
};
use crate::text::{FeedId, Phone, SourceReference};

/// The longest a flag may be kept after the involvement ended.
pub const RETAIN_YEARS_MAX: i32 = 6;

/// A contact flag. One copy of it lies under each pseudonym of its subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactFlag {
    /// Its id, the same in every copy.
    pub id: FlagId,
    /// The pseudonyms under which it was recorded: its recorder's word that they are one child.
    pub subject: Subject,
    /// The team that is involved, from the recorder's own record.
    pub team: TeamId,
    /// What its owner says of the involvement.
    pub involvement: Involvement,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// Where a flag comes from; bound to the verified certificate, never to a field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The organisation that owns the flag: the only one that may change it.
    pub owner: OrganisationId,
    /// The system that sent it.
    pub source_system: SystemId,
    /// The feed that carried it; none where a person recorded it.
    pub feed: Option<FeedId>,
    /// The source system's own reference: the same one again changes the same flag.
    pub source_reference: SourceReference,
}

/// What the owner of a flag says of the involvement. Built by [`Involvement::new`] alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Involvement {
    details: InvolvementDetails,
    retain_until: Date,
}

/// The parts of an involvement, as a recorder gives them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "facts of a form, each on its own")]
pub struct InvolvementDetails {
    /// The kind of service.
    pub service_type: ServiceType,
    /// How it stands, or stood when it ended.
    pub status: InvolvementStatus,
    /// How much of it others may see.
    pub sensitivity: Sensitivity,
    /// The ground on which it is shared.
    pub disclosure_basis: DisclosureBasis,
    /// Whether child or family know.
    pub subject_informed: SubjectInformed,
    /// How to reach the team.
    pub route: ContactRoute,
    /// Whether this is the lead practitioner.
    pub lead_practitioner: bool,
    /// Whether this team holds an assessment.
    pub assessment_held: bool,
    /// The first day.
    pub started: Date,
    /// The last day, where it is over.
    pub ended: Option<Date>,
    /// The day on which the owner last made sure that all this is so.
    pub confirmed_on: Date,
    /// The flag was entered in error: it contributes nothing to answers.
    pub in_error: bool,
    /// The child or family disputes it.
    pub disputed: bool,
    /// The day after which it is no longer answered; the longest allowed if not given.
    pub retain_until: Option<Date>,
}

/// How to reach the team: an office telephone and who answers it, when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRoute {
    /// Who answers.
    pub role: ContactRole,
    /// The work telephone.
    pub work_phone: Phone,
    /// When it is answered.
    pub hours: Hours,
    /// The telephone outside these hours, or none.
    pub out_of_hours: Option<Phone>,
}

/// The weekly hours in which a telephone is answered, local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    days: u8,
    opens_minute: u16,
    closes_minute: u16,
}

/// Why hours are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hours need at least one day (bits 0 to 6, Monday first) and 0 <= opens < closes <= 1440")]
pub struct HoursError;

impl Hours {
    /// Days as bits 0 (Monday) to 6 (Sunday); minutes since midnight, 1440 its end.
    pub fn new(days: u8, opens_minute: u16, closes_minute: u16) -> Result<Self, HoursError> {
        let fits = days != 0 && days < 128 && opens_minute < closes_minute && closes_minute <= 1440;
        if fits { Ok(Self { days, opens_minute, closes_minute }) } else { Err(HoursError) }
    }

    /// The days as bits 0 (Monday) to 6 (Sunday).
    #[must_use]
    pub fn days(self) -> u8 {
        self.days
    }

    /// The minute of the day at which it opens.
    #[must_use]
    pub fn opens_minute(self) -> u16 {
        self.opens_minute
    }

    /// The minute of the day at which it closes.
    #[must_use]
    pub fn closes_minute(self) -> u16 {
        self.closes_minute
    }
}

/// Why an involvement is refused, each with the field at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvolvementError {
    /// It starts after today.
    #[error("started must not be later than today")]
    StartsInFuture,
    /// It ends before it starts.
    #[error("ended must not be earlier than started")]
    EndsBeforeStart,
    /// It ends after today.
    #[error("ended must not be later than today")]
    EndsInFuture,
    /// It was confirmed after today.
    #[error("confirmed_on must not be later than today")]
    ConfirmedInFuture,
    /// It would be kept too long.
    #[error("retain_until must not be later than 6 years after the end, or after today")]
    RetainedTooLong,
    /// A sensitive service recorded as if it were not.
    #[error("this service is sensitive: sensitivity must be SENSITIVE_EXISTENCE or HIDDEN")]
    NotSensitive,
    /// A sensitive service shared on a ground that does not carry it.
    #[error(
        "a sensitive service needs consent, significant harm or a court order as disclosure_basis"
    )]
    NoGround,
}

impl InvolvementError {
    /// The field at fault, as the API names it within an involvement.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::StartsInFuture => "started",
            Self::EndsBeforeStart | Self::EndsInFuture => "ended",
            Self::ConfirmedInFuture => "confirmed_on",
            Self::RetainedTooLong => "retain_until",
            Self::NotSensitive => "sensitivity",
            Self::NoGround => "disclosure_basis",
        }
    }
}

impl Involvement {
    /// Checks the dates against each other and against `today`, and sensitive services against
    /// their sensitivity and ground.
    pub fn new(details: InvolvementDetails, today: Date) -> Result<Self, InvolvementError> {
        if details.started > today {
            return Err(InvolvementError::StartsInFuture);
        }
        if details.confirmed_on > today {
            return Err(InvolvementError::ConfirmedInFuture);
        }
        if let Some(ended) = details.ended {
            check_end(details.started, ended, today)?;
        }
        check_sensitive(&details)?;
        let longest = retain_until_max(details.ended.unwrap_or(today));
        let retain_until = details.retain_until.unwrap_or(longest);
        if retain_until > longest {
            return Err(InvolvementError::RetainedTooLong);
        }
        Ok(Self { details, retain_until })
    }

    /// The same involvement, over on `ended`.
    pub fn end(mut self, ended: Date, today: Date) -> Result<Self, InvolvementError> {
        check_end(self.details.started, ended, today)?;
        self.details.ended = Some(ended);
        self.retain_until = match self.details.retain_until {
            Some(until) => until.min(retain_until_max(ended)),
            None => retain_until_max(ended),
        };
        Ok(self)
    }

    /// Its parts.
    #[must_use]
    pub fn details(&self) -> &InvolvementDetails {
        &self.details
    }

    /// The day after which it is no longer answered.
    #[must_use]
    pub fn retain_until(&self) -> Date {
        self.retain_until
    }
}

fn check_end(started: Date, ended: Date, today: Date) -> Result<(), InvolvementError> {
    if ended < started {
        return Err(InvolvementError::EndsBeforeStart);
    }
    if ended > today { Err(InvolvementError::EndsInFuture) } else { Ok(()) }
}

/// ContactPoint fed sensitive services with consent or on significant harm only; a court may order.
fn check_sensitive(details: &InvolvementDetails) -> Result<(), InvolvementError> {
    if !details.service_type.is_sensitive() {
        return Ok(());
    }
    match details.sensitivity {
        Sensitivity::Standard | Sensitivity::Restricted => {
            return Err(InvolvementError::NotSensitive);
        }
        Sensitivity::SensitiveExistence | Sensitivity::Hidden => {}
    }
    match details.disclosure_basis {
        DisclosureBasis::PublicTask | DisclosureBasis::LegalObligation16la => {
            Err(InvolvementError::NoGround)
        }
        DisclosureBasis::ExplicitConsent
        | DisclosureBasis::SignificantHarm
        | DisclosureBasis::CourtOrder => Ok(()),
    }
}

fn retain_until_max(from: Date) -> Date {
    from.saturating_add(RETAIN_YEARS_MAX.years())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn details() -> InvolvementDetails {
        InvolvementDetails {
            service_type: ServiceType::EarlyHelp,
            status: InvolvementStatus::Active,
            sensitivity: Sensitivity::Standard,
            disclosure_basis: DisclosureBasis::PublicTask,
            subject_informed: SubjectInformed::Informed,
            route: ContactRoute {
                role: ContactRole::DutyWorker,
                work_phone: Phone::try_from("+441632960001".to_owned()).unwrap(),
                hours: Hours::new(0b1_1111, 540, 1020).unwrap(),
                out_of_hours: None,
            },
            lead_practitioner: false,
            assessment_held: false,
            started: date(2026, 1, 5),
            ended: None,
            confirmed_on: date(2026, 3, 1),
            in_error: false,
            disputed: false,
            retain_until: None,
        }
    }

    const TODAY: Date = date(2026, 6, 1);

    fn refused(change: impl FnOnce(&mut InvolvementDetails)) -> InvolvementError {
        let mut changed = details();
        change(&mut changed);
        Involvement::new(changed, TODAY).unwrap_err()
    }

    #[test]
    fn dates_must_fit_together() {
        assert_eq!(Involvement::new(details(), TODAY).unwrap().retain_until(), date(2032, 6, 1));
        assert_eq!(refused(|d| d.started = date(2026, 6, 2)), InvolvementError::StartsInFuture);
        assert_eq!(
            refused(|d| d.ended = Some(date(2026, 1, 4))),
            InvolvementError::EndsBeforeStart
        );
        assert_eq!(refused(|d| d.ended = Some(date(2026, 6, 2))), InvolvementError::EndsInFuture);
        assert_eq!(
            refused(|d| d.confirmed_on = date(2026, 6, 2)),
            InvolvementError::ConfirmedInFuture
        );
        assert_eq!(
            refused(|d| d.retain_until = Some(date(2032, 6, 2))),
            InvolvementError::RetainedTooLong
        );
    }

    #[test]
    fn a_sensitive_service_is_sensitive_and_needs_its_ground() {
        assert_eq!(
            refused(|d| d.service_type = ServiceType::Camhs),
            InvolvementError::NotSensitive
        );
        assert_eq!(
            refused(|d| {
                d.service_type = ServiceType::Camhs;
                d.sensitivity = Sensitivity::SensitiveExistence;
            }),
            InvolvementError::NoGround
        );
    }

    #[test]
    fn ending_shortens_what_is_kept() {
        let ended = Involvement::new(details(), TODAY).unwrap().end(date(2026, 5, 1), TODAY);
        assert_eq!(ended.unwrap().retain_until(), date(2032, 5, 1));
    }

    #[test]
    fn hours_are_a_day_and_a_span() {
        assert_eq!(Hours::new(0, 0, 1), Err(HoursError));
        assert_eq!(Hours::new(128, 0, 1), Err(HoursError));
        assert_eq!(Hours::new(1, 10, 10), Err(HoursError));
        assert_eq!(Hours::new(1, 10, 1441), Err(HoursError));
        assert!(Hours::new(127, 0, 1440).is_ok());
    }
}
