//! Purges, run beside the service: a step each second while one is under way, and a certificate at its
//! end.

mod assemble;
mod issue;
mod trimming;

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use signpost_core::directory::{Directory, Due, RunError};
use signpost_core::id::PurgeId;
use signpost_core::search::SearchProgress;
use signpost_core::terms::PurgeState;

use crate::config;
use crate::ledger::keeper::Shelf;
use crate::server::with_sources;

use assemble::Setting;
pub(crate) use issue::Issuer;

/// How long the purges of one child have each day to be begun, from the hour that is set for them.
const CHILDREN_WITHIN: Duration = Duration::from_hours(1);

/// Runs purges over one directory.
#[derive(Debug)]
pub(crate) struct Purger {
    directory: Directory,
    shelf: Shelf,
    setting: Setting,
    children_at: Option<Time>,
}

/// Why a purge has not come a step on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PurgeError {
    /// The step was not taken.
    #[error(transparent)]
    Step(#[from] RunError),
    /// The ledger's tree does not cover its steps yet.
    #[error("the ledger's tree does not cover the purge's steps yet")]
    NotCovered,
    /// The tree cannot be read.
    #[error("the ledger's tree: {}", with_sources(.0))]
    Tree(#[from] signpost_ledger::error::LedgerError),
}

impl Purger {
    pub(crate) fn new(directory: Directory, shelf: Shelf, config: &config::Config) -> Self {
        let children_at = config.purge.children_at.map(|at| at.0);
        Self { directory, shelf, setting: Setting::of(config), children_at }
    }

    /// Takes the next step of what is due, if there is one. Gives whether there was.
    pub(crate) async fn step(&self) -> Result<bool, PurgeError> {
        let progress = Arc::new(Told::default());
        let due = self.due();
        self.plan_today(due).await?;
        if let Some(state) = self.directory.step_purges(due, progress).await? {
            tracing::info!(state = state.name(), "purges came a step on");
            return Ok(true);
        }
        let waiting = self.directory.purges_to_certify().await.map_err(RunError::from)?;
        for purge in &waiting {
            self.certify(*purge).await?;
        }
        Ok(!waiting.is_empty())
    }

    /// Plans the purge of the day by the standing order, before those of one child begin, so that all go by
    /// one turn. What holds it back, a clock in doubt say, must not hold back a run that is under way.
    async fn plan_today(&self, due: Due) -> Result<(), PurgeError> {
        if due == Due::NoChildren || self.directory.is_purging().await.map_err(RunError::from)? {
            return Ok(());
        }
        if self.directory.plan_by_standing_order().await?.is_some() {
            tracing::info!("the purge of the day is planned by the standing order");
        }
        Ok(())
    }

    /// Whether the purges of one child may be begun now.
    fn due(&self) -> Due {
        let Some(at) = self.children_at else { return Due::All };
        let now = TimeZone::UTC.to_datetime(self.directory.now()).time();
        let within = i64::try_from(CHILDREN_WITHIN.as_secs()).unwrap_or(i64::MAX);
        let since = seconds_of_day(now) - seconds_of_day(at);
        let is_hour = (0..within).contains(&since.rem_euclid(24 * 60 * 60));
        if is_hour { Due::All } else { Due::NoChildren }
    }

    async fn certify(&self, purge: PurgeId) -> Result<(), PurgeError> {
        let facts = self.directory.purge_facts(purge).await.map_err(RunError::from)?;
        let Some(facts) = facts else { return Ok(()) };
        let certificate = assemble::certificate(&facts, &self.setting, &self.shelf).await?;
        self.directory.certify_purge(purge, certificate.to_text()).await?;
        let scope = facts.plan.scope.kind().name();
        tracing::info!(state = PurgeState::Certified.name(), scope, "a purge is certified");
        Ok(())
    }
}

fn seconds_of_day(time: Time) -> i64 {
    i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second())
}

/// Tells the log how far a search is.
#[derive(Debug, Default)]
struct Told {
    bytes: std::sync::atomic::AtomicU64,
}

/// After so many bytes the log is told.
const TOLD_EACH_BYTES: u64 = 4 << 30;

impl SearchProgress for Told {
    fn searched(&self, bytes: u64) {
        let before = self.bytes.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
        if (before + bytes) / TOLD_EACH_BYTES > before / TOLD_EACH_BYTES {
            tracing::info!(bytes = before + bytes, "searching for what is to be gone");
        }
    }
}
