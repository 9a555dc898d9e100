//! Certificates as an outsider checks them: each single change is seen.

use ct_merkle::{InclusionProof, RootHash};
use sha2::{Digest, Sha256};
use signpost::certificate::file::CertificateFile;
use signpost::certificate::verify::{VerifyError, verify};
use signpost_core::terms::Action;
use signpost_ledger::note::Note;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::signer::{LogSigner, Seed, WitnessSigner};
use signpost_proto::v1;

use super::{
    approved, certificate, certified, confirm_clock, cool_off, forget, known_to_two, ledger_key,
};
use crate::harness::Service;

/// The file of a child's purge, and the service that gave it.
async fn purged() -> (Service, String, CertificateFile) {
    let service = Service::start().await;
    let child = known_to_two(&service, "999 000 0018").await;
    let purge_id = approved(&service, forget(&child)).await;
    let auditor = service.person("AUDITOR");
    assert!(certificate(&auditor, &purge_id).await.is_empty(), "nothing is done yet");
    cool_off(&service).await;
    confirm_clock(&service).await;
    certified(&service, &purge_id).await;
    let file = CertificateFile::parse(&certificate(&auditor, &purge_id).await).unwrap();
    (service, purge_id, file)
}

/// With one bit changed at this place.
fn flipped(text: &str, place: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    bytes[place] ^= 1;
    String::from_utf8(bytes).unwrap()
}

/// Some places of a text, its first and last ones among them.
fn places(text: &str) -> impl Iterator<Item = usize> {
    let ends = text.len() - 120..text.len();
    (0..text.len()).filter(move |place| place % 61 == 0 || ends.contains(place))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_genuine_and_with_any_change_it_is_not() {
    let (service, purge_id, file) = purged().await;
    let key = ledger_key(&service.world);
    let genuine = verify(&file, &key, &[]).unwrap();
    assert_eq!(genuine.certificate.purge.id, purge_id);
    let refused = |changed: &CertificateFile, what: &str| {
        assert!(verify(changed, &key, &[]).is_err(), "accepted with {what}");
    };
    for place in places(&file.certificate) {
        let certificate = flipped(&file.certificate, place);
        let changed = CertificateFile { certificate, ..file.clone() };
        refused(&changed, &format!("byte {place} of the note changed"));
    }
    for place in places(&file.checkpoint) {
        let checkpoint = flipped(&file.checkpoint, place);
        let changed = CertificateFile { checkpoint, ..file.clone() };
        refused(&changed, &format!("byte {place} of the checkpoint changed"));
    }
    let entry = hex::decode(&file.entry).unwrap();
    for place in 0..entry.len() {
        let mut entry = entry.clone();
        entry[place] ^= 1;
        let changed = CertificateFile { entry: hex::encode(entry), ..file.clone() };
        refused(&changed, &format!("byte {place} of the entry changed"));
    }
    for place in 0..file.proof.len() {
        let mut proof = file.proof.clone();
        let mut hash = hex::decode(&proof[place]).unwrap();
        hash[31] ^= 1;
        proof[place] = hex::encode(hash);
        refused(&CertificateFile { proof, ..file.clone() }, "another hash");
        let mut proof = file.proof.clone();
        proof.remove(place);
        refused(&CertificateFile { proof, ..file.clone() }, "a hash left out");
    }
    let proof = [file.proof.clone(), file.proof[..1].to_vec()].concat();
    refused(&CertificateFile { proof, ..file.clone() }, "a hash more");
    for index in [0, file.index - 1, file.index + 1, u64::MAX] {
        refused(&CertificateFile { index, ..file.clone() }, "another index");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_held_against_the_keys_that_are_known_and_no_others() {
    let (service, _, file) = purged().await;
    let key = ledger_key(&service.world);
    let other = LogSigner::new(key.name(), &Seed::new([7; Seed::LEN])).unwrap();
    let refused = verify(&file, other.verifier(), &[]).unwrap_err();
    assert!(matches!(refused, VerifyError::Note(_)), "{refused}");
    let witness = WitnessSigner::new("witness.example/w1", &Seed::new([8; Seed::LEN])).unwrap();
    let refused = verify(&file, &key, &[witness.verifier().clone()]).unwrap_err();
    assert!(matches!(refused, VerifyError::Checkpoint(_)), "{refused}");

    // Another's text under another's key, with an entry that is under the checkpoint.
    let note = Note::new(Note::parse(file.certificate.as_bytes()).unwrap().text().to_owned());
    let note = note.unwrap();
    let signature = other.sign(&note);
    let forged = CertificateFile { certificate: note.with(signature).to_string(), ..file.clone() };
    let refused = verify(&forged, &key, &[]).unwrap_err();
    assert!(matches!(refused, VerifyError::Note(_)), "{refused}");
    let refused = verify(&forged, other.verifier(), &[]).unwrap_err();
    assert!(matches!(refused, VerifyError::Checkpoint(_)), "{refused}");
    service.stop().await;
}

/// Whoever has the ledger's key can sign what they like: what counts is on record.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_ledgers_key_signed_is_no_certificate_without_its_entry() {
    let (service, _, file) = purged().await;
    let key = ledger_key(&service.world);
    let seed = signpost::seed_file::read(&service.world.path("ledger.key")).unwrap();
    let signer = LogSigner::new(key.name(), &seed).unwrap();
    let text = Note::parse(file.certificate.as_bytes()).unwrap().text().to_owned();
    let file_of = |text: String| {
        let note = Note::new(text).unwrap();
        let signature = signer.sign(&note);
        CertificateFile { certificate: note.with(signature).to_string(), ..file.clone() }
    };
    verify(&file_of(text.clone()), &key, &[]).unwrap();
    let other = text.replace("DPO-2026-00042", "DPO-2026-00043");
    let refused = verify(&file_of(other), &key, &[]).unwrap_err();
    assert_eq!(refused.to_string(), "its entry is that of another certificate");
    // An entry that is under the checkpoint, and says something else.
    let auditor = service.person("AUDITOR");
    let (checkpoint, _) = Checkpoint::open(file.checkpoint.as_bytes(), &key).unwrap();
    let asked = v1::ProveInclusionRequest { index: 0, size: checkpoint.size };
    let asked = auditor.ledgers().prove_inclusion(auditor.request(asked)).await;
    let proof = asked.unwrap().into_inner().path.iter().map(hex::encode).collect();
    let entry = hex::encode(service.ledger().await.at(0).as_bytes());
    let other = CertificateFile { entry, index: 0, proof, ..file };
    let refused = verify(&other, &key, &[]).unwrap_err();
    assert_eq!(refused.to_string(), "its entry is not that of a certificate");
    service.stop().await;
}

/// By a hand that is not ours: the hash of the text is in the entry, and the entry under the root.
#[tokio::test(flavor = "multi_thread")]
async fn anothers_verifier_finds_the_certificates_entry_under_the_checkpoint() {
    let (service, _, file) = purged().await;
    let (checkpoint, _) =
        Checkpoint::open(file.checkpoint.as_bytes(), &ledger_key(&service.world)).unwrap();
    let root = RootHash::<Sha256>::new((*checkpoint.root.as_bytes()).into(), checkpoint.size);
    let entry = hex::decode(&file.entry).unwrap();
    let path: Vec<u8> = file.proof.iter().flat_map(|hash| hex::decode(hash).unwrap()).collect();
    let path = InclusionProof::<Sha256>::try_from_bytes(path).unwrap();
    root.verify_inclusion(&entry, file.index, &path).unwrap();
    let text = file.certificate.split_once("\n\n").unwrap().0.to_owned() + "\n";
    assert_eq!(entry[208..240], Sha256::digest(text.as_bytes())[..]);
    let ledger = service.ledger().await;
    assert_eq!(ledger.at(file.index).action(), Action::CertifyPurge);
    service.stop().await;
}
