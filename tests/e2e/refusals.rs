//! What is refused, with which code, reason and fields, on which record, and that nothing of it
//! comes back.

use std::future::Future;
use std::time::Duration;

use signpost_core::terms::{Action, Outcome};
use signpost_proto::v1;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::harness::{
    Caller, NORTHFIELD, Service, contact, date, eventually, nhs_number, question, reopened,
    request_id,
};

/// A valid number of each kind, in ranges that are nobody's.
const NHS_NUMBER: &str = "9990000018";
const PUPIL_NUMBER: &str = "B801200005001";

/// Makes something wrong of a well-formed message.
type Bend<M> = fn(&mut M);
type BendWith<M, V> = fn(&mut M, V);

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_identified_is_told_why_and_counted() {
    let service = Service::start().await;
    let child = service.person("SOCIAL_WORKER").child(&[("nhs", NHS_NUMBER)]).await;
    let system = service.system(Some(NORTHFIELD));
    let unknown = signpost_core::token::Token::new([7; 32]).to_text();
    let mut mistyped = service.world.token("SOCIAL_WORKER");
    let last = if mistyped.ends_with('0') { "1" } else { "0" };
    mistyped.replace_range(mistyped.len() - 1.., last);
    let others = service.world.token("nurse");

    let before = service.ledger().await.requests().count();
    for (token, reason) in [
        (None, "TOKEN_MISSING"),
        (Some(mistyped.as_str()), "TOKEN_MALFORMED"),
        (Some("sgnp_"), "TOKEN_MALFORMED"),
        (Some(unknown.as_str()), "TOKEN_UNKNOWN"),
        // Whether another organisation's token exists is nobody's business.
        (Some(others.as_str()), "TOKEN_UNKNOWN"),
    ] {
        let caller = token.map_or(system.without_token(), |token| system.with_token(token));
        let status = caller.ask(question(&child)).await.unwrap_err();
        assert_eq!((status.code(), found(&status).reason), (Code::Unauthenticated, reason.into()));
        if let Some(token) = token.filter(|token| token.len() > 10) {
            assert_silent(&status, token);
        }
    }
    assert_eq!(service.ledger().await.requests().count(), before, "none has an entry of its own");

    eventually("a count in the ledger of the running service", || async {
        (service.ledger().await.counted(Outcome::TokenUnknown) > 0).then_some(())
    })
    .await;
    let ledger = reopened(&service.stop().await).await;
    for (reason, count) in [
        (Outcome::TokenMissing, 1),
        (Outcome::TokenMalformed, 2),
        (Outcome::TokenUnknown, 1),
        (Outcome::TokenOfOtherOrganisation, 1),
    ] {
        assert_eq!(ledger.counted(reason), count, "{}", reason.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_ask_is_told_why_and_on_record() {
    let service = Service::start().await;
    let child = service.person("SOCIAL_WORKER").child(&[("nhs", NHS_NUMBER)]).await;
    let review = v1::Question { purpose: v1::Purpose::CaseReview.into(), ..question(&child) };
    let audit =
        v1::Question { purpose: v1::Purpose::AuditInvestigation.into(), ..question(&child) };
    for (label, asked, reason) in [
        ("suspended", question(&child), "DENIED_SUSPENDED"),
        ("expired", question(&child), "DENIED_EXPIRED"),
        ("no-purposes", question(&child), "DENIED_PURPOSE"),
        ("nurse", question(&child), "DENIED_PURPOSE"),
        ("SOCIAL_WORKER", review, "DENIED_PURPOSE"),
        ("SOCIAL_WORKER", audit, "DENIED_PURPOSE"),
        ("teacher", question(&child), "DENIED_ROLE"),
    ] {
        let asker = service.person(label);
        let status = one_entry(&service, Action::Ask, asker.ask(asked)).await;
        assert_eq!((status.code(), found(&status).reason), (Code::PermissionDenied, reason.into()));
    }
    service.world.clock().step_days(101);
    let asker = service.person("SOCIAL_WORKER");
    let status = one_entry(&service, Action::Ask, asker.ask(question(&child))).await;
    assert_eq!(found(&status).reason, "DENIED_EXPIRED", "every group has an end");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_question_names_its_fields_and_none_of_their_values() {
    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let numbers: Vec<String> = (0..5).map(nhs_number).collect();
    let identifiers: Vec<_> = numbers.iter().map(|number| ("nhs", number.as_str())).collect();
    let children = asker.child(&identifiers).await;
    let child = &children[..1];
    let cases: [(&str, Bend<v1::Question>); 10] = [
        ("purpose", |q| q.purpose = 0),
        ("purpose", |q| q.purpose = 99),
        ("purpose", |q| q.purpose = -1),
        ("purpose", |q| q.purpose = 256 + 1),
        ("relationship", |q| q.relationship = 0),
        ("relationship", |q| q.relationship = 6),
        ("pseudonyms", |q| q.pseudonyms.clear()),
        ("pseudonyms", |q| q.pseudonyms.push(q.pseudonyms[0].clone())),
        ("pseudonyms[0].value", |q| q.pseudonyms[0].value.truncate(63)),
        ("pseudonyms[0].namespace", |q| q.pseudonyms[0].namespace = 8),
    ];
    for (field, bend) in cases {
        let mut bent = question(child);
        bend(&mut bent);
        let status = one_entry(&service, Action::Ask, asker.ask(bent)).await;
        assert_invalid(&status, &[field]);
    }
    let status = one_entry(&service, Action::Ask, asker.ask(question(&children))).await;
    assert_invalid(&status, &["pseudonyms"]);

    let all_wrong = v1::Question::default();
    let status = one_entry(&service, Action::Ask, asker.ask(all_wrong)).await;
    assert_invalid(&status, &["pseudonyms", "purpose", "relationship"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_contact_names_its_fields_and_none_of_their_values() {
    let service = Service::start().await;
    let nurse = service.person("nurse");
    let child = nurse.child(&[("nhs", NHS_NUMBER)]).await;
    let text = "Johnny Northfield, 12 Mill Lane";
    let cases: [(&str, &str, BendWith<v1::RecordContactRequest, &str>); 17] = [
        ("request_id", text, |c, value| c.request_id = value.into()),
        ("request_id", "", |c, value| c.request_id = value.into()),
        ("source_reference", text, |c, value| c.source_reference = value.into()),
        ("source_reference", "", |c, value| c.source_reference = value.into()),
        ("source_reference", NHS_NUMBER, |c, value| c.source_reference = value.into()),
        ("source_reference", "999-000-0018", |c, value| c.source_reference = value.into()),
        ("source_reference", PUPIL_NUMBER, |c, value| c.source_reference = value.into()),
        ("involvement.route.work_phone", text, |c, value| route(c).work_phone = value.into()),
        ("involvement.route.work_phone", "+9990000018", |c, v| route(c).work_phone = v.into()),
        ("involvement.route.out_of_hours_phone", text, |c, value| {
            route(c).out_of_hours_phone = value.into();
        }),
        ("involvement.route.out_of_hours_phone", "+9990000018", |c, value| {
            route(c).out_of_hours_phone = value.into();
        }),
        ("involvement.route.hours", "", |c, _| route(c).hours.as_mut().unwrap().days = 0),
        ("involvement.started", "", |c, _| {
            involvement(c).started = Some(v1::Date { year: 2026, month: 2, day: 30 });
        }),
        ("involvement.ended", "", |c, _| {
            involvement(c).ended = Some(v1::Date { year: 2026, month: 13, day: 1 });
        }),
        ("involvement.service_type", "", |c, _| involvement(c).service_type = 39),
        ("involvement.sensitivity", "", |c, _| involvement(c).sensitivity = 5),
        ("involvement.confirmed_on", "", |c, _| involvement(c).confirmed_on = None),
    ];
    for (field, value, bend) in cases {
        let mut bent = contact(&child, "CASE-1", service.world.today());
        bend(&mut bent, value);
        let status = one_entry(&service, Action::RecordContact, nurse.record(bent)).await;
        assert_invalid(&status, &[field]);
        if !value.is_empty() {
            assert_silent(&status, value);
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_involvement_that_contradicts_itself_names_the_field_at_fault() {
    let service = Service::start().await;
    let nurse = service.person("nurse");
    let child = nurse.child(&[("nhs", NHS_NUMBER)]).await;
    let tomorrow = date(service.world.today().saturating_add(jiff::Span::new().days(1)));
    let cases: [(&str, BendWith<v1::ContactInvolvement, v1::Date>); 5] = [
        ("involvement.started", |i, day| i.started = Some(day)),
        ("involvement.ended", |i, day| i.ended = Some(day)),
        ("involvement.confirmed_on", |i, day| i.confirmed_on = Some(day)),
        ("involvement.sensitivity", |i, _| i.service_type = v1::ServiceType::Refuge.into()),
        ("involvement.disclosure_basis", |i, _| {
            i.service_type = v1::ServiceType::Refuge.into();
            i.sensitivity = v1::Sensitivity::Hidden.into();
        }),
    ];
    for (field, bend) in cases {
        let mut bent = contact(&child, "CASE-1", service.world.today());
        bend(involvement(&mut bent), tomorrow);
        let status = one_entry(&service, Action::RecordContact, nurse.record(bent)).await;
        assert_invalid(&status, &[field]);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_texts_of_every_other_write_are_as_strict() {
    let service = Service::start().await;
    let manager = service.person("SOCIAL_WORK_MANAGER");
    let pseudonyms = manager.child(&[("nhs", NHS_NUMBER)]).await;
    let today = service.world.today();
    for text in ["Johnny Northfield", NHS_NUMBER, PUPIL_NUMBER] {
        let end = v1::EndContactRequest {
            request_id: text.into(),
            pseudonyms: pseudonyms.clone(),
            contact_id: text.into(),
            ended: Some(date(today)),
        };
        let status = one_entry(&service, Action::EndContact, manager.end(end)).await;
        assert_invalid(&status, &["request_id", "contact_id"]);
        assert_silent(&status, text);

        let shield = v1::SetShieldRequest {
            request_id: text.into(),
            pseudonyms: pseudonyms.clone(),
            kind: 3,
            review_due: None,
        };
        let status = one_entry(&service, Action::SetShield, manager.set_shield(shield)).await;
        assert_invalid(&status, &["request_id", "kind", "review_due"]);
        assert_silent(&status, text);

        let lift = v1::LiftShieldRequest {
            request_id: text.into(),
            pseudonyms: pseudonyms.clone(),
            lift_id: text.into(),
        };
        let status = one_entry(&service, Action::LiftShield, manager.lift_shield(lift)).await;
        assert_invalid(&status, &["request_id", "lift_id"]);
        assert_silent(&status, text);
    }
    for wrong in [vec![], vec![vec![0; 32]], vec![vec![9; 31]], vec![vec![255; 32]]] {
        let status = one_entry(&service, Action::Evaluate, manager.evaluate(wrong)).await;
        assert_eq!(
            (status.code(), found(&status).reason),
            (Code::InvalidArgument, "INVALID".into())
        );
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_budget_of_evaluations_is_refused_until_it_grows_back() {
    let service = Service::start_with(&[("LIMITS__EVALUATIONS_PER_MINUTE_MAX", "2")]).await;
    let nurse = service.person("nurse");
    nurse.child(&[("nhs", "999 000 0018"), ("nhs", "999 000 0026")]).await;
    let point = [0xE2, 0xF2, 0xAE, 0x0A, 0x6A, 0xBC, 0x4E, 0x71]
        .into_iter()
        .chain([0xA8, 0x84, 0xA9, 0x61, 0xC5, 0x00, 0x51, 0x5F])
        .chain([0x58, 0xE3, 0x0B, 0x6A, 0xA5, 0x82, 0xDD, 0x8D])
        .chain([0xB6, 0xA6, 0x59, 0x45, 0xE0, 0x8D, 0x2D, 0x76]);
    let point: Vec<u8> = point.collect();
    let call = nurse.evaluate(vec![point; 2]);
    let status = one_entry(&service, Action::Evaluate, call).await;
    assert_eq!(
        (status.code(), found(&status).reason),
        (Code::ResourceExhausted, "DENIED_BUDGET".into())
    );
    let details = status.get_error_details();
    assert!(details.retry_info().is_some() && details.quota_failure().is_some());
    // One person's budget is nobody else's.
    service.person("teacher").child(&[("nhs", "999 000 0034")]).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_equal_writes_at_once_are_one_and_another_under_their_id_is_refused() {
    let service = Service::start().await;
    let nurse = service.person("nurse");
    let child = nurse.child(&[("nhs", NHS_NUMBER)]).await;
    let first = contact(&child, "CASE-1", service.world.today());
    let elsewhere = service.person_alone("nurse");
    let (one, other) = tokio::join!(nurse.record(first.clone()), elsewhere.record(first.clone()));
    let one = one.unwrap();
    assert_eq!(one, other.unwrap(), "the same id and the same receipt");
    assert_eq!(nurse.record(first.clone()).await.unwrap(), one, "and later too");
    let ledger = service.ledger().await;
    let recorded = ledger.requests().filter(|entry| entry.action() == Action::RecordContact);
    assert_eq!(recorded.count(), 1);

    let another = v1::RecordContactRequest { source_reference: "CASE-2".into(), ..first.clone() };
    let status = one_entry(&service, Action::RecordContact, nurse.record(another)).await;
    assert_eq!(
        (status.code(), found(&status).reason),
        (Code::AlreadyExists, "REQUEST_ID_REUSED".into())
    );
    // The id is the person's own: another's equal write is another write.
    let clinician = service.person("clinician");
    assert_ne!(clinician.record(first).await.unwrap().contact_id, one.contact_id);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_too_late_is_refused_and_the_next_call_is_answered() {
    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", NHS_NUMBER)]).await;
    let before = service.ledger().await.requests().count();

    let mut large = contact(&child, &"x".repeat(20_000), service.world.today());
    large.pseudonyms[0].value = vec![7; 20_000];
    let status = asker.record(large).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
    assert_silent(&status, "xxxx");

    let mut request = asker.request(v1::AskRequest { question: Some(question(&child)) });
    let long = "y".repeat(20_000).parse().unwrap();
    request.metadata_mut().insert("x-much", long);
    let status = asker.signpost().ask(request).await.unwrap_err();
    assert_silent(&status, "yyyy");

    for timeout in ["0n", "1n", "0S"] {
        let mut request = asker.request(v1::AskRequest { question: Some(question(&child)) });
        request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
        let status = service.person_alone("SOCIAL_WORKER").signpost().ask(request).await;
        let code = status.unwrap_err().code();
        assert!([Code::DeadlineExceeded, Code::Cancelled].contains(&code), "{timeout}: {code:?}");
    }
    let ledger = service.ledger().await;
    let answered = ledger.requests().skip(before).filter(|e| e.action() != Action::Ask).count();
    assert_eq!(answered, 0, "what was not read was not done");
    let answer = service.person_alone("SOCIAL_WORKER").ask(question(&child)).await.unwrap();
    assert!(service.ledger().await.at(answer.receipt).action() == Action::Ask);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_offers_only_tls_1_2_is_sent_away() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let service = Service::start().await;
    let mut stream = tokio::net::TcpStream::connect(service.address).await.unwrap();
    stream.write_all(&hello_of_tls_1_2()).await.unwrap();
    let mut reply = Vec::new();
    let reading = stream.read_to_end(&mut reply);
    tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap().unwrap();
    // A fatal alert: protocol_version.
    assert_eq!(reply.get(..1), Some(&[21][..]));
    assert_eq!(reply.get(5..7), Some(&[2, 70][..]));
    eventually("its count", || async {
        (service.ledger().await.counted(Outcome::HandshakeFailed) == 1).then_some(())
    })
    .await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_while_the_service_ends_is_counted_too() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", NHS_NUMBER)]).await;
    let mut silent = tokio::net::TcpStream::connect(service.address).await.unwrap();
    // It was accepted before the next connection was, over which a caseload stays open.
    let (questions, received) = tokio::sync::mpsc::channel(1);
    let first = v1::AskManyRequest { number: 1, question: Some(question(&child)) };
    questions.send(first).await.unwrap();
    let other = service.person_alone("colleague");
    let request = other.request(tokio_stream::wrappers::ReceiverStream::new(received));
    let mut answers = other.signpost().ask_many(request).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap();

    let (world, running) = service.begin_stop();
    eventually("a stop", || async { asker.ask(question(&child)).await.is_err().then_some(()) })
        .await;
    silent.write_all(&hello_of_tls_1_2()).await.unwrap();
    silent.read_to_end(&mut Vec::new()).await.unwrap();
    let last = v1::AskManyRequest { number: 2, question: Some(question(&child)) };
    questions.send(last).await.unwrap();
    answers.message().await.unwrap().unwrap();
    drop(questions);
    assert!(answers.message().await.unwrap().is_none());
    running.await.unwrap().unwrap();
    // That the asker was sent away, by a connection that was not made, may count as well.
    assert!(reopened(&world).await.counted(Outcome::HandshakeFailed) >= 1);
}

/// A `ClientHello` of TLS 1.2, without the extension by which newer versions are offered.
fn hello_of_tls_1_2() -> Vec<u8> {
    let groups = [0, 10, 0, 6, 0, 4, 0, 0x1D, 0, 0x17];
    let algorithms = [0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1];
    let extensions = [&groups[..], &algorithms[..]].concat();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    body.extend([0, 4, 0xC0, 0x2B, 0xC0, 0x2F]);
    body.extend([1, 0]);
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let length = u16::try_from(body.len()).unwrap();
    let mut record = vec![22, 3, 1];
    record.extend((length + 4).to_be_bytes());
    record.extend([1, 0]);
    record.extend(length.to_be_bytes());
    record.extend(body);
    record
}

/// What a refusal says to a program.
struct Found {
    reason: String,
    receipt: Option<u64>,
    fields: Vec<String>,
}

fn found(status: &Status) -> Found {
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no reason: {status:?}"));
    assert_eq!(info.domain, "signpost");
    let receipt = info.metadata.get("receipt").map(|receipt| receipt.parse().unwrap());
    let fields = details.bad_request().map_or_else(Vec::new, |wrong| {
        wrong.field_violations.iter().map(|violation| violation.field.clone()).collect()
    });
    Found { reason: info.reason.clone(), receipt, fields }
}

/// The refusal of a call that leaves exactly one entry: its own.
async fn one_entry<T: std::fmt::Debug>(
    service: &Service,
    action: Action,
    call: impl Future<Output = Result<T, Status>>,
) -> Status {
    let before = service.ledger().await.requests().count();
    let status = call.await.unwrap_err();
    let ledger = service.ledger().await;
    assert_eq!(ledger.requests().count(), before + 1, "{status:?}");
    let found = found(&status);
    let entry = ledger.at(found.receipt.expect("an identified refusal has a receipt"));
    assert_eq!((entry.action(), entry.outcome().name()), (action, found.reason.as_str()));
    status
}

fn assert_invalid(status: &Status, fields: &[&str]) {
    let found = found(status);
    assert_eq!((status.code(), found.reason.as_str()), (Code::InvalidArgument, "INVALID"));
    assert_eq!(found.fields, fields);
}

/// Nothing of what was sent comes back.
fn assert_silent(status: &Status, sent: &str) {
    assert!(!status.message().contains(sent), "the message holds what was sent");
    let details = String::from_utf8_lossy(status.details()).into_owned();
    assert!(!details.contains(sent), "the details hold what was sent");
    assert!(!format!("{:?}", status.metadata()).contains(sent), "the metadata holds it");
}

fn involvement(contact: &mut v1::RecordContactRequest) -> &mut v1::ContactInvolvement {
    contact.involvement.as_mut().unwrap()
}

fn route(contact: &mut v1::RecordContactRequest) -> &mut v1::ContactRoute {
    involvement(contact).route.as_mut().unwrap()
}

/// A caller is used up by no refusal.
#[tokio::test(flavor = "multi_thread")]
async fn after_every_refusal_the_connection_goes_on() {
    let service = Service::start().await;
    let asker: Caller = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", NHS_NUMBER)]).await;
    for _ in 0..50 {
        assert!(asker.without_token().ask(question(&child)).await.is_err());
        assert!(asker.ask(v1::Question::default()).await.is_err());
    }
    assert!(asker.ask(question(&child)).await.is_ok());
    assert_eq!(request_id().len(), 36);
    service.stop().await;
}
