//! What must hold for access to go on: legal authority, vetting, and a sponsor's word.

use jiff::ToSpan;
use signpost_proto::v1;
use signpost_proto::v1::propose_access_request::Change;

use super::{Eastmoor, Scene, Worker, reason};
use crate::harness::{conditions, date, redeem, request_id};

#[tokio::test(flavor = "multi_thread")]
async fn after_its_legal_authority_an_organisation_gets_no_answers_until_two_names_extend_it() {
    let scene = Scene::new().await;
    let Eastmoor { organisation_id, team, system, .. } = scene.eastmoor(10).await;
    let by = &scene.by;
    let worker = scene.worker(by.group(&team, 1), &system, "E1").await.caller;
    scene.service.world.clock().step_days(10);
    assert_eq!(scene.ask(&worker).await, None, "its last day counts");
    scene.service.world.clock().step_days(1);
    assert_eq!(scene.ask(&worker).await.as_deref(), Some("DENIED_EXPIRED"));
    let code = signpost_core::token::EnrolmentCode::new([7; 16]);
    assert_eq!(reason(redeem(&system, &code).await), "DENIED_EXPIRED");

    let version = by.organisation("Eastmoor Trust").await.version;
    let extension = v1::AuthorityExtension {
        organisation_id,
        version,
        authority: v1::LegalAuthority::ChildrenAct2004S12.into(),
        authority_until: Some(scene.day(30)),
    };
    let proposal = by.propose_change(Some(Change::ExtendAuthority(extension))).await.unwrap();
    assert_eq!(scene.ask(&worker).await.as_deref(), Some("DENIED_EXPIRED"));
    by.approve(proposal).await.unwrap();
    assert_eq!(scene.ask(&worker).await, None);
    let extended = by.organisation("Eastmoor Trust").await;
    assert_eq!(extended.authority(), v1::LegalAuthority::ChildrenAct2004S12);
    scene.service.stop().await;
}

/// Each of them is recertified by somebody else: the worker by the sponsor, who is by the
/// administrator.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_not_recertified_waits_for_the_sponsor() {
    let scene = Scene::new().await;
    let team = scene.northfield().await;
    let by = &scene.by;
    let administrator = administrator_id(&scene).await;
    let long = |sponsor_id: &str| v1::Group {
        valid_until: Some(scene.day(200)),
        sponsor_id: sponsor_id.to_owned(),
        ..by.group(&team, 1)
    };
    let system = scene.northfield_system();
    let sponsor = scene.worker(long(&administrator), &system, "SPONSOR").await;
    let worker = scene.worker(long(&sponsor.person_id), &system, "WORKER").await;
    let recertify = |who: &Worker| v1::RecertifyRequest {
        request_id: request_id(),
        person_id: who.person_id.clone(),
    };
    // Tokens that nobody uses for 60 days would end.
    for days in [50, 45] {
        scene.service.world.clock().step_days(days);
        assert_eq!(scene.ask(&worker.caller).await, None);
        assert_eq!(scene.ask(&sponsor.caller).await, None);
        by.people(&worker.group.group_id).await;
    }
    by.first.recertify(recertify(&sponsor)).await.unwrap();
    scene.service.world.clock().step_days(28);
    assert_eq!(scene.ask(&worker.caller).await.as_deref(), Some("DENIED_LAPSED"));
    assert_eq!(reason(worker.caller.recertify(recertify(&worker)).await), "DENIED_LAPSED");
    assert_eq!(reason(sponsor.caller.recertify(recertify(&sponsor)).await), "DENIED_NOT_SPONSOR");
    sponsor.caller.recertify(recertify(&worker)).await.unwrap();
    assert_eq!(scene.ask(&worker.caller).await, None);
    scene.service.stop().await;
}

/// The first administrator's own id, which is in a proposal of theirs.
async fn administrator_id(scene: &Scene) -> String {
    let team = scene.northfield().await;
    let proposal_id = scene.by.propose(scene.by.group(&team, 1)).await.unwrap();
    let all = scene.by.first.list_proposals(v1::ListProposalsRequest::default()).await.unwrap();
    let proposal = all.proposals.into_iter().find(|one| one.proposal_id == proposal_id);
    proposal.unwrap().proposer_id
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_vetting_is_too_old_waits_until_it_was_checked_anew() {
    let scene = Scene::new().await;
    let team = scene.northfield().await;
    let by = &scene.by;
    let worker = scene.worker(by.group(&team, 1), &scene.northfield_system(), "V1").await;
    let record = |conditions| v1::RecordConditionsRequest {
        request_id: request_id(),
        person_id: worker.person_id.clone(),
        conditions: Some(conditions),
    };
    let nearly = by.today.saturating_sub(3.years()).saturating_add(5.days());
    let old = v1::Conditions { vetting_on: Some(date(nearly)), ..conditions(by.today) };
    by.first.record_conditions(record(old)).await.unwrap();
    scene.service.world.clock().step_days(5);
    assert_eq!(scene.ask(&worker.caller).await, None);
    scene.service.world.clock().step_days(1);
    assert_eq!(scene.ask(&worker.caller).await.as_deref(), Some("DENIED_LAPSED"));
    let standing = by.people(&worker.group.group_id).await[0].standing();
    assert_eq!(standing, v1::PersonStanding::VettingLapsed);
    by.first.record_conditions(record(conditions(by.today))).await.unwrap();
    assert_eq!(scene.ask(&worker.caller).await, None);
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_moves_to_another_group_has_its_purposes_and_its_end() {
    let scene = Scene::new().await;
    let team = scene.northfield().await;
    let by = &scene.by;
    let worker = scene.worker(by.group(&team, 1), &scene.northfield_system(), "M1").await;
    let other = v1::Group {
        role: v1::Role::EarlyHelpWorker.into(),
        purposes: vec![v1::Purpose::EarlyHelpAssessment.into()],
        ..by.group(&team, 1)
    };
    let other = by.open(other).await;
    let person_id = worker.person_id.clone();
    let group_id = other.group_id.clone();
    let request = v1::MovePersonRequest { request_id: request_id(), person_id, group_id };
    by.first.move_person(request).await.unwrap();
    assert_eq!(scene.ask(&worker.caller).await.as_deref(), Some("DENIED_PURPOSE"));
    assert!(by.people(&worker.group.group_id).await.is_empty());
    assert_eq!(by.people(&other.group_id).await.len(), 1);
    scene.service.stop().await;
}
