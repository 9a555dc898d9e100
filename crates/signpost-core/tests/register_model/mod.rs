//! The whole register against a plain model: random operations by several administrators,
//! sponsors and practitioners, while time passes, commits fail, the power goes and the service starts
//! anew; and after each, does the store hold what the model holds, and what must always hold?
//!
//! The tests of every store play it, each with a [`world::Home`] of its own.

mod calls;
pub(crate) mod council;
pub(crate) mod draw;
pub(crate) mod ops;
mod play;
mod proposals;
mod read_back;
mod recovery;
mod rules;
mod systems;
pub(crate) mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use jiff::Timestamp;
use jiff::civil::Date;
use signpost_core::register::{PersonStanding, Standing};
use signpost_core::terms::{Custody, Outcome, Purpose, Role};

use self::council::purposes_of;
use self::ops::{Asks, By, Op};

pub(crate) use self::play::play_all;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) organisation: u8,
    pub(crate) role: Role,
    pub(crate) purposes: Vec<Purpose>,
    pub(crate) places: u32,
    pub(crate) until: Date,
    pub(crate) sponsor: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) organisation: u8,
    pub(crate) staff: u16,
    pub(crate) group: u16,
    pub(crate) standing: PersonStanding,
    pub(crate) vetting_on: Date,
    pub(crate) recertified_on: Date,
    pub(crate) let_in_by: Option<u16>,
    pub(crate) code: Option<u16>,
    pub(crate) tokens: Vec<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) person: u16,
    pub(crate) organisation: u8,
    pub(crate) issued_on: Date,
    pub(crate) used_on: Date,
    pub(crate) valid_until: Date,
    pub(crate) standing: Standing,
    pub(crate) custody: Custody,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) person: u16,
    pub(crate) organisation: u8,
    pub(crate) until: Timestamp,
    pub(crate) state: CodeState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CodeState {
    Open,
    Redeemed(u16),
    Void,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proposal {
    pub(crate) proposer: u16,
    pub(crate) until: Timestamp,
    pub(crate) state: ProposalState,
    pub(crate) change: Change,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The group, and what it is to be.
    Open(u16, Group),
    Widen(u16, Group),
    /// The organisation, and its last day.
    Extend(u8, Date),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProposalState {
    Open,
    Approved(u16),
    Withdrawn,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct System {
    pub(crate) organisation: u8,
    pub(crate) standing: Standing,
    pub(crate) certificates: Vec<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) system: u16,
    pub(crate) until: Timestamp,
    pub(crate) standing: Standing,
    /// Whether the system itself asked for it.
    pub(crate) is_renewal: bool,
}

/// What can be read back from the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Register {
    pub(crate) groups: BTreeMap<u16, Group>,
    pub(crate) members: BTreeMap<u16, Vec<u16>>,
    pub(crate) people: BTreeMap<u16, Person>,
    pub(crate) tokens: BTreeMap<u16, Token>,
    pub(crate) codes: BTreeMap<u16, Code>,
    pub(crate) proposals: BTreeMap<u16, Proposal>,
    /// The last day of each organisation's legal authority.
    pub(crate) organisations: BTreeMap<u8, Date>,
    pub(crate) systems: BTreeMap<u16, System>,
    pub(crate) certificates: BTreeMap<u16, Certificate>,
}

/// The register as it should be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) register: Register,
    /// How often each group was written.
    changes: BTreeMap<u16, u32>,
    organisation_changes: BTreeMap<u8, u32>,
    /// Of each widening, how often the group had been written when it was proposed; and likewise of
    /// an organisation.
    bases: BTreeMap<u16, u32>,
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Done,
    Refused(Outcome),
    Unidentified(Outcome),
    /// There is nobody to be recovered.
    NotNeeded,
    Failed,
}

/// Who may do it, by role alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    Administrators,
    Askers,
    Everybody,
}

impl Asks {
    pub(crate) fn purposes(self, role: Role) -> Vec<Purpose> {
        let all = purposes_of(role);
        match self {
            Self::All => all,
            Self::One => all.into_iter().take(1).collect(),
            Self::Nothing => Vec::new(),
            Self::Wrong => vec![Purpose::AuditInvestigation],
        }
    }
}

/// All that is there but the two who confirm the clock.
fn others<T>(of: &BTreeMap<u16, T>) -> Vec<u16> {
    of.keys().copied().filter(|name| ![10, 11].contains(name)).collect()
}

impl Register {
    /// Whether nobody, by staff reference, let both of these in, directly or through others, nor is
    /// one of them and let the other in.
    pub(crate) fn are_independent(&self, one: u16, other: u16) -> bool {
        let (one, other) = (self.came_through(one), self.came_through(other));
        one.is_disjoint(&other)
    }

    fn came_through(&self, person: u16) -> BTreeSet<(u8, u16)> {
        let people = iter::successors(Some(person), |person| self.people[person].let_in_by);
        people
            .map(|person| (self.people[&person].organisation, self.people[&person].staff))
            .collect()
    }
}

impl Model {
    pub(crate) fn of(register: Register) -> Self {
        Self { register, ..Self::default() }
    }

    pub(crate) fn people(&self) -> Vec<u16> {
        others(&self.register.people)
    }

    pub(crate) fn groups(&self) -> Vec<u16> {
        others(&self.register.groups)
    }

    pub(crate) fn tokens(&self) -> Vec<u16> {
        others(&self.register.tokens)
    }

    pub(crate) fn suspended_people(&self) -> Vec<u16> {
        let mut people = self.people();
        people.retain(|name| self.register.people[name].standing == PersonStanding::Suspended);
        people
    }

    /// Those who have none that is out.
    pub(crate) fn without_token(&self) -> Vec<u16> {
        let is_out = |token: &u16| self.register.tokens[token].custody == Custody::Out;
        let mut people = self.people();
        people.retain(|name| !self.register.people[name].tokens.iter().any(is_out));
        people
    }

    pub(crate) fn suspended_tokens(&self) -> Vec<u16> {
        let mut tokens = self.tokens();
        tokens.retain(|name| self.register.tokens[name].standing == Standing::Suspended);
        tokens
    }

    pub(crate) fn codes(&self) -> Vec<u16> {
        self.register.codes.keys().copied().collect()
    }

    pub(crate) fn proposals(&self) -> Vec<u16> {
        self.register.proposals.keys().copied().collect()
    }

    pub(crate) fn changes(&self, group: u16) -> u32 {
        self.changes.get(&group).copied().unwrap_or(0)
    }

    pub(crate) fn organisation_changes(&self, organisation: u8) -> u32 {
        self.organisation_changes.get(&organisation).copied().unwrap_or(0)
    }

    pub(crate) fn systems(&self) -> Vec<u16> {
        self.register.systems.keys().copied().collect()
    }

    pub(crate) fn suspended_systems(&self) -> Vec<u16> {
        let mut systems = self.systems();
        systems.retain(|name| self.register.systems[name].standing == Standing::Suspended);
        systems
    }

    pub(crate) fn certificates(&self) -> Vec<u16> {
        self.register.certificates.keys().copied().collect()
    }

    /// Whether a system that this certificate names may come with it.
    pub(crate) fn certificate_counts(&self, name: u16, now: Timestamp) -> bool {
        self.register.certificates.get(&name).is_some_and(|certificate| {
            certificate.standing == Standing::Active && certificate.until > now
        })
    }

    /// The newest certificate with which a system of the organisation may come; an old one if there
    /// is none.
    pub(crate) fn certificate_of(&self, organisation: u8, now: Timestamp) -> u16 {
        let all = self.register.certificates.iter().rev();
        let mut own = all
            .map(|(name, certificate)| (*name, certificate.system))
            .filter(|(_, system)| self.register.systems[system].organisation == organisation);
        let counts = |(name, system): &(u16, u16)| {
            let is_active = self.register.systems[system].standing == Standing::Active;
            is_active && self.certificate_counts(*name, now)
        };
        own.clone().find(counts).or_else(|| own.next()).expect("each had one at first").0
    }

    /// One of the first three who administer, or if that one can no longer, of all who do.
    pub(crate) fn administrator(&self, drawn: u16) -> u16 {
        let of = &self.register;
        let can = |name: &u16| {
            let person = &of.people[name];
            person.standing == PersonStanding::Active
                && of.groups[&person.group].role == Role::AdminOnboarding
        };
        let first = drawn % 3;
        let others: Vec<u16> = of.people.keys().copied().filter(can).collect();
        if can(&first) || others.is_empty() {
            first
        } else {
            others[usize::from(drawn) % others.len()]
        }
    }

    pub(crate) fn last_token(&self, person: u16) -> Option<u16> {
        self.register.people.get(&person)?.tokens.last().copied()
    }
}

impl Op {
    /// Who does it, and for whom it is. A code is redeemed by a system.
    pub(crate) fn by(&self) -> Option<(By, For)> {
        match *self {
            Self::Open { by, .. }
            | Self::Widen { by, .. }
            | Self::Approve { by, .. }
            | Self::Withdraw { by, .. }
            | Self::Narrow { by, .. }
            | Self::Invite { by, .. }
            | Self::Conditions { by, .. }
            | Self::Move { by, .. }
            | Self::Suspend { by, .. }
            | Self::Resume { by, .. }
            | Self::Remove { by, .. }
            | Self::IssueCode { by, .. }
            | Self::Custody { by, .. }
            | Self::SuspendToken { by, .. }
            | Self::ResumeToken { by, .. }
            | Self::Extend { by, .. }
            | Self::Admit { by, .. }
            | Self::Issue { by, .. }
            | Self::Revoke { by, .. }
            | Self::SuspendSystem { by, .. }
            | Self::ResumeSystem { by, .. } => Some((by, For::Administrators)),
            Self::Recertify { by, .. } | Self::Renew { by, .. } => Some((by, For::Everybody)),
            Self::Ask { by, .. } => Some((by, For::Askers)),
            Self::Redeem { .. }
            | Self::Next { .. }
            | Self::Recover { .. }
            | Self::Days(_)
            | Self::Restart
            | Self::Turn
            | Self::AtOnce(..) => None,
        }
    }

    /// Whose record it changes.
    pub(crate) fn person(&self) -> Option<u16> {
        match *self {
            Self::Conditions { person, .. }
            | Self::Move { person, .. }
            | Self::Suspend { person, .. }
            | Self::Resume { person, .. }
            | Self::Remove { person, .. }
            | Self::IssueCode { person, .. } => Some(person),
            _ => None,
        }
    }
}
