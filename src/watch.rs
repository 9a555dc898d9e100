//! What the running service looks at by itself: the refusals it counts, and its clock.

use std::time::Duration;

use signpost_core::directory::{Directory, MayNotDestroy};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::grpc;

const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// What health says.
#[derive(Clone, Debug)]
pub(crate) struct Health(HealthReporter);

impl Health {
    pub(crate) fn new(reporter: HealthReporter) -> Self {
        Self(reporter)
    }

    /// Says of every service whether it is served.
    pub(crate) async fn set(&self, status: ServingStatus) {
        for service in grpc::SERVICES.into_iter().chain([""]) {
            self.0.set_service_status(service, status).await;
        }
    }

    /// Says whether anything may be destroyed or closed.
    async fn set_destruction(&self, status: ServingStatus) {
        self.0.set_service_status(grpc::DESTRUCTION, status).await;
    }
}

/// Once a second puts a count of refusals on record, and a step of the clock, until it stops.
pub(crate) async fn each_second(
    directory: Directory,
    health: Health,
    stopped: watch::Receiver<bool>,
) {
    let mut every = tokio::time::interval(LOOKED_AT_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut stop = std::pin::pin!(wait_until_set(stopped));
    let mut was_in_doubt = false;
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = every.tick() => {}
        }
        record_largest_refusal(&directory).await;
        was_in_doubt = look_at_clock(&directory, &health, was_in_doubt).await;
    }
}

/// Puts all counts that are left on record.
pub(crate) async fn record_all_refusals(directory: &Directory) {
    while record_largest_refusal(directory).await {}
}

/// Whether there was a count, and it is on record.
async fn record_largest_refusal(directory: &Directory) -> bool {
    match directory.record_refusals().await {
        Ok(recorded) => recorded.is_some(),
        Err(error) => {
            tracing::error!(%error, "counted refusals could not be put on record");
            false
        }
    }
}

/// Whether the clock is in doubt.
async fn look_at_clock(directory: &Directory, health: &Health, was_in_doubt: bool) -> bool {
    if let Err(error) = directory.record_clock_step().await {
        tracing::error!(%error, "a step of the clock could not be put on record");
    }
    let in_doubt = match directory.may_destroy().await {
        Ok(()) => false,
        Err(MayNotDestroy::ClockInDoubt) => true,
        Err(MayNotDestroy::Store(_)) => return was_in_doubt,
    };
    if in_doubt && !was_in_doubt {
        tracing::error!(
            "the clock stepped ahead: nothing is destroyed and nothing closed until two people \
             have confirmed it (signpost clock confirm)"
        );
    }
    if was_in_doubt && !in_doubt {
        tracing::info!("the clock is confirmed");
    }
    let status = if in_doubt { ServingStatus::NotServing } else { ServingStatus::Serving };
    health.set_destruction(status).await;
    in_doubt
}

/// Ends when it is set, or nobody can set it any more.
pub(crate) async fn wait_until_set(mut stopped: watch::Receiver<bool>) {
    // The sender lives as long as the server runs.
    stopped.wait_for(|stopped| *stopped).await.ok();
}
