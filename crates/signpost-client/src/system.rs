//! What a system does in nobody's name: it redeems enrolment codes and renews its certificate.

use std::fmt;
use std::time::Duration;

use signpost_proto::v1;
use signpost_proto::v1::onboarding_service_client::OnboardingServiceClient;
use tokio::time::Instant;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};

use crate::client::{MESSAGE_BYTES_MAX, TIMEOUT};
use crate::error::ClientError;
use crate::profile::Profile;
use crate::{connection, retry};

/// A system that acts without a person: the certificate alone says who it is, no token is sent.
///
/// What is unavailable is tried again until the call's time is up; nothing else is.
#[derive(Clone)]
pub struct SystemClient {
    channel: Channel,
    timeout: Duration,
}

impl SystemClient {
    /// Connects to the service with the certificate that the profile names. The token's file is
    /// not read, and need not be there.
    pub async fn connect(profile: &Profile) -> Result<Self, ClientError> {
        Ok(Self { channel: connection::open(profile).await?, timeout: TIMEOUT })
    }

    /// The same client, whose calls may take so long, all their tries together; 10 seconds unless
    /// told otherwise.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Redeems an enrolment code for the token with this hash. The very same again gives the same
    /// result, so it is safe after no answer.
    pub async fn redeem_code(
        &self,
        message: v1::RedeemCodeRequest,
    ) -> Result<v1::RedeemCodeResponse, ClientError> {
        let send = |request| async move { self.onboarding().redeem_code(request).await };
        self.call(message, send).await
    }

    /// Asks for this system's next certificate. The present one stays until its time is over.
    pub async fn renew_certificate(
        &self,
        message: v1::RenewCertificateRequest,
    ) -> Result<v1::RenewCertificateResponse, ClientError> {
        let send = |request| async move { self.onboarding().renew_certificate(request).await };
        self.call(message, send).await
    }

    fn onboarding(&self) -> OnboardingServiceClient<Channel> {
        OnboardingServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    async fn call<M: Clone, T, A>(
        &self,
        message: M,
        send: impl Fn(Request<M>) -> A,
    ) -> Result<T, ClientError>
    where
        A: Future<Output = Result<Response<T>, Status>>,
    {
        let deadline = Instant::now() + self.timeout;
        let attempt = |left| send(request(message.clone(), left));
        let response = retry::until(deadline, retry::random_share, attempt).await?;
        Ok(response.into_inner())
    }
}

impl fmt::Debug for SystemClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemClient")
    }
}

/// A request that names nobody.
fn request<M>(message: M, left: Duration) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(left);
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::Fake;

    #[tokio::test]
    async fn a_code_is_redeemed_in_nobodys_name_and_again_after_no_answer() {
        let redeemed = v1::RedeemCodeResponse { receipt: 9, ..v1::RedeemCodeResponse::default() };
        let fake = Fake::default().fails(Status::unavailable("closing")).answers(&redeemed);
        let client = SystemClient { channel: fake.channel(), timeout: TIMEOUT };
        let code = "sgne_00".to_owned();
        let message = v1::RedeemCodeRequest { code, token_hash: vec![7; 32] };
        assert_eq!(client.redeem_code(message.clone()).await.unwrap(), redeemed);
        let sent = fake.sent();
        assert_eq!(sent.len(), 2);
        for call in sent {
            assert_eq!((call.path.as_str(), call.has_token), ("RedeemCode", false));
            assert_eq!(call.message::<v1::RedeemCodeRequest>(), message);
        }
    }

    #[tokio::test]
    async fn a_certificate_is_renewed_in_nobodys_name() {
        let fake = Fake::default().answers(&v1::RenewCertificateResponse::default());
        let client = SystemClient { channel: fake.channel(), timeout: TIMEOUT };
        client.renew_certificate(v1::RenewCertificateRequest::default()).await.unwrap();
        let sent = fake.sent();
        assert_eq!((sent[0].path.as_str(), sent[0].has_token), ("RenewCertificate", false));
    }
}
