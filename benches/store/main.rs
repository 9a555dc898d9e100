//! The layers below the answer: the bare disk, the store's commits, and the rules over it.
//!
//! `docs/performance.md` says what is measured and why.

#[path = "../common/asker.rs"]
mod asker;
#[path = "../common/children.rs"]
mod children;
#[path = "../common/county.rs"]
mod county;
#[path = "../common/drive.rs"]
mod drive;
#[path = "../common/figures.rs"]
mod figures;
mod layers;
#[path = "../common/machine.rs"]
mod machine;
mod report;
#[path = "../common/stretch.rs"]
mod stretch;

use std::time::Duration;

use clap::Parser;
use serde_json::json;

use county::County;
use drive::Length;
use layers::{Layers, Round};
use machine::Machine;

const QUICK_ROUNDS: usize = 3;
const QUICK_SECONDS: f64 = 0.5;

/// Measures the store's commits and the directory's answers against the bare disk.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "store",
    after_help = "Example:
  cargo bench --bench store -- --quick"
)]
struct Arguments {
    /// How many flags the county has.
    #[arg(long, default_value_t = 100_000)]
    flags: usize,
    /// How many rounds there are.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// How many seconds each layer is measured in a round.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// 3 rounds of half a second: for a look, not for a figure.
    #[arg(long)]
    quick: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if !arguments.bench {
        println!("not measured: this is run by cargo bench");
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { flags, rounds, seconds, quick, .. } = *arguments;
    let (rounds, seconds) = if quick { (QUICK_ROUNDS, QUICK_SECONDS) } else { (rounds, seconds) };
    let length = Length::of(Duration::from_secs_f64(seconds));
    let machine = Machine::look(&county::data_folder()?)?;
    let county = County::with(flags, 0).await?;
    let layers = Layers::open(&county).await?;
    let mut measured: Vec<Round> = Vec::with_capacity(rounds);
    for round in 1..=rounds.max(1) {
        eprintln!("round {round} of {rounds}");
        measured.push(layers.round(length).await?);
    }
    layers.close().await?;
    println!("{}", machine.text());
    println!("{flags} flags, hot; median [quartiles] of {} rounds", measured.len());
    println!("{}", report::table(&measured));
    println!("{}", report::ratios_text(&measured));
    let figures = json!({
        "bench": "store",
        "machine": machine.json(),
        "flags": flags,
        "rounds": measured.len(),
        "layers": report::layers_json(&measured),
        "ratios": report::ratios_json(&measured),
    });
    println!("{figures}");
    Ok(())
}
