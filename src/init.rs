//! First light: makes the data directory, the keyring and the evaluation key, and loads the
//! register from a bootstrap file, once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use jiff::tz::TimeZone;
use signpost_core::directory::{Directory, FirstLight};
use signpost_core::policy::Policy;
use signpost_core::store::Clock;
use signpost_embedded::keyring::SoftwareKeyring;
use signpost_embedded::options::Options;
use signpost_embedded::store::EmbeddedStore;
use signpost_pseudonym::oprf::{EvaluationKey, EvaluationKeyId, EvaluationKeys};

use crate::bootstrap::{Bootstrap, NewTokens};
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::server::{policy, with_sources};
use crate::{evaluation, secret_file};

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

/// Initialises what the configuration names. What exists already is refused, never overwritten.
pub async fn initialise(
    config: &Config,
    bootstrap: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Initialised, Failure> {
    let policy = policy(config)?;
    let (bootstrap, folder) = Bootstrap::load(bootstrap)?;
    let now = clock.now();
    let today = TimeZone::UTC.to_datetime(now).date();
    let (register, tokens) = bootstrap.register(&folder, today)?;
    let initialised = Initialised {
        organisations: register.organisations.len(),
        groups: register.groups.len(),
        people: register.people.len(),
    };
    let mut made = Made::default();
    let loaded = load(config, &policy, register, &tokens, clock, &mut made).await;
    if loaded.is_err() {
        made.remove();
    }
    loaded.map(|()| initialised)
}

async fn load(
    config: &Config,
    policy: &Policy,
    register: FirstLight,
    tokens: &NewTokens,
    clock: Arc<dyn Clock>,
    made: &mut Made,
) -> Result<(), Failure> {
    let refused = |error: &dyn std::error::Error| Failure::config(with_sources(error));
    for directory in [&config.store.data, &config.store.keyring] {
        check_unused(directory)?;
    }
    let keyring = SoftwareKeyring::create(&config.store.keyring).map_err(|e| refused(&e))?;
    made.directories.push(config.store.keyring.clone());
    let options = Options::new(&config.store.data, Arc::new(keyring), clock);
    EmbeddedStore::create(&options).map_err(|error| refused(&error))?;
    made.directories.push(config.store.data.clone());
    if !config.pseudonymiser.keys.exists() {
        let key = EvaluationKey::generate(EvaluationKeyId(1), &mut rand_core::OsRng);
        secret_file::create(&config.pseudonymiser.keys, &EvaluationKeys::new(key).to_text())?;
        made.files.push(config.pseudonymiser.keys.clone());
    }
    let keys = evaluation::read(&config.pseudonymiser.keys)?;
    let register = FirstLight { evaluation_keys: evaluation::fingerprints(&keys), ..register };
    // Tokens first: a register whose tokens nobody holds could not be loaded a second time.
    made.files.extend(tokens.paths().cloned());
    tokens.write()?;
    let store = EmbeddedStore::open(&options).map_err(|error| refused(&error))?.store;
    Directory::first_light(&store, policy, register).await.map_err(|error| refused(&error))?;
    store.close().await.map_err(|error| Failure::new(Exit::StoreFailed, error.to_string()))
}

/// Nothing that exists may be overwritten, nor be removed again after a failure.
fn check_unused(directory: &Path) -> Result<(), Failure> {
    let is_used = fs::read_dir(directory).is_ok_and(|mut found| found.next().is_some());
    if is_used {
        let problem = "is not empty: it was initialised before, or is the wrong directory";
        return Err(Failure::config(format!("{} {problem}", directory.display())));
    }
    Ok(())
}

/// What an initialisation has made so far; removed again if it does not come to its end.
#[derive(Default)]
struct Made {
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Made {
    fn remove(&self) {
        let directories = self.directories.iter().map(|path| (path, fs::remove_dir_all(path)));
        let files = self.files.iter().map(|path| (path, fs::remove_file(path)));
        for (path, removed) in directories.chain(files) {
            if let Err(error) = removed
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), %error, "could not be removed again");
            }
        }
    }
}
