//! Who looked: over the wire by two privacy officers, and typed, up to the letter.

use std::process::Output;

use prost::Message;
use serde_json::Value;
use signpost::clock::SystemClock;
use signpost_core::store::Clock;
use signpost_core::terms::{Action, Outcome};
use signpost_proto::v1;
use tonic::Code;
use tonic_types::StatusExt;

use crate::harness::{Binary, CASE, Service, World, contact, question, request_id};

const KNOWN: &str = "999 000 0018";
const ENQUIRED: &str = "999 000 0026";
const UNKNOWN: &str = "999 000 0034";

/// A question, for an enquiry or not, and its receipt.
async fn ask(service: &Service, who: &str, number: &str, purpose: v1::Purpose) -> u64 {
    let asker = service.person(who);
    let child = asker.child(&[("nhs", number)]).await;
    let question = v1::Question { purpose: purpose.into(), ..question(&child) };
    asker.ask(question).await.unwrap().receipt
}

/// One child whom two asked about, one with an enquiry alone, and nothing of a third.
async fn three_children(service: &Service) -> [u64; 3] {
    let colleague = service.person("colleague");
    let child = colleague.child(&[("nhs", KNOWN)]).await;
    colleague.record(contact(&child, "CASE-1", service.world.today())).await.unwrap();
    [
        ask(service, "other-team", KNOWN, v1::Purpose::S17Assessment).await,
        ask(service, "other-team", KNOWN, v1::Purpose::S47Enquiry).await,
        ask(service, "SOCIAL_WORKER", ENQUIRED, v1::Purpose::S47Enquiry).await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_is_told_who_looked_once_two_agreed_and_what_is_withheld_once_it_is_released() {
    let service = Service::start().await;
    let [told, withheld, _] = three_children(&service).await;
    let (officer, other) = (service.person("PRIVACY_OFFICER"), service.person("other-officer"));
    let child = officer.child(&[("nhs", KNOWN)]).await;
    let asked = officer.request_history(&child).await.unwrap();
    let history = &asked.history_id;

    let early = officer.access_history(history).await.unwrap_err();
    assert_eq!(early.code(), Code::NotFound);
    let alone = officer.consent_to_history(history, &child).await.unwrap_err();
    assert_eq!(alone.get_details_error_info().unwrap().reason, "DENIED_SAME_NAME");
    let consent = other.consent_to_history(history, &child).await.unwrap();

    let read = officer.access_history(history).await.unwrap();
    assert_eq!(read.case_reference, CASE);
    assert_eq!(read.as_of_ms, service.world.clock().now().as_millisecond());
    let [access] = &read.accesses[..] else { panic!("{:?}", read.accesses) };
    assert_eq!((access.entry, access.organisation_name.as_str()), (told, "Northfield Council"));
    assert_eq!(
        (access.role(), access.purpose()),
        (v1::Role::SocialWorker, v1::Purpose::S17Assessment)
    );
    assert_eq!(access.released, [i32::from(v1::ReleaseLevel::Full)]);

    let list = other.list_withheld(history).await.unwrap();
    let [left_out] = &list.withheld[..] else { panic!("{:?}", list.withheld) };
    assert_eq!(left_out.access.as_ref().unwrap().entry, withheld);
    assert_eq!(left_out.because, [i32::from(v1::WithheldBecause::S47Enquiry)]);
    assert_eq!(left_out.decision(), v1::AccessDecision::Unspecified);
    let ground = v1::WithholdingGround::Crime;
    other.review_access(history, withheld, Some(ground)).await.unwrap();
    let list = officer.list_withheld(history).await.unwrap();
    assert_eq!(
        (list.withheld[0].decision(), list.withheld[0].ground()),
        (v1::AccessDecision::Withheld, ground)
    );
    assert_eq!(officer.access_history(history).await.unwrap().accesses.len(), 1);
    let review = officer.review_access(history, withheld, None).await.unwrap();
    let all = officer.access_history(history).await.unwrap();
    assert_eq!(all.accesses.iter().map(|one| one.entry).collect::<Vec<_>>(), [told, withheld]);

    let ledger = service.ledger().await;
    for (receipt, action) in [
        (asked.receipt, Action::RequestHistory),
        (consent.receipt, Action::ConsentToHistory),
        (read.receipt, Action::ReadHistory),
        (list.receipt, Action::ListWithheld),
        (review.receipt, Action::ReviewAccess),
    ] {
        let entry = ledger.at(receipt);
        assert_eq!((entry.action(), entry.outcome(), entry.count()), (action, Outcome::Done, 0));
    }
    service.stop().await;
}

/// Byte for byte: what is left out, an unknown child and one nobody asked about are the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_leaves_all_out_is_that_of_a_child_nobody_knows() {
    let service = Service::start().await;
    three_children(&service).await;
    let officer = service.person("PRIVACY_OFFICER");
    let mut responses: Vec<Vec<u8>> = Vec::new();
    for number in [ENQUIRED, UNKNOWN] {
        let child = officer.child(&[("nhs", number)]).await;
        let history = service.history_of(&child).await;
        let read = officer.access_history(&history).await.unwrap();
        responses.push(v1::AccessHistoryResponse { receipt: 0, ..read }.encode_to_vec());
    }
    assert_eq!(responses[0], responses[1]);
    assert!(!responses[0].is_empty());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_request_is_told_field_by_field_and_never_taken_for_a_release() {
    let service = Service::start().await;
    let officer = service.person("PRIVACY_OFFICER");
    let fields = |status: tonic::Status| -> Vec<String> {
        assert_eq!(status.code(), Code::InvalidArgument);
        let violations = status.get_details_bad_request().unwrap().field_violations;
        violations.into_iter().map(|one| one.field).collect()
    };
    for reference in ["999 000 0018", "SMITH-2026-1", "SAR 2026 1", ""] {
        let child = officer.child(&[("nhs", KNOWN)]).await;
        let wrong = officer.request(v1::RequestHistoryRequest {
            request_id: request_id(),
            pseudonyms: child,
            case_reference: reference.to_owned(),
        });
        let refused = officer.ledgers().request_history(wrong).await.unwrap_err();
        assert!(!format!("{refused:?}").contains("0018"));
        assert_eq!(fields(refused), ["case_reference"]);
    }
    let wrong = officer.request(v1::ConsentToHistoryRequest::default());
    let all = ["request_id", "history_id", "pseudonyms", "case_reference"];
    assert_eq!(fields(officer.ledgers().consent_to_history(wrong).await.unwrap_err()), all);
    let wrong = officer.request(v1::AccessHistoryRequest {
        history_id: "1".to_owned(),
        page_size: 501,
        page_token: "0".to_owned(),
    });
    let all = ["history_id", "page_size", "page_token"];
    assert_eq!(fields(officer.ledgers().access_history(wrong).await.unwrap_err()), all);
    for (decision, ground, field) in [
        (0, 0, "decision"),
        (3, 1, "decision"),
        (1, 1, "ground"),
        (2, 0, "ground"),
        (2, 99, "ground"),
    ] {
        let history_id = request_id();
        let wrong = v1::ReviewAccessRequest {
            request_id: request_id(),
            history_id,
            entry: 1,
            decision,
            ground,
        };
        let wrong = officer.request(wrong);
        assert_eq!(fields(officer.ledgers().review_access(wrong).await.unwrap_err()), [field]);
    }
    service.stop().await;
}

/// A service by this machine's clock, and a profile of each officer.
async fn with_profiles() -> Service {
    let world = World::at(SystemClock.now());
    world.initialise().await;
    let service = Service::serve(world, &[]).await;
    let address = service.address;
    for officer in ["PRIVACY_OFFICER", "other-officer"] {
        let profile = format!(
            "address = \"https://{address}\"\nserver_name = \"localhost\"\n\
             authority = \"pki/authority.pem\"\ncertificate = \"pki/northfield.pem\"\n\
             key = \"pki/northfield.key\"\ntoken = \"tokens/{officer}.token\"\n"
        );
        std::fs::write(service.world.path(&format!("{officer}.toml")), profile).unwrap();
    }
    service
}

/// Runs `signpost ledger history …` as this officer, on a thread where that stops nobody.
fn run(service: &Service, officer: &str, words: &str, more: &[&str]) -> Output {
    let profile = format!("{officer}.toml");
    let arguments = ["ledger", "history"].into_iter().chain(words.split_whitespace());
    let arguments: Vec<&str> = arguments.chain(["--profile", &profile]).collect();
    let arguments = [&arguments[..], more].concat();
    tokio::task::block_in_place(|| Binary::output(&service.world, &arguments, &[]))
}

fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&text(output)).unwrap()
}

/// Two officers at their terminals: the id of a history that is open.
fn typed_history(service: &Service, number: &str) -> String {
    let child = ["--nhs", number, "--output", "json"];
    let asked =
        json(&run(service, "PRIVACY_OFFICER", &format!("request --reference {CASE}"), &child));
    let history = asked["history_id"].as_str().unwrap().to_owned();
    let consent = format!("consent --reference {CASE} --history {history}");
    let consented = json(&run(service, "other-officer", &consent, &child));
    assert!(consented["receipt"].as_u64() > asked["receipt"].as_u64());
    history
}

/// Byte for byte: but for the lines of accesses no letter differs from another, whatever is in it and
/// whatever is left out of it.
#[tokio::test(flavor = "multi_thread")]
async fn letters_differ_in_their_lines_alone() {
    let service = with_profiles().await;
    let [_, withheld, _] = three_children(&service).await;
    // Their day may change while this runs.
    let read = |history: &str| {
        let letter =
            text(&run(&service, "other-officer", &format!("read --history {history}"), &[]));
        let dated: Vec<&str> = letter.split('\n').filter(|it| !it.starts_with("As of: ")).collect();
        assert_eq!(dated.len() + 1, letter.split('\n').count());
        dated.join("\n")
    };
    let unknown = read(&typed_history(&service, UNKNOWN));
    assert_eq!(read(&typed_history(&service, ENQUIRED)), unknown);
    assert_eq!(unknown.lines().filter(|line| line.starts_with("- ")).count(), 0);
    let history = typed_history(&service, KNOWN);
    let released = format!("review --history {history} --entry {withheld} --decision released");
    let mut lines = Vec::new();
    for review in [None, Some(released)] {
        if let Some(review) = review {
            text(&run(&service, "PRIVACY_OFFICER", &review, &[]));
        }
        let letter = read(&history);
        let fixed: Vec<&str> = letter.split('\n').filter(|line| !line.starts_with("- ")).collect();
        assert_eq!(fixed.join("\n"), unknown);
        lines.push(letter.lines().filter(|line| line.starts_with("- ")).count());
    }
    assert_eq!(lines, [1, 2]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_listed_and_reviewed_at_a_terminal() {
    let service = with_profiles().await;
    let [_, withheld, _] = three_children(&service).await;
    let history = typed_history(&service, KNOWN);
    let list = format!("withheld --history {history} --output json");
    let listed = json(&run(&service, "PRIVACY_OFFICER", &list, &[]));
    assert_eq!(listed["withheld"][0]["entry"], withheld);
    assert_eq!(listed["withheld"][0]["because"][0], "S47_ENQUIRY");
    let review = format!(
        "review --history {history} --entry {withheld} --decision withheld --ground child-abuse-data"
    );
    assert!(text(&run(&service, "other-officer", &review, &[])).starts_with("Decided.\nReceipt: "));
    let listed = json(&run(&service, "PRIVACY_OFFICER", &list, &[]));
    assert_eq!(listed["withheld"][0]["ground"], "CHILD_ABUSE_DATA");
    let letter = format!("read --history {history} --output json");
    let letter = json(&run(&service, "PRIVACY_OFFICER", &letter, &[]));
    let accesses = letter["accesses"].as_array().unwrap();
    assert_eq!(accesses.len(), 1);
    assert_eq!(
        (&accesses[0]["purpose"], &letter["case_reference"]),
        (&"S17_ASSESSMENT".into(), &CASE.into())
    );

    let case =
        run(&service, "PRIVACY_OFFICER", "request --reference 9990000018", &["--nhs", KNOWN]);
    assert_eq!(case.status.code(), Some(64), "{case:?}");
    assert!(!String::from_utf8_lossy(&case.stderr).contains("9990000018"));
    service.stop().await;
}
