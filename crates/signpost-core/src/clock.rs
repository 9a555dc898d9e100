//! Service time: what the service goes by, and when the machine's clock is in doubt.
//!
//! Service time never runs backwards, never runs behind the last entry, and never runs slower than
//! the steady clock, which nobody sets. A machine's clock that is put back changes nothing: no
//! access is revived, and none lasts longer. A machine's clock that is put ahead is followed at
//! once, so that access expires; but a step that no time explains is noted, and until two people
//! have confirmed it nothing is destroyed and nothing closed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::store::Clock;

/// How far service time may run ahead of the steady clock.
pub const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(5);

/// How far service time may be ahead of the last entry at a start.
pub const AHEAD_AT_START_MAX: SignedDuration = SignedDuration::from_hours(24);

/// A step ahead that no time explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The service time that it led to.
    pub to: Timestamp,
    /// By how much.
    pub ahead: SignedDuration,
}

/// Service time by some clock; clones are one and the same.
#[derive(Clone, Debug)]
pub struct ServiceClock {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

impl ServiceClock {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let state = State::begin(clock.now(), clock.elapsed());
        Self { clock, state: Arc::new(Mutex::new(state)) }
    }

    /// Goes on from the last entry, as a start must.
    pub fn continue_from(&self, last_entry: Timestamp) {
        self.state().continue_from(last_entry, self.clock.now(), self.clock.elapsed());
    }

    /// The step that was seen, and is not settled. Those of one second may be one.
    #[must_use]
    pub fn step(&self) -> Option<Step> {
        let mut state = self.state();
        state.read(self.clock.now(), self.clock.elapsed());
        state.step
    }

    /// This step is on record. One that came after it stays.
    pub fn settle(&self, step: Step) {
        self.state().step.take_if(|seen| *seen == step);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whatever panicked, the state is whole: it is plain values.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ServiceClock {
    fn now(&self) -> Timestamp {
        let mut state = self.state();
        state.read(self.clock.now(), self.clock.elapsed())
    }

    fn elapsed(&self) -> SignedDuration {
        self.clock.elapsed()
    }
}

impl<C: Clock + 'static> From<Arc<C>> for ServiceClock {
    fn from(clock: Arc<C>) -> Self {
        Self::new(clock)
    }
}

impl From<Arc<dyn Clock>> for ServiceClock {
    fn from(clock: Arc<dyn Clock>) -> Self {
        Self::new(clock)
    }
}

/// The rules, given readings of the machine's clock and of the steady one.
#[derive(Debug)]
struct State {
    /// A service time, and the steady clock's reading at it.
    anchor: (Timestamp, SignedDuration),
    /// The latest service time that was told.
    latest: Timestamp,
    step: Option<Step>,
}

impl State {
    fn begin(machine: Timestamp, steady: SignedDuration) -> Self {
        Self { anchor: (machine, steady), latest: machine, step: None }
    }

    fn continue_from(&mut self, last: Timestamp, machine: Timestamp, steady: SignedDuration) {
        let now = self.read(machine, steady);
        if now < last {
            self.anchor = (last, steady);
            self.latest = last;
        } else if now.duration_since(last) > AHEAD_AT_START_MAX {
            self.note(now, now.duration_since(last));
        }
    }

    fn read(&mut self, machine: Timestamp, steady: SignedDuration) -> Timestamp {
        let running = self.running(steady);
        let ahead = machine.duration_since(running);
        // Many small steps are one large one: the anchor stays where it is until then.
        if ahead > AHEAD_MAX {
            self.note(machine, ahead);
            self.anchor = (machine, steady);
        }
        self.latest = self.latest.max(running).max(machine);
        self.latest
    }

    /// Service time by the steady clock alone.
    fn running(&self, steady: SignedDuration) -> Timestamp {
        let (at, from) = self.anchor;
        at.saturating_add(steady - from).expect("a duration is a fixed span")
    }

    fn note(&mut self, to: Timestamp, ahead: SignedDuration) {
        let before = self.step.map_or(SignedDuration::ZERO, |step| step.ahead);
        self.step = Some(Step { to, ahead: before.saturating_add(ahead) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ManualClock;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    fn clocks() -> (Arc<ManualClock>, ServiceClock) {
        let machine = Arc::new(ManualClock::default());
        (machine.clone(), ServiceClock::from(machine))
    }

    fn ahead(service: &ServiceClock) -> Option<SignedDuration> {
        service.step().map(|step| step.ahead)
    }

    #[test]
    fn time_that_passes_is_no_step() {
        let (machine, service) = clocks();
        machine.advance(MINUTE * 60 * 24 * 365);
        assert_eq!((service.now(), service.elapsed()), (machine.now(), machine.elapsed()));
        assert_eq!(ahead(&service), None);
    }

    #[test]
    fn five_minutes_ahead_are_no_step_and_one_second_more_is() {
        let (machine, service) = clocks();
        machine.step_by(AHEAD_MAX);
        assert_eq!((service.now(), ahead(&service)), (machine.now(), None));
        machine.step_by(SignedDuration::from_secs(1));
        let expected = AHEAD_MAX + SignedDuration::from_secs(1);
        assert_eq!((service.now(), ahead(&service)), (machine.now(), Some(expected)));
    }

    #[test]
    fn many_small_steps_are_a_large_one() {
        let (machine, service) = clocks();
        for _ in 0..6 {
            machine.advance(MINUTE * 60);
            machine.step_by(MINUTE);
            service.now();
        }
        assert_eq!(ahead(&service), Some(MINUTE * 6));
    }

    #[test]
    fn a_step_that_is_taken_back_at_once_was_one() {
        let (machine, service) = clocks();
        machine.step_by(MINUTE * 60);
        let there = service.now();
        machine.step_by(-MINUTE * 60);
        assert_eq!(service.now(), there, "service time does not go back");
        assert_eq!(ahead(&service), Some(MINUTE * 60));
    }

    #[test]
    fn a_clock_that_was_put_back_is_not_followed_and_time_goes_on() {
        let (machine, service) = clocks();
        let before = service.now();
        machine.step_by(-MINUTE * 60 * 24);
        machine.advance(MINUTE);
        assert_eq!(service.now(), before + MINUTE);
        machine.step_by(MINUTE * 60 * 24);
        assert_eq!((service.now(), ahead(&service)), (machine.now(), None), "put right again");
    }

    #[test]
    fn a_start_goes_on_from_the_last_entry_and_more_than_a_day_later_is_a_step() {
        for (hours, expected) in [(-48, None), (0, None), (24, None), (25, Some(25))] {
            let (machine, service) = clocks();
            let last = machine.now() - MINUTE * 60 * hours;
            service.continue_from(last);
            assert_eq!(service.now(), machine.now().max(last));
            assert_eq!(ahead(&service), expected.map(SignedDuration::from_hours), "{hours}");
        }
    }

    #[test]
    fn a_settled_step_is_over_and_a_later_one_is_not() {
        let (machine, service) = clocks();
        machine.step_by(MINUTE * 10);
        let first = service.step().unwrap();
        machine.step_by(MINUTE * 20);
        service.now();
        service.settle(first);
        let both = service.step().unwrap();
        assert_eq!(both.ahead, MINUTE * 30);
        service.settle(both);
        assert_eq!(service.step(), None);
    }
}
