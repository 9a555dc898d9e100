//! From a child's flags to what one asker is shown of them.

use std::cmp::Reverse;

use jiff::civil::Date;

use crate::flag::{ContactFlag, ContactRoute, Hours};
use crate::policy::{Cell, Level};
use crate::terms::{DisclosureBasis, InvolvementStatus, Outcome, ServiceType, SubjectInformed};
use crate::text::{Name, Phone};

/// One line of an answer. What the asker's level does not release is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signpost {
    /// Whether the team is, or was, working with the child. Released at every level.
    pub involvement: CurrentOrPrevious,
    /// The kind of service.
    pub service_type: Option<ServiceType>,
    /// The team's name and its organisation's.
    pub team: Option<TeamName>,
    /// The team's duty telephone and when it is answered.
    pub duty: Option<(Phone, Hours)>,
    /// How the team is reached about this child.
    pub route: Option<ContactRoute>,
    /// First and last year.
    pub years: Option<Years>,
    /// The rest, at level FULL.
    pub details: Option<Details>,
}

/// Whether an involvement lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CurrentOrPrevious {
    /// It has not ended.
    Current,
    /// It has ended.
    Previous,
}

/// A team's name and its organisation's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamName {
    /// The team.
    pub team: Name,
    /// The organisation.
    pub organisation: Name,
}

/// First and last year of an involvement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Years {
    /// The year it started.
    pub started: i16,
    /// The year it ended.
    pub ended: Option<i16>,
}

/// What only level FULL releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// How it stands, or stood when it ended.
    pub status: InvolvementStatus,
    /// Whether this is the lead practitioner.
    pub lead_practitioner: bool,
    /// Whether an assessment is held.
    pub assessment_held: bool,
    /// The first day.
    pub started: Date,
    /// The last day.
    pub ended: Option<Date>,
    /// When the owner last confirmed it.
    pub confirmed_on: Date,
    /// The ground on which it is shared.
    pub disclosure_basis: DisclosureBasis,
    /// Whether child or family know.
    pub subject_informed: SubjectInformed,
    /// Whether child or family dispute it.
    pub disputed: bool,
}

/// A flag and the level at which it is released.
#[derive(Debug)]
pub(crate) struct Visible<'f> {
    pub(crate) flag: &'f ContactFlag,
    pub(crate) level: Level,
}

/// What is released of a child's flags, before names and telephones of the register are added.
#[derive(Debug, Default)]
pub(crate) struct Release<'f> {
    /// The flags with a line of their own.
    pub(crate) visible: Vec<Visible<'f>>,
    /// Whether there is a further service, reached through the broker.
    pub(crate) further_service: bool,
    /// How many lines are of a shielded child: a broker alone is shown any.
    pub(crate) shielded_lines: u32,
    levels: u8,
    partial: bool,
}

impl<'f> Release<'f> {
    /// Decides each flag, the asker's own and erroneous and expired ones left out.
    pub(crate) fn decide(
        flags: impl Iterator<Item = &'f ContactFlag>,
        own: impl Fn(&ContactFlag) -> bool,
        cell: &Cell<'_>,
        shielded: impl Fn(&ContactFlag) -> bool,
        today: Date,
    ) -> Self {
        let mut release = Self::default();
        for flag in flags.filter(|flag| !own(flag)) {
            let details = flag.involvement.details();
            if details.in_error || flag.involvement.retain_until() < today {
                continue;
            }
            let is_shielded = shielded(flag);
            let level = cell.level(details.sensitivity, details.ended, is_shielded, today);
            release.shielded_lines += u32::from(is_shielded && level != Level::Nothing);
            release.levels |= level.bit();
            match level {
                Level::Nothing => {}
                Level::FurtherService => release.further_service = true,
                Level::ServiceTypeYears
                | Level::ServiceTypeTeamYears
                | Level::Team
                | Level::DutyPhone
                | Level::TeamAndDutyPhone
                | Level::TeamAndPhone
                | Level::Full => {
                    release.partial |= level != Level::Full;
                    release.visible.push(Visible { flag, level });
                }
            }
        }
        // Current ones first, then those that say most, the latest first where the day may be
        // seen; the id makes the order the same every time.
        release.visible.sort_by_key(|visible| {
            let details = visible.flag.involvement.details();
            let started = (visible.level == Level::Full).then_some(details.started);
            (details.ended.is_some(), Reverse(visible.level), Reverse(started), visible.flag.id)
        });
        release
    }

    /// How the question ended, as the ledger has it.
    pub(crate) fn outcome(&self) -> Outcome {
        match (self.visible.is_empty(), self.further_service, self.partial) {
            (true, false, _) => Outcome::NoVisibleContact,
            (true, true, _) => Outcome::BrokerRequired,
            (false, false, false) => Outcome::Released,
            (false, _, _) => Outcome::ReleasedPartial,
        }
    }

    /// The levels released, one bit each.
    pub(crate) fn levels(&self) -> u8 {
        self.levels
    }
}

impl Visible<'_> {
    pub(crate) fn needs_team(&self) -> bool {
        shows_team_name(self.level) || shows_duty_phone(self.level)
    }

    /// The line of this flag, given its team's name and duty telephone.
    pub(crate) fn signpost(&self, team: Option<(TeamName, Phone, Hours)>) -> Signpost {
        let details = self.flag.involvement.details();
        let (name, duty) = match team {
            Some((name, phone, hours)) => (Some(name), Some((phone, hours))),
            None => (None, None),
        };
        Signpost {
            involvement: match details.ended {
                None => CurrentOrPrevious::Current,
                Some(_) => CurrentOrPrevious::Previous,
            },
            service_type: shows_service(self.level).then_some(details.service_type),
            team: name.filter(|_| shows_team_name(self.level)),
            duty: duty.filter(|_| shows_duty_phone(self.level)),
            route: shows_route(self.level).then(|| details.route.clone()),
            years: shows_years(self.level).then(|| Years {
                started: details.started.year(),
                ended: details.ended.map(Date::year),
            }),
            details: (self.level == Level::Full).then_some(Details {
                status: details.status,
                lead_practitioner: details.lead_practitioner,
                assessment_held: details.assessment_held,
                started: details.started,
                ended: details.ended,
                confirmed_on: details.confirmed_on,
                disclosure_basis: details.disclosure_basis,
                subject_informed: details.subject_informed,
                disputed: details.disputed,
            }),
        }
    }
}

fn shows_service(level: Level) -> bool {
    matches!(level, Level::Full | Level::ServiceTypeTeamYears | Level::ServiceTypeYears)
}

fn shows_team_name(level: Level) -> bool {
    matches!(
        level,
        Level::Full
            | Level::TeamAndPhone
            | Level::TeamAndDutyPhone
            | Level::Team
            | Level::ServiceTypeTeamYears
    )
}

fn shows_duty_phone(level: Level) -> bool {
    matches!(level, Level::Full | Level::TeamAndDutyPhone | Level::DutyPhone)
}

fn shows_route(level: Level) -> bool {
    matches!(level, Level::Full | Level::TeamAndPhone)
}

fn shows_years(level: Level) -> bool {
    matches!(level, Level::ServiceTypeTeamYears | Level::ServiceTypeYears)
}
