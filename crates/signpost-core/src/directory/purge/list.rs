//! Lists of purges and of holds, each look on record.

use super::super::replay::Written;
use super::super::{Directory, Presented};
use super::show::ShownPurge;
use super::{PAGE, detail};
use crate::commit::{Commit, Effect};
use crate::id::PurgeId;
use crate::permit::Permit;
use crate::purge::LegalHold;
use crate::record::{Kind, Record, RecordKey, Scope};
use crate::refusal::{Invalid, Refusal};
use crate::store::StoreError;
use crate::terms::{Action, Outcome};

/// A look at the purges.
#[derive(Clone, Debug)]
pub struct ListPurges {
    /// Those too that are over: certified, called off or expired.
    pub over_too: bool,
    /// The id of the last purge of the page before; none for the first page.
    pub after: Option<PurgeId>,
    /// The most of a page: 1 to 500.
    pub limit: usize,
}

/// A look at the holds.
#[derive(Clone, Copy, Debug)]
pub struct ListHolds {
    /// Those too that do not stand: lifted, or never given their second name.
    pub others_too: bool,
}

impl Directory {
    /// Lists purges, in the order of the store; `true` beside them if there is more.
    pub async fn list_purges(
        &self,
        presented: &Presented,
        request: &Result<ListPurges, Invalid>,
    ) -> Result<Written<(Vec<ShownPurge>, bool)>, Refusal> {
        retry_contended!(self.list_purges_once(presented, request))
    }

    async fn list_purges_once(
        &self,
        presented: &Presented,
        request: &Result<ListPurges, Invalid>,
    ) -> Result<Written<(Vec<ShownPurge>, bool)>, Refusal> {
        let (permit, list) = self.may_look(presented, Action::ListPurges, request).await?;
        let (purges, is_more) = self.purges(&list).await?;
        let receipt = self.listed(permit, purges.len()).await?;
        Ok(Written { result: (purges, is_more), receipt: receipt.receipt })
    }

    /// Lists holds, in order of id, without the children they are of.
    pub async fn list_holds(
        &self,
        presented: &Presented,
        request: &Result<ListHolds, Invalid>,
    ) -> Result<Written<Vec<LegalHold>>, Refusal> {
        retry_contended!(self.list_holds_once(presented, request))
    }

    async fn list_holds_once(
        &self,
        presented: &Presented,
        request: &Result<ListHolds, Invalid>,
    ) -> Result<Written<Vec<LegalHold>>, Refusal> {
        let (permit, list) = self.may_look(presented, Action::ListHolds, request).await?;
        let mut holds = self.holds().await?;
        holds.retain(|hold| list.others_too || hold.stands());
        holds.sort_by_key(|hold| hold.id);
        let holds: Vec<_> = holds.into_iter().map(LegalHold::without_child).collect();
        let receipt = self.listed(permit, holds.len()).await?;
        Ok(Written { result: holds, receipt: receipt.receipt })
    }

    async fn purges(&self, list: &ListPurges) -> Result<(Vec<ShownPurge>, bool), StoreError> {
        let mut purges = Vec::new();
        let mut after = list.after.map(RecordKey::Purge);
        loop {
            let page = self.store.scan(&Scope::Kind(Kind::Purge), after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            for stored in page {
                let Record::Purge(plan) = stored.record else { return Err(StoreError::Damaged) };
                if plan.is_over_at(self.now()) && !list.over_too {
                    continue;
                }
                if purges.len() == list.limit {
                    return Ok((purges, true));
                }
                purges.push(self.shown(*plan).await?);
            }
            if is_last {
                return Ok((purges, false));
            }
        }
    }

    async fn listed(&self, permit: Permit, count: usize) -> Result<Written<()>, Refusal> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let effect = Effect { count, detail: detail(&[0; 16], None), ..Effect::new(Outcome::Done) };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        Ok(Written { result: (), receipt })
    }
}
