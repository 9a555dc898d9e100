//! The turn: how fast the next generation is filled, and what askers feel of it.
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
#[path = "../common/limit.rs"]
mod limit;
#[path = "../common/machine.rs"]
mod machine;
mod plain;
mod report;
#[path = "../common/stretch.rs"]
mod stretch;
mod turns;

use std::time::Duration;

use clap::Parser;
use serde_json::{Value, json};

use county::County;
use drive::Length;
use machine::Machine;
use turns::{Bench, Round};

const QUICK_ROUNDS: usize = 3;
const QUICK_SECONDS: f64 = 0.5;

/// Measures whole turns, idle and under 64 questions in flight, against a plain copy.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "turn",
    after_help = "Example:
  cargo bench --bench turn -- --quick"
)]
struct Arguments {
    /// How many flags the county has.
    #[arg(long, default_value_t = 100_000)]
    flags: usize,
    /// How many rounds there are; each turns twice.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// How many seconds questions are asked without a turn in a round.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// 3 rounds, and half a second of questions: for a look, not for a figure.
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
    let rounds = rounds.max(1);
    let length = Length::of(Duration::from_secs_f64(seconds));
    let machine = Machine::look(&county::data_folder()?)?;
    let county = County::with(flags, 0).await?;
    let bench = Bench::open(&county).await?;
    let mut measured: Vec<Round> = Vec::with_capacity(rounds);
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        measured.push(bench.round(length).await?);
    }
    bench.close().await?;
    println!("{}", machine.text());
    println!("{flags} flags; median [quartiles] of {rounds} rounds");
    println!("{}", report::table(&measured));
    let (lines, targets): (Vec<String>, Vec<Value>) = report::targets(&measured).unzip();
    println!("{}", lines.join("\n"));
    let figures = json!({
        "bench": "turn",
        "machine": machine.json(),
        "flags": flags,
        "rounds": rounds,
        "figures": report::json(&measured),
        "targets": targets,
    });
    println!("{figures}");
    Ok(())
}
