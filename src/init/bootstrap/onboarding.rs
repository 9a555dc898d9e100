//! The file, walked through: one call of onboarding after the other.

use std::path::Path;

use signpost_core::directory::Presented;
use signpost_core::directory::onboarding::{
    AddTeam, AdmitCertificate, Invitation, InvitePeople, Listing, NarrowGroup, NewOrganisation,
    Redeem, RegisterOrganisation, RegisterSystem, RemovePerson, SuspendPerson,
};
use signpost_core::flag::Hours;
use signpost_core::id::{Fingerprint, GroupId, OrganisationId, PersonId, TeamId};
use signpost_core::record::{Record, Registered};
use signpost_core::register::Group;
use signpost_core::terms::{CodeScheme, LegalAuthority, OrganisationKind, Purpose, Role};
use signpost_core::text::StaffReference;
use signpost_core::token::{EnrolmentCode, Token};

use super::administrators::{Administrators, other_than_asked, refused, request_id};
use super::file::{
    BootstrapGroup, BootstrapMember, BootstrapNarrowing, BootstrapOrganisation, BootstrapSystem,
    BootstrapTeam,
};
use super::{all_checked, second};
use crate::admission::ClientAuthorities;
use crate::entropy::SystemEntropy;
use crate::exit::Failure;
use crate::init::made::Made;
use crate::tls;

/// How much was onboarded, beside the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Initialised {
    /// Organisations.
    pub organisations: usize,
    /// Access groups.
    pub groups: usize,
    /// People, each with a new token in a file.
    pub people: usize,
}

/// Two administrators with a file before them.
pub(super) struct Onboarding<'a> {
    administrators: Administrators<'a>,
    authorities: ClientAuthorities,
    /// From where relative paths count.
    folder: &'a Path,
    made: &'a mut Made,
    /// The group of the two themselves.
    own: Group,
    done: Initialised,
}

/// Where a group is, and over which system its members redeem their codes.
#[derive(Clone, Copy)]
struct Place {
    organisation: OrganisationId,
    certificate: Option<Fingerprint>,
    team: TeamId,
}

impl<'a> Onboarding<'a> {
    /// Begins with nobody but the two in the register.
    pub(super) async fn begin(
        administrators: Administrators<'a>,
        authorities: ClientAuthorities,
        folder: &'a Path,
        made: &'a mut Made,
    ) -> Result<Self, Failure> {
        let organisations = administrators.list(Listing::Organisations).await?;
        let Some(Record::Organisation(operator)) = organisations.first().map(|one| &one.record)
        else {
            return Err(other_than_asked());
        };
        let (_, own) = administrators.groups(operator.id).await?.remove(0);
        let done = Initialised::default();
        Ok(Self { administrators, authorities, folder, made, own, done })
    }

    /// The second of the two leaves. Nobody has the token of the first, nor a key of the certificate.
    pub(super) async fn end(self) -> Result<Initialised, Failure> {
        let person = self.person(self.own.id, second()).await?;
        self.administrators.onboard(RemovePerson { request: request_id(), person }).await?;
        Ok(self.done)
    }

    /// An organisation with all that the file says of it.
    pub(super) async fn organisation(
        &mut self,
        from: BootstrapOrganisation,
    ) -> Result<(), Failure> {
        let kind = OrganisationKind::from_name(&from.kind);
        let scheme = CodeScheme::from_name(&from.scheme);
        let authority = LegalAuthority::from_name(&from.authority);
        let registered = RegisterOrganisation {
            request: request_id(),
            organisation: NewOrganisation {
                kind: kind.ok_or_else(|| unknown("kind of organisation", &from.kind))?,
                scheme: scheme.ok_or_else(|| unknown("scheme of codes", &from.scheme))?,
                code: from.code,
                name: from.name,
                area: from.area,
                authority: authority.ok_or_else(|| unknown("legal authority", &from.authority))?,
                authority_until: from.authority_until,
            },
        };
        let registered = self.administrators.onboard(registered).await?;
        let Registered::Organisation(organisation) = registered else {
            return Err(other_than_asked());
        };
        self.done.organisations += 1;
        let mut certificate = None;
        for system in from.system {
            certificate = Some(self.system(organisation, system).await?);
        }
        for team in from.team {
            self.team(organisation, certificate, team).await?;
        }
        Ok(())
    }

    async fn system(
        &self,
        organisation: OrganisationId,
        from: BootstrapSystem,
    ) -> Result<Fingerprint, Failure> {
        let system = RegisterSystem { request: request_id(), organisation, name: from.name };
        let Registered::System(system) = self.administrators.onboard(system).await? else {
            return Err(other_than_asked());
        };
        let path = self.folder.join(&from.certificate);
        let leaf = tls::certificates(&path)?.swap_remove(0);
        let now = self.administrators.directory.now();
        let admissible = self.authorities.check(leaf.to_vec(), now);
        let admissible = admissible
            .map_err(|problem| Failure::config(format!("{} {problem}", path.display())))?;
        let (request, fingerprint, until) =
            (request_id(), admissible.fingerprint, admissible.until);
        let admission = AdmitCertificate { request, system, fingerprint, until };
        self.administrators.onboard(admission).await?;
        Ok(fingerprint)
    }

    async fn team(
        &mut self,
        organisation: OrganisationId,
        certificate: Option<Fingerprint>,
        from: BootstrapTeam,
    ) -> Result<(), Failure> {
        let hours = Hours::new(from.days, from.opens_minute, from.closes_minute);
        let hours = hours.map_err(|error| {
            Failure::config(format!("bootstrap: team {}: {error}", from.name.as_str()))
        })?;
        let team = AddTeam {
            request: request_id(),
            organisation,
            name: from.name,
            duty_phone: from.duty_phone,
            hours,
        };
        let Registered::Team(team) = self.administrators.onboard(team).await? else {
            return Err(other_than_asked());
        };
        for group in from.group {
            self.group(Place { organisation, certificate, team }, group).await?;
        }
        Ok(())
    }

    async fn group(&mut self, place: Place, from: BootstrapGroup) -> Result<(), Failure> {
        let role = Role::from_name(&from.role).ok_or_else(|| unknown("role", &from.role))?;
        let group = Group {
            // Whatever is proposed, a new one is made.
            id: GroupId::new(SystemEntropy.bytes()),
            organisation: place.organisation,
            team: place.team,
            role,
            purposes: purposes(&from.purposes)?,
            members_max: from.members_max,
            valid_from: from.valid_from,
            valid_until: from.valid_until,
            sponsor: None,
        };
        let version = self.administrators.open(group).await?;
        let groups = self.administrators.groups(place.organisation).await?;
        let opened = groups.into_iter().find(|(found, _)| *found == version);
        let Some((_, group)) = opened else { return Err(other_than_asked()) };
        self.done.groups += 1;
        if !from.member.is_empty() {
            self.members(place, group.id, from.member).await?;
        }
        match from.narrowed {
            Some(narrowed) => self.narrow(&group, narrowed).await,
            None => Ok(()),
        }
    }

    /// Invites the members, and each redeems a code for the token of their own.
    async fn members(
        &mut self,
        place: Place,
        group: GroupId,
        from: Vec<BootstrapMember>,
    ) -> Result<(), Failure> {
        let Some(certificate) = place.certificate else {
            let problem = "an organisation has people, and no system over which they could enrol";
            return Err(Failure::config(format!("bootstrap: {problem}")));
        };
        let conditions = all_checked(self.administrators.directory.today());
        let codes = from.iter().map(|_| EnrolmentCode::new(SystemEntropy.bytes()));
        let codes: Vec<EnrolmentCode> = codes.collect();
        let people = from.iter().zip(&codes).map(|(member, code)| Invitation {
            staff: member.staff.clone(),
            conditions,
            code: code.hash(),
        });
        let (request, people) = (request_id(), people.collect());
        // By the two in turn, so that there are people of both lines: whom one has let in alone are no
        // two names.
        let by = &self.administrators;
        let by = if self.done.groups.is_multiple_of(2) { &by.second } else { &by.first };
        let invited = InvitePeople { request, group, people, dry_run: false };
        self.administrators.onboard_as(by, invited).await?;
        for (member, code) in from.into_iter().zip(codes) {
            let token = Token::new(SystemEntropy.bytes());
            self.made.secret(&self.folder.join(&member.token), &token.to_text())?;
            let presented = Presented { certificate, token: None };
            let redeem = Ok(Redeem { code, token: token.hash() });
            let redeemed = self.administrators.directory.redeem(&presented, &redeem).await;
            redeemed.map_err(|refusal| refused(&refusal))?;
            self.done.people += 1;
            if member.suspended {
                self.suspend(group, member.staff).await?;
            }
        }
        Ok(())
    }

    /// The person of this staff reference in a group.
    async fn person(&self, group: GroupId, staff: StaffReference) -> Result<PersonId, Failure> {
        let people = self.administrators.list(Listing::People(group)).await?;
        let person = people.into_iter().find_map(|stored| match stored.record {
            Record::Person(person) if person.staff == staff => Some(person.id),
            _ => None,
        });
        person.ok_or_else(other_than_asked)
    }

    async fn suspend(&self, group: GroupId, staff: StaffReference) -> Result<(), Failure> {
        let person = self.person(group, staff).await?;
        self.administrators.onboard(SuspendPerson { request: request_id(), person }).await?;
        Ok(())
    }

    async fn narrow(&self, group: &Group, to: BootstrapNarrowing) -> Result<(), Failure> {
        let narrowing = NarrowGroup {
            request: request_id(),
            group: group.id,
            members_max: group.members_max,
            valid_until: to.valid_until,
            purposes: purposes(&to.purposes)?,
        };
        self.administrators.onboard(narrowing).await?;
        Ok(())
    }
}

fn purposes(names: &[String]) -> Result<Vec<Purpose>, Failure> {
    let purpose = |name: &String| Purpose::from_name(name).ok_or_else(|| unknown("purpose", name));
    names.iter().map(purpose).collect()
}

fn unknown(what: &str, name: &str) -> Failure {
    Failure::config(format!("bootstrap: {name} is no {what}"))
}
