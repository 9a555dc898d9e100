//! The client: one connection, one person's token, a deadline on every call.

use std::fmt;
use std::time::Duration;

use signpost_proto::v1::alert_service_client::AlertServiceClient;
use signpost_proto::v1::ledger_service_client::LedgerServiceClient;
use signpost_proto::v1::onboarding_service_client::OnboardingServiceClient;
use signpost_proto::v1::pseudonym_service_client::PseudonymServiceClient;
use signpost_proto::v1::purge_service_client::PurgeServiceClient;
use signpost_proto::v1::signpost_service_client::SignpostServiceClient;
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::error::ClientError;
use crate::profile::Profile;
use crate::{connection, credential, retry};

/// How long a call may take, all its tries together, unless told otherwise.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a whole caseload may take, unless told otherwise.
const CASELOAD_TIMEOUT: Duration = Duration::from_mins(10);

/// The largest message taken from the service.
pub(crate) const MESSAGE_BYTES_MAX: usize = 1024 * 1024;

/// Asks and writes for one person of one system. Clones share the connection.
///
/// What is unavailable is tried again until the call's time is up; nothing else is. A write keeps
/// its `request_id` through all tries, so it takes effect once. Each try of a question that reached
/// the service stands in the ledger for itself.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    authorization: MetadataValue<Ascii>,
    timeout: Duration,
    caseload_timeout: Duration,
}

impl Client {
    /// Connects to the service with the certificate and the token that the profile names.
    pub async fn connect(profile: &Profile) -> Result<Self, ClientError> {
        let authorization = credential::authorization(profile)?;
        let channel = connection::open(profile).await?;
        Ok(Self { channel, authorization, timeout: TIMEOUT, caseload_timeout: CASELOAD_TIMEOUT })
    }

    /// A client over this channel, with a token of no meaning.
    #[cfg(test)]
    pub(crate) fn over(channel: Channel) -> Self {
        let authorization = MetadataValue::from_static("Bearer sgnp_00");
        Self { channel, authorization, timeout: TIMEOUT, caseload_timeout: CASELOAD_TIMEOUT }
    }

    /// The same client, whose calls may take so long, all their tries together; 10 seconds unless
    /// told otherwise.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The same client, whose caseloads may take so long, from the first question to the last
    /// answer; 10 minutes unless told otherwise.
    #[must_use]
    pub fn with_caseload_timeout(self, caseload_timeout: Duration) -> Self {
        Self { caseload_timeout, ..self }
    }

    pub(crate) fn caseload_deadline(&self) -> Instant {
        Instant::now() + self.caseload_timeout
    }

    pub(crate) fn signposts(&self) -> SignpostServiceClient<Channel> {
        SignpostServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn pseudonyms(&self) -> PseudonymServiceClient<Channel> {
        PseudonymServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn purges(&self) -> PurgeServiceClient<Channel> {
        PurgeServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn onboarding(&self) -> OnboardingServiceClient<Channel> {
        OnboardingServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn ledgers(&self) -> LedgerServiceClient<Channel> {
        LedgerServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    pub(crate) fn alerts(&self) -> AlertServiceClient<Channel> {
        AlertServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    /// A request that names the person and says how long they will wait.
    pub(crate) fn request<M>(&self, message: M, left: Duration) -> Request<M> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.authorization.clone());
        request.set_timeout(left);
        request
    }

    /// Sends one message, again where that may help, until the call's time is up.
    pub(crate) async fn call<M: Clone, T, A>(
        &self,
        message: M,
        send: impl Fn(Request<M>) -> A,
    ) -> Result<T, ClientError>
    where
        A: Future<Output = Result<Response<T>, Status>>,
    {
        let deadline = Instant::now() + self.timeout;
        let attempt = |left| send(self.request(message.clone(), left));
        let response = retry::until(deadline, retry::random_share, attempt).await?;
        Ok(response.into_inner())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}
