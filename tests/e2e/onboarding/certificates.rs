//! Client certificates: signed, presented, renewed, revoked and expired, on open connections too.

use jiff::ToSpan;
use signpost::connection::fingerprint;
use signpost_proto::v1;
use signpost_proto::v1::admit_certificate_request::Presented;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{Eastmoor, Scene, admission, reason};
use crate::harness::{
    Caller, Service, UNREGISTERED, certificate_request, channel, redeem, request_id,
};

fn presenting(system_id: &str, certificate: Vec<u8>) -> v1::AdmitCertificateRequest {
    v1::AdmitCertificateRequest {
        presented: Some(Presented::Certificate(certificate)),
        ..admission(system_id, &[])
    }
}

fn revocation(certificate: &[u8]) -> v1::RevokeCertificateRequest {
    let fingerprint = fingerprint(certificate).as_bytes().to_vec();
    v1::RevokeCertificateRequest { request_id: request_id(), fingerprint }
}

fn renewal(request: &[u8]) -> v1::RenewCertificateRequest {
    v1::RenewCertificateRequest { certificate_request: request.to_vec() }
}

#[track_caller]
fn wrong_fields<T: std::fmt::Debug>(refused: Result<T, Status>) -> Vec<String> {
    let details = refused.unwrap_err().get_error_details();
    let wrong = details.bad_request().expect("a wrong field");
    wrong.field_violations.iter().map(|violation| violation.field.clone()).collect()
}

/// Somebody of Eastmoor, over its system's connection.
async fn worker(scene: &Scene, eastmoor: &Eastmoor) -> Caller {
    let group = scene.by.group(&eastmoor.team, 1);
    scene.worker(group, &eastmoor.system, "E1").await.caller
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_is_nobodys_on_an_open_connection() {
    let scene = Scene::new().await;
    let eastmoor = scene.eastmoor(300).await;
    let worker = worker(&scene, &eastmoor).await;
    assert_eq!(scene.ask(&worker).await, None);
    let revocation = revocation(&eastmoor.certificate);
    scene.by.first.revoke_certificate(revocation).await.unwrap();
    assert_eq!(scene.ask(&worker).await.as_deref(), Some("CERTIFICATE_REVOKED"));
    let (_, request) = certificate_request();
    let renewed = worker.renew_certificate(renewal(&request)).await;
    assert_eq!(reason(renewed), "CERTIFICATE_REVOKED", "it does not renew itself");
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_whose_time_is_over_is_nobodys_on_an_open_connection() {
    let scene = Scene::with(&[("AUTHORITY__CERTIFICATE_DAYS", "1")]).await;
    let eastmoor = scene.eastmoor(300).await;
    let worker = worker(&scene, &eastmoor).await;
    scene.service.world.clock().step(23.hours());
    assert_eq!(scene.ask(&worker).await, None);
    let (key, request) = certificate_request();
    let renewed = eastmoor.system.renew_certificate(renewal(&request)).await.unwrap();
    scene.service.world.clock().step(1.hours());
    assert_eq!(scene.ask(&worker).await.as_deref(), Some("CERTIFICATE_EXPIRED"));
    let code = signpost_core::token::EnrolmentCode::new([7; 16]);
    assert_eq!(reason(redeem(&eastmoor.system, &code).await), "CERTIFICATE_EXPIRED");
    // The renewed one was signed a day before its own end.
    let next = scene.over(&renewed.certificate, &key);
    assert_eq!(reason(redeem(&next, &code).await), "CODE_UNKNOWN", "it is known");
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_renews_its_certificate_and_the_present_one_stays() {
    let scene = Scene::new().await;
    let eastmoor = scene.eastmoor(300).await;
    let worker = scene.worker(scene.by.group(&eastmoor.team, 1), &eastmoor.system, "E1").await;
    let (key, request) = certificate_request();
    let renewed = eastmoor.system.renew_certificate(renewal(&request)).await.unwrap();
    let next = scene.over(&renewed.certificate, &key).with_token(&worker.token.to_text());
    assert_eq!(scene.ask(&next).await, None);
    assert_eq!(scene.ask(&worker.caller).await, None);

    let suspend = v1::SuspendSystemRequest {
        request_id: request_id(),
        system_id: eastmoor.system_id.clone(),
    };
    scene.by.first.suspend_system(suspend).await.unwrap();
    for caller in [&next, &worker.caller] {
        assert_eq!(scene.ask(caller).await.as_deref(), Some("CERTIFICATE_REVOKED"));
        let renewed = caller.renew_certificate(renewal(&request)).await;
        assert_eq!(reason(renewed), "CERTIFICATE_REVOKED");
    }
    // What is admitted while it is suspended waits until it is resumed; of before, nothing returns.
    let (admitted, system) = scene.admit(&eastmoor.system_id).await;
    let waiting = system.with_token(&worker.token.to_text());
    assert_eq!(scene.ask(&waiting).await.as_deref(), Some("SYSTEM_SUSPENDED"));
    let system_id = eastmoor.system_id.clone();
    let resume = v1::ResumeSystemRequest { request_id: request_id(), system_id };
    scene.by.first.resume_system(resume).await.unwrap();
    assert_eq!(scene.ask(&waiting).await, None);
    let list = v1::ListCertificatesRequest { system_id: eastmoor.system_id };
    let listed = scene.by.first.list_certificates(list).await.unwrap().certificates;
    let standing = |of: &[u8]| {
        let is_it = |one: &&v1::Certificate| one.fingerprint == fingerprint(of).as_bytes();
        listed.iter().find(is_it).unwrap().standing()
    };
    assert_eq!(listed.len(), 3);
    assert_eq!(standing(&renewed.certificate), v1::Standing::Revoked);
    assert_eq!(standing(&admitted), v1::Standing::Active);
    assert_eq!(scene.ask(&next).await.as_deref(), Some("CERTIFICATE_REVOKED"));
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_certificates_of_a_configured_authority_and_requests_with_their_key_are_taken() {
    let scene = Scene::new().await;
    let eastmoor = scene.eastmoor(300).await;
    let admin = &scene.by.first;
    let system_id = &eastmoor.system_id;
    let der = |name: &str| scene.service.world.certificate(name).to_vec();
    for wrong in [der("stranger"), der("server"), der("authority"), vec![], b"x".to_vec()] {
        let refused = admin.admit_certificate(presenting(system_id, wrong)).await;
        assert_eq!(wrong_fields(refused), ["certificate"]);
    }
    let (_, mut forged) = certificate_request();
    *forged.last_mut().unwrap() ^= 1;
    for wrong in [&forged[..], &[], &der(UNREGISTERED)] {
        let refused = admin.admit_certificate(admission(system_id, wrong)).await;
        assert_eq!(wrong_fields(refused), ["certificate_request"]);
    }
    let none = v1::AdmitCertificateRequest { presented: None, ..admission(system_id, &[]) };
    assert_eq!(wrong_fields(admin.admit_certificate(none).await), ["presented"]);
    // A system shows that it has the key of its next certificate: a request alone does.
    for wrong in [&forged[..], &[], &der(UNREGISTERED)] {
        let refused = eastmoor.system.renew_certificate(renewal(wrong)).await;
        assert_eq!(wrong_fields(refused), ["certificate_request"]);
    }

    // One of the county's authority is admitted as it is, once, and names the system from then on.
    let presented = presenting(system_id, der(UNREGISTERED));
    let admitted = admin.admit_certificate(presented.clone()).await.unwrap();
    assert_eq!(admitted.certificate, der(UNREGISTERED));
    assert_eq!(admin.admit_certificate(presented).await.unwrap(), admitted, "a repeat");
    let again = admin.admit_certificate(presenting(system_id, der(UNREGISTERED))).await;
    assert_eq!(reason(again), "ALREADY_REGISTERED");
    let over = scene.service.system(Some(UNREGISTERED));
    let code = signpost_core::token::EnrolmentCode::new([7; 16]);
    assert_eq!(reason(redeem(&over, &code).await), "CODE_UNKNOWN");
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_gives_the_same_certificate() {
    let scene = Scene::new().await;
    let eastmoor = scene.eastmoor(300).await;
    let (_, request) = certificate_request();
    let request = admission(&eastmoor.system_id, &request);
    let admitted = scene.by.first.admit_certificate(request.clone()).await.unwrap();
    assert_eq!(scene.by.first.admit_certificate(request.clone()).await.unwrap(), admitted);
    let other = v1::AdmitCertificateRequest {
        request_id: request.request_id,
        ..admission(&eastmoor.system_id, &certificate_request().1)
    };
    assert_eq!(reason(scene.by.first.admit_certificate(other).await), "REQUEST_ID_REUSED");
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_authority_of_its_own_the_service_signs_nothing() {
    let service = Service::start().await;
    let by = service.administrators();
    let northfield = by.organisation("Northfield Council").await;
    let organisation_id = northfield.organisation_id;
    let list = v1::ListSystemsRequest { organisation_id, ..v1::ListSystemsRequest::default() };
    let systems = by.first.list_systems(list).await.unwrap().systems;
    let (_, request) = certificate_request();
    let refused = by.first.admit_certificate(admission(&systems[0].system_id, &request)).await;
    let status = refused.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("no authority of its own"), "{}", status.message());
    let system = service.system(Some(crate::harness::NORTHFIELD));
    assert_eq!(reason(system.renew_certificate(renewal(&request)).await), "WRONG_STATE");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_was_signed_and_not_admitted_is_nobodys() {
    let scene = Scene::new().await;
    let (_, request) = certificate_request();
    let unknown = admission(&request_id(), &request);
    assert_eq!(reason(scene.by.first.admit_certificate(unknown).await), "NOT_FOUND");
    let tls = scene.service.world.tls(Some(UNREGISTERED));
    let over = Caller::new(channel(scene.service.address, tls), None);
    assert_eq!(reason(over.renew_certificate(renewal(&request)).await), "CERTIFICATE_UNKNOWN");
    scene.service.stop().await;
}
