//! The start: how long a store takes to open after each kind of end, and how much memory.
//!
//! `docs/performance.md` says what is measured and why.

#[path = "../common/asker.rs"]
mod asker;
mod child;
#[path = "../common/children.rs"]
mod children;
#[path = "../common/county.rs"]
mod county;
#[path = "../common/figures.rs"]
mod figures;
#[path = "../common/limit.rs"]
mod limit;
#[path = "../common/machine.rs"]
mod machine;
#[path = "../common/memory.rs"]
mod memory;
#[path = "../common/page_cache.rs"]
mod page_cache;
mod report;
mod starts;

use std::path::Path;
use std::time::Duration;

use clap::Parser;
use serde_json::json;

use county::County;
use machine::Machine;
use page_cache::drop_page_cache;
use starts::{Cache, Plan, Start};

const QUICK_ROUNDS: usize = 3;

/// Measures how long a store takes to open, against reading and hashing its journal.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "start",
    after_help = "Example:
  cargo bench --bench start -- --flags 100000 --quick"
)]
struct Arguments {
    /// How many flags the county has.
    #[arg(long, default_value_t = 1_000_000)]
    flags: usize,
    /// How many rounds there are; each starts after every kind of end, page cache hot and cold.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// How many seconds of commits there are before a kill.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// 3 rounds: for a look, not for a figure.
    #[arg(long)]
    quick: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let given: Vec<_> = std::env::args().skip(1).collect();
    if let [task @ (child::OPEN | child::LOAD), folder, known] =
        &given.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        return runtime.block_on(child::run(task, Path::new(folder), known.parse()?));
    }
    let arguments = Arguments::parse();
    if !arguments.bench {
        println!("not measured: this is run by cargo bench");
        return Ok(());
    }
    runtime.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { flags, rounds, seconds, quick, .. } = *arguments;
    let rounds = if quick { QUICK_ROUNDS } else { rounds.max(1) };
    let machine = Machine::look(&county::data_folder()?)?;
    let under_load = Duration::from_secs_f64(seconds);
    let can_drop = drop_page_cache();
    let caches = if can_drop { &[Cache::Hot, Cache::Cold][..] } else { &[Cache::Hot] };
    let mut measured: Vec<Start> = Vec::new();
    for round in 1..=rounds {
        for &cache in caches {
            eprintln!("page cache {}, round {round} of {rounds}", cache.name());
            // A copy each time: what was written before a kill makes the journal longer.
            let county = County::with(flags, 0).await?;
            measured.extend(Plan { county: &county, under_load }.round(cache)?);
        }
    }
    let cold = if can_drop { "page cache dropped" } else { "NOT measured: only root may" };
    println!("{}", machine.text());
    println!("{flags} flags; cold: {cold}; median [quartiles] of {rounds} rounds");
    println!("{}", report::table(&measured));
    let (lines, targets): (Vec<_>, Vec<_>) = report::targets(&measured).into_iter().unzip();
    println!("{}", lines.join("\n"));
    let figures = json!({
        "bench": "start",
        "machine": machine.json(),
        "flags": flags,
        "rounds": rounds,
        "page_cache_dropped": can_drop,
        "starts": report::json(&measured),
        "targets": targets,
    });
    println!("{figures}");
    Ok(())
}
