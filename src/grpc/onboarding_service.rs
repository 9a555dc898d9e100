//! `OnboardingService`: organisations, limited groups by two names, people and their tokens.

mod parse;
mod render;

use std::pin::pin;

use signpost_core::directory::onboarding::{
    AdmitCertificate, ListRegister, Listed, RegisterRequest,
};
use signpost_core::directory::{Presented, Written};
use signpost_core::record::Registered;
use signpost_core::refusal::{Invalid, Refusal};
use signpost_core::store::StoreError;
use signpost_proto::v1;
use signpost_proto::v1::onboarding_service_server::OnboardingService;
use tonic::{Request, Response, Status};

use super::render::date;
use super::{Desk, status};
use crate::admission::ClientAuthorities;
use parse::Admit;

/// The service over the directory.
#[derive(Clone, Debug)]
pub(crate) struct Onboarding {
    desk: Desk,
    authorities: ClientAuthorities,
}

type Reply<T> = Result<Response<T>, Status>;

impl Onboarding {
    pub(super) fn new(desk: Desk, authorities: ClientAuthorities) -> Self {
        Self { desk, authorities }
    }

    /// Does one change of the register.
    async fn change<T, R: RegisterRequest + Send>(
        &self,
        request: Request<T>,
        parse: impl FnOnce(&T) -> Result<R, Invalid>,
    ) -> Result<Written<Registered>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        self.done(&caller, &parse(&message)).await
    }

    async fn done<R: RegisterRequest + Send>(
        &self,
        caller: &Presented,
        request: &Result<R, Invalid>,
    ) -> Result<Written<Registered>, Status> {
        let work = pin!(self.desk.directory.onboard(caller, request));
        self.desk.in_time(work).await
    }

    /// Looks at a part of the register.
    async fn list<T>(
        &self,
        request: Request<T>,
        parse: impl FnOnce(&T) -> Result<ListRegister, Invalid>,
    ) -> Result<Written<Listed>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let request = parse(&message);
        let work = pin!(self.desk.directory.list_register(&caller, &request));
        self.desk.in_time(work).await
    }
}

/// A first result that is of another kind than its write.
fn damaged() -> Status {
    status::of(&Refusal::Store(StoreError::Damaged))
}

#[tonic::async_trait]
impl OnboardingService for Onboarding {
    async fn register_organisation(
        &self,
        request: Request<v1::RegisterOrganisationRequest>,
    ) -> Reply<v1::RegisterOrganisationResponse> {
        let Written { result, receipt } =
            self.change(request, parse::register_organisation).await?;
        let Registered::Organisation(made) = result else { return Err(damaged()) };
        let organisation_id = render::id(made.as_bytes());
        Ok(Response::new(v1::RegisterOrganisationResponse { organisation_id, receipt: receipt.0 }))
    }

    async fn add_team(&self, request: Request<v1::AddTeamRequest>) -> Reply<v1::AddTeamResponse> {
        let Written { result, receipt } = self.change(request, parse::add_team).await?;
        let Registered::Team(made) = result else { return Err(damaged()) };
        let team_id = render::id(made.as_bytes());
        Ok(Response::new(v1::AddTeamResponse { team_id, receipt: receipt.0 }))
    }

    async fn change_team(
        &self,
        request: Request<v1::ChangeTeamRequest>,
    ) -> Reply<v1::ChangeTeamResponse> {
        let written = self.change(request, parse::change_team).await?;
        Ok(Response::new(v1::ChangeTeamResponse { receipt: written.receipt.0 }))
    }

    async fn register_system(
        &self,
        request: Request<v1::RegisterSystemRequest>,
    ) -> Reply<v1::RegisterSystemResponse> {
        let Written { result, receipt } = self.change(request, parse::register_system).await?;
        let Registered::System(made) = result else { return Err(damaged()) };
        let system_id = render::id(made.as_bytes());
        Ok(Response::new(v1::RegisterSystemResponse { system_id, receipt: receipt.0 }))
    }

    async fn suspend_system(
        &self,
        request: Request<v1::SuspendSystemRequest>,
    ) -> Reply<v1::SuspendSystemResponse> {
        let written = self.change(request, parse::suspend_system).await?;
        Ok(Response::new(v1::SuspendSystemResponse { receipt: written.receipt.0 }))
    }

    async fn resume_system(
        &self,
        request: Request<v1::ResumeSystemRequest>,
    ) -> Reply<v1::ResumeSystemResponse> {
        let written = self.change(request, parse::resume_system).await?;
        Ok(Response::new(v1::ResumeSystemResponse { receipt: written.receipt.0 }))
    }

    async fn admit_certificate(
        &self,
        request: Request<v1::AdmitCertificateRequest>,
    ) -> Reply<v1::AdmitCertificateResponse> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let now = self.desk.directory.now();
        let (result, presented) = match parse::admit_certificate(message, &self.authorities, now) {
            Ok(Admit::Presented(admit, der)) => (self.done(&caller, &Ok(admit)).await, der),
            Ok(Admit::Issue(issue)) => (self.done(&caller, &Ok(issue)).await, Vec::new()),
            Err(invalid) => {
                let none: Result<AdmitCertificate, Invalid> = Err(invalid);
                (self.done(&caller, &none).await, Vec::new())
            }
        };
        let Written { result, receipt } = result?;
        let certificate =
            if let Registered::Certificate(signed) = result { signed } else { presented };
        Ok(Response::new(v1::AdmitCertificateResponse { certificate, receipt: receipt.0 }))
    }

    async fn revoke_certificate(
        &self,
        request: Request<v1::RevokeCertificateRequest>,
    ) -> Reply<v1::RevokeCertificateResponse> {
        let written = self.change(request, parse::revoke_certificate).await?;
        Ok(Response::new(v1::RevokeCertificateResponse { receipt: written.receipt.0 }))
    }

    async fn renew_certificate(
        &self,
        request: Request<v1::RenewCertificateRequest>,
    ) -> Reply<v1::RenewCertificateResponse> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let next = parse::renew_certificate(message);
        let work = pin!(self.desk.directory.issue_next_certificate(&caller, &next));
        let Written { result: certificate, receipt } = self.desk.in_time(work).await?;
        Ok(Response::new(v1::RenewCertificateResponse { certificate, receipt: receipt.0 }))
    }

    async fn propose_access(
        &self,
        request: Request<v1::ProposeAccessRequest>,
    ) -> Reply<v1::ProposeAccessResponse> {
        let Written { result, receipt } = self.change(request, parse::propose_access).await?;
        let Registered::Proposal(made) = result else { return Err(damaged()) };
        let proposal_id = render::id(made.as_bytes());
        Ok(Response::new(v1::ProposeAccessResponse { proposal_id, receipt: receipt.0 }))
    }

    async fn approve_access(
        &self,
        request: Request<v1::ApproveAccessRequest>,
    ) -> Reply<v1::ApproveAccessResponse> {
        let written = self.change(request, parse::approve_access).await?;
        Ok(Response::new(v1::ApproveAccessResponse { receipt: written.receipt.0 }))
    }

    async fn withdraw_proposal(
        &self,
        request: Request<v1::WithdrawProposalRequest>,
    ) -> Reply<v1::WithdrawProposalResponse> {
        let written = self.change(request, parse::withdraw_proposal).await?;
        Ok(Response::new(v1::WithdrawProposalResponse { receipt: written.receipt.0 }))
    }

    async fn narrow_group(
        &self,
        request: Request<v1::NarrowGroupRequest>,
    ) -> Reply<v1::NarrowGroupResponse> {
        let written = self.change(request, parse::narrow_group).await?;
        Ok(Response::new(v1::NarrowGroupResponse { receipt: written.receipt.0 }))
    }

    async fn invite_people(
        &self,
        request: Request<v1::InvitePeopleRequest>,
    ) -> Reply<v1::InvitePeopleResponse> {
        let Written { result, receipt } = self.change(request, parse::invite_people).await?;
        let Registered::People(people) = result else { return Err(damaged()) };
        Ok(Response::new(v1::InvitePeopleResponse { people, receipt: receipt.0 }))
    }

    async fn record_conditions(
        &self,
        request: Request<v1::RecordConditionsRequest>,
    ) -> Reply<v1::RecordConditionsResponse> {
        let written = self.change(request, parse::record_conditions).await?;
        Ok(Response::new(v1::RecordConditionsResponse { receipt: written.receipt.0 }))
    }

    async fn recertify(
        &self,
        request: Request<v1::RecertifyRequest>,
    ) -> Reply<v1::RecertifyResponse> {
        let written = self.change(request, parse::recertify).await?;
        Ok(Response::new(v1::RecertifyResponse { receipt: written.receipt.0 }))
    }

    async fn suspend_person(
        &self,
        request: Request<v1::SuspendPersonRequest>,
    ) -> Reply<v1::SuspendPersonResponse> {
        let written = self.change(request, parse::suspend_person).await?;
        Ok(Response::new(v1::SuspendPersonResponse { receipt: written.receipt.0 }))
    }

    async fn resume_person(
        &self,
        request: Request<v1::ResumePersonRequest>,
    ) -> Reply<v1::ResumePersonResponse> {
        let written = self.change(request, parse::resume_person).await?;
        Ok(Response::new(v1::ResumePersonResponse { receipt: written.receipt.0 }))
    }

    async fn move_person(
        &self,
        request: Request<v1::MovePersonRequest>,
    ) -> Reply<v1::MovePersonResponse> {
        let written = self.change(request, parse::move_person).await?;
        Ok(Response::new(v1::MovePersonResponse { receipt: written.receipt.0 }))
    }

    async fn remove_person(
        &self,
        request: Request<v1::RemovePersonRequest>,
    ) -> Reply<v1::RemovePersonResponse> {
        let written = self.change(request, parse::remove_person).await?;
        Ok(Response::new(v1::RemovePersonResponse { receipt: written.receipt.0 }))
    }

    async fn issue_code(
        &self,
        request: Request<v1::IssueCodeRequest>,
    ) -> Reply<v1::IssueCodeResponse> {
        let written = self.change(request, parse::issue_code).await?;
        Ok(Response::new(v1::IssueCodeResponse { receipt: written.receipt.0 }))
    }

    async fn redeem_code(
        &self,
        request: Request<v1::RedeemCodeRequest>,
    ) -> Reply<v1::RedeemCodeResponse> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let redeem = parse::redeem_code(message);
        let work = pin!(self.desk.directory.redeem(&caller, &redeem));
        let redeemed = self.desk.in_time(work).await?;
        Ok(Response::new(v1::RedeemCodeResponse {
            token_id: render::id(redeemed.result.token.as_bytes()),
            valid_until: Some(date(redeemed.result.valid_until)),
            receipt: redeemed.receipt.0,
        }))
    }

    async fn renew_token(
        &self,
        request: Request<v1::RenewTokenRequest>,
    ) -> Reply<v1::RenewTokenResponse> {
        let written = self.change(request, parse::renew_token).await?;
        Ok(Response::new(v1::RenewTokenResponse { receipt: written.receipt.0 }))
    }

    async fn suspend_token(
        &self,
        request: Request<v1::SuspendTokenRequest>,
    ) -> Reply<v1::SuspendTokenResponse> {
        let written = self.change(request, parse::suspend_token).await?;
        Ok(Response::new(v1::SuspendTokenResponse { receipt: written.receipt.0 }))
    }

    async fn resume_token(
        &self,
        request: Request<v1::ResumeTokenRequest>,
    ) -> Reply<v1::ResumeTokenResponse> {
        let written = self.change(request, parse::resume_token).await?;
        Ok(Response::new(v1::ResumeTokenResponse { receipt: written.receipt.0 }))
    }

    async fn record_custody(
        &self,
        request: Request<v1::RecordCustodyRequest>,
    ) -> Reply<v1::RecordCustodyResponse> {
        let written = self.change(request, parse::record_custody).await?;
        Ok(Response::new(v1::RecordCustodyResponse { receipt: written.receipt.0 }))
    }

    async fn list_organisations(
        &self,
        request: Request<v1::ListOrganisationsRequest>,
    ) -> Reply<v1::ListOrganisationsResponse> {
        let Written { result, receipt } = self.list(request, parse::organisations).await?;
        Ok(Response::new(v1::ListOrganisationsResponse {
            next_page_token: render::next_page_token(&result),
            organisations: render::organisations(result),
            receipt: receipt.0,
        }))
    }

    async fn list_teams(
        &self,
        request: Request<v1::ListTeamsRequest>,
    ) -> Reply<v1::ListTeamsResponse> {
        let Written { result, receipt } = self.list(request, parse::teams).await?;
        Ok(Response::new(v1::ListTeamsResponse {
            next_page_token: render::next_page_token(&result),
            teams: render::teams(result),
            receipt: receipt.0,
        }))
    }

    async fn list_systems(
        &self,
        request: Request<v1::ListSystemsRequest>,
    ) -> Reply<v1::ListSystemsResponse> {
        let Written { result, receipt } = self.list(request, parse::systems).await?;
        Ok(Response::new(v1::ListSystemsResponse {
            next_page_token: render::next_page_token(&result),
            systems: render::systems(result),
            receipt: receipt.0,
        }))
    }

    async fn list_certificates(
        &self,
        request: Request<v1::ListCertificatesRequest>,
    ) -> Reply<v1::ListCertificatesResponse> {
        let Written { result, receipt } = self.list(request, parse::certificates).await?;
        let certificates = render::certificates(result, self.desk.directory.now());
        Ok(Response::new(v1::ListCertificatesResponse { certificates, receipt: receipt.0 }))
    }

    async fn list_groups(
        &self,
        request: Request<v1::ListGroupsRequest>,
    ) -> Reply<v1::ListGroupsResponse> {
        let Written { result, receipt } = self.list(request, parse::groups).await?;
        Ok(Response::new(v1::ListGroupsResponse {
            next_page_token: render::next_page_token(&result),
            groups: render::groups(result),
            receipt: receipt.0,
        }))
    }

    async fn list_proposals(
        &self,
        request: Request<v1::ListProposalsRequest>,
    ) -> Reply<v1::ListProposalsResponse> {
        let Written { result, receipt } = self.list(request, parse::proposals).await?;
        Ok(Response::new(v1::ListProposalsResponse {
            next_page_token: render::next_page_token(&result),
            proposals: render::proposals(result, self.desk.directory.now()),
            receipt: receipt.0,
        }))
    }

    async fn list_people(
        &self,
        request: Request<v1::ListPeopleRequest>,
    ) -> Reply<v1::ListPeopleResponse> {
        let Written { result, receipt } = self.list(request, parse::people).await?;
        let people = render::people(result, self.desk.directory.today());
        Ok(Response::new(v1::ListPeopleResponse { people, receipt: receipt.0 }))
    }

    async fn list_tokens(
        &self,
        request: Request<v1::ListTokensRequest>,
    ) -> Reply<v1::ListTokensResponse> {
        let Written { result, receipt } = self.list(request, parse::tokens).await?;
        let tokens = render::tokens(result, self.desk.directory.today());
        Ok(Response::new(v1::ListTokensResponse { tokens, receipt: receipt.0 }))
    }

    async fn get_custodies(
        &self,
        request: Request<v1::GetCustodiesRequest>,
    ) -> Reply<v1::GetCustodiesResponse> {
        let Written { result, receipt } = self.list(request, parse::custodies).await?;
        let custodies = render::custodies(result);
        Ok(Response::new(v1::GetCustodiesResponse { custodies, receipt: receipt.0 }))
    }
}
