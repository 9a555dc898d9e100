//! `[purge]`: how purges are planned and run, and what their certificates say that only people know.

use jiff::civil::Time;
use serde::Deserialize;
use signpost_core::purge::PurgeRules;

use crate::certificate::body::{Copy, Medium};

/// The longest cooling-off time, in hours, and the longest life of a plan, in days.
const COOLING_OFF_HOURS_MAX: u32 = 14 * 24;
const EXPIRES_DAYS_MAX: u32 = 60;

/// The longest that openings are kept, in years.
const OPENINGS_YEARS_MAX: u32 = 100;

/// `[purge]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Purge {
    /// Hours between the last approval of a purge and its run, in which it may be called off.
    pub cooling_off_hours: u32,
    /// Days after which a plan expires that has not begun to run.
    pub expires_days: u32,
    /// The most purges of one child that an operator plans in a day (UTC).
    pub child_plans_a_day: u32,
    /// Years after which the opening of an entry is past its time.
    pub openings_years: u32,
    /// The hour (UTC) in which purges of one child are begun, together by one turn; without it, each as
    /// soon as it may run.
    pub children_at: Option<Hour>,
    /// Copies outside the service: what certificates say of them.
    pub copy: Vec<Copy>,
    /// The medium under the data directory and the keyring: what certificates say of it.
    pub medium: Medium,
}

/// A time of day, as `02:00`.
#[derive(Clone, std::marker::Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Hour(pub Time);

impl TryFrom<String> for Hour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parsed = Time::strptime("%H:%M", &text);
        parsed.map(Self).map_err(|_| "must be a time of day such as 02:00".to_owned())
    }
}

impl Default for Purge {
    fn default() -> Self {
        let PurgeRules { cooling_off_hours, expires_days, child_plans_a_day, openings_years } =
            PurgeRules::default();
        Self {
            cooling_off_hours,
            expires_days,
            child_plans_a_day,
            openings_years,
            children_at: None,
            copy: Vec::new(),
            medium: Medium::default(),
        }
    }
}

impl Purge {
    /// As the directory goes by them.
    #[must_use]
    pub fn rules(&self) -> PurgeRules {
        PurgeRules {
            cooling_off_hours: self.cooling_off_hours,
            expires_days: self.expires_days,
            child_plans_a_day: self.child_plans_a_day,
            openings_years: self.openings_years,
        }
    }

    /// A purge that could not be called off, or would expire before it may run, is none.
    pub(super) fn check(&self) -> Result<(), String> {
        if !(1..=COOLING_OFF_HOURS_MAX).contains(&self.cooling_off_hours) {
            return Err(format!("purge.cooling_off_hours must be 1 to {COOLING_OFF_HOURS_MAX}"));
        }
        if !(1..=EXPIRES_DAYS_MAX).contains(&self.expires_days) {
            return Err(format!("purge.expires_days must be 1 to {EXPIRES_DAYS_MAX}"));
        }
        if self.cooling_off_hours >= self.expires_days * 24 {
            return Err("purge.cooling_off_hours must be less than purge.expires_days".to_owned());
        }
        if self.child_plans_a_day == 0 {
            return Err("purge.child_plans_a_day must be greater than 0".to_owned());
        }
        if !(1..=OPENINGS_YEARS_MAX).contains(&self.openings_years) {
            return Err(format!("purge.openings_years must be 1 to {OPENINGS_YEARS_MAX}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_fit_together() {
        assert_eq!(Purge::default().check(), Ok(()));
        assert_eq!(Purge::default().rules(), PurgeRules::default());
        let wrong: [fn(&mut Purge); 7] = [
            |purge| purge.cooling_off_hours = 0,
            |purge| purge.cooling_off_hours = 14 * 24 + 1,
            |purge| purge.expires_days = 0,
            |purge| (purge.cooling_off_hours, purge.expires_days) = (24, 1),
            |purge| purge.child_plans_a_day = 0,
            |purge| purge.openings_years = 0,
            |purge| purge.openings_years = 101,
        ];
        for change in wrong {
            let mut purge = Purge::default();
            change(&mut purge);
            assert!(purge.check().unwrap_err().starts_with("purge."), "{purge:?}");
        }
    }
}
