//! Enrolment codes: good once, for one organisation, for 14 days.

use signpost::entropy::SystemEntropy;
use signpost_core::token::{EnrolmentCode, Token};
use signpost_proto::v1;
use tonic::Code;

use super::{Scene, reason};
use crate::harness::{Administrators, Invited, redeem, redeem_for, request_id};

/// Northfield's group of two, and both of them.
async fn invited(scene: &Scene) -> [Invited; 2] {
    let team = scene.northfield().await;
    let by = &scene.by;
    let group = by.open(by.group(&team, 2)).await;
    by.invite(&group.group_id, &["C1", "C2"]).await.unwrap().try_into().unwrap()
}

async fn issue(by: &Administrators, person_id: &str) -> Result<EnrolmentCode, tonic::Status> {
    let code = EnrolmentCode::new(SystemEntropy.bytes());
    let request = v1::IssueCodeRequest {
        request_id: request_id(),
        person_id: person_id.to_owned(),
        code_hash: code.hash().as_bytes().to_vec(),
    };
    by.first.issue_code(request).await.map(|_| code)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_redemption_gives_the_same_result_and_another_token_is_a_second_use() {
    let scene = Scene::new().await;
    let [one, _] = invited(&scene).await;
    let system = scene.northfield_system();
    let token = Token::new(SystemEntropy.bytes());
    let redeemed = redeem_for(&system, &one.code, &token).await.unwrap();
    assert_eq!(redeem_for(&system, &one.code, &token).await.unwrap(), redeemed);
    let again = redeem(&system, &one.code).await.unwrap_err();
    assert_eq!(
        (again.code(), reason(Err::<(), _>(again))),
        (Code::FailedPrecondition, "CODE_USED".into())
    );
    assert_eq!(scene.ask(&system.with_token(&token.to_text())).await, None);
    assert_eq!(scene.by.tokens(&one.person_id).await.len(), 1);
    // The holder's token is out: a new code waits until it is accounted for.
    assert_eq!(reason(issue(&scene.by, &one.person_id).await), "WRONG_STATE");
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_of_another_organisation_is_as_unknown_as_one_that_never_was() {
    let scene = Scene::new().await;
    let [one, _] = invited(&scene).await;
    let elsewhere = scene.eastmoor(300).await.system;
    let other = redeem(&elsewhere, &one.code).await.unwrap_err();
    let never = redeem(&elsewhere, &EnrolmentCode::new([9; 16])).await.unwrap_err();
    assert_eq!((other.code(), other.message()), (never.code(), never.message()));
    assert_eq!(reason(Err::<(), _>(other)), "CODE_UNKNOWN");
    assert_eq!(reason(Err::<(), _>(never)), "CODE_UNKNOWN");
    redeem(&scene.northfield_system(), &one.code).await.unwrap();
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_lasts_14_days_or_until_another_takes_its_place() {
    let scene = Scene::new().await;
    let [one, two] = invited(&scene).await;
    let system = scene.northfield_system();
    let second = issue(&scene.by, &one.person_id).await.unwrap();
    assert_eq!(reason(redeem(&system, &one.code).await), "CODE_EXPIRED");
    redeem(&system, &second).await.unwrap();
    scene.service.world.clock().step_days(14);
    assert_eq!(reason(redeem(&system, &two.code).await), "CODE_EXPIRED");
    let renewed = issue(&scene.by, &two.person_id).await.unwrap();
    redeem(&system, &renewed).await.unwrap();
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_redeems_nothing_and_the_staff_reference_is_free() {
    let scene = Scene::new().await;
    let [one, two] = invited(&scene).await;
    let system = scene.northfield_system();
    let token = redeem(&system, &two.code).await.unwrap();
    for person in [&one, &two] {
        let person_id = person.person_id.clone();
        let remove = v1::RemovePersonRequest { request_id: request_id(), person_id };
        scene.by.first.remove_person(remove).await.unwrap();
    }
    assert_eq!(reason(redeem(&system, &one.code).await), "CODE_EXPIRED");
    let left = system.with_token(&token.to_text());
    assert_eq!(scene.ask(&left).await.as_deref(), Some("DENIED_SUSPENDED"));
    let groups = scene.by.groups(&scene.northfield().await.organisation_id).await;
    let group = groups.iter().find(|group| group.members_max == 2 && group.members == 0).unwrap();
    scene.by.invite(&group.group_id, &["C1", "C2"]).await.unwrap();
    scene.service.stop().await;
}
