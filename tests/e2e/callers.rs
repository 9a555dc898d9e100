//! Every call by every kind of caller, against the table of who is let in.

mod alerts;
mod closed;
mod decommission;
mod ledger;
mod onboarding;
mod purge;

use std::collections::BTreeMap;

use jiff::ToSpan;
use prost::Message;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use signpost_core::terms::{Purpose, Role};
use signpost_proto::v1;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_types::StatusExt;

use onboarding::Targets;

use crate::clock::clock_in_doubt;
use crate::harness::{
    BOTH_KINDS_OF_STRANGER, Caller, NORTHFIELD, OWN_AUTHORITY, SOUTHMOOR, Service, UNREGISTERED,
    contact, date, eventually, question, request_id,
};

const TABLE: &str = include_str!("../golden/callers.txt");

/// The same once the service is closed.
const CLOSED: &str = include_str!("../golden/callers_closed.txt");

/// The table: what each call comes to, by the caller.
struct Table {
    rows: Vec<(&'static str, BTreeMap<&'static str, &'static str>)>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_the_table_is_as_it_says() {
    let service = Service::start_with(&OWN_AUTHORITY).await;
    let child = service.person("colleague").child(&[("nhs", "999 000 0018")]).await;
    // The next day, on which one organisation's legal authority is over; and so that there is
    // something to confirm.
    service.world.clock().step(12.hours());
    clock_in_doubt(&service).await;
    let targets = Targets::prepare(&service).await;
    assert_as_it_says(&Table::read(TABLE), (&service, &child, &targets), None).await;
    service.stop().await;
}

/// Drives every cell.
async fn assert_as_it_says(
    table: &Table,
    (service, child, targets): (&Service, &[v1::Pseudonym], &Targets),
    closed: Option<&closed::Before>,
) {
    let mut wrong = Vec::new();
    for (call, row) in &table.rows {
        for (&name, &expected) in row {
            let caller = caller(service, name);
            let drive = Drive { caller, name, service, child, targets, closed };
            let found = drive.cell(call).await;
            if found != expected {
                wrong.push(format!("{name} at {call}: {expected} expected, {found} found"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_call_is_a_row_and_every_role_a_column() {
    for text in [TABLE, CLOSED] {
        assert_whole(&Table::read(text));
    }
}

fn assert_whole(table: &Table) {
    let mut calls: Vec<String> = Vec::new();
    for descriptors in [signpost_proto::DESCRIPTORS, tonic_health::pb::FILE_DESCRIPTOR_SET] {
        let files = FileDescriptorSet::decode(descriptors).unwrap().file;
        let services = files.iter().flat_map(|file| &file.service);
        calls.extend(services.flat_map(|service| &service.method).map(|m| m.name().to_owned()));
    }
    calls.sort();
    assert!(calls.windows(2).all(|pair| pair[0] != pair[1]), "a row is named by its call alone");
    let mut rows: Vec<&str> = table.rows.iter().map(|(call, _)| *call).collect();
    rows.sort_unstable();
    assert_eq!(rows, calls);
    for (call, row) in &table.rows {
        for role in Role::ALL {
            assert!(row.contains_key(role.name()), "{} is no column of {call}", role.name());
        }
    }
}

#[test]
fn who_administers_purges_or_audits_can_never_ask() {
    let others = ["BROKER", "PRIVACY_OFFICER", "DATA_STEWARD", "ADMIN_ONBOARDING", "AUDITOR"];
    let others = others.into_iter().chain(["PURGE_OPERATOR", "PURGE_APPROVER"]);
    let table = Table::read(TABLE);
    for role in others {
        for call in ABOUT_A_CHILD {
            let row = table.rows.iter().find(|(name, _)| *name == call);
            // A broker asks for others by pseudonyms, a privacy officer registers canaries, sets holds and
            // asks for histories,
            // and a purge operator plans the purge of one child.
            let may = [
                ("PURGE_OPERATOR", "Evaluate"),
                ("BROKER", "Evaluate"),
                ("PRIVACY_OFFICER", "Evaluate"),
                ("BROKER", "AskAsBroker"),
            ];
            let expected = if may.contains(&(role, call)) { "ok" } else { "DENIED_ROLE" };
            assert_eq!(row.unwrap().1[role], expected, "{role} at {call}");
        }
    }
}

/// What tells or changes something of a child, or makes a pseudonym.
const ABOUT_A_CHILD: [&str; 8] = [
    "Ask",
    "AskAsBroker",
    "AskMany",
    "RecordContact",
    "EndContact",
    "SetShield",
    "LiftShield",
    "Evaluate",
];

#[test]
fn whatever_is_about_a_child_is_on_the_list() {
    let files = FileDescriptorSet::decode(signpost_proto::DESCRIPTORS).unwrap().file;
    let services = files.iter().flat_map(|file| &file.service);
    let theirs = services
        .filter(|service| ["SignpostService", "PseudonymService"].contains(&service.name()));
    let calls: Vec<&str> =
        theirs.flat_map(|service| &service.method).map(MethodDescriptorProto::name).collect();
    assert!(calls.iter().all(|call| ABOUT_A_CHILD.contains(call)), "{calls:?}");
    assert_eq!(calls.len(), ABOUT_A_CHILD.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_is_there_only_where_it_is_configured() {
    for (configured, expected) in [("false", Some(Code::Unimplemented)), ("true", None)] {
        let service = Service::start_with(&[("SERVER__REFLECTION", configured)]).await;
        let answered = reflect(&service).await;
        assert_eq!(answered.err().map(|status| status.code()), expected, "{configured}");
        service.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_nobody_we_know_makes_no_connection_and_is_counted() {
    use signpost_core::terms::Outcome;
    use tokio::io::AsyncReadExt;

    let service = Service::start().await;
    for certificate in BOTH_KINDS_OF_STRANGER {
        let stream = tokio::net::TcpStream::connect(service.address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(service.world.tls(certificate));
        // With TLS 1.3 the client has finished before the server has looked: the alert comes next.
        let mut stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
        let refused = stream.read_u8().await.unwrap_err();
        assert!(refused.to_string().contains("alert"), "{certificate:?}: {refused}");
    }
    eventually("their count", || async {
        (service.ledger().await.counted(Outcome::HandshakeFailed) == 2).then_some(())
    })
    .await;
    service.stop().await;
}

impl Table {
    /// The table, with the short heads and cells as what they stand for.
    fn read(text: &'static str) -> Self {
        let lines = || text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let legend = |kind: &str| -> BTreeMap<&str, &str> {
            let lines = lines().filter_map(|line| line.strip_prefix(kind)?.strip_prefix("  "));
            lines.map(|line| line.split_once(' ').map(|(a, b)| (a, b.trim())).unwrap()).collect()
        };
        let (callers, cells) = (legend("caller"), legend("cell"));
        let mut table =
            lines().filter(|line| !line.starts_with("caller  ") && !line.starts_with("cell  "));
        let heads: Vec<&str> = table.next().unwrap().split_whitespace().skip(1).collect();
        assert_eq!(heads.len(), callers.len(), "every caller is a column");
        let rows = table.map(|line| {
            let mut words = line.split_whitespace();
            let call = words.next().unwrap();
            let words: Vec<&str> = words.collect();
            assert_eq!(words.len(), heads.len(), "{call}");
            let row = heads.iter().zip(words).map(|(head, cell)| (callers[head], cells[cell]));
            (call, row.collect())
        });
        Self { rows: rows.collect() }
    }
}

fn caller(service: &Service, name: &str) -> Caller {
    match name {
        "no certificate" => service.system(None),
        "stranger" => service.system(Some("stranger")),
        "unregistered certificate" => {
            // A token helps nobody whose certificate names no system.
            let token = service.world.token("SOCIAL_WORKER");
            service.system(Some(UNREGISTERED)).with_token(&token)
        }
        "token at another organisation" => {
            let token = service.world.token("SOCIAL_WORKER");
            service.system(Some(SOUTHMOOR)).with_token(&token)
        }
        "system without a person" => service.system(Some(NORTHFIELD)),
        person => service.person(person),
    }
}

/// One caller, about to make every call with a well-formed request.
struct Drive<'s> {
    caller: Caller,
    name: &'static str,
    service: &'s Service,
    child: &'s [v1::Pseudonym],
    targets: &'s Targets,
    /// What was prepared before the service was closed, if it is.
    closed: Option<&'s closed::Before>,
}

impl Drive<'_> {
    async fn cell(&self, call: &str) -> String {
        let done = match call {
            "Ask" => self.caller.ask(self.question()).await.map(drop),
            "AskMany" => self.ask_many().await,
            "RecordContact" => self.record().await.map(drop),
            "EndContact" => self.end().await,
            "SetShield" => self.set_shield().await,
            "LiftShield" => self.lift_shield().await,
            "ConfirmClock" => self.confirm_clock().await,
            "Evaluate" => self.evaluate().await,
            "AskAsBroker" | "ListAlerts" | "CloseAlert" | "AddCanary" | "IdentifyActor" => {
                self.alert(call).await
            }
            "RequestHistory" | "ConsentToHistory" | "AccessHistory" | "ListWithheld"
            | "ReviewAccess" => self.history(call).await,
            "PlanPurge"
            | "ApprovePurge"
            | "CancelPurge"
            | "GetPurge"
            | "ListPurges"
            | "GetPurgeCertificate"
            | "GetPurgeAnnex"
            | "SetHold"
            | "LiftHold"
            | "ListHolds"
            | "SetStandingOrder"
            | "ApproveStandingOrder"
            | "RevokeStandingOrder"
            | "GetStandingOrder" => self.purge(call).await,
            "PlanDecommissioning"
            | "ApproveDecommissioning"
            | "CancelDecommissioning"
            | "GetDecommissioning" => self.decommission(call).await,
            "GetCheckpoint" | "ProveInclusion" | "ProveConsistency" | "ListEntries"
            | "GetFigures" => self.ledger(call).await,
            "Check" => self.check().await,
            "Watch" => self.watch().await,
            other => self.onboarding(other).await,
        };
        match done {
            Ok(()) => "ok".to_owned(),
            Err(status) => refusal(&status),
        }
    }

    /// With a purpose that the matrix lists for the role.
    fn question(&self) -> v1::Question {
        let purpose = match self.name {
            "ED_SAFEGUARDING_CLINICIAN" | "NAMED_NURSE_DOCTOR" => Purpose::EmergencyCareAttendance,
            "YOUTH_JUSTICE_WORKER" | "EARLY_HELP_WORKER" => Purpose::EarlyHelpAssessment,
            _ => Purpose::S47Enquiry,
        };
        v1::Question { purpose: purpose.code().into(), ..question(self.child) }
    }

    async fn ask_many(&self) -> Result<(), Status> {
        let question = v1::AskManyRequest { number: 1, question: Some(self.question()) };
        let (answers, error) = self.caller.ask_many(vec![question]).await;
        assert_eq!(answers.len(), usize::from(error.is_none()));
        error.map_or(Ok(()), Err)
    }

    async fn record(&self) -> Result<v1::RecordContactResponse, Status> {
        let today = self.service.world.today();
        self.caller.record(contact(self.child, "CASE-1", today)).await
    }

    async fn end(&self) -> Result<(), Status> {
        let recorded = self.record().await;
        let contact_id = recorded.map_or_else(|_| request_id(), |recorded| recorded.contact_id);
        let end = v1::EndContactRequest {
            request_id: request_id(),
            pseudonyms: self.child.to_vec(),
            contact_id,
            ended: Some(date(self.service.world.today())),
        };
        self.caller.end(end).await.map(drop)
    }

    async fn set_shield(&self) -> Result<(), Status> {
        let review = self.service.world.today().saturating_add(jiff::Span::new().days(90));
        let shield = v1::SetShieldRequest {
            request_id: request_id(),
            pseudonyms: self.child.to_vec(),
            kind: v1::ShieldKind::Shielded.into(),
            review_due: Some(date(review)),
        };
        self.caller.set_shield(shield).await.map(drop)
    }

    async fn lift_shield(&self) -> Result<(), Status> {
        let lift = v1::LiftShieldRequest {
            request_id: request_id(),
            pseudonyms: self.child.to_vec(),
            lift_id: String::new(),
        };
        self.caller.lift_shield(lift).await.map(drop)
    }

    async fn confirm_clock(&self) -> Result<(), Status> {
        let confirmation = v1::ConfirmClockRequest { request_id: request_id() };
        self.caller.confirm_clock(confirmation).await.map(drop)
    }

    async fn evaluate(&self) -> Result<(), Status> {
        use signpost_pseudonym::identifier::Identifier;
        use signpost_pseudonym::namespace::Namespace;
        use signpost_pseudonym::oprf::Blinded;

        let identifier = Identifier::parse(Namespace::Nhs, "999 000 0018").unwrap();
        let blinded = Blinded::new(&identifier, &mut rand_core::OsRng);
        self.caller.evaluate(vec![blinded.message().to_bytes().to_vec()]).await.map(drop)
    }

    async fn check(&self) -> Result<(), Status> {
        self.caller.health().check(HealthCheckRequest::default()).await.map(drop)
    }

    async fn watch(&self) -> Result<(), Status> {
        let mut watch =
            self.caller.health().watch(HealthCheckRequest::default()).await?.into_inner();
        watch.message().await.map(drop)
    }
}

/// The reason of a refusal, if it comes with the code that goes with it.
fn refusal(status: &Status) -> String {
    let details = status.get_error_details();
    let Some(info) = details.error_info() else {
        // Without a reason nothing of ours has answered.
        let from_transport = std::error::Error::source(status).is_some();
        return if from_transport { "handshake".to_owned() } else { format!("{status:?}") };
    };
    let expected = match info.reason.as_str() {
        "CERTIFICATE_UNKNOWN" | "TOKEN_MISSING" | "TOKEN_UNKNOWN" => Code::Unauthenticated,
        "CODE_UNKNOWN" => Code::NotFound,
        "SERVICE_CLOSED" | "WRONG_STATE" => Code::FailedPrecondition,
        _ => Code::PermissionDenied,
    };
    assert_eq!(status.code(), expected, "{}", info.reason);
    assert_eq!(info.domain, "signpost");
    info.reason.clone()
}

/// Asks which services there are.
async fn reflect(service: &Service) -> Result<(), Status> {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let tls = service.world.tls(Some(NORTHFIELD));
    let mut client = ServerReflectionClient::new(crate::harness::channel(service.address, tls));
    let stream = client.server_reflection_info(tokio_stream::iter([request])).await?;
    stream.into_inner().message().await.map(drop)
}
