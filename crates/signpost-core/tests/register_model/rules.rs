//! The model: what each operation does to the register.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use signpost_core::register::{PersonStanding, Standing};
use signpost_core::terms::{Custody, Outcome, Role};

use super::council::purposes_of;
use super::ops::{By, Op, Row};
use super::{Code, CodeState, For, Model, Person, Said, Token};

pub(super) fn refused<T>(outcome: Outcome) -> Result<T, Said> {
    Err(Said::Refused(outcome))
}

/// Refuses unless this holds.
pub(super) fn check(holds: bool, outcome: Outcome) -> Result<(), Said> {
    if holds { Ok(()) } else { refused(outcome) }
}

pub(super) fn found<T>(found: Option<&T>) -> Result<&T, Said> {
    found.ok_or(Said::Refused(Outcome::NotFound))
}

fn may_ask(role: Role) -> bool {
    !purposes_of(role).is_empty()
}

pub(super) fn vetting_counts(vetting_on: Date, today: Date) -> bool {
    today <= vetting_on.saturating_add(3.years())
}

pub(super) fn sound_conditions(vetted_days_ago: i64, today: Date) -> Result<Date, Said> {
    let vetting_on = today.saturating_sub(vetted_days_ago.days());
    let sound = vetting_on <= today && vetting_counts(vetting_on, today);
    check(sound, Outcome::Invalid).map(|()| vetting_on)
}

pub(super) fn day_of(now: Timestamp) -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(now).date()
}

impl Model {
    /// Who it is, if this token over this certificate may do such things now.
    pub(crate) fn may(&self, by: By, what: For, now: Timestamp) -> Result<u16, Said> {
        let By::Token(token, certificate) = by else { panic!("{by:?} was not made out") };
        let today = day_of(now);
        let system = self.system_of(certificate, now)?;
        let organisation = self.register.systems[&system].organisation;
        let Some(token) = self.register.tokens.get(&token) else {
            return Err(Said::Unidentified(Outcome::TokenUnknown));
        };
        if token.organisation != organisation {
            return Err(Said::Unidentified(Outcome::TokenOfOtherOrganisation));
        }
        let person = &self.register.people[&token.person];
        let group = &self.register.groups[&person.group];
        let active =
            person.standing == PersonStanding::Active && token.standing == Standing::Active;
        let in_date = today <= token.valid_until
            && today <= token.used_on.saturating_add(60.days())
            && today <= group.until
            && today <= self.register.organisations[&organisation];
        let recertified = today <= person.recertified_on.saturating_add(4.months());
        let by_role = match what {
            For::Administrators => group.role == Role::AdminOnboarding,
            For::Askers => may_ask(group.role),
            For::Everybody => true,
        };
        check(active, Outcome::DeniedSuspended)?;
        check(in_date, Outcome::DeniedExpired)?;
        check(vetting_counts(person.vetting_on, today) && recertified, Outcome::DeniedLapsed)?;
        check(by_role, Outcome::DeniedRole)?;
        Ok(token.person)
    }

    /// Does it, if it may be done.
    pub(crate) fn apply(&mut self, op: &Op, now: Timestamp) -> Said {
        let before = self.clone();
        match self.try_apply(op, now) {
            Ok(()) => Said::Done,
            Err(said) => {
                *self = before;
                said
            }
        }
    }

    fn try_apply(&mut self, op: &Op, now: Timestamp) -> Result<(), Said> {
        let today = day_of(now);
        match *op {
            Op::Redeem { code, token, over } => return self.redeem(code, token, over, now),
            Op::Next { over, certificate } => return self.next(over, certificate, now),
            Op::Recover { .. } => return self.recover(op, now),
            _ => {}
        }
        let (by, what) = op.by().expect("an operation of somebody's");
        let me = self.may(by, what, now)?;
        let By::Token(token, certificate) = by else { panic!("{by:?} was not made out") };
        let used = self.register.tokens.get_mut(&token).unwrap();
        let last_used = used.used_on;
        used.used_on = used.used_on.max(today);
        match *op {
            Op::Open { .. }
            | Op::Widen { .. }
            | Op::Extend { .. }
            | Op::Approve { .. }
            | Op::Withdraw { .. } => self.propose(op, me, now),
            Op::Admit { .. }
            | Op::Issue { .. }
            | Op::Revoke { .. }
            | Op::SuspendSystem { .. }
            | Op::ResumeSystem { .. } => self.connect(op, certificate, now),
            Op::Narrow { group, purposes, places, days, .. } => {
                let until = today.saturating_add(days.days());
                self.narrow(me, group, purposes, places, until)
            }
            Op::Invite { group, ref people, dry_run, .. } => {
                self.invite(group, people, dry_run, me, now)
            }
            Op::Recertify { person, .. } => self.recertify(me, person, today),
            Op::Renew { token: new, .. } => {
                let since = today.saturating_sub(30.days());
                let held = self.register.people[&me].tokens.iter();
                let lately = held.filter(|held| self.register.tokens[held].issued_on > since);
                check(lately.count() < 4, Outcome::WrongState)?;
                let old = self.register.tokens.get_mut(&token).unwrap();
                (old.used_on, old.standing) = (last_used, Standing::Revoked);
                old.custody = Custody::Destroyed;
                self.issue(me, new, today)
            }
            Op::Custody { token, custody, .. } => {
                let is = self.others_token(me, token)?.custody;
                check(custody != Custody::Out, Outcome::Invalid)?;
                check(![custody, Custody::Destroyed].contains(&is), Outcome::WrongState)?;
                let token = self.register.tokens.get_mut(&token).unwrap();
                (token.custody, token.standing) = (custody, Standing::Revoked);
                Ok(())
            }
            Op::SuspendToken { token, .. } => {
                self.token_stands(me, token, Standing::Active, Standing::Suspended)
            }
            Op::ResumeToken { token, .. } => {
                self.token_stands(me, token, Standing::Suspended, Standing::Active)
            }
            Op::Ask { purpose, .. } => {
                let group = &self.register.groups[&self.register.people[&me].group];
                let is_listed = purposes_of(group.role).contains(&purpose);
                check(is_listed && group.purposes.contains(&purpose), Outcome::DeniedPurpose)
            }
            _ => self.change_person(op, me, now),
        }
    }

    fn invite(
        &mut self,
        name: u16,
        people: &[Row],
        dry_run: bool,
        me: u16,
        now: Timestamp,
    ) -> Result<(), Said> {
        let before = self.clone();
        let today = day_of(now);
        check(!people.is_empty(), Outcome::Invalid)?;
        let group = found(self.register.groups.get(&name))?.clone();
        check(group.until >= today, Outcome::WrongState)?;
        let members = self.register.members[&name].len() + people.len();
        check(members <= group.places as usize, Outcome::GroupFull)?;
        for (index, row) in people.iter().enumerate() {
            let twice =
                people[..index].iter().any(|one| one.staff == row.staff || one.code == row.code);
            check(!twice, Outcome::Invalid)?;
            let vetting_on = sound_conditions(row.vetted_days_ago, today)?;
            self.invite_one(name, row, vetting_on, Some(me), now)?;
        }
        if dry_run {
            self.register.people = before.register.people;
            self.register.members = before.register.members;
            self.register.codes = before.register.codes;
        }
        Ok(())
    }

    pub(super) fn invite_one(
        &mut self,
        group: u16,
        row: &Row,
        vetting_on: Date,
        let_in_by: Option<u16>,
        now: Timestamp,
    ) -> Result<(), Said> {
        let organisation = self.register.groups[&group].organisation;
        let claimed = self.register.people.values().any(|person| {
            person.standing != PersonStanding::Removed
                && (person.organisation, person.staff) == (organisation, row.staff)
        });
        check(!claimed, Outcome::AlreadyRegistered)?;
        let person = Person {
            organisation,
            staff: row.staff,
            group,
            standing: PersonStanding::Invited,
            vetting_on,
            recertified_on: day_of(now),
            let_in_by,
            code: None,
            tokens: Vec::new(),
        };
        // Whoever is invited is called by the first code.
        check(!self.register.codes.contains_key(&row.code), Outcome::AlreadyRegistered)?;
        self.register.people.insert(row.code, person);
        self.register.members.get_mut(&group).unwrap().push(row.code);
        self.issue_code(row.code, row.code, now)
    }

    fn issue_code(&mut self, person: u16, code: u16, now: Timestamp) -> Result<(), Said> {
        check(!self.register.codes.contains_key(&code), Outcome::AlreadyRegistered)?;
        self.void_code(person);
        let to = self.register.people.get_mut(&person).unwrap();
        to.code = Some(code);
        let (organisation, until) = (to.organisation, now + (14 * 24).hours());
        let new = Code { person, organisation, until, state: CodeState::Open };
        self.register.codes.insert(code, new);
        Ok(())
    }

    fn void_code(&mut self, person: u16) {
        let code = self.register.people[&person].code;
        let code = code.and_then(|code| self.register.codes.get_mut(&code));
        if let Some(code) = code.filter(|code| code.state == CodeState::Open) {
            code.state = CodeState::Void;
        }
    }

    fn recertify(&mut self, me: u16, person: u16, today: Date) -> Result<(), Said> {
        let group = self.register.people.get(&person).map(|person| person.group);
        let sponsor = group.and_then(|group| self.register.groups[&group].sponsor);
        check(sponsor == Some(me), Outcome::DeniedNotSponsor)?;
        let may = self.may_sponsor(me, group.unwrap(), self.register.people[&person].organisation);
        check(may, Outcome::DeniedNotSponsor)?;
        let person = self.register.people.get_mut(&person).unwrap();
        check(person.standing != PersonStanding::Removed, Outcome::WrongState)?;
        person.recertified_on = today;
        Ok(())
    }

    fn change_person(&mut self, op: &Op, me: u16, now: Timestamp) -> Result<(), Said> {
        let (name, today) = (op.person().expect("it is about somebody"), day_of(now));
        let person = found(self.register.people.get(&name))?.clone();
        check(name != me, Outcome::DeniedOwnRecord)?;
        check(person.standing != PersonStanding::Removed, Outcome::WrongState)?;
        let is_suspended = person.standing == PersonStanding::Suspended;
        match *op {
            Op::Conditions { vetted_days_ago, .. } => {
                let vetting_on = sound_conditions(vetted_days_ago, today)?;
                self.register.people.insert(name, Person { vetting_on, ..person });
            }
            Op::Suspend { .. } => {
                check(!is_suspended, Outcome::WrongState)?;
                let standing = PersonStanding::Suspended;
                self.register.people.insert(name, Person { standing, ..person });
            }
            Op::Resume { .. } => {
                check(is_suspended, Outcome::WrongState)?;
                let enrolled = !person.tokens.is_empty();
                let standing =
                    if enrolled { PersonStanding::Active } else { PersonStanding::Invited };
                self.register.people.insert(name, Person { standing, ..person });
            }
            Op::Remove { .. } => self.remove(name),
            Op::Move { group, .. } => {
                check(person.group != group, Outcome::WrongState)?;
                let to = found(self.register.groups.get(&group))?;
                check(to.until >= today, Outcome::WrongState)?;
                check(to.organisation == person.organisation, Outcome::NotFound)?;
                check(to.role != Role::AdminOnboarding, Outcome::WrongState)?;
                check(to.sponsor != Some(name), Outcome::WrongState)?;
                let is_full = self.register.members[&group].len() >= to.places as usize;
                check(!is_full, Outcome::GroupFull)?;
                self.leave(person.group, name);
                self.register.members.get_mut(&group).unwrap().push(name);
                let moved = Person { group, ..person };
                self.register.people.insert(name, moved);
            }
            Op::IssueCode { code, .. } => {
                let role = self.register.groups[&person.group].role;
                check(role != Role::AdminOnboarding, Outcome::WrongState)?;
                let last = person.tokens.last().map(|token| &self.register.tokens[token]);
                let is_out = last.is_some_and(|token| token.custody == Custody::Out);
                check(!is_out, Outcome::WrongState)?;
                self.issue_code(name, code, now)?;
            }
            _ => panic!("{op:?} is about no person"),
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, name: u16) {
        self.void_code(name);
        let person = self.register.people.get_mut(&name).unwrap();
        person.standing = PersonStanding::Removed;
        if let Some(token) = person.tokens.last() {
            self.register.tokens.get_mut(token).unwrap().standing = Standing::Revoked;
        }
        let group = person.group;
        self.leave(group, name);
    }

    fn leave(&mut self, group: u16, person: u16) {
        self.register.members.get_mut(&group).unwrap().retain(|member| *member != person);
    }

    fn redeem(&mut self, code: u16, token: u16, over: u16, now: Timestamp) -> Result<(), Said> {
        let today = day_of(now);
        let organisation = self.organisation_alone(over, now)?;
        let found = self.register.codes.get(&code).cloned();
        let Some(found) = found else { return refused(Outcome::CodeUnknown) };
        check(found.organisation == organisation, Outcome::CodeOfOtherOrganisation)?;
        match found.state {
            CodeState::Redeemed(first) if first == token => return Ok(()),
            CodeState::Redeemed(_) => return refused(Outcome::CodeUsed),
            CodeState::Void => return refused(Outcome::CodeExpired),
            CodeState::Open => check(now < found.until, Outcome::CodeExpired)?,
        }
        let person = &self.register.people[&found.person];
        let waits = [PersonStanding::Invited, PersonStanding::Active].contains(&person.standing);
        let in_date = self.register.groups[&person.group].until >= today;
        check(waits, Outcome::DeniedSuspended)?;
        check(in_date, Outcome::DeniedExpired)?;
        self.issue(found.person, token, today)?;
        self.register.people.get_mut(&found.person).unwrap().standing = PersonStanding::Active;
        self.register.codes.get_mut(&code).unwrap().state = CodeState::Redeemed(token);
        Ok(())
    }

    fn issue(&mut self, person: u16, token: u16, today: Date) -> Result<(), Said> {
        check(!self.register.tokens.contains_key(&token), Outcome::AlreadyRegistered)?;
        let holder = self.register.people.get_mut(&person).unwrap();
        holder.tokens.push(token);
        let group_until = self.register.groups[&holder.group].until;
        let new = Token {
            person,
            organisation: holder.organisation,
            issued_on: today,
            used_on: today,
            valid_until: group_until.min(today.saturating_add(1.year())),
            standing: Standing::Active,
            custody: Custody::Out,
        };
        self.register.tokens.insert(token, new);
        Ok(())
    }

    /// A token that is not the asker's own.
    fn others_token(&self, me: u16, token: u16) -> Result<&Token, Said> {
        let token = found(self.register.tokens.get(&token))?;
        check(token.person != me, Outcome::DeniedOwnRecord)?;
        Ok(token)
    }

    fn token_stands(
        &mut self,
        me: u16,
        token: u16,
        from: Standing,
        to: Standing,
    ) -> Result<(), Said> {
        check(self.others_token(me, token)?.standing == from, Outcome::WrongState)?;
        self.register.tokens.get_mut(&token).unwrap().standing = to;
        Ok(())
    }
}
