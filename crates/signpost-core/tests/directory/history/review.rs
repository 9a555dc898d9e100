//! What is left out until it is reviewed, and what a review does.

use signpost_core::flag::InvolvementDetails;
use signpost_core::history::AccessDecision;
use signpost_core::id::{ActorId, Receipt};
use signpost_core::record::Record;
use signpost_core::refusal::Reason;
use signpost_core::register::{Organisation, Person};
use signpost_core::terms::{
    Action, DisclosureBasis, OrganisationKind, Purpose, Sensitivity, ServiceType, WithheldBecause,
    WithholdingGround,
};
use signpost_core::testing::put_records;

use super::entries_of;
use crate::fixture::*;

const CRIME: AccessDecision = AccessDecision::Withheld(WithholdingGround::Crime);
const UNKNOWN: Reason = Reason::Unknown("access in this history");

async fn is_of_kind(scene: &Scene, id: u8, kind: OrganisationKind) {
    let organisation = Record::Organisation(Organisation { kind, ..organisation(id) });
    put_records(&*scene.store, [organisation]).await.unwrap();
}

/// What is left out of the history of this child, by entry, and why; the rest is told.
async fn left_out(scene: &Scene, number: u8) -> Vec<(u64, Vec<WithheldBecause>)> {
    let history = scene.history_of(&child(&[number])).await;
    let withheld = scene.withheld(history).await;
    let told = entries_of(&scene.told(history).await);
    assert!(withheld.iter().all(|one| !told.contains(&one.access.entry.0)));
    assert!(withheld.iter().all(|one| one.decision.is_none()));
    withheld.into_iter().map(|one| (one.access.entry.0, one.because)).collect()
}

#[tokio::test]
async fn enquiries_and_police_are_left_out_whoever_asks_for_them() {
    use WithheldBecause::{Police, S47Enquiry};

    let scene = Scene::new().await;
    let ask = async |who, purpose| scene.ask(who, purpose, &child(&[1])).await.unwrap().receipt.0;
    let enquiry = ask(NORA, Purpose::S47Enquiry).await;
    let protection = ask(MASHA, Purpose::PoliceProtectionS46).await;
    let by_role = ask(PAUL, Purpose::MissingChild).await;
    let both = ask(PAUL, Purpose::S47Enquiry).await;
    let told = ask(NORA, Purpose::MissingChild).await;
    let for_police = scene.brokered(PAUL, Purpose::MissingChild, &child(&[1])).await.0;
    let for_sam = scene.brokered(SAM, Purpose::MissingChild, &child(&[1])).await.0;
    is_of_kind(&scene, EDDIE.organisation, OrganisationKind::PoliceForce).await;
    let by_kind = ask(EDDIE, Purpose::MissingChild).await;
    let expected = [
        (enquiry, vec![S47Enquiry]),
        (protection, vec![Police]),
        (by_role, vec![Police]),
        (both, vec![S47Enquiry, Police]),
        (for_police, vec![Police]),
        (by_kind, vec![Police]),
    ];
    assert_eq!(left_out(&scene, 1).await, expected);
    let history = scene.history_of(&child(&[1])).await;
    assert_eq!(entries_of(&scene.told(history).await), [told, for_sam]);
}

#[tokio::test]
async fn voluntary_organisations_and_teams_with_a_sensitive_flag_on_the_child_are_left_out() {
    use WithheldBecause::SensitiveService;

    let scene = Scene::new().await;
    let refuge = InvolvementDetails {
        service_type: ServiceType::Refuge,
        disclosure_basis: DisclosureBasis::ExplicitConsent,
        ..of(Sensitivity::SensitiveExistence)
    };
    scene.record(ELLA, &child(&[1]), refuge).await;
    scene.record(YUSUF, &child(&[1]), of(Sensitivity::Hidden)).await;
    scene.record(SAM, &child(&[1]), of(Sensitivity::Restricted)).await;
    scene.record(SAM, &child(&[2]), of(Sensitivity::Hidden)).await;
    let ask = async |who, purpose| scene.ask(who, purpose, &child(&[1])).await.unwrap().receipt.0;
    let sensitive = ask(ELLA, Purpose::EarlyHelpAssessment).await;
    let hidden = ask(YUSUF, Purpose::TransferIn).await;
    let open = ask(SAM, Purpose::TransferIn).await;
    let for_ella = scene.brokered(ELLA, Purpose::TransferIn, &child(&[1])).await.0;
    is_of_kind(&scene, EDDIE.organisation, OrganisationKind::VoluntaryOrganisation).await;
    let voluntary = ask(EDDIE, Purpose::MissingChild).await;
    let expected =
        [sensitive, hidden, for_ella, voluntary].map(|entry| (entry, vec![SensitiveService]));
    assert_eq!(left_out(&scene, 1).await, expected);
    let history = scene.history_of(&child(&[1])).await;
    assert_eq!(entries_of(&scene.told(history).await), [open]);
}

/// Who asks tells where a child is: of one who is shielded nothing is told without a review.
#[tokio::test]
async fn a_shielded_child_s_accesses_are_all_left_out_and_so_is_what_the_register_lost() {
    let scene = Scene::new().await;
    let ask = async |number| {
        scene.ask(NORA, Purpose::TransferIn, &child(&[number])).await.unwrap().receipt.0
    };
    let (shielded, brokered) =
        (ask(1).await, scene.brokered(SAM, Purpose::TransferIn, &child(&[2])).await.0);
    scene.shield(SUE, &child(&[1])).await.unwrap();
    assert_eq!(left_out(&scene, 1).await, [(shielded, vec![WithheldBecause::ShieldedChild])]);
    assert!(left_out(&scene, 2).await.is_empty());
    let gone = Person { actor: ActorId::new([99; 16]), ..SAM.person() };
    put_records(&*scene.store, [Record::Person(gone)]).await.unwrap();
    assert_eq!(left_out(&scene, 2).await, [(brokered, vec![WithheldBecause::Unclassified])]);
}

#[tokio::test]
async fn an_access_is_told_once_a_review_has_released_it_in_this_history_alone() {
    let scene = Scene::new().await;
    let asked = scene.ask(NORA, Purpose::S47Enquiry, &child(&[1])).await.unwrap().receipt;
    let kept = scene.ask(PAUL, Purpose::S47Enquiry, &child(&[1])).await.unwrap().receipt;
    let mothers = scene.history_of(&child(&[1])).await;
    let fathers = scene.history_of(&child(&[1])).await;
    scene.review(PETRA, mothers, asked, AccessDecision::Released).await.unwrap();
    scene.review(PRIYA, mothers, kept, CRIME).await.unwrap();
    assert_eq!(entries_of(&scene.told(mothers).await), [asked.0]);
    assert!(scene.told(fathers).await.is_empty());
    let decisions = async |history| {
        let withheld = scene.withheld(history).await;
        withheld.iter().map(|one| one.decision).collect::<Vec<_>>()
    };
    assert_eq!(decisions(mothers).await, [Some(AccessDecision::Released), Some(CRIME)]);
    assert_eq!(decisions(fathers).await, [None, None]);
    // What was decided can be decided otherwise, and each decision is on record.
    scene.review(PRIYA, mothers, asked, CRIME).await.unwrap();
    assert!(scene.told(mothers).await.is_empty());
    let reviews = scene.entries().await;
    let reviews: Vec<_> =
        reviews.iter().filter(|entry| entry.action() == Action::ReviewAccess).collect();
    assert_eq!(reviews.len(), 3);
}

/// In clear, the entries of two reviews would tell that two accesses were to one child.
#[tokio::test]
async fn the_entry_of_a_review_does_not_tell_which_access_it_was_about() {
    let scene = Scene::new().await;
    let asked = scene.ask(NORA, Purpose::S47Enquiry, &child(&[1])).await.unwrap().receipt;
    let history = scene.history_of(&child(&[1])).await;
    let mut details = Vec::new();
    for _ in 0..2 {
        let review = scene.review(PRIYA, history, asked, CRIME).await.unwrap();
        let entry = scene.entry(review.receipt).await;
        assert_ne!(entry.detail()[..16], *history.as_bytes());
        assert_eq!((entry.count(), entry.released()), (0, 0));
        details.push(entry.detail());
        let key = signpost_core::record::RecordKey::AccessReview(history, asked);
        let stored = scene.store.read(&key).await.unwrap().unwrap();
        assert_eq!(stored.version, review.receipt);
        let Record::AccessReview(review) = stored.record else { panic!("no review") };
        assert_eq!((review.detail(), review.by), (entry.detail(), PRIYA.person().id));
    }
    assert_ne!(details[0], details[1], "the same decision twice does not look it");
}

#[tokio::test]
async fn only_what_is_in_the_history_and_left_out_of_it_is_reviewed_by_who_may_read_it() {
    let scene = Scene::new().await;
    let asked = scene.ask(NORA, Purpose::S47Enquiry, &child(&[1])).await.unwrap().receipt;
    let told = scene.ask(NORA, Purpose::TransferIn, &child(&[1])).await.unwrap().receipt;
    let other = scene.ask(NORA, Purpose::S47Enquiry, &child(&[2])).await.unwrap().receipt;
    let history = scene.history_of(&child(&[1])).await;
    for entry in [other, Receipt(0), Receipt(u64::MAX), Receipt(told.0 + 2)] {
        let review = scene.review(PRIYA, history, entry, CRIME);
        scene.assert_refused_next(review, UNKNOWN).await;
    }
    let needless = scene.review(PRIYA, history, told, CRIME);
    let needless_reason = Reason::WrongState("this access is told without a review");
    scene.assert_refused_next(needless, needless_reason).await;
    for who in [PIA, ANDY, NORA] {
        let reason = if who == PIA { super::NOT_OPEN } else { Reason::Role };
        scene.assert_refused_next(scene.review(who, history, asked, CRIME), reason).await;
    }
    // Somebody who was a social worker then, and is a privacy officer now.
    let petra = Person { actor: NORA.actor(), ..PETRA.person() };
    let nora = Person { actor: ActorId::new([98; 16]), ..NORA.person() };
    put_records(&*scene.store, [Record::Person(petra), Record::Person(nora)]).await.unwrap();
    let own = scene.review(PETRA, history, asked, AccessDecision::Released);
    scene.assert_refused_next(own, Reason::OwnRecord).await;
    assert!(scene.told(history).await.len() == 1);
}
