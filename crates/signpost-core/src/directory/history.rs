//! "Who looked?": a history is asked for in one name, consented to in another, and read by both.

mod access;
mod classify;
mod read;

use async_trait::async_trait;
use jiff::ToSpan;
use serde::Serialize;

use super::Directory;
use super::onboarding::change::{Change, Decide, Declined, register_requests};
use super::write::Leave;
use crate::commit::Write;
use crate::history::{AccessDecision, AccessReview, History, HistoryState, ReviewNonce};
use crate::id::{HistoryId, Receipt, RequestId};
use crate::record::{Record, RecordKey, Registered};
use crate::refusal::Reason;
use crate::subject::Subject;
use crate::terms::Action;
use crate::text::CaseReference;

pub use access::{Access, OnBehalfOf, WithheldAccess};
pub use read::{HistoryPage, ReadHistory};

/// How long a history waits for its second name.
const CONSENT_WAITS_HOURS: i64 = 7 * 24;

/// How long it may be read and reviewed from then on: a month is what Article 12 of the UK GDPR gives.
const READ_HOURS: i64 = 30 * 24;

/// Asks for the history of a child, known or not: nothing of the child is looked at now.
#[derive(Clone, Debug, Serialize)]
pub struct RequestHistory {
    /// The client's id of this write.
    pub request: RequestId,
    /// The child.
    pub subject: Subject,
    /// The case of the verified requester.
    pub reference: CaseReference,
}

/// Consents to a history that a different person asked for. Child and case are named again, from the
/// requester's own papers: a history of the wrong child is found here, before anybody sees it.
#[derive(Clone, Debug, Serialize)]
pub struct ConsentToHistory {
    /// The client's id of this write.
    pub request: RequestId,
    /// The history.
    pub history: HistoryId,
    /// The child, by the same pseudonyms.
    pub subject: Subject,
    /// The same case.
    pub reference: CaseReference,
}

/// Decides of one access that is withheld unless it is released, for this history alone. A later
/// decision takes the place of an earlier one.
#[derive(Clone, Debug, Serialize)]
pub struct ReviewAccess {
    /// The client's id of this write.
    pub request: RequestId,
    /// The history.
    pub history: HistoryId,
    /// The entry of the access.
    pub entry: Receipt,
    /// What is decided.
    pub decision: AccessDecision,
}

register_requests! {
    RequestHistory => RequestHistory;
    ConsentToHistory => ConsentToHistory;
    ReviewAccess => ReviewAccess;
}

#[async_trait]
impl Decide for RequestHistory {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let id = HistoryId::new(directory.random());
        let until = directory.now().saturating_add(CONSENT_WAITS_HOURS.hours());
        let history = History {
            id,
            subject: self.subject.clone(),
            reference: self.reference.clone(),
            requester: leave.identity.person(),
            until: until.expect("hours are a fixed span"),
            state: HistoryState::AwaitingConsent,
        };
        let writes = vec![Write::Put(Record::History(history))];
        let change = Change::naming(self.subject.clone(), detail(id), writes);
        Ok(change.answering(Registered::History(id)))
    }
}

#[async_trait]
impl Decide for ConsentToHistory {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let history = directory.history(&mut leave.permit, self.history).await?;
        // Whatever does not fit is told as one: who guesses learns nothing of what was named.
        let unknown = || Declined::from(Reason::Unknown("history that waits for this consent"));
        let waits = |history: &History| {
            history.state == HistoryState::AwaitingConsent
                && directory.now() < history.until
                && history.subject.is_same_as(&self.subject)
                && history.reference == self.reference
        };
        let history = history.filter(waits).ok_or_else(unknown)?;
        let (first, me) = (history.requester, leave.identity.person());
        if first == me {
            return Err(Reason::SameName.into());
        }
        if !directory.name_still_counts(first, Action::RequestHistory, leave).await? {
            return Err(unknown());
        }
        if !directory.are_independent(&mut leave.permit, (first, me)).await? {
            return Err(Reason::NotIndependent.into());
        }
        let until = directory.now().saturating_add(READ_HOURS.hours());
        let history = History {
            until: until.expect("hours are a fixed span"),
            state: HistoryState::Consented { by: me },
            ..history
        };
        let writes = vec![Write::Put(Record::History(history))];
        Ok(Change::naming(self.subject.clone(), detail(self.history), writes))
    }
}

#[async_trait]
impl Decide for ReviewAccess {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let me = leave.identity.person();
        let history = directory.open_history(&mut leave.permit, self.history, me).await?;
        let Some(entry) = directory.access_to(&history.subject, self.entry).await? else {
            return Err(Reason::Unknown("access in this history").into());
        };
        if entry.actor() == Some(leave.identity.person.actor) {
            return Err(Reason::OwnRecord.into());
        }
        let because = directory.withheld_because(leave, &history.subject, &entry).await?;
        if because.is_empty() {
            return Err(Reason::WrongState("this access is told without a review").into());
        }
        let review = AccessReview {
            history: history.id,
            entry: self.entry,
            subject: history.subject.clone(),
            decision: self.decision,
            by: me,
            nonce: ReviewNonce::new(directory.random()),
        };
        let detail = review.detail();
        // Of two reviews at once each rests on what the other wrote.
        let key = RecordKey::AccessReview(history.id, self.entry);
        directory.look_up(&mut leave.permit, key).await?;
        let writes = vec![Write::Put(Record::AccessReview(review))];
        Ok(Change::naming(history.subject, detail, writes))
    }
}

/// What the entries of a history say of it: its id, and nothing of the child or the case.
fn detail(history: HistoryId) -> [u8; 32] {
    let mut detail = [0; 32];
    detail[..16].copy_from_slice(history.as_bytes());
    detail
}
