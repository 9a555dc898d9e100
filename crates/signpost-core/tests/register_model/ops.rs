//! The operations, and how what was drawn is made out to what there is.

use jiff::Timestamp;
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

/// Who does it: drawn by kind and number, made out to a token and the certificate it comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Admin(u16),
    Anyone(u16),
    /// Whoever sponsors the group of the person it is about.
    Sponsor,
    Token(u16, u16),
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
        over: u16,
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
    Extend {
        by: By,
        name: u16,
        organisation: u8,
        base: u32,
        days: i64,
    },
    Admit {
        by: By,
        system: u16,
        certificate: u16,
        days: i64,
    },
    Issue {
        by: By,
        system: u16,
        certificate: u16,
    },
    /// A system's own next certificate.
    Next {
        over: u16,
        certificate: u16,
    },
    Revoke {
        by: By,
        certificate: u16,
    },
    SuspendSystem {
        by: By,
        system: u16,
    },
    ResumeSystem {
        by: By,
        system: u16,
    },
    /// Two administrators, by whoever has the machine.
    Recover {
        organisation: u8,
        group: u16,
        people: Vec<Row>,
        system: Option<u16>,
        lost: Vec<u16>,
        days: i64,
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
pub(super) const USED: u16 = 0;

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
    fn make_out(&mut self, model: &Model, now: Timestamp, about: Option<u16>) {
        let register = &model.register;
        let token = match *self {
            Self::Admin(drawn) => model.last_token(model.administrator(drawn)),
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
        let certificate = match *self {
            Self::Anyone(drawn) if drawn % 32 == 31 => model.certificate_of(3 - at_home, now),
            Self::Anyone(drawn) if drawn % 16 == 15 => pick(&model.certificates(), drawn),
            _ => model.certificate_of(at_home, now),
        };
        *self = Self::Token(token, certificate);
    }
}

impl Op {
    /// What it would call the proposal that it makes.
    pub(crate) fn proposes(&self) -> Option<u16> {
        match *self {
            Self::Open { name, .. } | Self::Widen { name, .. } | Self::Extend { name, .. } => {
                Some(name)
            }
            _ => None,
        }
    }

    /// Says which of what there is each number means.
    pub(crate) fn make_out(&mut self, model: &Model, now: Timestamp, fresh: &mut Fresh) {
        let (people, groups, codes, proposals) =
            (model.people(), model.groups(), model.codes(), model.proposals());
        match self {
            Self::Open { by, name, group, sponsor, .. } => {
                by.make_out(model, now, None);
                (*name, *group) = (fresh.next(), fresh.next());
                *sponsor = sponsor.map(|drawn| pick(&people, drawn));
            }
            Self::Widen { by, name, group, base, sponsor, .. } => {
                by.make_out(model, now, None);
                *name = fresh.next();
                *group = pick(&groups, *group);
                *base = if *base == 0 { u32::MAX } else { model.changes(*group) };
                *sponsor = sponsor.map(|drawn| pick(&people, drawn));
            }
            Self::Approve { by, proposal } | Self::Withdraw { by, proposal } => {
                by.make_out(model, now, None);
                *proposal = pick_late(&proposals, *proposal);
            }
            Self::Narrow { by, group, .. } => {
                by.make_out(model, now, None);
                *group = pick(&groups, *group);
            }
            Self::Invite { by, group, people, .. } => {
                by.make_out(model, now, None);
                *group = pick(&groups, *group);
                for row in people {
                    row.code = new_or(&codes, row.code, fresh);
                }
            }
            Self::Ask { by, .. } => by.make_out(model, now, None),
            Self::AtOnce(one, other) => {
                one.make_out(model, now, fresh);
                other.make_out(model, now, fresh);
            }
            Self::Days(_) | Self::Restart | Self::Turn => {}
            Self::Extend { .. }
            | Self::Admit { .. }
            | Self::Issue { .. }
            | Self::Next { .. }
            | Self::Revoke { .. }
            | Self::SuspendSystem { .. }
            | Self::ResumeSystem { .. } => self.make_out_connection(model, now, fresh),
            Self::Recover { group, people, system, lost, .. } => {
                *group = fresh.next();
                for row in people {
                    row.code = new_or(&codes, row.code, fresh);
                }
                *system = system.map(|drawn| new_or(&model.certificates(), drawn, fresh));
                for person in lost {
                    *person = model.administrator(*person);
                }
            }
            _ => self.make_out_person_or_token(model, now, fresh),
        }
    }

    /// What lets an organisation connect.
    fn make_out_connection(&mut self, model: &Model, now: Timestamp, fresh: &mut Fresh) {
        let (systems, certificates) = (model.systems(), model.certificates());
        match self {
            Self::Extend { by, name, organisation, base, .. } => {
                by.make_out(model, now, None);
                *name = fresh.next();
                let changes = model.organisation_changes(*organisation);
                *base = if *base == 0 { u32::MAX } else { changes };
            }
            Self::Admit { by, system, certificate, .. }
            | Self::Issue { by, system, certificate } => {
                by.make_out(model, now, None);
                *system = pick(&systems, *system);
                *certificate = new_or(&certificates, *certificate, fresh);
            }
            Self::Next { over, certificate } => {
                *over = pick(&certificates, *over);
                *certificate = new_or(&certificates, *certificate, fresh);
            }
            Self::Revoke { by, certificate } => {
                by.make_out(model, now, None);
                *certificate = pick(&certificates, *certificate);
            }
            Self::SuspendSystem { by, system } => {
                by.make_out(model, now, None);
                *system = pick(&systems, *system);
            }
            Self::ResumeSystem { by, system } => {
                by.make_out(model, now, None);
                *system = pick_of(&model.suspended_systems(), &systems, *system);
            }
            _ => panic!("{self:?} lets nobody connect"),
        }
    }

    fn make_out_person_or_token(&mut self, model: &Model, now: Timestamp, fresh: &mut Fresh) {
        let (people, groups, tokens, codes) =
            (model.people(), model.groups(), model.tokens(), model.codes());
        match self {
            Self::Move { by, person, group } => {
                by.make_out(model, now, None);
                *person = pick(&people, *person);
                *group = pick(&groups, *group);
            }
            Self::Conditions { by, person, .. }
            | Self::Suspend { by, person }
            | Self::Remove { by, person }
            | Self::Recertify { by, person } => {
                *person = pick(&people, *person);
                by.make_out(model, now, Some(*person));
            }
            Self::Resume { by, person } => {
                by.make_out(model, now, None);
                *person = pick_of(&model.suspended_people(), &people, *person);
            }
            Self::IssueCode { by, person, code } => {
                by.make_out(model, now, None);
                *person = pick_of(&model.without_token(), &people, *person);
                *code = new_or(&codes, *code, fresh);
            }
            Self::Redeem { code, token, over } => {
                *code = pick_late(&codes, *code);
                *token = new_or(&tokens, *token, fresh);
                let at_home = model.register.codes.get(code).map_or(1, |code| code.organisation);
                let organisation = if *over == 0 { 3 - at_home } else { at_home };
                *over = model.certificate_of(organisation, now);
            }
            Self::Renew { by, token } => {
                by.make_out(model, now, None);
                *token = new_or(&tokens, *token, fresh);
            }
            Self::ResumeToken { by, token } => {
                by.make_out(model, now, None);
                *token = pick_of(&model.suspended_tokens(), &tokens, *token);
            }
            Self::Custody { by, token, .. } | Self::SuspendToken { by, token } => {
                by.make_out(model, now, None);
                *token = pick(&tokens, *token);
            }
            _ => panic!("{self:?} is about neither"),
        }
    }
}
