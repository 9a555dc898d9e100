//! The configuration: one TOML file, wholly checked before anything is opened or bound.
//!
//! Every key can be overridden from the environment: `SIGNPOST__SERVER__LISTEN=127.0.0.1:7443`
//! stands for `listen` in `[server]`. Secrets are named by path and never given here.

mod purge;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use signpost_core::quota::Quota;

use crate::exit::Failure;
pub use purge::Purge;

const ENVIRONMENT_PREFIX: &str = "SIGNPOST__";

/// The whole configuration of `serve`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it listens, and how it is known.
    pub server: Server,
    /// The authority of its own that signs client certificates; without it, it signs none.
    #[serde(default)]
    pub authority: Option<Authority>,
    /// Where it keeps its data.
    pub store: Store,
    /// Where it keeps the ledger's tree.
    pub ledger: Ledger,
    /// The pseudonymiser inside this process.
    pub pseudonymiser: Pseudonymiser,
    /// The answer matrix.
    #[serde(default)]
    pub policy: PolicyFile,
    /// What it bears.
    #[serde(default)]
    pub limits: Limits,
    /// What each person and organisation may ask.
    #[serde(default)]
    pub quotas: Quotas,
    /// How purges are planned.
    #[serde(default)]
    pub purge: Purge,
    /// What it tells.
    #[serde(default)]
    pub log: Log,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address and port.
    pub listen: SocketAddr,
    /// The server's certificate chain, PEM.
    pub certificate: PathBuf,
    /// The server's private key, PEM; readable by its owner only.
    pub key: PathBuf,
    /// The authority whose client certificates are let in, PEM.
    pub client_authority: PathBuf,
    /// Offers gRPC reflection. For development only.
    #[serde(default)]
    pub reflection: bool,
}

/// `[authority]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// Its certificate, PEM; one of those in `server.client_authority`.
    pub certificate: PathBuf,
    /// Its private key, PEM; readable by its owner only.
    pub key: PathBuf,
    /// Days for which what it signs is valid.
    #[serde(default = "certificate_days")]
    pub certificate_days: u32,
}

/// The longest life of what the service's own authority signs.
const CERTIFICATE_DAYS_MAX: u32 = 90;

fn certificate_days() -> u32 {
    30
}

/// `[store]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// The data directory.
    pub data: PathBuf,
    /// The keyring's directory; never inside the data directory.
    pub keyring: PathBuf,
    /// Bytes that the journal may grow by before the store turns to a new generation by itself.
    #[serde(default = "turn_after_bytes")]
    pub turn_after_bytes: u64,
}

/// About two million answers.
fn turn_after_bytes() -> u64 {
    1 << 30
}

/// `[ledger]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// The directory of tiles, entries and checkpoint; never inside the data directory, with which an
    /// older copy of it would be put back.
    pub directory: PathBuf,
    /// The key that signs checkpoints; readable by its owner only.
    pub key: PathBuf,
    /// The name of the log, in every checkpoint and in its public key; it never changes.
    pub origin: String,
    /// Who cosigns its checkpoints.
    #[serde(default)]
    pub witness: Vec<Witness>,
}

/// `[[ledger.witness]]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// Where it is asked: `http://` and what its call `add-checkpoint` follows.
    pub url: String,
    /// Its public key.
    pub key: String,
}

/// `[pseudonymiser]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pseudonymiser {
    /// Must be "in-process": that the pseudonymiser shares this process is a choice to be made.
    pub mode: PseudonymiserMode,
    /// The evaluation keys; readable by their owner only.
    pub keys: PathBuf,
}

/// Where the pseudonymiser runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PseudonymiserMode {
    /// In the process of the service: whoever steals disk and memory can guess offline.
    InProcess,
}

/// `[policy]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    /// The policy file; the built-in one if not given.
    #[serde(default)]
    pub file: Option<PathBuf>,
}

/// `[limits]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests in progress; one more is refused with `RESOURCE_EXHAUSTED`.
    pub requests_in_flight_max: u32,
    /// Questions of one caseload in progress.
    pub caseload_in_flight_max: u32,
    /// Seconds that an open caseload may wait for its next question.
    pub caseload_idle_seconds_max: u32,
    /// Open connections.
    pub connections_max: u32,
    /// Concurrent requests on one connection.
    pub connection_requests_max: u32,
    /// Bytes of a request message.
    pub message_bytes_max: u32,
    /// Bytes of a request message of onboarding, which may invite 500 people.
    pub onboarding_bytes_max: u32,
    /// Bytes of a request's headers.
    pub header_bytes_max: u32,
    /// Seconds a request may take; a client's shorter deadline counts.
    pub request_seconds_max: u32,
    /// Seconds a TLS handshake may take.
    pub handshake_seconds_max: u32,
    /// Seconds after which a connection is asked to end.
    pub connection_seconds_max: u32,
    /// Seconds that requests in progress get when the service stops.
    pub drain_seconds_max: u32,
    /// Points evaluated for one person in a minute.
    pub evaluations_per_minute_max: u32,
    /// Commits that wait for the store; a request that finds no place is refused with
    /// `RESOURCE_EXHAUSTED`.
    pub store_queue_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_in_flight_max: 4096,
            caseload_in_flight_max: 256,
            caseload_idle_seconds_max: 60,
            connections_max: 4096,
            connection_requests_max: 1024,
            message_bytes_max: 16 * 1024,
            onboarding_bytes_max: 128 * 1024,
            header_bytes_max: 16 * 1024,
            request_seconds_max: 10,
            handshake_seconds_max: 10,
            connection_seconds_max: 3600,
            drain_seconds_max: 20,
            evaluations_per_minute_max: 600,
            store_queue_max: 4096,
        }
    }
}

/// `[quotas]`: over questions and recordings together; a day is one of UTC.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// The most of a person at once; it grows back within a minute.
    pub person_burst: u32,
    /// The most of a person in a day.
    pub person_day: u32,
    /// The most different children of a person in a day.
    pub person_children_a_day: u32,
    /// The most of an organisation at once; it grows back within a minute.
    pub organisation_burst: u32,
    /// The most of an organisation in a day.
    pub organisation_day: u32,
    /// The most different children of an organisation's people in a day, summed.
    pub organisation_children_a_day: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            person_burst: 300,
            person_day: 1000,
            person_children_a_day: 400,
            organisation_burst: 6000,
            organisation_day: 50_000,
            organisation_children_a_day: 20_000,
        }
    }
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// "text" or "json".
    pub format: LogFormat,
    /// "error", "warn", "info" or "debug". Debug tells more of the service, never of a child.
    pub level: LogLevel,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: LogLevel::Info }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Somebody must act.
    Error,
    /// Somebody should look.
    Warn,
    /// What the service does.
    Info,
    /// How it does it.
    Debug,
}

impl Config {
    /// Reads and checks a file; `environment` overrides its keys. Relative paths count from the
    /// file's folder.
    pub fn load(
        path: &Path,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::config(format!("cannot read {}: {error}", path.display())))?;
        let mut config = Self::parse(&text, environment)
            .map_err(|problem| Failure::config(format!("{}: {problem}", path.display())))?;
        config.resolve(path.parent().unwrap_or(Path::new(".")));
        Ok(config)
    }

    fn parse(
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, String> {
        let mut table: toml::Table = text.parse().map_err(|error| one_line(&error))?;
        for (name, value) in environment {
            if let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX) {
                override_key(&mut table, path, &value)
                    .map_err(|problem| format!("{name}: {problem}"))?;
            }
        }
        let config: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| error.to_string().trim_end().replace('\n', "; "))?;
        config.check()?;
        Ok(config)
    }

    /// What no single key can show wrong.
    fn check(&self) -> Result<(), String> {
        if self.store.keyring.starts_with(&self.store.data) {
            return Err("store.keyring must not lie inside store.data".to_owned());
        }
        if self.ledger.directory.starts_with(&self.store.data) {
            return Err("ledger.directory must not lie inside store.data".to_owned());
        }
        let days = self.authority.as_ref().map(|authority| authority.certificate_days);
        if days.is_some_and(|days| !(1..=CERTIFICATE_DAYS_MAX).contains(&days)) {
            let max = CERTIFICATE_DAYS_MAX;
            return Err(format!("authority.certificate_days must be 1 to {max}"));
        }
        self.purge.check()?;
        let limits = self.limits.named().map(|(name, value)| ("limits", name, value));
        let quotas = self.quotas.named().map(|(name, value)| ("quotas", name, value));
        for (section, name, value) in limits.into_iter().chain(quotas) {
            if value == 0 {
                return Err(format!("{section}.{name} must be greater than 0"));
            }
        }
        Ok(())
    }

    fn resolve(&mut self, folder: &Path) {
        let paths = [
            &mut self.server.certificate,
            &mut self.server.key,
            &mut self.server.client_authority,
            &mut self.store.data,
            &mut self.store.keyring,
            &mut self.ledger.directory,
            &mut self.ledger.key,
            &mut self.pseudonymiser.keys,
        ];
        let own = self.authority.as_mut().map(|own| [&mut own.certificate, &mut own.key]);
        let paths = paths.into_iter().chain(own.into_iter().flatten());
        for path in paths.chain(self.policy.file.as_mut()) {
            *path = folder.join(&*path);
        }
    }
}

impl Quotas {
    fn named(&self) -> [(&'static str, u32); 6] {
        [
            ("person_burst", self.person_burst),
            ("person_day", self.person_day),
            ("person_children_a_day", self.person_children_a_day),
            ("organisation_burst", self.organisation_burst),
            ("organisation_day", self.organisation_day),
            ("organisation_children_a_day", self.organisation_children_a_day),
        ]
    }

    /// As the directory counts by them.
    #[must_use]
    pub fn limits(&self) -> signpost_core::quota::Quotas {
        signpost_core::quota::Quotas {
            person: Quota {
                burst: self.person_burst,
                day: self.person_day,
                children_a_day: self.person_children_a_day,
            },
            organisation: Quota {
                burst: self.organisation_burst,
                day: self.organisation_day,
                children_a_day: self.organisation_children_a_day,
            },
        }
    }
}

impl Limits {
    fn named(&self) -> [(&'static str, u32); 14] {
        [
            ("requests_in_flight_max", self.requests_in_flight_max),
            ("caseload_in_flight_max", self.caseload_in_flight_max),
            ("caseload_idle_seconds_max", self.caseload_idle_seconds_max),
            ("connections_max", self.connections_max),
            ("connection_requests_max", self.connection_requests_max),
            ("message_bytes_max", self.message_bytes_max),
            ("onboarding_bytes_max", self.onboarding_bytes_max),
            ("header_bytes_max", self.header_bytes_max),
            ("request_seconds_max", self.request_seconds_max),
            ("handshake_seconds_max", self.handshake_seconds_max),
            ("connection_seconds_max", self.connection_seconds_max),
            ("drain_seconds_max", self.drain_seconds_max),
            ("evaluations_per_minute_max", self.evaluations_per_minute_max),
            ("store_queue_max", self.store_queue_max),
        ]
    }

    /// How long a request may take.
    #[must_use]
    pub fn request_time(&self) -> Duration {
        Duration::from_secs(u64::from(self.request_seconds_max))
    }

    /// How long an open caseload may wait for its next question.
    #[must_use]
    pub fn caseload_idle_time(&self) -> Duration {
        Duration::from_secs(u64::from(self.caseload_idle_seconds_max))
    }

    /// How long requests in progress get when the service stops.
    #[must_use]
    pub fn drain_time(&self) -> Duration {
        Duration::from_secs(u64::from(self.drain_seconds_max))
    }
}

/// What is wrong with a TOML text, without the picture that TOML errors draw of it.
pub(crate) fn one_line(error: &toml::de::Error) -> String {
    error
        .to_string()
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

/// Sets `a.b` of the table from `A__B`; what reads as a whole number or as true or false is one.
fn override_key(table: &mut toml::Table, path: &str, value: &str) -> Result<(), String> {
    let names: Vec<String> = path.split("__").map(str::to_lowercase).collect();
    let (last, sections) = names.split_last().ok_or("names no key")?;
    let mut section = table;
    for name in sections {
        let entry = section.entry(name.clone()).or_insert_with(|| toml::Table::new().into());
        section = entry.as_table_mut().ok_or_else(|| format!("{name} is no section"))?;
    }
    let value = match (value.parse::<i64>(), value.parse::<bool>()) {
        (Ok(number), _) => toml::Value::Integer(number),
        (_, Ok(flag)) => toml::Value::Boolean(flag),
        _ => toml::Value::String(value.to_owned()),
    };
    section.insert(last.clone(), value);
    Ok(())
}

#[cfg(test)]
mod tests;
