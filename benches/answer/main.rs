//! The audited answer against an empty call: two processes, mutual TLS, every answer durable.
//!
//! `docs/performance.md` says what is measured and why.

mod caller;
#[path = "../common/children.rs"]
mod children;
#[path = "../common/county.rs"]
mod county;
#[path = "../common/drive.rs"]
mod drive;
mod empty;
#[path = "../common/figures.rs"]
mod figures;
#[path = "../common/limit.rs"]
mod limit;
#[path = "../common/machine.rs"]
mod machine;
#[path = "../common/page_cache.rs"]
mod page_cache;
mod report;
mod series;
mod server;
#[path = "../common/stretch.rs"]
mod stretch;
#[path = "../common/usage.rs"]
mod usage;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use serde_json::json;

use caller::{Caller, Questions};
use county::County;
use drive::Length;
use machine::Machine;
use series::{CASELOAD_IN_FLIGHT, Pair, Plan, Series, Warmth};
use server::ServerProcess;

const QUICK_ROUNDS: usize = 3;
const QUICK_SECONDS: f64 = 0.5;
/// The number in flight of a cold series.
const COLD_IN_FLIGHT: usize = 64;

/// Measures `Ask` and `AskMany` against an empty call on the same server.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "answer",
    after_help = "Example:
  cargo bench --bench answer -- --flags 100000 --quick"
)]
struct Arguments {
    /// How many flags the county has; several one after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000, 1_000_000])]
    flags: Vec<usize>,
    /// How many people the register has beside the asker, in groups of 200.
    #[arg(long, default_value_t = 0)]
    people: usize,
    /// How many single calls are in flight in hot series.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 64, 256])]
    in_flight: Vec<usize>,
    /// Whether children are asked about again and again, or each once.
    #[arg(long, value_delimiter = ',', value_enum, default_values_t = [Warmth::Hot, Warmth::Cold])]
    state: Vec<Warmth>,
    /// How many rounds a series has.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// How many seconds each call is made in a round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How many connections the client has, for every call alike; a caseload uses one of them.
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// 3 rounds of half a second: for a look, not for a figure.
    #[arg(long)]
    quick: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Arguments {
    fn plan(&self) -> Plan {
        let (rounds, seconds) =
            if self.quick { (QUICK_ROUNDS, QUICK_SECONDS) } else { (self.rounds, self.seconds) };
        Plan { rounds: rounds.max(1), time: Duration::from_secs_f64(seconds) }
    }
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == server::SERVE) {
        let config: PathBuf = arguments.next().unwrap_or_default().into();
        return runtime.block_on(server::serve(&config));
    }
    let arguments = Arguments::parse();
    if !arguments.bench {
        println!("not measured: this is run by cargo bench");
        return Ok(());
    }
    runtime.block_on(run(&arguments))
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let machine = Machine::look(&county::data_folder()?)?;
    let mut all = Vec::new();
    for &flags in &arguments.flags {
        let county = County::with(flags, arguments.people).await?;
        for &warmth in &arguments.state {
            all.extend(measure(&county, flags, warmth, arguments).await?);
        }
    }
    let connections = arguments.connections;
    let can_drop = page_cache::drop_page_cache();
    let cold = if can_drop { "page cache dropped before each stretch" } else { "NOT dropped" };
    println!("{}", machine.text());
    let people = arguments.people;
    println!(
        "{connections} connections of one client; {people} people more; cold: {cold}; median \
         [quartiles]"
    );
    println!("{}", report::table(&all));
    let targets = report::targets(&all);
    for (line, _) in &targets {
        println!("{line}");
    }
    let targets: Vec<_> = targets.into_iter().map(|(_, json)| json).collect();
    let figures = json!({
        "bench": "answer",
        "machine": machine.json(),
        "connections": connections,
        "people": people,
        "page_cache_dropped": can_drop,
        "series": report::json(&all),
        "targets": targets,
    });
    println!("{figures}");
    Ok(())
}

/// All series of one county in one state, over one server.
async fn measure(
    county: &County,
    flags: usize,
    warmth: Warmth,
    arguments: &Arguments,
) -> anyhow::Result<Vec<Series>> {
    let server = ServerProcess::start(county)?;
    let caller = Caller::connect(county, server.address, arguments.connections).await?;
    caller.check_answers().await?;
    let pair = Pair { caller: &caller, server: server.id() };
    let (known, plan) = (county.known, arguments.plan());
    let mut all = Vec::new();
    match warmth {
        Warmth::Hot => {
            warm_up(&caller, known).await?;
            for &in_flight in &arguments.in_flight {
                let rounds = series::hot(&pair, known, in_flight, plan).await?;
                all.push(Series { flags, warmth, in_flight, rounds });
            }
        }
        Warmth::Cold => {
            let in_flight = COLD_IN_FLIGHT;
            let rounds = series::cold(&pair, known, in_flight, plan).await?;
            all.push(Series { flags, warmth, in_flight, rounds });
        }
    }
    Ok(all)
}

/// Asks about every child of the hot series once.
async fn warm_up(caller: &Caller, known: usize) -> anyhow::Result<()> {
    let questions = Questions::about(series::hot_children(known));
    let length = Length { time: Duration::from_mins(1), work_max: questions.count() };
    caller.ask_many(CASELOAD_IN_FLIGHT, length, &questions).await?;
    Ok(())
}
