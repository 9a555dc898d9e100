//! Purges over mutual TLS: planned and approved, run, and certified.

mod certificates;
mod kill;
mod plans;
mod runs;
mod witness;

use jiff::ToSpan;
use signpost::certificate::file::CertificateFile;
use signpost::certificate::verify::{Verified, VerifyError, verify};
use signpost_core::terms::{Action, PurgeState};
use signpost_ledger::note::key::VerifierKey;
use signpost_proto::v1;
use signpost_proto::v1::plan_purge_request::Scope;
use signpost_proto::v1::purge_service_client::PurgeServiceClient;
use tonic::Status;
use tonic::transport::Channel;

use crate::harness::{Caller, Ledger, Service, World, contact, eventually, question, request_id};

fn purges(caller: &Caller) -> PurgeServiceClient<Channel> {
    PurgeServiceClient::new(caller.channel())
}

async fn plan(caller: &Caller, scope: Scope) -> Result<v1::PlanPurgeResponse, Status> {
    let plan = v1::PlanPurgeRequest {
        request_id: request_id(),
        scope: Some(scope),
        authority: v1::PurgeAuthority::UkGdprArticle17.into(),
        reason: v1::PurgeReason::ErasureRequest.into(),
        case_reference: "DPO-2026-00042".to_owned(),
    };
    Ok(purges(caller).plan_purge(caller.request(plan)).await?.into_inner())
}

fn forget(child: &[v1::Pseudonym]) -> Scope {
    let mode = v1::SuppressionMode::Forget.into();
    Scope::Child(v1::PurgeOfChild { pseudonyms: child.to_vec(), mode, suppress_until: None })
}

async fn get(caller: &Caller, purge_id: &str) -> v1::GetPurgeResponse {
    let get = caller.request(v1::GetPurgeRequest { purge_id: purge_id.to_owned() });
    purges(caller).get_purge(get).await.unwrap().into_inner()
}

async fn shown(caller: &Caller, purge_id: &str) -> v1::GetPurgeResponse {
    eventually("what it would take is counted", || async {
        let found = get(caller, purge_id).await;
        found.purge.as_ref().is_some_and(|purge| purge.counted).then_some(found)
    })
    .await
}

async fn approve(caller: &Caller, purge_id: &str, digest: &[u8]) -> Result<u64, Status> {
    let approve = v1::ApprovePurgeRequest {
        request_id: request_id(),
        purge_id: purge_id.to_owned(),
        digest: digest.to_vec(),
    };
    Ok(purges(caller).approve_purge(caller.request(approve)).await?.into_inner().receipt)
}

/// What is the same of every plan of a child: all but its id, digest, cut-off and times.
fn alike(mut purge: v1::Purge) -> v1::Purge {
    (purge.planned_ms, purge.not_before_ms, purge.expires_ms, purge.cut_off) = (0, 0, 0, 0);
    purge.approvals.iter_mut().for_each(|approval| approval.time_ms = 0);
    v1::Purge { purge_id: String::new(), digest: Vec::new(), ..purge }
}

/// A purge that the operator has planned and the approver approved.
async fn approved(service: &Service, scope: Scope) -> String {
    let (operator, approver) = (service.person("PURGE_OPERATOR"), service.person("PURGE_APPROVER"));
    let purge_id = plan(&operator, scope).await.unwrap().purge_id;
    let digest = shown(&operator, &purge_id).await.purge.unwrap().digest;
    approve(&approver, &purge_id, &digest).await.unwrap();
    purge_id
}

/// The cooling-off time passes, in one step of the clock: nothing is destroyed before two people have
/// confirmed it.
async fn cool_off(service: &Service) {
    let ledger = || async { service.ledger().await };
    let steps = |ledger: &Ledger| {
        ledger.0.iter().filter(|entry| entry.action() == Action::NoteClockStep).count()
    };
    let before = steps(&ledger().await);
    service.world.clock().step(25.hours());
    let noticed = || async { (steps(&ledger().await) > before).then_some(()) };
    eventually("a noticed step", noticed).await;
}

async fn confirm_clock(service: &Service) {
    for who in ["PURGE_OPERATOR", "PURGE_APPROVER"] {
        let confirmation = v1::ConfirmClockRequest { request_id: request_id() };
        service.person(who).confirm_clock(confirmation).await.unwrap();
    }
}

async fn certified(service: &Service, purge_id: &str) {
    let auditor = service.person("PURGE_APPROVER");
    eventually("the purge is certified", || async {
        let purge = get(&auditor, purge_id).await.purge.unwrap();
        (purge.state() == v1::PurgeState::Certified).then_some(())
    })
    .await;
}

/// The file as it is sent; empty as long as there is none.
async fn certificate(caller: &Caller, purge_id: &str) -> Vec<u8> {
    let get = v1::GetPurgeCertificateRequest { purge_id: purge_id.to_owned() };
    let got = purges(caller).get_purge_certificate(caller.request(get)).await;
    got.unwrap().into_inner().certificate
}

fn ledger_key(world: &World) -> VerifierKey {
    signpost::ledger::verifier(&world.config(&[]).ledger).unwrap()
}

fn verified(bytes: &[u8], ledger: &VerifierKey) -> Result<Verified, VerifyError> {
    verify(&CertificateFile::parse(bytes)?, ledger, &[])
}

/// Northfield and Southmoor both work with this child.
async fn known_to_two(service: &Service, number: &str) -> Vec<v1::Pseudonym> {
    let worker = service.person("SOCIAL_WORKER");
    let child = worker.child(&[("nhs", number)]).await;
    for who in ["SOCIAL_WORKER", "nurse"] {
        let new = contact(&child, "CASE-1", service.world.today());
        service.person(who).record(new).await.unwrap();
    }
    child
}

/// What a social worker of Northfield is answered of a child, but for the receipt: the flags of other
/// teams.
async fn answer(caller: &Caller, child: &[v1::Pseudonym]) -> v1::Answer {
    let answer = caller.ask(question(child)).await.unwrap();
    v1::Answer { receipt: 0, ..answer }
}

/// The same, and what a clinician of Southmoor is answered, who has recorded nothing.
async fn answers(service: &Service, child: &[v1::Pseudonym]) -> [v1::Answer; 2] {
    let northfield = answer(&service.person("SOCIAL_WORKER"), child).await;
    let purpose = v1::Purpose::EmergencyCareAttendance.into();
    let asked = v1::Question { purpose, ..question(child) };
    let southmoor = service.person("clinician").ask(asked).await.unwrap();
    [northfield, v1::Answer { receipt: 0, ..southmoor }]
}

/// The steps of runs on record, in their order, and how many certificates.
fn on_record(ledger: &Ledger) -> (Vec<PurgeState>, usize) {
    let of = |action| ledger.0.iter().filter(move |entry| entry.action() == action);
    let state = |detail: [u8; 32]| PurgeState::from_code(detail[16]).unwrap();
    let steps = of(Action::AdvancePurge).map(|entry| state(entry.detail())).collect();
    (steps, of(Action::CertifyPurge).count())
}

/// Every step of a run.
const STEPS: [PurgeState; 6] = [
    PurgeState::Frozen,
    PurgeState::Copied,
    PurgeState::Switched,
    PurgeState::KeysDestroyed,
    PurgeState::FilesRemoved,
    PurgeState::Scanned,
];
