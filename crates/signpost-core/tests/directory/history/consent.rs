//! Two names, in time, for one child and one case; every step on record, and none that tells.

use jiff::SignedDuration;
use signpost_core::entry::Entry;
use signpost_core::id::{HistoryId, Receipt};
use signpost_core::record::{Kind, Record, Scope};
use signpost_core::refusal::{Invalid, Reason};
use signpost_core::register::{Person, PersonStanding};
use signpost_core::subject::Subject;
use signpost_core::terms::{Action, Outcome, Purpose};
use signpost_core::testing::put_records;

use super::{CASE, NOT_OPEN, NOT_WAITING, Registered, RequestHistory};
use crate::fixture::*;

#[tokio::test]
async fn a_history_is_read_by_its_two_names_alone_and_only_once_both_are_given() {
    let scene = Scene::new().await;
    let subject = child(&[1]);
    let history = scene.request_history(PRIYA, &subject).await;
    for who in [PRIYA, PETRA, PIA] {
        scene.assert_refused_next(scene.read(who, history), NOT_OPEN).await;
        scene.assert_refused_next(scene.try_withheld(who, history), NOT_OPEN).await;
    }
    scene.assert_refused_next(scene.consent(PRIYA, history, &subject), Reason::SameName).await;
    scene.consent(PETRA, history, &subject).await.unwrap();
    for who in [PRIYA, PETRA] {
        scene.read(who, history).await.unwrap();
        scene.try_withheld(who, history).await.unwrap();
    }
    scene.assert_refused_next(scene.read(PIA, history), NOT_OPEN).await;
    scene.assert_refused_next(scene.consent(PIA, history, &subject), NOT_WAITING).await;
    scene.assert_refused_next(scene.read(ANDY, history), Reason::Role).await;
}

/// The second name finds a history of the wrong child before anybody sees it.
#[tokio::test]
async fn who_consents_names_the_same_child_and_the_same_case() {
    let scene = Scene::new().await;
    let subject = child(&[1, 101]);
    let history = scene.request_history(PRIYA, &subject).await;
    for (named, case) in
        [(child(&[2]), CASE), (child(&[1]), CASE), (subject.clone(), "SAR-2026-0043")]
    {
        let consent = scene.consent_as(PETRA, history, &named, case);
        scene.assert_refused_next(consent, NOT_WAITING).await;
    }
    let nobodys = scene.consent(PETRA, HistoryId::new([9; 16]), &subject);
    scene.assert_refused_next(nobodys, NOT_WAITING).await;
    scene.consent(PETRA, history, &child(&[101, 1])).await.unwrap();
}

#[tokio::test]
async fn consent_waits_for_a_week_and_a_history_is_open_for_a_month() {
    let scene = Scene::new().await;
    let subject = child(&[1]);
    let late = scene.request_history(PRIYA, &subject).await;
    scene.clock.step_days(6);
    let history = scene.request_history(PRIYA, &subject).await;
    scene.clock.step_days(1);
    scene.assert_refused_next(scene.consent(PETRA, late, &subject), NOT_WAITING).await;
    scene.consent(PETRA, history, &subject).await.unwrap();
    scene.clock.step_days(29);
    scene.read(PRIYA, history).await.unwrap();
    scene.clock.step_days(1);
    scene.assert_refused_next(scene.read(PRIYA, history), NOT_OPEN).await;
    scene.assert_refused_next(scene.try_withheld(PETRA, history), NOT_OPEN).await;
}

#[tokio::test]
async fn the_two_names_are_of_two_lines_and_the_first_still_counts() {
    let scene = Scene::new().await;
    let subject = child(&[1]);
    let history = scene.request_history(PRIYA, &subject).await;
    let let_in_by = Some(PRIYA.person().id);
    let petra = Record::Person(Person { let_in_by, ..PETRA.person() });
    put_records(&*scene.store, [petra]).await.unwrap();
    let consent = scene.consent(PETRA, history, &subject);
    scene.assert_refused_next(consent, Reason::NotIndependent).await;
    let (standing, person) = (PersonStanding::Suspended, PRIYA.person());
    put_records(&*scene.store, [Record::Person(Person { standing, ..person })]).await.unwrap();
    scene.assert_refused_next(scene.consent(PIA, history, &subject), NOT_WAITING).await;
    put_records(&*scene.store, [Record::Person(PRIYA.person())]).await.unwrap();
    scene.consent(PIA, history, &subject).await.unwrap();
}

/// One entry for each step. Those that name the child have an opening; none says how many accesses
/// were found, or which case it is.
#[tokio::test]
async fn every_step_is_an_entry_that_tells_nothing_of_the_child() {
    let scene = Scene::new().await;
    let known = child(&[1]);
    scene.ask(NORA, Purpose::S17Assessment, &known).await.unwrap();
    scene.ask(NORA, Purpose::S47Enquiry, &known).await.unwrap();
    let mut of_each: Vec<Vec<(Action, Outcome, u32, bool)>> = Vec::new();
    for subject in [&known, &child(&[2])] {
        let before = scene.entries().await.len();
        let history = scene.history_of(subject).await;
        scene.read(PRIYA, history).await.unwrap();
        scene.try_withheld(PRIYA, history).await.unwrap();
        let entries = scene.entries().await.split_off(before);
        for entry in &entries {
            assert_eq!(entry.detail()[..16], *history.as_bytes());
            assert_eq!(entry.detail()[16..], [0; 16]);
        }
        let shown =
            |it: &Entry| (it.action(), it.outcome(), it.count(), it.commitment() != [0; 32]);
        of_each.push(entries.iter().map(shown).collect());
    }
    let done = |action, names| (action, Outcome::Done, 0, names);
    let expected = [
        done(Action::RequestHistory, true),
        done(Action::ConsentToHistory, true),
        done(Action::ReadHistory, false),
        done(Action::ListWithheld, false),
    ];
    assert_eq!(of_each, [expected, expected]);
}

/// Whether a child is known is not so much as looked at before both names are given.
#[tokio::test]
async fn no_reply_before_consent_tells_whether_a_child_is_known() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1]), details()).await;
    let replies = async |subject: &Subject| {
        let history = scene.request_history(PRIYA, subject).await;
        let read = scene.read(PETRA, history).await.unwrap_err();
        let own = scene.consent(PRIYA, history, subject).await.unwrap_err();
        let other = scene.consent(PETRA, history, &child(&[77])).await.unwrap_err();
        let sentences = [read, own, other].map(|refusal| refusal.to_string());
        (sentences, scene.consent(PETRA, history, subject).await.unwrap().result)
    };
    assert_eq!(replies(&child(&[1])).await, replies(&child(&[2])).await);
}

#[tokio::test]
async fn the_same_request_again_is_the_same_history() {
    let scene = Scene::new().await;
    let request =
        RequestHistory { request: scene.request(), subject: child(&[1]), reference: text(CASE) };
    let ask = async || scene.directory.onboard(&PRIYA.presented(), &Ok(request.clone())).await;
    let first = ask().await.unwrap();
    assert!(matches!(first.result, Registered::History(_)));
    assert_eq!(ask().await.unwrap(), first);
    let wrong = Invalid::field("pseudonyms", "is wrong");
    let (officer, malformed) = (PRIYA.presented(), Err(wrong.clone()));
    let malformed = scene.directory.onboard::<RequestHistory>(&officer, &malformed);
    scene.assert_refused_next(malformed, Reason::Invalid(wrong)).await;
}

/// What nobody consented to in time has had its use; all else is kept with the child.
#[tokio::test]
async fn a_turn_keeps_histories_and_reviews_and_lets_go_of_what_was_never_consented_to() {
    let scene = Scene::new().await;
    let subject = child(&[1]);
    let asked = scene.ask(NORA, Purpose::S47Enquiry, &subject).await.unwrap().receipt;
    let history = scene.history_of(&subject).await;
    let released = signpost_core::history::AccessDecision::Released;
    scene.review(PRIYA, history, asked, released).await.unwrap();
    let lapsed = scene.request_history(PRIYA, &subject).await;
    scene.clock.advance(SignedDuration::from_hours(3 * 24));
    let waiting = scene.request_history(PRIYA, &subject).await;
    scene.clock.advance(SignedDuration::from_hours(5 * 24));
    scene.directory.compact().await.unwrap();
    assert_eq!(scene.told(history).await.len(), 1, "the review holds");
    let scope = Scope::Kind(Kind::History);
    let kept = scene.store.scan(&scope, None, NO_LIMIT).await.unwrap();
    let mut ids: Vec<HistoryId> = Vec::new();
    for stored in kept {
        let Record::History(history) = stored.record else { panic!("no history") };
        assert_eq!(history.subject, subject);
        ids.push(history.id);
    }
    assert!(ids.contains(&history) && ids.contains(&waiting) && !ids.contains(&lapsed));
    scene.consent(PETRA, waiting, &subject).await.unwrap();
    let reviews = scene.store.scan(&Scope::Kind(Kind::AccessReview), None, NO_LIMIT).await.unwrap();
    let Record::AccessReview(review) = &reviews[0].record else { panic!("no review") };
    assert_eq!((review.entry, &review.subject), (Receipt(asked.0), &subject));
}
