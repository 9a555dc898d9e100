//! A whole register at once, for tests of the rules that hold once it is there.

use crate::directory::onboarding::FirstLight;
use crate::record::Record;
use crate::register::{
    Certificate, Claim, Custodies, Group, HeldToken, Members, Organisation, Person, PersonStanding,
    System, Team, TokenRecord,
};

/// A register as onboarding could have left it: no service can begin with one.
#[derive(Clone, Debug, Default)]
pub struct Register {
    /// The organisations.
    pub organisations: Vec<Organisation>,
    /// Their teams.
    pub teams: Vec<Team>,
    /// Their systems.
    pub systems: Vec<System>,
    /// The systems' certificates.
    pub certificates: Vec<Certificate>,
    /// The access groups.
    pub groups: Vec<Group>,
    /// Their members.
    pub people: Vec<Person>,
    /// The members' tokens.
    pub tokens: Vec<TokenRecord>,
}

impl From<Register> for FirstLight {
    fn from(register: Register) -> Self {
        Self { records: register.into_records(), evaluation_keys: Vec::new() }
    }
}

impl Register {
    /// Its records, and those that follow from them: who is in each group, what is claimed, where
    /// the tokens are.
    fn into_records(mut self) -> Vec<Record> {
        for token in &self.tokens {
            let held = HeldToken { id: token.id, hash: token.hash, issued_on: token.used_on };
            let holder = self.people.iter_mut().find(|person| person.id == token.person);
            holder.expect("a token is somebody's").tokens.push(held);
        }
        for certificate in &self.certificates {
            let named = self.systems.iter_mut().find(|system| system.id == certificate.system);
            let named = named.expect("a certificate names a system");
            if !named.certificates.contains(&certificate.fingerprint) {
                named.certificates.push(certificate.fingerprint);
            }
        }
        let mut records = self.members();
        records.extend(self.claims());
        records.extend(self.custodies());
        records.extend(self.organisations.into_iter().map(Record::Organisation));
        records.extend(self.teams.into_iter().map(Record::Team));
        records.extend(self.systems.into_iter().map(Record::System));
        records.extend(self.certificates.into_iter().map(Record::Certificate));
        records.extend(self.groups.into_iter().map(Record::Group));
        records.extend(self.people.into_iter().map(Record::Person));
        records.extend(self.tokens.into_iter().map(Record::Token));
        records
    }

    fn members(&self) -> Vec<Record> {
        let of = |group: &Group| {
            let people = self.people.iter().filter(|person| {
                person.group == group.id && person.standing != PersonStanding::Removed
            });
            let people = people.map(|person| person.id).collect();
            Record::Members(Members { group: group.id, people })
        };
        self.groups.iter().map(of).collect()
    }

    fn claims(&self) -> Vec<Record> {
        let codes =
            self.organisations.iter().map(|one| Claim::Code(one.scheme, one.code.clone(), one.id));
        let staff = self
            .people
            .iter()
            .map(|person| Claim::Staff(person.organisation, person.staff.clone(), person.id));
        codes.chain(staff).map(Record::Claim).collect()
    }

    fn custodies(&self) -> Vec<Record> {
        let of = |organisation: &Organisation| {
            let tokens = self.tokens.iter().filter(|one| one.organisation == organisation.id);
            let none = Custodies::none(organisation.id);
            Record::Custodies(tokens.fold(none, |sum, _| sum.issue()))
        };
        self.organisations.iter().map(of).collect()
    }
}
