//! Every file of ours, cut at every byte, with every bit of its head and one in each 64 bytes behind
//! that flipped, missing, empty, and as it was before: refused by name, or exactly right.

use std::collections::BTreeMap;

use super::aged::{Aged, Outcome};
use super::cases::{Case, Damage, cases, every_bit, every_cut, one_bit_in_64, try_all};

const JOURNALS: [&str; 2] =
    ["generation-0000000002/journal-0000000001", "generation-0000000002/journal-0000000002"];

/// How far apart cuts are tried: each byte where long tests are asked for, as `.ci/run --full` does.
fn step(otherwise: usize) -> usize {
    if std::env::var_os("PROPTEST_CASES").is_some() { 1 } else { otherwise }
}

/// A file of a few bytes: every cut and every bit.
fn of_small_file(aged: &Aged, file: &str, is_opened: bool) -> Vec<Case> {
    let len = aged.len(file);
    cases(file, is_opened, every_cut(len).chain(every_bit(0..len)).chain([Damage::Missing]))
}

/// Every cut in the header and the last frame, at and around every frame's start, and a step apart
/// between; every bit of the header and of the first and last frame's.
fn of_journal(aged: &Aged, file: &str) -> Vec<Case> {
    const HEADER_LEN: usize = 132;
    const FRAME_HEADER_LEN: usize = 68;
    let bytes = std::fs::read(aged.path(file)).unwrap();
    let starts: Vec<usize> =
        (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"SGNF")).collect();
    assert!(starts.len() > 15, "{} frames", starts.len());
    let (first, last) = (starts[0], *starts.last().unwrap());
    assert_eq!(first, HEADER_LEN);
    let around = starts.iter().flat_map(|start| [start - 1, *start, start + 1]);
    let mut cuts: Vec<usize> = (0..first + FRAME_HEADER_LEN).chain(last..bytes.len()).collect();
    cuts.extend(around.chain((0..bytes.len()).step_by(step(61))));
    cuts.sort_unstable();
    cuts.dedup();
    let bits = every_bit(0..first + FRAME_HEADER_LEN)
        .chain(every_bit(last..last + FRAME_HEADER_LEN))
        .chain(one_bit_in_64(bytes.len()));
    cases(file, true, cuts.into_iter().map(Damage::CutTo).chain(bits).chain([Damage::Missing]))
}

/// Refusals name a file, say what to do, and where there is a place in the file, that.
fn assert_told(case: &Case, message: &str, names: &[&str]) {
    let told = names.iter().any(|name| message.contains(name));
    assert!(told, "{case:?} is not named: {message}");
    let says_what_to_do =
        ["restore", "use a build", "remove it"].iter().any(|it| message.contains(it));
    assert!(says_what_to_do, "{case:?}: {message}");
}

fn segment(number: u64) -> String {
    format!("data/openings/segment-{number:010}")
}

fn name_of(file: &str) -> &str {
    file.rsplit('/').next().unwrap()
}

/// Every one is refused, by name and offset.
fn assert_all_refused(outcomes: Vec<(Case, Outcome)>) {
    for (case, outcome) in outcomes {
        let Outcome::Refused(message) = outcome else { panic!("{case:?}: {outcome:?}") };
        assert_told(&case, &message, &[name_of(&case.file)]);
        if case.file.contains("journal-") || case.file.contains("entries-") {
            assert!(message.contains("at offset"), "{case:?}: {message}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journals_files_are_whole_or_refused_by_name_and_offset() {
    let aged = Aged::grow().await;
    let mut all = Vec::new();
    for journal in JOURNALS {
        all.extend(of_journal(&aged, &format!("data/{journal}")));
    }
    let before = cases(&format!("data/{}", JOURNALS[0]), true, [Damage::AsBefore]);
    let mut outcomes = try_all(&aged, all).await;
    // Without its last file the journal ends in the one before.
    let last_is_missing = |(case, _): &(Case, Outcome)| {
        case.damage == Damage::Missing && case.file.ends_with(JOURNALS[1])
    };
    let at = outcomes.iter().position(last_is_missing).unwrap();
    let (case, outcome) = outcomes.remove(at);
    let Outcome::Refused(message) = outcome else { panic!("{outcome:?}") };
    assert_told(&case, &message, &[name_of(JOURNALS[0])]);
    assert_all_refused(outcomes);
    // What the first file held behind the frame that the second goes on after counts no more.
    let outcomes = try_all(&aged, before).await;
    assert_eq!(outcomes[0].1, Outcome::Right { rebuilt_index: false });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_small_files_are_whole_or_refused_by_name() {
    let aged = Aged::grow().await;
    let keys = "data/generation-0000000002/keys";
    let segment_key = &format!("{}.key", segment(aged.segments()));
    let mut refused = Vec::new();
    for file in ["data/CURRENT", "keyring/high-water-mark", keys, segment_key] {
        refused.extend(of_small_file(&aged, file, true));
    }
    for wrapped in [keys, segment_key] {
        refused.extend(of_small_file(&aged, &aged.key_of(wrapped), true));
    }
    refused.extend(cases("data/CURRENT", true, [Damage::AsBeforeTheTurn]));
    let noted = of_small_file(&aged, "data/ledger/destroyed", true);
    refused.extend(noted.into_iter().filter(|case| !matches!(case.damage, Damage::Missing)));
    assert_all_refused(try_all(&aged, refused).await);

    let marks = cases("keyring/high-water-mark", true, [Damage::AsBefore, Damage::AsBeforeTheTurn]);
    for (case, outcome) in try_all(&aged, marks).await {
        assert_eq!(outcome, Outcome::Right { rebuilt_index: false }, "{case:?}");
    }
}

/// Of its content only the line's end may change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_format_is_refused() {
    let aged = Aged::grow().await;
    for (case, outcome) in try_all(&aged, of_small_file(&aged, "data/FORMAT", true)).await {
        match (case.damage, outcome) {
            (Damage::CutTo(15) | Damage::Flip { at: 15, .. }, Outcome::Right { .. }) => {}
            (Damage::Missing, Outcome::Refused(message)) => {
                assert_told(&case, &message, &["FORMAT"]);
            }
            (_, Outcome::Refused(message)) => assert_told(&case, &message, &["FORMAT"]),
            (_, outcome) => panic!("{case:?}: {outcome:?}"),
        }
    }
}

/// Entries and openings that the journal still holds are compared with it at every start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_drained_of_this_generation_is_right_or_refused_by_name_and_offset() {
    let aged = Aged::grow().await;
    let entries = "data/ledger/entries-0000000000";
    let from = usize::try_from(aged.first_entry()).unwrap() * 256;
    let len = aged.len(entries);
    let cuts = (from..len).step_by(step(17)).chain([len - 257, len - 256, len - 255, len - 1]);
    let bits =
        one_bit_in_64(len).filter(|flip| matches!(flip, Damage::Flip { at, .. } if *at >= from));
    let all = cuts.map(Damage::CutTo).chain(bits).chain([Damage::Missing, Damage::AsBefore]);
    let mut refused = cases(entries, true, all);
    for segment in [segment(aged.segments()), segment(aged.segments() - 1)] {
        let len = aged.len(&segment);
        let all = (0..len).step_by(step(17)).map(Damage::CutTo).chain(one_bit_in_64(len));
        refused.extend(cases(&segment, true, all.chain([Damage::Missing])));
    }
    assert_all_refused(try_all(&aged, refused).await);
}

/// The journal that brought them is gone: a start looks at their length alone, but verifying reads them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_earlier_generation_left_is_whole_or_named_by_verifying() {
    let aged = Aged::grow().await;
    let (entries, segment) = ("data/ledger/entries-0000000000", &segment(1));
    let key = &format!("{segment}.key");
    let below = usize::try_from(aged.first_entry()).unwrap() * 256;
    let bits = one_bit_in_64(below);
    let mut all = cases(entries, false, bits);
    let len = aged.len(segment);
    let cuts = (0..len).step_by(step(61)).chain((0..len).step_by(345)).map(Damage::CutTo);
    all.extend(cases(segment, false, cuts.chain(one_bit_in_64(len)).chain([Damage::Missing])));
    for file in [key.clone(), aged.key_of(key)] {
        let file = &file;
        let len = aged.len(file);
        let bits = every_bit(0..len).step_by(5);
        all.extend(cases(file, false, every_cut(len).chain(bits).chain([Damage::Missing])));
    }
    let opened = all.iter().step_by(40).map(|case| Case { is_opened: true, ..case.clone() });
    let opened = opened.collect::<Vec<_>>();
    for (case, outcome) in try_all(&aged, [all, opened].concat()).await {
        // A start looks at how long they are.
        let is_refused = case.is_opened
            && name_of(&case.file) == name_of(segment)
            && matches!(case.damage, Damage::CutTo(_) | Damage::Missing);
        let message = match outcome {
            Outcome::Refused(message) if is_refused => message,
            Outcome::Verified(message) if !is_refused => message,
            outcome => panic!("{case:?}: {outcome:?}"),
        };
        assert_told(&case, &message, &[name_of(&case.file)]);
    }
}

/// Without its seal an index is read whole before it is believed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_seal_of_the_index_costs_a_reading_and_nothing_else() {
    let aged = Aged::grow().await;
    let seal = "data/generation-0000000002/index.seal";
    let mut all = of_small_file(&aged, seal, true).into_iter().step_by(9).collect::<Vec<_>>();
    all.extend(cases(seal, true, [Damage::Missing, Damage::AsBefore]));
    for (case, outcome) in try_all(&aged, all).await {
        assert_eq!(outcome, Outcome::Right { rebuilt_index: false }, "{case:?}");
    }
}

/// So that no kind of file is forgotten above.
#[tokio::test]
async fn every_file_was_tried() {
    let aged = Aged::grow().await;
    let mut kinds = BTreeMap::new();
    for file in aged.own_files() {
        let kind =
            file.trim_end_matches(".key").trim_end_matches(|it: char| it.is_ascii_hexdigit());
        kinds.entry(kind.to_owned()).or_insert(file);
    }
    let kinds: Vec<&str> = kinds.keys().map(String::as_str).collect();
    let tried = [
        "data/CURRENT",
        "data/FORMAT",
        "data/generation-0000000002/index.seal",
        "data/generation-0000000002/journal-",
        "data/generation-0000000002/keys",
        "data/ledger/destroy",
        "data/ledger/entries-",
        "data/openings/segment-",
        "keyring/high-water-mark",
        "keyring/key-",
    ];
    assert_eq!(kinds, tried);
}
