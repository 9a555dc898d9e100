//! What a purge takes: the one function by which a dry run counts, answers leave out and a turn leaves
//! behind.

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Held, LegalHold, PurgePlan, PurgeScope, Suppression};
use crate::flag::ContactFlag;
use crate::history::History;
use crate::id::{OrganisationId, PersonId, Receipt, SystemId};
use crate::record::{ChildHead, FlagCopy, Lift, Record, Replay, Shield};
use crate::register::{Claim, Conditions, Enrolment, Person, PersonStanding};
use crate::subject::{Pseudonym, Subject};
use crate::text::StaffReference;

/// What becomes of a record. What is not covered stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covered {
    /// It goes.
    Goes,
    /// It is a head that says nothing: no shield lies on the child. It goes though it may not have been
    /// in scope, for it would keep the pseudonym of a child of whom nothing else is left; where something
    /// is, the next write puts it anew.
    Empty,
    /// It stays, without what is in scope.
    Changed(Record),
}

/// What a plan covers, and what is held back from it.
#[derive(Clone, Debug)]
pub struct Coverage {
    scope: PurgeScope,
    systems: Vec<SystemId>,
    visible_months: u32,
    openings_below: Option<Receipt>,
    cut_off: Receipt,
    planned_in: Option<Receipt>,
    held_children: Vec<Subject>,
    held_organisations: Vec<OrganisationId>,
}

impl Coverage {
    /// What this plan covers while these holds stand. None of a child's plan that is over: it does not
    /// say any more whom it was of.
    #[must_use]
    pub fn new(plan: &PurgePlan, holds: &[LegalHold]) -> Option<Self> {
        if let PurgeScope::Child { subject: None, .. } = plan.scope {
            return None;
        }
        let standing = || holds.iter().filter(|hold| hold.stands()).map(|hold| &hold.held);
        let children = standing().filter_map(|held| match held {
            Held::Child(subject) => subject.clone(),
            Held::Organisation(_) => None,
        });
        let organisations = standing().filter_map(|held| match held {
            Held::Child(_) => None,
            Held::Organisation(id) => Some(*id),
        });
        Some(Self {
            scope: plan.scope.clone(),
            systems: plan.reach.systems.clone(),
            visible_months: plan.reach.visible_months,
            openings_below: plan.reach.openings_below,
            cut_off: plan.cut_off,
            planned_in: plan.planned_in,
            held_children: children.collect(),
            held_organisations: organisations.collect(),
        })
    }

    /// What becomes of this record at this version; none if it stays as it is. It says the same of the
    /// same record every time.
    ///
    /// For one child every copy of a flag goes that was recorded under one of the child's pseudonyms,
    /// the copies under other pseudonyms too: they hold those of the child, and are the same
    /// involvement. What else lies under those other pseudonyms stays.
    #[must_use]
    pub fn covers(&self, version: Receipt, record: &Record) -> Option<Covered> {
        if version > self.cut_off {
            return None;
        }
        match record {
            Record::Head(head) => self.head(head),
            Record::Flag(copy) => self.flag(copy),
            Record::Replay(replay) => goes(self.takes_replay(replay)),
            Record::Lift(lift) => goes(self.takes_lift(lift)),
            Record::Canary(canary) => goes(self.takes_named(&canary.subject)),
            Record::History(history) => goes(self.takes_history(history)),
            Record::AccessReview(review) => goes(self.takes_named(&review.subject)),
            Record::Alert(_) => goes(self.is_all()),
            Record::Person(person) => self.person(person),
            Record::Claim(Claim::Staff(organisation, _, person))
            | Record::Enrolment(Enrolment { organisation, person, .. }) => {
                goes(self.takes_person(*organisation, *person))
            }
            Record::Purge(plan) => self.plan(plan),
            Record::Hold(hold) => self.hold(hold),
            Record::Suppression(Suppression { until, .. }) => goes(self.is_past(*until)),
            Record::MarkerKey(key) => goes(self.is_past(key.until)),
            // What the register keeps of organisations, what tokens were issued and where they are, and
            // what the service knows of itself: none of it names a child, and people only by their ids.
            Record::Claim(Claim::Code(..))
            | Record::Organisation(_)
            | Record::Team(_)
            | Record::System(_)
            | Record::Certificate(_)
            | Record::Group(_)
            | Record::Members(_)
            | Record::Token(_)
            | Record::Custodies(_)
            | Record::Proposal(_)
            | Record::Service(_)
            | Record::ClockDoubt(_)
            | Record::AlertMark(_)
            | Record::PurgeAnnex(_)
            | Record::PurgeQuota(_)
            | Record::PurgeRun(_)
            | Record::PurgeCertificate(_)
            | Record::StandingOrder(_)
            | Record::Decommissioning(_) => None,
        }
    }

    /// Whether the opening of this entry goes: those about the child, its own plan's among them; those
    /// past their time; or all. Those of organisations, systems and people stay, for they say who asked.
    #[must_use]
    pub fn covers_opening(&self, at: Receipt, subject: &Subject) -> bool {
        if (at > self.cut_off && Some(at) != self.planned_in) || self.is_held(subject) {
            return false;
        }
        match &self.scope {
            PurgeScope::Child { subject: child, .. } => meet(child.as_ref(), subject),
            PurgeScope::Expired { .. } => self.openings_below.is_some_and(|below| at < below),
            PurgeScope::All => true,
            PurgeScope::Organisation(_) | PurgeScope::System(_) | PurgeScope::Person(_) => false,
        }
    }

    fn head(&self, head: &ChildHead) -> Option<Covered> {
        if self.held_children.iter().any(|held| held.contains(&head.pseudonym)) {
            return None;
        }
        match &self.scope {
            PurgeScope::Child { subject: Some(child), .. } => {
                if child.contains(&head.pseudonym) {
                    Some(Covered::Goes)
                } else if head.shields.is_empty() {
                    Some(Covered::Empty)
                } else {
                    loosened(head, child)
                }
            }
            PurgeScope::All => Some(Covered::Goes),
            PurgeScope::Organisation(_) | PurgeScope::System(_) | PurgeScope::Expired { .. } => {
                head.shields.is_empty().then_some(Covered::Empty)
            }
            PurgeScope::Child { subject: None, .. } | PurgeScope::Person(_) => None,
        }
    }

    fn flag(&self, FlagCopy { under: _, flag }: &FlagCopy) -> Option<Covered> {
        if self.is_held(&flag.subject) || self.holds_organisation(flag.provenance.owner) {
            return None;
        }
        goes(match &self.scope {
            PurgeScope::Child { subject, .. } => meet(subject.as_ref(), &flag.subject),
            PurgeScope::Organisation(owner) => flag.provenance.owner == *owner,
            PurgeScope::System(system) => flag.provenance.source_system == *system,
            PurgeScope::Expired { by } => self.is_over(flag, *by),
            PurgeScope::Person(_) => false,
            PurgeScope::All => true,
        })
    }

    /// Past its last day, or ended so long ago that it is shown to nobody.
    fn is_over(&self, flag: &ContactFlag, by: Date) -> bool {
        let months = i64::from(self.visible_months).months();
        let is_unseen = |ended: Date| ended.saturating_add(months) < by;
        flag.involvement.retain_until() < by
            || flag.involvement.details().ended.is_some_and(is_unseen)
    }

    fn takes_replay(&self, replay: &Replay) -> bool {
        if replay.subject.as_ref().is_some_and(|subject| self.is_held(subject)) {
            return false;
        }
        match &self.scope {
            PurgeScope::Child { subject, .. } => {
                replay.subject.as_ref().is_some_and(|named| meet(subject.as_ref(), named))
            }
            PurgeScope::Organisation(_) | PurgeScope::System(_) => {
                self.systems.contains(&replay.key.system)
            }
            PurgeScope::Person(person) => replay.key.person == *person,
            PurgeScope::Expired { .. } => self.is_past(replay.until),
            PurgeScope::All => true,
        }
    }

    fn takes_lift(&self, lift: &Lift) -> bool {
        if self.is_held(&lift.subject) {
            return false;
        }
        match &self.scope {
            PurgeScope::Child { subject, .. } => meet(subject.as_ref(), &lift.subject),
            PurgeScope::Expired { .. } => self.is_past(lift.until),
            PurgeScope::All => true,
            PurgeScope::Organisation(_) | PurgeScope::System(_) | PurgeScope::Person(_) => false,
        }
    }

    /// A canary stands for a fictional child; whoever made one of a real child's pseudonyms kept those.
    /// A history of who looked and what was decided of it go with the child.
    fn takes_named(&self, named: &Subject) -> bool {
        if self.is_held(named) {
            return false;
        }
        match &self.scope {
            PurgeScope::Child { subject, .. } => meet(subject.as_ref(), named),
            PurgeScope::All => true,
            PurgeScope::Organisation(_)
            | PurgeScope::System(_)
            | PurgeScope::Person(_)
            | PurgeScope::Expired { .. } => false,
        }
    }

    /// One that waits for consent no more goes with what has had its time.
    fn takes_history(&self, history: &History) -> bool {
        let is_over = |by: &Date| !history.is_kept_at(midnight(*by));
        match &self.scope {
            PurgeScope::Expired { by } => is_over(by) && !self.is_held(&history.subject),
            PurgeScope::Child { .. }
            | PurgeScope::Organisation(_)
            | PurgeScope::System(_)
            | PurgeScope::Person(_)
            | PurgeScope::All => self.takes_named(&history.subject),
        }
    }

    fn takes_person(&self, organisation: OrganisationId, person: PersonId) -> bool {
        if self.holds_organisation(organisation) {
            return false;
        }
        match &self.scope {
            PurgeScope::Person(one) => *one == person,
            PurgeScope::All => true,
            PurgeScope::Child { .. }
            | PurgeScope::Organisation(_)
            | PurgeScope::System(_)
            | PurgeScope::Expired { .. } => false,
        }
    }

    fn person(&self, person: &Person) -> Option<Covered> {
        if !self.takes_person(person.organisation, person.id) {
            return None;
        }
        let anonymous = anonymous(person);
        (anonymous != *person).then(|| Covered::Changed(Record::Person(anonymous)))
    }

    /// A plan stays, and so does its digest; a child whom it names does not, once it is over.
    fn plan(&self, plan: &PurgePlan) -> Option<Covered> {
        let is_over = match &self.scope {
            PurgeScope::Expired { by } => plan.is_over_at(midnight(*by)),
            PurgeScope::All => true,
            PurgeScope::Child { .. }
            | PurgeScope::Organisation(_)
            | PurgeScope::System(_)
            | PurgeScope::Person(_) => false,
        };
        let names_child = plan.scope.child().is_some();
        (is_over && names_child)
            .then(|| Covered::Changed(Record::Purge(Box::new(plan.clone().without_child()))))
    }

    /// A hold that never came to stand goes; of all, it stays without the child.
    fn hold(&self, hold: &LegalHold) -> Option<Covered> {
        match &self.scope {
            PurgeScope::Expired { by } => goes(hold.is_void_at(midnight(*by))),
            PurgeScope::All if matches!(hold.held, Held::Child(Some(_))) && !hold.stands() => {
                Some(Covered::Changed(Record::Hold(Box::new(hold.clone().without_child()))))
            }
            PurgeScope::Child { .. }
            | PurgeScope::Organisation(_)
            | PurgeScope::System(_)
            | PurgeScope::Person(_)
            | PurgeScope::All => None,
        }
    }

    /// Whether this time was over on the day by which all is expired.
    fn is_past(&self, until: Timestamp) -> bool {
        match &self.scope {
            PurgeScope::Expired { by } => until <= midnight(*by),
            PurgeScope::Child { .. }
            | PurgeScope::Organisation(_)
            | PurgeScope::System(_)
            | PurgeScope::Person(_)
            | PurgeScope::All => false,
        }
    }

    fn is_all(&self) -> bool {
        self.scope == PurgeScope::All
    }

    fn is_held(&self, subject: &Subject) -> bool {
        self.held_children.iter().any(|held| meet(Some(held), subject))
    }

    fn holds_organisation(&self, organisation: OrganisationId) -> bool {
        self.held_organisations.contains(&organisation)
    }
}

/// A head of somebody else, on which a shield lies that was set on the child: the child's pseudonyms
/// go from it. Where the shield was set on no other, it counts as set on this one, so that it still
/// protects and can still be lifted.
fn loosened(head: &ChildHead, child: &Subject) -> Option<Covered> {
    let names_child = |shield: &Shield| shield.set_on.iter().any(|one| child.contains(one));
    if !head.shields.iter().any(names_child) {
        return None;
    }
    let loosen = |shield: &Shield| {
        let left = shield.set_on.iter().filter(|one| !child.contains(one)).cloned();
        let mut set_on: Vec<Pseudonym> = left.collect();
        if set_on.is_empty() {
            set_on.push(head.pseudonym.clone());
        }
        Shield { set_on, ..shield.clone() }
    };
    let shields = head.shields.iter().map(loosen).collect();
    let pseudonym = head.pseudonym.clone();
    Some(Covered::Changed(Record::Head(ChildHead { pseudonym, shields })))
}

/// What stays of a person, for the tokens that were issued and the names that were given must still
/// add up: the ids, by which nobody is found any more, and of whoever may still act, the conditions of
/// that. What the organisation calls the person goes.
fn anonymous(person: &Person) -> Person {
    let staff = format!("purged-{}", hex(person.id));
    let staff = StaffReference::try_from(staff).expect("of the alphabet, and 39 characters long");
    let conditions = match person.standing {
        PersonStanding::Active => person.conditions,
        PersonStanding::Invited | PersonStanding::Suspended | PersonStanding::Removed => {
            Conditions {
                vetting_on: Date::ZERO,
                barred_list_checked_on: Date::ZERO,
                training_on: Date::ZERO,
                agreement_signed_on: Date::ZERO,
            }
        }
    };
    let recertified_on = match person.standing {
        PersonStanding::Active => person.recertified_on,
        PersonStanding::Invited | PersonStanding::Suspended | PersonStanding::Removed => Date::ZERO,
    };
    Person { staff, conditions, recertified_on, code: None, ..person.clone() }
}

fn hex(id: PersonId) -> String {
    use std::fmt::Write;

    id.as_bytes().iter().fold(String::with_capacity(32), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every text");
        text
    })
}

/// Whether both name one pseudonym.
fn meet(child: Option<&Subject>, named: &Subject) -> bool {
    child.is_some_and(|child| named.pseudonyms().iter().any(|one| child.contains(&one.pseudonym)))
}

fn goes(is_taken: bool) -> Option<Covered> {
    is_taken.then_some(Covered::Goes)
}

/// The moment at which this day begins, in UTC.
fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}
