//! Which numbers of a table are withheld.
//!
//! The table is one of counts with the totals of its rows and columns and of all. Whoever reads it
//! knows every number that is shown, that totals are sums, and that what is withheld is not 0, for a 0
//! is shown. They do not know which of the withheld numbers are small: all look alike.
//!
//! - A number from 1 to 4 is withheld, totals as well.
//! - For each of these, three more numbers are withheld that lie with it at the corners of a
//!   rectangle of rows and columns, of which the last row and the last column are the totals. Then the
//!   four can change together, and every sum that is shown stays: along a row or column one goes up as
//!   the other goes down, or both go up where one is the total of the other.
//!   The rectangle is such that a small number could as well be any from 1 to 4, and a small total
//!   anything up to 3 more, while no other corner becomes 0.
//!
//! There always is one: that with the three totals. Of those that do, the one is taken that
//! withholds the fewest totals, then the fewest numbers, then the smallest.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Numbers from this on may be shown, and 0.
pub(super) const SHOWN_FROM: u64 = 5;

/// A row and a column; those behind the last are the totals.
pub(super) type Place = (usize, usize);

/// Rows of numbers, each with its total, and the row of their totals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Totalled(Vec<Vec<u64>>);

impl Totalled {
    /// Adds the totals to rows of one length.
    pub(super) fn new(mut rows: Vec<Vec<u64>>) -> Self {
        for row in &mut rows {
            row.push(row.iter().sum());
        }
        let width = rows.first().map_or(0, Vec::len);
        rows.push((0..width).map(|column| rows.iter().map(|row| row[column]).sum()).collect());
        Self(rows)
    }

    /// The number at a place; 0 where there is none.
    pub(super) fn number(&self, (row, column): Place) -> u64 {
        self.0.get(row).and_then(|numbers| numbers.get(column)).copied().unwrap_or(0)
    }

    /// Every place, row by row.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        let rows = self.0.iter().enumerate();
        rows.flat_map(|(row, numbers)| (0..numbers.len()).map(move |column| (row, column)))
    }

    /// Whether a place is a total of its row, and whether of its column.
    fn is_total(&self, (row, column): Place) -> (bool, bool) {
        (self.0.get(row).map(Vec::len) == Some(column + 1), row + 1 == self.0.len())
    }

    /// How a place changes while the first goes up: whether it goes up too.
    fn goes_up_with(&self, first: Place, other: Place) -> bool {
        let ((in_total, below), (other_in_total, other_below)) =
            (self.is_total(first), self.is_total(other));
        let up_along_the_row = first.1 == other.1 || in_total != other_in_total;
        let up_along_the_column = first.0 == other.0 || below != other_below;
        up_along_the_row == up_along_the_column
    }

    /// By how much a small number may change in the eyes of whoever reads the table.
    fn leeway(&self, place: Place) -> RangeInclusive<i64> {
        let number = i64::try_from(self.number(place)).unwrap_or(i64::MAX);
        match self.is_total(place) {
            (false, false) => 1 - number..=4 - number,
            // It is no less than its parts, of which each may be seen to be not 0.
            (true, _) | (_, true) => 0..=3,
        }
    }

    /// The other corners of a rectangle, if a small number at the first has its leeway with them.
    fn corners(&self, first: Place, (row, column): Place) -> Option<[Place; 3]> {
        let corners = [(first.0, column), (row, first.1), (row, column)];
        let leeway = self.leeway(first);
        let stays_above_zero = |corner: &Place| {
            let number = i64::try_from(self.number(*corner)).unwrap_or(i64::MAX);
            let least = if self.goes_up_with(first, *corner) {
                number.saturating_add(*leeway.start())
            } else {
                number.saturating_sub(*leeway.end())
            };
            number > 0 && least > 0
        };
        let is_rectangle = row != first.0 && column != first.1;
        (is_rectangle && corners.iter().all(stays_above_zero)).then_some(corners)
    }

    /// What is lost where these are withheld as well: totals, numbers, and their sum.
    fn loss(&self, corners: [Place; 3], withheld: &BTreeSet<Place>) -> (u8, usize, u64) {
        let more = corners.iter().filter(|corner| !withheld.contains(corner));
        let totals = more.clone().map(|corner| match self.is_total(*corner) {
            (true, true) => 4,
            (true, false) | (false, true) => 1,
            (false, false) => 0,
        });
        let sum = more.clone().map(|corner| self.number(*corner)).sum();
        (totals.sum(), more.count(), sum)
    }
}

/// The places whose numbers are withheld.
pub(super) fn withheld(table: &Totalled) -> BTreeSet<Place> {
    let is_small = |place: &Place| (1..SHOWN_FROM).contains(&table.number(*place));
    let small: Vec<Place> = table.places().filter(is_small).collect();
    let mut withheld: BTreeSet<Place> = small.iter().copied().collect();
    for first in small {
        let rectangles = table.places().filter_map(|across| table.corners(first, across));
        let least = rectangles.min_by_key(|corners| (table.loss(*corners, &withheld), *corners));
        withheld.extend(least.into_iter().flatten());
    }
    withheld
}
