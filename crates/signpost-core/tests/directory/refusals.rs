use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::date;
use signpost_core::directory::Presented;
use signpost_core::faulty::{Call, Fault, FaultRates, FaultyStore};
use signpost_core::id::{Fingerprint, OrganisationId, SystemId};
use signpost_core::record::Record;
use signpost_core::refusal::{Invalid, Reason, Refusal, Unidentified};
use signpost_core::register::{
    Certificate, Group, Organisation, Person, PersonStanding, Standing, System, TokenRecord,
};
use signpost_core::store::StoreError;
use signpost_core::terms::{Action, Outcome, Purpose};
use signpost_core::testing::put_records;
use signpost_core::token::{Token, TokenError};

use crate::fixture::*;

async fn faulty(seed: u64) -> (Scene, Arc<FaultyStore>) {
    let mut made = None;
    let scene = Scene::over(|inner| {
        let faulty = Arc::new(FaultyStore::by_chance(inner, seed, FaultRates::default()));
        made = Some(faulty.clone());
        faulty
    })
    .await;
    (scene, made.unwrap())
}

#[tokio::test]
async fn who_does_not_work_with_children_never_asks() {
    let scene = Scene::new().await;
    let named = child(&[1]);
    for who in [DORA, BRIAN, PRIYA, DAVE, ADA, OLGA, APRIL, ANDY] {
        for purpose in Purpose::ALL {
            let ask = scene.ask(who, *purpose, &named);
            let entry = scene.assert_refused_next(ask, Reason::Role).await;
            assert_eq!((entry.action(), entry.role()), (Action::Ask, Some(who.role)));
            assert_eq!(entry.actor(), Some(who.actor()));
        }
        let caseload = question(Purpose::S47Enquiry, &named);
        let (presented, caseload) = (who.presented(), Ok(caseload));
        let ask = scene.directory.ask(&presented, &caseload, Action::AskMany);
        scene.assert_refused_next(ask, Reason::Role).await;
        let evaluation = scene.directory.permit_evaluation(&presented, &Ok(1), |_, _| true);
        // A broker asks for others by pseudonyms, a privacy officer registers canaries, sets holds
        // and asks for histories by them,
        // a purge operator plans the purge of one child.
        if [DORA, BRIAN, PRIYA, OLGA].contains(&who) {
            evaluation.await.unwrap();
        } else {
            scene.assert_refused_next(evaluation, Reason::Role).await;
        }
        if who != DORA {
            let record = scene.try_record(who, scene.contact(&named, details()));
            scene.assert_refused_next(record, Reason::Role).await;
            let flag = signpost_core::id::FlagId::new([1; 16]);
            let end = scene.end(who, &named, flag, scene.today());
            scene.assert_refused_next(end, Reason::Role).await;
        }
    }
}

#[tokio::test]
async fn a_purpose_must_be_in_the_matrix_and_in_the_groups_list() {
    let scene = Scene::new().await;
    let named = child(&[1]);
    for (who, purpose) in [
        (SAM, Purpose::CaseReview),
        (SAM, Purpose::AuditInvestigation),
        (EDDIE, Purpose::S47Enquiry),
        (ELLA, Purpose::MissingChild),
    ] {
        let ask = scene.ask(who, purpose, &named);
        let entry = scene.assert_refused_next(ask, Reason::Purpose).await;
        assert_eq!(entry.purpose(), Some(purpose));
    }
    let group = Group { purposes: vec![Purpose::S17Assessment], ..SAM.group() };
    put_records(&*scene.store, [Record::Group(group)]).await.unwrap();
    let ask = scene.ask(SAM, Purpose::S47Enquiry, &named);
    scene.assert_refused_next(ask, Reason::Purpose).await;
    scene.ask(SAM, Purpose::S17Assessment, &named).await.unwrap();
}

#[tokio::test]
async fn who_is_suspended_or_out_of_date_is_refused_everything() {
    let today = date(2026, 6, 15);
    let (yesterday, tomorrow) = (date(2026, 6, 14), date(2026, 6, 16));
    let suspended = Standing::Suspended;
    let cases = [
        (
            Record::Person(Person { standing: PersonStanding::Suspended, ..SAM.person() }),
            Some(Reason::Suspended),
        ),
        (
            Record::Token(TokenRecord { standing: suspended, ..SAM.token() }),
            Some(Reason::Suspended),
        ),
        (
            Record::Token(TokenRecord { valid_until: yesterday, ..SAM.token() }),
            Some(Reason::Expired),
        ),
        (Record::Group(Group { valid_until: yesterday, ..SAM.group() }), Some(Reason::Expired)),
        (Record::Group(Group { valid_from: tomorrow, ..SAM.group() }), Some(Reason::Expired)),
        (
            Record::Organisation(Organisation { authority_until: yesterday, ..organisation(2) }),
            Some(Reason::Expired),
        ),
        (Record::Token(TokenRecord { valid_until: today, ..SAM.token() }), None),
        (Record::Group(Group { valid_until: today, valid_from: today, ..SAM.group() }), None),
        (Record::Organisation(Organisation { authority_until: today, ..organisation(2) }), None),
    ];
    for (record, reason) in cases {
        let scene = Scene::new().await;
        let named = child(&[1]);
        put_records(&*scene.store, [record]).await.unwrap();
        let ask = scene.ask(SAM, Purpose::S47Enquiry, &named);
        let Some(reason) = reason else {
            ask.await.unwrap();
            continue;
        };
        let entry = scene.assert_refused_next(ask, reason.clone()).await;
        assert_eq!(entry.purpose(), None, "refused before the question was looked at");
        let record = scene.try_record(SAM, scene.contact(&named, details()));
        scene.assert_refused_next(record, reason.clone()).await;
        let presented = SAM.presented();
        let evaluation = scene.directory.permit_evaluation(&presented, &Ok(1), |_, _| true);
        scene.assert_refused_next(evaluation, reason).await;
    }
}

#[tokio::test]
async fn a_malformed_request_is_looked_at_only_where_the_person_may() {
    let scene = Scene::new().await;
    let invalid = Invalid::field("pseudonyms", "a child needs at least 1 pseudonym");
    let question = Err(invalid.clone());
    let (sam, andy) = (SAM.presented(), ANDY.presented());
    let ask = scene.directory.ask(&sam, &question, Action::Ask);
    scene.assert_refused_next(ask, Reason::Invalid(invalid)).await;
    let ask = scene.directory.ask(&andy, &question, Action::Ask);
    scene.assert_refused_next(ask, Reason::Role).await;
}

#[tokio::test]
async fn who_is_not_identified_leaves_no_entry_and_is_counted() {
    let scene = Scene::new().await;
    put_records(
        &*scene.store,
        [
            Record::System(System { standing: Standing::Suspended, ..system(4, 4) }),
            Record::Certificate(Certificate {
                until: Timestamp::MAX,
                standing: Standing::Active,
                renewal: None,
                fingerprint: Fingerprint::new([90; 32]),
                system: SystemId::new([90; 16]),
            }),
        ],
    )
    .await
    .unwrap();
    let at = |certificate: u8, token| Presented {
        certificate: Fingerprint::new([certificate; 32]),
        token,
    };
    let sams = || Some(Ok(Token::new([SAM.id; 32])));
    let cases = [
        (at(99, sams()), Unidentified::CertificateUnknown, Outcome::CertificateUnknown),
        (at(90, sams()), Unidentified::CertificateUnknown, Outcome::CertificateUnknown),
        (PAUL.presented(), Unidentified::SystemSuspended, Outcome::SystemSuspended),
        (at(2, None), Unidentified::TokenMissing, Outcome::TokenMissing),
        (at(2, Some(Err(TokenError))), Unidentified::TokenMalformed, Outcome::TokenMalformed),
        (at(2, Some(Ok(Token::new([99; 32])))), Unidentified::TokenUnknown, Outcome::TokenUnknown),
        (
            SAM.at_system(1),
            Unidentified::TokenOfOtherOrganisation,
            Outcome::TokenOfOtherOrganisation,
        ),
    ];
    let before = scene.entries().await.len();
    let question = Ok(question(Purpose::S47Enquiry, &child(&[1])));
    for (presented, reason, _) in &cases {
        let asked = scene.directory.ask(presented, &question, Action::Ask).await;
        assert_eq!(asked, Err(Refusal::Unidentified(*reason)));
    }
    let contact = Ok(scene.contact(&child(&[1]), details()));
    let recorded = scene.directory.record_contact(&SAM.at_system(1), &contact).await;
    assert_eq!(recorded, Err(Unidentified::TokenOfOtherOrganisation.into()));
    scene.directory.count_refusal(Outcome::HandshakeFailed);
    assert_eq!(scene.entries().await.len(), before);

    let mut counted = Vec::new();
    while let Some(receipt) = scene.directory.record_refusals().await.unwrap() {
        let entry = scene.entry(receipt).await;
        assert_eq!((entry.action(), entry.actor()), (Action::CountRefusals, None));
        assert_eq!(entry.commitment(), [0; 32]);
        counted.push((entry.outcome(), entry.count()));
    }
    assert!(counted[0].1 >= counted[1].1 && counted[1].1 > counted[2].1, "the largest first");
    counted.sort_unstable();
    let expected = [
        (Outcome::CertificateUnknown, 2),
        (Outcome::SystemSuspended, 1),
        (Outcome::TokenMissing, 1),
        (Outcome::TokenMalformed, 1),
        (Outcome::TokenUnknown, 1),
        (Outcome::TokenOfOtherOrganisation, 2),
        (Outcome::HandshakeFailed, 1),
    ];
    assert_eq!(counted, expected);
}

#[tokio::test]
async fn a_refusal_at_a_certificate_is_counted_for_the_system_it_names() {
    let scene = Scene::new().await;
    for (certificate, system) in [(2, Some(SystemId::new([2; 16]))), (99, None)] {
        let certificate = Fingerprint::new([certificate; 32]);
        scene.directory.count_refusal_at(certificate, Outcome::Shed).await;
        let receipt = scene.directory.record_refusals().await.unwrap().unwrap();
        let entry = scene.entry(receipt).await;
        assert_eq!((entry.outcome(), entry.count()), (Outcome::Shed, 1));
        assert_eq!(entry.system(), system);
    }
}

#[tokio::test]
async fn a_count_that_could_not_be_recorded_is_not_lost() {
    let (scene, faulty) = faulty(0).await;
    scene.directory.count_refusal(Outcome::Shed);
    faulty.fail(Call::Commit, 0, Fault::Refuses);
    scene.directory.record_refusals().await.unwrap_err();
    scene.directory.count_refusal(Outcome::Shed);
    let receipt = scene.directory.record_refusals().await.unwrap().unwrap();
    assert_eq!(scene.entry(receipt).await.count(), 2);
}

#[tokio::test]
async fn no_answer_leaves_without_the_store() {
    let named = child(&[1]);
    for call in [Call::Read, Call::Scan, Call::Commit] {
        for (fault, error) in [
            (Fault::Refuses, StoreError::Unavailable),
            (Fault::DoesItAndFails, StoreError::Indeterminate),
            (Fault::Dies, StoreError::Indeterminate),
        ] {
            let mut failures = 0;
            loop {
                let (scene, faulty) = faulty(0).await;
                scene.record(NORA, &named, details()).await;
                faulty.fail(call, failures, fault);
                match scene.ask(SAM, Purpose::S47Enquiry, &named).await {
                    Err(refusal) => assert_eq!(refusal, Refusal::Store(error)),
                    Ok(_) => break, // there are no more calls of this kind to fail
                }
                failures += 1;
            }
            assert!(failures > 0, "a question makes at least one {call:?}");
        }
    }
}

#[tokio::test]
async fn every_answer_given_has_its_entry_whatever_fails() {
    let rates =
        FaultRates { refuses_per_mille: 20, does_it_and_fails_per_mille: 20, dies_per_mille: 1 };
    let (mut answers, mut failures) = (0, 0);
    for seed in 0..20 {
        let (scene, faulty) = faulty(seed).await;
        faulty.strike(rates);
        for _ in 0..40 {
            let asked = scene.ask(SAM, Purpose::S47Enquiry, &child(&[1])).await;
            let Ok(answer) = asked else {
                failures += 1;
                continue;
            };
            answers += 1;
            let entry = scene.entry(answer.receipt).await;
            assert_eq!((entry.action(), entry.actor()), (Action::Ask, Some(SAM.actor())));
            assert_eq!(entry.outcome(), Outcome::NoVisibleContact);
        }
    }
    assert!(answers > 50 && failures > 50, "{answers} answers, {failures} failures");
}

#[tokio::test]
async fn a_register_at_odds_with_itself_identifies_nobody() {
    let elsewhere = OrganisationId::new([1; 16]);
    for record in [
        Record::Person(Person { organisation: elsewhere, ..SAM.person() }),
        Record::Group(Group { organisation: elsewhere, ..SAM.group() }),
    ] {
        let scene = Scene::new().await;
        put_records(&*scene.store, [record]).await.unwrap();
        let asked = scene.ask(SAM, Purpose::S47Enquiry, &child(&[1])).await;
        assert_eq!(asked, Err(Refusal::Store(StoreError::Damaged)));
    }
}
