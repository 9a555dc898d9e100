//! The directory that is compared with the model, and its register read back from the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, ToSpan};
use signpost_core::directory::onboarding as onboard;
use signpost_core::directory::{
    ClockConfirmation, Directory, MayNotDestroy, Presented, Question, TurnError,
};
use signpost_core::entry::Entry;
use signpost_core::faulty::FaultyStore;
use signpost_core::id::{
    ActorId, GroupId, PersonId, ProposalId, Receipt, RequestId, TeamId, TokenId,
};
use signpost_core::permit::PRACTITIONERS;
use signpost_core::policy::Policy;
use signpost_core::record::Registered;
use signpost_core::refusal::Refusal;
use signpost_core::register as core;
use signpost_core::register::{PersonStanding, ProposedChange, Standing};
use signpost_core::store::Store;
use signpost_core::terms::{Action, Custody, Purpose, Relationship, Role};
use signpost_core::testing::{ManualClock, Register, SeededEntropy};
use signpost_core::text::StaffReference;
use signpost_core::token::{CodeHash, EnrolmentCode, Token as Secret, TokenHash};

use super::council::{
    EAST, EASTVALE, LAST_DAY, NO_LIMIT, NORTH, NORTHFIELD, at_system, certificate, child,
    conditions, hours, org, organisation, purposes_of, system, text,
};
use super::home::Home;
use super::ops::{By, Fresh, NOBODY, Op};
use super::{For, Group, Model, Said};

/// The directory, its store, and what the model calls each thing.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) directory: Directory,
    pub(crate) faulty: Arc<FaultyStore>,
    pub(crate) model: Model,
    pub(crate) fresh: Fresh,
    pub(super) home: Box<dyn Home>,
    pub(super) store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    starts: u64,
    requests: u64,
    checks: usize,
    known: u16,
    pub(super) codes: BTreeMap<CodeHash, u16>,
    pub(super) secrets: BTreeMap<TokenHash, u16>,
    pub(super) proposals: BTreeMap<u16, ProposalId>,
    /// A proposal of which nobody was told whether it was made.
    pub(super) in_flight: Option<u16>,
    pub(super) ids: Ids,
    /// The groups of the first light, which nobody proposed.
    pub(super) first: BTreeMap<u16, Group>,
}

/// What the store calls each thing, as of the last look.
#[derive(Debug, Default)]
pub(super) struct Ids {
    pub(super) people: BTreeMap<u16, PersonId>,
    pub(super) groups: BTreeMap<u16, (GroupId, Receipt)>,
    pub(super) tokens: BTreeMap<u16, TokenId>,
}

/// Each in one of these groups: role, places, sponsor, organisation.
const GROUPS: [(u16, Role, u32, Option<u16>, u8); 8] = [
    (0, Role::AdminOnboarding, 3, Some(3), NORTHFIELD),
    (1, Role::AdminOnboarding, 2, None, NORTHFIELD),
    (2, Role::SocialWorkManager, 2, Some(0), NORTHFIELD),
    (3, Role::SocialWorker, 5, Some(3), NORTHFIELD),
    (4, Role::NamedNurseDoctor, 4, Some(2), EASTVALE),
    (5, Role::Auditor, 2, Some(3), NORTHFIELD),
    (10, Role::PurgeOperator, 1, None, NORTHFIELD),
    (11, Role::PurgeApprover, 1, None, NORTHFIELD),
];

/// Who is in which group at first.
const PEOPLE: [(u16, u16); 11] =
    [(0, 0), (1, 0), (2, 1), (3, 2), (4, 3), (5, 3), (6, 4), (7, 4), (8, 5), (10, 10), (11, 11)];

/// Those who stay in order for ever: the first administrators, and those who confirm the clock.
const EVERGREEN: [u16; 5] = [0, 1, 2, 10, 11];

fn secret<const N: usize>(number: u16) -> [u8; N] {
    let [high, low] = number.to_be_bytes();
    std::array::from_fn(|index| if index % 2 == 0 { high } else { low })
}

fn token(number: u16) -> Secret {
    Secret::new(secret(number))
}

fn code(number: u16) -> EnrolmentCode {
    EnrolmentCode::new(secret(number))
}

pub(super) fn staff(number: u16) -> StaffReference {
    text(&format!("S{number}"))
}

/// Whose name it is, told by its first day: no two have the same.
fn first_day(group: u16) -> Date {
    date(2026, 6, 1).saturating_sub(i64::from(group).days())
}

pub(super) fn named(group: Date) -> u16 {
    u16::try_from((date(2026, 6, 1) - group).get_days()).unwrap()
}

fn id(number: u16) -> [u8; 16] {
    secret(number + 1)
}

/// Those of the first light.
pub(super) fn first_people() -> BTreeMap<PersonId, u16> {
    PEOPLE.iter().map(|(name, _)| (PersonId::new(id(*name)), *name)).collect()
}

fn team_of(organisation: u8) -> TeamId {
    if organisation == NORTHFIELD { NORTH } else { EAST }
}

fn first_light(today: Date) -> Register {
    let systems = [NORTHFIELD, EASTVALE];
    let group = |&(name, role, members_max, sponsor, of): &(u16, Role, u32, Option<u16>, u8)| {
        let until = if EVERGREEN.contains(&name) { LAST_DAY } else { date(2027, 6, 15) };
        core::Group {
            id: GroupId::new(id(name)),
            organisation: org(of),
            team: team_of(of),
            role,
            purposes: purposes_of(role),
            members_max,
            valid_from: first_day(name),
            valid_until: until,
            sponsor: sponsor.map(|sponsor| PersonId::new(id(sponsor))),
        }
    };
    let organisation_of = |group: u16| {
        let (.., of) = GROUPS.iter().find(|(name, ..)| *name == group).unwrap();
        org(*of)
    };
    let in_order = |name| if EVERGREEN.contains(&name) { LAST_DAY } else { today };
    let person = |&(name, group): &(u16, u16)| core::Person {
        id: PersonId::new(id(name)),
        actor: ActorId::new(id(name)),
        organisation: organisation_of(group),
        staff: staff(50 + name),
        group: GroupId::new(id(group)),
        standing: PersonStanding::Active,
        conditions: conditions(in_order(name)),
        recertified_on: in_order(name),
        let_in_by: None,
        code: None,
        tokens: Vec::new(),
    };
    let token = |&(name, group): &(u16, u16)| core::TokenRecord {
        hash: token(name).hash(),
        id: TokenId::new(id(name)),
        person: PersonId::new(id(name)),
        organisation: organisation_of(group),
        used_on: in_order(name),
        valid_until: LAST_DAY,
        standing: Standing::Active,
        custody: Custody::Out,
    };
    Register {
        organisations: vec![
            organisation(NORTHFIELD, "NFC", "Northfield Council"),
            organisation(EASTVALE, "RX1", "Eastvale Hospital Trust"),
        ],
        teams: systems
            .map(|of| core::Team {
                id: team_of(of),
                organisation: org(of),
                name: text("Team"),
                duty_phone: text("+441632960001"),
                hours: hours(),
            })
            .to_vec(),
        systems: systems.map(system).to_vec(),
        certificates: systems.map(certificate).to_vec(),
        groups: GROUPS.iter().map(group).collect(),
        people: PEOPLE.iter().map(person).collect(),
        tokens: PEOPLE.iter().map(token).collect(),
    }
}

async fn start(
    store: &Arc<dyn Store>,
    clock: &Arc<ManualClock>,
    starts: u64,
) -> (Arc<FaultyStore>, Directory) {
    let faulty = Arc::new(FaultyStore::new(store.clone()));
    let (policy, entropy) = (Arc::new(Policy::default()), Arc::new(SeededEntropy::new(starts)));
    let directory = Directory::start(faulty.clone(), policy, clock.clone(), entropy).await;
    (faulty, directory.unwrap())
}

impl World {
    pub(crate) async fn new(mut home: Box<dyn Home>, clock: Arc<ManualClock>) -> Self {
        let store = home.open().await;
        let light = first_light(date(2026, 6, 15));
        Directory::first_light(&*store, &Policy::default(), light.into()).await.unwrap();
        let (faulty, directory) = start(&store, &clock, 1).await;
        let mut world = Self {
            directory,
            faulty,
            model: Model::default(),
            fresh: Fresh::new(),
            home,
            store,
            clock,
            starts: 1,
            requests: 0,
            checks: 0,
            known: 0,
            codes: BTreeMap::new(),
            secrets: BTreeMap::new(),
            proposals: BTreeMap::new(),
            in_flight: None,
            ids: Ids::default(),
            first: BTreeMap::new(),
        };
        world.learn();
        let register = world.read_register().await;
        world.first = register.groups.clone();
        world.model = Model::of(register);
        world
    }

    /// Remembers the hashes of all codes and tokens that were handed out.
    pub(crate) fn learn(&mut self) {
        for number in self.known..=self.fresh.last() {
            self.codes.insert(code(number).hash(), number);
            self.secrets.insert(token(number).hash(), number);
        }
        self.known = self.fresh.last() + 1;
    }

    pub(crate) fn request(&mut self) -> RequestId {
        self.requests += 1;
        RequestId::new(u128::from(self.requests).to_be_bytes())
    }

    pub(crate) fn pass_days(&self, days: i64) {
        self.clock.advance(SignedDuration::from_hours(24 * days));
    }

    pub(crate) async fn restart(&mut self) {
        self.starts += 1;
        self.store = self.home.open().await;
        (self.faulty, self.directory) = start(&self.store, &self.clock, self.starts).await;
    }

    /// Turns the store; where a start long after the last entry has put the clock in doubt, once
    /// two people have confirmed it.
    pub(crate) async fn turn(&mut self) {
        match self.directory.compact().await {
            Ok(_) => return,
            Err(TurnError::MayNot(MayNotDestroy::ClockInDoubt)) => {}
            Err(other) => panic!("{other}"),
        }
        for who in [10, 11] {
            let confirmation = Ok(ClockConfirmation { request: self.request() });
            let presented = presented(By::Token(who, NORTHFIELD));
            self.directory.confirm_clock(&presented, &confirmation).await.unwrap();
        }
        self.directory.compact().await.unwrap();
    }

    pub(crate) async fn entries(&self) -> Vec<Entry> {
        self.store.entries(Receipt(0), NO_LIMIT).await.unwrap()
    }

    fn person(&self, name: u16) -> PersonId {
        self.ids.people.get(&name).copied().unwrap_or(PersonId::new([0xFF; 16]))
    }

    fn group(&self, name: u16) -> (GroupId, Receipt) {
        self.ids.groups.get(&name).copied().unwrap_or((GroupId::new([0xFF; 16]), Receipt(0)))
    }

    fn proposal(&self, name: u16) -> ProposalId {
        self.proposals.get(&name).copied().unwrap_or(ProposalId::new([0xFF; 16]))
    }

    /// Whose token it is, and which: nobody's if the model has none of this name.
    fn token_of(&self, name: u16) -> (PersonId, TokenId) {
        let holder = self.model.register.tokens.get(&name).map_or(NOBODY, |token| token.person);
        let id = self.ids.tokens.get(&name).copied();
        (self.person(holder), id.unwrap_or(TokenId::new([0xFF; 16])))
    }

    pub(crate) async fn call(&mut self, op: &Op, request: RequestId) -> Said {
        let (said, proposal) = self.ask_for(op, request).await;
        self.note(op, proposal);
        said
    }

    pub(crate) async fn call_both(
        &mut self,
        one: (&Op, RequestId),
        other: (&Op, RequestId),
    ) -> (Said, Said) {
        self.faulty.give_way(true);
        let calls = tokio::join!(self.ask_for(one.0, one.1), self.ask_for(other.0, other.1));
        self.faulty.give_way(false);
        self.note(one.0, calls.0.1);
        self.note(other.0, calls.1.1);
        (calls.0.0, calls.1.0)
    }

    fn note(&mut self, op: &Op, proposal: Option<ProposalId>) {
        if let (Op::Open { name, .. } | Op::Widen { name, .. }, Some(id)) = (op, proposal) {
            self.proposals.insert(*name, id);
        }
    }

    async fn onboard<R: onboard::RegisterRequest>(
        &self,
        presented: &Presented,
        request: R,
    ) -> (Said, Option<ProposalId>) {
        let done = self.directory.onboard(presented, &Ok(request)).await;
        match done.as_ref().map(|written| written.result.clone()) {
            Ok(Registered::Proposal(id)) => (Said::Done, Some(id)),
            _ => (said(done.map(|_| ())), None),
        }
    }

    /// Asks the directory for it.
    #[expect(clippy::too_many_lines, reason = "one arm for each operation")]
    async fn ask_for(&self, op: &Op, request: RequestId) -> (Said, Option<ProposalId>) {
        let today = self.directory.today();
        let day = |days: i64| today.saturating_add(days.days());
        let presented = op.by().map_or_else(|| at_system(NORTHFIELD), |(by, _)| presented(by));
        let presented = &presented;
        let directory = &self.directory;
        macro_rules! onboard {
            ($request:ident { $($field:tt)* }) => {
                self.onboard(presented, onboard::$request { request, $($field)* }).await
            };
        }
        match *op {
            Op::Open { group, organisation, role, purposes, places, days, sponsor, .. } => {
                let group = core::Group {
                    id: GroupId::new([0; 16]),
                    organisation: org(organisation),
                    team: team_of(organisation),
                    role,
                    purposes: purposes.purposes(role),
                    members_max: places,
                    valid_from: first_day(group),
                    valid_until: day(days),
                    sponsor: sponsor.map(|sponsor| self.person(sponsor)),
                };
                onboard!(Propose { change: ProposedChange::OpenGroup(group) })
            }
            Op::Widen { group, base, purposes, places, days, sponsor, .. } => {
                let role = self.model.register.groups.get(&group);
                let role = role.map_or(Role::SocialWorker, |group| group.role);
                let (id, version) = self.group(group);
                let widening = core::GroupWidening {
                    group: id,
                    base: if base == u32::MAX { Receipt(u64::MAX) } else { version },
                    members_max: places,
                    valid_until: day(days),
                    purposes: purposes.purposes(role),
                    sponsor: sponsor.map(|sponsor| self.person(sponsor)),
                };
                onboard!(Propose { change: ProposedChange::WidenGroup(widening) })
            }
            Op::Approve { proposal, .. } => onboard!(Approve { proposal: self.proposal(proposal) }),
            Op::Withdraw { proposal, .. } => {
                onboard!(Withdraw { proposal: self.proposal(proposal) })
            }
            Op::Narrow { group, purposes, places, days, .. } => {
                let role = self.model.register.groups.get(&group);
                let role = role.map_or(Role::SocialWorker, |group| group.role);
                onboard!(NarrowGroup {
                    group: self.group(group).0,
                    members_max: places,
                    valid_until: day(days),
                    purposes: purposes.purposes(role),
                })
            }
            Op::Invite { group, ref people, dry_run, .. } => {
                let people = people.iter().map(|row| onboard::Invitation {
                    staff: staff(row.staff),
                    conditions: conditions(day(-row.vetted_days_ago)),
                    code: code(row.code).hash(),
                });
                let people = people.collect();
                onboard!(InvitePeople { group: self.group(group).0, people, dry_run })
            }
            Op::Conditions { person, vetted_days_ago, .. } => onboard!(RecordConditions {
                person: self.person(person),
                conditions: conditions(day(-vetted_days_ago)),
            }),
            Op::Move { person, group, .. } => {
                onboard!(MovePerson { person: self.person(person), group: self.group(group).0 })
            }
            Op::Suspend { person, .. } => onboard!(SuspendPerson { person: self.person(person) }),
            Op::Resume { person, .. } => onboard!(ResumePerson { person: self.person(person) }),
            Op::Remove { person, .. } => onboard!(RemovePerson { person: self.person(person) }),
            Op::Recertify { person, .. } => onboard!(Recertify { person: self.person(person) }),
            Op::IssueCode { person, code: number, .. } => {
                onboard!(IssueCode { person: self.person(person), code: code(number).hash() })
            }
            Op::Renew { token: number, .. } => onboard!(RenewToken { token: token(number).hash() }),
            Op::Custody { token, custody, .. } => {
                let (person, token) = self.token_of(token);
                onboard!(RecordCustody { person, token, custody })
            }
            Op::SuspendToken { token, .. } => {
                let (person, token) = self.token_of(token);
                onboard!(SuspendToken { person, token })
            }
            Op::ResumeToken { token, .. } => {
                let (person, token) = self.token_of(token);
                onboard!(ResumeToken { person, token })
            }
            Op::Redeem { code: number, token: new, system } => {
                let redeem = onboard::Redeem { code: code(number), token: token(new).hash() };
                let (presented, redeem) = (at_system(system), Ok(redeem));
                let redeemed = directory.redeem(&presented, &redeem).await;
                (said(redeemed.map(|_| ())), None)
            }
            Op::Ask { purpose, .. } => {
                let relationship = Relationship::AllocatedCase;
                let question = Ok(Question { subject: child(), purpose, relationship });
                let answered = directory.ask(presented, &question, Action::Ask).await;
                (said(answered.map(|_| ())), None)
            }
            Op::Days(_) | Op::Restart | Op::Turn | Op::AtOnce(..) => panic!("{op:?} is no request"),
        }
    }

    /// Compares the store with the model.
    pub(crate) async fn compare(&mut self, op: &Op) {
        let register = self.read_back().await;
        assert_eq!(register, self.model.register, "after {op:?}");
    }

    /// Compares the store with the model, and what one person may with what the model says.
    pub(crate) async fn check(&mut self, op: &Op) {
        self.compare(op).await;
        let tokens = self.model.tokens();
        self.checks += 1;
        let token = tokens[self.checks % tokens.len()];
        let by = By::Token(token, self.model.register.tokens[&token].organisation);
        let may = self.directory.may_ask_many(&presented(by)).await;
        let expected = self.model.may(by, For::Askers, self.directory.today());
        assert_eq!(said(may), expected.map_or_else(|said| said, |_| Said::Done), "{by:?}");
    }

    /// Who may ask is who may ask by the model; and nobody who administers, purges or audits.
    pub(crate) async fn everybody_asks(&mut self) {
        for (token, record) in self.model.register.tokens.clone() {
            for purpose in [Purpose::S47Enquiry, Purpose::CaseReview] {
                let ask = Op::Ask { by: By::Token(token, record.organisation), purpose };
                let request = self.request();
                let said = self.call(&ask, request).await;
                let now = self.directory.now();
                assert_eq!(said, self.model.apply(&ask, now), "{ask:?}");
                let person = &self.model.register.people[&record.person];
                let role = self.model.register.groups[&person.group].role;
                assert!(said != Said::Done || PRACTITIONERS.contains(&role), "{role:?} asks");
            }
        }
        self.read_back().await;
    }
}

fn presented(by: By) -> Presented {
    let By::Token(number, system) = by else { panic!("{by:?} was not made out") };
    Presented { token: Some(Ok(token(number))), ..at_system(system) }
}

fn said(done: Result<(), Refusal>) -> Said {
    match done {
        Ok(()) => Said::Done,
        Err(Refusal::Refused { reason, .. }) => Said::Refused(reason.outcome()),
        Err(Refusal::Unidentified(reason)) => Said::Unidentified(reason.outcome()),
        Err(Refusal::Contended | Refusal::Store(_)) => Said::Failed,
    }
}
