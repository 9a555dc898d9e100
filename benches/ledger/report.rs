//! The figures of a run: a table, and the same as JSON.

use std::time::Duration;

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::figures::{Quartiles, as_float};
use crate::proofs::Proven;
use crate::tree::Plain;
use crate::verifying::Told;

/// One way through everything. Every ratio is taken within its round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) plain: Plain,
    pub(crate) verified: Told,
    pub(crate) proven: Proven,
}

/// A figure's name, its decimals, and what it is of a round.
type Figure = (&'static str, usize, fn(&Round) -> f64);

const FIGURES: [Figure; 9] = [
    ("verified entries/s", 0, |round| number(round.verified.entries) / round.verified.seconds),
    ("verify s", 2, |round| round.verified.seconds),
    ("verify peak MB", 1, |round| number(round.verified.peak_bytes) / 1e6),
    ("bare SHA-256 of the entries MB/s", 0, |round| {
        number(round.plain.bytes) / 1e6 / round.plain.hashed.as_secs_f64()
    }),
    ("verify / bare read", 1, |round| round.verified.seconds / round.plain.read.as_secs_f64()),
    ("verify / bare read and SHA-256", 2, |round| {
        round.verified.seconds / round.plain.hashed.as_secs_f64()
    }),
    ("inclusion proof us", 1, |round| each(round.proven.proofs, round.proven.count)),
    ("bare read of a tile us", 1, |round| each(round.proven.reads, round.proven.count)),
    ("inclusion proof / bare read of a tile", 1, |round| {
        round.proven.proofs.as_secs_f64() / round.proven.reads.as_secs_f64()
    }),
];

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

fn each(all: Duration, count: usize) -> f64 {
    all.as_secs_f64() * 1e6 / as_float(count)
}

#[expect(clippy::cast_precision_loss, reason = "nothing is counted beyond 2^52 here")]
fn number(count: u64) -> f64 {
    count as f64
}
