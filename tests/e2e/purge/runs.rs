//! Purges run to their end: what is gone then, and what is as it was.

use prost::Message as _;
use signpost_proto::v1;
use signpost_proto::v1::plan_purge_request::Scope;

use super::{
    STEPS, alike, answer, answers, approved, certificate, certified, confirm_clock, cool_off,
    forget, get, known_to_two, ledger_key, on_record, verified,
};
use crate::harness::{Service, contact, date, eventually};
use crate::ledger::copy;

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_child_is_unknown_and_every_other_is_answered_as_before() {
    let service = Service::start().await;
    let purged = known_to_two(&service, "999 000 0018").await;
    let other = known_to_two(&service, "999 000 0026").await;
    let asker = service.person("SOCIAL_WORKER");
    let unknown = asker.child(&[("nhs", "999 000 0034")]).await;
    let purge_id = approved(&service, forget(&purged)).await;
    cool_off(&service).await;
    let before = answers(&service, &other).await;
    let nothing = answers(&service, &unknown).await;
    for known in [&before, &answers(&service, &purged).await] {
        assert_eq!(known.each_ref().map(|answer| answer.signposts.len()), [1, 2]);
    }
    confirm_clock(&service).await;
    certified(&service, &purge_id).await;
    let bytes = |answers: [v1::Answer; 2]| answers.map(|answer| answer.encode_to_vec());
    assert_eq!(bytes(answers(&service, &other).await), bytes(before));
    assert_eq!(bytes(answers(&service, &purged).await), bytes(nothing));
    assert_eq!(on_record(&service.ledger().await), (STEPS.to_vec(), 1));
    let file = certificate(&service.person("AUDITOR"), &purge_id).await;
    let certificate = verified(&file, &ledger_key(&service.world)).unwrap().certificate;
    assert_eq!((certificate.purge.id, certificate.records), (purge_id, None));

    // A forgotten child comes back with the next feed.
    let again = contact(&purged, "CASE-2", service.world.today());
    service.person("nurse").record(again).await.unwrap();
    assert_eq!(answer(&asker, &purged).await.signposts.len(), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisations_flags_go_and_those_of_others_stay() {
    let service = Service::start().await;
    let child = known_to_two(&service, "999 000 0018").await;
    let nurse = service.person("nurse");
    let receipt = nurse.record(contact(&child, "CASE-2", service.world.today())).await.unwrap();
    let southmoor = service.ledger().await.at(receipt.receipt).organisation().unwrap();
    let southmoor = uuid::Uuid::from_bytes(*southmoor.as_bytes()).to_string();
    let purge_id = approved(&service, Scope::OrganisationId(southmoor.clone())).await;
    cool_off(&service).await;
    let mut before = answers(&service, &child).await;
    confirm_clock(&service).await;
    certified(&service, &purge_id).await;
    for answer in &mut before {
        let all = answer.signposts.len();
        answer.signposts.retain(|one| one.organisation_name != "Southmoor Trust");
        assert!(answer.signposts.len() < all, "Southmoor's were shown");
    }
    assert_eq!(answers(&service, &child).await, before);
    assert_eq!(before.each_ref().map(|answer| answer.signposts.len()), [0, 1]);
    let file = certificate(&service.person("AUDITOR"), &purge_id).await;
    let certificate = verified(&file, &ledger_key(&service.world)).unwrap().certificate;
    assert_eq!(certificate.purge.of, Some(southmoor));
    let flags = certificate.records.unwrap().into_iter().find(|of| of.kind == "FlagCopy").unwrap();
    assert_eq!((flags.stayed, flags.went), (1, 2));
    let (before, after) = (certificate.searched_before, certificate.searched_after);
    assert!(before.sealed_values > Some(0) && before.found > 0 && after.found == 0);
    service.stop().await;
}

/// What an operator puts aside of the files is what the search is for.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_what_is_destroyed_keeps_the_certificate_back() {
    let service = Service::start().await;
    let child = known_to_two(&service, "999 000 0018").await;
    let purge_id = approved(&service, forget(&child)).await;
    let (data, aside) = (service.world.path("data"), service.world.path("data/aside"));
    let elsewhere = service.world.path("aside");
    copy(&data, &elsewhere);
    std::fs::rename(&elsewhere, &aside).unwrap();
    cool_off(&service).await;
    confirm_clock(&service).await;
    let operator = service.person("PURGE_OPERATOR");
    let state = || async { get(&operator, &purge_id).await.purge.unwrap().state() };
    eventually("all but the search", || async {
        (state().await == v1::PurgeState::FilesRemoved).then_some(())
    })
    .await;
    // The search is tried again and again.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(state().await, v1::PurgeState::FilesRemoved);
    assert!(certificate(&operator, &purge_id).await.is_empty());
    std::fs::remove_dir_all(&aside).unwrap();
    certified(&service, &purge_id).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_stops_in_between_goes_on_and_ends_once() {
    let mut service = Service::start().await;
    let purged = known_to_two(&service, "999 000 0018").await;
    let other = known_to_two(&service, "999 000 0026").await;
    let purge_id = approved(&service, forget(&purged)).await;
    cool_off(&service).await;
    let before = answer(&service.person("SOCIAL_WORKER"), &other).await;
    confirm_clock(&service).await;
    loop {
        let (told, _) = on_record(&service.ledger().await);
        let step = || async { (on_record(&service.ledger().await).0 != told).then_some(()) };
        if told.len() == STEPS.len() {
            break;
        }
        eventually("a further step", step).await;
        service = Service::serve(service.stop().await, &[]).await;
    }
    certified(&service, &purge_id).await;
    assert_eq!(on_record(&service.ledger().await), (STEPS.to_vec(), 1));
    let asker = service.person("SOCIAL_WORKER");
    assert_eq!(answer(&asker, &other).await, before);
    assert!(answer(&asker, &purged).await.signposts.is_empty());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suppressed_child_that_is_fed_again_stays_unknown() {
    let service = Service::start().await;
    let child = known_to_two(&service, "999 000 0018").await;
    let until = service.world.today().saturating_add(jiff::Span::new().days(200));
    let scope = Scope::Child(v1::PurgeOfChild {
        pseudonyms: child.clone(),
        mode: v1::SuppressionMode::Suppress.into(),
        suppress_until: Some(date(until)),
    });
    let purge_id = approved(&service, scope).await;
    cool_off(&service).await;
    confirm_clock(&service).await;
    certified(&service, &purge_id).await;
    let service = Service::serve(service.stop().await, &[]).await;
    let again = contact(&child, "CASE-2", service.world.today());
    service.person("nurse").record(again).await.unwrap();
    let asker = service.person("SOCIAL_WORKER");
    let nothing = answer(&asker, &child).await;
    assert!(nothing.signposts.is_empty() && !nothing.further_service);
    service.stop().await;
}

/// A certificate's text but for what says which purge it is, when it was, and how large the files were.
fn alike_text(bytes: &[u8], service: &Service) -> String {
    let read = verified(bytes, &ledger_key(&service.world)).unwrap().certificate;
    let mut json = serde_json::to_value(read).unwrap();
    blank(&mut json);
    json.to_string()
}

fn blank(value: &mut serde_json::Value) {
    const DIFFERS: [&str; 14] = [
        "id",
        "digest",
        "cut_off",
        "at",
        "entry",
        "ledger_size",
        "ledger_root",
        "generation",
        "frame",
        "frame_hash",
        "removed",
        "files",
        "bytes",
        "previous",
    ];
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                if DIFFERS.contains(&name.as_str()) && !field.is_object() {
                    *field = serde_json::Value::Null;
                } else {
                    blank(field);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(blank),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn known_and_unknown_children_are_purged_alike() {
    let service = Service::start().await;
    let known = known_to_two(&service, "999 000 0018").await;
    let operator = service.person("PURGE_OPERATOR");
    let unknown = operator.child(&[("nhs", "999 000 0026")]).await;
    let mut seen = Vec::new();
    for child in [&unknown, &known] {
        let purge_id = approved(&service, forget(child)).await;
        cool_off(&service).await;
        confirm_clock(&service).await;
        certified(&service, &purge_id).await;
        let shown = get(&operator, &purge_id).await;
        let shown = alike(shown.purge.unwrap());
        let file = certificate(&operator, &purge_id).await;
        seen.push((shown.encode_to_vec(), alike_text(&file, &service)));
    }
    assert_eq!(seen[0], seen[1], "known or not");
    service.stop().await;
}
