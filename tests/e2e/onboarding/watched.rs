//! What is limited and watched once somebody is let in: quotas, alerts, brokered questions.

use signpost_core::terms::Action;
use signpost_proto::v1;
use signpost_proto::v1::alert_service_client::AlertServiceClient;
use tonic::Code;
use tonic_types::StatusExt;

use super::{Scene, reason};
use crate::harness::{Caller, SOUTHMOOR, Service, eventually, question, redeem, request_id};

async fn alerts(officer: &Caller) -> Vec<v1::Alert> {
    let list = officer.request(v1::ListAlertsRequest { closed_too: true, ..Default::default() });
    AlertServiceClient::new(officer.channel()).list_alerts(list).await.unwrap().into_inner().alerts
}

async fn first_alert(officer: &Caller, kind: v1::AlertKind) -> v1::Alert {
    eventually("the alert", || async {
        alerts(officer).await.into_iter().find(|alert| alert.kind() == kind)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_quota_says_whose_and_for_how_long_and_lasts_over_a_restart() {
    let overrides = [("QUOTAS__PERSON_CHILDREN_A_DAY", "2"), ("QUOTAS__ORGANISATION_DAY", "5")];
    let service = Service::start_with(&overrides).await;
    let asker = service.person("SOCIAL_WORKER");
    let mut children = Vec::new();
    for number in ["999 000 0018", "999 000 0026", "999 000 0034"] {
        children.push(asker.child(&[("nhs", number)]).await);
    }
    asker.ask(question(&children[0])).await.unwrap();
    asker.ask(question(&children[1])).await.unwrap();
    let world = service.stop().await;
    let service = Service::serve(world, &overrides).await;
    let asker = service.person("SOCIAL_WORKER");
    asker.ask(question(&children[1])).await.unwrap();
    let status = asker.ask(question(&children[2])).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    let details = status.get_error_details();
    let violation = &details.quota_failure().unwrap().violations[0];
    assert_eq!(violation.subject, "person");
    assert_eq!(violation.description, "different children in a day");
    let again_in = details.retry_info().unwrap().retry_delay.unwrap();
    assert!((1..=24 * 60 * 60).contains(&again_in.as_secs()), "until the day ends");
    let colleague = service.person("MASH_PRACTITIONER");
    colleague.ask(question(&children[2])).await.unwrap();
    colleague.ask(question(&children[2])).await.unwrap();
    let status = colleague.ask(question(&children[2])).await.unwrap_err();
    let details = status.get_error_details();
    assert_eq!(details.quota_failure().unwrap().violations[0].subject, "organisation");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_answers_as_unknown_and_a_privacy_officer_is_told() {
    let scene = Scene::new().await;
    let officer = scene.service.person("PRIVACY_OFFICER");
    let canary = officer.child(&[("nhs", "999 000 0026")]).await;
    let add = v1::AddCanaryRequest { request_id: request_id(), pseudonyms: canary.clone() };
    let mut service = AlertServiceClient::new(officer.channel());
    service.add_canary(officer.request(add)).await.unwrap();
    let asker = scene.service.person("SOCIAL_WORKER");
    let unknown = asker.ask(question(&scene.child)).await.unwrap();
    let answer = asker.ask(question(&canary)).await.unwrap();
    let receipt = answer.receipt;
    assert_eq!(v1::Answer { receipt: 0, ..answer }, v1::Answer { receipt: 0, ..unknown });
    let alert = first_alert(&officer, v1::AlertKind::Canary).await;
    assert_eq!((alert.entry, alert.outcome()), (receipt, v1::AlertOutcome::Unspecified));
    let actor_id = alert.actor_id.clone();
    let who = officer.request(v1::IdentifyActorRequest { actor_id });
    let who = service.identify_actor(who).await.unwrap().into_inner();
    assert_eq!(
        (who.staff_reference.as_str(), who.role()),
        ("SOCIAL_WORKER", v1::Role::SocialWorker)
    );
    assert_eq!(who.organisation_name, "Northfield Council");
    let nobody = officer.request(v1::IdentifyActorRequest { actor_id: request_id() });
    assert_eq!(reason(service.identify_actor(nobody).await), "NOT_FOUND");
    let outcome = v1::AlertOutcome::Exercise;
    let close = v1::CloseAlertRequest {
        request_id: request_id(),
        alert_id: alert.alert_id.clone(),
        outcome: outcome.into(),
    };
    service.close_alert(officer.request(close.clone())).await.unwrap();
    let again = v1::CloseAlertRequest { request_id: request_id(), ..close };
    assert_eq!(reason(service.close_alert(officer.request(again)).await), "WRONG_STATE");
    assert_eq!(first_alert(&officer, v1::AlertKind::Canary).await.outcome(), outcome);
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_shown_again_or_elsewhere_alerts_and_names_whose_it_is() {
    let scene = Scene::new().await;
    let team = scene.northfield().await;
    let group = scene.by.open(scene.by.group(&team, 1)).await;
    let invited = scene.by.invite(&group.group_id, &["W1"]).await.unwrap().swap_remove(0);
    let system = scene.northfield_system();
    let elsewhere = scene.service.system(Some(SOUTHMOOR));
    assert_eq!(reason(redeem(&elsewhere, &invited.code).await), "CODE_UNKNOWN");
    redeem(&system, &invited.code).await.unwrap();
    assert_eq!(reason(redeem(&system, &invited.code).await), "CODE_USED");
    let officer = scene.service.person("PRIVACY_OFFICER");
    for kind in [v1::AlertKind::SecondRedemption, v1::AlertKind::CodeElsewhere] {
        let alert = first_alert(&officer, kind).await;
        assert_ne!(alert.system_id, "");
        let who = officer.request(v1::IdentifyActorRequest { actor_id: alert.actor_id });
        let who = AlertServiceClient::new(officer.channel()).identify_actor(who).await.unwrap();
        assert_eq!(who.into_inner().staff_reference, "W1", "whose code it was");
    }
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_asks_for_a_named_person_and_both_are_in_the_entry() {
    let scene = Scene::new().await;
    let team = scene.northfield().await;
    let group = scene.by.group(&team, 1);
    let worker = scene.worker(group, &scene.northfield_system(), "W2").await;
    let broker = scene.service.person("BROKER");
    let ask = |on_behalf_of_id: &str| {
        broker.request(v1::AskAsBrokerRequest {
            question: Some(question(&scene.child)),
            on_behalf_of_id: on_behalf_of_id.to_owned(),
        })
    };
    let answered = broker.signpost().ask_as_broker(ask(&worker.person_id)).await.unwrap();
    let answer = answered.into_inner();
    assert_eq!(prost::Message::encoded_len(&answer) % 2048, 0, "padded like any other");
    let receipt = answer.answer.unwrap().receipt;
    assert_eq!(reason(broker.signpost().ask_as_broker(ask(&request_id())).await), "NOT_FOUND");
    let malformed = broker.signpost().ask_as_broker(ask("somebody")).await.unwrap_err();
    let details = malformed.get_error_details();
    assert_eq!(details.bad_request().unwrap().field_violations[0].field, "on_behalf_of_id");
    let ledger = scene.service.ledger().await;
    let entry = ledger.at(receipt);
    assert_eq!(entry.action(), Action::AskAsBroker);
    assert!(entry.actor().is_some() && entry.on_behalf_of().is_some());
    assert_ne!(entry.actor(), entry.on_behalf_of());
    scene.service.stop().await;
}
