//! Runs of approved purges: what is gone at which step, and that a run which is cut short anywhere ends
//! as one that is not.

use std::sync::Arc;

use jiff::{SignedDuration, ToSpan};
use signpost_core::directory::{Due, MayNotDestroy, RunError};
use signpost_core::entry::Entry;
use signpost_core::faulty::{Call, Fault, FaultyStore};
use signpost_core::flag::ContactFlag;
use signpost_core::id::Receipt;
use signpost_core::purge::PurgeRun;
use signpost_core::record::{Kind, RecordKey, Scope, Stored};
use signpost_core::refusal::Reason;
use signpost_core::search::Unwatched;
use signpost_core::terms::{Action, PurgeState};

use super::*;

const STEPS: [PurgeState; 6] = [
    PurgeState::Frozen,
    PurgeState::Copied,
    PurgeState::Switched,
    PurgeState::KeysDestroyed,
    PurgeState::FilesRemoved,
    PurgeState::Scanned,
];

impl Scene {
    /// An approved plan whose cooling-off time is over.
    async fn due(&self, scope: PurgeScope) -> PurgeId {
        let is_all = scope == PurgeScope::All;
        let shown = self.plan(scope).await;
        self.approve(APRIL, &shown).await.unwrap();
        if is_all {
            self.approve(ARTHUR, &self.shown(shown.plan.id).await).await.unwrap();
        }
        self.clock.advance(SignedDuration::from_hours(25));
        shown.plan.id
    }

    pub(super) async fn step(&self) -> Result<Option<PurgeState>, RunError> {
        self.directory.step_purges(Due::All, Arc::new(Unwatched)).await
    }

    /// Certifies what waits for it, each by a text of its own.
    pub(super) async fn certify(&self) -> Result<(), RunError> {
        for purge in self.directory.purges_to_certify().await? {
            let text = format!("{:?}\n", purge.as_bytes());
            self.directory.certify_purge(purge, text).await?;
        }
        Ok(())
    }

    /// Runs all that is due to its end.
    pub(super) async fn run_to_the_end(&self) {
        while self.step().await.unwrap().is_some() {}
        self.certify().await.unwrap();
    }

    pub(super) async fn actions(&self, action: Action) -> Vec<Entry> {
        let entries = self.entries().await.into_iter();
        entries.filter(|entry| entry.action() == action).collect()
    }

    /// The entries that have an opening naming one of these.
    async fn opened(&self, child: &Subject) -> Vec<Receipt> {
        let openings = self.store.openings(Receipt(0), NO_LIMIT).await.unwrap().into_iter();
        let names =
            |named: &Subject| named.pseudonyms().iter().any(|one| child.contains(&one.pseudonym));
        openings.filter(|(_, opening)| names(opening.subject())).map(|(at, _)| at).collect()
    }

    /// Everything that is stored of children but for what names them in the clear of a plan.
    async fn stored_of(&self, child: &Subject) -> usize {
        let all = self.store.scan(&Scope::Everything, None, NO_LIMIT).await.unwrap();
        let flag_names = |flag: &ContactFlag| {
            flag.subject.pseudonyms().iter().any(|one| child.contains(&one.pseudonym))
        };
        let names = |stored: &Stored| match &stored.record {
            Record::Head(head) => child.contains(&head.pseudonym),
            Record::Flag(copy) => child.contains(&copy.under) || flag_names(&copy.flag),
            Record::Replay(replay) => replay.subject.as_ref().is_some_and(|subject| {
                subject.pseudonyms().iter().any(|one| child.contains(&one.pseudonym))
            }),
            _ => false,
        };
        all.iter().filter(|stored| names(stored)).count()
    }
}

/// A scene with two children of two flags each.
async fn two_children(scene: Scene) -> Scene {
    for who in [OSCAR, ARTHUR, PENNY] {
        scene.let_in(who).await;
    }
    for numbers in [&[1_u8, 2][..], &[9]] {
        for who in [NORA, SUE] {
            scene.record(who, &child(numbers), details()).await;
        }
    }
    scene
}

#[tokio::test]
async fn a_child_is_gone_from_answers_first_and_from_the_store_after() {
    let scene = two_children(Scene::new().await).await;
    let (known, other) = (child(&[1, 2]), child(&[9]));
    let before = (scene.lines(SAM, &known).await, scene.lines(SAM, &other).await);
    assert!(before.0 > 0 && before.0 == before.1, "the question finds both before");
    assert!(!scene.opened(&known).await.is_empty() && scene.stored_of(&known).await > 0);
    let purge = scene.due(forget(&[1])).await;
    for state in STEPS {
        assert_eq!(scene.step().await.unwrap(), Some(state));
        assert_eq!(scene.shown(purge).await.plan.state, state);
        // A question names the child anew: what that leaves is its own, and not in scope.
        assert_eq!(scene.lines(SAM, &known).await, 0, "{state:?}");
        assert_eq!(scene.lines(SAM, &other).await, before.1, "{state:?}");
    }
    assert_eq!(scene.step().await.unwrap(), None, "what is left is to be certified");
    assert_eq!(scene.stored_of(&known).await, 0);
    let cut_off = scene.shown(purge).await.plan.cut_off;
    assert!(scene.opened(&known).await.iter().all(|at| *at > cut_off));
    assert!(scene.opened(&other).await.iter().any(|at| *at <= cut_off));
    scene.certify().await.unwrap();
    let shown = scene.shown(purge).await;
    assert_eq!(shown.plan.state, PurgeState::Certified);
    assert_eq!(shown.plan.scope.child(), None, "the plan does not keep the child");
    assert_eq!(scene.store.read(&RecordKey::PurgeRun).await.unwrap(), None);
    assert_eq!(scene.step().await.unwrap(), None);
}

#[tokio::test]
async fn every_step_is_on_record_once_and_so_is_the_certificate() {
    let scene = two_children(Scene::new().await).await;
    let purge = scene.due(forget(&[1])).await;
    while scene.step().await.unwrap().is_some() {}
    let steps = scene.actions(Action::AdvancePurge).await;
    let states: Vec<_> =
        steps.iter().map(|entry| PurgeState::from_code(entry.detail()[16]).unwrap()).collect();
    assert_eq!(states, STEPS);
    let Record::PurgeRun(run) =
        scene.store.read(&RecordKey::PurgeRun).await.unwrap().unwrap().record
    else {
        panic!("it is the run")
    };
    for entry in &steps {
        assert_eq!(entry.detail(), PurgeRun::detail(run.id, states[0]).map_from(entry));
        assert_eq!(entry.count(), 1);
    }
    let facts = scene.directory.purge_facts(purge).await.unwrap().unwrap();
    let taken: Vec<_> = facts.steps.iter().map(|step| step.state).collect();
    assert_eq!(taken, [&[PurgeState::Planned, PurgeState::Approved][..], &STEPS].concat());
    assert!(facts.steps.windows(2).all(|pair| pair[0].entry < pair[1].entry));
    assert_eq!(facts.steps[0].by, Some(OLGA.actor()));
    assert_eq!(facts.steps[1].by, Some(APRIL.actor()));
    assert!(facts.steps[2..].iter().all(|step| step.by.is_none()));
    scene.directory.certify_purge(purge, "{}\n".to_owned()).await.unwrap();
    let certificates = scene.actions(Action::CertifyPurge).await;
    assert_eq!(certificates.len(), 1);
    // sha256sum of the three bytes.
    let digest = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356";
    assert_eq!(hex::encode(certificates[0].detail()), digest);
    assert!(scene.directory.certify_purge(purge, "{}\n".to_owned()).await.is_err(), "once");
}

/// A detail as another entry of the run has it: the same id, its own state.
trait MapFrom {
    fn map_from(self, entry: &Entry) -> Self;
}

impl MapFrom for [u8; 32] {
    fn map_from(mut self, entry: &Entry) -> Self {
        self[16] = entry.detail()[16];
        self
    }
}

#[tokio::test]
async fn what_is_recorded_after_the_plan_is_not_touched() {
    let scene = two_children(Scene::new().await).await;
    let known = child(&[1, 2]);
    let shown = scene.plan(forget(&[1])).await;
    scene.approve(APRIL, &shown).await.unwrap();
    scene.record(NORA, &known, details()).await;
    scene.clock.advance(SignedDuration::from_hours(25));
    assert_eq!(scene.step().await.unwrap(), Some(PurgeState::Frozen));
    assert_eq!(scene.lines(SAM, &known).await, 1, "the later flag alone");
    // During the turn too.
    assert_eq!(scene.step().await.unwrap(), Some(PurgeState::Copied));
    scene.record(NORA, &known, details()).await;
    scene.run_to_the_end().await;
    assert_eq!(scene.lines(SAM, &known).await, 2);
}

#[tokio::test]
async fn a_suppressed_child_that_is_fed_again_stays_unknown_and_a_forgotten_one_comes_back() {
    let scene = two_children(Scene::new().await).await;
    let until = scene.today().saturating_add(30.days());
    let mode = PurgeMode::Suppress { until };
    scene.due(PurgeScope::Child { subject: Some(child(&[1, 2])), mode }).await;
    scene.due(forget(&[9])).await;
    assert_eq!(scene.step().await.unwrap(), Some(PurgeState::Frozen));
    for numbers in [&[1_u8][..], &[2], &[9]] {
        scene.record(NORA, &child(numbers), details()).await;
    }
    scene.run_to_the_end().await;
    assert_eq!(scene.lines(SAM, &child(&[1, 2])).await, 0);
    assert_eq!(scene.lines(SAM, &child(&[9])).await, 1);
    scene.record(NORA, &child(&[2]), details()).await;
    assert_eq!(scene.lines(SAM, &child(&[1, 2])).await, 0);
    // The day after the last one they count no more.
    scene.clock.advance(SignedDuration::from_hours(24 * 31));
    scene.record(NORA, &child(&[2]), details()).await;
    assert_eq!(scene.lines(SAM, &child(&[1, 2])).await, 1);
}

#[tokio::test]
async fn purges_that_are_due_together_go_in_one_turn() {
    let scene = two_children(Scene::new().await).await;
    let first = scene.due(forget(&[1])).await;
    let second = scene.due(forget(&[9])).await;
    let generation = scene.store.position().await.unwrap().generation;
    let none = scene.directory.step_purges(Due::NoChildren, Arc::new(Unwatched)).await.unwrap();
    assert_eq!(none, None, "those of one child wait for their hour");
    scene.run_to_the_end().await;
    assert_eq!(scene.store.position().await.unwrap().generation, generation + 1);
    for purge in [first, second] {
        assert_eq!(scene.shown(purge).await.plan.state, PurgeState::Certified);
    }
    assert!(scene.actions(Action::AdvancePurge).await.iter().all(|entry| entry.count() == 2));
    assert_eq!(scene.actions(Action::CertifyPurge).await.len(), 2);
}

#[tokio::test]
async fn whom_a_hold_holds_is_left_out_and_everything_waits_for_it() {
    let scene = two_children(Scene::new().await).await;
    let (known, other) = (child(&[1, 2]), child(&[9]));
    let all = scene.plan(PurgeScope::All).await;
    scene.approve(APRIL, &all).await.unwrap();
    scene.approve(ARTHUR, &scene.shown(all.plan.id).await).await.unwrap();
    let hold = scene.hold(Held::Child(Some(child(&[2])))).await;
    let by_system = PurgeScope::Organisation(NORA.person().organisation);
    scene.due(by_system).await;
    assert_eq!(scene.step().await.unwrap(), Some(PurgeState::Frozen));
    assert_eq!(scene.shown(all.plan.id).await.plan.state, PurgeState::Approved, "it waits");
    // What is held back is settled while the run leaves its generation.
    scene.lift_hold(PRIYA, hold).await.unwrap();
    let problem = "a purge is being run; what is held back can be changed in a while";
    scene.assert_refused_next(scene.lift_hold(APRIL, hold), Reason::WrongState(problem)).await;
    let lines = (scene.lines(SAM, &known).await, scene.lines(SAM, &other).await);
    assert!(lines.0 > lines.1, "the held child's flags are all there");
    scene.run_to_the_end().await;
    assert_eq!(scene.lines(SAM, &known).await, lines.0);
    scene.lift_hold(APRIL, hold).await.unwrap();
    scene.run_to_the_end().await;
    assert_eq!(scene.shown(all.plan.id).await.plan.state, PurgeState::Certified);
    assert_eq!((scene.lines(SAM, &known).await, scene.lines(SAM, &other).await), (0, 0));
}

#[tokio::test]
async fn nothing_is_begun_switched_or_destroyed_while_the_clock_is_in_doubt() {
    for before in 0..4 {
        let scene = two_children(Scene::new().await).await;
        scene.due(forget(&[1])).await;
        for state in &STEPS[..before] {
            assert_eq!(scene.step().await.unwrap(), Some(*state));
        }
        scene.clock.step_by(SignedDuration::from_hours(1));
        scene.directory.record_clock_step().await.unwrap().unwrap();
        let refused = scene.step().await;
        assert!(
            matches!(refused, Err(RunError::MayNot(MayNotDestroy::ClockInDoubt))),
            "before {:?}: {refused:?}",
            STEPS[before]
        );
    }
}

#[tokio::test]
async fn a_search_that_does_not_find_what_is_there_lets_nothing_be_destroyed() {
    let mut made = None;
    let scene = Scene::over(|inner| {
        let faulty = Arc::new(FaultyStore::new(inner));
        made = Some(faulty.clone());
        faulty
    })
    .await;
    let (scene, faulty) = (two_children(scene).await, made.unwrap());
    let purge = scene.due(forget(&[1])).await;
    assert_eq!(scene.step().await.unwrap(), Some(PurgeState::Frozen));
    let generation = scene.store.position().await.unwrap().generation;
    faulty.go_blind(true);
    let stored = scene.stored_of(&child(&[1, 2])).await;
    for _ in 0..2 {
        let blind = scene.step().await;
        assert!(matches!(blind, Err(RunError::Blind { found: 0, sought: 1.. })), "{blind:?}");
    }
    assert_eq!(scene.shown(purge).await.plan.state, PurgeState::Frozen);
    assert_eq!(scene.store.position().await.unwrap().generation, generation);
    assert_eq!(scene.stored_of(&child(&[1, 2])).await, stored);
    faulty.go_blind(false);
    scene.run_to_the_end().await;
    assert_eq!(scene.stored_of(&child(&[1, 2])).await, 0);
}

#[tokio::test]
async fn a_compaction_waits_for_the_run() {
    let scene = two_children(Scene::new().await).await;
    scene.due(forget(&[1])).await;
    for _ in 0..3 {
        scene.step().await.unwrap();
        scene.directory.compact().await.unwrap_err();
        assert!(scene.directory.finish_turn().await.unwrap().is_empty(), "the run ends its turn");
    }
    scene.run_to_the_end().await;
    scene.directory.compact().await.unwrap();
}

/// What a run ends with, but for what names its own entries.
async fn outcome_of(scene: &Scene) -> (Vec<usize>, Vec<Record>, usize, [usize; 3]) {
    let lines = [scene.lines(SAM, &child(&[1, 2])).await, scene.lines(SAM, &child(&[9])).await];
    let all = scene.store.scan(&Scope::Everything, None, NO_LIMIT).await.unwrap();
    let mut of_children: Vec<Record> = all
        .into_iter()
        .map(|stored| stored.record)
        .filter(|record| matches!(record, Record::Head(_) | Record::Flag(_) | Record::Canary(_)))
        .collect();
    of_children.sort_by_key(|record| record.encode().to_vec());
    let plans = scene.store.scan(&Scope::Kind(Kind::Purge), None, NO_LIMIT).await.unwrap().len();
    let openings =
        [scene.opened(&child(&[1, 2])).await.len(), scene.opened(&child(&[9])).await.len()];
    let certificates = scene.actions(Action::CertifyPurge).await.len();
    (lines.to_vec(), of_children, plans, [openings[0], openings[1], certificates])
}

/// A fault at each call of a run, done or not done: whoever goes on from there comes to the same.
#[tokio::test]
async fn a_run_that_is_cut_short_at_any_call_ends_as_one_that_is_not() {
    let undisturbed = two_children(Scene::new().await).await;
    undisturbed.due(forget(&[1])).await;
    undisturbed.run_to_the_end().await;
    let expected = outcome_of(&undisturbed).await;
    assert_eq!(expected.0[0], 0);
    let calls = [
        Call::Read,
        Call::Scan,
        Call::Commit,
        Call::Position,
        Call::Prepare,
        Call::Switch,
        Call::Destroy,
        Call::Unfinished,
        Call::Recorded,
        Call::Erase,
        Call::ErasureRecorded,
        Call::SoughtOpenings,
        Call::Search,
    ];
    let mut cut_short = 0;
    for call in calls {
        for fault in [Fault::Refuses, Fault::DoesItAndFails] {
            for at in 0.. {
                let mut made = None;
                let scene = Scene::over(|inner| {
                    let faulty = Arc::new(FaultyStore::new(inner));
                    made = Some(faulty.clone());
                    faulty
                })
                .await;
                let (scene, faulty) = (two_children(scene).await, made.unwrap());
                scene.due(forget(&[1])).await;
                faulty.fail(call, at, fault);
                let mut failures = 0;
                loop {
                    match scene.step().await {
                        Ok(Some(_)) => {}
                        Ok(None) => match scene.certify().await {
                            Ok(()) => break,
                            Err(_) => failures += 1,
                        },
                        Err(_) => failures += 1,
                    }
                    assert!(failures < 3, "{call:?} {fault:?} {at}: it comes to no end");
                }
                if failures == 0 {
                    break;
                }
                assert_eq!(outcome_of(&scene).await, expected, "{call:?} {fault:?} {at}");
                cut_short += 1;
            }
        }
    }
    assert!(cut_short > 100, "{cut_short}");
}
