use jiff::civil::date;
use signpost_core::directory::NewContact;
use signpost_core::record::RecordKey;
use signpost_core::refusal::{Invalid, Reason, Refusal};
use signpost_core::terms::{Action, Outcome, Purpose, Sensitivity, ServiceType};

use crate::fixture::*;

async fn assert_invalid<T: std::fmt::Debug>(
    scene: &Scene,
    call: impl Future<Output = Result<T, Refusal>>,
    field: &str,
) {
    let before = scene.entries().await.len();
    match call.await {
        Err(Refusal::Refused { reason: Reason::Invalid(invalid), .. }) => {
            assert_eq!(invalid.violations.len(), 1);
            assert_eq!(invalid.violations[0].field, field);
        }
        other => panic!("expected an invalid {field}, found {other:?}"),
    }
    let entries = scene.entries().await;
    assert_eq!(entries.len(), before + 1);
    assert_eq!(entries[before].outcome(), Outcome::Invalid);
}

#[tokio::test]
async fn a_recorded_contact_stands_on_record_with_its_child() {
    let scene = Scene::new().await;
    let contact = scene.contact(&child(&[1, 101]), details());
    let written = scene.try_record(NORA, contact).await.unwrap();
    let entry = scene.entry(written.receipt).await;
    assert_eq!((entry.action(), entry.outcome()), (Action::RecordContact, Outcome::Done));
    assert_eq!(entry.actor(), Some(NORA.actor()));
    let openings = scene.store.openings(written.receipt, NO_LIMIT).await.unwrap();
    assert_eq!(*openings[0].1.subject(), child(&[1, 101]));
    assert_eq!(openings[0].1.commitment(), entry.commitment());
}

#[tokio::test]
async fn whoever_contributes_may_record_and_end_but_a_dsl_never_asks() {
    let scene = Scene::new().await;
    let flag = scene.record(DORA, &child(&[1]), details()).await;
    assert_eq!(scene.lines(SAM, &child(&[1])).await, 1);
    scene.end(DORA, &child(&[1]), flag, scene.today()).await.unwrap();
    let named = child(&[1]);
    let ask = scene.ask(DORA, Purpose::S47Enquiry, &named);
    scene.assert_refused_next(ask, Reason::Role).await;
}

#[tokio::test]
async fn a_contact_that_is_not_in_order_is_refused_by_its_field() {
    let scene = Scene::new().await;
    let record = |change: fn(&mut signpost_core::flag::InvolvementDetails)| {
        scene.try_record(NORA, scene.contact(&child(&[1]), details_with(change)))
    };
    let future = record(|details| details.started = date(2026, 6, 16));
    assert_invalid(&scene, future, "involvement.started").await;
    let before = record(|details| details.ended = Some(date(2020, 2, 29)));
    assert_invalid(&scene, before, "involvement.ended").await;
    let long = record(|details| details.retain_until = Some(date(2040, 1, 1)));
    assert_invalid(&scene, long, "involvement.retain_until").await;
    let sensitive = record(|details| details.service_type = ServiceType::Refuge);
    assert_invalid(&scene, sensitive, "involvement.sensitivity").await;
    scene.assert_nothing(SAM, &child(&[1])).await;
}

#[tokio::test]
async fn a_team_ends_its_own_contact_under_every_pseudonym_by_any_of_them() {
    let scene = Scene::new().await;
    let flag = scene.record(NORA, &child(&[1, 2, 101]), details()).await;
    let written = scene.end(NED, &child(&[101]), flag, date(2026, 6, 10)).await.unwrap();
    assert_eq!(written.result, flag);
    for number in [1, 2, 101] {
        let asked = scene.ask(SAM, Purpose::S47Enquiry, &child(&[number])).await.unwrap();
        let details = asked.signposts[0].details.as_ref().unwrap();
        assert_eq!(details.ended, Some(date(2026, 6, 10)));
    }
    // Every head is written anew, so that no other write about the child passes this one unseen.
    for named in child(&[1, 2, 101]).pseudonyms() {
        let head = RecordKey::Head(named.pseudonym.clone());
        let head = scene.store.read(&head).await.unwrap();
        assert_eq!(head.unwrap().version, written.receipt);
    }
    let entry = scene.entry(written.receipt).await;
    assert_eq!((entry.action(), entry.outcome()), (Action::EndContact, Outcome::Done));
    let openings = scene.store.openings(written.receipt, NO_LIMIT).await.unwrap();
    assert_eq!(*openings[0].1.subject(), child(&[101]), "only what the request named");
}

#[tokio::test]
async fn what_is_not_ones_own_cannot_be_ended_and_is_as_unknown_as_what_is_not_there() {
    let scene = Scene::new().await;
    let theirs = scene.record(NORA, &child(&[1]), details()).await;
    let unknown = signpost_core::id::FlagId::new([9; 16]);
    for (who, flag, number) in [
        (SAM, theirs, 1),   // another organisation
        (MASHA, theirs, 1), // another team
        (NORA, theirs, 2),  // another child
        (NORA, unknown, 1),
        (SAM, unknown, 3),
    ] {
        let named = child(&[number]);
        let end = scene.end(who, &named, flag, scene.today());
        scene.assert_refused_next(end, Reason::NotFound).await;
    }
    // Not even a date that could never be tells the two apart.
    let named = child(&[1]);
    let end = scene.end(SAM, &named, theirs, date(2050, 1, 1));
    scene.assert_refused_next(end, Reason::NotFound).await;
    let end = scene.end(NORA, &named, theirs, date(2050, 1, 1));
    assert_invalid(&scene, end, "ended").await;
}

#[tokio::test]
async fn the_same_reference_changes_the_same_flag_and_adds_pseudonyms_up_to_four() {
    let scene = Scene::new().await;
    let record = async |numbers: &[u8], sensitivity| {
        let contact = NewContact {
            source_reference: text("CASE-A"),
            ..scene.contact(&child(numbers), of(sensitivity))
        };
        scene.try_record(NORA, contact).await.map(|written| written.result)
    };
    let first = record(&[1, 2], Sensitivity::Standard).await.unwrap();
    let second = record(&[2, 3, 101], Sensitivity::Restricted).await.unwrap();
    assert_eq!(first, second, "the flag keeps its id");
    for number in [1, 2, 3, 101] {
        let asked = scene.ask(SAM, Purpose::S47Enquiry, &child(&[number])).await.unwrap();
        assert_eq!(asked.signposts.len(), 1);
        assert!(asked.signposts[0].details.is_none(), "all copies are restricted now");
    }
    let fifth = record(&[1, 4], Sensitivity::Standard).await.unwrap_err();
    assert!(matches!(
        fifth,
        Refusal::Refused { reason: Reason::Invalid(Invalid { violations }), .. }
            if violations[0].field == "pseudonyms"
    ));
    assert_eq!(scene.lines(SAM, &child(&[4])).await, 0, "the refused one left nothing");
}

#[tokio::test]
async fn a_reference_is_its_own_teams_and_systems() {
    let scene = Scene::new().await;
    let contact = || NewContact {
        source_reference: text("CASE-A"),
        ..scene.contact(&child(&[1]), details())
    };
    let noras = scene.try_record(NORA, contact()).await.unwrap().result;
    let sams = scene.try_record(SAM, contact()).await.unwrap().result;
    let mashas = scene.try_record(MASHA, contact()).await.unwrap().result;
    let other_system = NORA.at_system(6);
    let contact = Ok(contact());
    let noras_again = scene.directory.record_contact(&other_system, &contact).await.unwrap().result;
    let mut all = vec![noras, sams, mashas, noras_again];
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 4);
    assert_eq!(scene.lines(PAUL, &child(&[1])).await, 4);
}

#[tokio::test]
async fn one_organisation_has_at_most_fifty_flags_of_a_child() {
    let scene = Scene::new().await;
    let named = child(&[1]);
    for number in 0..50 {
        let who = if number % 2 == 0 { NORA } else { MASHA };
        scene.record(who, &named, details()).await;
    }
    let more = scene.try_record(NORA, scene.contact(&named, details()));
    scene.assert_refused_next(more, Reason::LimitReached).await;
    assert_eq!(scene.lines(PAUL, &named).await, 50);
    scene.record(SAM, &named, details()).await; // others are not touched by it
    scene.record(NORA, &child(&[2]), details()).await; // nor are other children
}
