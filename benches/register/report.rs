//! The figures of a run: a table, the target beside what was reached, and the same as JSON.

use std::time::Duration;

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::figures::{Quartiles, as_float};
use crate::limit::Limit;
use crate::open::Told;

/// One import, and how the store opened before and after it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) people: usize,
    pub(crate) time: Duration,
    pub(crate) before: Told,
    pub(crate) after: Told,
}

/// A figure's name, its decimals, and what it is of a round.
type Figure = (&'static str, usize, fn(&Round) -> f64);

const FIGURES: [Figure; 6] = [
    ("imported people/s", 0, |round| as_float(round.people) / round.time.as_secs_f64()),
    ("ready s without", 2, |round| round.before.seconds),
    ("ready s with", 2, |round| round.after.seconds),
    ("resident MB without", 0, |round| bytes(round.before.resident_bytes) / 1e6),
    ("resident MB with", 0, |round| bytes(round.after.resident_bytes) / 1e6),
    RESIDENT_EACH,
];

const RESIDENT_EACH: Figure = ("resident bytes a person", 0, |round| {
    (bytes(round.after.resident_bytes) - bytes(round.before.resident_bytes))
        / as_float(round.people)
});

/// What one more person may cost in memory.
const RESIDENT_EACH_MAX: Limit = Limit { limit: 1000.0, at_least: false };

/// A row for each figure.
pub(crate) fn table(all: &[Round]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(["figure", "found"]);
    for (name, decimals, figure) in FIGURES {
        table.add_row([name.to_owned(), of(all, figure).text(decimals)]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Whether a person costs no more memory than one may.
pub(crate) fn target(all: &[Round]) -> (String, Value) {
    let (name, decimals, figure) = RESIDENT_EACH;
    RESIDENT_EACH_MAX.told(name, of(all, figure), decimals)
}

/// Of each figure lower quartile, median and upper quartile.
pub(crate) fn json(all: &[Round]) -> Value {
    let figures = FIGURES.into_iter();
    figures
        .map(|(name, _, figure)| json!({ "name": name, "found": of(all, figure).json() }))
        .collect()
}

fn of(all: &[Round], figure: fn(&Round) -> f64) -> Quartiles {
    Quartiles::of(all.iter().map(figure))
}

#[expect(clippy::cast_precision_loss, reason = "no process here has more than 2^52 bytes")]
fn bytes(count: u64) -> f64 {
    count as f64
}
