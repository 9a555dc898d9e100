//! The directory against a plain model: random operations by random people on a few children, and
//! after them, who is shown how many lines?

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::Date;
use proptest::prelude::*;
use signpost_core::id::FlagId;
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::terms::{Purpose, Sensitivity};

use crate::fixture::*;

/// Three children, of 3, 2 and 1 pseudonyms; now and then somebody ties two of them.
const SUBJECTS: [&[u8]; 12] = [
    &[1],
    &[2],
    &[103],
    &[1, 2],
    &[2, 103],
    &[1, 2, 103],
    &[4],
    &[105],
    &[4, 105],
    &[6],
    &[2, 4],
    &[105, 6],
];

const RECORDERS: [Who; 5] = [NORA, MASHA, SAM, EDDIE, DORA];
const ASKERS: [(Who, Purpose); 6] = [
    (NORA, Purpose::S47Enquiry),
    (MASHA, Purpose::MashTriage),
    (SAM, Purpose::S47Enquiry),
    (EDDIE, Purpose::EmergencyCareAttendance),
    (ELLA, Purpose::EarlyHelpAssessment),
    (SUE, Purpose::CaseReview),
];

#[derive(Clone, Debug)]
enum Op {
    Record {
        who: usize,
        subject: usize,
        sensitivity: Sensitivity,
        ended: Option<u16>,
        in_error: bool,
    },
    End {
        who: usize,
        flag: usize,
        days_ago: u16,
    },
    Shield {
        subject: usize,
    },
    Lift {
        subject: usize,
    },
    StepDays(u16),
    Ask {
        asker: usize,
        subject: usize,
    },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let subject = || 0..SUBJECTS.len();
    let recorder = || 0..RECORDERS.len();
    let sensitivity = prop::sample::select(Sensitivity::ALL);
    let record = (
        recorder(),
        subject(),
        sensitivity,
        prop::option::weighted(0.3, 0..2_500_u16),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(who, subject, sensitivity, ended, in_error)| Op::Record {
            who,
            subject,
            sensitivity,
            ended,
            in_error,
        });
    let end = (recorder(), 0..40_usize, 0..800_u16).prop_map(|(who, flag, days_ago)| Op::End {
        who,
        flag,
        days_ago,
    });
    let op = prop_oneof![
        6 => record,
        3 => end,
        1 => subject().prop_map(|subject| Op::Shield { subject }),
        1 => subject().prop_map(|subject| Op::Lift { subject }),
        3 => (0..500_u16).prop_map(Op::StepDays),
        4 => (0..ASKERS.len(), subject()).prop_map(|(asker, subject)| Op::Ask { asker, subject }),
    ];
    prop::collection::vec(op, 1..40)
}

#[derive(Clone, Debug)]
struct Flag {
    id: FlagId,
    owner: Who,
    pseudonyms: BTreeSet<u8>,
    sensitivity: Sensitivity,
    ended: Option<Date>,
    in_error: bool,
    kept_until: Date,
}

#[derive(Default)]
struct Model {
    flags: Vec<Flag>,
    /// The pseudonyms that each shield was set on.
    shields: Vec<BTreeSet<u8>>,
}

impl Model {
    /// These pseudonyms and all that any flags tie to them.
    fn tied(&self, to: &[u8]) -> BTreeSet<u8> {
        let mut tied: BTreeSet<u8> = to.iter().copied().collect();
        loop {
            let before = tied.len();
            for flag in &self.flags {
                if !flag.pseudonyms.is_disjoint(&tied) {
                    tied.extend(&flag.pseudonyms);
                }
            }
            if tied.len() == before {
                return tied;
            }
        }
    }

    /// A shield covers all that flags tie to what it was set on.
    fn is_shielded(&self, pseudonyms: &BTreeSet<u8>) -> bool {
        let tied = self.tied(&pseudonyms.iter().copied().collect::<Vec<_>>());
        self.shields.iter().any(|set_on| !set_on.is_disjoint(&tied))
    }

    /// A shield set on a child that has one takes its place.
    fn shield(&mut self, on: &[u8]) {
        let mut set_on: BTreeSet<u8> = on.iter().copied().collect();
        let named = set_on.clone();
        for earlier in self.shields.extract_if(.., |earlier| !earlier.is_disjoint(&named)) {
            set_on.extend(earlier);
        }
        self.shields.push(set_on);
    }

    fn lift(&mut self, of: &[u8]) {
        self.shields.retain(|set_on| !of.iter().any(|named| set_on.contains(named)));
    }

    /// Lines, and whether there is a further service.
    fn answer(&self, asker: Who, purpose: Purpose, to: &[u8], today: Date) -> (usize, bool) {
        let mut answer = (0, false);
        for flag in &self.flags {
            let shielded = self.is_shielded(&flag.pseudonyms);
            let asked_for = to.iter().any(|pseudonym| flag.pseudonyms.contains(pseudonym));
            let own =
                flag.owner.organisation == asker.organisation && flag.owner.team == asker.team;
            if !asked_for || own || shielded || flag.in_error || flag.kept_until < today {
                continue;
            }
            match shown(purpose, flag, today) {
                Shown::Nothing => {}
                Shown::FurtherService => answer.1 = true,
                Shown::Line => answer.0 += 1,
            }
        }
        answer
    }
}

enum Shown {
    Nothing,
    FurtherService,
    Line,
}

fn shown(purpose: Purpose, flag: &Flag, today: Date) -> Shown {
    let statutory = [Purpose::S47Enquiry, Purpose::MashTriage].contains(&purpose);
    let early_help = purpose == Purpose::EarlyHelpAssessment;
    let looks_far_back = [Purpose::S47Enquiry, Purpose::CaseReview].contains(&purpose);
    let is_recent = flag.ended.is_none_or(|ended| today <= ended + 12.months());
    if flag.ended.is_some() && (early_help || (!is_recent && !looks_far_back)) {
        return Shown::Nothing;
    }
    match flag.sensitivity {
        Sensitivity::Restricted if early_help => Shown::Nothing,
        Sensitivity::Standard | Sensitivity::Restricted => Shown::Line,
        Sensitivity::SensitiveExistence if statutory && is_recent => Shown::FurtherService,
        Sensitivity::SensitiveExistence | Sensitivity::Hidden => Shown::Nothing,
    }
}

fn days_before(today: Date, days: u16) -> Date {
    today - i64::from(days).days()
}

async fn play(scene: &Scene, model: &mut Model, op: Op) {
    let today = scene.today();
    match op {
        Op::Record { who, subject, sensitivity, ended, in_error } => {
            let (owner, numbers) = (RECORDERS[who], SUBJECTS[subject]);
            let ended = ended.map(|days| days_before(today, days).max(details().started));
            let details = details_with(|details| {
                details.sensitivity = sensitivity;
                details.ended = ended;
                details.in_error = in_error;
            });
            let id = scene.record(owner, &child(numbers), details).await;
            let kept_until = ended.unwrap_or(today) + 6.years();
            let pseudonyms = numbers.iter().copied().collect();
            model.flags.push(Flag {
                id,
                owner,
                pseudonyms,
                sensitivity,
                ended,
                in_error,
                kept_until,
            });
        }
        Op::End { who, flag, days_ago } => {
            let Some(flag) = model.flags.get_mut(flag) else { return };
            let on = days_before(today, days_ago).max(details().started);
            let by = child(&[*flag.pseudonyms.last().unwrap()]);
            let ended = scene.end(RECORDERS[who], &by, flag.id, on).await;
            if flag.owner == RECORDERS[who] {
                assert_eq!(ended.unwrap().result, flag.id);
                flag.ended = Some(on);
                flag.kept_until = on + 6.years();
            } else {
                assert!(matches!(ended, Err(Refusal::Refused { reason: Reason::NotFound, .. })));
            }
        }
        Op::Shield { subject } => {
            scene.shield(SUE, &child(SUBJECTS[subject])).await.unwrap();
            model.shield(SUBJECTS[subject]);
        }
        Op::Lift { subject } => {
            let named = child(SUBJECTS[subject]);
            let lift = scene.begin_lift(SUE, &named).await;
            scene.lift(MASHA, &named, Some(lift)).await.unwrap();
            model.lift(SUBJECTS[subject]);
        }
        Op::StepDays(days) => scene.clock.step_days(i64::from(days)),
        Op::Ask { asker, subject } => check(scene, model, ASKERS[asker], SUBJECTS[subject]).await,
    }
}

async fn check(scene: &Scene, model: &Model, (who, purpose): (Who, Purpose), numbers: &[u8]) {
    let answer = scene.ask(who, purpose, &child(numbers)).await.unwrap();
    let found = (answer.signposts.len(), answer.further_service);
    let expected = model.answer(who, purpose, numbers, scene.today());
    assert_eq!(found, expected, "{who:?} asks about {numbers:?} for {purpose:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn everybody_is_shown_what_the_model_shows(ops in ops()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (scene, mut model) = (Scene::new().await, Model::default());
            for op in ops {
                play(&scene, &mut model, op).await;
            }
            for asker in ASKERS {
                for numbers in SUBJECTS {
                    check(&scene, &model, asker, numbers).await;
                }
            }
        });
    }
}
