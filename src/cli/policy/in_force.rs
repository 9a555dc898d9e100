//! Since when a policy is in force: what the store of a stopped service says.

use std::sync::Arc;

use serde::Serialize;
use signpost_core::directory::{Directory, PolicyInForce};
use signpost_core::id::PolicyDigest;
use signpost_embedded::disk::os::OsDisk;
use signpost_embedded::options::Options;
use signpost_embedded::store::EmbeddedStore;
use signpost_embedded::verify::verify;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::server;

/// Since when the policy shown is in force, or why that is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct InForce {
    /// The time, in UTC.
    #[serde(rename = "in_force_since")]
    since: Option<String>,
    /// The ledger entry by which it came into force.
    #[serde(rename = "in_force_by_entry")]
    entry: Option<u64>,
    /// Why neither is told.
    #[serde(rename = "in_force_unknown")]
    unknown: Option<String>,
}

impl InForce {
    /// It is not known, and why.
    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Self { since: None, entry: None, unknown: Some(why.into()) }
    }

    /// What the configured store says of the policy of this digest. A policy is shown all the same
    /// where the store cannot be read.
    pub(super) async fn read(config: &Config, digest: PolicyDigest) -> Self {
        match stored(config).await {
            Ok(stored) => Self::of(&stored, digest),
            Err(failure) => Self::unknown(failure.message),
        }
    }

    fn of(stored: &PolicyInForce, digest: PolicyDigest) -> Self {
        if stored.digest != digest {
            let other = hex::encode(stored.digest.as_bytes());
            return Self::unknown(format!("not in force: the store was last served under {other}"));
        }
        Self { since: Some(stored.since.to_string()), entry: Some(stored.entry.0), unknown: None }
    }

    /// As a line ends.
    pub(super) fn text(&self) -> String {
        match (&self.since, self.entry, &self.unknown) {
            (Some(since), Some(entry), _) => format!("{since} (ledger entry {entry})"),
            (_, _, Some(why)) => format!("unknown ({why})"),
            (_, _, None) => "unknown".to_owned(),
        }
    }
}

async fn stored(config: &Config) -> Result<PolicyInForce, Failure> {
    let options = server::store_options(Arc::new(OsDisk), config, Arc::new(SystemClock))?;
    let store = tokio::task::spawn_blocking(move || open(&options));
    let store = store.await.map_err(|error| Failure::new(Exit::Bug, error.to_string()))??;
    let found = Directory::policy_in_force(&store).await;
    store.close().await.map_err(|error| Failure::new(Exit::StoreFailed, error.to_string()))?;
    found.map_err(|error| Failure::new(Exit::Sealed, error.to_string()))
}

/// Opens the store, but not one whose end would be cut off: that is for a start, which puts it on
/// record.
fn open(options: &Options) -> Result<EmbeddedStore, Failure> {
    let verified = verify(options).map_err(|error| server::sealed(&error))?;
    if verified.torn_bytes > 0 {
        let problem = "the journal ends with an incomplete frame; start the service once";
        return Err(Failure::new(Exit::Sealed, problem));
    }
    let opened = EmbeddedStore::open(options).map_err(|error| server::sealed(&error))?;
    Ok(opened.store)
}

#[cfg(test)]
mod tests {
    use signpost_core::id::Receipt;

    use super::*;

    #[test]
    fn another_policy_than_the_stores_is_not_in_force() {
        let digest = PolicyDigest::new([1; 32]);
        let since = "2026-06-15T12:00:00Z".parse().unwrap();
        let stored = PolicyInForce { digest, entry: Receipt(7), since };
        let found = InForce::of(&stored, digest);
        assert_eq!(found.text(), "2026-06-15T12:00:00Z (ledger entry 7)");
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json["in_force_since"], "2026-06-15T12:00:00Z");
        assert_eq!(json["in_force_by_entry"], 7);
        let other = InForce::of(&stored, PolicyDigest::new([2; 32]));
        assert!(other.text().starts_with("unknown (not in force: "), "{}", other.text());
        assert_eq!(
            serde_json::to_value(&other).unwrap()["in_force_since"],
            serde_json::Value::Null
        );
    }
}
