//! Who is given a certificate that the service's own authority signs, and who is given nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use jiff::{SignedDuration, Timestamp};
use signpost_core::directory::Presented;
use signpost_core::directory::onboarding::{IssueCertificate, NextCertificate, RevokeCertificate};
use signpost_core::id::{Fingerprint, SystemId};
use signpost_core::record::Registered;
use signpost_core::refusal::{Invalid, Reason, Refusal, Unidentified};
use signpost_core::store::{CertificateIssuer, IssueError, IssuedCertificate};
use signpost_core::terms::Role;

use crate::fixture::{ADA, EVERYBODY, NORA, SAM, Scene, Who};

/// A request that no authority reads.
const UNREADABLE: [u8; 1] = [0];

/// Signs a byte after another, and so counts what it has signed.
#[derive(Debug, Default)]
struct Counting(AtomicU8);

impl Counting {
    fn signed(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

impl CertificateIssuer for Counting {
    fn issue(
        &self,
        request: &[u8],
        system: SystemId,
        now: Timestamp,
    ) -> Result<IssuedCertificate, IssueError> {
        if request == UNREADABLE {
            return Err(IssueError::Request("must be one PKCS #10 request in DER"));
        }
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let der = [request, &system.as_bytes()[..1], &[number]].concat();
        let fingerprint = Fingerprint::new([100 + number; 32]);
        let until =
            now.checked_add(SignedDuration::from_hours(24)).map_err(|_| IssueError::Unavailable)?;
        Ok(IssuedCertificate { der, fingerprint, until })
    }

    /// Its certificates begin with the request, and their life is not looked at.
    fn is_answered_by(&self, request: &[u8], certificate: &[u8], _: Timestamp) -> bool {
        certificate.starts_with(request)
    }
}

/// A scene with an authority, and the count of what it signs.
async fn scene() -> (Scene, Arc<Counting>) {
    let mut scene = Scene::new().await;
    let issuer = Arc::new(Counting::default());
    scene.directory = scene.directory.with_issuer(issuer.clone());
    (scene, issuer)
}

/// For system 2, with a key that says 7.
fn issue(scene: &Scene) -> IssueCertificate {
    let system = SystemId::new([2; 16]);
    IssueCertificate { request: scene.request(), system, certificate_request: vec![7] }
}

/// A system in nobody's name.
fn alone(who: Who) -> Presented {
    Presented { token: None, ..who.presented() }
}

#[tokio::test]
async fn nothing_is_signed_for_whoever_may_not_have_it() {
    let (scene, issuer) = scene().await;
    for who in EVERYBODY.into_iter().filter(|who| who.role != Role::AdminOnboarding) {
        let (presented, request) = (who.presented(), Ok(issue(&scene)));
        let asked = scene.directory.onboard(&presented, &request);
        scene.assert_refused_next(asked, Reason::Role).await;
    }
    let mut unknown = issue(&scene);
    unknown.system = SystemId::new([99; 16]);
    let (ada, unknown) = (ADA.presented(), Ok(unknown));
    let asked = scene.directory.onboard(&ada, &unknown);
    scene.assert_refused_next(asked, Reason::Unknown("system")).await;
    assert_eq!(issuer.signed(), 0);
}

#[tokio::test]
async fn what_is_signed_names_the_system_and_a_repeat_gives_the_same() {
    let (scene, issuer) = scene().await;
    let request = Ok(issue(&scene));
    let first = scene.directory.onboard(&ADA.presented(), &request).await.unwrap();
    assert_eq!(first.result, Registered::Certificate(vec![7, 2, 1]));
    let again = scene.directory.onboard(&ADA.presented(), &request).await.unwrap();
    assert_eq!((again, issuer.signed()), (first, 1));

    let own = Presented { certificate: Fingerprint::new([101; 32]), ..alone(NORA) };
    let next = Ok(NextCertificate { certificate_request: vec![8] });
    let renewed = scene.directory.issue_next_certificate(&own, &next).await.unwrap();
    assert_eq!(renewed.result, [8, 2, 2]);
    scene.clock.advance(SignedDuration::from_hours(24));
    let over = scene.directory.issue_next_certificate(&own, &next).await.unwrap_err();
    assert_eq!(over, Refusal::Unidentified(Unidentified::CertificateExpired));
    assert_eq!(issuer.signed(), 2);
}

#[tokio::test]
async fn a_system_renews_until_eight_certificates_count_and_each_stands_in_the_ledger() {
    let (scene, issuer) = scene().await;
    let own = alone(NORA);
    let with_key = |key| Ok(NextCertificate { certificate_request: vec![key] });
    for key in 1..=7 {
        scene.directory.issue_next_certificate(&own, &with_key(key)).await.unwrap();
        let entry = *scene.entries().await.last().unwrap();
        assert_eq!(entry.detail(), [100 + issuer.signed(); 32]);
    }
    let refused = scene.directory.issue_next_certificate(&own, &with_key(8)).await.unwrap_err();
    let Refusal::Refused { reason: Reason::WrongState(problem), .. } = refused else {
        panic!("{refused:?}")
    };
    assert!(problem.starts_with("8 certificates of the system count already"));
    scene.clock.advance(SignedDuration::from_hours(24));
    scene.directory.issue_next_certificate(&own, &with_key(8)).await.unwrap();
}

#[tokio::test]
async fn a_renewal_whose_answer_was_lost_gives_the_same_and_signs_nothing() {
    let (scene, issuer) = scene().await;
    let own = alone(NORA);
    let next = Ok(NextCertificate { certificate_request: vec![8] });
    let first = scene.directory.issue_next_certificate(&own, &next).await.unwrap();
    for _ in 0..8 {
        let again = scene.directory.issue_next_certificate(&own, &next).await.unwrap();
        assert_eq!((again.result, issuer.signed()), (first.result.clone(), 1));
        assert_eq!(scene.entry(again.receipt).await.detail(), [101; 32]);
    }
    // Another system's, and one that was revoked, are given to nobody.
    let elsewhere = alone(SAM);
    let other = scene.directory.issue_next_certificate(&elsewhere, &next).await.unwrap();
    assert_ne!(other.result, first.result);
    let fingerprint = Fingerprint::new([101; 32]);
    let revoke = Ok(RevokeCertificate { request: scene.request(), fingerprint });
    scene.directory.onboard(&ADA.presented(), &revoke).await.unwrap();
    let anew = scene.directory.issue_next_certificate(&own, &next).await.unwrap();
    assert_ne!(anew.result, first.result);
}

/// Whoever may not have a certificate is told so, whatever they send: it is not looked at.
#[tokio::test]
async fn a_request_is_read_only_once_its_sender_is_known_to_be_allowed_a_certificate() {
    let (scene, _) = scene().await;
    let unreadable =
        || IssueCertificate { certificate_request: UNREADABLE.to_vec(), ..issue(&scene) };
    let (nora, request) = (NORA.presented(), Ok(unreadable()));
    scene.assert_refused_next(scene.directory.onboard(&nora, &request), Reason::Role).await;
    let problem = "must be one PKCS #10 request in DER";
    let wrong = || Reason::Invalid(Invalid::field("certificate_request", problem));
    let (ada, request) = (ADA.presented(), Ok(unreadable()));
    scene.assert_refused_next(scene.directory.onboard(&ada, &request), wrong()).await;
    let (own, next) =
        (alone(NORA), Ok(NextCertificate { certificate_request: UNREADABLE.to_vec() }));
    let asked = scene.directory.issue_next_certificate(&own, &next).await.unwrap_err();
    assert!(matches!(asked, Refusal::Refused { reason, .. } if reason == wrong()));
}

#[tokio::test]
async fn without_an_authority_or_with_one_that_signs_nothing_the_caller_is_told() {
    #[derive(Debug)]
    struct Over;

    impl CertificateIssuer for Over {
        fn issue(
            &self,
            _: &[u8],
            _: SystemId,
            _: Timestamp,
        ) -> Result<IssuedCertificate, IssueError> {
            Err(IssueError::Unavailable)
        }

        fn is_answered_by(&self, _: &[u8], _: &[u8], _: Timestamp) -> bool {
            false
        }
    }

    let mut scene = Scene::new().await;
    for _ in 0..2 {
        let request = Ok(issue(&scene));
        let asked = scene.directory.onboard(&ADA.presented(), &request).await;
        let Err(Refusal::Refused { reason: Reason::WrongState(_), .. }) = asked else {
            panic!("{asked:?}")
        };
        let next = Ok(NextCertificate { certificate_request: vec![8] });
        let asked = scene.directory.issue_next_certificate(&alone(NORA), &next).await;
        let Err(Refusal::Refused { reason: Reason::WrongState(_), .. }) = asked else {
            panic!("{asked:?}")
        };
        scene.directory = scene.directory.with_issuer(Arc::new(Over));
    }
}
