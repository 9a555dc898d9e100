//! The figures of a run: a table, the targets beside what was reached, and the same as JSON.

use std::time::Duration;

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::figures::Quartiles;
use crate::limit::Limit;
use crate::turns::Round;

/// A figure's name, its decimals, and what it is in a round.
type Figure = (&'static str, usize, fn(&Round) -> f64);

const FIGURES: [Figure; 17] = [
    ("plain copy, records/s", 0, |round| round.plain),
    ("turn, idle: records/s", 0, |round| round.idle.rate()),
    ("turn, idle / plain copy", 2, |round| round.idle.rate() / round.plain),
    ("turn, idle: prepare ms", 0, |round| ms(round.idle.prepare)),
    ("turn, idle: switch ms", 1, |round| ms(round.idle.switch)),
    ("turn, idle: destroy ms", 0, |round| ms(round.idle.destroy)),
    ("turn under load: records/s", 0, |round| round.loaded.rate()),
    ("turn under load / turn, idle", 2, |round| round.loaded.rate() / round.idle.rate()),
    ("turn under load: switch ms", 1, |round| ms(round.loaded.switch)),
    ("asks alone: per s", 0, |round| round.asks_alone.stretch.rate()),
    ("asks alone: p50 us", 0, |round| round.asks_alone.stretch.quantile_us(0.5)),
    ("asks alone: p99 us", 0, |round| round.asks_alone.stretch.quantile_us(0.99)),
    ("asks during a turn: per s", 0, |round| round.asks_during.stretch.rate()),
    ("asks during a turn: p50 us", 0, |round| round.asks_during.stretch.quantile_us(0.5)),
    ("asks during a turn: p99 us", 0, |round| round.asks_during.stretch.quantile_us(0.99)),
    ("asks alone: longest time without an answer, ms", 1, |round| {
        ms(round.asks_alone.longest_gap())
    }),
    ("the same at the switch, ms", 1, |round| ms(round.switch_pause)),
];

/// A target's name, its decimals, its limit, and what it is in a round.
type Target = (&'static str, usize, Limit, fn(&Round) -> f64);

const TARGETS: [Target; 2] = [
    ("turn, idle: records/s", 0, Limit { limit: 20_000.0, at_least: true }, |round| {
        round.idle.rate()
    }),
    (
        "asks: p99 during a turn against p99 alone",
        2,
        Limit { limit: 2.0, at_least: false },
        |round| {
            round.asks_during.stretch.quantile_us(0.99) / round.asks_alone.stretch.quantile_us(0.99)
        },
    ),
];

/// A row for each figure.
pub(crate) fn table(rounds: &[Round]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(["what", "median [quartiles]"]);
    for (name, decimals, figure) in FIGURES {
        table.add_row([name.to_owned(), of(rounds, figure).text(decimals)]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Each target, and whether its median was reached.
pub(crate) fn targets(rounds: &[Round]) -> impl Iterator<Item = (String, Value)> {
    let told =
        |(name, decimals, limit, figure): Target| limit.told(name, of(rounds, figure), decimals);
    TARGETS.into_iter().map(told)
}

/// Of each figure lower quartile, median and upper quartile.
pub(crate) fn json(rounds: &[Round]) -> Value {
    let figures = FIGURES.into_iter();
    figures
        .map(|(name, _, figure)| json!({ "name": name, "found": of(rounds, figure).json() }))
        .collect()
}

fn of(rounds: &[Round], figure: fn(&Round) -> f64) -> Quartiles {
    Quartiles::of(rounds.iter().map(figure))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
