use super::super::body::Search;
use super::*;

/// Written by hand.
const GOLDEN: &str = include_str!("../../../tests/golden/certificate.json");

/// The index of the golden certificate's entry.
const INDEX: u64 = 60;

const NOT_THOSE: &str = "its steps are not those of a purge";
const NOT_IN_ORDER: &str = "its steps are not in order";
const AFTER: &str = "a step comes after the certificate";
const NOT_APPROVED: &str = "it was not planned by one and approved by another";

fn golden() -> Certificate {
    Certificate::from_text(GOLDEN).unwrap()
}

/// Why it is refused once this is changed; none if it is not.
fn refused(change: impl FnOnce(&mut Certificate)) -> Option<&'static str> {
    let mut certificate = golden();
    change(&mut certificate);
    match check_body(&certificate, INDEX) {
        Ok(()) => None,
        Err(VerifyError::Contradiction(why)) => Some(why),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_certificate_written_by_hand_is_read_and_written_again() {
    assert_eq!(golden().to_text(), GOLDEN);
    assert_eq!(refused(|_| ()), None);
    let other_layout = GOLDEN.replace("  \"form\"", "   \"form\"");
    assert!(matches!(Certificate::from_text(&other_layout), Err(BodyError::Text)));
    let without_end = GOLDEN.trim_end();
    assert!(matches!(Certificate::from_text(without_end), Err(BodyError::Text)));
    let other_form = GOLDEN.replace("certificate v1", "certificate v2");
    assert!(matches!(Certificate::from_text(&other_form), Err(BodyError::Form)));
    let more = GOLDEN.replacen("{\n", "{\n  \"more\": 1,\n", 1);
    assert!(matches!(Certificate::from_text(&more), Err(BodyError::Json(_))));
}

#[test]
fn steps_that_are_left_out_taken_twice_or_out_of_order_are_refused() {
    for place in 0..golden().steps.len() {
        assert_eq!(refused(|it| drop(it.steps.remove(place))), Some(NOT_THOSE), "without {place}");
    }
    for place in [0, 2, 3, 4, 5, 6, 7] {
        let twice = |it: &mut Certificate| it.steps.insert(place, it.steps[place].clone());
        assert_eq!(refused(twice), Some(NOT_THOSE), "{place} twice");
    }
    assert_eq!(refused(|it| it.steps.swap(3, 4)), Some(NOT_THOSE));
    assert_eq!(refused(|it| it.steps[7].state = "CERTIFIED".to_owned()), Some(NOT_THOSE));
    assert_eq!(refused(|it| it.steps[4].entry = it.steps[3].entry), Some(NOT_IN_ORDER));
    assert_eq!(refused(|it| it.steps[4].at = it.steps[2].at.clone()), Some(NOT_IN_ORDER));
    let at = |it: &mut Certificate, times: [&str; 2]| {
        (it.steps[3].at, it.steps[4].at) = (times[0].to_owned(), times[1].to_owned());
    };
    let rising = ["2026-06-16T13:00:02.5Z", "2026-06-16T13:00:02.512Z"];
    assert_eq!(refused(|it| at(it, rising)), None, "times are no texts");
    let falling = ["2026-06-16T13:00:02.512Z", "2026-06-16T13:00:02.5Z"];
    assert_eq!(refused(|it| at(it, falling)), Some(NOT_IN_ORDER));
    assert_eq!(refused(|it| it.steps[0].at = "noon".to_owned()), Some("a step has no time"));
    assert_eq!(refused(|it| it.steps[7].entry = INDEX), Some(AFTER));
}

#[test]
fn times_are_compared_as_times() {
    // As text, `.5Z` comes before `Z`.
    let at = |text: &str| text.to_owned();
    let half = |it: &mut Certificate| {
        it.steps[6].at = at("2027-01-01T00:00:00Z");
        it.steps[7].at = at("2027-01-01T00:00:00.5Z");
    };
    assert_eq!(refused(half), None);
    assert_eq!(refused(|it| it.steps[7].at = at("yesterday")), Some("a step has no time"));
}

#[test]
fn everything_is_approved_by_two() {
    let one = "everything was approved by one alone";
    assert_eq!(refused(|it| it.purge.scope = "ALL".to_owned()), Some(one));
    let two = |it: &mut Certificate| {
        it.purge.scope = "ALL".to_owned();
        let by = Some("0190b2a4-7c1e-7000-8000-0000000000ff".to_owned());
        let entry = it.steps[1].entry + 1;
        let second = Step { entry, by, ..it.steps[1].clone() };
        it.steps.insert(2, second);
    };
    assert_eq!(refused(two), None);
}

#[test]
fn what_was_not_approved_by_somebody_else_is_refused() {
    assert_eq!(refused(|it| it.steps[0].by = None), Some(NOT_APPROVED));
    assert_eq!(refused(|it| it.steps[1].by = None), Some(NOT_APPROVED));
    assert_eq!(refused(|it| it.steps[1].by = it.steps[0].by.clone()), Some(NOT_APPROVED));
    let approved_again = |by: &str| {
        let again = Step { entry: 45, by: Some(by.to_owned()), ..golden().steps[1].clone() };
        refused(move |it| it.steps.insert(2, again))
    };
    assert_eq!(approved_again("0190b2a4-7c1e-7000-8000-00000000000b"), Some(NOT_APPROVED));
    assert_eq!(approved_again("0190b2a4-7c1e-7000-8000-00000000000a"), Some(NOT_APPROVED));
    assert_eq!(approved_again("0190b2a4-7c1e-7000-8000-00000000000d"), None);
}

#[test]
fn what_certifies_no_destruction_is_refused() {
    let generation = Some("the store is of the same generation as before");
    assert_eq!(refused(|it| it.after.generation = it.before.generation), generation);
    let size = Some("the ledger did not grow");
    assert_eq!(refused(|it| it.after.ledger_size = it.before.ledger_size), size);
    assert_eq!(refused(|it| it.keys.clear()), Some("no key was destroyed"));
    let changes: [fn(&mut Search); 3] =
        [|before| before.tracers = 0, |before| before.keys = 0, |before| before.found -= 1];
    for change in changes {
        let why = refused(|it| change(&mut it.searched_before));
        assert_eq!(why, Some("the search before did not find all that was planted"));
    }
    let found = Some("the search afterwards found something");
    assert_eq!(refused(|it| it.searched_after.found = 1), found);
    let changes: [fn(&mut Search); 3] =
        [|after| after.tracers -= 1, |after| after.keys -= 1, |after| after.sealed_values = None];
    for change in changes {
        let why = refused(|it| change(&mut it.searched_after));
        assert_eq!(why, Some("less was searched for afterwards than before"));
    }
}
