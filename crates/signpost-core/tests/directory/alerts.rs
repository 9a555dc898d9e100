//! Alerts: derived once from the ledger, whoever restarts; closed with what was found.

use std::num::NonZeroUsize;
use std::sync::Arc;

use signpost_core::alert::{Alert, AlertState};
use signpost_core::directory::{
    AddCanary, AlertWatch, CloseAlert, Directory, ListAlerts, Question,
};
use signpost_core::id::{ActorId, Receipt, RequestId};
use signpost_core::policy::Policy;
use signpost_core::quota::{Quota, Quotas};
use signpost_core::record::{Record, RecordKey};
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::register::Person;
use signpost_core::subject::Subject;
use signpost_core::terms::{
    Action, AlertKind, AlertOutcome, Purpose, Relationship, Role, Sensitivity,
};
use signpost_core::testing::{SeededEntropy, put_records};

use crate::fixture::*;

async fn look(scene: &Scene) -> usize {
    AlertWatch::start(scene.directory.clone()).await.unwrap().look().await.unwrap()
}

async fn listed(scene: &Scene, closed_too: bool) -> Vec<Alert> {
    let list = Ok(ListAlerts { closed_too, after: None, limit: 100 });
    let (alerts, is_more) =
        scene.directory.list_alerts(&PRIYA.presented(), &list).await.unwrap().result;
    assert!(!is_more);
    alerts
}

async fn kinds(scene: &Scene) -> Vec<AlertKind> {
    let mut kinds: Vec<_> = listed(scene, false).await.iter().map(|alert| alert.kind).collect();
    kinds.sort_unstable();
    kinds
}

async fn ask_self_claimed(scene: &Scene, who: Who, subject: &Subject) -> Receipt {
    let relationship = Relationship::SelfClaimed;
    let question =
        Question { subject: subject.clone(), purpose: Purpose::S47Enquiry, relationship };
    scene.directory.ask(&who.presented(), &Ok(question), Action::Ask).await.unwrap().receipt
}

async fn add_canary(scene: &Scene, who: Who, subject: &Subject) -> Result<RequestId, Refusal> {
    let request = scene.request();
    let canary = Ok(AddCanary { request, subject: subject.clone() });
    scene.directory.onboard(&who.presented(), &canary).await.map(|_| request)
}

#[tokio::test]
async fn a_self_claimed_relationship_is_one_alert_that_names_its_entry() {
    let scene = Scene::new().await;
    assert_eq!(look(&scene).await, 0);
    let receipt = ask_self_claimed(&scene, NORA, &child(&[1])).await;
    scene.ask(NORA, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    assert_eq!(look(&scene).await, 1);
    assert_eq!(look(&scene).await, 0, "what was looked at is not looked at again");
    let alerts = listed(&scene, false).await;
    assert_eq!(alerts.len(), 1);
    let alert = &alerts[0];
    assert_eq!((alert.kind, alert.entry), (AlertKind::SelfClaimed, receipt));
    assert_eq!((alert.actor, alert.state), (Some(NORA.actor()), AlertState::Open));
    assert_eq!(
        u64::try_from(alert.at.as_millisecond()).unwrap(),
        scene.entry(receipt).await.time_ms()
    );
}

#[tokio::test]
async fn a_canary_answers_as_unknown_and_alerts_however_it_is_named() {
    let scene = Scene::new().await;
    add_canary(&scene, PRIYA, &child(&[7, 107])).await.unwrap();
    scene.assert_nothing(NORA, &child(&[7])).await;
    scene.assert_nothing(SAM, &child(&[8, 107])).await;
    scene.assert_nothing(SAM, &child(&[8])).await;
    assert_eq!(look(&scene).await, 2);
    scene.record(SUE, &child(&[107]), details()).await;
    assert_eq!(look(&scene).await, 0, "who records a contact is not told of");
    add_canary(&scene, PRIYA, &child(&[8])).await.unwrap();
    assert_eq!(look(&scene).await, 0, "nor who asked before");
    assert_eq!(kinds(&scene).await, [AlertKind::Canary; 2]);
    for who in [NORA, ADA, ANDY] {
        let refused = add_canary(&scene, who, &child(&[9])).await;
        assert!(matches!(refused, Err(Refusal::Refused { reason: Reason::Role, .. })));
    }
}

/// Else one privacy officer learns who asks about a child, and that it has a flag that nobody sees.
#[tokio::test]
async fn a_canary_that_is_a_real_child_tells_of_nobody() {
    let scene = Scene::new().await;
    for (number, sensitivity) in [(7, Sensitivity::Standard), (8, Sensitivity::Hidden)] {
        scene.record(SUE, &child(&[number]), of(sensitivity)).await;
        add_canary(&scene, PRIYA, &child(&[number])).await.unwrap();
    }
    assert_eq!(scene.lines(NORA, &child(&[7])).await, 1);
    scene.assert_nothing(SUE, &child(&[7])).await; // whose own it is
    scene.assert_nothing(NORA, &child(&[8])).await;
    assert_eq!(look(&scene).await, 0);
}

#[tokio::test]
async fn there_are_so_many_canaries_and_no_more() {
    let scene = Scene::new().await;
    for number in 1..=200 {
        add_canary(&scene, PRIYA, &child(&[number])).await.unwrap();
    }
    let full = Reason::WrongState("there are as many canaries as there may be");
    scene.assert_refused_next(add_canary(&scene, PRIYA, &child(&[201])), full).await;
}

#[tokio::test]
async fn who_registered_a_canary_can_be_told_from_the_ledger() {
    let scene = Scene::new().await;
    add_canary(&scene, PRIYA, &child(&[7, 107])).await.unwrap();
    let openings = scene.store.openings(Receipt(0), NonZeroUsize::MAX).await.unwrap();
    let (receipt, opening) = openings.last().unwrap();
    assert_eq!(*opening.subject(), child(&[7, 107]));
    let entry = scene.entry(*receipt).await;
    assert_eq!((entry.action(), entry.actor()), (Action::AddCanary, Some(PRIYA.actor())));
    assert_eq!(entry.commitment(), opening.commitment());
    assert_eq!(look(&scene).await, 0, "it is no question");
}

#[tokio::test]
async fn a_privacy_officer_learns_who_an_actor_is_on_record_and_nobody_else_does() {
    let scene = Scene::new().await;
    let actor = Ok(NORA.actor());
    let found = scene.directory.identify_actor(&PRIYA.presented(), &actor).await.unwrap();
    assert_eq!(found.result.person.staff, NORA.person().staff);
    assert_eq!(found.result.organisation.id, found.result.person.organisation);
    assert_eq!(found.result.group.role, Role::SocialWorker);
    let entry = scene.entry(found.receipt).await;
    assert_eq!((entry.action(), entry.actor()), (Action::IdentifyActor, Some(PRIYA.actor())));
    assert_eq!(entry.detail()[..16], *NORA.actor().as_bytes());

    for who in EVERYBODY.into_iter().filter(|who| who.role != Role::PrivacyOfficer) {
        let (presented, nobody) = (who.presented(), Ok(ActorId::new([99; 16])));
        for asked in [&actor, &nobody] {
            let asked = scene.directory.identify_actor(&presented, asked);
            scene.assert_refused_next(asked, Reason::Role).await;
        }
    }
    let (presented, nobody) = (PRIYA.presented(), Ok(ActorId::new([99; 16])));
    let asked = scene.directory.identify_actor(&presented, &nobody);
    scene.assert_refused_next(asked, Reason::Unknown("actor")).await;
}

#[tokio::test]
async fn many_questions_about_nobody_are_one_alert_a_day() {
    let scene = Scene::new().await;
    scene.record(SUE, &child(&[200]), details()).await;
    for number in 0..60 {
        scene.ask(NORA, Purpose::S47Enquiry, &child(&[number])).await.unwrap();
    }
    for _ in 0..60 {
        // Who is told of somebody each time does not guess.
        scene.ask(MASHA, Purpose::S47Enquiry, &child(&[200])).await.unwrap();
    }
    for number in 0..9 {
        let subject = if number < 2 { child(&[200]) } else { child(&[number]) };
        for _ in 0..5 {
            scene.ask(Who { ..SUE }, Purpose::S47Enquiry, &subject).await.unwrap();
        }
    }
    assert_eq!(look(&scene).await, 2, "NORA, and SUE whose own flag is nobody else's");
    for number in 0..10 {
        scene.ask(NORA, Purpose::S47Enquiry, &child(&[number])).await.unwrap();
    }
    assert_eq!(look(&scene).await, 0);
    let enumerated = listed(&scene, false).await;
    assert!(enumerated.iter().all(|alert| alert.kind == AlertKind::Enumeration));
    assert!(enumerated.iter().any(|alert| alert.actor == Some(NORA.actor())));
    scene.clock.step_days(1);
    for number in 0..60 {
        scene.ask(NORA, Purpose::S47Enquiry, &child(&[number])).await.unwrap();
    }
    assert_eq!(look(&scene).await, 1, "the next day is counted anew");
}

#[tokio::test]
async fn a_spent_quota_is_one_alert_a_day() {
    let mut scene = Scene::new().await;
    let small = Quota { burst: 100, day: 2, children_a_day: 100 };
    let quotas = Quotas { person: small, ..Quotas::NONE };
    scene.directory = scene.directory.limited_to(quotas).await.unwrap();
    for _ in 0..6 {
        let _ = scene.ask(NORA, Purpose::S47Enquiry, &child(&[1])).await;
    }
    assert_eq!(look(&scene).await, 1);
    assert_eq!(kinds(&scene).await, [AlertKind::Quota]);
}

#[tokio::test]
async fn an_alert_is_closed_once_with_what_was_found_and_never_raised_again() {
    let scene = Scene::new().await;
    ask_self_claimed(&scene, NORA, &child(&[1])).await;
    look(&scene).await;
    let alert = listed(&scene, false).await[0].id;
    let close = |request, outcome| Ok(CloseAlert { request, alert, outcome });
    let request = scene.request();
    let first = close(request, AlertOutcome::Justified);
    let written = scene.directory.onboard(&PRIYA.presented(), &first).await.unwrap();
    assert_eq!(scene.directory.onboard(&PRIYA.presented(), &first).await.unwrap(), written);
    let again = close(scene.request(), AlertOutcome::Misuse);
    let again = scene.directory.onboard(&PRIYA.presented(), &again).await;
    assert!(matches!(again, Err(Refusal::Refused { reason: Reason::WrongState(_), .. })));
    assert_eq!(listed(&scene, false).await, []);
    let closed = listed(&scene, true).await[0].state;
    assert!(matches!(closed, AlertState::Closed { outcome: AlertOutcome::Justified, .. }));
    assert_eq!(look(&scene).await, 0);
    let by_administrator = close(scene.request(), AlertOutcome::Justified);
    let refused = scene.directory.onboard(&ADA.presented(), &by_administrator).await;
    assert!(matches!(refused, Err(Refusal::Refused { reason: Reason::Role, .. })));
}

/// A practitioner who has become a privacy officer keeps the actor id, and so the alerts.
#[tokio::test]
async fn nobody_closes_an_alert_about_themselves() {
    let scene = Scene::new().await;
    ask_self_claimed(&scene, NORA, &child(&[1])).await;
    look(&scene).await;
    let key = RecordKey::Person(NORA.person().id);
    let Some(Record::Person(nora)) = scene.store.read(&key).await.unwrap().map(|one| one.record)
    else {
        panic!("she is gone")
    };
    let moved = Person { group: PRIYA.group().id, ..nora };
    put_records(&*scene.store, [Record::Person(moved)]).await.unwrap();
    let (alert, outcome) = (listed(&scene, false).await[0].id, AlertOutcome::Justified);
    let close = |request| Ok(CloseAlert { request, alert, outcome });
    let (nora, own) = (NORA.presented(), close(scene.request()));
    scene.assert_refused_next(scene.directory.onboard(&nora, &own), Reason::OwnRecord).await;
    assert_eq!(listed(&scene, false).await.len(), 1);
    scene.directory.onboard(&PRIYA.presented(), &close(scene.request())).await.unwrap();
}

#[tokio::test]
async fn a_restart_and_a_turn_lose_no_alert_and_raise_none_twice() {
    let mut scene = Scene::new().await;
    add_canary(&scene, PRIYA, &child(&[7])).await.unwrap();
    for number in 0..30 {
        scene.ask(NORA, Purpose::S47Enquiry, &child(&[number])).await.unwrap();
        if number % 10 == 0 {
            ask_self_claimed(&scene, NORA, &child(&[number])).await;
            look(&scene).await;
            scene.directory.compact().await.unwrap();
        }
        let (policy, entropy) = (Arc::new(Policy::default()), Arc::new(SeededEntropy::new(2)));
        let (store, clock) = (scene.store.clone(), scene.clock.clone());
        scene.directory = Directory::start(store, policy, clock, entropy).await.unwrap();
    }
    for number in 30..40 {
        scene.ask(NORA, Purpose::S47Enquiry, &child(&[number])).await.unwrap();
    }
    look(&scene).await;
    let expected = [
        AlertKind::Canary,
        AlertKind::Enumeration,
        AlertKind::SelfClaimed,
        AlertKind::SelfClaimed,
        AlertKind::SelfClaimed,
    ];
    assert_eq!(kinds(&scene).await, expected);
}
