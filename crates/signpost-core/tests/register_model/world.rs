//! The directory that is compared with the model, its first light, and what the model calls each thing.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::civil::{Date, date};
use jiff::{SignedDuration, ToSpan};
use signpost_core::directory::{ClockConfirmation, Directory, MayNotDestroy, TurnError};
use signpost_core::entry::Entry;
use signpost_core::faulty::FaultyStore;
use signpost_core::id::{
    ActorId, Fingerprint, GroupId, PersonId, ProposalId, Receipt, RequestId, SystemId, TeamId,
    TokenId,
};
use signpost_core::permit::PRACTITIONERS;
use signpost_core::policy::Policy;
use signpost_core::register as core;
use signpost_core::register::{PersonStanding, Standing};
use signpost_core::store::Store;
use signpost_core::terms::{Custody, Purpose, Role};
use signpost_core::testing::{ManualClock, Register, SeededEntropy};
use signpost_core::text::StaffReference;
use signpost_core::token::{CodeHash, EnrolmentCode, Token as Secret, TokenHash};

use super::calls::{issuer, presented, said};
use super::council::{
    EAST, EASTVALE, LAST_DAY, NO_LIMIT, NORTH, NORTHFIELD, certificate, conditions, hours, org,
    organisation, purposes_of, system, text,
};
use super::ops::{By, Fresh, NOBODY, Op};
use super::{For, Group, Model, Said};

/// A store that can be closed and opened again, and that may stand on a disk.
#[async_trait]
pub(crate) trait Home: Debug {
    /// Opens the store, and closes it first where it is open. A power cut that was to come in so many
    /// operations has come by then, and is over.
    async fn open(&mut self) -> Arc<dyn Store>;

    /// Cuts the power so many operations of the disk later: nothing where there is no disk.
    fn cut_power_after(&mut self, operations: u64);

    /// Cuts the power now, if it was to be cut later and is not yet.
    fn cut_power(&mut self);
}

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
    pub(super) systems: BTreeMap<SystemId, u16>,
    pub(super) fingerprints: BTreeMap<Fingerprint, u16>,
    pub(super) proposals: BTreeMap<u16, ProposalId>,
    /// A proposal of which nobody was told whether it was made.
    pub(super) in_flight: Option<u16>,
    /// The group of a recovery, and what the store calls those of earlier ones.
    recovering: Option<u16>,
    recovered: BTreeMap<GroupId, u16>,
    pub(super) ids: Ids,
    /// The groups of the first light and of recoveries, which nobody proposed.
    pub(super) first: BTreeMap<u16, Group>,
}

/// What the store calls each thing, as of the last look.
#[derive(Debug, Default)]
pub(super) struct Ids {
    pub(super) people: BTreeMap<u16, PersonId>,
    pub(super) groups: BTreeMap<u16, (GroupId, Receipt)>,
    pub(super) tokens: BTreeMap<u16, TokenId>,
    pub(super) organisations: BTreeMap<u8, Receipt>,
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

pub(super) fn token(number: u16) -> Secret {
    Secret::new(secret(number))
}

pub(super) fn code(number: u16) -> EnrolmentCode {
    EnrolmentCode::new(secret(number))
}

pub(super) fn staff(number: u16) -> StaffReference {
    text(&format!("S{number}"))
}

/// Those of recoveries begin on their own day, which is later.
const LAST_FIRST_DAY: Date = date(2026, 6, 1);

/// Whose name it is, told by its first day: no two have the same.
pub(super) fn first_day(group: u16) -> Date {
    LAST_FIRST_DAY.saturating_sub(i64::from(group).days())
}

pub(super) fn named(group: Date) -> u16 {
    u16::try_from((LAST_FIRST_DAY - group).get_days()).unwrap()
}

fn id(number: u16) -> [u8; 16] {
    secret(number + 1)
}

pub(super) fn system_id(name: u16) -> SystemId {
    SystemId::new(id(name))
}

pub(super) fn fingerprint(name: u16) -> Fingerprint {
    Fingerprint::new(secret(name))
}

/// By which code an organisation is known.
pub(super) fn code_of(organisation: u8) -> &'static str {
    if organisation == NORTHFIELD { "NFC" } else { "RX1" }
}

/// Those of the first light.
pub(super) fn first_people() -> BTreeMap<PersonId, u16> {
    PEOPLE.iter().map(|(name, _)| (PersonId::new(id(*name)), *name)).collect()
}

pub(super) fn team_of(organisation: u8) -> TeamId {
    if organisation == NORTHFIELD { NORTH } else { EAST }
}

fn system_of(organisation: u8) -> core::System {
    core::System { id: system_id(organisation.into()), ..system(organisation) }
}

fn certificate_of(organisation: u8) -> core::Certificate {
    let name = organisation.into();
    let (fingerprint, system) = (fingerprint(name), system_id(name));
    core::Certificate { fingerprint, system, ..certificate(organisation) }
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
            organisation(NORTHFIELD, code_of(NORTHFIELD), "Northfield Council"),
            core::Organisation {
                authority_until: date(2026, 7, 31),
                ..organisation(EASTVALE, code_of(EASTVALE), "Eastvale Hospital Trust")
            },
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
        systems: systems.map(system_of).to_vec(),
        certificates: systems.map(certificate_of).to_vec(),
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
    (faulty, directory.unwrap().with_issuer(issuer()))
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
            systems: BTreeMap::new(),
            fingerprints: BTreeMap::new(),
            proposals: BTreeMap::new(),
            in_flight: None,
            recovering: None,
            recovered: BTreeMap::new(),
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
            self.systems.insert(system_id(number), number);
            self.fingerprints.insert(fingerprint(number), number);
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
        let certificate = self.model.certificate_of(NORTHFIELD, self.directory.now());
        for who in [10, 11] {
            let by = By::Token(who, certificate);
            if self.model.may(by, For::Everybody, self.directory.now()).is_err() {
                return;
            }
            let confirmation = Ok(ClockConfirmation { request: self.request() });
            let presented = presented(by);
            self.directory.confirm_clock(&presented, &confirmation).await.unwrap();
        }
        self.directory.compact().await.unwrap();
    }

    pub(crate) async fn entries(&self) -> Vec<Entry> {
        self.store.entries(Receipt(0), NO_LIMIT).await.unwrap()
    }

    /// What the model calls a group: by its first day, or as the recovery that made it.
    pub(super) fn name_of(&mut self, group: &core::Group) -> u16 {
        if group.valid_from <= LAST_FIRST_DAY {
            return named(group.valid_from);
        }
        let recovering = &mut self.recovering;
        let known = self.recovered.entry(group.id);
        *known.or_insert_with(|| recovering.take().expect("somebody recovers"))
    }

    pub(super) fn is_recovered(&self, group: &core::Group) -> bool {
        self.recovered.contains_key(&group.id)
    }

    pub(super) fn person(&self, name: u16) -> PersonId {
        self.ids.people.get(&name).copied().unwrap_or(PersonId::new([0xFF; 16]))
    }

    pub(super) fn group(&self, name: u16) -> (GroupId, Receipt) {
        self.ids.groups.get(&name).copied().unwrap_or((GroupId::new([0xFF; 16]), Receipt(0)))
    }

    pub(super) fn proposal(&self, name: u16) -> ProposalId {
        self.proposals.get(&name).copied().unwrap_or(ProposalId::new([0xFF; 16]))
    }

    /// Whose token it is, and which: nobody's if the model has none of this name.
    pub(super) fn token_of(&self, name: u16) -> (PersonId, TokenId) {
        let holder = self.model.register.tokens.get(&name).map_or(NOBODY, |token| token.person);
        let id = self.ids.tokens.get(&name).copied();
        (self.person(holder), id.unwrap_or(TokenId::new([0xFF; 16])))
    }

    pub(crate) async fn call(&mut self, op: &Op, request: RequestId) -> Said {
        if let Op::Recover { group, .. } = op {
            self.recovering = Some(*group);
        }
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
        if let (Some(name), Some(id)) = (op.proposes(), proposal) {
            self.proposals.insert(name, id);
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
        let now = self.directory.now();
        let organisation = self.model.register.tokens[&token].organisation;
        let by = By::Token(token, self.model.certificate_of(organisation, now));
        let may = self.directory.may_ask_many(&presented(by)).await;
        let expected = self.model.may(by, For::Askers, now);
        assert_eq!(said(may), expected.map_or_else(|said| said, |_| Said::Done), "{by:?}");
    }

    /// Who may ask is who may ask by the model; and nobody who administers, purges or audits.
    pub(crate) async fn everybody_asks(&mut self) {
        for (token, record) in self.model.register.tokens.clone() {
            for purpose in [Purpose::S47Enquiry, Purpose::CaseReview] {
                let now = self.directory.now();
                let certificate = self.model.certificate_of(record.organisation, now);
                let ask = Op::Ask { by: By::Token(token, certificate), purpose };
                let request = self.request();
                let said = self.call(&ask, request).await;
                assert_eq!(said, self.model.apply(&ask, now), "{ask:?}");
                let person = &self.model.register.people[&record.person];
                let role = self.model.register.groups[&person.group].role;
                assert!(said != Said::Done || PRACTITIONERS.contains(&role), "{role:?} asks");
            }
        }
        self.read_back().await;
    }
}
