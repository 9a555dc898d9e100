//! How onboarding begins: the operator of the service, and two administrators who are invited.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::organisations::NewOrganisation;
use super::people::{Invitation, check_conditions, open_enrolment};
use crate::flag::Hours;
use crate::id::{
    ActorId, Fingerprint, GroupId, KeyFingerprint, OrganisationId, PersonId, SystemId, TeamId,
};
use crate::record::Record;
use crate::refusal::{Invalid, Reason};
use crate::register::{
    Certificate, Claim, Custodies, Group, Members, Organisation, Standing, System, Team,
};
use crate::store::Entropy;
use crate::subject::EvaluationKeyId;
use crate::terms::Role;
use crate::text::{Name, Phone};

/// How many administrators a group that the service itself makes may have.
const ADMINISTRATORS_MAX: u32 = 10;

/// The organisation that operates the service.
#[derive(Clone, Debug)]
pub struct Operator {
    /// It.
    pub organisation: NewOrganisation,
    /// The duty telephone of its administrators.
    pub duty_phone: Phone,
}

/// A new system of the operator: the administrators' command line.
#[derive(Clone, Copy, Debug)]
pub struct NewSystem {
    /// Its id.
    pub id: SystemId,
    /// The fingerprint of its certificate.
    pub fingerprint: Fingerprint,
    /// Until when that counts.
    pub until: Timestamp,
}

/// What onboarding begins with, in the very records that it writes afterwards.
#[derive(Clone, Debug)]
pub struct FirstLight {
    pub(crate) records: Vec<Record>,
    pub(crate) evaluation_keys: Vec<(EvaluationKeyId, KeyFingerprint)>,
}

impl Operator {
    fn records(self, id: OrganisationId, team: TeamId) -> (Organisation, Team) {
        let organisation = self.organisation.with_id(id);
        let team = Team {
            id: team,
            organisation: id,
            name: Name::try_from("Administrators".to_owned()).expect("letters alone"),
            duty_phone: self.duty_phone,
            hours: Hours::new(0b1_1111, 9 * 60, 17 * 60).expect("Monday to Friday, nine to five"),
        };
        (organisation, team)
    }
}

impl NewSystem {
    pub(super) fn records(self, organisation: OrganisationId) -> (System, Certificate) {
        let name = Name::try_from("Administration".to_owned()).expect("letters alone");
        let system = System {
            id: self.id,
            organisation,
            name,
            standing: Standing::Active,
            certificates: vec![self.fingerprint],
        };
        let certificate = Certificate {
            fingerprint: self.fingerprint,
            system: self.id,
            until: self.until,
            standing: Standing::Active,
            renewal: None,
        };
        (system, certificate)
    }
}

impl FirstLight {
    /// The least that onboarding can begin with: the operator, one system of it, and two invited
    /// administrators in one group. Nobody else is let in but through them.
    pub fn of_operator(
        operator: Operator,
        system: NewSystem,
        administrators: &[Invitation],
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, Reason> {
        let today = TimeZone::UTC.to_datetime(now).date();
        operator.organisation.check_code()?;
        check_beginning(operator.organisation.authority_until, administrators, today)?;
        let team_id = TeamId::new(random(entropy));
        let (organisation, team) = operator.records(OrganisationId::new(random(entropy)), team_id);
        let id = GroupId::new(random(entropy));
        let group = group_of_administrators(id, &organisation, team_id, today);
        let (system, certificate) = system.records(organisation.id);
        let code = Claim::Code(organisation.scheme, organisation.code.clone(), organisation.id);
        let mut records = vec![
            Record::Claim(code),
            Record::Custodies(Custodies::none(organisation.id)),
            Record::Organisation(organisation),
            Record::Team(team),
            Record::System(system),
            Record::Certificate(certificate),
        ];
        let mut people = Vec::new();
        for invitation in administrators {
            let (id, actor) = (PersonId::new(random(entropy)), ActorId::new(random(entropy)));
            let person = invitation.person(id, actor, &group, None, today);
            let claim = Claim::Staff(person.organisation, person.staff.clone(), id);
            records.push(Record::Claim(claim));
            records.push(Record::Enrolment(open_enrolment(&person, invitation.code, now)));
            records.push(Record::Person(person));
            people.push(id);
        }
        records.push(Record::Members(Members { group: id, people }));
        records.push(Record::Group(group));
        Ok(Self { records, evaluation_keys: Vec::new() })
    }

    /// With the evaluation keys at hand, and what each is known by again.
    #[must_use]
    pub fn with_evaluation_keys(self, keys: Vec<(EvaluationKeyId, KeyFingerprint)>) -> Self {
        Self { evaluation_keys: keys, ..self }
    }
}

/// The group of those who administer, until their organisation's legal authority is over.
pub(super) fn group_of_administrators(
    id: GroupId,
    organisation: &Organisation,
    team: TeamId,
    today: Date,
) -> Group {
    Group {
        id,
        organisation: organisation.id,
        team,
        role: Role::AdminOnboarding,
        purposes: Vec::new(),
        members_max: ADMINISTRATORS_MAX,
        valid_from: today,
        valid_until: organisation.authority_until,
        sponsor: None,
    }
}

/// Two different people in order, and a legal authority that goes on.
pub(super) fn check_beginning(
    authority_until: Date,
    administrators: &[Invitation],
    today: Date,
) -> Result<(), Reason> {
    let invalid = |field: &str, problem: &str| Err(Reason::Invalid(Invalid::field(field, problem)));
    if authority_until < today {
        return invalid("authority_until", "must not be in the past");
    }
    let [first, second] = administrators else {
        return invalid("administrator", "must be there twice");
    };
    if first.staff == second.staff || first.code == second.code {
        return invalid("administrator", "must be two different people with a code each");
    }
    for (row, invitation) in administrators.iter().enumerate() {
        check_conditions(&format!("administrator[{row}]"), &invitation.conditions, today)?;
    }
    Ok(())
}

fn random<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}
