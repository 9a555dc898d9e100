//! Onboarding's part of the table: each call with a request that would be done if it were let in.

use jiff::ToSpan;
use signpost::connection::fingerprint;
use signpost::entropy::SystemEntropy;
use signpost_core::token::{EnrolmentCode, Token};
use signpost_proto::v1;
use tonic::Status;

use super::Drive;
use crate::harness::{
    Administrators, Invited, NORTHFIELD, Service, certificate_request, conditions, date,
    invitation, redeem, redeem_for, request_id,
};

/// What the calls are about, so that one that is let in can be done. Each is used up once.
pub(super) struct Targets {
    administrators: Administrators,
    pub(super) team: v1::Team,
    /// Of this group are all the people below.
    pub(super) group: v1::Group,
    /// Of this one nobody is.
    empty: v1::Group,
    active_system: String,
    suspended_system: String,
    certificate: Vec<u8>,
    /// Two that wait.
    proposals: [String; 2],
    people: People,
    tokens: Tokens,
}

struct People {
    suspended: String,
    moved: String,
    removed: String,
    other: String,
}

/// Whose each is, and the token.
struct Tokens {
    active: (String, String),
    suspended: (String, String),
    returned: (String, String),
}

impl Targets {
    /// Made by the administrator who is no column, with the other as the second name.
    pub(super) async fn prepare(service: &Service) -> Self {
        let administrators = service.administrators();
        let by = &administrators;
        let northfield = by.organisation("Northfield Council").await;
        let team = by.team(&northfield.organisation_id).await;
        let group = by.open(by.group(&team, 200)).await;
        let empty = by.open(by.group(&team, 10)).await;
        let system = service.system(Some(NORTHFIELD));
        let staff = ["T1", "T2", "T3", "T4", "T5", "T6", "T7"];
        let invited = by.invite(&group.group_id, &staff).await.unwrap();
        let [suspended, moved, removed, other, one, two, three] = invited.try_into().unwrap();
        let suspend = v1::SuspendPersonRequest {
            request_id: request_id(),
            person_id: suspended.person_id.clone(),
        };
        by.first.suspend_person(suspend).await.unwrap();
        let mut tokens = Vec::new();
        for Invited { person_id, code } in [one, two, three] {
            redeem(&system, &code).await.unwrap();
            let token_id = by.tokens(&person_id).await.swap_remove(0).token_id;
            tokens.push((person_id, token_id));
        }
        let [active, suspended_token, returned] = tokens.try_into().unwrap();
        let (person_id, token_id) = suspended_token.clone();
        let suspend = v1::SuspendTokenRequest { request_id: request_id(), person_id, token_id };
        by.first.suspend_token(suspend).await.unwrap();
        let (active_system, suspended_system) =
            (new_system(by, &team).await, new_system(by, &team).await);
        let suspend = v1::SuspendSystemRequest {
            request_id: request_id(),
            system_id: suspended_system.clone(),
        };
        by.first.suspend_system(suspend).await.unwrap();
        // Of the one that is not to be suspended: a suspension revokes.
        let admit = admission(&suspended_system);
        let certificate = by.first.admit_certificate(admit).await.unwrap().certificate;
        let proposals = [
            by.propose(by.group(&team, 1)).await.unwrap(),
            by.propose(by.group(&team, 1)).await.unwrap(),
        ];
        Self {
            people: People {
                suspended: suspended.person_id,
                moved: moved.person_id,
                removed: removed.person_id,
                other: other.person_id,
            },
            tokens: Tokens { active, suspended: suspended_token, returned },
            administrators,
            team,
            group,
            empty,
            active_system,
            suspended_system,
            certificate,
            proposals,
        }
    }
}

async fn new_system(by: &Administrators, team: &v1::Team) -> String {
    let request = v1::RegisterSystemRequest {
        request_id: request_id(),
        organisation_id: team.organisation_id.clone(),
        name: "Another case system".to_owned(),
    };
    by.first.register_system(request).await.unwrap().system_id
}

fn admission(system_id: &str) -> v1::AdmitCertificateRequest {
    use v1::admit_certificate_request::Presented;

    v1::AdmitCertificateRequest {
        request_id: request_id(),
        system_id: system_id.to_owned(),
        presented: Some(Presented::CertificateRequest(certificate_request().1)),
    }
}

impl Drive<'_> {
    pub(super) async fn onboarding(&self, call: &str) -> Result<(), Status> {
        match call {
            "RegisterOrganisation"
            | "AddTeam"
            | "ChangeTeam"
            | "RegisterSystem"
            | "SuspendSystem"
            | "ResumeSystem" => self.organisations(call).await,
            "AdmitCertificate" | "RevokeCertificate" | "RenewCertificate" => {
                self.certificates(call).await
            }
            "ProposeAccess" | "ApproveAccess" | "WithdrawProposal" | "NarrowGroup" => {
                self.access(call).await
            }
            "IssueCode" | "RedeemCode" | "RenewToken" | "SuspendToken" | "ResumeToken"
            | "RecordCustody" => self.tokens(call).await,
            list if list.starts_with("List") || list == "GetCustodies" => self.list(list).await,
            about_people => self.people(about_people).await,
        }
    }

    async fn organisations(&self, call: &str) -> Result<(), Status> {
        let (by, targets, request_id) = (&self.caller, self.targets, request_id());
        let organisation_id = targets.team.organisation_id.clone();
        let (name, duty_phone) = ("Another".to_owned(), targets.team.duty_phone.clone());
        match call {
            "RegisterOrganisation" => {
                let until = self.service.world.today().saturating_add(1.year());
                let request = v1::RegisterOrganisationRequest {
                    request_id,
                    kind: v1::OrganisationKind::NhsTrust.into(),
                    code_scheme: v1::CodeScheme::Ods.into(),
                    code: "RX9".to_owned(),
                    name,
                    area: "E10000001".to_owned(),
                    authority: v1::LegalAuthority::ChildrenAct2004S11.into(),
                    authority_until: Some(date(until)),
                };
                by.register_organisation(request).await.map(drop)
            }
            "AddTeam" => {
                let request = v1::AddTeamRequest { request_id, organisation_id, name, duty_phone };
                by.add_team(request).await.map(drop)
            }
            "ChangeTeam" => {
                let team_id = targets.team.team_id.clone();
                let name = targets.team.name.clone();
                let request = v1::ChangeTeamRequest { request_id, team_id, name, duty_phone };
                by.change_team(request).await.map(drop)
            }
            "RegisterSystem" => {
                let request = v1::RegisterSystemRequest { request_id, organisation_id, name };
                by.register_system(request).await.map(drop)
            }
            "SuspendSystem" => {
                let system_id = targets.active_system.clone();
                by.suspend_system(v1::SuspendSystemRequest { request_id, system_id })
                    .await
                    .map(drop)
            }
            _ => {
                let system_id = targets.suspended_system.clone();
                by.resume_system(v1::ResumeSystemRequest { request_id, system_id }).await.map(drop)
            }
        }
    }

    async fn certificates(&self, call: &str) -> Result<(), Status> {
        let by = &self.caller;
        match call {
            "AdmitCertificate" => {
                by.admit_certificate(admission(&self.targets.active_system)).await.map(drop)
            }
            "RevokeCertificate" => {
                let fingerprint = fingerprint(&self.targets.certificate).as_bytes().to_vec();
                let request_id = request_id();
                let request = v1::RevokeCertificateRequest { request_id, fingerprint };
                by.revoke_certificate(request).await.map(drop)
            }
            _ => {
                if let Some(before) = self.closed {
                    let certificate_request = before.certificate_request.clone();
                    let request = v1::RenewCertificateRequest { certificate_request };
                    return by.renew_certificate(request).await.map(drop);
                }
                let certificate_request = certificate_request().1;
                let request = v1::RenewCertificateRequest { certificate_request };
                let renewed = by.renew_certificate(request).await?;
                // Of one system only some count at once.
                let request_id = request_id();
                let fingerprint = fingerprint(&renewed.certificate).as_bytes().to_vec();
                let revocation = v1::RevokeCertificateRequest { request_id, fingerprint };
                self.service.administrators().first.revoke_certificate(revocation).await.map(drop)
            }
        }
    }

    async fn access(&self, call: &str) -> Result<(), Status> {
        use v1::propose_access_request::Change;

        let (by, targets, request_id) = (&self.caller, self.targets, request_id());
        match call {
            "ProposeAccess" => {
                let group = targets.administrators.group(&targets.team, 5);
                let change = Some(Change::OpenGroup(group));
                by.propose_access(v1::ProposeAccessRequest { request_id, change }).await.map(drop)
            }
            "ApproveAccess" => {
                let proposal_id = targets.proposals[0].clone();
                let request = v1::ApproveAccessRequest { request_id, proposal_id };
                by.approve_access(request).await.map(drop)
            }
            "WithdrawProposal" => {
                let proposal_id = targets.proposals[1].clone();
                let request = v1::WithdrawProposalRequest { request_id, proposal_id };
                by.withdraw_proposal(request).await.map(drop)
            }
            _ => {
                let request = v1::NarrowGroupRequest {
                    request_id,
                    group_id: targets.group.group_id.clone(),
                    members_max: targets.group.members_max - 1,
                    valid_until: targets.group.valid_until,
                    purposes: targets.group.purposes.clone(),
                };
                by.narrow_group(request).await.map(drop)
            }
        }
    }

    async fn people(&self, call: &str) -> Result<(), Status> {
        let (by, people, request_id) = (&self.caller, &self.targets.people, request_id());
        let today = self.service.world.today();
        let other = people.other.clone();
        match call {
            "InvitePeople" => {
                let code = EnrolmentCode::new(SystemEntropy.bytes());
                let request = v1::InvitePeopleRequest {
                    request_id,
                    group_id: self.targets.group.group_id.clone(),
                    people: vec![invitation("NEW-1", &code, today)],
                    validate_only: false,
                };
                by.invite_people(request).await.map(drop)
            }
            "RecordConditions" => {
                let conditions = Some(conditions(today));
                let request =
                    v1::RecordConditionsRequest { request_id, person_id: other, conditions };
                by.record_conditions(request).await.map(drop)
            }
            "Recertify" => {
                by.recertify(v1::RecertifyRequest { request_id, person_id: other }).await.map(drop)
            }
            "SuspendPerson" => {
                let request = v1::SuspendPersonRequest { request_id, person_id: other };
                by.suspend_person(request).await.map(drop)
            }
            "ResumePerson" => {
                let person_id = people.suspended.clone();
                by.resume_person(v1::ResumePersonRequest { request_id, person_id }).await.map(drop)
            }
            "MovePerson" => {
                let (person_id, group_id) =
                    (people.moved.clone(), self.targets.empty.group_id.clone());
                let request = v1::MovePersonRequest { request_id, person_id, group_id };
                by.move_person(request).await.map(drop)
            }
            "RemovePerson" => {
                let person_id = people.removed.clone();
                by.remove_person(v1::RemovePersonRequest { request_id, person_id }).await.map(drop)
            }
            other => panic!("how {other} is called must be said here"),
        }
    }

    async fn tokens(&self, call: &str) -> Result<(), Status> {
        let (by, tokens, request_id) = (&self.caller, &self.targets.tokens, request_id());
        match call {
            "IssueCode" => {
                let code = EnrolmentCode::new(SystemEntropy.bytes());
                let request = v1::IssueCodeRequest {
                    request_id,
                    person_id: self.targets.people.other.clone(),
                    code_hash: code.hash().as_bytes().to_vec(),
                };
                by.issue_code(request).await.map(drop)
            }
            "RedeemCode" => self.redeem().await,
            "RenewToken" => {
                let token = Token::new(SystemEntropy.bytes());
                let token_hash = token.hash().as_bytes().to_vec();
                by.renew_token(v1::RenewTokenRequest { request_id, token_hash }).await?;
                self.service.world.give_token(self.name, &token.to_text());
                Ok(())
            }
            "SuspendToken" => {
                let (person_id, token_id) = tokens.active.clone();
                let request = v1::SuspendTokenRequest { request_id, person_id, token_id };
                by.suspend_token(request).await.map(drop)
            }
            "ResumeToken" => {
                let (person_id, token_id) = tokens.suspended.clone();
                let request = v1::ResumeTokenRequest { request_id, person_id, token_id };
                by.resume_token(request).await.map(drop)
            }
            _ => {
                let (person_id, token_id) = tokens.returned.clone();
                let custody = v1::Custody::Returned.into();
                let request = v1::RecordCustodyRequest { request_id, person_id, token_id, custody };
                by.record_custody(request).await.map(drop)
            }
        }
    }

    /// With a code of the caller's own, for it is good once.
    async fn redeem(&self) -> Result<(), Status> {
        let token = Token::new(SystemEntropy.bytes());
        if let Some(before) = self.closed {
            return redeem_for(&self.caller, &before.code, &token).await.map(drop);
        }
        let staff = format!("R-{}", self.name.replace(' ', "-"));
        let group = &self.targets.group.group_id;
        let invited = self.targets.administrators.invite(group, &[&staff]).await.unwrap();
        redeem_for(&self.caller, &invited[0].code, &token).await.map(drop)
    }

    async fn list(&self, call: &str) -> Result<(), Status> {
        let (by, targets) = (&self.caller, self.targets);
        let (organisation_id, page_size) = (targets.team.organisation_id.clone(), 1);
        let page_token = String::new();
        match call {
            "ListOrganisations" => {
                let request = v1::ListOrganisationsRequest { page_size, page_token };
                by.list_organisations(request).await.map(drop)
            }
            "ListTeams" => {
                let request = v1::ListTeamsRequest { organisation_id, page_size, page_token };
                by.list_teams(request).await.map(drop)
            }
            "ListSystems" => {
                let request = v1::ListSystemsRequest { organisation_id, page_size, page_token };
                by.list_systems(request).await.map(drop)
            }
            "ListCertificates" => {
                let system_id = targets.active_system.clone();
                by.list_certificates(v1::ListCertificatesRequest { system_id }).await.map(drop)
            }
            "ListGroups" => {
                let request = v1::ListGroupsRequest { organisation_id, page_size, page_token };
                by.list_groups(request).await.map(drop)
            }
            "ListPeople" => {
                let group_id = targets.group.group_id.clone();
                by.list_people(v1::ListPeopleRequest { group_id }).await.map(drop)
            }
            "ListTokens" => {
                let person_id = targets.tokens.active.0.clone();
                by.list_tokens(v1::ListTokensRequest { person_id }).await.map(drop)
            }
            "ListProposals" => {
                let request = v1::ListProposalsRequest { page_size, page_token };
                by.list_proposals(request).await.map(drop)
            }
            _ => by.get_custodies(v1::GetCustodiesRequest { organisation_id }).await.map(drop),
        }
    }
}
