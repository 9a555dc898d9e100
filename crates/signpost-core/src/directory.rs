//! The directory: one file per operation, each the same five words in one function.

/// Decides an operation, and again where others changed what it rests on. A macro, for a future
/// made by an async closure is not known to be `Send`.
macro_rules! retry_contended {
    ($decide:expr) => {{
        let mut tries = 1;
        loop {
            match $decide.await {
                Err(Refusal::Contended) if tries < $crate::directory::TRIES_MAX => tries += 1,
                decided => break decided,
            }
        }
    }};
}

mod alerts;
mod anchor;
mod ask;
mod broker;
mod child;
mod clock;
pub mod decommission;
mod end_contact;
mod evaluate;
mod figures;
mod history;
mod identify;
mod ledger;
pub mod onboarding;
pub mod purge;
mod quotas;
mod record_contact;
mod replay;
mod run;
mod service;
mod shield;
mod turn;
mod write;

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::clock::ServiceClock;
use crate::commit::Commit;
use crate::entry::{Nonce, Opening};
use crate::id::{Fingerprint, Receipt};
use crate::permit::Denial;
use crate::policy::Policy;
use crate::purge::PurgeRules;
use crate::quota::Meter;
use crate::record::{Record, RecordKey};
use crate::refusal::Refusal;
use crate::store::{CertificateIssuer, Clock, Entropy, Store};
use crate::subject::Subject;
use crate::tally::Tally;
use crate::terms::Outcome;
use crate::token::{Token, TokenError};
use figures::Counting;

pub use alerts::{AddCanary, AlertWatch, CloseAlert, ListAlerts};
pub use ask::{Answer, Question};
pub use broker::BrokeredQuestion;
pub use clock::{ClockConfirmation, ClockProgress, MayNotDestroy};
pub use end_contact::ContactEnd;
pub use evaluate::EvaluationLeave;
pub use figures::{GetFigures, PublishedMonths};
pub use history::{
    Access, ConsentToHistory, HistoryPage, OnBehalfOf, ReadHistory, RequestHistory, ReviewAccess,
    WithheldAccess,
};
pub use ledger::{EntryFilter, ListEntries, ListedEntries};
pub use record_contact::NewContact;
pub use replay::Written;
pub use run::{Due, PurgeFacts, RunError, StepTaken};
pub use service::{PolicyInForce, StartError};
pub use shield::{LiftProgress, NewShield, ShieldLift};
pub use turn::TurnError;

/// How often an operation is decided anew when others change what it rests on.
const TRIES_MAX: usize = 8;

/// The rules over a store: every operation that Signpost offers.
#[derive(Clone, Debug)]
pub struct Directory {
    store: Arc<dyn Store>,
    policy: Arc<Policy>,
    clock: ServiceClock,
    entropy: Arc<dyn Entropy>,
    tally: Arc<Tally>,
    meter: Arc<Meter>,
    /// How purges are planned.
    purge_rules: PurgeRules,
    /// How far months are counted whose figures were asked for.
    counting: Arc<Counting>,
    /// Who signs certificates, if the service has an authority of its own.
    issuer: Option<Arc<dyn CertificateIssuer>>,
}

/// What a request brings to be known by.
#[derive(Clone, Debug)]
pub struct Presented {
    /// The verified client certificate.
    pub certificate: Fingerprint,
    /// The token: none, or what became of reading it.
    pub token: Option<Result<Token, TokenError>>,
}

impl Directory {
    /// The same directory, with an authority of its own that signs certificates.
    #[must_use]
    pub fn with_issuer(self, issuer: Arc<dyn CertificateIssuer>) -> Self {
        Self { issuer: Some(issuer), ..self }
    }

    /// The same directory, by these rules for purges.
    #[must_use]
    pub fn with_purge_rules(self, purge_rules: PurgeRules) -> Self {
        Self { purge_rules, ..self }
    }

    /// Service time.
    #[must_use]
    pub fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Today by service time, in UTC.
    #[must_use]
    pub fn today(&self) -> Date {
        TimeZone::UTC.to_datetime(self.now()).date()
    }

    /// Counts a refusal of whoever has this certificate, for the system it names if it names one.
    pub async fn count_refusal_at(&self, certificate: Fingerprint, reason: Outcome) {
        let stored = self.store.read(&RecordKey::Certificate(certificate)).await;
        let mut system = None;
        if let Ok(Some(stored)) = stored
            && let Record::Certificate(certificate) = stored.record
        {
            system = Some(certificate.system);
        }
        self.tally.count(system, reason);
    }

    /// Counts a refusal that came before there was a certificate.
    pub fn count_refusal(&self, reason: Outcome) {
        self.tally.count(None, reason);
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    fn opening(&self, subject: &Subject) -> Opening {
        Opening::new(Nonce::new(self.random()), subject.clone())
    }

    /// Puts a denial on record; what comes back is what the caller is told.
    async fn refuse(&self, denial: Denial) -> Refusal {
        match self.store.commit(Commit::denied(&denial)).await {
            Ok(receipt) => Refusal::Refused { reason: denial.into_reason(), receipt },
            Err(error) => error.into(),
        }
    }

    async fn granted<T: Send>(&self, decided: Result<T, Denial>) -> Result<T, Refusal> {
        match decided {
            Ok(value) => Ok(value),
            Err(denial) => Err(self.refuse(denial).await),
        }
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, Refusal> {
        let before = commit.before();
        let receipt = self.store.commit(commit).await?;
        // It stands on record, but came so late that the service is closed by now: nobody is answered.
        if before.is_some_and(|before| self.now() >= before) {
            return Err(Refusal::Contended);
        }
        Ok(receipt)
    }
}
