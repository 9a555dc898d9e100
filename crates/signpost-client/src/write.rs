//! Writes: contact flags, shields and names, each under a request id of its own.

use signpost_proto::v1;
use signpost_pseudonym::identifier::{Identifier, looks_like_identifier};
use uuid::Uuid;

use crate::client::Client;
use crate::error::ClientError;

/// A fresh id for one write. The same id with the same content again gives the first result, so
/// who must survive a restart keeps it until the write is answered.
#[must_use]
pub fn request_id() -> String {
    Uuid::new_v4().to_string()
}

impl Client {
    /// Records that the caller's team is, or was, working with a child; the same
    /// `source_reference` again changes the same flag.
    pub async fn record_contact(
        &self,
        identifiers: &[Identifier],
        source_reference: &str,
        involvement: v1::ContactInvolvement,
    ) -> Result<v1::RecordContactResponse, ClientError> {
        refuse_identifier(source_reference)?;
        self.send_contact(v1::RecordContactRequest {
            request_id: request_id(),
            pseudonyms: self.pseudonymise_child(identifiers).await?,
            source_reference: source_reference.to_owned(),
            involvement: Some(involvement),
        })
        .await
    }

    /// Ends a flag of the caller's own team, by one or more of the identifiers it was recorded
    /// under.
    pub async fn end_contact(
        &self,
        identifiers: &[Identifier],
        contact_id: &str,
        ended: v1::Date,
    ) -> Result<v1::EndContactResponse, ClientError> {
        self.send_contact_end(v1::EndContactRequest {
            request_id: request_id(),
            pseudonyms: self.pseudonymise_child(identifiers).await?,
            contact_id: contact_id.to_owned(),
            ended: Some(ended),
        })
        .await
    }

    /// Shields a child, by all of its identifiers that the caller holds.
    pub async fn set_shield(
        &self,
        identifiers: &[Identifier],
        kind: v1::ShieldKind,
        review_due: v1::Date,
    ) -> Result<v1::SetShieldResponse, ClientError> {
        self.send_shield(v1::SetShieldRequest {
            request_id: request_id(),
            pseudonyms: self.pseudonymise_child(identifiers).await?,
            kind: kind.into(),
            review_due: Some(review_due),
        })
        .await
    }

    /// Gives the first of the two names that lift a shield, or the second, by the id that the
    /// first was given and the same identifiers.
    pub async fn lift_shield(
        &self,
        identifiers: &[Identifier],
        lift_id: Option<&str>,
    ) -> Result<v1::LiftShieldResponse, ClientError> {
        self.send_shield_lift(v1::LiftShieldRequest {
            request_id: request_id(),
            pseudonyms: self.pseudonymise_child(identifiers).await?,
            lift_id: lift_id.unwrap_or_default().to_owned(),
        })
        .await
    }

    /// Sends a contact as it is, under the caller's own request id.
    pub async fn send_contact(
        &self,
        message: v1::RecordContactRequest,
    ) -> Result<v1::RecordContactResponse, ClientError> {
        refuse_identifier(&message.source_reference)?;
        let send = |request| async move { self.signposts().record_contact(request).await };
        self.call(message, send).await
    }

    /// Sends the end of a contact as it is, under the caller's own request id.
    pub async fn send_contact_end(
        &self,
        message: v1::EndContactRequest,
    ) -> Result<v1::EndContactResponse, ClientError> {
        let send = |request| async move { self.signposts().end_contact(request).await };
        self.call(message, send).await
    }

    /// Sends a shield as it is, under the caller's own request id.
    pub async fn send_shield(
        &self,
        message: v1::SetShieldRequest,
    ) -> Result<v1::SetShieldResponse, ClientError> {
        let send = |request| async move { self.signposts().set_shield(request).await };
        self.call(message, send).await
    }

    /// Sends a name for the lifting of a shield as it is, under the caller's own request id.
    pub async fn send_shield_lift(
        &self,
        message: v1::LiftShieldRequest,
    ) -> Result<v1::LiftShieldResponse, ClientError> {
        let send = |request| async move { self.signposts().lift_shield(request).await };
        self.call(message, send).await
    }

    /// Gives one of the two names that confirm the service's clock after it stepped ahead.
    pub async fn confirm_clock(&self) -> Result<v1::ConfirmClockResponse, ClientError> {
        self.send_clock_confirmation(v1::ConfirmClockRequest { request_id: request_id() }).await
    }

    /// Sends a name for the confirmation of the clock as it is, under the caller's own request id.
    pub async fn send_clock_confirmation(
        &self,
        message: v1::ConfirmClockRequest,
    ) -> Result<v1::ConfirmClockResponse, ClientError> {
        let send = |request| async move { self.purges().confirm_clock(request).await };
        self.call(message, send).await
    }
}

/// The service refuses it too, but then it would have travelled.
fn refuse_identifier(source_reference: &str) -> Result<(), ClientError> {
    if looks_like_identifier(source_reference) {
        return Err(ClientError::ReferenceIsIdentifier);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_that_reads_as_an_identifier_stays_here() {
        for number in ["9990000018", "999-000-0018", "B801200005001"] {
            let error = refuse_identifier(number).unwrap_err();
            assert!(matches!(error, ClientError::ReferenceIsIdentifier));
            assert!(!error.to_string().contains(number));
        }
        assert!(refuse_identifier("CASE-1.2:3").is_ok());
    }

    #[test]
    fn every_request_id_is_new() {
        assert_ne!(request_id(), request_id());
        assert!(Uuid::parse_str(&request_id()).is_ok());
    }
}
