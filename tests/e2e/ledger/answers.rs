//! What auditors and privacy officers are answered, and how far that can be verified elsewhere.

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use sha2::Sha256;
use signpost_core::entry::Entry;
use signpost_core::terms::{Action, Outcome};
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::key::VerifierKey;
use signpost_proto::v1;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::harness::{Caller, Service, question};

fn key(service: &Service) -> VerifierKey {
    signpost::ledger::verifier(&service.world.config(&[]).ledger).unwrap()
}

/// The root that a signed checkpoint says, for another's verifier.
fn root(checkpoint: &Checkpoint) -> RootHash<Sha256> {
    RootHash::new((*checkpoint.root.as_bytes()).into(), checkpoint.size)
}

async fn list(caller: &Caller, asked: v1::ListEntriesRequest) -> v1::ListEntriesResponse {
    caller.ledgers().list_entries(caller.request(asked)).await.unwrap().into_inner()
}

async fn prove(
    caller: &Caller,
    index: u64,
    size: u64,
) -> Result<v1::ProveInclusionResponse, Status> {
    let asked = caller.request(v1::ProveInclusionRequest { index, size });
    Ok(caller.ledgers().prove_inclusion(asked).await?.into_inner())
}

async fn consistency(
    caller: &Caller,
    old_size: u64,
    new_size: u64,
) -> Result<v1::ProveConsistencyResponse, Status> {
    let asked = caller.request(v1::ProveConsistencyRequest { old_size, new_size });
    Ok(caller.ledgers().prove_consistency(asked).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_leads_to_a_proof_that_anybody_can_verify() {
    let service = Service::start().await;
    let (asker, auditor) = (service.person("SOCIAL_WORKER"), service.person("AUDITOR"));
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let mut earlier: Option<Checkpoint> = None;
    for _ in 0..3 {
        let receipt = asker.ask(question(&child)).await.unwrap().receipt;
        let proof = prove(&auditor, receipt, 0).await.unwrap();
        let (checkpoint, _) = Checkpoint::open(&proof.checkpoint, &key(&service)).unwrap();
        assert!(checkpoint.size > receipt && proof.size == checkpoint.size);

        let page_token = format!("{receipt:016x}");
        let listed = v1::ListEntriesRequest { page_size: 1, page_token, ..Default::default() };
        let entry = list(&auditor, listed).await.entries.remove(0);
        assert_eq!((entry.index, entry.action()), (receipt, v1::Action::Ask));
        let bytes = Entry::try_from(&entry.entry[..]).unwrap();
        assert_eq!(proof.leaf_hash, bytes.leaf_hash().as_bytes());
        let path = InclusionProof::<Sha256>::try_from_bytes(proof.path.concat()).unwrap();
        root(&checkpoint).verify_inclusion(&entry.entry, receipt, &path).unwrap();

        if let Some(earlier) = earlier {
            let proof = consistency(&auditor, earlier.size, checkpoint.size).await.unwrap();
            let path = ConsistencyProof::<Sha256>::try_from_bytes(proof.path.concat()).unwrap();
            root(&checkpoint).verify_consistency(&root(&earlier), &path).unwrap();
        }
        earlier = Some(checkpoint);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_the_tree_is_not_on_record_and_listing_entries_is() {
    let service = Service::start().await;
    let officer = service.person("PRIVACY_OFFICER");
    let get = || officer.request(v1::GetCheckpointRequest {});
    prove(&officer, 0, 0).await.unwrap();
    let before = service.ledger().await.requests().count();
    let note = officer.ledgers().get_checkpoint(get()).await.unwrap().into_inner().checkpoint;
    let (checkpoint, _) = Checkpoint::open(&note, &key(&service)).unwrap();
    prove(&officer, 0, 1).await.unwrap();
    consistency(&officer, 1, checkpoint.size).await.unwrap();
    assert_eq!(service.ledger().await.requests().count(), before);

    let listed = list(&officer, v1::ListEntriesRequest::default()).await;
    let ledger = service.ledger().await;
    let entry = ledger.at(listed.receipt);
    assert_eq!((entry.action(), entry.outcome()), (Action::ListEntries, Outcome::Done));
    assert_eq!(entry.count() as usize, listed.entries.len());
    assert_eq!(ledger.requests().count(), before + 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_checkpoint_covers_is_refused_by_its_field_and_on_record() {
    let service = Service::start().await;
    let auditor = service.person("AUDITOR");
    let size = prove(&auditor, 0, 0).await.unwrap().size;
    let refused = [
        (prove(&auditor, u64::MAX, 0).await.map(drop), "index"),
        (prove(&auditor, 1, 1).await.map(drop), "index"),
        (prove(&auditor, 0, u64::MAX).await.map(drop), "size"),
        (consistency(&auditor, 0, u64::MAX).await.map(drop), "new_size"),
        (consistency(&auditor, 2, 1).await.map(drop), "old_size"),
        (consistency(&auditor, u64::MAX, 0).await.map(drop), "old_size"),
    ];
    let count = refused.len();
    for (refused, field) in refused {
        let status = refused.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let wrong = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(wrong.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), [field]);
    }
    let ledger = service.ledger().await;
    let refusals = ledger.requests().filter(|entry| entry.action() == Action::ReadLedger);
    let outcomes: Vec<_> = refusals.map(Entry::outcome).collect();
    assert_eq!(outcomes, vec![Outcome::Invalid; count]);
    prove(&auditor, size - 1, size).await.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_listing_is_told_field_by_field() {
    let service = Service::start().await;
    let auditor = service.person("AUDITOR");
    let wrong = v1::ListEntriesRequest {
        since_ms: -1,
        until_ms: -1,
        actor_id: "nobody".to_owned(),
        organisation_id: "nowhere".to_owned(),
        action: 255,
        outcome: 255,
        page_size: 501,
        page_token: "0".to_owned(),
    };
    let status = auditor.ledgers().list_entries(auditor.request(wrong)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let violations = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<_> = violations.iter().map(|one| one.field.as_str()).collect();
    let all = [
        "since_ms",
        "until_ms",
        "actor_id",
        "organisation_id",
        "action",
        "outcome",
        "page_size",
        "page_token",
    ];
    assert_eq!(fields, all);
    service.stop().await;
}
