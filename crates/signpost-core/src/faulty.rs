//! Decorators round any store: one that fails on purpose, one that counts.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::anchor::Position;
use crate::commit::Commit;
use crate::entry::{Entry, Opening};
use crate::id::Receipt;
use crate::record::{RecordKey, Scope, Stored};
use crate::search::{SearchProgress, Searched, Sought, SoughtKind};
use crate::store::{CommitError, Lookup, Store, StoreError};
use crate::turn::{Carry, Destroyed, EraseOpenings, Erased, Generations, Prepared, Unfinished};

/// A tracer that nobody plants.
const UNFOUND: [u8; 29] = *b"a tracer that lies in no file";

/// A call of [`Store`] or of its [`Generations`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// [`Store::read`].
    Read,
    /// [`Store::scan`].
    Scan,
    /// [`Store::commit`].
    Commit,
    /// [`Store::entries`].
    Entries,
    /// [`Store::openings`].
    Openings,
    /// [`Store::position`].
    Position,
    /// [`Generations::prepare`].
    Prepare,
    /// [`Generations::switch`].
    Switch,
    /// [`Generations::destroy`].
    Destroy,
    /// [`Generations::unfinished`].
    Unfinished,
    /// [`Generations::recorded`].
    Recorded,
    /// [`Generations::erase`].
    Erase,
    /// [`Generations::erasure_recorded`].
    ErasureRecorded,
    /// [`Generations::sought_openings`].
    SoughtOpenings,
    /// [`Generations::search`].
    Search,
}

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and the store says so.
    Refuses,
    /// It is done, and the store says that it does not know.
    DoesItAndFails,
    /// Nothing is done, and every later call fails; what was done before can be read from the
    /// store within, as after a restart.
    Dies,
    /// Nothing is done, and the call never comes back, as on a disk that stalls.
    Stalls,
}

/// How often each fault strikes, in calls of a thousand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultRates {
    /// [`Fault::Refuses`].
    pub refuses_per_mille: u16,
    /// [`Fault::DoesItAndFails`].
    pub does_it_and_fails_per_mille: u16,
    /// [`Fault::Dies`].
    pub dies_per_mille: u16,
}

/// A store that fails where it is told to: at chosen calls, or by chance from a seed.
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    plan: Mutex<Plan>,
    gives_way: AtomicBool,
    is_blind: AtomicBool,
}

#[derive(Debug)]
struct Plan {
    calls: BTreeMap<Call, u64>,
    faults: BTreeMap<(Call, u64), Fault>,
    rates: FaultRates,
    chance: u64,
    is_dead: bool,
}

impl FaultyStore {
    /// A store that works until it is told otherwise.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self::by_chance(inner, 0, FaultRates::default())
    }

    /// A store whose calls fail at these rates, the same ones for the same seed.
    #[must_use]
    pub fn by_chance(inner: Arc<dyn Store>, seed: u64, rates: FaultRates) -> Self {
        let plan = Plan {
            calls: BTreeMap::new(),
            faults: BTreeMap::new(),
            rates,
            chance: seed,
            is_dead: false,
        };
        Self {
            inner,
            plan: Mutex::new(plan),
            gives_way: AtomicBool::new(false),
            is_blind: AtomicBool::new(false),
        }
    }

    /// Lets a call to come fail: the next one of its kind is number 0.
    pub fn fail(&self, call: Call, number: u64, fault: Fault) {
        let mut plan = self.plan();
        let made = plan.calls.get(&call).copied().unwrap_or(0);
        plan.faults.insert((call, made + number), fault);
    }

    /// Lets every call from now on fail at these rates.
    pub fn strike(&self, rates: FaultRates) {
        self.plan().rates = rates;
    }

    /// From now on, whether others have their turn before every read: so two operations of one
    /// thread come between each other.
    pub fn give_way(&self, gives_way: bool) {
        self.gives_way.store(gives_way, Ordering::Relaxed);
    }

    /// From now on, whether a generation that is left has a tracer that no search finds.
    pub fn go_blind(&self, is_blind: bool) {
        self.is_blind.store(is_blind, Ordering::Relaxed);
    }

    /// How many calls of this kind were made, those that failed included.
    #[must_use]
    pub fn calls(&self, call: Call) -> u64 {
        self.plan().calls.get(&call).copied().unwrap_or(0)
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the call, and says whether it is done and then what it answers.
    fn turn(&self, call: Call) -> Turn {
        let mut plan = self.plan();
        let made = plan.calls.entry(call).or_default();
        let number = *made;
        *made += 1;
        if plan.is_dead {
            return Turn::Skip(StoreError::Indeterminate);
        }
        let fault = plan.faults.remove(&(call, number)).or_else(|| plan.draw());
        match fault {
            None => Turn::Do,
            Some(Fault::Refuses) => Turn::Skip(StoreError::Unavailable),
            Some(Fault::DoesItAndFails) => Turn::DoAndFail(StoreError::Indeterminate),
            Some(Fault::Dies) => {
                plan.is_dead = true;
                Turn::Skip(StoreError::Indeterminate)
            }
            Some(Fault::Stalls) => Turn::Stall,
        }
    }
}

enum Turn {
    Do,
    DoAndFail(StoreError),
    Skip(StoreError),
    Stall,
}

impl Plan {
    /// splitmix64: enough to spread faults, and the same everywhere.
    fn draw(&mut self) -> Option<Fault> {
        self.chance = self.chance.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let drawn = (mixed ^ (mixed >> 31)) % 1000;
        let refuses = u64::from(self.rates.refuses_per_mille);
        let fails = refuses + u64::from(self.rates.does_it_and_fails_per_mille);
        let dies = fails + u64::from(self.rates.dies_per_mille);
        match drawn {
            drawn if drawn < refuses => Some(Fault::Refuses),
            drawn if drawn < fails => Some(Fault::DoesItAndFails),
            drawn if drawn < dies => Some(Fault::Dies),
            _ => None,
        }
    }
}

impl Turn {
    async fn take<T, E: From<StoreError>>(
        self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match self {
            Self::Do => call.await,
            Self::DoAndFail(error) => call.await.and(Err(error.into())),
            Self::Skip(error) => Err(error.into()),
            Self::Stall => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Store for FaultyStore {
    fn read<'s>(&'s self, key: &'s RecordKey) -> Lookup<'s, Option<Stored>> {
        Lookup::to_come(async move {
            if self.gives_way.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
            self.turn(Call::Read).take(self.inner.read(key)).await
        })
    }

    fn scan<'s>(
        &'s self,
        scope: &'s Scope,
        after: Option<&'s RecordKey>,
        limit: NonZeroUsize,
    ) -> Lookup<'s, Vec<Stored>> {
        Lookup::to_come(async move {
            self.turn(Call::Scan).take(self.inner.scan(scope, after, limit)).await
        })
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        self.turn(Call::Commit).take(self.inner.commit(commit)).await
    }

    async fn entries(&self, from: Receipt, limit: NonZeroUsize) -> Result<Vec<Entry>, StoreError> {
        self.turn(Call::Entries).take(self.inner.entries(from, limit)).await
    }

    async fn openings(
        &self,
        from: Receipt,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Receipt, Opening)>, StoreError> {
        self.turn(Call::Openings).take(self.inner.openings(from, limit)).await
    }

    async fn position(&self) -> Result<Position, StoreError> {
        self.turn(Call::Position).take(self.inner.position()).await
    }

    fn generations(&self) -> &dyn Generations {
        self
    }
}

#[async_trait]
impl Generations for FaultyStore {
    async fn prepare(&self, carry: Arc<dyn Carry>) -> Result<Prepared, StoreError> {
        let mut prepared =
            self.turn(Call::Prepare).take(self.inner.generations().prepare(carry)).await?;
        if self.is_blind.load(Ordering::Relaxed) {
            prepared.sought.extend(Sought::of(SoughtKind::Tracer, &UNFOUND));
        }
        Ok(prepared)
    }

    async fn switch(&self, generation: u64) -> Result<(), StoreError> {
        self.turn(Call::Switch).take(self.inner.generations().switch(generation)).await
    }

    async fn destroy(&self, generation: u64) -> Result<Destroyed, StoreError> {
        self.turn(Call::Destroy).take(self.inner.generations().destroy(generation)).await
    }

    async fn unfinished(&self) -> Result<Unfinished, StoreError> {
        self.turn(Call::Unfinished).take(self.inner.generations().unfinished()).await
    }

    async fn recorded(&self, generation: u64) -> Result<(), StoreError> {
        self.turn(Call::Recorded).take(self.inner.generations().recorded(generation)).await
    }

    async fn erase(
        &self,
        which: Arc<dyn EraseOpenings>,
        below: Receipt,
    ) -> Result<Erased, StoreError> {
        self.turn(Call::Erase).take(self.inner.generations().erase(which, below)).await
    }

    async fn erasure_recorded(&self) -> Result<(), StoreError> {
        self.turn(Call::ErasureRecorded).take(self.inner.generations().erasure_recorded()).await
    }

    async fn sought_openings(
        &self,
        which: Arc<dyn EraseOpenings>,
        below: Receipt,
    ) -> Result<Vec<Sought>, StoreError> {
        let sought = self.inner.generations().sought_openings(which, below);
        self.turn(Call::SoughtOpenings).take(sought).await
    }

    async fn search(
        &self,
        sought: Arc<[Sought]>,
        progress: Arc<dyn SearchProgress>,
    ) -> Result<Searched, StoreError> {
        self.turn(Call::Search).take(self.inner.generations().search(sought, progress)).await
    }
}

/// What was asked of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of [`Store::read`].
    pub reads: u64,
    /// Calls of [`Store::scan`].
    pub scans: u64,
    /// Calls of [`Store::commit`].
    pub commits: u64,
    /// Preconditions of the commits.
    pub preconditions: u64,
    /// Writes of the commits.
    pub writes: u64,
    /// Openings of the commits.
    pub openings: u64,
}

/// A store that counts what is asked of it, to show that two paths ask the same.
#[derive(Debug)]
pub struct CountingStore {
    inner: Arc<dyn Store>,
    counts: Mutex<Counts>,
}

impl CountingStore {
    /// Counts from nothing.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, counts: Mutex::default() }
    }

    /// What was counted since this was last asked.
    #[must_use]
    pub fn take(&self) -> Counts {
        std::mem::take(&mut *self.counts())
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for CountingStore {
    fn read<'s>(&'s self, key: &'s RecordKey) -> Lookup<'s, Option<Stored>> {
        Lookup::to_come(async move {
            self.counts().reads += 1;
            self.inner.read(key).await
        })
    }

    fn scan<'s>(
        &'s self,
        scope: &'s Scope,
        after: Option<&'s RecordKey>,
        limit: NonZeroUsize,
    ) -> Lookup<'s, Vec<Stored>> {
        Lookup::to_come(async move {
            self.counts().scans += 1;
            self.inner.scan(scope, after, limit).await
        })
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        {
            let mut counts = self.counts();
            counts.commits += 1;
            counts.preconditions += commit.preconditions().len() as u64;
            counts.writes += commit.writes().len() as u64;
            counts.openings += u64::from(commit.opening().is_some());
        }
        self.inner.commit(commit).await
    }

    async fn entries(&self, from: Receipt, limit: NonZeroUsize) -> Result<Vec<Entry>, StoreError> {
        self.inner.entries(from, limit).await
    }

    async fn openings(
        &self,
        from: Receipt,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Receipt, Opening)>, StoreError> {
        self.inner.openings(from, limit).await
    }

    async fn position(&self) -> Result<Position, StoreError> {
        self.inner.position().await
    }

    fn generations(&self) -> &dyn Generations {
        self.inner.generations()
    }
}

#[cfg(test)]
mod tests;
