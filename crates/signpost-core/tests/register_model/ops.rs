//! The operations: drawn at random, and then made out to what there is.

use proptest::prelude::*;
use signpost_core::faulty::Fault;
use signpost_core::terms::{Custody, Purpose, Role};

use super::Model;

/// One operation, and what befalls it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) op: Op,
    pub(crate) mishap: Option<Mishap>,
}

/// What may befall an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mishap {
    /// Its commit fails.
    Fault(Fault),
    /// The power is cut so many operations of the disk later, and then the service starts anew.
    PowerCut(u64),
}

/// Who does it: drawn by kind and number, made out to a token at a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Admin(u16),
    Anyone(u16),
    /// Whoever sponsors the group of the person it is about.
    Sponsor,
    Token(u16, u8),
}

/// Drawn, every number picks among what there is; made out, it is what a thing is called in the
/// model.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Open {
        by: By,
        name: u16,
        group: u16,
        organisation: u8,
        role: Role,
        purposes: Asks,
        places: u32,
        days: i64,
        sponsor: Option<u16>,
    },
    Widen {
        by: By,
        name: u16,
        group: u16,
        base: u32,
        purposes: Asks,
        places: u32,
        days: i64,
        sponsor: Option<u16>,
    },
    Approve {
        by: By,
        proposal: u16,
    },
    Withdraw {
        by: By,
        proposal: u16,
    },
    Narrow {
        by: By,
        group: u16,
        purposes: Asks,
        places: u32,
        days: i64,
    },
    Invite {
        by: By,
        group: u16,
        people: Vec<Row>,
        dry_run: bool,
    },
    Conditions {
        by: By,
        person: u16,
        vetted_days_ago: i64,
    },
    Move {
        by: By,
        person: u16,
        group: u16,
    },
    Suspend {
        by: By,
        person: u16,
    },
    Resume {
        by: By,
        person: u16,
    },
    Remove {
        by: By,
        person: u16,
    },
    Recertify {
        by: By,
        person: u16,
    },
    IssueCode {
        by: By,
        person: u16,
        code: u16,
    },
    Redeem {
        code: u16,
        token: u16,
        system: u8,
    },
    Renew {
        by: By,
        token: u16,
    },
    Custody {
        by: By,
        token: u16,
        custody: Custody,
    },
    SuspendToken {
        by: By,
        token: u16,
    },
    ResumeToken {
        by: By,
        token: u16,
    },
    Ask {
        by: By,
        purpose: Purpose,
    },
    Days(i64),
    Restart,
    Turn,
    AtOnce(Box<Op>, Box<Op>),
}

/// Somebody to be invited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) staff: u16,
    pub(crate) code: u16,
    pub(crate) vetted_days_ago: i64,
}

/// What a group is to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// All that the policy gives its role.
    All,
    /// The first of it.
    One,
    /// Nothing.
    Nothing,
    /// What the policy does not give it.
    Wrong,
}

/// A number that is nobody's.
pub(crate) const NOBODY: u16 = 9_999;

/// Drawn: something that was used before, in place of something new.
const USED: u16 = 0;

/// What new things are called next.
#[derive(Debug)]
pub(crate) struct Fresh(u16);

impl Fresh {
    pub(crate) fn new() -> Self {
        Self(100)
    }

    /// What was last handed out.
    pub(crate) fn last(&self) -> u16 {
        self.0
    }

    fn next(&mut self) -> u16 {
        self.0 += 1;
        self.0
    }
}

fn pick(of: &[u16], drawn: u16) -> u16 {
    let is_known = !of.is_empty() && drawn % 16 != 15;
    if is_known { of[usize::from(drawn) % of.len()] } else { NOBODY }
}

/// Of the last few alone: of what is long over there is soon more than enough.
fn pick_late(of: &[u16], drawn: u16) -> u16 {
    pick(&of[of.len().saturating_sub(4)..], drawn)
}

/// One of these, if there is any, and every fourth time one of all.
fn pick_of(these: &[u16], all: &[u16], drawn: u16) -> u16 {
    if these.is_empty() || drawn.is_multiple_of(4) { pick(all, drawn) } else { pick(these, drawn) }
}

/// Something new, or now and then something of before.
fn new_or(of: &[u16], drawn: u16, fresh: &mut Fresh) -> u16 {
    if drawn == USED && !of.is_empty() { of[of.len() - 1] } else { fresh.next() }
}

impl By {
    fn make_out(&mut self, model: &Model, about: Option<u16>) {
        let register = &model.register;
        let token = match *self {
            Self::Admin(drawn) => model.last_token(drawn % 3),
            Self::Anyone(drawn) => Some(pick(&model.tokens(), drawn)),
            Self::Sponsor => {
                let person = about.and_then(|person| register.people.get(&person));
                let sponsor = person.and_then(|person| register.groups[&person.group].sponsor);
                sponsor.and_then(|sponsor| model.last_token(sponsor))
            }
            Self::Token(token, _) => Some(token),
        };
        let token = token.unwrap_or(NOBODY);
        let at_home = register.tokens.get(&token).map_or(1, |token| token.organisation);
        let elsewhere = matches!(self, Self::Anyone(drawn) if *drawn % 32 == 31);
        *self = Self::Token(token, if elsewhere { 3 - at_home } else { at_home });
    }
}

impl Op {
    /// What it would call the proposal that it makes.
    pub(crate) fn proposes(&self) -> Option<u16> {
        match *self {
            Self::Open { name, .. } | Self::Widen { name, .. } => Some(name),
            _ => None,
        }
    }

    /// Says which of what there is each number means.
    pub(crate) fn make_out(&mut self, model: &Model, fresh: &mut Fresh) {
        let (people, groups, codes, proposals) =
            (model.people(), model.groups(), model.codes(), model.proposals());
        match self {
            Self::Open { by, name, group, sponsor, .. } => {
                by.make_out(model, None);
                (*name, *group) = (fresh.next(), fresh.next());
                *sponsor = sponsor.map(|drawn| pick(&people, drawn));
            }
            Self::Widen { by, name, group, base, sponsor, .. } => {
                by.make_out(model, None);
                *name = fresh.next();
                *group = pick(&groups, *group);
                *base = if *base == 0 { u32::MAX } else { model.changes(*group) };
                *sponsor = sponsor.map(|drawn| pick(&people, drawn));
            }
            Self::Approve { by, proposal } | Self::Withdraw { by, proposal } => {
                by.make_out(model, None);
                *proposal = pick_late(&proposals, *proposal);
            }
            Self::Narrow { by, group, .. } => {
                by.make_out(model, None);
                *group = pick(&groups, *group);
            }
            Self::Invite { by, group, people, .. } => {
                by.make_out(model, None);
                *group = pick(&groups, *group);
                for row in people {
                    row.code = new_or(&codes, row.code, fresh);
                }
            }
            Self::Ask { by, .. } => by.make_out(model, None),
            Self::AtOnce(one, other) => {
                one.make_out(model, fresh);
                other.make_out(model, fresh);
            }
            Self::Days(_) | Self::Restart | Self::Turn => {}
            _ => self.make_out_person_or_token(model, fresh),
        }
    }

    fn make_out_person_or_token(&mut self, model: &Model, fresh: &mut Fresh) {
        let (people, groups, tokens, codes) =
            (model.people(), model.groups(), model.tokens(), model.codes());
        match self {
            Self::Move { by, person, group } => {
                by.make_out(model, None);
                *person = pick(&people, *person);
                *group = pick(&groups, *group);
            }
            Self::Conditions { by, person, .. }
            | Self::Suspend { by, person }
            | Self::Remove { by, person }
            | Self::Recertify { by, person } => {
                *person = pick(&people, *person);
                by.make_out(model, Some(*person));
            }
            Self::Resume { by, person } => {
                by.make_out(model, None);
                *person = pick_of(&model.suspended_people(), &people, *person);
            }
            Self::IssueCode { by, person, code } => {
                by.make_out(model, None);
                *person = pick_of(&model.without_token(), &people, *person);
                *code = new_or(&codes, *code, fresh);
            }
            Self::Redeem { code, token, system } => {
                *code = pick_late(&codes, *code);
                *token = new_or(&tokens, *token, fresh);
                let at_home = model.register.codes.get(code).map_or(1, |code| code.organisation);
                *system = if *system == 0 { 3 - at_home } else { at_home };
            }
            Self::Renew { by, token } => {
                by.make_out(model, None);
                *token = new_or(&tokens, *token, fresh);
            }
            Self::ResumeToken { by, token } => {
                by.make_out(model, None);
                *token = pick_of(&model.suspended_tokens(), &tokens, *token);
            }
            Self::Custody { by, token, .. } | Self::SuspendToken { by, token } => {
                by.make_out(model, None);
                *token = pick(&tokens, *token);
            }
            _ => panic!("{self:?} is about neither"),
        }
    }
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fault = prop::sample::select(vec![Fault::Refuses, Fault::DoesItAndFails, Fault::Dies]);
    let after = prop_oneof![3 => 0..5_u64, 1 => 5..60_u64];
    let mishap =
        prop_oneof![2 => fault.prop_map(Mishap::Fault), 1 => after.prop_map(Mishap::PowerCut)];
    let step = (op(), prop::option::weighted(0.15, mishap));
    prop::collection::vec(step.prop_map(|(op, mishap)| Step { op, mishap }), 1..80)
}

fn op() -> BoxedStrategy<Op> {
    let at_once =
        (change(), change()).prop_map(|(one, other)| Op::AtOnce(Box::new(one), Box::new(other)));
    // Two at once about the same group: the last place is among them.
    let last_place =
        (admin(), admin(), drawn(), row(), row()).prop_map(|(one, other, group, first, second)| {
            let invite =
                |by, row| Box::new(Op::Invite { by, group, people: vec![row], dry_run: false });
            Op::AtOnce(invite(one, first), invite(other, second))
        });
    prop_oneof![
        30 => change(),
        6 => ask(),
        3 => prop_oneof![6 => 1..15_i64, 1 => 15..70_i64].prop_map(Op::Days),
        1 => Just(Op::Restart),
        1 => Just(Op::Turn),
        3 => at_once,
        2 => last_place,
    ]
    .boxed()
}

/// Boxed: together the strategies are too large for a stack.
fn change() -> BoxedStrategy<Op> {
    prop_oneof![8 => access(), 12 => about_people(), 9 => about_tokens()].boxed()
}

fn drawn() -> impl Strategy<Value = u16> {
    0..256_u16
}

fn admin() -> impl Strategy<Value = By> {
    prop_oneof![8 => (0..3_u16).prop_map(By::Admin), 1 => drawn().prop_map(By::Anyone)]
}

/// 0 is drawn now and then.
fn seldom_used() -> impl Strategy<Value = u16> {
    prop_oneof![1 => Just(USED), 9 => Just(1)]
}

fn row() -> impl Strategy<Value = Row> {
    let vetted = prop_oneof![20 => 0..900_i64, 3 => 1_000..1_110_i64, 1 => -2..0_i64];
    (0..20_u16, seldom_used(), vetted).prop_map(|(staff, code, vetted_days_ago)| Row {
        staff,
        code,
        vetted_days_ago,
    })
}

fn asks() -> impl Strategy<Value = Asks> {
    let seldom = prop::sample::select(vec![Asks::One, Asks::Nothing, Asks::Wrong]);
    prop_oneof![4 => Just(Asks::All), 2 => seldom]
}

fn access() -> BoxedStrategy<Op> {
    let places = || prop_oneof![12 => 1..8_u32, 1 => Just(0), 1 => Just(501)];
    let days = || prop_oneof![6 => 20..400_i64, 1 => -3..20_i64];
    let sponsor = || prop::option::weighted(0.7, drawn());
    let roles = vec![
        Role::SocialWorker,
        Role::SocialWorkManager,
        Role::NamedNurseDoctor,
        Role::Dsl,
        Role::AdminOnboarding,
        Role::Auditor,
    ];
    let group = (1..3_u8, prop::sample::select(roles), asks(), places(), days(), sponsor());
    let open =
        (admin(), group).prop_map(|(by, (organisation, role, purposes, places, days, sponsor))| {
            Op::Open { by, name: 0, group: 0, organisation, role, purposes, places, days, sponsor }
        });
    let base = prop_oneof![1 => Just(0), 9 => Just(1)];
    let widening = (drawn(), base, asks(), places(), days(), sponsor());
    let widen =
        (admin(), widening).prop_map(|(by, (group, base, purposes, places, days, sponsor))| {
            Op::Widen { by, name: 0, group, base, purposes, places, days, sponsor }
        });
    let narrow = (admin(), drawn(), asks(), places(), days()).prop_map(
        |(by, group, purposes, places, days)| Op::Narrow { by, group, purposes, places, days },
    );
    let approve = (admin(), drawn()).prop_map(|(by, proposal)| Op::Approve { by, proposal });
    let withdraw = (admin(), drawn()).prop_map(|(by, proposal)| Op::Withdraw { by, proposal });
    prop_oneof![4 => open, 3 => widen, 8 => approve, 1 => withdraw, 1 => narrow].boxed()
}

fn about_people() -> BoxedStrategy<Op> {
    let invite = (
        admin(),
        drawn(),
        prop_oneof![12 => 1..3_usize, 1 => 3..5_usize, 1 => Just(0)]
            .prop_flat_map(|rows| prop::collection::vec(row(), rows)),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(by, group, people, dry_run)| Op::Invite { by, group, people, dry_run });
    let recorded = (admin(), drawn(), row()).prop_map(|(by, person, row)| Op::Conditions {
        by,
        person,
        vetted_days_ago: row.vetted_days_ago,
    });
    let moved =
        (admin(), drawn(), drawn()).prop_map(|(by, person, group)| Op::Move { by, person, group });
    let suspend = (admin(), drawn()).prop_map(|(by, person)| Op::Suspend { by, person });
    let resume = (admin(), drawn()).prop_map(|(by, person)| Op::Resume { by, person });
    let remove = (admin(), drawn()).prop_map(|(by, person)| Op::Remove { by, person });
    let sponsor = prop_oneof![3 => Just(By::Sponsor), 1 => drawn().prop_map(By::Anyone)];
    let recertify = (sponsor, drawn()).prop_map(|(by, person)| Op::Recertify { by, person });
    prop_oneof![
        6 => invite,
        2 => recorded,
        3 => moved,
        1 => suspend,
        3 => resume,
        1 => remove,
        3 => recertify,
    ]
    .boxed()
}

fn about_tokens() -> BoxedStrategy<Op> {
    let issue = (admin(), drawn(), seldom_used()).prop_map(|(by, person, code)| Op::IssueCode {
        by,
        person,
        code,
    });
    let system = prop_oneof![1 => Just(0_u8), 15 => Just(1)];
    let redeem = (drawn(), seldom_used(), system).prop_map(|(code, token, system)| Op::Redeem {
        code,
        token,
        system,
    });
    let renew =
        (drawn(), seldom_used()).prop_map(|(by, token)| Op::Renew { by: By::Anyone(by), token });
    let custody = (admin(), drawn(), prop::sample::select(Custody::ALL))
        .prop_map(|(by, token, custody)| Op::Custody { by, token, custody });
    let suspend = (admin(), drawn()).prop_map(|(by, token)| Op::SuspendToken { by, token });
    let resume = (admin(), drawn()).prop_map(|(by, token)| Op::ResumeToken { by, token });
    prop_oneof![3 => issue, 7 => redeem, 2 => renew, 3 => custody, 1 => suspend, 2 => resume]
        .boxed()
}

fn ask() -> BoxedStrategy<Op> {
    let purposes = vec![Purpose::S47Enquiry, Purpose::CaseReview, Purpose::EmergencyCareAttendance];
    (drawn(), prop::sample::select(purposes))
        .prop_map(|(by, purpose)| Op::Ask { by: By::Anyone(by), purpose })
        .boxed()
}
