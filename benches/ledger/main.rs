//! The ledger's tree: how fast a copy of it is verified, in how much memory, and what a proof costs.
//!
//! `docs/performance.md` says what is measured and why.

#[path = "../common/figures.rs"]
mod figures;
#[path = "../common/machine.rs"]
mod machine;
#[path = "../common/memory.rs"]
mod memory;
mod proofs;
mod report;
mod tree;
mod verifying;

use std::path::Path;

use clap::Parser;
use serde_json::json;

use machine::Machine;
use report::Round;

const QUICK_ENTRIES: u64 = 100_000;
const QUICK_ROUNDS: usize = 3;

/// Measures verifying and proving, against plain reading and hashing of the same bytes.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "ledger",
    after_help = "Example:
  cargo bench --bench ledger -- --entries 100000 --rounds 3"
)]
struct Arguments {
    /// How many entries the ledger has.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    entries: u64,
    /// How many proofs are made in a round.
    #[arg(long, default_value_t = 10_000)]
    proofs: usize,
    /// How many rounds there are.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// 3 rounds of 100 000 entries: for a look, not for a figure.
    #[arg(long)]
    quick: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let given: Vec<_> = std::env::args().skip(1).collect();
    if let [verifying::VERIFY, directory] =
        &given.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        return verifying::verify_and_tell(Path::new(directory));
    }
    let arguments = Arguments::parse();
    if !arguments.bench {
        println!("not measured: this is run by cargo bench");
        return Ok(());
    }
    run(&arguments)
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { entries, proofs, rounds, quick, .. } = *arguments;
    let (entries, rounds) =
        if quick { (QUICK_ENTRIES, QUICK_ROUNDS) } else { (entries, rounds.max(1)) };
    // Beside the build: on a disk, and never in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let machine = Machine::look(folder.path())?;
    eprintln!("making a ledger of {entries} entries");
    let directory = folder.path().join("ledger");
    let (log, fed) = tree::make(&directory, entries)?;
    let mut measured = Vec::new();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        measured.push(Round {
            plain: tree::read_and_hash(&directory)?,
            verified: verifying::told_by_a_process(&directory)?,
            proven: proofs::prove(&log.reader(), &directory, proofs.max(1))?,
        });
    }
    println!("{}", machine.text());
    println!("{entries} entries, page cache hot; median [quartiles] of {rounds} rounds");
    println!("made in {:.1} s, once: every bundle and tile synced", fed.as_secs_f64());
    println!("{}", report::table(&measured));
    let figures = json!({
        "bench": "ledger",
        "machine": machine.json(),
        "entries": entries,
        "proofs": proofs,
        "rounds": rounds,
        "made_seconds": fed.as_secs_f64(),
        "figures": report::json(&measured),
    });
    println!("{figures}");
    Ok(())
}
