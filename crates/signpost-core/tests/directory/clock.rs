//! The clock put ahead and back, over restarts, against what no such step may change.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use signpost_core::clock::{AHEAD_AT_START_MAX, AHEAD_MAX, ServiceClock};
use signpost_core::directory::{
    ClockConfirmation, ClockProgress, Directory, MayNotDestroy, TurnError, Written,
};
use signpost_core::entry::Entry;
use signpost_core::memory::MemoryStore;
use signpost_core::policy::Policy;
use signpost_core::record::Record;
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::register::{Person, PersonStanding, TokenRecord};
use signpost_core::store::Clock;
use signpost_core::terms::{Action, Outcome, Purpose};
use signpost_core::testing::{ManualClock, SeededEntropy, put_records};

use crate::fixture::*;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

impl Scene {
    async fn confirm_clock(&self, who: Who) -> Result<Written<ClockProgress>, Refusal> {
        let confirmation = ClockConfirmation { request: self.request() };
        self.directory.confirm_clock(&who.presented(), &Ok(confirmation)).await
    }

    async fn step_and_record(&self, by: SignedDuration) {
        self.clock.step_by(by);
        self.directory.record_clock_step().await.unwrap().unwrap();
    }

    async fn is_in_doubt(&self) -> bool {
        self.directory.may_destroy().await == Err(MayNotDestroy::ClockInDoubt)
    }
}

#[tokio::test]
async fn a_step_suspends_what_destroys_and_nothing_else() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1]), details()).await;
    assert_eq!(scene.directory.may_destroy().await, Ok(()));
    assert_eq!(scene.directory.record_clock_step().await, Ok(None));
    scene.clock.step_by(HOUR);
    assert!(scene.is_in_doubt().await, "before it is on record, too");
    let receipt = scene.directory.record_clock_step().await.unwrap().unwrap();
    let entry = scene.entry(receipt).await;
    assert_eq!((entry.action(), entry.outcome()), (Action::NoteClockStep, Outcome::Done));
    assert_eq!((entry.count(), entry.actor()), (3600, None));
    assert_eq!(scene.directory.record_clock_step().await, Ok(None), "once");
    assert!(scene.is_in_doubt().await);
    assert_eq!(scene.lines(SAM, &child(&[1])).await, 1);
    scene.record(NORA, &child(&[1]), details()).await;
}

#[tokio::test]
async fn the_store_does_not_turn_while_the_clock_is_in_doubt() {
    let scene = Scene::new().await;
    scene.step_and_record(HOUR).await;
    let before = scene.entries().await.len();
    let refused = scene.directory.compact().await;
    assert!(matches!(refused, Err(TurnError::MayNot(MayNotDestroy::ClockInDoubt))));
    assert_eq!(scene.entries().await.len(), before, "nothing was begun");
    scene.confirm_clock(OLGA).await.unwrap();
    scene.confirm_clock(APRIL).await.unwrap();
    let before = scene.entries().await.len();
    let destroyed = scene.directory.compact().await.unwrap();
    assert_eq!(destroyed.generation, 1);
    let entries = scene.entries().await;
    let actions: Vec<_> = entries[before..].iter().map(Entry::action).collect();
    assert_eq!(actions, [Action::BeginTurn, Action::DestroyGeneration]);
}

#[tokio::test]
async fn two_names_confirm_the_clock() {
    let scene = Scene::new().await;
    scene.step_and_record(HOUR).await;
    let first = scene.confirm_clock(OLGA).await.unwrap();
    assert_eq!(first.result, ClockProgress::AwaitingSecondName);
    assert!(scene.is_in_doubt().await);
    let second = scene.confirm_clock(APRIL).await.unwrap();
    assert_eq!(second.result, ClockProgress::Complete);
    assert_eq!(scene.directory.may_destroy().await, Ok(()));
    for (written, count) in [(first, 1), (second, 2)] {
        let entry = scene.entry(written.receipt).await;
        assert_eq!((entry.action(), entry.count()), (Action::ConfirmClock, count));
        assert_eq!((entry.outcome(), entry.commitment()), (Outcome::Done, [0; 32]));
    }
    let again = scene.confirm_clock(OLGA);
    scene.assert_refused_next(again, Reason::NothingToConfirm).await;
}

#[tokio::test]
async fn one_name_twice_does_not_confirm_the_clock() {
    let scene = Scene::new().await;
    scene.step_and_record(HOUR).await;
    scene.confirm_clock(OLGA).await.unwrap();
    scene.assert_refused_next(scene.confirm_clock(OLGA), Reason::SameName).await;
    assert!(scene.is_in_doubt().await);
    let second = scene.confirm_clock(APRIL).await.unwrap();
    assert_eq!(second.result, ClockProgress::Complete);
}

#[tokio::test]
async fn two_whom_one_person_let_in_do_not_confirm_the_clock() {
    let scene = Scene::new().await;
    let let_in_by = Some(ADA.person().id);
    let people = [OLGA, APRIL].map(|who| Record::Person(Person { let_in_by, ..who.person() }));
    put_records(&*scene.store, people).await.unwrap();
    scene.step_and_record(HOUR).await;
    scene.confirm_clock(OLGA).await.unwrap();
    scene.assert_refused_next(scene.confirm_clock(APRIL), Reason::NotIndependent).await;
    assert!(scene.is_in_doubt().await);
    put_records(&*scene.store, [Record::Person(APRIL.person())]).await.unwrap();
    let second = scene.confirm_clock(APRIL).await.unwrap();
    assert_eq!(second.result, ClockProgress::Complete);
}

#[tokio::test]
async fn only_purge_operators_and_approvers_confirm_the_clock() {
    let scene = Scene::new().await;
    scene.step_and_record(HOUR).await;
    for who in EVERYBODY.into_iter().filter(|who| ![OLGA, APRIL].contains(who)) {
        scene.assert_refused_next(scene.confirm_clock(who), Reason::Role).await;
    }
}

#[tokio::test]
async fn a_confirmation_can_be_repeated() {
    let scene = Scene::new().await;
    scene.step_and_record(HOUR).await;
    let mut first = Vec::new();
    for who in [OLGA, APRIL] {
        let confirmation = Ok(ClockConfirmation { request: scene.request() });
        let confirm = || async {
            scene.directory.confirm_clock(&who.presented(), &confirmation).await.unwrap()
        };
        let written = confirm().await;
        assert_eq!(confirm().await, written);
        first.push(written.result);
    }
    assert_eq!(first, [ClockProgress::AwaitingSecondName, ClockProgress::Complete]);
    let confirmed = scene.entries().await.into_iter();
    assert_eq!(confirmed.filter(|entry| entry.action() == Action::ConfirmClock).count(), 2);
}

#[tokio::test]
async fn a_first_name_waits_a_day_and_a_further_step_makes_it_void() {
    let scene = Scene::new().await;
    scene.step_and_record(HOUR).await;
    scene.confirm_clock(OLGA).await.unwrap();
    scene.step_and_record(HOUR).await;
    for _ in 0..2 {
        // After the further step, and again after a day: each is a first name.
        let first = scene.confirm_clock(APRIL).await.unwrap();
        assert_eq!(first.result, ClockProgress::AwaitingSecondName);
        scene.clock.advance(HOUR * 24);
    }
    let first = scene.confirm_clock(OLGA).await.unwrap();
    assert_eq!(first.result, ClockProgress::AwaitingSecondName);
    scene.clock.advance(HOUR * 24 - SignedDuration::from_millis(1));
    let second = scene.confirm_clock(APRIL).await.unwrap();
    assert_eq!(second.result, ClockProgress::Complete);
}

#[tokio::test]
async fn the_first_name_counts_only_as_long_as_its_person_may_confirm() {
    let scene = Scene::new().await;
    scene.step_and_record(HOUR).await;
    scene.confirm_clock(OLGA).await.unwrap();
    let suspended = Person { standing: PersonStanding::Suspended, ..OLGA.person() };
    put_records(&*scene.store, [Record::Person(suspended)]).await.unwrap();
    let first = scene.confirm_clock(APRIL).await.unwrap();
    assert_eq!(first.result, ClockProgress::AwaitingSecondName);
    assert!(scene.is_in_doubt().await);
}

/// However many entries there are, and be it the one of first light.
#[tokio::test]
async fn service_time_goes_on_from_the_last_entry_where_the_clock_was_put_back() {
    for questions in 0..6 {
        let scene = Scene::new().await;
        for _ in 0..questions {
            scene.clock.advance(HOUR);
            scene.lines(SAM, &child(&[1])).await;
        }
        scene.clock.step_by(-HOUR * 24);
        let (policy, entropy) = (Arc::new(Policy::default()), Arc::new(SeededEntropy::new(2)));
        let service = ServiceClock::from(scene.clock.clone());
        let started = Directory::start(scene.store.clone(), policy, service, entropy).await;
        assert_eq!(started.unwrap().now(), last_entry(&scene).await, "{questions} questions");
    }
}

/// A store's clock that is another after each restart.
#[derive(Debug)]
struct Restarted(Mutex<ServiceClock>);

impl Restarted {
    fn clock(&self) -> ServiceClock {
        self.0.lock().unwrap().clone()
    }
}

impl Clock for Restarted {
    fn now(&self) -> Timestamp {
        self.clock().now()
    }
}

#[derive(Clone, Debug)]
enum Op {
    /// Time passes, so many seconds.
    Pass(i64),
    /// The clock is set ahead, or back, by so many seconds.
    Step(i64),
    Ask,
    RecordStep,
    Confirm,
    Restart,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let step = prop_oneof![-400..400_i64, -200_000..200_000_i64, -90_000_000..90_000_000_i64];
    let op = prop_oneof![
        3 => prop_oneof![0..400_i64, 0..200_000_i64].prop_map(Op::Pass),
        3 => step.prop_map(Op::Step),
        3 => Just(Op::Ask),
        2 => Just(Op::RecordStep),
        1 => Just(Op::Confirm),
        2 => Just(Op::Restart),
    ];
    prop::collection::vec(op, 1..40)
}

/// What no step of the clock may change.
struct Model {
    /// The latest service time that was told since the start, or put on record.
    latest: Timestamp,
    /// Whether anybody's access was found expired.
    has_expired: bool,
    /// As far as time that passed, and steps that were noticed, explain service time.
    explained: Timestamp,
}

async fn restart(clock: &Arc<ManualClock>, scene: &mut Scene, store_clock: &Restarted) {
    let service = ServiceClock::from(clock.clone());
    *store_clock.0.lock().unwrap() = service.clone();
    let (policy, entropy) = (Arc::new(Policy::default()), Arc::new(SeededEntropy::new(2)));
    let started = Directory::start(scene.store.clone(), policy, service, entropy).await;
    scene.directory = started.unwrap();
}

async fn last_entry(scene: &Scene) -> Timestamp {
    let last = scene.entries().await.last().unwrap().time_ms();
    Timestamp::from_millisecond(i64::try_from(last).unwrap()).unwrap()
}

async fn play(ops: Vec<Op>) {
    let clock = Arc::new(ManualClock::default());
    let store_clock = Arc::new(Restarted(Mutex::new(ServiceClock::from(clock.clone()))));
    let store = Arc::new(MemoryStore::new(store_clock.clone()));
    let mut scene = Scene::new().await;
    Directory::first_light(&*store, &Policy::default(), register().into()).await.unwrap();
    // Sam's token lasts ten days more.
    let valid_until = scene.today().saturating_add(jiff::Span::new().days(10));
    let token = TokenRecord { valid_until, ..SAM.token() };
    put_records(&*store, [Record::Token(token)]).await.unwrap();
    (scene.clock, scene.store) = (clock.clone(), store);
    restart(&clock, &mut scene, &store_clock).await;

    let now = clock.now();
    let mut model = Model { latest: now, has_expired: false, explained: now };
    for op in ops {
        match op {
            Op::Pass(seconds) => {
                let passed = SignedDuration::from_secs(seconds);
                clock.advance(passed);
                model.explained += passed;
            }
            Op::Step(seconds) => clock.step_by(SignedDuration::from_secs(seconds)),
            Op::Ask => {
                let asked = scene.ask(SAM, Purpose::S47Enquiry, &child(&[1])).await;
                model.has_expired = match asked {
                    Ok(_) => {
                        assert!(!model.has_expired, "what has expired stays so");
                        false
                    }
                    Err(Refusal::Refused { reason: Reason::Expired, .. }) => true,
                    Err(other) => panic!("{other:?}"),
                };
            }
            Op::RecordStep => {
                scene.directory.record_clock_step().await.unwrap();
            }
            Op::Confirm => {
                for who in [OLGA, APRIL] {
                    scene.confirm_clock(who).await.ok();
                }
            }
            Op::Restart => {
                // What was told and is not on record is forgotten, a step that was seen too.
                model.latest = last_entry(&scene).await;
                let entries = scene.entries().await.len();
                restart(&clock, &mut scene, &store_clock).await;
                let noted = scene.entries().await.len() > entries;
                let allowed = if noted { SignedDuration::MAX } else { AHEAD_AT_START_MAX };
                assert!(scene.directory.now().duration_since(model.latest) <= allowed);
                model.explained = scene.directory.now();
            }
        }
        let now = scene.directory.now();
        assert!(now >= model.latest, "service time went back");
        assert!(now >= last_entry(&scene).await, "service time is behind the last entry");
        if scene.is_in_doubt().await {
            model.explained = now;
        }
        assert!(now.duration_since(model.explained) <= AHEAD_MAX, "a step that nobody noticed");
        model.latest = now;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_step_revives_access_or_goes_unnoticed(ops in ops()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(play(ops));
    }
}
