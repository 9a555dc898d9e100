//! Onboarding: what administrators and sponsors do, and what they look up.
//!
//! Every write takes the caller's own `request_id` and keeps it through all tries. A listing pages
//! through to its end; each page stands in the ledger for itself.

use signpost_proto::v1;

use crate::client::Client;
use crate::error::ClientError;

/// How many items a page of a listing is asked to have: the most there may be.
pub(crate) const PAGE_SIZE: i32 = 500;

/// A whole listing.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// What was listed, in the service's order.
    pub items: Vec<T>,
    /// The ledger entry of each page.
    pub receipts: Vec<u64>,
}

/// Declares one call for each RPC; the message is sent as it is.
macro_rules! calls {
    ($($(#[$meta:meta])* $name:ident($request:ident) -> $response:ident;)+) => {
        impl Client {$(
            $(#[$meta])*
            pub async fn $name(
                &self,
                message: v1::$request,
            ) -> Result<v1::$response, ClientError> {
                let send = |request| async move { self.onboarding().$name(request).await };
                self.call(message, send).await
            }
        )+}
    };
}

calls! {
    /// Registers an organisation.
    register_organisation(RegisterOrganisationRequest) -> RegisterOrganisationResponse;
    /// Adds a team to an organisation.
    add_team(AddTeamRequest) -> AddTeamResponse;
    /// Changes how a team is called and reached.
    change_team(ChangeTeamRequest) -> ChangeTeamResponse;
    /// Registers a system of an organisation. It has no certificate yet.
    register_system(RegisterSystemRequest) -> RegisterSystemResponse;
    /// Suspends a system: from the next request on it is nobody.
    suspend_system(SuspendSystemRequest) -> SuspendSystemResponse;
    /// Lets a suspended system act again.
    resume_system(ResumeSystemRequest) -> ResumeSystemResponse;
    /// Admits a certificate for a system, or has one signed for it.
    admit_certificate(AdmitCertificateRequest) -> AdmitCertificateResponse;
    /// Revokes a certificate: at the next request it is nobody's.
    revoke_certificate(RevokeCertificateRequest) -> RevokeCertificateResponse;
    /// Proposes to let somebody in; a different administrator approves it.
    propose_access(ProposeAccessRequest) -> ProposeAccessResponse;
    /// Approves what a different administrator proposed, and does it.
    approve_access(ApproveAccessRequest) -> ApproveAccessResponse;
    /// Takes a proposal back.
    withdraw_proposal(WithdrawProposalRequest) -> WithdrawProposalResponse;
    /// Takes access away from a group, at once.
    narrow_group(NarrowGroupRequest) -> NarrowGroupResponse;
    /// Invites people into a group, all or none; or only looks whether it could.
    invite_people(InvitePeopleRequest) -> InvitePeopleResponse;
    /// Records what was checked of a person anew.
    record_conditions(RecordConditionsRequest) -> RecordConditionsResponse;
    /// Says, as the sponsor of a person's group, that the person still needs access.
    recertify(RecertifyRequest) -> RecertifyResponse;
    /// Suspends a person: the next question is refused.
    suspend_person(SuspendPersonRequest) -> SuspendPersonResponse;
    /// Lets a suspended person act again.
    resume_person(ResumePersonRequest) -> ResumePersonResponse;
    /// Moves a person to another group of the same organisation.
    move_person(MovePersonRequest) -> MovePersonResponse;
    /// Removes a person for good.
    remove_person(RemovePersonRequest) -> RemovePersonResponse;
    /// Issues a new enrolment code in the place of an earlier one.
    issue_code(IssueCodeRequest) -> IssueCodeResponse;
    /// Renews the token that this client comes with, which is destroyed: this client can do no
    /// more. After no answer, a client with the *new* token may send the very same message: it is
    /// answered if the token was renewed, and unknown if it was not.
    renew_token(RenewTokenRequest) -> RenewTokenResponse;
    /// Suspends a token.
    suspend_token(SuspendTokenRequest) -> SuspendTokenResponse;
    /// Lets a suspended token be used again.
    resume_token(ResumeTokenRequest) -> ResumeTokenResponse;
    /// Records where a token is. One that is no longer out can no longer be used.
    record_custody(RecordCustodyRequest) -> RecordCustodyResponse;
    /// Tells where an organisation's tokens are.
    get_custodies(GetCustodiesRequest) -> GetCustodiesResponse;
}

/// Declares one call for each listing that has pages.
macro_rules! listings {
    ($($(#[$meta:meta])*
       $name:ident($request:ident $(, $key:ident)?) -> $items:ident: $item:ident;)+) => {
        impl Client {$(
            $(#[$meta])*
            pub async fn $name(
                &self,
                $($key: &str,)?
            ) -> Result<Listed<v1::$item>, ClientError> {
                let mut listed = Listed { items: Vec::new(), receipts: Vec::new() };
                let mut page_token = String::new();
                loop {
                    let message = v1::$request {
                        $($key: $key.to_owned(),)?
                        page_size: PAGE_SIZE,
                        page_token: page_token.clone(),
                    };
                    let send = |request| async move { self.onboarding().$name(request).await };
                    let page = self.call(message, send).await?;
                    listed.items.extend(page.$items);
                    listed.receipts.push(page.receipt);
                    match next_page(&page_token, page.next_page_token)? {
                        Some(next) => page_token = next,
                        None => return Ok(listed),
                    }
                }
            }
        )+}
    };
}

listings! {
    /// Lists the organisations.
    list_organisations(ListOrganisationsRequest) -> organisations: Organisation;
    /// Lists an organisation's teams.
    list_teams(ListTeamsRequest, organisation_id) -> teams: Team;
    /// Lists an organisation's systems.
    list_systems(ListSystemsRequest, organisation_id) -> systems: System;
    /// Lists an organisation's access groups.
    list_groups(ListGroupsRequest, organisation_id) -> groups: Group;
    /// Lists the proposals, whatever became of them.
    list_proposals(ListProposalsRequest) -> proposals: Proposal;
}

impl Client {
    /// Lists the members of an access group.
    pub async fn list_people(&self, group_id: &str) -> Result<Listed<v1::Person>, ClientError> {
        let message = v1::ListPeopleRequest { group_id: group_id.to_owned() };
        let send = |request| async move { self.onboarding().list_people(request).await };
        let v1::ListPeopleResponse { people, receipt } = self.call(message, send).await?;
        Ok(Listed { items: people, receipts: vec![receipt] })
    }

    /// Lists the certificates that were ever admitted for a system.
    pub async fn list_certificates(
        &self,
        system_id: &str,
    ) -> Result<Listed<v1::Certificate>, ClientError> {
        let message = v1::ListCertificatesRequest { system_id: system_id.to_owned() };
        let send = |request| async move { self.onboarding().list_certificates(request).await };
        let v1::ListCertificatesResponse { certificates, receipt } =
            self.call(message, send).await?;
        Ok(Listed { items: certificates, receipts: vec![receipt] })
    }

    /// Lists the tokens that were issued to a person, the last one at the end.
    pub async fn list_tokens(
        &self,
        person_id: &str,
    ) -> Result<Listed<v1::IssuedToken>, ClientError> {
        let message = v1::ListTokensRequest { person_id: person_id.to_owned() };
        let send = |request| async move { self.onboarding().list_tokens(request).await };
        let v1::ListTokensResponse { tokens, receipt } = self.call(message, send).await?;
        Ok(Listed { items: tokens, receipts: vec![receipt] })
    }
}

/// The token of the next page, if there is one. The same again would never end.
pub(crate) fn next_page(asked: &str, next: String) -> Result<Option<String>, ClientError> {
    if next.is_empty() {
        Ok(None)
    } else if next == asked {
        Err(ClientError::Answer("a page that leads to itself"))
    } else {
        Ok(Some(next))
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;
    use crate::fake::{Fake, Sent};
    use crate::write::request_id;

    fn page(names: &[&str], next: &str, receipt: u64) -> v1::ListTeamsResponse {
        let team = |name: &&str| v1::Team { name: (*name).to_owned(), ..v1::Team::default() };
        let teams = names.iter().map(team).collect();
        v1::ListTeamsResponse { teams, next_page_token: next.to_owned(), receipt }
    }

    #[tokio::test]
    async fn a_listing_is_paged_through_to_its_end() {
        let (first, last) = (page(&["a", "b"], "after-b", 7), page(&["c"], "", 8));
        let fake = Fake::default().answers(&first).answers(&last);
        let listed = Client::over(fake.channel()).list_teams("an-organisation").await.unwrap();
        let names: Vec<&str> = listed.items.iter().map(|team| team.name.as_str()).collect();
        assert_eq!((names, listed.receipts), (vec!["a", "b", "c"], vec![7, 8]));
        let sent: Vec<v1::ListTeamsRequest> = fake.sent().iter().map(Sent::message).collect();
        let tokens: Vec<&str> = sent.iter().map(|one| one.page_token.as_str()).collect();
        assert_eq!(tokens, ["", "after-b"]);
        let same = |one: &v1::ListTeamsRequest| {
            one.organisation_id == "an-organisation" && one.page_size == PAGE_SIZE
        };
        assert!(sent.iter().all(same));
    }

    #[tokio::test]
    async fn a_listing_that_would_go_round_is_an_error() {
        let fake = Fake::default().answers(&page(&["a"], "a", 7)).answers(&page(&["a"], "a", 8));
        let error = Client::over(fake.channel()).list_teams("an-organisation").await.unwrap_err();
        assert!(matches!(error, ClientError::Answer(_)), "{error}");
    }

    #[tokio::test]
    async fn a_change_is_sent_again_under_its_request_id_only_if_it_was_unavailable() {
        let person_id = "a-person".to_owned();
        let message = v1::SuspendPersonRequest { request_id: request_id(), person_id };
        let done = v1::SuspendPersonResponse { receipt: 9 };
        let fake = Fake::default().fails(Status::unavailable("closing")).answers(&done);
        let client = Client::over(fake.channel());
        assert_eq!(client.suspend_person(message.clone()).await.unwrap(), done);
        let sent = fake.sent();
        assert_eq!(sent.len(), 2);
        for call in sent {
            assert_eq!((call.path.as_str(), call.has_token), ("SuspendPerson", true));
            assert_eq!(call.message::<v1::SuspendPersonRequest>(), message);
        }
        let fake = Fake::default().fails(Status::deadline_exceeded("late")).answers(&done);
        assert!(Client::over(fake.channel()).suspend_person(message).await.is_err());
        assert_eq!(fake.sent().len(), 1);
    }
}
