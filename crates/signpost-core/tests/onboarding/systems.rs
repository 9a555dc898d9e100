//! Systems and the certificates that name them: admitted, counted, revoked, suspended.

use jiff::{SignedDuration, Timestamp, ToSpan};
use signpost_core::directory::Presented;
use signpost_core::directory::onboarding::{
    AdmitCertificate, ResumeSystem, RevokeCertificate, SuspendSystem,
};
use signpost_core::id::{Fingerprint, SystemId};
use signpost_core::record::RecordKey;
use signpost_core::refusal::{Reason, Refusal, Unidentified};

use crate::fixture::*;

#[tokio::test]
async fn a_suspended_system_and_a_revoked_certificate_are_nobodys_at_once() {
    let scene = Scene::new().await;
    let system = SystemId::new([EASTVALE; 16]);
    let stands_so = || Reason::WrongState("the system stands so already");
    let resume = ask_for!(scene, ADA, ResumeSystem { system });
    scene.assert_refused(resume, stands_so()).await;
    ask_for!(scene, ADA, SuspendSystem { system }).await.unwrap();
    let suspend = ask_for!(scene, ADA, SuspendSystem { system });
    scene.assert_refused(suspend, stands_so()).await;
    let may = async || scene.directory.may_ask_many(&EVE.presented()).await;
    let revoked = || Refusal::Unidentified(Unidentified::CertificateRevoked);
    assert_eq!(may().await, Err(revoked()));
    ask_for!(scene, ADA, ResumeSystem { system }).await.unwrap();
    assert_eq!(may().await, Err(revoked()), "what named it before is nobody's for good");

    let (fingerprint, until) = (Fingerprint::new([78; 32]), Timestamp::MAX);
    ask_for!(scene, ADA, AdmitCertificate { system, fingerprint, until }).await.unwrap();
    let over_next = Presented { certificate: fingerprint, ..EVE.presented() };
    let may_next = async || scene.directory.may_ask_many(&over_next).await;
    assert_eq!(may_next().await, Ok(()));
    ask_for!(scene, ADA, RevokeCertificate { fingerprint }).await.unwrap();
    assert_eq!(may_next().await, Err(revoked()));
    let again = ask_for!(scene, ADA, RevokeCertificate { fingerprint });
    let is_revoked = Reason::WrongState("the certificate is revoked already");
    scene.assert_refused(again, is_revoked).await;
    let admit = ask_for!(scene, ADA, AdmitCertificate { system, fingerprint, until });
    scene.assert_refused(admit, Reason::AlreadyRegistered("certificate")).await;
    let over = scene.directory.now() - 1.second();
    let fingerprint = Fingerprint::new([77; 32]);
    let admit = ask_for!(scene, ADA, AdmitCertificate { system, fingerprint, until: over });
    scene.assert_invalid(admit, "certificate").await;
    let key = RecordKey::Certificate(fingerprint);
    assert_eq!(scene.record(key).await, None);
}

#[tokio::test]
async fn nobody_suspends_the_system_that_they_come_over() {
    let scene = Scene::new().await;
    let system = SystemId::new([ADA.system; 16]);
    let own = "the request comes over this system itself; suspend it over another one";
    let suspend = ask_for!(scene, ADA, SuspendSystem { system });
    scene.assert_refused(suspend, Reason::WrongState(own)).await;
}

#[tokio::test]
async fn eight_certificates_of_a_system_count_at_once_and_those_that_do_not_make_way() {
    let scene = Scene::new().await;
    let system = SystemId::new([EASTVALE; 16]);
    let until = scene.directory.now() + 24.hours();
    let admit = async |number: u8| {
        let fingerprint = Fingerprint::new([number; 32]);
        ask_for!(scene, ADA, AdmitCertificate { system, fingerprint, until }).await
    };
    // One was there before.
    for number in 70..77 {
        admit(number).await.unwrap();
    }
    let full = || {
        Reason::WrongState(
            "8 certificates of the system count already; one of them must be revoked, or be over, \
             first",
        )
    };
    scene.assert_refused(admit(77), full()).await;
    let fingerprint = Fingerprint::new([70; 32]);
    ask_for!(scene, ADA, RevokeCertificate { fingerprint }).await.unwrap();
    admit(77).await.unwrap();
    scene.assert_refused(admit(78), full()).await;
    scene.clock.step_by(SignedDuration::from_hours(24));
    let until = Timestamp::MAX;
    let fingerprint = Fingerprint::new([78; 32]);
    ask_for!(scene, ADA, AdmitCertificate { system, fingerprint, until }).await.unwrap();
}
