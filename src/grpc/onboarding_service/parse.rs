//! Onboarding's requests, from the wire to the directory's types.

mod access;
mod certificates;
mod people;

use signpost_core::directory::onboarding::{
    AddTeam, ChangeTeam, ListRegister, Listing, NewOrganisation, RegisterOrganisation,
    RegisterSystem, ResumeSystem, SuspendSystem,
};
use signpost_core::flag::Hours;
use signpost_core::id::{GroupId, OrganisationId, PersonId, ProposalId, SystemId, TeamId, TokenId};
use signpost_core::refusal::Invalid;
use signpost_core::terms::{CodeScheme, LegalAuthority, OrganisationKind, Purpose};
use signpost_core::text::Phone;
use signpost_proto::v1;

use crate::grpc::parse::{Fields, read};

pub(super) use access::{approve_access, narrow_group, propose_access, withdraw_proposal};
pub(super) use certificates::{Admit, admit_certificate, renew_certificate, revoke_certificate};
pub(super) use people::{
    invite_people, issue_code, move_person, recertify, record_conditions, record_custody,
    redeem_code, remove_person, renew_token, resume_person, resume_token, suspend_person,
    suspend_token,
};

/// The most records of a page, and how many come where the client does not say.
const PAGE_MAX: usize = 500;
const PAGE: usize = 100;

pub(super) fn register_organisation(
    wire: &v1::RegisterOrganisationRequest,
) -> Result<RegisterOrganisation, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let kind = fields.term("kind", wire.kind, OrganisationKind::from_code);
        let scheme = fields.term("code_scheme", wire.code_scheme, CodeScheme::from_code);
        let code = fields.text("code", wire.code.clone());
        let name = fields.text("name", wire.name.clone());
        let area = fields.text("area", wire.area.clone());
        let authority = fields.term("authority", wire.authority, LegalAuthority::from_code);
        let authority_until = fields.date("authority_until", wire.authority_until.as_ref());
        Some(RegisterOrganisation {
            request: request?,
            organisation: NewOrganisation {
                kind: kind?,
                scheme: scheme?,
                code: code?,
                name: name?,
                area: area?,
                authority: authority?,
                authority_until: authority_until?,
            },
        })
    })
}

pub(super) fn add_team(wire: &v1::AddTeamRequest) -> Result<AddTeam, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let organisation = fields.organisation("organisation_id", &wire.organisation_id);
        let name = fields.text("name", wire.name.clone());
        let duty = fields.duty_phone(wire.duty_phone.as_ref());
        let (request, organisation, name) = (request?, organisation?, name?);
        let (duty_phone, hours) = duty?;
        Some(AddTeam { request, organisation, name, duty_phone, hours })
    })
}

pub(super) fn change_team(wire: &v1::ChangeTeamRequest) -> Result<ChangeTeam, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let team = fields.team("team_id", &wire.team_id);
        let name = fields.text("name", wire.name.clone());
        let duty = fields.duty_phone(wire.duty_phone.as_ref());
        let (request, team, name) = (request?, team?, name?);
        let (duty_phone, hours) = duty?;
        Some(ChangeTeam { request, team, name, duty_phone, hours })
    })
}

pub(super) fn register_system(wire: &v1::RegisterSystemRequest) -> Result<RegisterSystem, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let organisation = fields.organisation("organisation_id", &wire.organisation_id);
        let name = fields.text("name", wire.name.clone());
        Some(RegisterSystem { request: request?, organisation: organisation?, name: name? })
    })
}

pub(super) fn suspend_system(wire: &v1::SuspendSystemRequest) -> Result<SuspendSystem, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let system = fields.system("system_id", &wire.system_id);
        Some(SuspendSystem { request: request?, system: system? })
    })
}

pub(super) fn resume_system(wire: &v1::ResumeSystemRequest) -> Result<ResumeSystem, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let system = fields.system("system_id", &wire.system_id);
        Some(ResumeSystem { request: request?, system: system? })
    })
}

pub(super) fn organisations(wire: &v1::ListOrganisationsRequest) -> Result<ListRegister, Invalid> {
    page(wire.page_size, &wire.page_token, |_| Some(Listing::Organisations))
}

pub(super) fn teams(wire: &v1::ListTeamsRequest) -> Result<ListRegister, Invalid> {
    page(wire.page_size, &wire.page_token, |fields| {
        fields.organisation("organisation_id", &wire.organisation_id).map(Listing::Teams)
    })
}

pub(super) fn systems(wire: &v1::ListSystemsRequest) -> Result<ListRegister, Invalid> {
    page(wire.page_size, &wire.page_token, |fields| {
        fields.organisation("organisation_id", &wire.organisation_id).map(Listing::Systems)
    })
}

pub(super) fn certificates(wire: &v1::ListCertificatesRequest) -> Result<ListRegister, Invalid> {
    page(0, "", |fields| fields.system("system_id", &wire.system_id).map(Listing::Certificates))
}

pub(super) fn groups(wire: &v1::ListGroupsRequest) -> Result<ListRegister, Invalid> {
    page(wire.page_size, &wire.page_token, |fields| {
        fields.organisation("organisation_id", &wire.organisation_id).map(Listing::Groups)
    })
}

pub(super) fn people(wire: &v1::ListPeopleRequest) -> Result<ListRegister, Invalid> {
    page(0, "", |fields| fields.group("group_id", &wire.group_id).map(Listing::People))
}

pub(super) fn tokens(wire: &v1::ListTokensRequest) -> Result<ListRegister, Invalid> {
    page(0, "", |fields| fields.person("person_id", &wire.person_id).map(Listing::Tokens))
}

pub(super) fn proposals(wire: &v1::ListProposalsRequest) -> Result<ListRegister, Invalid> {
    page(wire.page_size, &wire.page_token, |_| Some(Listing::Proposals))
}

pub(super) fn custodies(wire: &v1::GetCustodiesRequest) -> Result<ListRegister, Invalid> {
    page(0, "", |fields| {
        fields.organisation("organisation_id", &wire.organisation_id).map(Listing::Custodies)
    })
}

fn page(
    size: i32,
    token: &str,
    listing: impl FnOnce(&mut Fields) -> Option<Listing>,
) -> Result<ListRegister, Invalid> {
    read(|fields| {
        let listing = listing(fields);
        let limit = match usize::try_from(size) {
            Ok(0) => Some(PAGE),
            Ok(size) if size <= PAGE_MAX => Some(size),
            _ => fields.wrong("page_size", "must be 1 to 500, or 0 for 100"),
        };
        let after = if token.is_empty() { None } else { fields.page_token(token) };
        Some(ListRegister { listing: listing?, after, limit: limit? })
    })
}

/// Declares the ids: each a UUID.
macro_rules! ids {
    ($($name:ident => $id:ident;)+) => {$(
        fn $name(&mut self, field: &str, text: &str) -> Option<$id> {
            self.uuid(field, text).map($id::new)
        }
    )+};
}

impl Fields {
    ids! {
        organisation => OrganisationId;
        team => TeamId;
        system => SystemId;
        group => GroupId;
        person => PersonId;
        token => TokenId;
        proposal => ProposalId;
    }

    /// 32 bytes: a hash or a fingerprint.
    fn digest(&mut self, field: &str, bytes: &[u8]) -> Option<[u8; 32]> {
        match bytes.try_into() {
            Ok(digest) => Some(digest),
            Err(_) => self.wrong(field, "must be 32 bytes"),
        }
    }

    fn page_token(&mut self, text: &str) -> Option<[u8; 16]> {
        let mut id = [0; 16];
        match hex::decode_to_slice(text, &mut id) {
            Ok(()) => Some(id),
            Err(_) => self.wrong("page_token", "must be a next_page_token of this call"),
        }
    }

    fn duty_phone(&mut self, wire: Option<&v1::DutyPhone>) -> Option<(Phone, Hours)> {
        let Some(wire) = wire else { return self.missing("duty_phone") };
        let phone = self.text("duty_phone.phone", wire.phone.clone());
        let hours = self.hours("duty_phone.hours", wire.hours);
        Some((phone?, hours?))
    }

    fn purposes(&mut self, field: &str, wire: &[i32]) -> Option<Vec<Purpose>> {
        let each = wire.iter().enumerate().map(|(index, &code)| {
            self.term(&format!("{field}[{index}]"), code, Purpose::from_code)
        });
        // Each is looked at, so that every wrong one is named.
        each.collect::<Vec<_>>().into_iter().collect()
    }
}

#[cfg(test)]
mod tests;
