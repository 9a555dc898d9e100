//! The register as the store has it, and what must hold of it at every moment.

use std::collections::BTreeMap;

use signpost_core::id::{GroupId, OrganisationId, PersonId};
use signpost_core::record::{Kind, Record, Scope, Stored};
use signpost_core::register as core;
use signpost_core::register::{Claim, Custodies, PersonStanding, ProposedChange};
use signpost_core::terms::{Custody, Purpose};

use super::council::NO_LIMIT;
use super::world::{World, first_people, named, staff};
use super::{
    Certificate, Change, Code, CodeState, Group, Person, Proposal, ProposalState, Register, System,
    Token,
};

impl World {
    /// Every record of these kinds.
    async fn records(&self, kind: Kind) -> Vec<Stored> {
        self.store.scan(&Scope::Kind(kind), None, NO_LIMIT).await.unwrap()
    }

    /// The register as the model would have it; checks what must hold at every moment.
    pub(crate) async fn read_back(&mut self) -> Register {
        let register = self.read_register().await;
        assert_limits(&register);
        self.assert_two_names(&register);
        register
    }

    pub(super) async fn read_register(&mut self) -> Register {
        let mut register = Register::default();
        self.read_codes(&mut register).await;
        let people: BTreeMap<PersonId, u16> =
            self.ids.people.iter().map(|(name, id)| (*id, *name)).collect();
        let mut groups: BTreeMap<GroupId, u16> = BTreeMap::new();
        for stored in self.records(Kind::Group).await {
            let Record::Group(group) = stored.record else { panic!("{:?}", stored.record) };
            let name = self.name_of(&group);
            groups.insert(group.id, name);
            self.ids.groups.insert(name, (group.id, stored.version));
            let is = group_of(&group, &people);
            if self.is_recovered(&group) {
                self.first.entry(name).or_insert_with(|| is.clone());
            }
            register.groups.insert(name, is);
        }
        for stored in self.records(Kind::Members).await {
            let Record::Members(members) = stored.record else { panic!("{:?}", stored.record) };
            let names = members.people.iter().map(|id| people[id]).collect();
            register.members.insert(groups[&members.group], names);
        }
        let mut issued_on = BTreeMap::new();
        for stored in self.records(Kind::Person).await {
            let Record::Person(person) = stored.record else { panic!("{:?}", stored.record) };
            issued_on.extend(person.tokens.iter().map(|held| (held.id, held.issued_on)));
            let is = Person {
                organisation: number(person.organisation),
                staff: person.staff.as_str()[1..].parse().unwrap(),
                group: groups[&person.group],
                standing: person.standing,
                vetting_on: person.conditions.vetting_on,
                recertified_on: person.recertified_on,
                let_in_by: person.let_in_by.map(|by| people[&by]),
                code: person.code.map(|code| self.codes[&code]),
                tokens: person.tokens.iter().map(|held| self.secrets[&held.hash]).collect(),
            };
            register.people.insert(people[&person.id], is);
        }
        for stored in self.records(Kind::Token).await {
            let Record::Token(token) = stored.record else { panic!("{:?}", stored.record) };
            let name = self.secrets[&token.hash];
            self.ids.tokens.insert(name, token.id);
            let is = Token {
                person: people[&token.person],
                organisation: number(token.organisation),
                issued_on: issued_on[&token.id],
                used_on: token.used_on,
                valid_until: token.valid_until,
                standing: token.standing,
                custody: token.custody,
            };
            register.tokens.insert(name, is);
        }
        self.read_proposals(&mut register, &people, &groups).await;
        self.read_connections(&mut register).await;
        self.assert_claims(&register, &people).await;
        self.assert_custodies(&register).await;
        register
    }

    /// The codes; and as each person is called by the first one, the people's names.
    async fn read_codes(&mut self, register: &mut Register) {
        let records = self.records(Kind::Enrolment).await;
        let enrolments = records.into_iter().map(|stored| match stored.record {
            Record::Enrolment(enrolment) => (self.codes[&enrolment.code], enrolment),
            other => panic!("{other:?}"),
        });
        let enrolments: BTreeMap<u16, core::Enrolment> = enrolments.collect();
        let mut names: BTreeMap<PersonId, u16> = first_people();
        for (number, enrolment) in &enrolments {
            names.entry(enrolment.person).or_insert(*number);
        }
        for (name, enrolment) in enrolments {
            let state = match enrolment.state {
                core::EnrolmentState::Open => CodeState::Open,
                core::EnrolmentState::Redeemed(token) => CodeState::Redeemed(self.secrets[&token]),
                core::EnrolmentState::Void => CodeState::Void,
            };
            let (person, until) = (names[&enrolment.person], enrolment.until);
            let organisation = number(enrolment.organisation);
            register.codes.insert(name, Code { person, organisation, until, state });
        }
        self.ids.people = names.into_iter().map(|(id, name)| (name, id)).collect();
    }

    async fn read_proposals(
        &mut self,
        register: &mut Register,
        people: &BTreeMap<PersonId, u16>,
        groups: &BTreeMap<GroupId, u16>,
    ) {
        let names: BTreeMap<_, _> = self.proposals.iter().map(|(name, id)| (*id, *name)).collect();
        for stored in self.records(Kind::Proposal).await {
            let Record::Proposal(proposal) = stored.record else { panic!("{:?}", stored.record) };
            let change = match &proposal.change {
                ProposedChange::OpenGroup(group) => {
                    Change::Open(named(group.valid_from), group_of(group, people))
                }
                ProposedChange::WidenGroup(widening) => {
                    let group = groups[&widening.group];
                    let to_be = Group {
                        purposes: widening.purposes.clone(),
                        places: widening.members_max,
                        until: widening.valid_until,
                        sponsor: widening.sponsor.map(|sponsor| people[&sponsor]),
                        ..register.groups[&group].clone()
                    };
                    Change::Widen(group, to_be)
                }
                ProposedChange::ExtendAuthority(extension) => {
                    Change::Extend(number(extension.organisation), extension.until)
                }
            };
            let state = match proposal.state {
                core::ProposalState::Open => ProposalState::Open,
                core::ProposalState::Approved { by } => ProposalState::Approved(people[&by]),
                core::ProposalState::Withdrawn => ProposalState::Withdrawn,
            };
            let (proposer, until) = (people[&proposal.proposer], proposal.until);
            let is = Proposal { proposer, until, state, change };
            let name = names.get(&proposal.id).copied().or(self.in_flight);
            let name = name.expect("no proposal is nobody's");
            self.proposals.insert(name, proposal.id);
            register.proposals.insert(name, is);
        }
    }

    /// The organisations, their systems and the certificates that name these.
    async fn read_connections(&mut self, register: &mut Register) {
        for stored in self.records(Kind::Organisation).await {
            let Record::Organisation(found) = stored.record else { panic!("{:?}", stored.record) };
            let name = number(found.id);
            self.ids.organisations.insert(name, stored.version);
            register.organisations.insert(name, found.authority_until);
        }
        for stored in self.records(Kind::System).await {
            let Record::System(system) = stored.record else { panic!("{:?}", stored.record) };
            let certificates = system.certificates.iter().map(|one| self.fingerprints[one]);
            let is = System {
                organisation: number(system.organisation),
                standing: system.standing,
                certificates: certificates.collect(),
            };
            register.systems.insert(self.systems[&system.id], is);
        }
        for stored in self.records(Kind::Certificate).await {
            let Record::Certificate(found) = stored.record else { panic!("{:?}", stored.record) };
            let is = Certificate {
                system: self.systems[&found.system],
                until: found.until,
                standing: found.standing,
                is_renewal: found.renewal.is_some(),
            };
            register.certificates.insert(self.fingerprints[&found.fingerprint], is);
        }
    }

    /// Each staff reference claims exactly one living person, and each of these has one.
    async fn assert_claims(&self, register: &Register, people: &BTreeMap<PersonId, u16>) {
        let mut claimed = BTreeMap::new();
        for stored in self.records(Kind::Claim).await {
            let Record::Claim(Claim::Staff(organisation, staff, person)) = stored.record else {
                continue;
            };
            let earlier = claimed.insert(people[&person], (organisation, staff));
            assert_eq!(earlier, None, "two references of one person");
        }
        let living = register.people.iter().filter(|(_, person)| is_living(person));
        let living = living.map(|(name, person)| {
            (*name, (OrganisationId::new([person.organisation; 16]), staff(person.staff)))
        });
        assert_eq!(claimed, living.collect());
    }

    /// The tokens issued are the sum of where they are, and as many as there are records.
    async fn assert_custodies(&self, register: &Register) {
        let records = self.records(Kind::Custodies).await;
        assert_eq!(records.len(), 2, "one for each organisation");
        for stored in records {
            let Record::Custodies(found) = stored.record else { panic!("{:?}", stored.record) };
            let of = |token: &&Token| number(found.organisation) == token.organisation;
            let count = |custody| {
                let tokens = register.tokens.values().filter(of);
                u32::try_from(tokens.filter(|token| token.custody == custody).count()).unwrap()
            };
            let expected = Custodies {
                organisation: found.organisation,
                issued: u32::try_from(register.tokens.values().filter(of).count()).unwrap(),
                out: count(Custody::Out),
                returned: count(Custody::Returned),
                destroyed: count(Custody::Destroyed),
                lost_revoked: count(Custody::LostRevoked),
            };
            assert_eq!(found, expected);
            assert!(found.balances());
        }
    }

    /// Whatever a group is, it was at first, or two independent people let it be.
    fn assert_two_names(&self, register: &Register) {
        let mut approved: BTreeMap<u16, Vec<&Group>> =
            self.first.iter().map(|(name, group)| (*name, vec![group])).collect();
        for proposal in register.proposals.values() {
            if let ProposalState::Approved(by) = proposal.state {
                assert!(register.are_independent(by, proposal.proposer), "one name is not two");
                if let Change::Open(group, to_be) | Change::Widen(group, to_be) = &proposal.change {
                    approved.entry(*group).or_default().push(to_be);
                }
            }
        }
        for (name, group) in &register.groups {
            let Some(approved) = approved.get(name) else { panic!("nobody let {group:?} be") };
            let listed = |purpose: &Purpose| {
                approved.iter().any(|approved| approved.purposes.contains(purpose))
            };
            assert!(group.purposes.iter().all(listed), "{group:?}");
            assert!(approved.iter().any(|approved| group.places <= approved.places), "{group:?}");
            assert!(approved.iter().any(|approved| group.until <= approved.until), "{group:?}");
            assert!(approved.iter().any(|one| group.sponsor == one.sponsor), "{group:?}");
            assert!(approved.iter().all(|approved| group.role == approved.role), "{group:?}");
        }
    }
}

/// What must hold of places, members and tokens.
fn assert_limits(register: &Register) {
    assert_eq!(register.groups.len(), register.members.len(), "each group has its members");
    for (name, members) in &register.members {
        let group = &register.groups[name];
        assert!(members.len() <= group.places as usize, "{group:?} has {members:?}");
        assert!(group.sponsor.is_none_or(|sponsor| !members.contains(&sponsor)), "{group:?}");
    }
    for (name, person) in &register.people {
        let lists = register.members.iter().filter(|(_, members)| members.contains(name));
        let lists: Vec<u16> = lists.map(|(group, _)| *group).collect();
        let expected = if is_living(person) { vec![person.group] } else { Vec::new() };
        assert_eq!(lists, expected, "{person:?}");
        let group = &register.groups[&person.group];
        assert_eq!(group.organisation, person.organisation);
        let tokens = register.tokens.iter().filter(|(_, token)| token.person == *name);
        let tokens: BTreeMap<u16, &Token> = tokens.map(|(name, token)| (*name, token)).collect();
        let mut held = person.tokens.clone();
        held.sort_unstable();
        assert_eq!(held, tokens.keys().copied().collect::<Vec<_>>(), "{person:?}");
        let out = tokens.values().filter(|token| token.custody == Custody::Out).count();
        assert!(out <= 1, "{person:?} has {tokens:?}");
    }
    let members = register.members.values().map(Vec::len).sum::<usize>();
    assert_eq!(members, register.people.values().filter(|one| is_living(one)).count());
}

fn is_living(person: &Person) -> bool {
    person.standing != PersonStanding::Removed
}

fn number(organisation: OrganisationId) -> u8 {
    organisation.as_bytes()[0]
}

fn group_of(group: &core::Group, people: &BTreeMap<PersonId, u16>) -> Group {
    Group {
        organisation: number(group.organisation),
        role: group.role,
        purposes: group.purposes.clone(),
        places: group.members_max,
        until: group.valid_until,
        sponsor: group.sponsor.map(|sponsor| people[&sponsor]),
    }
}
