//! Looking at a purge: what everybody with a part in it is shown, and what a privacy officer alone is.

use super::super::replay::Written;
use super::super::{Directory, Presented};
use super::detail;
use crate::commit::{Commit, Effect};
use crate::id::{PurgeId, Receipt};
use crate::permit::Permit;
use crate::purge::{Count, LegalHold, PurgePlan, PurgeScope};
use crate::record::{Record, RecordKey};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::StoreError;
use crate::terms::{Action, Outcome, PurgeState};

/// A purge as it is shown. It names no child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownPurge {
    /// The plan, without the child's pseudonyms.
    pub plan: PurgePlan,
    /// How far it is.
    pub state: PurgeState,
    /// Whether it was counted what it takes; it cannot be approved before.
    pub is_counted: bool,
    /// What was counted. Of one child never: see [`Directory::purge_annex_of`].
    pub counts: Option<Vec<Count>>,
    /// Every hold that stands, by its id and case reference and without the child it is of; with every
    /// plan the same, so that it does not tell which of them hold anything of this one back. Given with
    /// one plan, not with a list of them.
    pub holds: Vec<LegalHold>,
}

impl Directory {
    /// Shows a purge, and with it every hold that stands. The look is on record.
    pub async fn show_purge(
        &self,
        presented: &Presented,
        request: &Result<PurgeId, Invalid>,
    ) -> Result<Written<ShownPurge>, Refusal> {
        retry_contended!(self.show_purge_once(presented, request))
    }

    async fn show_purge_once(
        &self,
        presented: &Presented,
        request: &Result<PurgeId, Invalid>,
    ) -> Result<Written<ShownPurge>, Refusal> {
        let (mut permit, id) = self.may_look(presented, Action::ShowPurge, request).await?;
        let Some((_, plan)) = self.plan(&mut permit, id).await? else {
            return Err(self.refuse(permit.deny(Reason::Unknown("purge"))).await);
        };
        let mut shown = self.shown(plan).await?;
        shown.holds = self.standing_holds().await?;
        for hold in &mut shown.holds {
            *hold = hold.clone().without_child();
        }
        self.looked_at(permit, id, shown).await
    }

    /// Shows what a dry run counted, of one child too: to a privacy officer, on record.
    pub async fn purge_annex_of(
        &self,
        presented: &Presented,
        request: &Result<PurgeId, Invalid>,
    ) -> Result<Written<Vec<Count>>, Refusal> {
        retry_contended!(self.purge_annex_of_once(presented, request))
    }

    async fn purge_annex_of_once(
        &self,
        presented: &Presented,
        request: &Result<PurgeId, Invalid>,
    ) -> Result<Written<Vec<Count>>, Refusal> {
        let (mut permit, id) = self.may_look(presented, Action::ReadPurgeAnnex, request).await?;
        if self.plan(&mut permit, id).await?.is_none() {
            return Err(self.refuse(permit.deny(Reason::Unknown("purge"))).await);
        }
        let Some(annex) = self.purge_annex(&mut permit, id).await? else {
            let problem = "what the purge takes is being counted; look at it again in a while";
            return Err(self.refuse(permit.deny(Reason::WrongState(problem))).await);
        };
        self.looked_at(permit, id, annex.counts).await
    }

    /// Shows the certificate of a purge: its text, and the entry that holds its digest; none as long as
    /// it is not certified. The look is on record.
    pub async fn purge_certificate(
        &self,
        presented: &Presented,
        request: &Result<PurgeId, Invalid>,
    ) -> Result<Written<Option<(String, Receipt)>>, Refusal> {
        retry_contended!(self.purge_certificate_once(presented, request))
    }

    async fn purge_certificate_once(
        &self,
        presented: &Presented,
        request: &Result<PurgeId, Invalid>,
    ) -> Result<Written<Option<(String, Receipt)>>, Refusal> {
        let (mut permit, id) = self.may_look(presented, Action::ShowPurge, request).await?;
        if self.plan(&mut permit, id).await?.is_none() {
            return Err(self.refuse(permit.deny(Reason::Unknown("purge"))).await);
        }
        let certificate = match self.look_up(&mut permit, RecordKey::PurgeCertificate(id)).await? {
            None => None,
            Some((version, Record::PurgeCertificate(certificate))) => {
                Some((certificate.text, version))
            }
            Some(_) => return Err(StoreError::Damaged.into()),
        };
        self.looked_at(permit, id, certificate).await
    }

    /// Leave for a look at what is named.
    pub(in crate::directory) async fn may_look<T: Clone + Send + Sync>(
        &self,
        presented: &Presented,
        action: Action,
        request: &Result<T, Invalid>,
    ) -> Result<(Permit, T), Refusal> {
        let identity = self.identify(presented).await?;
        let permit = self.granted(identity.authorise(action, self.today())).await?;
        match request {
            Ok(named) => Ok((permit, named.clone())),
            Err(invalid) => Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await),
        }
    }

    async fn looked_at<T: Send>(
        &self,
        permit: Permit,
        id: PurgeId,
        result: T,
    ) -> Result<Written<T>, Refusal> {
        let effect = Effect { detail: detail(id.as_bytes(), None), ..Effect::new(Outcome::Done) };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        Ok(Written { result, receipt })
    }

    /// A plan as it is shown, but for the holds.
    pub(super) async fn shown(&self, plan: PurgePlan) -> Result<ShownPurge, StoreError> {
        let stored = self.store.read(&RecordKey::PurgeAnnex(plan.id)).await?;
        let counted = match stored.map(|stored| stored.record) {
            None => None,
            Some(Record::PurgeAnnex(annex)) => Some(annex.counts),
            Some(_) => return Err(StoreError::Damaged),
        };
        let is_counted = counted.is_some();
        // That there is anything of a child would tell that the child is known.
        let counts = counted.filter(|_| !matches!(plan.scope, PurgeScope::Child { .. }));
        let state = plan.state_at(self.now());
        let plan = plan.without_child();
        Ok(ShownPurge { plan, state, is_counted, counts, holds: Vec::new() })
    }
}
