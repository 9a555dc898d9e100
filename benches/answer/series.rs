//! A series: rounds of the empty call, `Ask` and `AskMany` in turn, at one number in flight.

use std::time::Duration;

use crate::caller::{Caller, Questions};
use crate::children::ChildOf;
use crate::drive::Length;
use crate::figures::{Quartiles, as_float};
use crate::page_cache::drop_page_cache;
use crate::stretch::Stretch;
use crate::usage::Usage;

/// How many questions of a caseload are in flight, whatever that of single calls.
pub(crate) const CASELOAD_IN_FLIGHT: usize = 256;
/// The children of a hot series: half of them known, and all asked about again and again.
const HOT_CHILDREN: usize = 10_000;
/// A cold stretch ends by its count of children; this only bounds it.
const COLD_TIME_MAX: Duration = Duration::from_mins(1);

/// Whether what is asked about was asked about before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Warmth {
    /// The same children again and again.
    Hot,
    /// Each child for the first time since the server started, the page cache dropped before.
    Cold,
}

/// What one stretch of calls came to, for the client and for the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Calls, or answers of a caseload, a second.
    pub(crate) rate: f64,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
    /// The server's processor time for each.
    pub(crate) server_us: f64,
    /// The client's, on the same cores.
    pub(crate) client_us: f64,
    /// How often threads of the server were switched for each.
    pub(crate) switches: f64,
}

/// The three calls right behind each other; a caseload is not set beside single calls one by one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) empty: Measured,
    pub(crate) ask: Measured,
    pub(crate) ask_many: Option<Measured>,
}

/// All rounds of one setting.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) flags: usize,
    pub(crate) warmth: Warmth,
    pub(crate) in_flight: usize,
    pub(crate) rounds: Vec<Round>,
}

/// How a series is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
}

/// A server and its caller.
#[derive(Debug)]
pub(crate) struct Pair<'p> {
    pub(crate) caller: &'p Caller,
    pub(crate) server: u32,
}

impl Series {
    /// A figure over all rounds.
    pub(crate) fn quartiles(&self, figure: impl Fn(&Round) -> f64) -> Quartiles {
        Quartiles::of(self.rounds.iter().map(figure))
    }
}

/// The first children, known and unknown in turn.
pub(crate) fn hot_children(known: usize) -> impl Iterator<Item = ChildOf> {
    (0..HOT_CHILDREN.min(2 * known)).map(ChildOf::alternating)
}

/// Rounds over the same children.
pub(crate) async fn hot(
    pair: &Pair<'_>,
    known: usize,
    in_flight: usize,
    plan: Plan,
) -> anyhow::Result<Vec<Round>> {
    let questions = Questions::about(hot_children(known));
    let length = Length::of(plan.time);
    let mut rounds = Vec::with_capacity(plan.rounds);
    for round in 1..=plan.rounds {
        eprintln!("hot, {in_flight} in flight, round {round} of {}", plan.rounds);
        let empty = pair.measured(pair.caller.empty(in_flight, length)).await?;
        let ask = pair.measured(pair.caller.ask(in_flight, length, &questions)).await?;
        let mut ask_many = None;
        if in_flight > 1 {
            let caseload = pair.caller.ask_many(CASELOAD_IN_FLIGHT, length, &questions);
            ask_many = Some(pair.measured(caseload).await?);
        }
        rounds.push(Round { empty, ask, ask_many });
    }
    Ok(rounds)
}

/// Rounds in which no child comes twice.
pub(crate) async fn cold(
    pair: &Pair<'_>,
    known: usize,
    in_flight: usize,
    plan: Plan,
) -> anyhow::Result<Vec<Round>> {
    let stretches = 2 * plan.rounds;
    let children_each = 2 * known / stretches;
    let children_of = |stretch: usize| {
        let from = stretch * children_each;
        Questions::about((from..from + children_each).map(ChildOf::alternating))
    };
    let mut rounds = Vec::with_capacity(plan.rounds);
    for round in 0..plan.rounds {
        eprintln!("cold, {in_flight} in flight, round {} of {}", round + 1, plan.rounds);
        let empty = pair.measured(pair.caller.empty(in_flight, Length::of(plan.time))).await?;
        let questions = children_of(2 * round);
        let length = Length { time: COLD_TIME_MAX, work_max: questions.count() };
        drop_page_cache();
        let ask = pair.measured(pair.caller.ask(in_flight, length, &questions)).await?;
        let questions = children_of(2 * round + 1);
        drop_page_cache();
        let caseload = pair.caller.ask_many(CASELOAD_IN_FLIGHT, length, &questions);
        let ask_many = Some(pair.measured(caseload).await?);
        rounds.push(Round { empty, ask, ask_many });
    }
    Ok(rounds)
}

impl Pair<'_> {
    async fn measured(
        &self,
        calls: impl Future<Output = anyhow::Result<Stretch>>,
    ) -> anyhow::Result<Measured> {
        let client = std::process::id();
        let (server_before, client_before) = (Usage::of(self.server)?, Usage::of(client)?);
        let stretch = calls.await?;
        let used = Usage::of(self.server)?.since(server_before);
        let used_by_client = Usage::of(client)?.since(client_before);
        let count = as_float(stretch.count().max(1));
        Ok(Measured {
            rate: stretch.rate(),
            p50_us: stretch.quantile_us(0.5),
            p99_us: stretch.quantile_us(0.99),
            server_us: used.processor.as_secs_f64() * 1e6 / count,
            client_us: used_by_client.processor.as_secs_f64() * 1e6 / count,
            switches: as_float(usize::try_from(used.switches)?) / count,
        })
    }
}
