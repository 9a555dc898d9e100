//! Histories of who looked, as privacy officers go about them.

use signpost_proto::v1;
use tonic::Status;

use super::{Caller, Service, request_id};

/// The case of every history of the tests.
pub(crate) const CASE: &str = "SAR-2026-0042";

impl Caller {
    pub(crate) async fn request_history(
        &self,
        pseudonyms: &[v1::Pseudonym],
    ) -> Result<v1::RequestHistoryResponse, Status> {
        let request = self.request(v1::RequestHistoryRequest {
            request_id: request_id(),
            pseudonyms: pseudonyms.to_vec(),
            case_reference: CASE.to_owned(),
        });
        Ok(self.ledgers().request_history(request).await?.into_inner())
    }

    pub(crate) async fn consent_to_history(
        &self,
        history_id: &str,
        pseudonyms: &[v1::Pseudonym],
    ) -> Result<v1::ConsentToHistoryResponse, Status> {
        let consent = self.request(v1::ConsentToHistoryRequest {
            request_id: request_id(),
            history_id: history_id.to_owned(),
            pseudonyms: pseudonyms.to_vec(),
            case_reference: CASE.to_owned(),
        });
        Ok(self.ledgers().consent_to_history(consent).await?.into_inner())
    }

    /// Its first page, of as many as there may be.
    pub(crate) async fn access_history(
        &self,
        history_id: &str,
    ) -> Result<v1::AccessHistoryResponse, Status> {
        let (history_id, page_token) = (history_id.to_owned(), String::new());
        let read = v1::AccessHistoryRequest { history_id, page_size: 500, page_token };
        Ok(self.ledgers().access_history(self.request(read)).await?.into_inner())
    }

    /// The first page of what is left out.
    pub(crate) async fn list_withheld(
        &self,
        history_id: &str,
    ) -> Result<v1::ListWithheldResponse, Status> {
        let (history_id, page_token) = (history_id.to_owned(), String::new());
        let list = v1::ListWithheldRequest { history_id, page_size: 500, page_token };
        Ok(self.ledgers().list_withheld(self.request(list)).await?.into_inner())
    }

    /// Decides; without a ground the access is released.
    pub(crate) async fn review_access(
        &self,
        history_id: &str,
        entry: u64,
        ground: Option<v1::WithholdingGround>,
    ) -> Result<v1::ReviewAccessResponse, Status> {
        let decision = match ground {
            None => v1::AccessDecision::Released,
            Some(_) => v1::AccessDecision::Withheld,
        };
        let review = self.request(v1::ReviewAccessRequest {
            request_id: request_id(),
            history_id: history_id.to_owned(),
            entry,
            decision: decision.into(),
            ground: ground.map_or(0, i32::from),
        });
        Ok(self.ledgers().review_access(review).await?.into_inner())
    }
}

impl Service {
    /// A history of this child that both privacy officers of the county have given their names to.
    pub(crate) async fn history_of(&self, pseudonyms: &[v1::Pseudonym]) -> String {
        let asked = self.person("PRIVACY_OFFICER").request_history(pseudonyms).await.unwrap();
        let other = self.person("other-officer");
        other.consent_to_history(&asked.history_id, pseudonyms).await.unwrap();
        asked.history_id
    }
}
