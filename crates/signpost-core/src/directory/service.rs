//! What the service puts on record of itself: first light, a changed policy, counted refusals, and
//! that there is no space.

use std::num::NonZeroUsize;
use std::sync::Arc;

use jiff::Timestamp;

use super::Directory;
use super::clock::last_entry_time;
use super::onboarding::FirstLight;
use crate::clock::ServiceClock;
use crate::commit::{Commit, Effect, Precondition, Write};
use crate::id::{KeyFingerprint, PolicyDigest, Receipt};
use crate::permit::Permit;
use crate::policy::Policy;
use crate::purge::PurgeRules;
use crate::quota::{Meter, Quotas};
use crate::record::{Record, RecordKey};
use crate::refusal::Refusal;
use crate::register::ServiceState;
use crate::store::{CommitError, Entropy, Store, StoreError};
use crate::subject::EvaluationKeyId;
use crate::tally::Tally;
use crate::terms::{Action, Outcome};

/// The policy that a store was last served under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyInForce {
    /// Its digest.
    pub digest: PolicyDigest,
    /// The entry by which it came into force.
    pub entry: Receipt,
    /// The time of that entry.
    pub since: Timestamp,
}

/// Why the directory does not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The store holds no register yet.
    #[error("the store was never initialised")]
    NotInitialised,
    /// The store already holds a register.
    #[error("the store was initialised before")]
    AlreadyInitialised,
    /// An evaluation key that pseudonyms were made with is missing, or is another one.
    #[error(
        "evaluation key {id} is missing or is not the one that pseudonyms were made with: with \
         it every known child would be answered as unknown; bring the right key file back"
    )]
    EvaluationKey {
        /// Its id.
        id: u32,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// Puts what onboarding begins with into an empty store, as one commit; once and never again.
    pub async fn first_light(
        store: &dyn Store,
        policy: &Policy,
        light: FirstLight,
    ) -> Result<Receipt, StartError> {
        let empty = vec![Precondition::Absent(RecordKey::Service)];
        let permit = Permit::of_service(Action::FirstLight, None, policy.digest(), empty);
        let FirstLight { mut records, evaluation_keys } = light;
        let state = ServiceState {
            policy: policy.digest(),
            policy_since: None,
            evaluation_keys,
            frozen: Vec::new(),
            last_certificate: None,
            closing: None,
        };
        records.push(Record::Service(state));
        let count = u32::try_from(records.len()).unwrap_or(u32::MAX);
        let writes = records.into_iter().map(Write::Put).collect();
        let effect = Effect { count, writes, ..Effect::new(Outcome::Done) };
        store.commit(Commit::permitted(permit, effect)).await.map_err(|error| match error {
            CommitError::PreconditionFailed => StartError::AlreadyInitialised,
            CommitError::Store(error) => error.into(),
        })
    }

    /// Starts on a store that holds a register. Where the policy is not the one it last ran with,
    /// that is put on record first, with the earlier digest as the entry's detail. Service time
    /// goes on from the last entry; the store should stamp by the same clock.
    pub async fn start(
        store: Arc<dyn Store>,
        policy: Arc<Policy>,
        clock: impl Into<ServiceClock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartError> {
        let clock = clock.into();
        if let Some(last) = last_entry_time(&*store).await? {
            clock.continue_from(last);
        }
        let stored = store.read(&RecordKey::Service).await?.ok_or(StartError::NotInitialised)?;
        let Record::Service(state) = stored.record else { return Err(StoreError::Damaged.into()) };
        if state.policy != policy.digest() {
            let rests_on = vec![Precondition::At(RecordKey::Service, stored.version)];
            let permit = Permit::of_service(Action::ChangePolicy, None, policy.digest(), rests_on);
            let earlier = state.policy;
            let state_now = ServiceState { policy: policy.digest(), policy_since: None, ..state };
            let effect = Effect {
                detail: *earlier.as_bytes(),
                writes: vec![Write::Put(Record::Service(state_now))],
                ..Effect::new(Outcome::Done)
            };
            store.commit(Commit::permitted(permit, effect)).await.map_err(start_error)?;
        }
        let meter = Arc::new(Meter::new(Quotas::NONE, Arc::clone(&entropy)));
        let tally = Arc::new(Tally::default());
        let (purge_rules, counting) = (PurgeRules::default(), Arc::default());
        let directory = Self {
            store,
            policy,
            clock,
            entropy,
            tally,
            meter,
            purge_rules,
            counting,
            issuer: None,
        };
        match directory.record_clock_step().await {
            Ok(_) => Ok(directory),
            Err(Refusal::Store(error)) => Err(error.into()),
            Err(Refusal::Unidentified(_) | Refusal::Refused { .. } | Refusal::Contended) => {
                Err(StoreError::Indeterminate.into())
            }
        }
    }

    /// The policy that this store was last served under, and since when.
    pub async fn policy_in_force(store: &dyn Store) -> Result<PolicyInForce, StartError> {
        let stored = store.read(&RecordKey::Service).await?.ok_or(StartError::NotInitialised)?;
        let Record::Service(state) = stored.record else { return Err(StoreError::Damaged.into()) };
        let entry = state.in_force_since(stored.version);
        let entries = store.entries(entry, NonZeroUsize::MIN).await?;
        let time_ms = entries.first().and_then(|entry| i64::try_from(entry.time_ms()).ok());
        let since = time_ms.and_then(|time_ms| Timestamp::from_millisecond(time_ms).ok());
        let since = since.ok_or(StoreError::Damaged)?;
        Ok(PolicyInForce { digest: state.policy, entry, since })
    }

    /// Compares the evaluation keys at hand with those that pseudonyms were made with. A key that
    /// is missing, or another under the same id, is refused; a new one is put on record.
    pub async fn hold_evaluation_keys(
        &self,
        keys: &[(EvaluationKeyId, KeyFingerprint)],
    ) -> Result<(), StartError> {
        let stored = self.store.read(&RecordKey::Service).await?;
        let stored = stored.ok_or(StartError::NotInitialised)?;
        let Record::Service(state) = stored.record else { return Err(StoreError::Damaged.into()) };
        if let Some((id, _)) = state.evaluation_keys.iter().find(|key| !keys.contains(key)) {
            return Err(StartError::EvaluationKey { id: id.0 });
        }
        let new: Vec<_> =
            keys.iter().filter(|key| !state.evaluation_keys.contains(key)).copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        let rests_on = vec![Precondition::At(RecordKey::Service, stored.version)];
        let policy = self.policy.digest();
        let permit = Permit::of_service(Action::AddEvaluationKey, None, policy, rests_on);
        let count = u32::try_from(new.len()).unwrap_or(u32::MAX);
        let policy_since = Some(state.in_force_since(stored.version));
        let evaluation_keys = [state.evaluation_keys.clone(), new].concat();
        let state = ServiceState { policy, policy_since, evaluation_keys, ..state };
        let writes = vec![Write::Put(Record::Service(state))];
        let effect = Effect { count, writes, ..Effect::new(Outcome::Done) };
        self.store.commit(Commit::permitted(permit, effect)).await.map_err(start_error)?;
        Ok(())
    }

    /// Puts on record that bytes without evidence of completeness were cut off the store's end.
    pub async fn record_cut_tail(&self, bytes: u64) -> Result<Receipt, Refusal> {
        let permit = Permit::of_service(Action::CutTail, None, self.policy.digest(), Vec::new());
        let count = u32::try_from(bytes).unwrap_or(u32::MAX);
        let effect = Effect { count, ..Effect::new(Outcome::Done) };
        self.commit(Commit::permitted(permit, effect)).await
    }

    /// Puts on record that the store has no space: a store keeps some for such entries.
    pub async fn record_full(&self) -> Result<Receipt, Refusal> {
        self.record_of_itself(Action::NoteFull).await
    }

    /// Puts on record that a store that had no space has some again.
    pub async fn record_writable(&self) -> Result<Receipt, Refusal> {
        self.record_of_itself(Action::NoteWritable).await
    }

    async fn record_of_itself(&self, action: Action) -> Result<Receipt, Refusal> {
        let permit = Permit::of_service(action, None, self.policy.digest(), Vec::new());
        self.commit(Commit::permitted(permit, Effect::new(Outcome::Done))).await
    }

    /// Puts the largest count of unidentified refusals on record, if there is any. Called once a
    /// second, and until there is none when the service stops.
    pub async fn record_refusals(&self) -> Result<Option<Receipt>, Refusal> {
        let Some((system, reason, count)) = self.tally.take_largest() else { return Ok(None) };
        let permit =
            Permit::of_service(Action::CountRefusals, system, self.policy.digest(), Vec::new());
        let effect = Effect { count, ..Effect::new(reason) };
        match self.commit(Commit::permitted(permit, effect)).await {
            Ok(receipt) => Ok(Some(receipt)),
            Err(error) => {
                self.tally.add(system, reason, count);
                Err(error)
            }
        }
    }
}

/// Nobody else writes while the service starts: a failed precondition is another process.
fn start_error(error: CommitError) -> StartError {
    match error {
        CommitError::PreconditionFailed => StoreError::Indeterminate.into(),
        CommitError::Store(error) => error.into(),
    }
}
