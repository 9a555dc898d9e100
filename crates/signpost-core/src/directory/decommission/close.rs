//! The closing itself: put on record at the set instant, and never undone.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use jiff::Timestamp;

use super::super::purge::detail;
use super::super::{Directory, MayNotDestroy};
use crate::closing::Closing;
use crate::commit::{Commit, Effect, Precondition, Write};
use crate::decommissioning::{ClosingFigures, Decommissioning};
use crate::id::Receipt;
use crate::permit::Permit;
use crate::record::{Record, RecordKey, RecordKind, Scope};
use crate::refusal::Refusal;
use crate::register::ServiceState;
use crate::store::StoreError;
use crate::terms::{Action, DecommissioningState, Outcome};

const PAGE: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

impl Directory {
    /// The instant of the approved closing, if there is one that is not on record yet.
    pub async fn closes_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let (service, _) = self.service_state().await?;
        Ok(service.closing.filter(|closing| !closing.is_latched).map(|closing| closing.at))
    }

    /// Whether the service is closed now, on record or by the time.
    pub async fn is_closed(&self) -> Result<bool, StoreError> {
        let (service, _) = self.service_state().await?;
        Ok(service.closing.is_some_and(|closing| closing.is_closed_at(self.now())))
    }

    /// Puts the closing on record if its instant has come and the clock is not in doubt: from here on it
    /// holds whatever the clock says. Until then, and from the instant on, nobody is answered either.
    pub async fn close_when_due(&self) -> Result<Option<Receipt>, Refusal> {
        let (service, version) = self.service_state().await?;
        let Some(closing) = service.closing.filter(|closing| !closing.is_latched) else {
            return Ok(None);
        };
        let now = self.now();
        if now < closing.at {
            return Ok(None);
        }
        match self.may_destroy().await {
            Ok(()) => {}
            Err(MayNotDestroy::ClockInDoubt) => return Ok(None),
            Err(MayNotDestroy::Store(error)) => return Err(error.into()),
        }
        let (planned, mut found) = self.decommissioning_now().await?.ok_or(StoreError::Damaged)?;
        found.note_entries(planned);
        found.state = DecommissioningState::Closed;
        found.closed_at = Some(now);
        let rests_on = vec![
            Precondition::Absent(RecordKey::ClockDoubt),
            Precondition::At(RecordKey::Service, version),
            Precondition::At(RecordKey::Decommissioning, planned),
        ];
        let closing = Some(Closing { is_latched: true, ..closing });
        let state = Write::Put(Record::Service(ServiceState { closing, ..service }));
        self.record_of_closing(Action::CloseService, 0, found, (rests_on, vec![state]))
            .await
            .map(Some)
    }

    /// The entry of the closing, as long as it is not on record what there was then.
    pub async fn closing_without_figures(&self) -> Result<Option<Receipt>, StoreError> {
        let found = self.decommissioning_now().await?;
        let waits = found.filter(|(_, found)| found.figures.is_none());
        Ok(waits.and_then(|(version, found)| found.closed_in(version)))
    }

    /// Puts on record what there is at the closing: the records of each kind, and the tree's root over
    /// the ledger with the closing in it. Once; nothing before the closing.
    pub async fn record_closing_figures(
        &self,
        ledger_size: u64,
        ledger_root: [u8; 32],
    ) -> Result<Option<Receipt>, Refusal> {
        let Some((version, mut found)) = self.decommissioning_now().await? else {
            return Ok(None);
        };
        let covers = found.closed_in(version).is_some_and(|entry| entry.0 < ledger_size);
        if found.figures.is_some() || !covers {
            return Ok(None);
        }
        let records = self.count_records().await?;
        let count = records.iter().map(|(_, count)| *count).sum::<u64>();
        found.note_entries(version);
        found.figures = Some(ClosingFigures { records, ledger_size, ledger_root });
        let rests_on = vec![Precondition::At(RecordKey::Decommissioning, version)];
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.record_of_closing(Action::RecordClosing, count, found, (rests_on, Vec::new()))
            .await
            .map(Some)
    }

    /// Puts a step of the closing on record, with the decommissioning as it stands after it.
    pub(super) async fn record_of_closing(
        &self,
        action: Action,
        count: u32,
        found: Decommissioning,
        (rests_on, mut writes): (Vec<Precondition>, Vec<Write>),
    ) -> Result<Receipt, Refusal> {
        let permit = Permit::of_service(action, None, self.policy.digest(), rests_on);
        let detail = detail(found.id.as_bytes(), Some(found.digest.as_bytes()));
        writes.push(Write::Put(Record::Decommissioning(Box::new(found))));
        let effect = Effect { detail, count, writes, ..Effect::new(Outcome::Done) };
        self.commit(Commit::permitted(permit, effect)).await
    }

    /// How many records of each kind there are.
    async fn count_records(&self) -> Result<Vec<(RecordKind, u64)>, StoreError> {
        let mut counts = BTreeMap::<RecordKind, u64>::new();
        let mut after = None;
        loop {
            let page = self.store.scan(&Scope::Everything, after.as_ref(), PAGE).await?;
            for stored in &page {
                *counts.entry(stored.record.kind()).or_default() += 1;
            }
            if page.len() < PAGE.get() {
                return Ok(counts.into_iter().collect());
            }
            after = page.last().map(|stored| stored.record.key());
        }
    }
}
