//! "Who looked?": two names, what is told, what is left out, and what no reply or entry tells.

mod consent;
mod review;
mod told;

use signpost_core::directory::{
    Access, ConsentToHistory, HistoryPage, ReadHistory, RequestHistory, ReviewAccess,
    WithheldAccess, Written,
};
use signpost_core::history::AccessDecision;
use signpost_core::id::{HistoryId, Receipt};
use signpost_core::record::Registered;
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::subject::Subject;

use crate::fixture::*;

const CASE: &str = "SAR-2026-0042";
const NOT_OPEN: Reason = Reason::Unknown("history that is open to you");
const NOT_WAITING: Reason = Reason::Unknown("history that waits for this consent");

impl Scene {
    async fn try_request(
        &self,
        who: Who,
        subject: &Subject,
    ) -> Result<Written<Registered>, Refusal> {
        let (request, subject) = (self.request(), subject.clone());
        let request = RequestHistory { request, subject, reference: text(CASE) };
        self.directory.onboard(&who.presented(), &Ok(request)).await
    }

    async fn request_history(&self, who: Who, subject: &Subject) -> HistoryId {
        match self.try_request(who, subject).await.unwrap().result {
            Registered::History(id) => id,
            other => panic!("a request gives a history, not {other:?}"),
        }
    }

    async fn consent_as(
        &self,
        who: Who,
        history: HistoryId,
        subject: &Subject,
        reference: &str,
    ) -> Result<Written<Registered>, Refusal> {
        let consent = ConsentToHistory {
            request: self.request(),
            history,
            subject: subject.clone(),
            reference: text(reference),
        };
        self.directory.onboard(&who.presented(), &Ok(consent)).await
    }

    async fn consent(
        &self,
        who: Who,
        history: HistoryId,
        subject: &Subject,
    ) -> Result<Written<Registered>, Refusal> {
        self.consent_as(who, history, subject, CASE).await
    }

    /// A history of Priya's to which Petra has consented.
    async fn history_of(&self, subject: &Subject) -> HistoryId {
        let history = self.request_history(PRIYA, subject).await;
        self.consent(PETRA, history, subject).await.unwrap();
        history
    }

    async fn read_from(
        &self,
        who: Who,
        history: HistoryId,
        (from, limit): (Option<Receipt>, usize),
    ) -> Result<Written<HistoryPage<Access>>, Refusal> {
        let read = ReadHistory { history, from, limit };
        self.directory.read_history(&who.presented(), &Ok(read)).await
    }

    async fn read(
        &self,
        who: Who,
        history: HistoryId,
    ) -> Result<Written<HistoryPage<Access>>, Refusal> {
        self.read_from(who, history, (None, 500)).await
    }

    async fn try_withheld(
        &self,
        who: Who,
        history: HistoryId,
    ) -> Result<Written<HistoryPage<WithheldAccess>>, Refusal> {
        let read = ReadHistory { history, from: None, limit: 500 };
        self.directory.list_withheld(&who.presented(), &Ok(read)).await
    }

    /// What the requester is told, in one page.
    async fn told(&self, history: HistoryId) -> Vec<Access> {
        let page = self.read(PRIYA, history).await.unwrap().result;
        assert_eq!(page.next, None);
        page.accesses
    }

    /// What is left out, or was before it was reviewed.
    async fn withheld(&self, history: HistoryId) -> Vec<WithheldAccess> {
        self.try_withheld(PRIYA, history).await.unwrap().result.accesses
    }

    async fn review(
        &self,
        who: Who,
        history: HistoryId,
        entry: Receipt,
        decision: AccessDecision,
    ) -> Result<Written<Registered>, Refusal> {
        let review = ReviewAccess { request: self.request(), history, entry, decision };
        self.directory.onboard(&who.presented(), &Ok(review)).await
    }
}

fn entries_of(accesses: &[Access]) -> Vec<u64> {
    accesses.iter().map(|access| access.entry.0).collect()
}
