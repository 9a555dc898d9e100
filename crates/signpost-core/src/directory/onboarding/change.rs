//! What every change of the register has in common: decided on what was read, committed on it.

use async_trait::async_trait;

use super::super::replay::Written;
use super::super::write::{Begun, Leave, OwnChange, WriteRequest};
use super::super::{Directory, Presented};
use crate::alert::Alert;
use crate::commit::{Precondition, Write};
use crate::history::History;
use crate::id::{
    AlertId, Fingerprint, GroupId, HistoryId, HoldId, OrganisationId, PersonId, ProposalId,
    PurgeId, Receipt, SuppressionMarker, SystemId, TeamId,
};
use crate::permit::Permit;
use crate::purge::{LegalHold, PurgeAnnex, PurgeQuota, Suppression};
use crate::record::{Record, RecordKey, Registered, ReplayResult};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::register::{
    Certificate, Claim, Claimed, Custodies, Enrolment, Group, Members, Organisation, Person,
    Proposal, System, Team, TokenRecord,
};
use crate::store::StoreError;
use crate::subject::Subject;
use crate::token::{CodeHash, TokenHash};

/// A change of the register that a person asks for.
///
/// Each is decided in its own file; nobody outside this crate adds one.
pub trait RegisterRequest: Decide {}

impl<R: Decide> RegisterRequest for R {}

/// What the change comes to, once it is permitted.
#[async_trait]
pub trait Decide: WriteRequest + Sync {
    /// Reads what it rests on, and says what is written. Called again where that changed meanwhile.
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined>;
}

/// What a change of the register comes to.
#[derive(Debug)]
pub struct Change {
    pub(super) result: Registered,
    pub(super) detail: [u8; 32],
    pub(super) count: u32,
    pub(super) writes: Vec<Write>,
    /// The child that was named, for the entry's opening; none in all but canaries and histories.
    pub(super) named: Option<Subject>,
}

/// Why a change of the register does not come about.
#[derive(Debug)]
pub enum Declined {
    /// It is refused, on record.
    Refused(Reason),
    /// The store failed.
    Store(StoreError),
}

impl Change {
    /// What was named is changed.
    pub(in crate::directory) fn of(detail: [u8; 32], writes: Vec<Write>) -> Self {
        Self { result: Registered::Changed, detail, count: 0, writes, named: None }
    }

    /// A child was named, as none in the register is: the entry has its opening.
    pub(in crate::directory) fn naming(
        named: Subject,
        detail: [u8; 32],
        writes: Vec<Write>,
    ) -> Self {
        Self { named: Some(named), ..Self::of(detail, writes) }
    }

    /// The same, answered with this.
    pub(in crate::directory) fn answering(self, result: Registered) -> Self {
        Self { result, ..self }
    }

    /// Something new is there.
    pub(super) fn new(result: Registered, detail: [u8; 32], writes: Vec<Write>) -> Self {
        Self { result, detail, count: 0, writes, named: None }
    }
}

impl Directory {
    /// Changes the register as an administrator, a sponsor or the holder of a token asks for it.
    pub async fn onboard<R: RegisterRequest>(
        &self,
        presented: &Presented,
        request: &Result<R, Invalid>,
    ) -> Result<Written<Registered>, Refusal> {
        retry_contended!(self.onboard_once(presented, request))
    }

    async fn onboard_once<R: RegisterRequest>(
        &self,
        presented: &Presented,
        request: &Result<R, Invalid>,
    ) -> Result<Written<Registered>, Refusal> {
        let (mut leave, request) = match self.begin_write(presented, request).await? {
            Begun::New(leave, request) => (leave, request),
            Begun::Repeat(first) => {
                let ReplayResult::Register(result) = first.result else {
                    return Err(StoreError::Damaged.into());
                };
                return Ok(Written { result, receipt: first.receipt });
            }
        };
        let change = match request.decide(self, &mut leave).await {
            Ok(change) => change,
            Err(Declined::Refused(reason)) => return Err(self.give_up(leave, reason).await),
            Err(Declined::Store(error)) => return Err(error.into()),
        };
        let Change { result, detail, count, writes, named } = change;
        let replayed = ReplayResult::Register(result.clone());
        let change = OwnChange { result: replayed, detail, count, writes, named };
        let receipt = self.finish_own(leave, change).await?;
        Ok(Written { result, receipt })
    }

    /// Reads a record; the commit will rest on its being as it is now, there or not.
    pub(in crate::directory) async fn look_up(
        &self,
        permit: &mut Permit,
        key: RecordKey,
    ) -> Result<Option<(Receipt, Record)>, StoreError> {
        let stored = self.store.read(&key).await?;
        let version = stored.as_ref().map(|stored| stored.version);
        permit.rest_on(Precondition::unchanged(key, version));
        Ok(stored.map(|stored| (stored.version, stored.record)))
    }
}

/// Declares how one kind of record is looked up; a key that leads to another kind is damage.
macro_rules! look_ups {
    ($($name:ident($id:ident: $id_type:ty) $variant:ident => $kind:ty;)+) => {
        impl Directory {$(
            pub(in crate::directory) async fn $name(
                &self,
                permit: &mut Permit,
                $id: $id_type,
            ) -> Result<Option<$kind>, StoreError> {
                match self.look_up(permit, RecordKey::$variant($id)).await? {
                    None => Ok(None),
                    Some((_, Record::$variant(record))) => Ok(Some(record)),
                    Some(_) => Err(StoreError::Damaged),
                }
            }
        )+}
    };
}

look_ups! {
    organisation(id: OrganisationId) Organisation => Organisation;
    team(id: TeamId) Team => Team;
    system(id: SystemId) System => System;
    certificate(fingerprint: Fingerprint) Certificate => Certificate;
    group(id: GroupId) Group => Group;
    person(id: PersonId) Person => Person;
    token(hash: TokenHash) Token => TokenRecord;
    members_of(group: GroupId) Members => Members;
    claim(claimed: Claimed) Claim => Claim;
    custodies_of(organisation: OrganisationId) Custodies => Custodies;
    enrolment(code: CodeHash) Enrolment => Enrolment;
    proposal(id: ProposalId) Proposal => Proposal;
    alert(id: AlertId) Alert => Alert;
    hold(id: HoldId) Hold => Box<LegalHold>;
    purge_annex(purge: PurgeId) PurgeAnnex => PurgeAnnex;
    purge_quota(person: PersonId) PurgeQuota => PurgeQuota;
    suppression_at(marker: SuppressionMarker) Suppression => Suppression;
    history(id: HistoryId) History => History;
}

/// What a reference of the register leads to: damage if it leads nowhere.
pub(super) fn present<T>(found: Option<T>) -> Result<T, StoreError> {
    found.ok_or(StoreError::Damaged)
}

impl From<Reason> for Declined {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason)
    }
}

impl From<StoreError> for Declined {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Says of a request what it does and by which id it is known.
macro_rules! register_requests {
    ($($name:ident => $action:ident;)+) => {$(
        impl $crate::directory::write::WriteRequest for $name {
            const ACTION: $crate::terms::Action = $crate::terms::Action::$action;

            fn request(&self) -> $crate::id::RequestId {
                self.request
            }
        }
    )+};
}
pub(in crate::directory) use register_requests;
