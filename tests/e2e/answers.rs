//! What an answer holds, and that nobody can tell why it holds nothing.

use jiff::{Span, ToSpan};
use prost::Message;
use signpost_core::policy::Level;
use signpost_core::terms::{Action, Outcome};
use signpost_proto::v1;
use tonic::Code;
use tonic_types::StatusExt;

use crate::harness::{Caller, Service, contact, date, nhs_number, question, request_id};

const STATEMENT: &str =
    "No contact that you may see is no evidence that nobody is working with this child.";

#[tokio::test(flavor = "multi_thread")]
async fn another_team_of_the_same_council_is_someone_else_and_the_own_team_is_not() {
    let service = Service::start().await;
    let worker = service.person("SOCIAL_WORKER");
    let child = worker.child(&[("nhs", "999 000 0018")]).await;
    record(&service, "SOCIAL_WORKER", &child, |_| {}).await;

    for own in ["SOCIAL_WORKER", "colleague"] {
        let answer = service.person(own).ask(question(&child)).await.unwrap();
        assert!(answer.signposts.is_empty(), "{own} is told of their own team");
    }
    let answer = service.person("other-team").ask(question(&child)).await.unwrap();
    let [signpost] = answer.signposts.as_slice() else { panic!("one signpost: {answer:?}") };
    assert_eq!(signpost.involvement(), v1::Involvement::Current);
    assert_eq!(signpost.team_name, "Duty Team");
    assert_eq!(signpost.organisation_name, "Northfield Council");
    assert_eq!(signpost.service_type(), v1::ServiceType::SocialCareChildInNeed);
    assert_eq!(signpost.route.as_ref().unwrap().work_phone, "+441632960001");
    assert_eq!(signpost.duty_phone.as_ref().unwrap().phone, "+441632960100");
    assert!(signpost.details.as_ref().unwrap().lead_practitioner);
    assert_eq!(answer.statement, STATEMENT);

    let ledger = service.ledger().await;
    let entry = ledger.at(answer.receipt);
    assert_eq!((entry.action(), entry.outcome()), (Action::Ask, Outcome::Released));
    assert_eq!(entry.released(), Level::Full.bit());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_under_two_numbers_is_found_by_either_and_shown_once() {
    let service = Service::start().await;
    let teacher = service.person("teacher");
    let both = teacher.child(&[("nhs", "999 000 0018"), ("upn", "B801200005001")]).await;
    record(&service, "teacher", &both, |_| {}).await;

    let asker = service.person("SOCIAL_WORKER");
    let namespaces = [v1::Namespace::Nhs, v1::Namespace::Upn].map(i32::from);
    for (asked, searched) in [
        (&both[..1], &namespaces[..1]),
        (&both[1..], &namespaces[1..]),
        (&both[..], &namespaces[..]),
    ] {
        let answer = asker.ask(question(asked)).await.unwrap();
        assert_eq!(answer.signposts.len(), 1);
        assert_eq!(answer.signposts[0].organisation_name, "Westbury School");
        assert_eq!(answer.searched, searched);
    }
    let unused = asker.child(&[("nhs", "999 000 0026")]).await;
    let answer = asker.ask(question(&unused)).await.unwrap();
    assert!(answer.signposts.is_empty(), "another child is another child");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_involvement_is_previous_then_reduced_then_gone() {
    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let contact_id = record(&service, "nurse", &child, |_| {}).await;
    let today = service.world.today();
    let ended = today.saturating_sub(30.days());
    let end = v1::EndContactRequest {
        request_id: request_id(),
        pseudonyms: child.clone(),
        contact_id: contact_id.clone(),
        ended: Some(date(ended)),
    };
    // Whoever is not of the team has no such contact.
    let refused = asker.end(end.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    assert_eq!(service.person("nurse").end(end).await.unwrap().contact_id, contact_id);

    let answer = asker.ask(question(&child)).await.unwrap();
    assert_eq!(answer.signposts[0].involvement(), v1::Involvement::Previous);
    let details = answer.signposts[0].details.as_ref().unwrap();
    assert_eq!(details.ended, Some(date(ended)));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sensitive_services_show_that_they_exist_and_only_to_whom_the_matrix_says() {
    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    record(&service, "nurse", &child, |involvement| {
        involvement.service_type = v1::ServiceType::Camhs.into();
        involvement.sensitivity = v1::Sensitivity::SensitiveExistence.into();
        involvement.disclosure_basis = v1::DisclosureBasis::ExplicitConsent.into();
    })
    .await;

    let answer = asker.ask(question(&child)).await.unwrap();
    assert!(answer.signposts.is_empty() && answer.further_service, "{answer:?}");
    let ledger = service.ledger().await;
    assert_eq!(ledger.at(answer.receipt).outcome(), Outcome::BrokerRequired);

    let emergency =
        v1::Question { purpose: v1::Purpose::EmergencyCareAttendance.into(), ..question(&child) };
    let answer = service.person("clinician").ask(emergency).await.unwrap();
    assert!(answer.signposts.is_empty() && !answer.further_service, "{answer:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_of_the_matrix_releases_its_own_fields() {
    let service = Service::start().await;
    let child = service.person("SOCIAL_WORKER").child(&[("nhs", "999 000 0018")]).await;
    record(&service, "teacher", &child, |_| {}).await;
    let ask = |purpose: v1::Purpose| v1::Question { purpose: purpose.into(), ..question(&child) };

    let answer = service.person("clinician").ask(ask(v1::Purpose::MissingChild)).await.unwrap();
    let shown = &answer.signposts[0];
    assert!(!shown.team_name.is_empty() && shown.route.is_some());
    assert!(shown.duty_phone.is_none() && shown.details.is_none() && shown.service_type == 0);

    let early = service.person("EARLY_HELP_WORKER");
    let answer = early.ask(ask(v1::Purpose::EarlyHelpAssessment)).await.unwrap();
    let shown = &answer.signposts[0];
    assert!(!shown.team_name.is_empty() && shown.route.is_none() && shown.years.is_none());

    let answer = service.person("nurse").ask(ask(v1::Purpose::CaseReview)).await.unwrap();
    let shown = &answer.signposts[0];
    assert!(shown.service_type != 0 && shown.years.is_some() && !shown.team_name.is_empty());
    assert!(shown.route.is_none() && shown.duty_phone.is_none() && shown.details.is_none());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_hidden_own_shielded_and_withheld_are_the_same_bytes() {
    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let children = children(&asker, 5).await;
    let [unknown, hidden, own, shielded, erroneous] = children.as_slice() else { panic!() };
    record(&service, "nurse", hidden, |involvement| {
        involvement.sensitivity = v1::Sensitivity::Hidden.into();
    })
    .await;
    record(&service, "SOCIAL_WORKER", own, |_| {}).await;
    record(&service, "nurse", shielded, |_| {}).await;
    record(&service, "nurse", erroneous, |involvement| involvement.in_error = true).await;
    let answer = asker.ask(question(shielded)).await.unwrap();
    assert_eq!(answer.signposts.len(), 1, "before the shield it is shown");
    shield(&service, shielded).await;

    let expected = without_receipt(asker.ask_padded(question(unknown)).await.unwrap());
    for other in [hidden, own, shielded, erroneous] {
        let response = asker.ask_padded(question(other)).await.unwrap();
        assert_eq!(without_receipt(response), expected);
    }
    let ledger = service.ledger().await;
    let answers = ledger.requests().filter(|entry| entry.action() == Action::Ask);
    let nothing = answers.filter(|entry| entry.outcome() == Outcome::NoVisibleContact);
    assert_eq!(nothing.count(), 5, "the ledger does not tell them apart either");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_about_a_shielded_child_is_answered_as_any_other() {
    let service = Service::start().await;
    let nurse = service.person("nurse");
    let children = children(&nurse, 2).await;
    shield(&service, &children[0]).await;
    let today = service.world.today();
    let mut lengths = Vec::new();
    for child in &children {
        let response = nurse.record(contact(child, "CASE-1", today)).await.unwrap();
        assert!(uuid::Uuid::try_parse(&response.contact_id).is_ok());
        lengths.push(response.encoded_len());
    }
    assert_eq!(lengths[0], lengths[1]);
    let answer = service.person("SOCIAL_WORKER").ask(question(&children[0])).await.unwrap();
    assert!(answer.signposts.is_empty(), "a new flag does not outlive the shield");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_names_lift_a_shield_and_one_person_is_one_name() {
    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    record(&service, "nurse", &child, |_| {}).await;
    shield(&service, &child).await;
    let lift = |lift_id: &str| v1::LiftShieldRequest {
        request_id: request_id(),
        pseudonyms: child.clone(),
        lift_id: lift_id.to_owned(),
    };

    let manager = service.person("SOCIAL_WORK_MANAGER");
    let begun = manager.lift_shield(lift("")).await.unwrap();
    assert_eq!(begun.progress(), v1::LiftProgress::AwaitingSecondName);
    let refused = manager.lift_shield(lift(&begun.lift_id)).await.unwrap_err();
    assert_eq!(reason(&refused), "DENIED_SAME_NAME");
    assert!(asker.ask(question(&child)).await.unwrap().signposts.is_empty());

    let second = service.person("MASH_PRACTITIONER");
    let lifted = second.lift_shield(lift(&begun.lift_id)).await.unwrap();
    assert_eq!(lifted.progress(), v1::LiftProgress::Complete);
    assert_eq!(asker.ask(question(&child)).await.unwrap().signposts.len(), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_response_to_a_question_is_a_multiple_of_2048_bytes() {
    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let recorder = service.person("teacher");
    let mut lengths = Vec::new();
    for flags in 0..12 {
        let response = asker.ask_padded(question(&child)).await.unwrap();
        assert_eq!(response.answer.as_ref().unwrap().signposts.len(), flags);
        assert_eq!(response.encoded_len() % 2048, 0, "with {flags} flags");
        assert!(response.padding.iter().all(|byte| *byte == 0));
        lengths.push(response.encoded_len());
        let contact = contact(&child, &format!("CASE-{flags}"), service.world.today());
        recorder.record(contact).await.unwrap();
    }
    assert_eq!(lengths[0], lengths[1], "nobody and somebody have one length");
    let (answers, error) = asker.ask_many(caseload(&[child])).await;
    assert!(error.is_none() && answers.len() == 1);
    assert_eq!(answers[0].encoded_len() % 2048, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caseload_of_200_has_each_answer_under_its_number_with_its_own_entry() {
    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let children = children(&asker, 200).await;
    for child in children.iter().step_by(10) {
        record(&service, "nurse", child, |_| {}).await;
    }
    let before = service.ledger().await.requests().count();
    let mut questions = caseload(&children);
    // One of them is malformed: it alone is answered so.
    questions[77].question.as_mut().unwrap().pseudonyms[0].value.pop();
    let (answers, error) = asker.ask_many(questions).await;
    assert!(error.is_none(), "{error:?}");

    let mut numbers: Vec<u32> = answers.iter().map(|answer| answer.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..200).collect::<Vec<u32>>());
    let ledger = service.ledger().await;
    let mut receipts = Vec::new();
    for answer in answers {
        assert_eq!(answer.encoded_len() % 2048, 0);
        let (receipt, expected) = match answer.result.unwrap() {
            v1::ask_many_response::Result::Answer(found) => {
                let known = answer.number % 10 == 0;
                assert_eq!(found.signposts.len(), usize::from(known), "{}", answer.number);
                let outcome = if known { Outcome::Released } else { Outcome::NoVisibleContact };
                (found.receipt, outcome)
            }
            v1::ask_many_response::Result::Malformed(malformed) => {
                assert_eq!(answer.number, 77);
                assert_eq!(malformed.problems[0].field, "pseudonyms[0].value");
                (malformed.receipt, Outcome::Invalid)
            }
        };
        let entry = ledger.at(receipt);
        assert_eq!((entry.action(), entry.outcome()), (Action::AskMany, expected));
        receipts.push(receipt);
    }
    receipts.sort_unstable();
    receipts.dedup();
    assert_eq!(receipts.len(), 200, "each has an entry of its own");
    assert_eq!(ledger.requests().count() - before, 200, "and nothing else has one");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caseload_of_a_suspended_person_ends_at_its_first_question() {
    let service = Service::start().await;
    let child = service.person("SOCIAL_WORKER").child(&[("nhs", "999 000 0018")]).await;
    let questions = caseload(&vec![child; 50]);
    let (answers, error) = service.person("suspended").ask_many(questions).await;
    assert!(answers.is_empty());
    assert_eq!(reason(&error.unwrap()), "DENIED_SUSPENDED");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_past_its_retention_is_not_answered() {
    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let until = service.world.today().saturating_add(Span::new().days(5));
    record(&service, "nurse", &child, |involvement| involvement.retain_until = Some(date(until)))
        .await;
    service.world.clock().step_days(5);
    assert_eq!(asker.ask(question(&child)).await.unwrap().signposts.len(), 1, "its last day");
    service.world.clock().step_days(1);
    assert!(asker.ask(question(&child)).await.unwrap().signposts.is_empty());
    service.stop().await;
}

/// Records a contact, bent as the test needs it, and gives its id.
async fn record(
    service: &Service,
    label: &str,
    child: &[v1::Pseudonym],
    bend: impl FnOnce(&mut v1::ContactInvolvement),
) -> String {
    let mut contact = contact(child, &format!("CASE-{}", request_id()), service.world.today());
    bend(contact.involvement.as_mut().unwrap());
    service.person(label).record(contact).await.unwrap().contact_id
}

async fn shield(service: &Service, child: &[v1::Pseudonym]) {
    let shield = v1::SetShieldRequest {
        request_id: request_id(),
        pseudonyms: child.to_vec(),
        kind: v1::ShieldKind::ProtectedIdentity.into(),
        review_due: Some(date(service.world.today().saturating_add(30.days()))),
    };
    service.person("SOCIAL_WORK_MANAGER").set_shield(shield).await.unwrap();
}

/// So many different children, each known by an NHS number alone.
async fn children(caller: &Caller, count: usize) -> Vec<Vec<v1::Pseudonym>> {
    let numbers: Vec<String> = (0..count).map(nhs_number).collect();
    let identifiers: Vec<(&str, &str)> =
        numbers.iter().map(|number| ("nhs", number.as_str())).collect();
    caller.child(&identifiers).await.into_iter().map(|one| vec![one]).collect()
}

fn caseload(children: &[Vec<v1::Pseudonym>]) -> Vec<v1::AskManyRequest> {
    let numbered = (0..).zip(children);
    let ask = |(number, child): (u32, &Vec<_>)| v1::AskManyRequest {
        number,
        question: Some(question(child)),
    };
    numbered.map(ask).collect()
}

fn without_receipt(mut response: v1::AskResponse) -> Vec<u8> {
    response.answer.as_mut().unwrap().receipt = 0;
    response.encode_to_vec()
}

fn reason(status: &tonic::Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}
