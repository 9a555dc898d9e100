//! "Unknown", "nothing you may see" and "shielded" cannot be told apart: by no answer, no entry, and
//! no count of what the store was asked.

use std::sync::Arc;

use jiff::civil::date;
use signpost_core::directory::Answer;
use signpost_core::entry::Opening;
use signpost_core::faulty::{CountingStore, Counts};
use signpost_core::flag::InvolvementDetails;
use signpost_core::id::{FlagId, Receipt};
use signpost_core::terms::{Purpose, Sensitivity};

use crate::fixture::*;

/// A child about whom Sam is shown nothing, for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nobody {
    Unknown,
    Hidden,
    Shielded,
    ShieldedUnknown,
    OwnOnly,
    KeptNoLonger,
    InError,
    LongEnded,
    AllOfThem,
}

const ALL: [Nobody; 9] = [
    Nobody::Unknown,
    Nobody::Hidden,
    Nobody::Shielded,
    Nobody::ShieldedUnknown,
    Nobody::OwnOnly,
    Nobody::KeptNoLonger,
    Nobody::InError,
    Nobody::LongEnded,
    Nobody::AllOfThem,
];

impl Nobody {
    async fn prepare(self, scene: &Scene) {
        let named = child(&[1, 101]);
        let record = |who, details: InvolvementDetails| scene.record(who, &named, details);
        let all = self == Self::AllOfThem;
        if all || self == Self::Hidden {
            record(NORA, of(Sensitivity::Hidden)).await;
        }
        if all || self == Self::OwnOnly {
            record(SAM, details()).await;
        }
        if all || self == Self::KeptNoLonger {
            record(PAUL, details_with(|d| d.retain_until = Some(date(2026, 6, 14)))).await;
        }
        if all || self == Self::InError {
            record(PAUL, details_with(|d| d.in_error = true)).await;
        }
        if all || self == Self::LongEnded {
            record(PAUL, ended(date(2020, 6, 14))).await;
        }
        if all || self == Self::Shielded {
            record(NORA, details()).await;
            record(PAUL, of(Sensitivity::SensitiveExistence)).await;
        }
        if all || self == Self::Shielded || self == Self::ShieldedUnknown {
            scene.shield(SUE, &named).await.unwrap();
        }
    }
}

async fn counted() -> (Scene, Arc<CountingStore>) {
    let mut made = None;
    let scene = Scene::over(|inner| {
        let counting = Arc::new(CountingStore::new(inner));
        made = Some(counting.clone());
        counting
    })
    .await;
    (scene, made.unwrap())
}

/// All that anybody could see of an answer, but for when it was given and the child itself.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    answer: Answer,
    counts: Counts,
    entry: Vec<u8>,
    opening_len: usize,
}

async fn ask(nobody: Nobody, numbers: &[u8]) -> Seen {
    let (scene, counting) = counted().await;
    nobody.prepare(&scene).await;
    let _ = counting.take();
    let asked = scene.ask(SAM, Purpose::S47Enquiry, &child(numbers)).await.unwrap();
    let counts = counting.take();
    let entry = scene.entry(asked.receipt).await;
    let openings = scene.store.openings(asked.receipt, NO_LIMIT).await.unwrap();
    let mut entry = entry.as_bytes().to_vec();
    entry[8..16].fill(0); // the time
    entry[176..208].fill(0); // the commitment
    let answer = Answer { receipt: Receipt(0), ..asked };
    Seen { answer, counts, entry, opening_len: openings[0].1.encode().len() }
}

#[tokio::test]
async fn every_nobody_is_the_same() {
    for numbers in [&[1][..], &[101], &[1, 101], &[1, 101, 2, 3]] {
        let unknown = ask(Nobody::Unknown, numbers).await;
        assert_eq!(unknown.answer.signposts, []);
        assert_eq!(unknown.opening_len, Opening::LEN);
        for nobody in ALL {
            assert_eq!(ask(nobody, numbers).await, unknown, "{nobody:?} by {numbers:?}");
        }
    }
}

#[tokio::test]
async fn a_question_reads_the_register_and_the_child_and_writes_one_entry() {
    for pseudonyms in 1..=4_u8 {
        let numbers: Vec<u8> = (1..=pseudonyms).collect();
        let seen = ask(Nobody::Unknown, &numbers).await;
        let expected = Counts {
            reads: 7, // certificate, system, token, organisation, person, group, service
            scans: u64::from(pseudonyms),
            commits: 1,
            preconditions: 7 + u64::from(pseudonyms),
            writes: 0,
            openings: 1,
        };
        assert_eq!(seen.counts, expected);
    }
}

/// Ending what is not one's own, and the first name of a lifting, ask the same of the store.
#[tokio::test]
async fn a_refused_end_and_a_begun_lifting_are_the_same_for_every_child() {
    let mut expected = None;
    for nobody in ALL {
        let (scene, counting) = counted().await;
        nobody.prepare(&scene).await;
        let flag = scene.record(NORA, &child(&[1, 101]), of(Sensitivity::Hidden)).await;
        let named = if nobody == Nobody::Unknown { child(&[5, 105]) } else { child(&[1, 101]) };
        let _ = counting.take();
        let refused = scene.end(SAM, &named, flag, scene.today()).await.unwrap_err();
        let end = counting.take();
        let no_such = FlagId::new([7; 16]);
        let refused_too = scene.end(SAM, &named, no_such, scene.today()).await.unwrap_err();
        assert_eq!(refused.to_string(), refused_too.to_string());
        assert_eq!(counting.take(), end);
        scene.begin_lift(SUE, &named).await;
        let lift = counting.take();
        assert_eq!(*expected.get_or_insert((end, lift)), (end, lift), "{nobody:?}");
    }
}

/// A recording reads and writes as much whether the child is shielded or not, whatever is tied.
#[tokio::test]
async fn a_recording_costs_the_same_with_a_shield_and_without() {
    let mut seen = Vec::new();
    for shielded in [false, true] {
        let (scene, counting) = counted().await;
        scene.record(NORA, &child(&[1, 2]), details()).await;
        scene.record(PAUL, &child(&[2, 3]), details()).await;
        if shielded {
            scene.shield(SUE, &child(&[3])).await.unwrap();
        }
        let _ = counting.take();
        scene.record(NORA, &child(&[1, 4]), details()).await;
        seen.push(counting.take());
    }
    assert_eq!(seen[0], seen[1]);
}
