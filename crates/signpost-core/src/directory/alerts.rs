//! Alerts, derived from the ledger after the answers: looked for, listed, closed.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

use super::child::load_all;
use super::onboarding::change::{Change, Decide, Declined, register_requests};
use super::quotas::{first_since, openings_between};
use super::replay::Written;
use super::write::Leave;
use super::{Directory, Presented};
use crate::alert::{Alert, AlertMark, AlertState, Canaries, Canary};
use crate::commit::{Commit, Effect, Precondition, Write};
use crate::entry::Entry;
use crate::id::{ActorId, AlertId, CanaryId, Receipt, RequestId};
use crate::permit::Permit;
use crate::quota::DAY_MS;
use crate::record::{Kind, Record, RecordKey, Scope, Stored};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::StoreError;
use crate::subject::Subject;
use crate::terms::{Action, AlertKind, AlertOutcome, Outcome, Relationship};

const PAGE: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// After so many entries without an alert the mark is moved all the same, so that a start need not
/// look through more.
const MARK_EVERY: u64 = 65_536;

/// From so many questions of one person in a day on, their rate of unknown children is watched.
const WATCHED_FROM: u32 = 40;

/// Of a hundred such questions, so many about children of whom nothing is shown are too many.
const NOBODY_MAX_PERCENT: u32 = 90;

/// Looks through the ledger for what a privacy officer is to look at. One at a time.
#[derive(Debug)]
pub struct AlertWatch {
    directory: Directory,
    /// The first entry that has not been looked at.
    next: Receipt,
    /// The mark as it is stored, and its version.
    mark: (Receipt, Option<Receipt>),
    /// The day that is counted, in days since 1970, and each person's questions on it.
    day: u64,
    asked: BTreeMap<ActorId, Asked>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    questions: u32,
    nobody: u32,
}

/// Closes an alert with what was found.
#[derive(Clone, Debug, Serialize)]
pub struct CloseAlert {
    /// The client's id of this write.
    pub request: RequestId,
    /// The alert.
    pub alert: AlertId,
    /// What was found.
    pub outcome: AlertOutcome,
}

/// Registers a canary. Whether the child is known is not looked at now, and not told; but questions
/// about one that has flags raise no alert.
#[derive(Clone, Debug, Serialize)]
pub struct AddCanary {
    /// The client's id of this write.
    pub request: RequestId,
    /// Its pseudonyms.
    pub subject: Subject,
}

/// A look at the alerts.
#[derive(Clone, Debug)]
pub struct ListAlerts {
    /// Those too that were closed.
    pub closed_too: bool,
    /// The id of the last alert of the page before; none for the first page.
    pub after: Option<AlertId>,
    /// The most alerts of a page: 1 to 500.
    pub limit: usize,
}

register_requests! {
    CloseAlert => CloseAlert;
    AddCanary => AddCanary;
}

#[async_trait]
impl Decide for CloseAlert {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let Some(alert) = directory.alert(&mut leave.permit, self.alert).await? else {
            return Err(Reason::Unknown("alert").into());
        };
        if alert.state != AlertState::Open {
            return Err(Reason::WrongState("the alert is closed already").into());
        }
        // Whoever is asked about what they did must not be who says that it was well done.
        if alert.actor == Some(leave.identity.person.actor) {
            return Err(Reason::OwnRecord.into());
        }
        let (by, outcome) = (leave.identity.person(), self.outcome);
        let alert = Alert { state: AlertState::Closed { by, outcome }, ..alert };
        let mut detail = [0; 32];
        detail[..16].copy_from_slice(alert.id.as_bytes());
        detail[16] = outcome.code();
        Ok(Change::of(detail, vec![Write::Put(Record::Alert(alert))]))
    }
}

#[async_trait]
impl Decide for AddCanary {
    async fn decide(&self, directory: &Directory, _leave: &mut Leave) -> Result<Change, Declined> {
        // Two at once may pass it by one, which does no harm.
        if directory.canaries().await?.len() >= Canaries::MAX {
            return Err(Reason::WrongState("there are as many canaries as there may be").into());
        }
        let id = CanaryId::new(directory.random());
        let mut detail = [0; 32];
        detail[..16].copy_from_slice(id.as_bytes());
        let canary = Canary { id, subject: self.subject.clone() };
        // Whoever names a child stands in the ledger as having named it, a privacy officer too.
        let writes = vec![Write::Put(Record::Canary(canary))];
        Ok(Change::naming(self.subject.clone(), detail, writes))
    }
}

impl Directory {
    /// Lists alerts, in the order of the store; `true` beside them if there is more.
    pub async fn list_alerts(
        &self,
        presented: &Presented,
        request: &Result<ListAlerts, Invalid>,
    ) -> Result<Written<(Vec<Alert>, bool)>, Refusal> {
        retry_contended!(self.list_alerts_once(presented, request))
    }

    async fn list_alerts_once(
        &self,
        presented: &Presented,
        request: &Result<ListAlerts, Invalid>,
    ) -> Result<Written<(Vec<Alert>, bool)>, Refusal> {
        let identity = self.identify(presented).await?;
        let permit = self.granted(identity.authorise(Action::ListAlerts, self.today())).await?;
        let request = match request {
            Ok(request) => request,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        let (alerts, is_more) = self.alerts(request).await?;
        let count = u32::try_from(alerts.len()).unwrap_or(u32::MAX);
        let effect = Effect { count, ..Effect::new(Outcome::Done) };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        Ok(Written { result: (alerts, is_more), receipt })
    }

    async fn alerts(&self, request: &ListAlerts) -> Result<(Vec<Alert>, bool), StoreError> {
        let mut alerts = Vec::new();
        let mut after = request.after.map(RecordKey::Alert);
        loop {
            let page = self.store.scan(&Scope::Kind(Kind::Alert), after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            for stored in page {
                let alert = alert_of(stored)?;
                if alert.state != AlertState::Open && !request.closed_too {
                    continue;
                }
                if alerts.len() == request.limit {
                    return Ok((alerts, true));
                }
                alerts.push(alert);
            }
            if is_last {
                return Ok((alerts, false));
            }
        }
    }

    /// Every canary, and the entry that registered it.
    async fn canaries(&self) -> Result<Vec<(Receipt, Canary)>, StoreError> {
        let (mut canaries, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.scan(&Scope::Kind(Kind::Canary), after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            for stored in page {
                let Record::Canary(canary) = stored.record else { return Err(StoreError::Damaged) };
                canaries.push((stored.version, canary));
            }
            if is_last {
                return Ok(canaries);
            }
        }
    }
}

impl Directory {
    /// Whether any flag lies under these pseudonyms, whoever may see it.
    async fn is_known(&self, subject: &Subject) -> Result<bool, StoreError> {
        let (service, _) = self.service_state().await?;
        let frozen = self.frozen(&service).await?;
        let children = load_all(&*self.store, &frozen, subject.pseudonyms()).await?;
        Ok(children.iter().any(|child| !child.flags.is_empty()))
    }
}

impl AlertWatch {
    /// Goes on where the mark says, with what was asked before it on the same day.
    pub async fn start(directory: Directory) -> Result<Self, StoreError> {
        let stored = directory.store.read(&RecordKey::AlertMark).await?;
        let version = stored.as_ref().map(|stored| stored.version);
        let marked = match stored.map(|stored| stored.record) {
            None => Receipt(0),
            Some(Record::AlertMark(mark)) => mark.next,
            Some(_) => return Err(StoreError::Damaged),
        };
        let now_ms = u64::try_from(directory.now().as_millisecond()).unwrap_or(0);
        let today = first_since(&*directory.store, now_ms - now_ms % DAY_MS).await?;
        let next = today.min(marked);
        let mark = (marked, version);
        Ok(Self { directory, next, mark, day: 0, asked: BTreeMap::new() })
    }

    /// Looks at every entry there is; gives how many alerts were raised.
    pub async fn look(&mut self) -> Result<usize, Refusal> {
        let mut raised = 0;
        let canaries = self.directory.canaries().await?;
        let canaries = Canaries::new(self.directory.random(), canaries);
        loop {
            let entries = self.directory.store.entries(self.next, PAGE).await?;
            if entries.is_empty() {
                return Ok(raised);
            }
            let end = Receipt(self.next.0 + entries.len() as u64);
            let mut alerts = Vec::new();
            for (receipt, entry) in (self.next.0..).map(Receipt).zip(&entries) {
                self.look_at(receipt, entry, &mut alerts)?;
            }
            if !canaries.is_empty() {
                self.look_for(&canaries, &entries, end, &mut alerts).await?;
            }
            alerts.retain(|alert| alert.entry >= self.mark.0);
            raised += self.raise(alerts, end).await?;
            self.next = end;
        }
    }

    /// What one entry gives by itself.
    fn look_at(
        &mut self,
        receipt: Receipt,
        entry: &Entry,
        alerts: &mut Vec<Alert>,
    ) -> Result<(), StoreError> {
        let day = entry.time_ms() / DAY_MS;
        if day != self.day {
            (self.day, self.asked) = (day, BTreeMap::new());
        }
        let once = |kind| Alert::id_of_entry(kind, receipt);
        let (action, outcome) = (entry.action(), entry.outcome());
        if let (Action::RedeemCode, Some(kind)) = (action, of_code(outcome)) {
            let about = entry.detail_actor();
            alerts.push(Alert { actor: about, ..alert(once(kind), kind, receipt, entry)? });
        }
        if action == Action::RecoverAdministrators {
            let kind = AlertKind::Recovery;
            alerts.push(alert(once(kind), kind, receipt, entry)?);
        }
        // Each is in the place of an earlier one, redeemed or not.
        if action == Action::IssueCode && outcome == Outcome::Done {
            let kind = AlertKind::NewCode;
            alerts.push(alert(once(kind), kind, receipt, entry)?);
        }
        if action == Action::AdmitCertificate && outcome == Outcome::Done && entry.count() > 0 {
            let kind = AlertKind::CertificateElsewhere;
            alerts.push(alert(once(kind), kind, receipt, entry)?);
        }
        let Some(actor) = entry.actor() else { return Ok(()) };
        if outcome == Outcome::DeniedBudget {
            let kind = AlertKind::Quota;
            alerts.push(alert(Alert::id_of_day(kind, actor, day), kind, receipt, entry)?);
        }
        if !is_answer(outcome) {
            return Ok(());
        }
        if entry.relationship() == Some(Relationship::SelfClaimed) {
            let kind = AlertKind::SelfClaimed;
            alerts.push(alert(once(kind), kind, receipt, entry)?);
        }
        if action == Action::AskAsBroker && entry.count() > 0 {
            let kind = AlertKind::ShieldedView;
            alerts.push(alert(once(kind), kind, receipt, entry)?);
        }
        let asked = self.asked.entry(actor).or_default();
        asked.questions += 1;
        asked.nobody += u32::from(outcome == Outcome::NoVisibleContact);
        if asked.is_too_often_about_nobody() {
            let kind = AlertKind::Enumeration;
            alerts.push(alert(Alert::id_of_day(kind, actor, day), kind, receipt, entry)?);
        }
        Ok(())
    }

    /// What the openings of these entries give.
    async fn look_for(
        &self,
        canaries: &Canaries,
        entries: &[Entry],
        end: Receipt,
        alerts: &mut Vec<Alert>,
    ) -> Result<(), StoreError> {
        for (receipt, opening) in openings_between(&*self.directory.store, self.next, end).await? {
            let index = usize::try_from(receipt.0 - self.next.0).expect("within the page");
            // Questions that show nobody alone, and none from before: a canary must not tell who
            // works with a child, and one that is a real child's is no canary.
            let is_canary = entries[index].outcome() == Outcome::NoVisibleContact
                && canaries.names(opening.subject(), receipt)
                && !self.directory.is_known(opening.subject()).await?;
            if is_canary {
                let kind = AlertKind::Canary;
                alerts.push(alert(
                    Alert::id_of_entry(kind, receipt),
                    kind,
                    receipt,
                    &entries[index],
                )?);
            }
        }
        Ok(())
    }

    /// Puts alerts on record together with how far was looked. What is raised once a day, and was,
    /// is not raised again.
    async fn raise(&mut self, alerts: Vec<Alert>, end: Receipt) -> Result<usize, Refusal> {
        let mut new: BTreeMap<AlertId, Alert> = BTreeMap::new();
        for alert in alerts {
            let known = self.directory.store.read(&RecordKey::Alert(alert.id)).await?.is_some();
            if !known {
                new.entry(alert.id).or_insert(alert);
            }
        }
        if new.is_empty() && end.0 < self.mark.0.0 + MARK_EVERY {
            return Ok(0);
        }
        let mark = Precondition::unchanged(RecordKey::AlertMark, self.mark.1);
        let policy = self.directory.policy.digest();
        let permit = Permit::of_service(Action::RaiseAlerts, None, policy, vec![mark]);
        let raised = new.len();
        let mut effect = Effect::new(Outcome::Done);
        effect.count = u32::try_from(raised).unwrap_or(u32::MAX);
        effect.writes.extend(new.into_values().map(|alert| Write::Put(Record::Alert(alert))));
        effect.writes.push(Write::Put(Record::AlertMark(AlertMark { next: end })));
        let receipt = self.directory.commit(Commit::permitted(permit, effect)).await?;
        self.mark = (end, Some(receipt));
        Ok(raised)
    }
}

impl Asked {
    fn is_too_often_about_nobody(self) -> bool {
        self.questions >= WATCHED_FROM
            && u64::from(self.nobody) * 100
                >= u64::from(self.questions) * u64::from(NOBODY_MAX_PERCENT)
    }
}

/// What a refused enrolment code says: somebody else may have had it.
fn of_code(outcome: Outcome) -> Option<AlertKind> {
    if outcome == Outcome::CodeUsed {
        Some(AlertKind::SecondRedemption)
    } else {
        (outcome == Outcome::CodeOfOtherOrganisation).then_some(AlertKind::CodeElsewhere)
    }
}

fn is_answer(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Released
            | Outcome::ReleasedPartial
            | Outcome::BrokerRequired
            | Outcome::NoVisibleContact
    )
}

fn alert(
    id: AlertId,
    kind: AlertKind,
    receipt: Receipt,
    entry: &Entry,
) -> Result<Alert, StoreError> {
    let at_ms = i64::try_from(entry.time_ms()).map_err(|_| StoreError::Damaged)?;
    Ok(Alert {
        id,
        kind,
        actor: entry.actor(),
        organisation: entry.organisation(),
        system: entry.system(),
        entry: receipt,
        at: Timestamp::from_millisecond(at_ms).map_err(|_| StoreError::Damaged)?,
        state: AlertState::Open,
    })
}

fn alert_of(stored: Stored) -> Result<Alert, StoreError> {
    if let Record::Alert(alert) = stored.record { Ok(alert) } else { Err(StoreError::Damaged) }
}
