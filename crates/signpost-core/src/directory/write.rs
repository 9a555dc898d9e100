//! What every write has in common: how it begins and how it is committed.

use serde::Serialize;

use super::child::Child;
use super::quotas::settle;
use super::replay::{Attempt, Earlier, Written};
use super::{Directory, Presented};
use crate::commit::{Commit, Effect, Precondition, Write};
use crate::id::{PersonId, Receipt, RequestId};
use crate::permit::{Identity, Permit, roles_for};
use crate::quota::Counted;
use crate::record::{Record, RecordKey, ReplayResult};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::register::{HeldToken, PersonStanding};
use crate::store::StoreError;
use crate::subject::Subject;
use crate::terms::{Action, Outcome};
use crate::token::TokenHash;

/// A write that a client may send twice.
pub trait WriteRequest: Serialize {
    /// What it does.
    const ACTION: Action;

    /// The client's id of it.
    fn request(&self) -> RequestId;

    /// Whether it is the very renewal by which this token of its holder's was replaced.
    fn has_replaced(&self, _presented: TokenHash, _held: &[HeldToken]) -> bool {
        false
    }
}

/// An identified, permitted, well-formed write.
#[expect(clippy::large_enum_variant, reason = "taken apart as soon as it is returned")]
pub(super) enum Begun<'r, R> {
    /// Not done before.
    New(Leave, &'r R),
    /// Done before: this is its result.
    Repeat(Written<ReplayResult>),
}

/// Leave to do a write that was not done before.
pub struct Leave {
    pub(super) identity: Box<Identity>,
    pub(super) permit: Permit,
    attempt: Attempt,
}

impl Leave {
    /// Lets the commit rest on one more record.
    pub(super) fn rest_on(&mut self, key: RecordKey, version: Receipt) {
        self.permit.rest_on(Precondition::At(key, version));
    }
}

/// What a write comes to.
pub(super) struct Change<'c> {
    /// The child that was named, for the entry's opening.
    pub(super) named: &'c Subject,
    /// The child whose purge takes the replay record with it.
    pub(super) subject: &'c Subject,
    /// What is answered, now and to a repeat.
    pub(super) result: ReplayResult,
    /// Every child record the write rests on and writes anew.
    pub(super) touched: &'c [Child],
    /// The other records it writes.
    pub(super) writes: Vec<Write>,
}

/// What a write comes to that touches nothing of a child.
pub(super) struct OwnChange {
    /// What is answered, now and to a repeat.
    pub(super) result: ReplayResult,
    /// What the entry says of it.
    pub(super) detail: [u8; 32],
    /// What the entry counts.
    pub(super) count: u32,
    /// The records it writes.
    pub(super) writes: Vec<Write>,
    /// The child that was named, for the entry's opening and the purge; none in most.
    pub(super) named: Option<Subject>,
}

impl Directory {
    /// Identifies, authorises, and only then looks at the request.
    pub(super) async fn begin_write<'r, R: WriteRequest>(
        &self,
        presented: &Presented,
        request: &'r Result<R, Invalid>,
    ) -> Result<Begun<'r, R>, Refusal> {
        let identity = self.identify(presented).await?;
        if let Some(first) = self.renewed_before(&identity, request).await? {
            return Ok(Begun::Repeat(first));
        }
        let permit = self.granted(identity.authorise(R::ACTION, self.today())).await?;
        let request = match request {
            Ok(request) => request,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        match self.earlier(&identity, request.request(), R::ACTION, request).await? {
            Earlier::None(attempt) => {
                Ok(Begun::New(Leave { identity: Box::new(identity), permit, attempt }, request))
            }
            Earlier::Same(first) => Ok(Begun::Repeat(first)),
            Earlier::Other => Err(self.refuse(permit.deny(Reason::RequestIdReused)).await),
        }
    }

    /// The first result of the renewal by which the token presented was replaced, so that an answer
    /// that was lost can be had again with the old token, while its holder still may renew one. Nothing
    /// else can.
    async fn renewed_before<R: WriteRequest>(
        &self,
        identity: &Identity,
        request: &Result<R, Invalid>,
    ) -> Result<Option<Written<ReplayResult>>, StoreError> {
        let Ok(request) = request else { return Ok(None) };
        let may = identity.may_but_for_the_token(R::ACTION, self.today())
            && request.has_replaced(identity.token.hash, &identity.person.tokens);
        if !may {
            return Ok(None);
        }
        match self.earlier(identity, request.request(), R::ACTION, request).await? {
            Earlier::Same(first) => Ok(Some(first)),
            Earlier::None(_) | Earlier::Other => Ok(None),
        }
    }

    /// Gives the leave up, on record.
    pub(super) async fn give_up(&self, leave: Leave, reason: Reason) -> Refusal {
        self.refuse(leave.permit.deny(reason)).await
    }

    /// Gives the leave up where the refusal itself tells something of the child: it costs what an
    /// answer does, and its entry has an opening, by which it is counted after a restart too.
    pub(super) async fn give_up_telling(
        &self,
        leave: Leave,
        named: &Subject,
        reason: Reason,
        mut counted: Counted,
    ) -> Refusal {
        counted.keep();
        let denial = leave.permit.deny(reason).naming(self.opening(named));
        self.refuse(denial).await
    }

    /// Whether the first name still counts: as it stands today, not as it stood when it was given.
    pub(super) async fn name_still_counts(
        &self,
        first: PersonId,
        action: Action,
        leave: &mut Leave,
    ) -> Result<bool, StoreError> {
        let key = RecordKey::Person(first);
        let Some(stored) = self.store.read(&key).await? else { return Ok(false) };
        leave.rest_on(key, stored.version);
        let Record::Person(person) = stored.record else { return Err(StoreError::Damaged) };
        let key = RecordKey::Group(person.group);
        let Some(stored) = self.store.read(&key).await? else { return Ok(false) };
        leave.rest_on(key, stored.version);
        let Record::Group(group) = stored.record else { return Err(StoreError::Damaged) };
        let key = RecordKey::Organisation(person.organisation);
        let Some(stored) = self.store.read(&key).await? else { return Ok(false) };
        leave.rest_on(key, stored.version);
        let Record::Organisation(own) = stored.record else { return Err(StoreError::Damaged) };
        let today = self.today();
        Ok(person.standing == PersonStanding::Active
            && person.lapse(today).is_none()
            && group.is_valid_on(today)
            && today <= own.authority_until
            && roles_for(action).contains(&group.role))
    }

    /// Commits the change, if nothing it rests on has changed meanwhile.
    pub(super) async fn finish_write(
        &self,
        mut leave: Leave,
        change: Change<'_>,
    ) -> Result<Receipt, Refusal> {
        let suppressed = self.suppression(&mut leave.permit, change.subject).await?;
        // What is discarded leaves nothing by which the child could be known again.
        let kept = suppressed.is_none().then_some(change.subject);
        let (unused, first_result) = self.remember(&leave.attempt, change.result, kept);
        let mut effect = Effect::new(Outcome::Done);
        effect.opening = Some(self.opening(change.named));
        effect.preconditions.push(unused);
        effect.preconditions.extend(change.touched.iter().map(Child::unchanged));
        effect.writes.extend(change.touched.iter().map(Child::put_head));
        effect.writes.extend(change.writes);
        if suppressed.is_some() {
            effect.writes.retain(|write| !makes_known(write));
        }
        effect.writes.push(first_result);
        self.commit(Commit::permitted(leave.permit, effect)).await
    }

    /// As [`Directory::finish_write`], for a write that was counted: the count is given back where
    /// certainly nothing was done.
    pub(super) async fn finish_counted(
        &self,
        leave: Leave,
        change: Change<'_>,
        mut counted: Counted,
    ) -> Result<Receipt, Refusal> {
        // Whoever gives the request up from here on may find it done.
        counted.keep();
        let finished = self.finish_write(leave, change).await;
        settle(&mut counted, &finished);
        finished
    }

    /// Commits a write that touches nothing of a child, if nothing it rests on has changed meanwhile.
    pub(super) async fn finish_own(
        &self,
        mut leave: Leave,
        mut change: OwnChange,
    ) -> Result<Receipt, Refusal> {
        let mut kept = change.named.clone();
        if let Some(named) = &change.named
            && self.suppression(&mut leave.permit, named).await?.is_some()
        {
            change.writes.retain(|write| !makes_known(write));
            kept = None;
        }
        self.finish_keeping(leave, change, kept.as_ref()).await
    }

    /// As [`Directory::finish_own`], for what is decided about a child and not recorded of it: a plan,
    /// a hold. The first result keeps no child, so that a purge need not look for it.
    pub(super) async fn finish_about(
        &self,
        leave: Leave,
        change: OwnChange,
    ) -> Result<Receipt, Refusal> {
        self.finish_keeping(leave, change, None).await
    }

    async fn finish_keeping(
        &self,
        leave: Leave,
        change: OwnChange,
        kept: Option<&Subject>,
    ) -> Result<Receipt, Refusal> {
        let OwnChange { result, detail, count, writes, named } = change;
        let (unused, first_result) = self.remember(&leave.attempt, result, kept);
        let opening = named.as_ref().map(|named| self.opening(named));
        let mut effect = Effect { opening, detail, count, ..Effect::new(Outcome::Done) };
        effect.preconditions.push(unused);
        effect.writes.push(first_result);
        effect.writes.extend(writes);
        self.commit(Commit::permitted(leave.permit, effect)).await
    }
}

/// Whether a write lets a child be known. That a lifting waits does not, and it lapses by itself.
fn makes_known(write: &Write) -> bool {
    match write {
        Write::Put(Record::Head(_) | Record::Flag(_) | Record::Canary(_)) => true,
        Write::Put(_) | Write::Remove(_) => false,
    }
}
