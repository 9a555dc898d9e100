//! Organisations, their teams and their systems. None of them lets anybody in.

use async_trait::async_trait;
use jiff::civil::Date;
use serde::Serialize;

use super::change::{Change, Decide, Declined, present, register_requests};
use super::{Directory, detail};
use crate::commit::Write;
use crate::directory::write::Leave;
use crate::flag::Hours;
use crate::id::{OrganisationId, RequestId, SystemId, TeamId};
use crate::permit::Permit;
use crate::record::{Record, Registered};
use crate::refusal::{Invalid, Reason};
use crate::register::{Certificate, Claim, Custodies, Organisation, Standing, System, Team};
use crate::terms::{CodeScheme, LegalAuthority, OrganisationKind};
use crate::text::{AreaCode, Name, OrganisationCode, Phone};

/// An organisation that is not registered yet.
#[derive(Clone, Debug, Serialize)]
pub struct NewOrganisation {
    /// What kind of body it is.
    pub kind: OrganisationKind,
    /// Whose code it is known by.
    pub scheme: CodeScheme,
    /// That code; no other organisation may have it.
    pub code: OrganisationCode,
    /// Its name.
    pub name: Name,
    /// The area it works in.
    pub area: AreaCode,
    /// The law under which it takes part.
    pub authority: LegalAuthority,
    /// The last day of its legal authority.
    pub authority_until: Date,
}

/// Registers an organisation.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterOrganisation {
    /// The client's id of this write.
    pub request: RequestId,
    /// What it is to be.
    pub organisation: NewOrganisation,
}

/// Adds a team to an organisation.
#[derive(Clone, Debug, Serialize)]
pub struct AddTeam {
    /// The client's id of this write.
    pub request: RequestId,
    /// The organisation.
    pub organisation: OrganisationId,
    /// The team's name.
    pub name: Name,
    /// Its duty telephone.
    pub duty_phone: Phone,
    /// When that is answered.
    pub hours: Hours,
}

/// Changes how a team is called and reached.
#[derive(Clone, Debug, Serialize)]
pub struct ChangeTeam {
    /// The client's id of this write.
    pub request: RequestId,
    /// The team.
    pub team: TeamId,
    /// Its new name.
    pub name: Name,
    /// Its new duty telephone.
    pub duty_phone: Phone,
    /// When that is answered.
    pub hours: Hours,
}

/// Registers a system of an organisation. It has no certificate yet.
#[derive(Clone, Debug, Serialize)]
pub struct RegisterSystem {
    /// The client's id of this write.
    pub request: RequestId,
    /// The organisation.
    pub organisation: OrganisationId,
    /// The system's name.
    pub name: Name,
}

/// Suspends a system: from the next request on it is nobody. Its certificates are revoked for good.
#[derive(Clone, Debug, Serialize)]
pub struct SuspendSystem {
    /// The client's id of this write.
    pub request: RequestId,
    /// The system.
    pub system: SystemId,
}

/// Lets a suspended system act again, by the certificates that were admitted since.
#[derive(Clone, Debug, Serialize)]
pub struct ResumeSystem {
    /// The client's id of this write.
    pub request: RequestId,
    /// The system.
    pub system: SystemId,
}

register_requests! {
    RegisterOrganisation => RegisterOrganisation;
    AddTeam => AddTeam;
    ChangeTeam => ChangeTeam;
    RegisterSystem => RegisterSystem;
    SuspendSystem => SuspendSystem;
    ResumeSystem => ResumeSystem;
}

impl NewOrganisation {
    /// Refuses a code that is none of its scheme.
    pub(super) fn check_code(&self) -> Result<(), Reason> {
        if self.code.fits(self.scheme) {
            return Ok(());
        }
        let problem = "is no code of its scheme: ODS 3 to 12 capitals and digits, GSS a \
                       capital and 8 digits, URN 6 digits";
        Err(Reason::Invalid(Invalid::field("code", problem)))
    }

    /// As it is registered.
    pub(super) fn with_id(self, id: OrganisationId) -> Organisation {
        let Self { kind, scheme, code, name, area, authority, authority_until } = self;
        Organisation { id, kind, scheme, code, name, area, authority, authority_until }
    }
}

#[async_trait]
impl Decide for RegisterOrganisation {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        directory.not_past("authority_until", self.organisation.authority_until)?;
        self.organisation.check_code()?;
        let id = OrganisationId::new(directory.random());
        let organisation = self.organisation.clone().with_id(id);
        let claim = Claim::Code(organisation.scheme, organisation.code.clone(), id);
        if directory.claim(&mut leave.permit, claim.claimed()).await?.is_some() {
            return Err(Reason::AlreadyRegistered("organisation").into());
        }
        let writes = vec![
            Write::Put(Record::Organisation(organisation)),
            Write::Put(Record::Claim(claim)),
            Write::Put(Record::Custodies(Custodies::none(id))),
        ];
        Ok(Change::new(Registered::Organisation(id), detail(id.as_bytes(), None), writes))
    }
}

#[async_trait]
impl Decide for AddTeam {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        if directory.organisation(&mut leave.permit, self.organisation).await?.is_none() {
            return Err(Reason::Unknown("organisation").into());
        }
        let team = Team {
            id: TeamId::new(directory.random()),
            organisation: self.organisation,
            name: self.name.clone(),
            duty_phone: self.duty_phone.clone(),
            hours: self.hours,
        };
        let detail = detail(team.id.as_bytes(), Some(self.organisation.as_bytes()));
        let result = Registered::Team(team.id);
        Ok(Change::new(result, detail, vec![Write::Put(Record::Team(team))]))
    }
}

#[async_trait]
impl Decide for ChangeTeam {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let Some(team) = directory.team(&mut leave.permit, self.team).await? else {
            return Err(Reason::Unknown("team").into());
        };
        let detail = detail(team.id.as_bytes(), Some(team.organisation.as_bytes()));
        let team = Team {
            name: self.name.clone(),
            duty_phone: self.duty_phone.clone(),
            hours: self.hours,
            ..team
        };
        Ok(Change::of(detail, vec![Write::Put(Record::Team(team))]))
    }
}

#[async_trait]
impl Decide for RegisterSystem {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        if directory.organisation(&mut leave.permit, self.organisation).await?.is_none() {
            return Err(Reason::Unknown("organisation").into());
        }
        let system = System {
            id: SystemId::new(directory.random()),
            organisation: self.organisation,
            name: self.name.clone(),
            standing: Standing::Active,
            certificates: Vec::new(),
        };
        let detail = detail(system.id.as_bytes(), Some(self.organisation.as_bytes()));
        let result = Registered::System(system.id);
        Ok(Change::new(result, detail, vec![Write::Put(Record::System(system))]))
    }
}

#[async_trait]
impl Decide for SuspendSystem {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        // Whoever suspends their own system has no way left by which to admit another certificate.
        if self.system == leave.identity.system {
            let problem = "the request comes over this system itself; suspend it over another one";
            return Err(Reason::WrongState(problem).into());
        }
        let permit = &mut leave.permit;
        let system = directory.standing_otherwise(permit, self.system, Standing::Suspended).await?;
        // A thief may have renewed what was stolen: nothing of before is to come back.
        let mut writes = Vec::new();
        for &fingerprint in &system.certificates {
            let certificate = present(directory.certificate(permit, fingerprint).await?)?;
            let revoked = Certificate { standing: Standing::Revoked, ..certificate };
            writes.push(Write::Put(Record::Certificate(revoked)));
        }
        Ok(with_standing(system, Standing::Suspended, writes))
    }
}

#[async_trait]
impl Decide for ResumeSystem {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let permit = &mut leave.permit;
        let system = directory.standing_otherwise(permit, self.system, Standing::Active).await?;
        Ok(with_standing(system, Standing::Active, Vec::new()))
    }
}

impl Directory {
    /// A system that does not stand so yet.
    async fn standing_otherwise(
        &self,
        permit: &mut Permit,
        system: SystemId,
        standing: Standing,
    ) -> Result<System, Declined> {
        let Some(system) = self.system(permit, system).await? else {
            return Err(Reason::Unknown("system").into());
        };
        if system.standing == standing {
            return Err(Reason::WrongState("the system stands so already").into());
        }
        Ok(system)
    }
}

/// The change by which a system stands so, beside what else is written.
fn with_standing(system: System, standing: Standing, mut writes: Vec<Write>) -> Change {
    let detail = detail(system.id.as_bytes(), Some(system.organisation.as_bytes()));
    writes.push(Write::Put(Record::System(System { standing, ..system })));
    Change::of(detail, writes)
}
