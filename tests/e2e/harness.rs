//! What every test stands on: a made-up county, a service for it, and callers of every kind.

mod binary;
mod caller;
mod child;
mod closing;
mod history;
mod ledger;
mod onboarding;
mod service;
mod world;

use std::future::Future;
use std::time::Duration;

pub(crate) use binary::{Binary, TURNS_OFTEN, Victim};
pub(crate) use caller::{Caller, channel};
pub(crate) use child::{contact, date, nhs_number, question, request_id};
pub(crate) use closing::closing_plan;
pub(crate) use history::CASE;
pub(crate) use ledger::{Ledger, open_store, reopened};
pub(crate) use onboarding::{
    Administrators, Invited, OWN_AUTHORITY, certificate_request, conditions, invitation, redeem,
    redeem_for,
};
pub(crate) use service::Service;
pub(crate) use world::{BOTH_KINDS_OF_STRANGER, NORTHFIELD, SOUTHMOOR, UNREGISTERED, World};

/// How long anything that is waited for may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until there is something; panics when it takes too long.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let waiting = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("waited too long for {what}"))
}
