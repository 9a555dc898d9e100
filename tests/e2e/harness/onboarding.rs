//! What administrators do, for the tests to stand on: groups by two names, people let in.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use signpost::entropy::SystemEntropy;
use signpost_core::token::{EnrolmentCode, Token};
use signpost_proto::v1;
use signpost_proto::v1::onboarding_service_client::OnboardingServiceClient;
use tonic::Status;
use tonic::transport::Channel;

use super::{Caller, date, request_id};

/// The authority of the service's own, as its configuration names it.
pub(crate) const OWN_AUTHORITY: [(&str, &str); 2] =
    [("AUTHORITY__CERTIFICATE", "pki/authority.pem"), ("AUTHORITY__KEY", "pki/authority.key")];

/// Declares the calls, each with the caller's token.
macro_rules! calls {
    ($($name:ident($request:ident) -> $response:ident;)+) => {
        impl Caller {$(
            pub(crate) async fn $name(
                &self,
                message: v1::$request,
            ) -> Result<v1::$response, Status> {
                let mut client: OnboardingServiceClient<Channel> = self.onboarding();
                Ok(client.$name(self.request(message)).await?.into_inner())
            }
        )+}
    };
}

calls! {
    register_organisation(RegisterOrganisationRequest) -> RegisterOrganisationResponse;
    add_team(AddTeamRequest) -> AddTeamResponse;
    change_team(ChangeTeamRequest) -> ChangeTeamResponse;
    register_system(RegisterSystemRequest) -> RegisterSystemResponse;
    suspend_system(SuspendSystemRequest) -> SuspendSystemResponse;
    resume_system(ResumeSystemRequest) -> ResumeSystemResponse;
    admit_certificate(AdmitCertificateRequest) -> AdmitCertificateResponse;
    revoke_certificate(RevokeCertificateRequest) -> RevokeCertificateResponse;
    renew_certificate(RenewCertificateRequest) -> RenewCertificateResponse;
    propose_access(ProposeAccessRequest) -> ProposeAccessResponse;
    approve_access(ApproveAccessRequest) -> ApproveAccessResponse;
    withdraw_proposal(WithdrawProposalRequest) -> WithdrawProposalResponse;
    narrow_group(NarrowGroupRequest) -> NarrowGroupResponse;
    invite_people(InvitePeopleRequest) -> InvitePeopleResponse;
    record_conditions(RecordConditionsRequest) -> RecordConditionsResponse;
    recertify(RecertifyRequest) -> RecertifyResponse;
    suspend_person(SuspendPersonRequest) -> SuspendPersonResponse;
    resume_person(ResumePersonRequest) -> ResumePersonResponse;
    move_person(MovePersonRequest) -> MovePersonResponse;
    remove_person(RemovePersonRequest) -> RemovePersonResponse;
    issue_code(IssueCodeRequest) -> IssueCodeResponse;
    redeem_code(RedeemCodeRequest) -> RedeemCodeResponse;
    renew_token(RenewTokenRequest) -> RenewTokenResponse;
    suspend_token(SuspendTokenRequest) -> SuspendTokenResponse;
    resume_token(ResumeTokenRequest) -> ResumeTokenResponse;
    record_custody(RecordCustodyRequest) -> RecordCustodyResponse;
    list_organisations(ListOrganisationsRequest) -> ListOrganisationsResponse;
    list_teams(ListTeamsRequest) -> ListTeamsResponse;
    list_systems(ListSystemsRequest) -> ListSystemsResponse;
    list_certificates(ListCertificatesRequest) -> ListCertificatesResponse;
    list_groups(ListGroupsRequest) -> ListGroupsResponse;
    list_people(ListPeopleRequest) -> ListPeopleResponse;
    list_tokens(ListTokensRequest) -> ListTokensResponse;
    list_proposals(ListProposalsRequest) -> ListProposalsResponse;
    get_custodies(GetCustodiesRequest) -> GetCustodiesResponse;
}

/// Two administrators of one organisation.
#[derive(Clone, Debug)]
pub(crate) struct Administrators {
    /// Who proposes.
    pub(crate) first: Caller,
    /// Who approves.
    pub(crate) second: Caller,
    pub(crate) today: Date,
}

/// Somebody who was invited, with the code that only they have.
#[derive(Clone, Debug)]
pub(crate) struct Invited {
    pub(crate) person_id: String,
    pub(crate) code: EnrolmentCode,
}

impl Administrators {
    /// The organisation of this name.
    pub(crate) async fn organisation(&self, name: &str) -> v1::Organisation {
        let all = v1::ListOrganisationsRequest::default();
        let all = self.first.list_organisations(all).await.unwrap().organisations;
        all.into_iter().find(|one| one.name == name).expect("an organisation of this name")
    }

    /// One of its teams.
    pub(crate) async fn team(&self, organisation_id: &str) -> v1::Team {
        let organisation_id = organisation_id.to_owned();
        let all = v1::ListTeamsRequest { organisation_id, ..v1::ListTeamsRequest::default() };
        self.first.list_teams(all).await.unwrap().teams.swap_remove(0)
    }

    /// A group of social workers in that team, for 60 days.
    pub(crate) fn group(&self, team: &v1::Team, members_max: u32) -> v1::Group {
        v1::Group {
            organisation_id: team.organisation_id.clone(),
            team_id: team.team_id.clone(),
            role: v1::Role::SocialWorker.into(),
            purposes: vec![v1::Purpose::S47Enquiry.into(), v1::Purpose::S17Assessment.into()],
            members_max,
            valid_from: Some(date(self.today)),
            valid_until: Some(date(self.today.saturating_add(60.days()))),
            ..v1::Group::default()
        }
    }

    /// Proposes a group by the first name.
    pub(crate) async fn propose(&self, group: v1::Group) -> Result<String, Status> {
        let change = Some(v1::propose_access_request::Change::OpenGroup(group));
        self.propose_change(change).await
    }

    /// Proposes any change by the first name.
    pub(crate) async fn propose_change(
        &self,
        change: Option<v1::propose_access_request::Change>,
    ) -> Result<String, Status> {
        let request = v1::ProposeAccessRequest { request_id: request_id(), change };
        Ok(self.first.propose_access(request).await?.proposal_id)
    }

    /// Approves it by the second name; gives the receipt.
    pub(crate) async fn approve(&self, proposal_id: String) -> Result<u64, Status> {
        let request = v1::ApproveAccessRequest { request_id: request_id(), proposal_id };
        Ok(self.second.approve_access(request).await?.receipt)
    }

    /// Opens a group by both names.
    pub(crate) async fn open(&self, group: v1::Group) -> v1::Group {
        let organisation_id = group.organisation_id.clone();
        let receipt = self.approve(self.propose(group).await.unwrap()).await.unwrap();
        self.groups(&organisation_id).await.into_iter().find(|one| one.version == receipt).unwrap()
    }

    /// The organisation's groups.
    pub(crate) async fn groups(&self, organisation_id: &str) -> Vec<v1::Group> {
        let organisation_id = organisation_id.to_owned();
        let all =
            v1::ListGroupsRequest { organisation_id, page_size: 500, page_token: String::new() };
        self.first.list_groups(all).await.unwrap().groups
    }

    /// Invites people by these staff references.
    pub(crate) async fn invite(
        &self,
        group_id: &str,
        staff: &[&str],
    ) -> Result<Vec<Invited>, Status> {
        let codes: Vec<_> =
            staff.iter().map(|_| EnrolmentCode::new(SystemEntropy.bytes())).collect();
        let each = staff.iter().zip(&codes);
        let people = each.map(|(staff, code)| invitation(staff, code, self.today)).collect();
        let request = v1::InvitePeopleRequest {
            request_id: request_id(),
            group_id: group_id.to_owned(),
            people,
            validate_only: false,
        };
        self.first.invite_people(request).await?;
        let mut ids: BTreeMap<String, String> = self
            .people(group_id)
            .await
            .into_iter()
            .map(|person| (person.staff_reference, person.person_id))
            .collect();
        let invited = staff.iter().zip(codes);
        let invited =
            invited.map(|(staff, code)| Invited { person_id: ids.remove(*staff).unwrap(), code });
        Ok(invited.collect())
    }

    /// The group's members.
    pub(crate) async fn people(&self, group_id: &str) -> Vec<v1::Person> {
        let group_id = group_id.to_owned();
        self.first.list_people(v1::ListPeopleRequest { group_id }).await.unwrap().people
    }

    /// The person's tokens.
    pub(crate) async fn tokens(&self, person_id: &str) -> Vec<v1::IssuedToken> {
        let person_id = person_id.to_owned();
        self.first.list_tokens(v1::ListTokensRequest { person_id }).await.unwrap().tokens
    }
}

/// An invitation of somebody who meets every condition.
pub(crate) fn invitation(staff: &str, code: &EnrolmentCode, today: Date) -> v1::Invitation {
    v1::Invitation {
        staff_reference: staff.to_owned(),
        conditions: Some(conditions(today)),
        code_hash: code.hash().as_bytes().to_vec(),
    }
}

/// Conditions that were checked a month ago.
pub(crate) fn conditions(today: Date) -> v1::Conditions {
    let day = Some(date(today.saturating_sub(30.days())));
    v1::Conditions {
        vetting_on: day,
        barred_list_checked_on: day,
        training_on: day,
        agreement_signed_on: day,
    }
}

/// Redeems a code over the caller's system for a new token.
pub(crate) async fn redeem(system: &Caller, code: &EnrolmentCode) -> Result<Token, Status> {
    let token = Token::new(SystemEntropy.bytes());
    redeem_for(system, code, &token).await.map(|_| token)
}

/// Redeems a code for this token.
pub(crate) async fn redeem_for(
    system: &Caller,
    code: &EnrolmentCode,
    token: &Token,
) -> Result<v1::RedeemCodeResponse, Status> {
    let request = v1::RedeemCodeRequest {
        code: code.to_text().to_string(),
        token_hash: token.hash().as_bytes().to_vec(),
    };
    system.redeem_code(request).await
}

/// A new key, and a request of PKCS #10 for it.
pub(crate) fn certificate_request() -> (rcgen::KeyPair, Vec<u8>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let request = rcgen::CertificateParams::default().serialize_request(&key).unwrap();
    (key, request.der().to_vec())
}
