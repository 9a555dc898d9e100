//! A whole register from a file, for the demo and for tests.

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use signpost_core::directory::FirstLight;
use signpost_core::store::Clock;

use super::made::Made;
use super::{load, make_store};
use crate::bootstrap::Bootstrap;
use crate::config::Config;
use crate::evaluation;
use crate::exit::Failure;
use crate::server::policy;

/// How much was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Initialised {
    /// Organisations.
    pub organisations: usize,
    /// Access groups.
    pub groups: usize,
    /// People, each with a new token in a file.
    pub people: usize,
}

/// Initialises what the configuration names, with the register of a bootstrap file. What exists
/// already is refused, never overwritten.
pub async fn initialise(
    config: &Config,
    bootstrap: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Initialised, Failure> {
    let policy = policy(config)?;
    let (bootstrap, folder) = Bootstrap::load(bootstrap)?;
    let today = TimeZone::UTC.to_datetime(clock.now()).date();
    let (register, tokens) = bootstrap.register(&folder, today)?;
    let initialised = Initialised {
        organisations: register.organisations.len(),
        groups: register.groups.len(),
        people: register.people.len(),
    };
    let mut made = Made::default();
    let loaded = async {
        let (options, keys) = make_store(config, clock, &mut made)?;
        let register = FirstLight { evaluation_keys: evaluation::fingerprints(&keys), ..register };
        // Tokens first: a register whose tokens nobody holds could not be loaded a second time.
        for path in tokens.paths() {
            made.file(path)?;
        }
        tokens.write()?;
        load(&options, &policy, register).await
    };
    let loaded = loaded.await;
    if loaded.is_err() {
        made.remove();
    }
    loaded.map(|()| initialised)
}
