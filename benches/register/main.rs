//! The register of a country: how fast people come in, and what they cost at the next start.
//!
//! `docs/performance.md` says what is measured and why.

#[expect(dead_code, reason = "nobody asks here")]
#[path = "../common/children.rs"]
mod children;
#[expect(dead_code, reason = "nobody asks here")]
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
mod open;
mod report;

use std::path::Path;

use clap::Parser;
use serde_json::json;

use county::County;
use machine::Machine;
use report::Round;

const QUICK_PEOPLE: usize = 20_000;

/// Measures the import of many people, and the start of a store that has them.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "register",
    after_help = "Example:
  cargo bench --bench register -- --people 20000 --rounds 1"
)]
struct Arguments {
    /// How many people are imported, in groups of 200.
    #[arg(long, default_value_t = 400_000)]
    people: usize,
    /// How many flags the county has.
    #[arg(long, default_value_t = 100_000)]
    flags: usize,
    /// How many rounds there are.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// 1 round of 20 000 people: for a look, not for a figure.
    #[arg(long)]
    quick: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let given: Vec<_> = std::env::args().skip(1).collect();
    if let [open::OPEN, folder] = &given.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        return runtime.block_on(open::open_and_tell(Path::new(folder)));
    }
    let arguments = Arguments::parse();
    if !arguments.bench {
        println!("not measured: this is run by cargo bench");
        return Ok(());
    }
    runtime.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { people, flags, rounds, quick, .. } = *arguments;
    let (people, rounds) = if quick { (QUICK_PEOPLE, 1) } else { (people.max(1), rounds.max(1)) };
    let machine = Machine::look(&county::data_folder()?)?;
    let mut measured = Vec::new();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        let county = County::with(flags, 0).await?;
        let before = open::told_by_a_process(&county)?;
        let time = county::people::import(&county.path(""), people).await?;
        let after = open::told_by_a_process(&county)?;
        measured.push(Round { people, time, before, after });
    }
    println!("{}", machine.text());
    println!(
        "{people} people in groups of 200, beside {flags} flags; median [quartiles] of {rounds} \
         rounds"
    );
    println!("{}", report::table(&measured));
    let (line, target) = report::target(&measured);
    println!("{line}");
    let figures = json!({
        "bench": "register",
        "machine": machine.json(),
        "people": people,
        "flags": flags,
        "rounds": rounds,
        "figures": report::json(&measured),
        "targets": [target],
    });
    println!("{figures}");
    Ok(())
}
