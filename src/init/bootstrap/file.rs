//! The bootstrap file, for development: a whole register, loaded once, into an empty store.
//!
//! It becomes the very records that onboarding writes, though nobody proposes or approves them. Tokens
//! are made here and written to the files that it names, each readable by its owner only; the store
//! keeps hashes alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Deserialize;
use signpost_core::directory::FirstLight;
use signpost_core::flag::Hours;
use signpost_core::id::{ActorId, GroupId, OrganisationId, PersonId, SystemId, TeamId, TokenId};
use signpost_core::register::{
    Certificate, Conditions, Group, Organisation, Person, PersonStanding, Standing, System, Team,
    TokenRecord,
};
use signpost_core::terms::{CodeScheme, Custody, LegalAuthority, OrganisationKind, Purpose, Role};
use signpost_core::text::{AreaCode, Name, OrganisationCode, Phone, StaffReference};
use signpost_core::token::Token;

use crate::config::one_line;
use crate::connection::fingerprint;
use crate::entropy::SystemEntropy;
use crate::exit::Failure;
use crate::{secret_file, tls};

/// A bootstrap file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bootstrap {
    organisation: Vec<BootstrapOrganisation>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BootstrapOrganisation {
    kind: String,
    scheme: String,
    code: OrganisationCode,
    name: Name,
    area: AreaCode,
    /// The law under which it takes part.
    authority: String,
    /// The last day of its legal authority.
    authority_until: Date,
    #[serde(default)]
    system: Vec<BootstrapSystem>,
    #[serde(default)]
    team: Vec<BootstrapTeam>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BootstrapSystem {
    name: Name,
    /// Its client certificate, PEM.
    certificate: PathBuf,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BootstrapTeam {
    name: Name,
    duty_phone: Phone,
    days: u8,
    opens_minute: u16,
    closes_minute: u16,
    #[serde(default)]
    group: Vec<BootstrapGroup>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BootstrapGroup {
    role: String,
    #[serde(default)]
    purposes: Vec<String>,
    members_max: u32,
    valid_from: Date,
    valid_until: Date,
    #[serde(default)]
    member: Vec<BootstrapMember>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BootstrapMember {
    /// What the organisation calls the person.
    staff: StaffReference,
    /// Where the new token is written.
    token: PathBuf,
    #[serde(default)]
    suspended: bool,
}

impl Bootstrap {
    /// Reads a file; relative paths count from its folder.
    pub fn load(path: &Path) -> Result<(Self, PathBuf), Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::config(format!("cannot read {}: {error}", path.display())))?;
        let bootstrap = toml::from_str(&text).map_err(|error| {
            Failure::config(format!("{}: {}", path.display(), one_line(&error)))
        })?;
        Ok((bootstrap, path.parent().unwrap_or(Path::new(".")).to_owned()))
    }

    /// Checks it, and makes its records and its tokens. Nothing is written yet.
    pub fn register(self, folder: &Path, today: Date) -> Result<(FirstLight, NewTokens), Failure> {
        let (register, tokens) = (FirstLight::default(), NewTokens::default());
        let mut building = Building { today, register, tokens };
        for organisation in self.organisation {
            building.organisation(organisation, folder)?;
        }
        building.check()?;
        Ok((building.register, building.tokens))
    }
}

/// New tokens, each with the file it belongs into.
#[derive(Debug, Default)]
pub struct NewTokens(BTreeMap<PathBuf, Token>);

impl NewTokens {
    /// The files.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.keys()
    }

    /// Writes each to its file; an existing file is refused.
    pub fn write(&self) -> Result<(), Failure> {
        for (path, token) in &self.0 {
            secret_file::create(path, &token.to_text())?;
        }
        Ok(())
    }
}

struct Building {
    /// The day on which everything was checked.
    today: Date,
    register: FirstLight,
    tokens: NewTokens,
}

impl Building {
    fn organisation(&mut self, from: BootstrapOrganisation, folder: &Path) -> Result<(), Failure> {
        let id = OrganisationId::new(SystemEntropy.bytes());
        self.register.organisations.push(Organisation {
            id,
            kind: OrganisationKind::from_name(&from.kind)
                .ok_or_else(|| unknown("kind of organisation", &from.kind))?,
            scheme: CodeScheme::from_name(&from.scheme)
                .filter(|scheme| from.code.fits(*scheme))
                .ok_or_else(|| unknown("scheme of this organisation's code", &from.scheme))?,
            code: from.code,
            name: from.name,
            area: from.area,
            authority: LegalAuthority::from_name(&from.authority)
                .ok_or_else(|| unknown("legal authority", &from.authority))?,
            authority_until: from.authority_until,
        });
        for system in from.system {
            let leaf = tls::certificates(&folder.join(&system.certificate))?;
            let system_id = SystemId::new(SystemEntropy.bytes());
            self.register.systems.push(System {
                id: system_id,
                organisation: id,
                name: system.name,
                standing: Standing::Active,
                certificates: Vec::new(),
            });
            self.register.certificates.push(Certificate {
                fingerprint: fingerprint(&leaf[0]),
                system: system_id,
                until: tls::not_after(&leaf[0])?,
                standing: Standing::Active,
            });
        }
        for team in from.team {
            self.team(id, team, folder)?;
        }
        Ok(())
    }

    fn team(
        &mut self,
        organisation: OrganisationId,
        from: BootstrapTeam,
        folder: &Path,
    ) -> Result<(), Failure> {
        let id = TeamId::new(SystemEntropy.bytes());
        let hours = Hours::new(from.days, from.opens_minute, from.closes_minute);
        let hours = hours.map_err(|error| {
            Failure::config(format!("bootstrap: team {}: {error}", from.name.as_str()))
        })?;
        self.register.teams.push(Team {
            id,
            organisation,
            name: from.name,
            duty_phone: from.duty_phone,
            hours,
        });
        for group in from.group {
            self.group(organisation, id, group, folder)?;
        }
        Ok(())
    }

    fn group(
        &mut self,
        organisation: OrganisationId,
        team: TeamId,
        from: BootstrapGroup,
        folder: &Path,
    ) -> Result<(), Failure> {
        let id = GroupId::new(SystemEntropy.bytes());
        let role = Role::from_name(&from.role).ok_or_else(|| unknown("role", &from.role))?;
        let purposes: Result<Vec<_>, _> = from
            .purposes
            .iter()
            .map(|name| Purpose::from_name(name).ok_or_else(|| unknown("purpose", name)))
            .collect();
        if from.member.len() > from.members_max as usize {
            let members_max = from.members_max;
            let problem = format!(
                "bootstrap: a group of {} has more than its members_max of {members_max}",
                from.role
            );
            return Err(Failure::config(problem));
        }
        self.register.groups.push(Group {
            id,
            organisation,
            team,
            role,
            purposes: purposes?,
            members_max: from.members_max,
            valid_from: from.valid_from,
            valid_until: from.valid_until,
            sponsor: None,
        });
        for member in from.member {
            self.member(organisation, id, from.valid_until, member, folder)?;
        }
        Ok(())
    }

    fn member(
        &mut self,
        organisation: OrganisationId,
        group: GroupId,
        valid_until: Date,
        from: BootstrapMember,
        folder: &Path,
    ) -> Result<(), Failure> {
        let person = PersonId::new(SystemEntropy.bytes());
        let standing =
            if from.suspended { PersonStanding::Suspended } else { PersonStanding::Active };
        let today = self.today;
        self.register.people.push(Person {
            id: person,
            actor: ActorId::new(SystemEntropy.bytes()),
            organisation,
            staff: from.staff,
            group,
            standing,
            conditions: Conditions {
                vetting_on: today,
                barred_list_checked_on: today,
                training_on: today,
                agreement_signed_on: today,
            },
            recertified_on: today,
            let_in_by: None,
            code: None,
            tokens: Vec::new(),
        });
        let token = Token::new(SystemEntropy.bytes());
        self.register.tokens.push(TokenRecord {
            hash: token.hash(),
            id: TokenId::new(SystemEntropy.bytes()),
            person,
            organisation,
            used_on: today,
            valid_until,
            standing: Standing::Active,
            custody: Custody::Out,
        });
        let path = folder.join(from.token);
        if path.exists() || self.tokens.0.insert(path.clone(), token).is_some() {
            let path = path.display();
            let problem = format!("bootstrap: {path} exists, or stands for two people's tokens");
            return Err(Failure::config(problem));
        }
        Ok(())
    }

    /// What no single table can show wrong.
    fn check(&self) -> Result<(), Failure> {
        let mut fingerprints: Vec<_> =
            self.register.certificates.iter().map(|one| one.fingerprint).collect();
        fingerprints.sort();
        if fingerprints.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Failure::config("bootstrap: two systems have the same certificate"));
        }
        let mut codes: Vec<_> = self.register.organisations.iter().map(|one| &one.code).collect();
        codes.sort();
        if codes.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Failure::config("bootstrap: two organisations have the same code"));
        }
        let people = self.register.people.iter();
        let mut staff: Vec<_> = people.map(|one| (one.organisation, &one.staff)).collect();
        staff.sort();
        if staff.windows(2).any(|pair| pair[0] == pair[1]) {
            let problem = "bootstrap: two people of an organisation have the same staff reference";
            return Err(Failure::config(problem));
        }
        Ok(())
    }
}

fn unknown(what: &str, name: &str) -> Failure {
    Failure::config(format!("bootstrap: {name} is no {what}"))
}
