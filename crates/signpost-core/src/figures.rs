//! Figures that can be published: questions by purpose and refusals by reason, month by month and by
//! kind of organisation, with small numbers withheld so that no total gives them back.
//!
//! What is withheld follows the usual practice for tables of counts about care: numbers from 1 to 4
//! are withheld, as the Office for National Statistics asks for sensitive subjects (*Review of the
//! Dissemination of Health Statistics: Confidentiality Guidance*, 2006) and the Anonymisation Standard
//! for Publishing Health and Social Care Data (ISB 1523) takes up; further numbers are withheld beside
//! them (secondary suppression with a protection interval: Hundepool and others, *Statistical
//! Disclosure Control*, 2012). `withholding` has the rule and what it holds.
//!
//! Each month is a table by itself, of a month that is over. So no two publications can be taken
//! from each other: a longer range has the very tables of a shorter one, there is no total over
//! months, and what was published of a month never changes.

mod withholding;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::entry::Entry;
use crate::terms::{Action, OrganisationKind, Outcome, Purpose};
use withholding::{Totalled, withheld};

/// A month of the Gregorian calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    /// The first day of it.
    first: Date,
}

/// How often something was, by kind of organisation and by what `C` tells apart.
type Counts<C> = BTreeMap<(OrganisationKind, C), u64>;

/// What the entries of one month come to, small numbers and all: not to be published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MonthTally {
    accesses: Counts<Purpose>,
    refusals: Counts<Outcome>,
}

/// A month's figures as they can be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Questions about children that were answered, whatever the answer was.
    pub accesses: Vec<Figure<Purpose>>,
    /// Requests of any kind that were refused.
    pub refusals: Vec<Figure<Outcome>>,
}

/// One number of a table. What has none is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure<C> {
    /// Of which kind of organisations; none for all of them together.
    pub kind: Option<OrganisationKind>,
    /// For which purpose, or reason; none for all of them together.
    pub of: Option<C>,
    /// How often; none where that is withheld.
    pub number: Option<u64>,
}

impl Month {
    /// The years that are taken.
    const YEARS: std::ops::RangeInclusive<i16> = 1970..=2200;

    /// A month by its year, 1970 to 2200, and its number in it, 1 to 12.
    #[must_use]
    pub fn new(year: i16, month: i8) -> Option<Self> {
        let first = Date::new(year, month, 1).ok().filter(|_| Self::YEARS.contains(&year));
        first.map(|first| Self { first })
    }

    /// The month of a day.
    #[must_use]
    pub fn of(day: Date) -> Self {
        Self { first: day.first_of_month() }
    }

    /// The year.
    #[must_use]
    pub fn year(self) -> i16 {
        self.first.year()
    }

    /// Its number in the year, from 1.
    #[must_use]
    pub fn number(self) -> i8 {
        self.first.month()
    }

    /// The month after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self::of(self.first.last_of_month().saturating_add(jiff::Span::new().days(1)))
    }

    /// When it begins, in milliseconds since 1970.
    #[must_use]
    pub fn begins_ms(self) -> u64 {
        let begins =
            TimeZone::UTC.to_timestamp(self.first.to_datetime(jiff::civil::Time::midnight()));
        begins.ok().and_then(|begins| u64::try_from(begins.as_millisecond()).ok()).unwrap_or(0)
    }
}

impl MonthTally {
    /// Counts an entry of the month, of an organisation of this kind.
    pub fn count(&mut self, entry: &Entry, kind: OrganisationKind) {
        let asks = matches!(entry.action(), Action::Ask | Action::AskMany | Action::AskAsBroker);
        match (was_refused(entry.outcome()), entry.purpose()) {
            (true, _) => {
                // What was refused before anybody was identified is counted in entries of its own.
                let is_count = entry.action() == Action::CountRefusals;
                let times = if is_count { entry.count().into() } else { 1 };
                *self.refusals.entry((kind, entry.outcome())).or_default() += times;
            }
            (false, Some(purpose)) if asks => {
                *self.accesses.entry((kind, purpose)).or_default() += 1;
            }
            (false, _) => {}
        }
    }

    /// What of it can be published.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures { accesses: published(&self.accesses), refusals: published(&self.refusals) }
    }
}

/// Whether an entry of this outcome is of something that was asked for and not done.
fn was_refused(outcome: Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::Done
            | Outcome::Released
            | Outcome::ReleasedPartial
            | Outcome::BrokerRequired
            | Outcome::NoVisibleContact
    )
}

/// A table with its totals, and without what must be withheld.
fn published<C: Copy + Ord>(counts: &Counts<C>) -> Vec<Figure<C>> {
    let kinds: BTreeSet<OrganisationKind> = counts.keys().map(|(kind, _)| *kind).collect();
    let columns: BTreeSet<C> = counts.keys().map(|(_, column)| *column).collect();
    let number = |kind, column| counts.get(&(kind, column)).copied().unwrap_or(0);
    let rows = kinds.iter().map(|kind| columns.iter().map(|one| number(*kind, *one)).collect());
    let table = Totalled::new(rows.collect());
    let withheld = withheld(&table);
    let mut figures = Vec::new();
    let kinds = kinds.into_iter().map(Some).chain([None]);
    for (row, kind) in kinds.enumerate() {
        for (column, of) in columns.iter().copied().map(Some).chain([None]).enumerate() {
            let number = table.number((row, column));
            let number_shown = Some(number).filter(|_| !withheld.contains(&(row, column)));
            if number > 0 {
                figures.push(Figure { kind, of, number: number_shown });
            }
        }
    }
    figures
}

#[cfg(test)]
mod tests;
