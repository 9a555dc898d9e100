//! Certificates of a ledger with a witness: there is none before the witness has seen it.

use signpost::certificate::file::CertificateFile;
use signpost::certificate::verify::verify;

use super::{
    approved, certificate, certified, confirm_clock, cool_off, forget, known_to_two, ledger_key,
};
use crate::harness::{Service, World, eventually};
use crate::ledger::witness::Witnessed;

#[tokio::test(flavor = "multi_thread")]
async fn without_the_witness_there_is_no_certificate_and_with_it_there_is() {
    let mut county = Witnessed::new().await;
    county.witness = None;
    let service = Service::serve(county.world, &[]).await;
    county.world = World::of(&service.world.path(""));
    let child = known_to_two(&service, "999 000 0018").await;
    let purge_id = approved(&service, forget(&child)).await;
    cool_off(&service).await;
    confirm_clock(&service).await;
    certified(&service, &purge_id).await;
    let auditor = service.person("AUDITOR");
    assert!(certificate(&auditor, &purge_id).await.is_empty(), "nobody has seen it");
    county.begin().await;
    let file = eventually("the certificate", || async {
        let file = certificate(&auditor, &purge_id).await;
        (!file.is_empty()).then_some(file)
    })
    .await;
    let file = CertificateFile::parse(&file).unwrap();
    let known = [county.key.clone()];
    let verified = verify(&file, &ledger_key(&service.world), &known).unwrap();
    let seen: Vec<_> = verified.witnesses.iter().map(|(key, _)| key.name()).collect();
    assert_eq!(seen, ["witness.example/w1"]);
    service.stop().await;
}
