//! Plays the operations, one by one and two at once, and what befalls them.

use std::sync::Arc;

use jiff::Timestamp;
use signpost_core::faulty::{Call, Fault};
use signpost_core::id::RequestId;
use signpost_core::testing::ManualClock;

use super::ops::{Mishap, Op, Step};
use super::world::{Home, World};
use super::{Model, Said};

/// Plays these steps on a new register, and looks in the end who is answered.
pub(crate) async fn play_all(home: Box<dyn Home>, clock: Arc<ManualClock>, steps: Vec<Step>) {
    let mut world = World::new(home, clock).await;
    for step in steps {
        world.play(step).await;
    }
    world.everybody_asks().await;
}

/// One request, as it is sent: once, or again.
struct Sent<'o> {
    op: &'o Op,
    request: RequestId,
    /// When it was sent first.
    at: Timestamp,
}

impl World {
    async fn play(&mut self, step: Step) {
        let Step { mut op, mishap } = step;
        op.make_out(&self.model, self.directory.now(), &mut self.fresh);
        self.learn();
        let cut = match mishap {
            Some(Mishap::PowerCut(operations)) => Some(operations),
            Some(Mishap::Fault(_)) | None => None,
        };
        match &op {
            Op::Days(days) => self.pass_days(*days),
            Op::Restart => {
                if let Some(operations) = cut {
                    self.home.cut_power_after(operations);
                }
                self.restart().await;
            }
            Op::Turn => match cut {
                Some(operations) => self.turn_cut_short(operations).await,
                None => self.turn().await,
            },
            Op::AtOnce(one, other) => return self.at_once(one, other, cut).await,
            op => self.one(op, mishap).await,
        }
        self.check(&op).await;
    }

    /// One operation, and where its commit fails or the power goes, the very same again.
    async fn one(&mut self, op: &Op, mishap: Option<Mishap>) {
        let sent = Sent { op, request: self.request(), at: self.directory.now() };
        match mishap {
            None => self.undisturbed(&sent).await,
            Some(Mishap::Fault(fault)) => self.with_fault(&sent, fault).await,
            Some(Mishap::PowerCut(operations)) => self.with_power_cut(&sent, operations).await,
        }
    }

    async fn undisturbed(&mut self, sent: &Sent<'_>) {
        let before = self.entries().await.len();
        let said = self.call(sent.op, sent.request).await;
        assert_eq!(said, self.model.apply(sent.op, sent.at), "{:?}", sent.op);
        let is_repeat = matches!(sent.op, Op::Redeem { .. }) && said == Said::Done;
        let made = usize::from(leaves_entry(sent.op, said));
        let entries = self.entries().await.len() - before;
        assert!(entries == made || (is_repeat && entries == 0), "one entry for {:?}", sent.op);
    }

    async fn with_fault(&mut self, sent: &Sent<'_>, fault: Fault) {
        let commits = self.faulty.calls(Call::Commit);
        self.faulty.fail(Call::Commit, 0, fault);
        let said = self.call(sent.op, sent.request).await;
        // Nothing was committed: whoever is not identified leaves no entry at once.
        if self.faulty.calls(Call::Commit) == commits {
            assert_eq!(said, self.model.apply(sent.op, sent.at), "{:?}", sent.op);
            return self.restart().await;
        }
        assert_eq!(said, Said::Failed, "{:?}", sent.op);
        if fault == Fault::DoesItAndFails {
            let first = self.model.apply(sent.op, sent.at);
            return self.again(sent, Some(first)).await;
        }
        self.compare(sent.op).await;
        if fault == Fault::Dies {
            self.restart().await;
        }
        self.again(sent, None).await;
    }

    /// The power goes while it is done: what was said is so after it, and what was not said was done
    /// wholly or not at all.
    async fn with_power_cut(&mut self, sent: &Sent<'_>, operations: u64) {
        let before = self.entries().await;
        self.home.cut_power_after(operations);
        let said = self.call(sent.op, sent.request).await;
        self.home.cut_power();
        self.restart().await;
        let mut done = self.model.clone();
        let first = done.apply(sent.op, sent.at);
        let after = self.entries().await;
        assert!(after.starts_with(&before), "an entry is lost with {:?}", sent.op);
        if said != Said::Failed {
            assert_eq!(said, first, "{:?}", sent.op);
            let is_repeat = matches!(sent.op, Op::Redeem { .. });
            let has_entry = after.len() > before.len();
            assert!(has_entry || is_repeat || !leaves_entry(sent.op, said), "none for {said:?}");
            self.model = done;
            return;
        }
        self.in_flight = sent.op.proposes();
        let found = self.read_back().await;
        let is_done = found == done.register && first == Said::Done;
        assert!(is_done || found == self.model.register, "by half: {:?}", sent.op);
        if is_done {
            self.model = done;
        }
        self.again(sent, is_done.then_some(first)).await;
    }

    /// The very same again, of which nobody was told what became of it; `first` is that, if it was
    /// done.
    async fn again(&mut self, sent: &Sent<'_>, first: Option<Said>) {
        let op = sent.op;
        let again = self.call(op, sent.request).await;
        let is_renewal = matches!(op, Op::Renew { .. });
        let expected = match op.by() {
            // The old token still gives the result of its own renewal.
            Some(_) if first == Some(Said::Done) && is_renewal => Said::Done,
            Some((by, what)) if first == Some(Said::Done) => {
                // Whoever has thereby ended their own access is told so.
                let now = self.directory.now();
                self.model.may(by, what, now).map_or_else(|said| said, |_| Said::Done)
            }
            _ => self.model.apply(op, self.directory.now()),
        };
        assert_eq!(again, expected, "{op:?}, again");
    }

    /// Two at once are as one after the other, in one order or the other; and where the power goes
    /// meanwhile, without those that were not acknowledged or with them.
    async fn at_once(&mut self, one: &Op, other: &Op, cut: Option<u64>) {
        // Of two proposals that were not acknowledged, nobody can tell which one is there.
        let proposes = [one.proposes(), other.proposes()];
        let cut = cut.filter(|_| proposes.contains(&None));
        let (first, second) = (self.request(), self.request());
        let now = self.directory.now();
        if let Some(operations) = cut {
            self.home.cut_power_after(operations);
        }
        let said = self.call_both((one, first), (other, second)).await;
        if cut.is_some() {
            self.home.cut_power();
            self.restart().await;
            self.in_flight = proposes[0].or(proposes[1]);
        }
        let register = self.read_back().await;
        let both = [(one, said.0), (other, said.1)];
        let is_open = |said| cut.is_some() && said == Said::Failed;
        let mut found = None;
        for (in_order, without_one, without_other) in all_ways() {
            let mut model: Model = self.model.clone();
            let mut as_said = true;
            for index in if in_order { [0, 1] } else { [1, 0] } {
                let (op, said) = both[index];
                if [without_one, without_other][index] {
                    as_said &= is_open(said);
                } else {
                    let is_done = model.apply(op, now) == Said::Done;
                    as_said &= is_open(said) || is_done == (said == Said::Done);
                }
            }
            if as_said && model.register == register {
                found = Some(model);
                break;
            }
        }
        self.model = found.unwrap_or_else(|| panic!("{one:?} and {other:?} said {said:?}"));
    }

    /// A turn that a power cut ends: nothing of the register is other than before.
    async fn turn_cut_short(&mut self, operations: u64) {
        self.home.cut_power_after(operations);
        // Where the clock is in doubt nothing is turned, and where the power held until then, all.
        let _either = self.directory.compact().await;
        self.home.cut_power();
        self.restart().await;
    }
}

/// Whether it leaves an entry at once: whoever is not identified is counted, and a recovery that
/// cannot be is not on record.
fn leaves_entry(op: &Op, said: Said) -> bool {
    let is_recovery = matches!(op, Op::Recover { .. });
    !matches!(said, Said::Unidentified(_)) && (!is_recovery || said == Said::Done)
}

/// In order or not, without the one or not, without the other or not.
fn all_ways() -> impl Iterator<Item = (bool, bool, bool)> {
    let both = [true, false];
    let pairs = both.into_iter().flat_map(move |one| both.map(|other| (!one, !other)));
    pairs.flat_map(move |(one, other)| both.map(|in_order| (in_order, one, other)))
}
