//! The figures of a run: a table, the targets beside what was reached, and one line of JSON.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::figures::Quartiles;
use crate::limit::Limit;
use crate::series::{CASELOAD_IN_FLIGHT, Measured, Round, Series, Warmth};

/// One of the calls of a round, and what it is called.
type Call = (&'static str, fn(&Round) -> Option<&Measured>);

const CALLS: [Call; 3] = [
    ("empty", |round| Some(&round.empty)),
    ("Ask", |round| Some(&round.ask)),
    ("AskMany", |round| round.ask_many.as_ref()),
];

/// A limit on a ratio within one run.
struct Target {
    name: &'static str,
    in_flight: usize,
    limit: Limit,
    ratio: fn(&Round) -> f64,
}

const TARGETS: [Target; 3] = [
    Target {
        name: "Ask: rate against the empty call",
        in_flight: 64,
        limit: Limit { limit: 0.45, at_least: true },
        ratio: |round| round.ask.rate / round.empty.rate,
    },
    Target {
        name: "Ask: p99 against the empty call",
        in_flight: 64,
        limit: Limit { limit: 2.0, at_least: false },
        ratio: |round| round.ask.p99_us / round.empty.p99_us,
    },
    Target {
        name: "AskMany: rate against the empty call",
        in_flight: CASELOAD_IN_FLIGHT,
        limit: Limit { limit: 1.5, at_least: true },
        ratio: |round| round.ask_many.map_or(f64::NAN, |many| many.rate) / round.empty.rate,
    },
];

/// All series, a row for each call: median and quartiles over the rounds.
pub(crate) fn table(all: &[Series]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header([
        "flags",
        "state",
        "in flight",
        "call",
        "calls/s",
        "p50 us",
        "p99 us",
        "rate / empty",
        "p99 / empty",
        "server us/call",
        "client us/call",
        "switches/call",
    ]);
    for series in all {
        for (name, call) in calls_of(series) {
            table.add_row(row(series, name, call));
        }
    }
    for column in table.column_iter_mut().skip(4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The calls that were made in this series.
fn calls_of(series: &Series) -> impl Iterator<Item = Call> {
    CALLS.into_iter().filter(|(_, call)| series.rounds.iter().all(|round| call(round).is_some()))
}

fn row(series: &Series, name: &str, call: fn(&Round) -> Option<&Measured>) -> [String; 12] {
    let over = |figure: fn(&Measured) -> f64| {
        series.quartiles(|round| call(round).map_or(f64::NAN, figure))
    };
    let ratio = |figure: fn(&Measured) -> f64| {
        series.quartiles(|round| call(round).map_or(f64::NAN, figure) / figure(&round.empty))
    };
    [
        series.flags.to_string(),
        state(series.warmth).to_owned(),
        in_flight(series, name).to_string(),
        name.to_owned(),
        over(|call| call.rate).text(0),
        over(|call| call.p50_us).text(0),
        over(|call| call.p99_us).text(0),
        ratio(|call| call.rate).text(2),
        ratio(|call| call.p99_us).text(2),
        over(|call| call.server_us).text(0),
        over(|call| call.client_us).text(0),
        over(|call| call.switches).text(1),
    ]
}

/// Each target that the run can tell of, and whether its median reached it.
pub(crate) fn targets(all: &[Series]) -> Vec<(String, Value)> {
    let mut told = Vec::new();
    for series in all.iter().filter(|series| series.warmth == Warmth::Hot) {
        for target in TARGETS.iter().filter(|target| target.in_flight == series.in_flight) {
            told.push(told_target(series, target));
        }
    }
    told
}

fn told_target(series: &Series, target: &Target) -> (String, Value) {
    let Target { name, in_flight, limit, ratio } = target;
    let flags = series.flags;
    let name = format!("{name}, {in_flight} in flight, {flags} flags");
    limit.told(&name, series.quartiles(ratio), 2)
}

/// All series: of each figure lower quartile, median and upper quartile.
pub(crate) fn json(all: &[Series]) -> Value {
    let series = all.iter().map(|series| {
        let calls = calls_of(series).map(|(name, call)| {
            let over = |figure: fn(&Measured) -> f64| -> Quartiles {
                series.quartiles(|round| call(round).map_or(f64::NAN, figure))
            };
            json!({
                "call": name,
                "in_flight": in_flight(series, name),
                "rate": over(|call| call.rate).json(),
                "p50_us": over(|call| call.p50_us).json(),
                "p99_us": over(|call| call.p99_us).json(),
                "server_us": over(|call| call.server_us).json(),
                "client_us": over(|call| call.client_us).json(),
                "switches": over(|call| call.switches).json(),
            })
        });
        json!({
            "flags": series.flags,
            "state": state(series.warmth),
            "in_flight": series.in_flight,
            "rounds": series.rounds.len(),
            "calls": calls.collect::<Vec<_>>(),
        })
    });
    series.collect()
}

fn in_flight(series: &Series, call: &str) -> usize {
    if call == "AskMany" { CASELOAD_IN_FLIGHT } else { series.in_flight }
}

fn state(warmth: Warmth) -> &'static str {
    match warmth {
        Warmth::Hot => "hot",
        Warmth::Cold => "cold",
    }
}
