//! What a history tells: every access, by any of the child's pseudonyms, and nobody's contacts.

use signpost_core::directory::{Access, BrokeredQuestion, OnBehalfOf};
use signpost_core::id::{PersonId, Receipt};
use signpost_core::policy::Level;
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::subject::Subject;
use signpost_core::terms::{Action, Outcome, Purpose, Role, Sensitivity, WithheldBecause};

use super::entries_of;
use crate::fixture::*;

#[tokio::test]
async fn every_question_is_told_with_who_in_which_role_why_and_how_much() {
    let scene = Scene::new().await;
    scene.record(SUE, &child(&[1]), details()).await;
    scene.record(SUE, &child(&[1]), of(Sensitivity::Restricted)).await;
    let asked = scene.ask(NORA, Purpose::S17Assessment, &child(&[1])).await.unwrap().receipt;
    let many = question(Purpose::MissingChild, &child(&[1]));
    let many = scene.directory.ask(&EDDIE.presented(), &Ok(many), Action::AskMany).await;
    let nobody = scene.ask(SUE, Purpose::CaseReview, &child(&[1])).await.unwrap().receipt;
    let brokered = scene.brokered(SAM, Purpose::TransferIn, &child(&[1])).await;
    scene.ask(NORA, Purpose::S17Assessment, &child(&[2])).await.unwrap();
    scene.ask(ELLA, Purpose::CaseReview, &child(&[1])).await.unwrap_err();

    let history = scene.history_of(&child(&[1])).await;
    let time_ms = scene.entry(asked).await.time_ms();
    let access = |entry, organisation: &str, role, purpose, outcome, released: &[Level]| Access {
        entry,
        time_ms,
        organisation: Some(text(organisation)),
        role: Some(role),
        purpose: Some(purpose),
        outcome,
        released: released.to_vec(),
        on_behalf_of: None,
    };
    let northfield = "Northfield Council";
    let partly = Outcome::ReleasedPartial;
    let expected = [
        access(
            asked,
            northfield,
            Role::SocialWorker,
            Purpose::S17Assessment,
            partly,
            &[Level::TeamAndDutyPhone, Level::Full],
        ),
        access(
            many.unwrap().receipt,
            "Eastvale Hospital Trust",
            Role::EdSafeguardingClinician,
            Purpose::MissingChild,
            partly,
            &[Level::DutyPhone, Level::TeamAndPhone],
        ),
        access(
            nobody,
            "Southmoor Council",
            Role::SocialWorkManager,
            Purpose::CaseReview,
            Outcome::NoVisibleContact,
            &[],
        ),
        Access {
            on_behalf_of: Some(OnBehalfOf {
                organisation: Some(text("Southmoor Council")),
                role: Some(Role::SocialWorker),
            }),
            ..access(
                brokered,
                northfield,
                Role::Broker,
                Purpose::TransferIn,
                Outcome::NoVisibleContact,
                &[],
            )
        },
    ];
    assert_eq!(scene.told(history).await, expected);
    assert!(scene.withheld(history).await.is_empty());
}

/// A school asked by the UPN, a hospital by the NHS number; the family's request names both.
#[tokio::test]
async fn any_pseudonym_finds_an_access() {
    let scene = Scene::new().await;
    let ask = async |numbers: &[u8]| {
        scene.ask(NORA, Purpose::S17Assessment, &child(numbers)).await.unwrap().receipt.0
    };
    let first = ask(&[1]).await;
    let second = ask(&[101]).await;
    let third = ask(&[150, 160, 1]).await;
    let other = ask(&[150]).await;
    let history = scene.history_of(&child(&[1, 101])).await;
    assert_eq!(entries_of(&scene.told(history).await), [first, second, third]);
    let history = scene.history_of(&child(&[170, 150])).await;
    assert_eq!(entries_of(&scene.told(history).await), [third, other]);
}

/// Nobody who protects a child may show in a letter to the family; and a history is no access.
#[tokio::test]
async fn what_was_recorded_ended_shielded_or_asked_for_by_the_family_is_no_access() {
    let scene = Scene::new().await;
    let flag = scene.record(NORA, &child(&[1]), details()).await;
    scene.end(NORA, &child(&[1]), flag, scene.today()).await.unwrap();
    let lift = scene.begin_lift(MONA, &child(&[1])).await;
    scene.lift(MASHA, &child(&[1]), Some(lift)).await.unwrap();
    scene.history_of(&child(&[1])).await;
    let history = scene.history_of(&child(&[1])).await;
    assert!(scene.told(history).await.is_empty());
    assert!(scene.withheld(history).await.is_empty());
    scene.shield(MONA, &child(&[1])).await.unwrap();
    assert!(scene.withheld(history).await.is_empty());
}

/// A refusal that tells something of the child is an access; what it was is nobody's to read but
/// after a review.
#[tokio::test]
async fn a_refusal_that_told_something_counts_and_waits_for_a_review() {
    let scene = Scene::new().await;
    for _ in 0..50 {
        scene.record(NORA, &child(&[1]), details()).await;
    }
    let refused = scene.try_record(NORA, scene.contact(&child(&[1]), details())).await;
    let Err(Refusal::Refused { reason: Reason::LimitReached, receipt }) = refused else {
        panic!("{refused:?}")
    };
    let history = scene.history_of(&child(&[1])).await;
    assert!(scene.told(history).await.is_empty());
    let withheld = scene.withheld(history).await;
    assert_eq!(withheld.len(), 1);
    let access = &withheld[0].access;
    assert_eq!(
        (access.entry, access.outcome, access.purpose),
        (receipt, Outcome::LimitReached, None)
    );
    assert_eq!(withheld[0].because, [WithheldBecause::Unclassified]);
}

/// The history of a child whom nobody knows is that of one about whom nobody asked.
#[tokio::test]
async fn an_unknown_child_and_one_nobody_asked_about_have_the_same_history() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1]), details()).await;
    let page = async |subject: &Subject| {
        let history = scene.history_of(subject).await;
        let page = scene.read(PRIYA, history).await.unwrap().result;
        (page, scene.try_withheld(PRIYA, history).await.unwrap().result)
    };
    assert_eq!(page(&child(&[1])).await, page(&child(&[2])).await);
}

#[tokio::test]
async fn pages_tell_each_access_once() {
    let scene = Scene::new().await;
    let mut asked = Vec::new();
    for number in 0..7 {
        let subject = child(&[1 + number % 2]);
        let receipt = scene.ask(NORA, Purpose::S17Assessment, &subject).await.unwrap().receipt;
        asked.extend((number % 2 == 0).then_some(receipt.0));
    }
    let history = scene.history_of(&child(&[1])).await;
    for limit in [1, 2, 3, 500] {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let written = scene.read_from(PRIYA, history, (from, limit)).await.unwrap();
            let detail = scene.entry(written.receipt).await.detail();
            let start = from.map_or(0, |from: Receipt| from.0);
            assert_eq!(detail[16..24], start.to_be_bytes());
            assert!(written.result.accesses.len() <= limit);
            found.extend(entries_of(&written.result.accesses));
            from = written.result.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(found, asked, "{limit}");
    }
    let beyond = scene.read_from(PRIYA, history, (Some(Receipt(u64::MAX)), 500)).await.unwrap();
    assert_eq!((beyond.result.accesses.len(), beyond.result.next), (0, None));
}

impl Scene {
    /// A question of Brian's on behalf of this person.
    pub(super) async fn brokered(
        &self,
        named: Who,
        purpose: Purpose,
        subject: &Subject,
    ) -> Receipt {
        let on_behalf_of = PersonId::new([named.id; 16]);
        let question = BrokeredQuestion { question: question(purpose, subject), on_behalf_of };
        let answer = self.directory.ask_as_broker(&BRIAN.presented(), &Ok(question)).await;
        answer.unwrap().receipt
    }
}
