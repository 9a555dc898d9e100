//! How onboarding begins: the operator of the service, and two administrators who are invited.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::people::{Invitation, check_conditions, open_enrolment};
use crate::directory::FirstLight;
use crate::flag::Hours;
use crate::id::{ActorId, Fingerprint, GroupId, OrganisationId, PersonId, SystemId, TeamId};
use crate::refusal::{Invalid, Reason};
use crate::register::{Certificate, Group, Organisation, Standing, System, Team};
use crate::store::Entropy;
use crate::terms::{CodeScheme, LegalAuthority, OrganisationKind, Role};
use crate::text::{AreaCode, Name, OrganisationCode, Phone};

/// How many administrators a group that the service itself makes may have.
const ADMINISTRATORS_MAX: u32 = 10;

/// The organisation that operates the service.
#[derive(Clone, Debug)]
pub struct Operator {
    /// What kind of body it is.
    pub kind: OrganisationKind,
    /// Whose code it is known by.
    pub scheme: CodeScheme,
    /// That code.
    pub code: OrganisationCode,
    /// Its name.
    pub name: Name,
    /// The area it works in.
    pub area: AreaCode,
    /// The law under which it takes part.
    pub authority: LegalAuthority,
    /// The last day of its legal authority.
    pub authority_until: Date,
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
        if !operator.code.fits(operator.scheme) {
            return Err(Reason::Invalid(Invalid::field("code", "must be one of its scheme")));
        }
        check_beginning(operator.authority_until, administrators, today)?;
        let organisation = Organisation {
            id: OrganisationId::new(random(entropy)),
            kind: operator.kind,
            scheme: operator.scheme,
            code: operator.code,
            name: operator.name,
            area: operator.area,
            authority: operator.authority,
            authority_until: operator.authority_until,
        };
        let team = Team {
            id: TeamId::new(random(entropy)),
            organisation: organisation.id,
            name: Name::try_from("Administrators".to_owned()).expect("letters alone"),
            duty_phone: operator.duty_phone,
            hours: Hours::new(0b1_1111, 9 * 60, 17 * 60).expect("Monday to Friday, nine to five"),
        };
        let id = GroupId::new(random(entropy));
        let group = group_of_administrators(id, &organisation, team.id, today);
        let (system, certificate) = system.records(organisation.id);
        let mut register = Self {
            organisations: vec![organisation],
            teams: vec![team],
            systems: vec![system],
            certificates: vec![certificate],
            ..Self::default()
        };
        for invitation in administrators {
            let (id, actor) = (random(entropy), random(entropy));
            let (id, actor) = (PersonId::new(id), ActorId::new(actor));
            let person = invitation.person(id, actor, &group, None, today);
            register.enrolments.push(open_enrolment(&person, invitation.code, now));
            register.people.push(person);
        }
        register.groups.push(group);
        Ok(register)
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
