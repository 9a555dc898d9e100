//! Systems and the certificates that name them: admitted, counted, revoked, suspended.

use jiff::{SignedDuration, Timestamp, ToSpan};
use signpost_core::alert::Alert;
use signpost_core::directory::onboarding::{
    AdmitCertificate, ListRegister, Listing, ResumeSystem, RevokeCertificate, SuspendSystem,
};
use signpost_core::directory::{AlertWatch, Presented};
use signpost_core::id::{Fingerprint, SystemId};
use signpost_core::record::{Kind, Record, RecordKey};
use signpost_core::refusal::{Reason, Refusal, Unidentified};
use signpost_core::register::Standing;
use signpost_core::terms::AlertKind;

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
async fn a_systems_certificates_are_listed_with_what_became_of_them() {
    let scene = Scene::new().await;
    let (system, until) = (SystemId::new([EASTVALE; 16]), Timestamp::MAX);
    let listing = Listing::Certificates(system);
    let look = Ok(ListRegister { listing, after: None, limit: 1 });
    let listed = async || {
        let listed = scene.directory.list_register(&ADA.presented(), &look).await.unwrap();
        let mut found: Vec<(Fingerprint, Standing)> = Vec::new();
        for stored in listed.result.records {
            let Record::Certificate(one) = stored.record else { panic!("no certificate") };
            found.push((one.fingerprint, one.standing));
        }
        found.sort_by_key(|(fingerprint, _)| *fingerprint.as_bytes());
        found
    };
    let [first, second] = [EASTVALE, 78].map(|number| Fingerprint::new([number; 32]));
    assert_eq!(listed().await, [(first, Standing::Active)]);
    ask_for!(scene, ADA, AdmitCertificate { system, fingerprint: second, until }).await.unwrap();
    ask_for!(scene, ADA, RevokeCertificate { fingerprint: first }).await.unwrap();
    assert_eq!(listed().await, [(first, Standing::Revoked), (second, Standing::Active)]);
    let entry = *scene.entries().await.last().unwrap();
    assert_eq!((entry.detail()[0], entry.count()), (Kind::Certificate as u8, 2));
    assert_eq!(entry.detail()[16..], [EASTVALE; 16]);
    let listing = Listing::Certificates(SystemId::new([99; 16]));
    let unknown = Ok(ListRegister { listing, after: None, limit: 1 });
    let presented = ADA.presented();
    let looked = scene.directory.list_register(&presented, &unknown);
    scene.assert_refused(looked, Reason::Unknown("system")).await;
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
async fn a_privacy_officer_is_told_of_a_certificate_for_another_organisation() {
    let scene = Scene::new().await;
    let mut watch = AlertWatch::start(scene.directory.clone()).await.unwrap();
    watch.look().await.unwrap();
    for (organisation, alerts) in [(NORTHFIELD, 0), (EASTVALE, 1)] {
        let system = SystemId::new([organisation; 16]);
        let (fingerprint, until) = (Fingerprint::new([70 + organisation; 32]), Timestamp::MAX);
        let admit = ask_for!(scene, ADA, AdmitCertificate { system, fingerprint, until });
        let admitted = admit.await.unwrap();
        assert_eq!(watch.look().await, Ok(alerts));
        let alert = Alert::id_of_entry(AlertKind::CertificateElsewhere, admitted.receipt);
        assert_eq!(scene.record(RecordKey::Alert(alert)).await.is_some(), alerts > 0);
    }
}

#[tokio::test]
async fn nobody_revokes_the_certificate_that_they_come_with() {
    let scene = Scene::new().await;
    let fingerprint = Fingerprint::new([ADA.system; 32]);
    let own = "the request comes with this certificate itself; revoke it over another connection";
    let revoke = ask_for!(scene, ADA, RevokeCertificate { fingerprint });
    scene.assert_refused(revoke, Reason::WrongState(own)).await;
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
