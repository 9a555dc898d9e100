//! Brokered access: more is seen, both are on record, and only who may ask is asked for.

use signpost_core::alert::AlertState;
use signpost_core::directory::{AlertWatch, Answer, BrokeredQuestion, ListAlerts};
use signpost_core::flag::InvolvementDetails;
use signpost_core::id::PersonId;
use signpost_core::record::Record;
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::register::{HeldToken, Person, PersonStanding, Standing, TokenRecord};
use signpost_core::subject::Subject;
use signpost_core::terms::{Action, AlertKind, Outcome, Purpose, Sensitivity};
use signpost_core::testing::put_records;

use crate::fixture::{
    ADA, ANDY, BRIAN, EDDIE, EVERYBODY, NORA, PRIYA, SAM, SUE, Scene, Who, child, details, question,
};

async fn brokered(
    scene: &Scene,
    broker: Who,
    named: Who,
    purpose: Purpose,
    subject: &Subject,
) -> Result<Answer, Refusal> {
    let on_behalf_of = PersonId::new([named.id; 16]);
    let question = BrokeredQuestion { question: question(purpose, subject), on_behalf_of };
    scene.directory.ask_as_broker(&broker.presented(), &Ok(question)).await
}

fn sensitive(sensitivity: Sensitivity) -> InvolvementDetails {
    InvolvementDetails { sensitivity, ..details() }
}

const UNKNOWN: Reason = Reason::Unknown("person who may ask for this purpose");

#[tokio::test]
async fn a_broker_sees_what_is_restricted_for_a_named_person_and_both_are_on_record() {
    let scene = Scene::new().await;
    scene.record(SUE, &child(&[1]), sensitive(Sensitivity::SensitiveExistence)).await;
    let alone = scene.ask(NORA, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    assert_eq!((alone.signposts.len(), alone.further_service), (0, true));
    let answer = brokered(&scene, BRIAN, NORA, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    assert_eq!(answer.signposts.len(), 1);
    assert!(answer.signposts[0].route.is_some(), "in full");
    let entry = scene.entry(answer.receipt).await;
    assert_eq!((entry.action(), entry.outcome()), (Action::AskAsBroker, Outcome::Released));
    assert_eq!((entry.actor(), entry.on_behalf_of()), (Some(BRIAN.actor()), Some(NORA.actor())));
    assert_eq!(entry.purpose(), Some(Purpose::S47Enquiry));
    assert_eq!(scene.entry(alone.receipt).await.on_behalf_of(), None);
}

#[tokio::test]
async fn what_the_named_persons_team_knows_is_left_out_and_the_brokers_is_not() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1]), details()).await;
    let for_nora = brokered(&scene, BRIAN, NORA, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    assert_eq!(for_nora.signposts.len(), 0);
    let for_sam = brokered(&scene, BRIAN, SAM, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    assert_eq!(for_sam.signposts.len(), 1);
}

#[tokio::test]
async fn a_shielded_child_is_seen_by_a_broker_alone_and_each_view_alerts() {
    let scene = Scene::new().await;
    scene.record(SUE, &child(&[1]), details()).await;
    scene.shield(SUE, &child(&[1])).await.unwrap();
    scene.assert_nothing(NORA, &child(&[1])).await;
    for _ in 0..2 {
        let seen = brokered(&scene, BRIAN, NORA, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
        assert_eq!(seen.signposts.len(), 1);
    }
    brokered(&scene, BRIAN, NORA, Purpose::S47Enquiry, &child(&[2])).await.unwrap();
    let mut watch = AlertWatch::start(scene.directory.clone()).await.unwrap();
    assert_eq!(watch.look().await.unwrap(), 2);
    let list = Ok(ListAlerts { closed_too: false, after: None, limit: 10 });
    let alerts = scene.directory.list_alerts(&PRIYA.presented(), &list).await.unwrap().result.0;
    for alert in alerts {
        assert_eq!((alert.kind, alert.actor), (AlertKind::ShieldedView, Some(BRIAN.actor())));
        assert_eq!(alert.state, AlertState::Open);
    }
}

#[tokio::test]
async fn hidden_stays_hidden_from_a_broker() {
    let scene = Scene::new().await;
    scene.record(SUE, &child(&[1]), sensitive(Sensitivity::Hidden)).await;
    let answer = brokered(&scene, BRIAN, NORA, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    assert_eq!((answer.signposts.len(), answer.further_service), (0, false));
    assert_eq!(scene.entry(answer.receipt).await.outcome(), Outcome::NoVisibleContact);
}

#[tokio::test]
async fn only_brokers_broker_and_only_for_who_may_ask_themselves() {
    let (scene, one) = (Scene::new().await, child(&[1]));
    for who in EVERYBODY.into_iter().filter(|who| *who != BRIAN) {
        let asked = brokered(&scene, who, NORA, Purpose::S47Enquiry, &one);
        scene.assert_refused_next(asked, Reason::Role).await;
    }
    for named in [BRIAN, ADA, ANDY, PRIYA] {
        let asked = brokered(&scene, BRIAN, named, Purpose::S47Enquiry, &one);
        let entry = scene.assert_refused_next(asked, UNKNOWN).await;
        assert_eq!(entry.on_behalf_of(), Some(named.actor()), "known, though not as one who may");
    }
    let asked = brokered(&scene, BRIAN, EDDIE, Purpose::S47Enquiry, &one);
    let entry = scene.assert_refused_next(asked, Reason::Purpose).await;
    assert_eq!(entry.on_behalf_of(), Some(EDDIE.actor()));
    let tokens = vec![HeldToken {
        id: NORA.token().id,
        hash: NORA.token().hash,
        issued_on: NORA.token().used_on,
    }];
    let active = Person { tokens, ..NORA.person() };
    let suspended = Person { standing: PersonStanding::Suspended, ..active.clone() };
    let lost = TokenRecord { standing: Standing::Revoked, ..NORA.token() };
    for may_not in
        [vec![Record::Person(suspended)], vec![Record::Person(active.clone()), Record::Token(lost)]]
    {
        put_records(&*scene.store, may_not).await.unwrap();
        let asked = brokered(&scene, BRIAN, NORA, Purpose::S47Enquiry, &one);
        scene.assert_refused_next(asked, UNKNOWN).await;
    }
    let again = vec![Record::Person(active), Record::Token(NORA.token())];
    put_records(&*scene.store, again).await.unwrap();
    brokered(&scene, BRIAN, NORA, Purpose::S47Enquiry, &one).await.unwrap();
}
