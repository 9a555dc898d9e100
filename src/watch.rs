//! What the running service looks at by itself: the refusals it counts, its clock, and whether its
//! store can write.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use signpost_core::directory::{AlertWatch, Directory, MayNotDestroy};
use signpost_embedded::store::Condition;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::grpc;

const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);
const CONDITION_LOOKED_AT_EVERY: Duration = Duration::from_millis(250);

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

    /// Says whether checkpoints of the ledger are signed.
    pub(crate) async fn set_ledger(&self, status: ServingStatus) {
        self.0.set_service_status(grpc::LEDGER_KEPT, status).await;
    }

    /// Says whether every witness cosigns.
    pub(crate) async fn set_witnessed(&self, status: ServingStatus) {
        self.0.set_service_status(grpc::WITNESSED, status).await;
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

/// Once a second raises what a privacy officer is to look at, until it stops. In a task of its own:
/// after a start there may be much to look through.
pub(crate) async fn alerts(directory: Directory, stopped: watch::Receiver<bool>) {
    let looking = async {
        let mut watch = None;
        let mut every = tokio::time::interval(LOOKED_AT_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            watch = look_for_alerts(&directory, watch).await;
        }
    };
    tokio::select! {
        () = wait_until_set(stopped) => {}
        () = looking => {}
    }
}

/// Once a second counts what planned purges would take, until it stops. In a task of its own: a purge
/// of everything is counted over everything.
pub(crate) async fn purges(directory: Directory, stopped: watch::Receiver<bool>) {
    let counting = async {
        let mut every = tokio::time::interval(LOOKED_AT_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            match directory.count_purges().await {
                Ok(0) => {}
                Ok(counted) => tracing::info!(counted, "purges wait for their approval"),
                Err(error) => tracing::error!(%error, "a planned purge could not be counted"),
            }
        }
    };
    tokio::select! {
        () = wait_until_set(stopped) => {}
        () = counting => {}
    }
}

/// Raises what a privacy officer is to look at. Where it could not be put on record, or may have
/// been, the next look begins where the mark says.
async fn look_for_alerts(directory: &Directory, watch: Option<AlertWatch>) -> Option<AlertWatch> {
    let mut watch = match watch {
        Some(watch) => watch,
        None => match AlertWatch::start(directory.clone()).await {
            Ok(watch) => watch,
            Err(error) => {
                tracing::error!(%error, "alerts cannot be looked for");
                return None;
            }
        },
    };
    match watch.look().await {
        Ok(0) => Some(watch),
        Ok(raised) => {
            tracing::warn!(raised, "alerts for the privacy officer (signpost alert list)");
            Some(watch)
        }
        Err(error) => {
            tracing::error!(%error, "alerts could not be put on record");
            None
        }
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

/// Follows the condition of the store: while it cannot write, nothing is served.
#[derive(Debug)]
pub(crate) struct ConditionWatch {
    directory: Directory,
    health: Health,
    seen: Mutex<Seen>,
}

impl ConditionWatch {
    pub(crate) fn new(directory: Directory, health: Health) -> Self {
        Self { directory, health, seen: Mutex::default() }
    }

    /// Looks again and again, and never ends. What is to be put on record may wait for the store for
    /// as long as a disk stalls: health waits for none of it.
    pub(crate) async fn follow(&self, condition: impl Fn() -> Condition) -> Infallible {
        let looking = async {
            let mut every = condition_interval();
            loop {
                every.tick().await;
                self.look(condition()).await;
            }
        };
        let recording = async {
            let mut every = condition_interval();
            loop {
                every.tick().await;
                self.record_owed().await;
            }
        };
        tokio::select! {
            never = looking => never,
            never = recording => never,
        }
    }

    async fn look(&self, now: Condition) {
        let changed = self.seen().take(now);
        if let Some(status) = changed {
            tell(now);
            self.health.set(status).await;
        }
    }

    /// Puts on record what is owed, in order, as far as the store takes it.
    pub(crate) async fn record_owed(&self) {
        loop {
            let Some(note) = self.seen().begin_record() else { return };
            let recorded = match note {
                Note::Full => self.directory.record_full().await,
                Note::Writable => self.directory.record_writable().await,
            };
            self.seen().end_record(recorded.is_ok());
            if let Err(error) = recorded {
                tracing::debug!(%error, "a stop could not be put on record yet");
                return;
            }
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn condition_interval() -> tokio::time::Interval {
    let mut every = tokio::time::interval(CONDITION_LOOKED_AT_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    every
}

/// What was seen of a store so far.
#[derive(Debug)]
struct Seen {
    condition: Condition,
    /// Whether there was no space, and has not been since.
    is_full: bool,
    /// What is yet to be put on record, in this order. It stays until it is there: whoever puts it
    /// there may be stopped meanwhile.
    owed: VecDeque<Note>,
    /// Whether the first of those is being put there.
    is_recording: bool,
}

/// What is put on record of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Note {
    Full,
    Writable,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            condition: Condition::Writable,
            is_full: false,
            owed: VecDeque::new(),
            is_recording: false,
        }
    }
}

impl Seen {
    fn begin_record(&mut self) -> Option<Note> {
        self.is_recording = !self.owed.is_empty();
        self.owed.front().copied()
    }

    fn end_record(&mut self, is_there: bool) {
        self.is_recording = false;
        if is_there {
            self.owed.pop_front();
        }
    }

    /// Takes back a return that never got on record, nor is on its way there.
    fn take_back_return(&mut self) -> bool {
        let is_on_its_way = self.is_recording && self.owed.len() == 1;
        !is_on_its_way && self.owed.pop_back_if(|last| *last == Note::Writable).is_some()
    }

    /// What health is to say, if the condition has changed.
    fn take(&mut self, now: Condition) -> Option<ServingStatus> {
        if now == self.condition {
            return None;
        }
        self.condition = now;
        match now {
            Condition::Full => {
                // Such a return was none: the stop goes on.
                if !self.take_back_return() && !self.is_full {
                    self.owed.push_back(Note::Full);
                }
                self.is_full = true;
                Some(ServingStatus::NotServing)
            }
            Condition::Keyless | Condition::Slow => Some(ServingStatus::NotServing),
            Condition::Writable => {
                if self.is_full {
                    self.owed.push_back(Note::Writable);
                }
                self.is_full = false;
                Some(ServingStatus::Serving)
            }
        }
    }
}

fn tell(condition: Condition) {
    match condition {
        Condition::Writable => tracing::info!("the store can write again: serving"),
        Condition::Full => {
            tracing::error!("no space for the store: nothing is served until there is");
        }
        Condition::Keyless => {
            tracing::error!("the keyring takes no new key: nothing is served until it does");
        }
        Condition::Slow => tracing::warn!("the store is slow: nothing is served until it is not"),
    }
}

/// Ends when it is set, or nobody can set it any more.
pub(crate) async fn wait_until_set(mut stopped: watch::Receiver<bool>) {
    // The sender lives as long as the server runs.
    stopped.wait_for(|stopped| *stopped).await.ok();
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::Arc;

    use signpost_core::faulty::{Call, Fault, FaultyStore};
    use signpost_core::id::Receipt;
    use signpost_core::store::Store;
    use signpost_core::terms::Action;
    use tonic::Request;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_server::Health as _;
    use tonic_health::server::HealthService;

    use super::*;
    use crate::testing::first_light;

    /// What health says of each service.
    async fn statuses(health: &HealthService) -> Vec<i32> {
        let mut statuses = Vec::new();
        for service in grpc::SERVICES {
            let request = HealthCheckRequest { service: service.to_owned() };
            let checked = health.check(Request::new(request)).await.unwrap();
            statuses.push(checked.into_inner().status);
        }
        statuses
    }

    /// What health says of each service, and what stands on record after first light.
    async fn found(health: &HealthService, store: &dyn Store) -> (Vec<i32>, Vec<Action>) {
        let statuses = statuses(health).await;
        let entries = store.entries(Receipt(1), NonZeroUsize::MAX).await.unwrap();
        (statuses, entries.iter().map(signpost_core::entry::Entry::action).collect())
    }

    const SERVING: [i32; grpc::SERVICES.len()] = [1; grpc::SERVICES.len()];
    const NOT_SERVING: [i32; grpc::SERVICES.len()] = [2; grpc::SERVICES.len()];

    /// A watch over an empty register, its store, and what health says.
    async fn watch() -> (ConditionWatch, Arc<FaultyStore>, HealthService) {
        let (store, directory) = first_light().await;
        let (reporter, _) = tonic_health::server::health_reporter();
        let checks = HealthService::from_health_reporter(reporter.clone());
        let health = Health::new(reporter);
        health.set(ServingStatus::Serving).await;
        (ConditionWatch::new(directory, health), store, checks)
    }

    #[tokio::test]
    async fn a_full_store_stops_the_service_and_is_on_record_and_so_is_its_return() {
        let (watch, store, checks) = watch().await;
        let (full, writable) = (Action::NoteFull, Action::NoteWritable);
        for (condition, status, record) in [
            (Condition::Writable, SERVING, &[][..]),
            (Condition::Full, NOT_SERVING, &[full]),
            (Condition::Full, NOT_SERVING, &[full]),
            (Condition::Slow, NOT_SERVING, &[full]),
            (Condition::Full, NOT_SERVING, &[full]),
            (Condition::Writable, SERVING, &[full, writable]),
            (Condition::Slow, NOT_SERVING, &[full, writable]),
            (Condition::Writable, SERVING, &[full, writable]),
            (Condition::Keyless, NOT_SERVING, &[full, writable]),
            (Condition::Writable, SERVING, &[full, writable]),
            (Condition::Full, NOT_SERVING, &[full, writable, full]),
        ] {
            watch.look(condition).await;
            watch.record_owed().await;
            assert_eq!(found(&checks, &*store).await, (status.to_vec(), record.to_vec()));
        }
    }

    /// The disk stalls while the return is put on record.
    #[tokio::test]
    async fn health_does_not_wait_for_what_is_put_on_record() {
        let (watch, store, checks) = watch().await;
        watch.look(Condition::Full).await;
        watch.record_owed().await;
        store.fail(Call::Commit, 0, Fault::Stalls);
        let condition = Mutex::new(Condition::Writable);
        let stalled = async {
            while statuses(&checks).await != SERVING || store.calls(Call::Commit) < 3 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            *condition.lock().unwrap() = Condition::Slow;
            while statuses(&checks).await != NOT_SERVING {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            never = watch.follow(|| *condition.lock().unwrap()) => match never {},
            said = tokio::time::timeout(Duration::from_secs(10), stalled) => said.unwrap(),
        }
    }

    #[tokio::test]
    async fn what_is_being_put_on_record_when_the_watch_ends_is_not_forgotten() {
        let (watch, store, checks) = watch().await;
        watch.look(Condition::Full).await;
        store.fail(Call::Commit, 0, Fault::Stalls);
        let cut_short = tokio::time::timeout(Duration::from_millis(50), watch.record_owed());
        cut_short.await.unwrap_err();
        watch.record_owed().await;
        assert_eq!(found(&checks, &*store).await, (NOT_SERVING.to_vec(), vec![Action::NoteFull]));
    }

    #[test]
    fn a_stop_while_the_return_before_it_is_put_on_record_is_another() {
        let mut seen = Seen::default();
        seen.take(Condition::Full);
        seen.begin_record();
        seen.end_record(true);
        seen.take(Condition::Writable);
        seen.begin_record();
        seen.take(Condition::Full);
        assert_eq!(seen.owed, [Note::Writable, Note::Full]);
    }

    #[test]
    fn a_return_that_never_got_on_record_is_none() {
        let mut seen = Seen::default();
        let mut turn = |condition| {
            seen.take(condition);
            seen.owed.clone()
        };
        assert_eq!(turn(Condition::Full), [Note::Full]);
        assert_eq!(turn(Condition::Writable), [Note::Full, Note::Writable]);
        assert_eq!(turn(Condition::Full), [Note::Full]);
        assert_eq!(turn(Condition::Writable), [Note::Full, Note::Writable]);
    }
}
