//! The model: access groups, proposed by one administrator, approved by another, and narrowed.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use signpost_core::register::PersonStanding;
use signpost_core::terms::{Outcome, Role};

use super::council::purposes_of;
use super::ops::{Asks, Op};
use super::rules::{check, day_of, found, vetting_counts};
use super::{Change, Group, Model, Proposal, ProposalState, Said};

impl Model {
    pub(super) fn propose(&mut self, op: &Op, me: u16, now: Timestamp) -> Result<(), Said> {
        let today = day_of(now);
        let in_days = |days: i64| today.saturating_add(days.days());
        let (name, change) = match *op {
            Op::Open {
                name, group, organisation, role, purposes, places, days, sponsor, ..
            } => {
                let (purposes, until) = (purposes.purposes(role), in_days(days));
                let to_be = Group { organisation, role, purposes, places, until, sponsor };
                (name, Change::Open(group, to_be))
            }
            Op::Widen { name, group, base, purposes, places, days, sponsor, .. } => {
                let is = found(self.register.groups.get(&group))?.clone();
                let (purposes, until) = (purposes.purposes(is.role), in_days(days));
                self.bases.insert(name, base);
                (name, Change::Widen(group, Group { purposes, places, until, sponsor, ..is }))
            }
            Op::Extend { name, organisation, base, days, .. } => {
                self.bases.insert(name, base);
                (name, Change::Extend(organisation, in_days(days)))
            }
            Op::Withdraw { proposal, .. } => {
                let found = found(self.register.proposals.get(&proposal))?;
                check(found.state == ProposalState::Open, Outcome::WrongState)?;
                let proposal = self.register.proposals.get_mut(&proposal).unwrap();
                proposal.state = ProposalState::Withdrawn;
                return Ok(());
            }
            Op::Approve { proposal, .. } => return self.approve(proposal, me, now),
            _ => panic!("{op:?} is no proposal"),
        };
        let until = now + (14 * 24).hours();
        let proposal = Proposal { proposer: me, until, state: ProposalState::Open, change };
        self.can_be(name, &proposal.change, today)?;
        self.register.proposals.insert(name, proposal);
        Ok(())
    }

    fn approve(&mut self, name: u16, me: u16, now: Timestamp) -> Result<(), Said> {
        let today = day_of(now);
        let proposal = found(self.register.proposals.get(&name))?.clone();
        check(proposal.proposer != me, Outcome::DeniedSameName)?;
        let independent = self.register.are_independent(me, proposal.proposer);
        check(independent, Outcome::DeniedNotIndependent)?;
        let waits = proposal.state == ProposalState::Open && now < proposal.until;
        check(waits, Outcome::WrongState)?;
        let proposer = &self.register.people[&proposal.proposer];
        let group = &self.register.groups[&proposer.group];
        let counts = proposer.standing == PersonStanding::Active
            && vetting_counts(proposer.vetting_on, today)
            && today <= proposer.recertified_on.saturating_add(4.months())
            && today <= group.until
            && today <= self.register.organisations[&proposer.organisation]
            && group.role == Role::AdminOnboarding;
        check(counts, Outcome::WrongState)?;
        self.can_be(name, &proposal.change, today)?;
        match proposal.change {
            Change::Open(group, to_be) => {
                self.register.members.insert(group, Vec::new());
                self.put_group(group, to_be);
            }
            Change::Widen(group, to_be) => self.put_group(group, to_be),
            Change::Extend(organisation, until) => self.put_authority(organisation, until),
        }
        self.register.proposals.get_mut(&name).unwrap().state = ProposalState::Approved(me);
        Ok(())
    }

    pub(super) fn put_group(&mut self, name: u16, group: Group) {
        self.register.groups.insert(name, group);
        *self.changes.entry(name).or_default() += 1;
    }

    fn can_be(&self, name: u16, change: &Change, today: Date) -> Result<(), Said> {
        let (group, to_be) = match *change {
            Change::Open(group, ref to_be) => (group, to_be),
            Change::Widen(group, ref to_be) => {
                check(self.bases[&name] == self.changes(group), Outcome::Outdated)?;
                (group, to_be)
            }
            Change::Extend(organisation, until) => {
                check(until >= today, Outcome::Invalid)?;
                let changes = self.organisation_changes(organisation);
                return check(self.bases[&name] == changes, Outcome::Outdated);
            }
        };
        let listed = purposes_of(to_be.role);
        let purposes = to_be.purposes.iter().all(|purpose| listed.contains(purpose))
            && to_be.purposes.is_empty() == listed.is_empty();
        let members = self.register.members.get(&group).map_or(0, Vec::len);
        let places = (1..=500).contains(&to_be.places) && members <= to_be.places as usize;
        let may = |sponsor| self.may_sponsor(sponsor, group, to_be.organisation);
        let sponsor = to_be.sponsor.is_none_or(may);
        check(to_be.until >= today && purposes && places && sponsor, Outcome::Invalid)
    }

    pub(super) fn may_sponsor(&self, name: u16, group: u16, organisation: u8) -> bool {
        self.register.people.get(&name).is_some_and(|person| {
            let own = &self.register.groups[&person.group];
            person.standing == PersonStanding::Active
                && person.group != group
                && (person.organisation == organisation || own.role == Role::AdminOnboarding)
        })
    }

    pub(super) fn narrow(
        &mut self,
        me: u16,
        name: u16,
        asks: Asks,
        places: u32,
        until: Date,
    ) -> Result<(), Said> {
        let group = found(self.register.groups.get(&name))?.clone();
        check(self.register.people[&me].group != name, Outcome::WrongState)?;
        let purposes = asks.purposes(group.role);
        check(places > 0, Outcome::Invalid)?;
        let narrower = places <= group.places
            && until <= group.until
            && purposes.iter().all(|purpose| group.purposes.contains(purpose));
        check(narrower, Outcome::WrongState)?;
        check(self.register.members[&name].len() <= places as usize, Outcome::Invalid)?;
        self.put_group(name, Group { purposes, places, until, ..group });
        Ok(())
    }
}
