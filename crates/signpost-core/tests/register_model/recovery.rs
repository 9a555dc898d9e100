//! The model: two administrators by whoever has the machine, where no two can let another in.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan};
use signpost_core::register::{PersonStanding, Standing};
use signpost_core::terms::{Custody, Outcome, Role};

use super::ops::{Op, Row};
use super::rules::{check, day_of, refused, sound_conditions, vetting_counts};
use super::{Certificate, Group, Model, Said, System};

/// How many administrators the new group may have.
const ADMINISTRATORS_MAX: u32 = 10;

impl Model {
    pub(super) fn recover(&mut self, op: &Op, now: Timestamp) -> Result<(), Said> {
        let Op::Recover { organisation, group, ref people, system, ref lost, days } = *op else {
            panic!("{op:?} is no recovery")
        };
        let today = day_of(now);
        let groups: BTreeSet<u16> = self.groups_of_administrators();
        let mut own = groups.iter().map(|name| self.register.groups[name].organisation);
        check(own.any(|of| of == organisation), Outcome::NotFound)?;
        let lost: BTreeSet<u16> =
            lost.iter().map(|person| self.register.people[person].staff).collect();
        let (able, unable) = self.who_can(&groups, organisation, &lost, now)?;
        let pairs = able.iter().flat_map(|one| able.iter().map(move |other| (*one, *other)));
        for (one, other) in pairs {
            if one < other && self.register.are_independent(one, other) {
                return Err(Said::NotNeeded);
            }
        }
        let until = today.saturating_add(days.days());
        check(until >= today, Outcome::Invalid)?;
        let [first, second] = people.as_slice() else { return refused(Outcome::Invalid) };
        check(first.staff != second.staff && first.code != second.code, Outcome::Invalid)?;
        for row in people {
            sound_conditions(row.vetted_days_ago, today)?;
        }
        for (name, is_lost) in unable {
            let token = self.register.people[&name].tokens.last().copied();
            self.remove(name);
            if let Some(token) = token.filter(|_| is_lost) {
                let token = self.register.tokens.get_mut(&token).unwrap();
                if token.custody == Custody::Out {
                    token.custody = Custody::LostRevoked;
                }
            }
        }
        if until > self.register.organisations[&organisation] {
            self.put_authority(organisation, until);
        }
        self.let_connect(organisation, system, now)?;
        self.let_in_again(organisation, group, people, now)
    }

    fn groups_of_administrators(&self) -> BTreeSet<u16> {
        let all = self.register.groups.iter();
        all.filter(|(_, group)| group.role == Role::AdminOnboarding)
            .map(|(name, _)| *name)
            .collect()
    }

    /// Who administers and can act, and who cannot, with whether their token is lost.
    #[expect(clippy::type_complexity, reason = "the two halves of one list")]
    fn who_can(
        &self,
        groups: &BTreeSet<u16>,
        organisation: u8,
        lost: &BTreeSet<u16>,
        now: Timestamp,
    ) -> Result<(Vec<u16>, Vec<(u16, bool)>), Said> {
        let (mut able, mut unable) = (Vec::new(), Vec::new());
        let mut known = BTreeSet::new();
        for name in groups {
            let group = &self.register.groups[name];
            let counts = day_of(now) <= group.until
                && day_of(now) <= self.register.organisations[&group.organisation]
                && self.can_connect(group.organisation, now);
            for member in &self.register.members[name] {
                let person = &self.register.people[member];
                let is_lost = person.organisation == organisation
                    && !person.tokens.is_empty()
                    && lost.contains(&person.staff);
                if is_lost {
                    known.insert(person.staff);
                }
                if counts && !is_lost && self.is_able(*member, now) {
                    able.push(*member);
                } else {
                    unable.push((*member, is_lost));
                }
            }
        }
        check(known == *lost, Outcome::NotFound).map(|()| (able, unable))
    }

    fn is_able(&self, name: u16, now: Timestamp) -> bool {
        let today = day_of(now);
        let person = &self.register.people[&name];
        person.standing == PersonStanding::Active
            && vetting_counts(person.vetting_on, today)
            && today <= person.recertified_on.saturating_add(4.months())
            && person.tokens.iter().any(|token| {
                let token = &self.register.tokens[token];
                token.standing == Standing::Active
                    && today <= token.valid_until
                    && today <= token.used_on.saturating_add(60.days())
            })
    }

    fn let_connect(
        &mut self,
        organisation: u8,
        new: Option<u16>,
        now: Timestamp,
    ) -> Result<(), Said> {
        let Some(name) = new else {
            return check(self.can_connect(organisation, now), Outcome::WrongState);
        };
        if self.register.certificates.contains_key(&name) {
            return refused(Outcome::AlreadyRegistered);
        }
        let standing = Standing::Active;
        let system = System { organisation, standing, certificates: vec![name] };
        self.register.systems.insert(name, system);
        let until = Timestamp::MAX;
        let certificate = Certificate { system: name, until, standing, is_renewal: false };
        self.register.certificates.insert(name, certificate);
        Ok(())
    }

    fn let_in_again(
        &mut self,
        organisation: u8,
        name: u16,
        people: &[Row],
        now: Timestamp,
    ) -> Result<(), Said> {
        let group = Group {
            organisation,
            role: Role::AdminOnboarding,
            purposes: Vec::new(),
            places: ADMINISTRATORS_MAX,
            until: self.register.organisations[&organisation],
            sponsor: None,
        };
        self.register.members.insert(name, Vec::new());
        self.put_group(name, group);
        for row in people {
            let vetting_on = sound_conditions(row.vetted_days_ago, day_of(now))?;
            self.invite_one(name, row, vetting_on, None, now)?;
        }
        Ok(())
    }
}
