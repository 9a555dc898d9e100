//! "Is anyone else working with this child?"

use signpost_proto::v1;
use signpost_pseudonym::identifier::Identifier;

use crate::client::Client;
use crate::error::ClientError;

impl Client {
    /// Asks about one child, by 1 to 4 of its identifiers.
    pub async fn ask(
        &self,
        identifiers: &[Identifier],
        purpose: v1::Purpose,
        relationship: v1::Relationship,
    ) -> Result<v1::Answer, ClientError> {
        let pseudonyms = self.pseudonymise_child(identifiers).await?;
        self.send_question(v1::Question {
            pseudonyms,
            purpose: purpose.into(),
            relationship: relationship.into(),
        })
        .await
    }

    /// Asks, as a broker, about one child on behalf of a named practitioner.
    pub async fn ask_on_behalf_of(
        &self,
        identifiers: &[Identifier],
        purpose: v1::Purpose,
        relationship: v1::Relationship,
        on_behalf_of_id: &str,
    ) -> Result<v1::Answer, ClientError> {
        let pseudonyms = self.pseudonymise_child(identifiers).await?;
        let question =
            v1::Question { pseudonyms, purpose: purpose.into(), relationship: relationship.into() };
        let message = v1::AskAsBrokerRequest {
            question: Some(question),
            on_behalf_of_id: on_behalf_of_id.to_owned(),
        };
        let send = |request| async move { self.signposts().ask_as_broker(request).await };
        self.call(message, send).await?.answer.ok_or(ClientError::Answer("no answer within"))
    }

    /// Sends a question as it is.
    pub async fn send_question(&self, question: v1::Question) -> Result<v1::Answer, ClientError> {
        let message = v1::AskRequest { question: Some(question) };
        let send = |request| async move { self.signposts().ask(request).await };
        self.call(message, send).await?.answer.ok_or(ClientError::Answer("no answer within"))
    }
}
