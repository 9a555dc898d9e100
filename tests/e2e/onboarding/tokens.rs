//! Tokens: renewed by their holders, suspended by administrators, and always somewhere.

use signpost::entropy::SystemEntropy;
use signpost_core::token::Token;
use signpost_proto::v1;

use super::{Scene, reason};
use crate::harness::request_id;

/// Where the organisation's tokens are: issued, out, returned, destroyed, lost.
async fn custodies(scene: &Scene, organisation_id: &str) -> [u32; 5] {
    let request = v1::GetCustodiesRequest { organisation_id: organisation_id.to_owned() };
    let counted = scene.by.first.get_custodies(request).await.unwrap().custodies.unwrap();
    let v1::Custodies { issued, out, returned, destroyed, lost_revoked, .. } = counted;
    assert_eq!(issued, out + returned + destroyed + lost_revoked);
    [issued, out, returned, destroyed, lost_revoked]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_token_is_somewhere_and_only_one_that_is_out_can_be_used() {
    let scene = Scene::new().await;
    let eastmoor = scene.eastmoor(300).await;
    let by = &scene.by;
    let organisation_id = &eastmoor.organisation_id;
    assert_eq!(custodies(&scene, organisation_id).await, [0; 5]);
    let worker = scene.worker(by.group(&eastmoor.team, 1), &eastmoor.system, "E1").await;
    assert_eq!(custodies(&scene, organisation_id).await, [1, 1, 0, 0, 0]);

    let next = Token::new(SystemEntropy.bytes());
    let renew = v1::RenewTokenRequest {
        request_id: request_id(),
        token_hash: next.hash().as_bytes().to_vec(),
    };
    worker.caller.renew_token(renew).await.unwrap();
    assert_eq!(custodies(&scene, organisation_id).await, [2, 1, 0, 1, 0]);
    assert_eq!(scene.ask(&worker.caller).await.as_deref(), Some("DENIED_SUSPENDED"));
    let renewed = eastmoor.system.with_token(&next.to_text());
    assert_eq!(scene.ask(&renewed).await, None);

    let tokens = by.tokens(&worker.person_id).await;
    let places: Vec<_> = tokens.iter().map(|one| (one.standing(), one.custody())).collect();
    let (revoked, active) = (v1::Standing::Revoked, v1::Standing::Active);
    assert_eq!(places, [(revoked, v1::Custody::Destroyed), (active, v1::Custody::Out)]);
    let lost = |custody: v1::Custody| v1::RecordCustodyRequest {
        request_id: request_id(),
        person_id: worker.person_id.clone(),
        token_id: tokens[1].token_id.clone(),
        custody: custody.into(),
    };
    assert_eq!(reason(by.first.record_custody(lost(v1::Custody::Out)).await), "INVALID");
    by.first.record_custody(lost(v1::Custody::LostRevoked)).await.unwrap();
    assert_eq!(custodies(&scene, organisation_id).await, [2, 0, 0, 1, 1]);
    assert_eq!(scene.ask(&renewed).await.as_deref(), Some("DENIED_SUSPENDED"));
    by.first.record_custody(lost(v1::Custody::Returned)).await.unwrap();
    assert_eq!(custodies(&scene, organisation_id).await, [2, 0, 1, 1, 0]);
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_token_waits_and_an_unused_one_ends() {
    let scene = Scene::new().await;
    let team = scene.northfield().await;
    let by = &scene.by;
    let worker = scene.worker(by.group(&team, 1), &scene.northfield_system(), "T1").await;
    let (person_id, token_id) =
        (worker.person_id.clone(), by.tokens(&worker.person_id).await[0].token_id.clone());
    let suspend = v1::SuspendTokenRequest {
        request_id: request_id(),
        person_id: person_id.clone(),
        token_id: token_id.clone(),
    };
    by.first.suspend_token(suspend).await.unwrap();
    assert_eq!(scene.ask(&worker.caller).await.as_deref(), Some("DENIED_SUSPENDED"));
    let resume = v1::ResumeTokenRequest { request_id: request_id(), person_id, token_id };
    by.first.resume_token(resume).await.unwrap();
    assert_eq!(scene.ask(&worker.caller).await, None);
    for days in [30, 31] {
        scene.service.world.clock().step_days(days);
        by.people(&worker.group.group_id).await;
    }
    assert_eq!(scene.ask(&worker.caller).await.as_deref(), Some("DENIED_EXPIRED"));
    let listed = by.tokens(&worker.person_id).await;
    assert_eq!(listed[0].standing(), v1::Standing::Expired);
    scene.service.stop().await;
}
