//! The figures of a run: a table, the ratios of the layers, and the same as JSON.

use comfy_table::presets::ASCII_MARKDOWN;
use comfy_table::{CellAlignment, Table};
use serde_json::{Value, json};

use crate::figures::Quartiles;
use crate::layers::{IN_FLIGHT, Round};
use crate::stretch::Stretch;

/// A layer's name, and where a round has it.
type Layer = (String, Box<dyn Fn(&Round) -> &Stretch>);

/// A ratio's name, and what it is in a round.
type Ratio = (&'static str, fn(&Round) -> f64);

const RATIOS: [Ratio; 5] = [
    ("lone commit / bare append", |round| time(&round.commits[0]) / time(&round.bare)),
    ("lone ask / lone commit", |round| time(&round.asks[0].0) / time(&round.commits[0])),
    ("asks / entries, 64 in flight", |round| round.asks[1].0.rate() / round.commits[1].rate()),
    ("asks / entries, 256 in flight", |round| round.asks[2].0.rate() / round.commits[2].rate()),
    ("journal bytes per ask, 64 in flight", |round| round.asks[1].1),
];

fn time(stretch: &Stretch) -> f64 {
    stretch.quantile_us(0.5)
}

fn layers() -> Vec<Layer> {
    let mut layers: Vec<Layer> =
        vec![("append of a frame and fdatasync".to_owned(), Box::new(|round| &round.bare))];
    for (index, in_flight) in IN_FLIGHT.into_iter().enumerate() {
        let name = format!("entry alone, {in_flight} in flight");
        layers.push((name, Box::new(move |round| &round.commits[index])));
    }
    for (index, in_flight) in IN_FLIGHT.into_iter().enumerate() {
        let name = format!("Directory::ask, {in_flight} in flight");
        layers.push((name, Box::new(move |round| &round.asks[index].0)));
    }
    layers
}

/// A row for each layer.
pub(crate) fn table(rounds: &[Round]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_MARKDOWN).set_header(["layer", "per s", "p50 us", "p99 us"]);
    for (name, layer) in layers() {
        let over = |figure: fn(&Stretch) -> f64| of(rounds, |round| figure(layer(round)));
        table.add_row([
            name.clone(),
            over(Stretch::rate).text(0),
            over(|stretch| stretch.quantile_us(0.5)).text(0),
            over(|stretch| stretch.quantile_us(0.99)).text(0),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A line for each ratio.
pub(crate) fn ratios_text(rounds: &[Round]) -> String {
    let lines = RATIOS.iter().map(|(name, ratio)| format!("{name}: {}", of(rounds, ratio).text(2)));
    lines.collect::<Vec<_>>().join("\n")
}

pub(crate) fn ratios_json(rounds: &[Round]) -> Value {
    let ratios = RATIOS.iter();
    ratios.map(|(name, ratio)| json!({ "name": name, "ratio": of(rounds, ratio).json() })).collect()
}

pub(crate) fn layers_json(rounds: &[Round]) -> Value {
    let layers = layers().into_iter().map(|(name, layer)| {
        let over = |figure: fn(&Stretch) -> f64| of(rounds, |round| figure(layer(round))).json();
        json!({
            "name": name,
            "rate": over(Stretch::rate),
            "p50_us": over(|stretch| stretch.quantile_us(0.5)),
            "p99_us": over(|stretch| stretch.quantile_us(0.99)),
        })
    });
    layers.collect()
}

fn of(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> Quartiles {
    Quartiles::of(rounds.iter().map(figure))
}
