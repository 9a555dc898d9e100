use jiff::{SignedDuration, ToSpan};
use signpost_core::directory::{LiftProgress, NewShield};
use signpost_core::record::Record;
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::register::{Person, PersonStanding};
use signpost_core::terms::{Action, Outcome, Purpose, Sensitivity, ShieldKind};
use signpost_core::testing::put_records;

use crate::fixture::*;

#[tokio::test]
async fn nobody_is_shown_anything_of_a_shielded_child() {
    let scene = Scene::new().await;
    let named = child(&[1]);
    scene.record(NORA, &named, details()).await;
    scene.record(PAUL, &named, of(Sensitivity::SensitiveExistence)).await;
    let written = scene.shield(SUE, &named).await.unwrap();
    let entry = scene.entry(written.receipt).await;
    assert_eq!((entry.action(), entry.outcome()), (Action::SetShield, Outcome::Done));
    for who in [SAM, SUE, MASHA, NINA, EDDIE, ELLA, YUSUF, PAUL] {
        for purpose in Purpose::ALL {
            if let Ok(answer) = scene.ask(who, *purpose, &named).await {
                assert_eq!((answer.signposts.len(), answer.further_service), (0, false));
                let entry = scene.entry(answer.receipt).await;
                assert_eq!((entry.outcome(), entry.released()), (Outcome::NoVisibleContact, 0));
            }
        }
    }
}

#[tokio::test]
async fn a_shielded_child_beside_one_that_may_be_seen_is_as_unknown_beside_it() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1]), details()).await;
    scene.record(NORA, &child(&[2]), details()).await;
    assert_eq!(scene.lines(SAM, &child(&[1, 2])).await, 2);
    scene.shield(SUE, &child(&[2])).await.unwrap();
    for beside in [&[1, 2], &[2, 1], &[1, 3]] {
        assert_eq!(scene.lines(SAM, &child(beside)).await, 1, "no more and no less than of 1");
    }
    scene.assert_nothing(SAM, &child(&[2])).await;
}

#[tokio::test]
async fn a_protected_identity_stays_one_until_two_names_lift_it() {
    let scene = Scene::new().await;
    scene.shield_as(SUE, &child(&[1]), ShieldKind::ProtectedIdentity).await.unwrap();
    scene.shield(SUE, &child(&[1])).await.unwrap();
    assert_eq!(scene.shield_kind(&child(&[1])).await, Some(ShieldKind::ProtectedIdentity));
}

#[tokio::test]
async fn a_shield_covers_what_was_tied_before_it_however_far() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1, 2]), details()).await;
    scene.record(PAUL, &child(&[2, 3]), details()).await;
    scene.record(EDDIE, &child(&[3, 101]), details()).await;
    scene.record(NORA, &child(&[4]), details()).await;
    scene.shield(SUE, &child(&[1])).await.unwrap();
    for number in [1, 2, 3, 101] {
        scene.assert_nothing(SAM, &child(&[number])).await;
    }
    assert_eq!(scene.lines(SAM, &child(&[4])).await, 1, "another child");
}

#[tokio::test]
async fn a_shield_covers_what_is_tied_after_it() {
    let scene = Scene::new().await;
    scene.shield(SUE, &child(&[1])).await.unwrap();
    scene.record(NORA, &child(&[1, 2]), details()).await;
    scene.record(PAUL, &child(&[2, 3]), details()).await;
    scene.record(PAUL, &child(&[3]), details()).await;
    for number in [1, 2, 3] {
        scene.assert_nothing(SAM, &child(&[number])).await;
    }
}

#[tokio::test]
async fn a_flag_that_ties_a_shielded_chain_to_another_shields_both() {
    let scene = Scene::new().await;
    // One chain, shielded at its end; another chain beside it, with flags of its own.
    scene.record(NORA, &child(&[1, 2]), details()).await;
    scene.shield(SUE, &child(&[1])).await.unwrap();
    let contact = scene.contact(&child(&[3]), details());
    let reference = contact.source_reference.clone();
    scene.try_record(PAUL, contact).await.unwrap();
    scene.record(EDDIE, &child(&[3, 101]), details()).await;
    scene.record(EDDIE, &child(&[101, 102]), details()).await;
    assert_eq!(scene.lines(SAM, &child(&[102])).await, 1);
    // The same reference again, as a feed sends it, now with a pseudonym of the first chain.
    let mut again = scene.contact(&child(&[3, 2]), details());
    again.source_reference = reference;
    scene.try_record(PAUL, again).await.unwrap();
    for number in [1, 2, 3, 101, 102] {
        scene.assert_nothing(SAM, &child(&[number])).await;
    }
}

#[tokio::test]
async fn ending_and_changing_leave_a_shield_where_it_is() {
    let scene = Scene::new().await;
    let flag = scene.record(NORA, &child(&[1, 2]), details()).await;
    scene.shield(SUE, &child(&[1])).await.unwrap();
    scene.end(NORA, &child(&[2]), flag, scene.today()).await.unwrap();
    scene.record(NORA, &child(&[2]), details()).await;
    scene.assert_nothing(SAM, &child(&[1])).await;
    scene.assert_nothing(SAM, &child(&[2])).await;
    scene.clock.step_days(300);
    scene.assert_nothing(SAM, &child(&[2])).await; // a shield does not lapse
}

#[tokio::test]
async fn two_names_lift_a_shield_from_all_that_is_tied() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1, 2]), details()).await;
    scene.shield(SUE, &child(&[1])).await.unwrap();
    let lift = scene.begin_lift(SUE, &child(&[1])).await;
    scene.assert_nothing(SAM, &child(&[1])).await;
    let done = scene.lift(MONA, &child(&[1]), Some(lift)).await.unwrap();
    assert_eq!(done.result, LiftProgress::Complete(lift));
    let entry = scene.entry(done.receipt).await;
    assert_eq!((entry.action(), entry.outcome()), (Action::LiftShield, Outcome::Done));
    assert_eq!(scene.lines(SAM, &child(&[1])).await, 1);
    assert_eq!(scene.lines(SAM, &child(&[2])).await, 1);
    let named = child(&[1]);
    let again = scene.lift(MASHA, &named, Some(lift));
    scene.assert_refused_next(again, Reason::NotFound).await;
}

/// A flag of two children by mistake, or as a trap: two honest names for the one uncover nobody else.
#[tokio::test]
async fn lifting_what_was_set_on_one_child_leaves_what_was_set_on_another() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1]), details()).await;
    scene.record(NORA, &child(&[2]), details()).await;
    scene.shield(SUE, &child(&[1])).await.unwrap();
    scene.shield(SUE, &child(&[2])).await.unwrap();
    scene.record(PAUL, &child(&[1, 2]), details()).await;
    let lift = scene.begin_lift(SUE, &child(&[2])).await;
    scene.lift(MONA, &child(&[2]), Some(lift)).await.unwrap();
    for number in [1, 2] {
        scene.assert_nothing(SAM, &child(&[number])).await;
    }
    let lift = scene.begin_lift(SUE, &child(&[1])).await;
    scene.lift(MONA, &child(&[1]), Some(lift)).await.unwrap();
    assert_eq!(scene.lines(SAM, &child(&[1, 2])).await, 3);
}

#[tokio::test]
async fn the_first_name_counts_only_as_long_as_its_person_may_act() {
    let scene = Scene::new().await;
    let named = child(&[1]);
    scene.record(NORA, &named, details()).await;
    scene.shield(SUE, &named).await.unwrap();
    let lift = scene.begin_lift(SUE, &named).await;
    let suspended = Person { standing: PersonStanding::Suspended, ..SUE.person() };
    put_records(&*scene.store, [Record::Person(suspended)]).await.unwrap();
    let lifted = scene.lift(MONA, &named, Some(lift));
    scene.assert_refused_next(lifted, Reason::NotFound).await;
    scene.assert_nothing(SAM, &named).await;
}

#[tokio::test]
async fn one_name_twice_is_not_two() {
    let scene = Scene::new().await;
    let named = child(&[1]);
    scene.shield(SUE, &named).await.unwrap();
    scene.record(NORA, &named, details()).await;
    let lift = scene.begin_lift(SUE, &named).await;
    let alone = scene.lift(SUE, &named, Some(lift));
    scene.assert_refused_next(alone, Reason::SameName).await;
    scene.assert_nothing(SAM, &named).await;
    scene.lift(MONA, &named, Some(lift)).await.unwrap(); // it still waits for another
    assert_eq!(scene.lines(SAM, &named).await, 1);
}

#[tokio::test]
async fn a_lifting_is_for_the_child_it_was_begun_for() {
    let scene = Scene::new().await;
    for number in [1, 2] {
        scene.record(NORA, &child(&[number]), details()).await;
        scene.shield(SUE, &child(&[number])).await.unwrap();
    }
    let lift = scene.begin_lift(SUE, &child(&[1])).await;
    for numbers in [&[2][..], &[1, 2], &[2, 1]] {
        let other = child(numbers);
        let wrong = scene.lift(MONA, &other, Some(lift));
        scene.assert_refused_next(wrong, Reason::NotFound).await;
    }
    let unknown = signpost_core::id::LiftId::new([9; 16]);
    let named = child(&[1]);
    let wrong = scene.lift(MONA, &named, Some(unknown));
    scene.assert_refused_next(wrong, Reason::NotFound).await;
    scene.assert_nothing(SAM, &child(&[2])).await;
    scene.assert_nothing(SAM, &child(&[1])).await;
}

#[tokio::test]
async fn a_lifting_waits_seven_days() {
    let scene = Scene::new().await;
    let named = child(&[1]);
    scene.shield(SUE, &named).await.unwrap();
    let late = scene.begin_lift(SUE, &named).await;
    scene.clock.step_days(7);
    let lift = scene.lift(MONA, &named, Some(late));
    scene.assert_refused_next(lift, Reason::NotFound).await;
    let in_time = scene.begin_lift(SUE, &named).await;
    scene.clock.advance(SignedDuration::from_hours(7 * 24) - SignedDuration::from_millis(1));
    scene.lift(MONA, &named, Some(in_time)).await.unwrap();
}

#[tokio::test]
async fn a_lifting_completes_once_though_two_complete_it_at_once() {
    let scene = std::sync::Arc::new(Scene::new().await);
    let named = child(&[1]);
    scene.shield(SUE, &named).await.unwrap();
    let lift = scene.begin_lift(SUE, &named).await;
    let mut seconds = tokio::task::JoinSet::new();
    for who in [MONA, MASHA] {
        let (scene, named) = (scene.clone(), named.clone());
        seconds.spawn(async move { scene.lift(who, &named, Some(lift)).await });
    }
    let done = seconds.join_all().await;
    assert_eq!(done.iter().filter(|lifted| lifted.is_ok()).count(), 1);
    let not_found =
        |refused: &Refusal| matches!(refused, Refusal::Refused { reason: Reason::NotFound, .. });
    assert!(done.iter().any(|lifted| lifted.as_ref().is_err_and(not_found)));
}

/// Setting, lifting and recording say the same of a child that is unknown, known, or shielded.
#[tokio::test]
async fn no_reply_tells_whether_there_is_a_shield_or_a_child() {
    let mut replies = Vec::new();
    for (known, shielded) in [(false, false), (true, false), (false, true), (true, true)] {
        let scene = Scene::new().await;
        let named = child(&[1]);
        if known {
            scene.record(NORA, &child(&[1, 2]), details()).await;
        }
        if shielded {
            scene.shield(PAULS_MANAGER, &named).await.unwrap();
        }
        let before = scene.entries().await.len();
        scene.try_record(SAM, scene.contact(&named, details())).await.unwrap();
        let set = scene.shield(SUE, &named).await.unwrap();
        let begun = scene.lift(SUE, &named, None).await.unwrap();
        let LiftProgress::AwaitingSecondName(lift) = begun.result else { panic!("{begun:?}") };
        let done = scene.lift(MONA, &named, Some(lift)).await.unwrap();
        assert_eq!(done.result, LiftProgress::Complete(lift));
        let again = scene.begin_lift(SUE, &named).await;
        let done_again = scene.lift(MONA, &named, Some(again)).await.unwrap();
        let entries = scene.entries().await;
        let said: Vec<_> = entries[before..]
            .iter()
            .map(|e| (e.action(), e.outcome(), e.released(), e.detail(), e.count()))
            .collect();
        let receipts = [set.receipt, begun.receipt, done.receipt, done_again.receipt];
        let receipts = receipts.map(|receipt| receipt.0 - before as u64);
        replies.push((said, receipts));
    }
    assert!(replies.iter().all(|reply| *reply == replies[0]));
}

const PAULS_MANAGER: Who = MASHA;

#[tokio::test]
async fn a_shield_is_to_be_reviewed_within_six_months() {
    let scene = Scene::new().await;
    let named = child(&[1]);
    let today = scene.today();
    for (review_due, fits) in [
        (today, false),
        (today.tomorrow().unwrap(), true),
        (today.checked_add(6.months()).unwrap(), true),
        (today.checked_add(6.months().days(1)).unwrap(), false),
        (jiff::civil::Date::MAX, false),
        (jiff::civil::Date::MIN, false),
    ] {
        let kind = ShieldKind::ProtectedIdentity;
        let shield =
            NewShield { request: scene.request(), subject: named.clone(), kind, review_due };
        let set = scene.directory.set_shield(&SUE.presented(), &Ok(shield)).await;
        assert_eq!(set.is_ok(), fits, "{review_due}");
    }
}

#[tokio::test]
async fn only_managers_and_mash_practitioners_shield_and_lift() {
    let scene = Scene::new().await;
    let named = child(&[1]);
    for who in EVERYBODY {
        let may = [MONA, SUE, MASHA].contains(&who);
        if may {
            scene.shield(who, &named).await.unwrap();
            scene.begin_lift(who, &named).await;
        } else {
            scene.assert_refused_next(scene.shield(who, &named), Reason::Role).await;
            scene.assert_refused_next(scene.lift(who, &named, None), Reason::Role).await;
        }
    }
}

/// Else whoever ties a child to ever more pseudonyms is stopped earlier, or later, where there is a
/// shield; by two organisations in turn as by one.
#[tokio::test]
async fn the_limit_of_tied_pseudonyms_says_nothing_of_a_shield() {
    let mut reached = Vec::new();
    for shielded in [false, true] {
        let scene = Scene::new().await;
        scene.record(PAUL, &child(&[200, 201]), details()).await;
        if shielded {
            scene.shield(SUE, &child(&[200])).await.unwrap();
        }
        let mut recorded = 0;
        for number in 1..100 {
            // A star round the child at first, then a chain.
            let to = if number < 6 { 200 } else { number - 1 };
            let who = if number % 2 == 0 { NORA } else { PAUL };
            let contact = scene.contact(&child(&[to, number]), details());
            match scene.try_record(who, contact).await {
                Ok(_) => recorded += 1,
                Err(refusal) => {
                    let limit = Reason::LimitReached;
                    assert!(matches!(refusal, Refusal::Refused { reason, .. } if reason == limit));
                    break;
                }
            }
        }
        scene.shield(SUE, &child(&[200])).await.unwrap();
        reached.push(recorded);
    }
    assert_eq!(reached, [62, 62], "64 pseudonyms in all, and a shield can still be set");
}
