//! The figures of a run: a table, the targets beside what was reached, and the same as JSON.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::figures::Quartiles;
use crate::limit::Limit;
use crate::starts::{Cache, ENDS, End, Start};

/// A figure's name, its decimals, and what it is of a start.
type Figure = (&'static str, usize, fn(&Start) -> f64);

const FIGURES: [Figure; 7] = [
    ("ready s", 2, |start| start.told.seconds),
    ("journal MB", 0, |start| mb(start.journal.bytes)),
    ("read and hashed s", 3, |start| start.journal.seconds),
    ("ready / read and hashed", 1, |start| start.told.seconds / start.journal.seconds),
    ("peak MB when open", 0, |start| mb(start.told.peak_open_bytes)),
    ("resident MB after reads", 0, |start| mb(start.told.resident_bytes)),
    ("peak MB", 0, |start| mb(start.told.peak_bytes)),
];

/// A limit after one kind of end, whatever the page cache held.
struct Target {
    name: &'static str,
    end: End,
    decimals: usize,
    limit: f64,
    figure: fn(&Start) -> f64,
}

const TARGETS: [Target; 5] = [
    Target { name: "ready s", end: End::Stop, decimals: 2, limit: 5.0, figure: FIGURES[0].2 },
    Target { name: "ready s", end: End::Kill, decimals: 2, limit: 20.0, figure: FIGURES[0].2 },
    Target { name: "peak MB", end: End::Stop, decimals: 0, limit: 1000.0, figure: FIGURES[6].2 },
    Target { name: "peak MB", end: End::Kill, decimals: 0, limit: 1000.0, figure: FIGURES[6].2 },
    Target {
        name: "peak MB",
        end: End::IndexLost,
        decimals: 0,
        limit: 1000.0,
        figure: FIGURES[6].2,
    },
];

/// A row for each kind of end and state of the page cache.
pub(crate) fn table(all: &[Start]) -> Table {
    let mut table = Table::new();
    let names = FIGURES.iter().map(|(name, ..)| *name);
    table.load_style(ASCII_MARKDOWN).set_header(["after", "page cache"].into_iter().chain(names));
    for (end, cache) in kinds(all) {
        let mut row = vec![end.name().to_owned(), cache.name().to_owned()];
        for (_, decimals, figure) in FIGURES {
            row.push(of(all, end, cache, figure).text(decimals));
        }
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Each target, and whether its median was reached.
pub(crate) fn targets(all: &[Start]) -> Vec<(String, Value)> {
    let mut told = Vec::new();
    for Target { name, end, decimals, limit, figure } in TARGETS {
        let limit = Limit { limit, at_least: false };
        for (_, cache) in kinds(all).into_iter().filter(|(other, _)| *other == end) {
            let name = format!("{name}, after {}, {}", end.name(), cache.name());
            told.push(limit.told(&name, of(all, end, cache, figure), decimals));
        }
    }
    told
}

/// Of each figure lower quartile, median and upper quartile.
pub(crate) fn json(all: &[Start]) -> Value {
    let starts = kinds(all).into_iter().map(|(end, cache)| {
        let figures = FIGURES.into_iter().map(|(name, _, figure)| {
            json!({ "name": name, "found": of(all, end, cache, figure).json() })
        });
        json!({
            "after": end.name(),
            "page_cache": cache.name(),
            "figures": figures.collect::<Vec<_>>(),
        })
    });
    starts.collect()
}

/// The kinds of start that there were.
fn kinds(all: &[Start]) -> Vec<(End, Cache)> {
    let kinds = ENDS.into_iter().flat_map(|end| [(end, Cache::Hot), (end, Cache::Cold)]);
    kinds.filter(|kind| all.iter().any(|start| (start.end, start.cache) == *kind)).collect()
}

fn of(all: &[Start], end: End, cache: Cache, figure: fn(&Start) -> f64) -> Quartiles {
    let starts = all.iter().filter(|start| start.end == end && start.cache == cache);
    Quartiles::of(starts.map(figure))
}

#[expect(clippy::cast_precision_loss, reason = "no file here is beyond 2^52 bytes")]
fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
