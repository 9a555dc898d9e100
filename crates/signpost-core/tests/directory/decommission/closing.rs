//! The closing: at its instant and not before, for everybody, and for ever.

use std::sync::{Arc, Mutex};

use signpost_core::directory::{ClockConfirmation, Directory};
use signpost_core::policy::Policy;
use signpost_core::record::{Record, RecordKey};
use signpost_core::refusal::Reason;
use signpost_core::register::Standing;
use signpost_core::store::Clock;
use signpost_core::terms::{Action, DecommissioningState, Purpose, Role};
use signpost_core::testing::SeededEntropy;

use super::*;

impl Scene {
    async fn ask_now(&self, who: Who) -> Result<(), Refusal> {
        self.ask(who, Purpose::S47Enquiry, &child(&[1])).await.map(drop)
    }

    async fn assert_closed_to(&self, who: Who) {
        self.assert_refused_next(self.ask_now(who), Reason::ServiceClosed).await;
    }

    /// The same store, served anew by a clock that stands at this time.
    async fn started_anew(self, at: Timestamp) -> Self {
        self.clock.set(at);
        let (policy, entropy) = (Arc::new(Policy::default()), Arc::new(SeededEntropy::new(9)));
        let store = self.store.clone();
        let directory = Directory::start(store, policy, self.clock.clone(), entropy).await.unwrap();
        Self { directory, ..self }
    }

    async fn confirm(&self, who: Who) {
        let confirmation = Ok(ClockConfirmation { request: self.request() });
        self.directory.confirm_clock(&who.presented(), &confirmation).await.unwrap();
    }

    async fn standing_of(&self, who: Who) -> Standing {
        let key = RecordKey::Token(who.token().hash);
        match self.store.read(&key).await.unwrap().unwrap().record {
            Record::Token(token) => token.standing,
            other => panic!("a token's key leads to {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_second_before_noon_is_answered_and_noon_is_not() {
    let (scene, noon) = Scene::to_be_closed().await;
    scene.advance_to(noon - SECOND);
    assert_eq!(scene.directory.close_when_due().await, Ok(None));
    scene.ask_now(SAM).await.unwrap();
    scene.advance_to(noon);
    // Before the closing is on record, too.
    for who in EVERYBODY {
        scene.assert_closed_to(who).await;
    }
    let entries = scene.entries().await;
    let receipt = scene.directory.close_when_due().await.unwrap().unwrap();
    assert_eq!(receipt.0, entries.len() as u64);
    let entry = scene.entry(receipt).await;
    assert_eq!((entry.action(), entry.actor()), (Action::CloseService, None));
    assert_eq!(scene.directory.close_when_due().await, Ok(None), "once");
    for who in EVERYBODY {
        scene.assert_closed_to(who).await;
    }
    let shown = scene.shown_closing().await;
    assert_eq!(shown.found.state, DecommissioningState::Closed);
    assert_eq!((shown.found.closed_at, shown.closed_in), (Some(noon), Some(receipt)));
}

#[tokio::test]
async fn writes_end_as_questions_do() {
    let (scene, noon) = Scene::to_be_closed().await;
    scene.advance_to(noon);
    let named = child(&[1]);
    let contact = scene.contact(&named, details());
    scene.assert_refused_next(scene.try_record(NORA, contact), Reason::ServiceClosed).await;
    let shield = scene.shield(MONA, &named);
    scene.assert_refused_next(shield, Reason::ServiceClosed).await;
    let may = scene.directory.may_ask_many(&SAM.presented()).await;
    assert!(matches!(may, Err(Refusal::Refused { reason: Reason::ServiceClosed, .. })));
}

/// The machine's clock may be put back as often as one likes, with the service running or not.
#[tokio::test]
async fn a_clock_put_back_opens_nothing() {
    let (scene, noon) = Scene::to_be_closed().await;
    scene.advance_to(noon);
    scene.assert_closed_to(SAM).await;
    scene.clock.step_by(-DAY);
    scene.assert_closed_to(SAM).await;
    let scene = scene.started_anew(noon - DAY).await;
    scene.assert_closed_to(SAM).await;
    scene.directory.close_when_due().await.unwrap().unwrap();
    let scene = scene.started_anew(noon - DAY * 7).await;
    scene.assert_closed_to(SAM).await;
    assert!(scene.directory.is_closed().await.unwrap());
}

/// A clock put ahead is in doubt: access ends at once, as all access does, but nothing is closed.
#[tokio::test]
async fn a_clock_put_ahead_closes_nothing_until_two_people_confirm_it() {
    let (scene, noon) = Scene::to_be_closed().await;
    scene.clock.step_by(noon.duration_since(scene.directory.now()));
    assert_eq!(scene.directory.close_when_due().await, Ok(None), "seen, and not on record yet");
    scene.directory.record_clock_step().await.unwrap().unwrap();
    assert_eq!(scene.directory.close_when_due().await, Ok(None));
    scene.assert_closed_to(SAM).await;
    assert_eq!(scene.shown_closing().await.found.state, DecommissioningState::Approved);
    assert_eq!(scene.directory.revoke_tokens_of_users().await, Ok(0));
    assert_eq!(scene.standing_of(SAM).await, Standing::Active);
    scene.confirm(OLGA).await;
    assert_eq!(scene.directory.close_when_due().await, Ok(None));
    scene.confirm(APRIL).await;
    scene.directory.close_when_due().await.unwrap().unwrap();
}

/// Whoever put the clock ahead has not closed the service: it is called off, and goes on.
#[tokio::test]
async fn a_closing_that_the_clock_brought_too_early_can_be_called_off() {
    let (scene, noon) = Scene::to_be_closed().await;
    scene.clock.step_by(noon.duration_since(scene.directory.now()));
    scene.assert_closed_to(SAM).await;
    scene.cancel_closing(APRIL).await.unwrap();
    scene.ask_now(SAM).await.unwrap();
    assert_eq!(scene.directory.close_when_due().await, Ok(None));
}

#[tokio::test]
async fn nothing_is_called_off_from_noon_on() {
    let (scene, noon) = Scene::to_be_closed().await;
    scene.advance_to(noon);
    let come = Reason::WrongState("the closing instant has come");
    scene.assert_refused_next(scene.cancel_closing(OLGA), come).await;
    scene.directory.close_when_due().await.unwrap().unwrap();
    let closed = Reason::WrongState("the service is closed");
    scene.assert_refused_next(scene.cancel_closing(OLGA), closed.clone()).await;
    let again = scene.plan_closing(OLGA, closing_plan(&scene));
    scene.assert_refused_next(again, closed).await;
}

/// A clock at which noon comes while the entry of an answer is written.
#[derive(Debug)]
struct NoonAtTheWrite {
    inner: Arc<signpost_core::testing::ManualClock>,
    /// After so many readings it is noon.
    noon: Mutex<Option<(u32, Timestamp)>>,
}

impl Clock for NoonAtTheWrite {
    fn now(&self) -> Timestamp {
        let mut noon = self.noon.lock().unwrap();
        if let Some((left, at)) = &mut *noon {
            if *left == 0 {
                self.inner.advance(at.duration_since(self.inner.now()).max(SignedDuration::ZERO));
            }
            *left = left.saturating_sub(1);
        }
        self.inner.now()
    }

    fn elapsed(&self) -> SignedDuration {
        self.inner.elapsed()
    }
}

/// However far an answer is when noon comes, it is given before or not at all.
#[tokio::test]
async fn noon_may_come_at_any_reading_of_the_clock() {
    let (mut answered, mut refused) = (0, 0);
    for readings in 0..20 {
        let (scene, noon) = Scene::to_be_closed().await;
        scene.advance_to(noon - SECOND);
        let clock = NoonAtTheWrite { inner: scene.clock.clone(), noon: Mutex::new(None) };
        let clock = Arc::new(clock);
        let (policy, entropy) = (Arc::new(Policy::default()), Arc::new(SeededEntropy::new(9)));
        let directory =
            Directory::start(scene.store.clone(), policy, clock.clone(), entropy).await.unwrap();
        let scene = Scene { directory, ..scene };
        *clock.noon.lock().unwrap() = Some((readings, noon));
        match scene.ask_now(SAM).await {
            Ok(()) => {
                assert!(clock.inner.now() < noon, "an answer after noon");
                answered += 1;
            }
            Err(Refusal::Refused { reason: Reason::ServiceClosed, .. }) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(answered > 0 && refused > 0, "{answered} answered, {refused} refused");
}

#[tokio::test]
async fn who_runs_the_closing_goes_on() {
    let (scene, noon) = Scene::to_be_closed().await;
    scene.advance_to(noon);
    scene.directory.close_when_due().await.unwrap().unwrap();
    scene.directory.revoke_tokens_of_users().await.unwrap();
    let all = signpost_core::purge::PurgeScope::All;
    let purge = scene.plan(all).await;
    scene.approve(APRIL, &purge).await.unwrap();
    scene.clock.step_by(DAY);
    scene.directory.record_clock_step().await.unwrap().unwrap();
    scene.confirm(OLGA).await;
    scene.confirm(APRIL).await;
}

#[tokio::test]
async fn the_tokens_of_users_are_revoked_and_where_they_are_stays() {
    let (scene, noon) = Scene::to_be_closed().await;
    assert_eq!(scene.directory.revoke_tokens_of_users().await, Ok(0));
    scene.advance_to(noon);
    assert_eq!(scene.directory.revoke_tokens_of_users().await, Ok(0), "before it is on record");
    scene.directory.close_when_due().await.unwrap().unwrap();
    let closers = [Role::PurgeOperator, Role::PurgeApprover, Role::Auditor, Role::PrivacyOfficer];
    let users = EVERYBODY.iter().filter(|who| !closers.contains(&who.role)).count();
    assert_eq!(scene.directory.revoke_tokens_of_users().await, Ok(u32::try_from(users).unwrap()));
    for who in EVERYBODY {
        let expected =
            if closers.contains(&who.role) { Standing::Active } else { Standing::Revoked };
        assert_eq!(scene.standing_of(who).await, expected, "{who:?}");
        scene.assert_closed_to(who).await;
    }
    let before = scene.entries().await.len();
    assert_eq!(scene.directory.revoke_tokens_of_users().await, Ok(0), "once");
    assert_eq!(scene.entries().await.len(), before);
}

#[tokio::test]
async fn what_there_was_is_on_record_once_and_with_the_closing_in_it() {
    let (scene, noon) = Scene::to_be_closed().await;
    scene.record(NORA, &child(&[1]), details()).await;
    scene.advance_to(noon);
    assert_eq!(scene.directory.record_closing_figures(u64::MAX, [7; 32]).await, Ok(None));
    let closed = scene.directory.close_when_due().await.unwrap().unwrap();
    let too_small = scene.directory.record_closing_figures(closed.0, [7; 32]).await;
    assert_eq!(too_small, Ok(None), "that tree is without the closing");
    let size = closed.0 + 1;
    scene.directory.record_closing_figures(size, [7; 32]).await.unwrap().unwrap();
    assert_eq!(scene.directory.record_closing_figures(size, [8; 32]).await, Ok(None), "once");
    let shown = scene.shown_closing().await;
    let figures = shown.found.figures.unwrap();
    assert_eq!((figures.ledger_size, figures.ledger_root), (size, [7; 32]));
    let flags = signpost_core::record::RecordKind::Flag;
    assert!(figures.records.contains(&(flags, 1)), "{:?}", figures.records);
    assert_eq!(shown.closed_in, Some(closed), "the entry of the closing stays known");
}
