//! The steps between the freezing and the certificate.

use std::sync::Arc;

use super::{RunError, Running};
use crate::commit::{Precondition, Write};
use crate::directory::Directory;
use crate::id::Receipt;
use crate::purge::{LeftBehind, PurgePlan, PurgeRun, Purging, SearchSummary};
use crate::record::{Record, RecordKey};
use crate::register::ServiceState;
use crate::search::{SearchProgress, Searched, Sought};
use crate::store::StoreError;
use crate::terms::PurgeState;
use crate::turn::{Compaction, Destroyed, Prepared};

impl Directory {
    /// Fills the next generation with what stays, and shows that the search finds what is to go.
    pub(super) async fn copy(
        &self,
        running: Running,
        progress: Arc<dyn SearchProgress>,
    ) -> Result<PurgeState, RunError> {
        self.may_destroy().await?;
        let generations = self.store.generations();
        let taken = Arc::new(running.taken.clone());
        let mut sought = generations.sought_openings(taken, running.frozen_in()?).await?;
        let of_openings = sought.len();
        let Prepared { generation, kinds, sought: of_generation, .. } =
            self.prepare_for(&running).await?;
        sought.extend(of_generation);
        let searched = self.search(&sought, progress).await?;
        let summary = SearchSummary::of(&searched, sought.len());
        if summary.found < sought.len() as u64 {
            let (sought, found) = (sought.len() as u64, summary.found);
            return Err(RunError::Blind { sought, found });
        }
        let left = LeftBehind {
            generation: generation - 1,
            kinds: kinds.into_iter().collect(),
            sought,
            of_openings,
            searched: summary,
        };
        self.step(running, PurgeState::Copied, Vec::new(), |run| run.left = Some(left)).await
    }

    /// Puts the filled generation into use. From here on what is taken is in no record any more.
    pub(super) async fn switch(&self, running: Running) -> Result<PurgeState, RunError> {
        let left = running.run.left.as_ref().ok_or(StoreError::Damaged)?.generation;
        if self.store.position().await?.generation == left {
            self.may_destroy().await?;
            let generations = self.store.generations();
            match generations.switch(left + 1).await {
                // Another process filled it: it is filled anew, by the same rule.
                Err(StoreError::Unavailable) => {
                    self.prepare_for(&running).await?;
                    self.may_destroy().await?;
                    generations.switch(left + 1).await?;
                }
                switched => switched?,
            }
        }
        let (service, version) = self.service_state().await?;
        let thawed = ServiceState { frozen: Vec::new(), ..service };
        let unchanged = Precondition::At(RecordKey::Service, version);
        let thaw = vec![(unchanged, Write::Put(Record::Service(thawed)))];
        self.step(running, PurgeState::Switched, thaw, |_| ()).await
    }

    /// Destroys the keys of the generation that was left, and erases the openings in scope.
    pub(super) async fn destroy_keys(&self, running: Running) -> Result<PurgeState, RunError> {
        self.may_destroy().await?;
        let left = running.run.left.as_ref().ok_or(StoreError::Damaged)?.generation;
        let generations = self.store.generations();
        let unfinished = generations.unfinished().await?;
        let destroyed = if unfinished.retired == Some(left) {
            generations.destroy(left).await?
        } else {
            let of_this = |destroyed: &Destroyed| destroyed.generation == left;
            unfinished.unrecorded.into_iter().find(of_this).ok_or(StoreError::Damaged)?
        };
        let taken = Arc::new(running.taken.clone());
        let erased = generations.erase(taken, running.frozen_in()?).await?;
        let set = |run: &mut PurgeRun| {
            run.destroyed = Some(destroyed);
            run.erased = Some(erased);
        };
        self.step(running, PurgeState::KeysDestroyed, Vec::new(), set).await
    }

    /// The files went with the keys; what the store remembered of that is on record now.
    pub(super) async fn remove_files(&self, running: Running) -> Result<PurgeState, RunError> {
        let generations = self.store.generations();
        for destroyed in &generations.unfinished().await?.unrecorded {
            self.record_destroyed(destroyed).await?;
        }
        generations.erasure_recorded().await?;
        self.step(running, PurgeState::FilesRemoved, Vec::new(), |_| ()).await
    }

    /// Shows that nothing of what was found before is found any more.
    pub(super) async fn search_again(
        &self,
        running: Running,
        progress: Arc<dyn SearchProgress>,
    ) -> Result<PurgeState, RunError> {
        let sought = &running.run.left.as_ref().ok_or(StoreError::Damaged)?.sought;
        let searched = self.search(sought, progress).await?;
        let summary = SearchSummary::of(&searched, sought.len());
        if let Some(first) = searched.found.into_iter().next() {
            let (found, file, offset) = (summary.found, first.file, first.offset);
            return Err(RunError::StillThere { found, file, offset });
        }
        let set = |run: &mut PurgeRun| run.searched = Some(summary);
        self.step(running, PurgeState::Scanned, Vec::new(), set).await
    }

    async fn prepare_for(&self, running: &Running) -> Result<Prepared, StoreError> {
        let compaction = Compaction { now: running.run.begun };
        let carry = Purging { taken: running.taken.clone(), compaction };
        self.store.generations().prepare(Arc::new(carry)).await
    }

    async fn search(
        &self,
        sought: &[Sought],
        progress: Arc<dyn SearchProgress>,
    ) -> Result<Searched, StoreError> {
        self.store.generations().search(sought.into(), progress).await
    }

    /// Puts a step on record: the run and every plan of it are in this state from one commit on.
    async fn step(
        &self,
        running: Running,
        state: PurgeState,
        more: Vec<(Precondition, Write)>,
        set: impl FnOnce(&mut PurgeRun) + Send,
    ) -> Result<PurgeState, RunError> {
        let Running { run, version, plans, .. } = running;
        let mut run = run.stepped(state, version);
        set(&mut run);
        let (mut rests_on, mut writes): (Vec<_>, Vec<_>) = more.into_iter().unzip();
        rests_on.push(Precondition::At(RecordKey::PurgeRun, version));
        for (plan, version) in plans {
            rests_on.push(Precondition::At(RecordKey::Purge(plan.id), version));
            writes.push(Write::Put(Record::Purge(Box::new(PurgePlan { state, ..plan }))));
        }
        self.record_step(&run, rests_on, writes).await?;
        Ok(state)
    }
}

impl Running {
    /// The entry by which it was frozen: what is erased lies below it.
    fn frozen_in(&self) -> Result<Receipt, StoreError> {
        self.run.entry_of(PurgeState::Frozen, self.version).ok_or(StoreError::Damaged)
    }
}
