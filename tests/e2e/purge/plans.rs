//! Purges planned, counted, approved and held back, and what each is told.

use signpost_core::terms::Action;
use signpost_proto::v1;
use signpost_proto::v1::plan_purge_request::Scope;
use signpost_proto::v1::set_hold_request::Name;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{alike, approve, forget, plan, purges, shown};
use crate::harness::{Caller, Service, contact, request_id};

async fn hold(caller: &Caller, name: Name) -> Result<v1::LegalHold, Status> {
    let case_reference = "LEG-2026-00007".to_owned();
    let set = v1::SetHoldRequest { request_id: request_id(), name: Some(name), case_reference };
    Ok(purges(caller).set_hold(caller.request(set)).await?.into_inner().hold.unwrap())
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().unwrap().reason.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_childs_purge_is_planned_and_approved_and_tells_nothing() {
    let service = Service::start().await;
    let [operator, approver, officer] =
        ["PURGE_OPERATOR", "PURGE_APPROVER", "PRIVACY_OFFICER"].map(|who| service.person(who));
    let worker = service.person("SOCIAL_WORKER");
    let known = worker.child(&[("nhs", "999 000 0018")]).await;
    worker.record(contact(&known, "CASE-1", service.world.today())).await.unwrap();
    // The operator makes the pseudonyms, as every client does.
    let known = operator.child(&[("nhs", "999 000 0018")]).await;
    let unknown = operator.child(&[("nhs", "999 000 0026")]).await;
    let mut seen = Vec::new();
    for (child, flags) in [(&known, 1), (&unknown, 0)] {
        let purge_id = plan(&operator, forget(child)).await.unwrap().purge_id;
        let found = shown(&operator, &purge_id).await;
        let purge = found.purge.unwrap();
        assert_eq!((purge.counts.len(), found.holds.len()), (0, 0));
        let digest = purge.digest.clone();
        seen.push(alike(purge));
        let own = approve(&operator, &purge_id, &digest).await.unwrap_err();
        assert_eq!((own.code(), reason(&own).as_str()), (Code::PermissionDenied, "DENIED_ROLE"));
        let other = approve(&approver, &purge_id, &[0; 32]).await.unwrap_err();
        assert_eq!(reason(&other), "OTHER_DIGEST");
        let receipt = approve(&approver, &purge_id, &digest).await.unwrap();
        assert_eq!(service.ledger().await.at(receipt).action(), Action::ApprovePurge);
        let purge = shown(&approver, &purge_id).await.purge.unwrap();
        assert_eq!(purge.state(), v1::PurgeState::Approved);
        assert!(purge.not_before_ms > purge.planned_ms);
        let annex = officer.request(v1::GetPurgeAnnexRequest { purge_id });
        let annex = purges(&officer).get_purge_annex(annex).await.unwrap().into_inner();
        let counted = annex.counts.iter().find(|count| count.kind() == v1::PurgedKind::FlagCopy);
        assert_eq!(counted.unwrap().gone, flags, "for the privacy officer");
    }
    assert_eq!(seen[0], seen[1], "known or not");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_outlives_a_restart_and_keeps_everything() {
    let service = Service::start().await;
    let officer = service.person("PRIVACY_OFFICER");
    let child = officer.child(&[("nhs", "999 000 0018")]).await;
    let held = v1::new_hold::Held::Child(v1::HeldChild { pseudonyms: child });
    let ground = v1::HoldGround::CourtOrder.into();
    let first = Name::First(v1::NewHold { ground, held: Some(held) });
    let begun = hold(&officer, first).await.unwrap();
    assert!(!begun.stands, "one name is not two");
    let again = hold(&officer, Name::HoldId(begun.hold_id.clone())).await.unwrap_err();
    assert_eq!(reason(&again), "DENIED_SAME_NAME");
    let approver = service.person("PURGE_APPROVER");
    assert!(hold(&approver, Name::HoldId(begun.hold_id.clone())).await.unwrap().stands);
    let operator = service.person("PURGE_OPERATOR");
    let by = Scope::ExpiredBy(crate::harness::date(service.world.today()));
    let expired = plan(&operator, by).await.unwrap().purge_id;

    let service = Service::serve(service.stop().await, &[]).await;
    let operator = service.person("PURGE_OPERATOR");
    let all = plan(&operator, Scope::All(v1::PurgeOfAll {})).await.unwrap_err();
    assert_eq!((all.code(), reason(&all).as_str()), (Code::FailedPrecondition, "HELD"));
    let holds = shown(&operator, &expired).await.holds;
    let told: Vec<_> = holds.iter().map(|hold| (&hold.hold_id, &hold.case_reference)).collect();
    assert_eq!(told, [(&begun.hold_id, &"LEG-2026-00007".to_owned())]);
    service.stop().await;
}
