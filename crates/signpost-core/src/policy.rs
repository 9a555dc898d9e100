//! The answer matrix: a file that can be reviewed, and what it says of one flag.

mod file;

use jiff::ToSpan;
use jiff::civil::Date;

use crate::id::PolicyDigest;
use crate::terms::{Purpose, Role, Sensitivity};

pub use file::PolicyError;

/// The built-in policy: the text of its file.
pub const DEFAULT: &str = include_str!("policy/default.toml");

/// How much of a flag is released. Stored as bits of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing, as if the flag did not exist.
    Nothing,
    /// Only that there is a further service, reached through the broker.
    FurtherService,
    /// Service and years.
    ServiceTypeYears,
    /// Service, team and years.
    ServiceTypeTeamYears,
    /// Team.
    Team,
    /// The team's duty telephone.
    DutyPhone,
    /// Team and its duty telephone.
    TeamAndDutyPhone,
    /// Team and the work telephone.
    TeamAndPhone,
    /// All that the flag says.
    Full,
}

/// A policy: a checked answer matrix and the digest of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    digest: PolicyDigest,
    rows: Vec<Row>,
    broker: Levels,
    broker_sees_shielded: bool,
    ended: EndedRule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    roles: Vec<Role>,
    purposes: Vec<Purpose>,
    levels: Levels,
    ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Levels {
    standard: Level,
    restricted: Level,
    sensitive_existence: Level,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct EndedRule {
    recent_months: u32,
    past_years: u32,
    past_purposes: Vec<Purpose>,
}

/// What one asker may be shown, for one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell<'p> {
    levels: Levels,
    ended: bool,
    past: bool,
    shielded: bool,
    rule: &'p EndedRule,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 9] = [
        Self::Nothing,
        Self::FurtherService,
        Self::ServiceTypeYears,
        Self::ServiceTypeTeamYears,
        Self::Team,
        Self::DutyPhone,
        Self::TeamAndDutyPhone,
        Self::TeamAndPhone,
        Self::Full,
    ];

    /// Its bit in an entry's byte of levels released; nothing has none.
    #[must_use]
    pub fn bit(self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Full => 1 << 0,
            Self::TeamAndPhone => 1 << 1,
            Self::TeamAndDutyPhone => 1 << 2,
            Self::DutyPhone => 1 << 3,
            Self::Team => 1 << 4,
            Self::ServiceTypeTeamYears => 1 << 5,
            Self::ServiceTypeYears => 1 << 6,
            Self::FurtherService => 1 << 7,
        }
    }

    /// Its name in a policy file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "NOTHING",
            Self::FurtherService => "FURTHER_SERVICE",
            Self::ServiceTypeYears => "SERVICE_TYPE_YEARS",
            Self::ServiceTypeTeamYears => "SERVICE_TYPE_TEAM_YEARS",
            Self::Team => "TEAM",
            Self::DutyPhone => "DUTY_PHONE",
            Self::TeamAndDutyPhone => "TEAM_AND_DUTY_PHONE",
            Self::TeamAndPhone => "TEAM_AND_PHONE",
            Self::Full => "FULL",
        }
    }

    /// What of it is left when the involvement is long past: service, team and years at most.
    fn past(self) -> Self {
        match self {
            Self::Nothing | Self::FurtherService | Self::DutyPhone => Self::Nothing,
            Self::Team | Self::TeamAndDutyPhone | Self::TeamAndPhone => Self::Team,
            Self::ServiceTypeYears => Self::ServiceTypeYears,
            Self::ServiceTypeTeamYears | Self::Full => Self::ServiceTypeTeamYears,
        }
    }
}

impl Policy {
    /// The digest of the file it was read from.
    #[must_use]
    pub fn digest(&self) -> PolicyDigest {
        self.digest
    }

    /// What this role is shown for this purpose; none where the matrix does not list the two.
    #[must_use]
    pub fn cell(&self, role: Role, purpose: Purpose) -> Option<Cell<'_>> {
        let row = self.row(role, purpose)?;
        Some(self.cell_of(row.levels, row.ended, purpose, false))
    }

    /// What a broker is shown who asks for a named person of this role, for this purpose.
    #[must_use]
    pub fn brokered_cell(&self, named: Role, purpose: Purpose) -> Option<Cell<'_>> {
        let row = self.row(named, purpose)?;
        Some(self.cell_of(self.broker, row.ended, purpose, self.broker_sees_shielded))
    }

    /// After so many months an ended involvement is shown to nobody, whoever asks for whatever.
    #[must_use]
    pub fn visible_months(&self) -> u32 {
        self.ended.recent_months.max(self.ended.past_years.saturating_mul(12))
    }

    fn row(&self, role: Role, purpose: Purpose) -> Option<&Row> {
        self.rows.iter().find(|row| row.roles.contains(&role) && row.purposes.contains(&purpose))
    }

    fn cell_of(&self, levels: Levels, ended: bool, purpose: Purpose, shielded: bool) -> Cell<'_> {
        let past = ended && self.ended.past_purposes.contains(&purpose);
        Cell { levels, ended, past, shielded, rule: &self.ended }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::parse(DEFAULT).expect("a test reads the built-in policy")
    }
}

impl Cell<'_> {
    /// The level of a flag of this sensitivity, ended on this day or not yet, of a child that is
    /// shielded or not.
    #[must_use]
    pub fn level(
        &self,
        sensitivity: Sensitivity,
        ended: Option<Date>,
        shielded: bool,
        today: Date,
    ) -> Level {
        let level = match sensitivity {
            Sensitivity::Standard => self.levels.standard,
            Sensitivity::Restricted => self.levels.restricted,
            Sensitivity::SensitiveExistence => self.levels.sensitive_existence,
            Sensitivity::Hidden => Level::Nothing,
        };
        if shielded && !self.shielded {
            return Level::Nothing;
        }
        let Some(ended) = ended else { return level };
        let recent = today <= ended.saturating_add(i64::from(self.rule.recent_months).months());
        let past = today <= ended.saturating_add(i64::from(self.rule.past_years).years());
        if recent && self.ended {
            level
        } else if past && self.past {
            level.past()
        } else {
            Level::Nothing
        }
    }
}

#[cfg(test)]
mod tests;
