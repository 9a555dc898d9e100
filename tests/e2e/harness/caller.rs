//! Somebody who calls: a system's certificate, and perhaps a person's token.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rand_core::OsRng;
use signpost_proto::v1;
use signpost_proto::v1::ledger_service_client::LedgerServiceClient;
use signpost_proto::v1::onboarding_service_client::OnboardingServiceClient;
use signpost_proto::v1::pseudonym_service_client::PseudonymServiceClient;
use signpost_proto::v1::purge_service_client::PurgeServiceClient;
use signpost_proto::v1::signpost_service_client::SignpostServiceClient;
use signpost_pseudonym::identifier::Identifier;
use signpost_pseudonym::oprf::{Blinded, EvaluatedPoint};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_health::pb::health_client::HealthClient;

/// The points of one call.
const POINTS_MAX: usize = 64;

/// Somebody who calls.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    channel: Channel,
    token: Option<String>,
}

/// One connection, made at the first call.
pub(crate) fn channel(address: SocketAddr, tls: Arc<rustls::ClientConfig>) -> Channel {
    let connector = TlsConnector::from(tls);
    let connect = tower::service_fn(move |_| {
        let connector = connector.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let name = "localhost".try_into().expect("a name");
            Ok::<_, std::io::Error>(TokioIo::new(connector.connect(name, stream).await?))
        }
    });
    // The connector speaks TLS; the scheme only keeps tonic from doing so too.
    Endpoint::from_static("http://localhost").connect_with_connector_lazy(connect)
}

impl Caller {
    /// Whoever calls over this connection with this token, or none.
    pub(crate) fn new(channel: Channel, token: Option<String>) -> Self {
        Self { channel, token }
    }

    /// The calls that destroy and close.
    pub(crate) fn purges(&self) -> PurgeServiceClient<Channel> {
        PurgeServiceClient::new(self.channel.clone())
    }

    /// The same connection with another token, well-formed or not.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { channel: self.channel.clone(), token: Some(token.to_owned()) }
    }

    /// The same connection without a token.
    pub(crate) fn without_token(&self) -> Self {
        Self { channel: self.channel.clone(), token: None }
    }

    /// A request with the token.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            let value: MetadataValue<_> = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        request
    }

    /// The connection.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(crate) fn signpost(&self) -> SignpostServiceClient<Channel> {
        SignpostServiceClient::new(self.channel.clone())
    }

    pub(crate) fn pseudonyms(&self) -> PseudonymServiceClient<Channel> {
        PseudonymServiceClient::new(self.channel.clone())
    }

    pub(crate) fn onboarding(&self) -> OnboardingServiceClient<Channel> {
        OnboardingServiceClient::new(self.channel.clone())
    }

    pub(crate) fn ledgers(&self) -> LedgerServiceClient<Channel> {
        LedgerServiceClient::new(self.channel.clone())
    }

    pub(crate) fn health(&self) -> HealthClient<Channel> {
        HealthClient::new(self.channel.clone())
    }

    /// Asks, and takes the whole response.
    pub(crate) async fn ask_padded(
        &self,
        question: v1::Question,
    ) -> Result<v1::AskResponse, Status> {
        let request = self.request(v1::AskRequest { question: Some(question) });
        Ok(self.signpost().ask(request).await?.into_inner())
    }

    /// Asks.
    pub(crate) async fn ask(&self, question: v1::Question) -> Result<v1::Answer, Status> {
        Ok(self.ask_padded(question).await?.answer.expect("an answer"))
    }

    /// Asks about a caseload: the answers up to an error, and the error.
    pub(crate) async fn ask_many(
        &self,
        questions: Vec<v1::AskManyRequest>,
    ) -> (Vec<v1::AskManyResponse>, Option<Status>) {
        let request = self.request(tokio_stream::iter(questions));
        let mut answers = Vec::new();
        let mut stream = match self.signpost().ask_many(request).await {
            Ok(response) => response.into_inner(),
            Err(status) => return (answers, Some(status)),
        };
        loop {
            match stream.message().await {
                Ok(Some(answer)) => answers.push(answer),
                Ok(None) => return (answers, None),
                Err(status) => return (answers, Some(status)),
            }
        }
    }

    pub(crate) async fn record(
        &self,
        contact: v1::RecordContactRequest,
    ) -> Result<v1::RecordContactResponse, Status> {
        Ok(self.signpost().record_contact(self.request(contact)).await?.into_inner())
    }

    pub(crate) async fn end(
        &self,
        end: v1::EndContactRequest,
    ) -> Result<v1::EndContactResponse, Status> {
        Ok(self.signpost().end_contact(self.request(end)).await?.into_inner())
    }

    pub(crate) async fn set_shield(
        &self,
        shield: v1::SetShieldRequest,
    ) -> Result<v1::SetShieldResponse, Status> {
        Ok(self.signpost().set_shield(self.request(shield)).await?.into_inner())
    }

    pub(crate) async fn lift_shield(
        &self,
        lift: v1::LiftShieldRequest,
    ) -> Result<v1::LiftShieldResponse, Status> {
        Ok(self.signpost().lift_shield(self.request(lift)).await?.into_inner())
    }

    pub(crate) async fn confirm_clock(
        &self,
        confirmation: v1::ConfirmClockRequest,
    ) -> Result<v1::ConfirmClockResponse, Status> {
        let mut purges = self.purges();
        Ok(purges.confirm_clock(self.request(confirmation)).await?.into_inner())
    }

    pub(crate) async fn evaluate(
        &self,
        blinded_points: Vec<Vec<u8>>,
    ) -> Result<v1::EvaluateResponse, Status> {
        let request = self.request(v1::EvaluateRequest { blinded_points });
        Ok(self.pseudonyms().evaluate(request).await?.into_inner())
    }

    /// The pseudonym of each identifier, `("nhs", "999 000 0018")`, over the wire.
    pub(crate) async fn child(&self, identifiers: &[(&str, &str)]) -> Vec<v1::Pseudonym> {
        let mut pseudonyms = Vec::new();
        for some in identifiers.chunks(POINTS_MAX) {
            pseudonyms.extend(self.child_in_one_call(some).await);
        }
        pseudonyms
    }

    async fn child_in_one_call(&self, identifiers: &[(&str, &str)]) -> Vec<v1::Pseudonym> {
        let blind = |(namespace, text): &(&str, &str)| {
            let identifier = Identifier::parse(namespace.parse().unwrap(), text).unwrap();
            (wire_namespace(namespace), Blinded::new(&identifier, &mut OsRng))
        };
        let blinded: Vec<_> = identifiers.iter().map(blind).collect();
        let points = blinded.iter().map(|(_, one)| one.message().to_bytes().to_vec()).collect();
        let evaluated = self.evaluate(points).await.unwrap();
        assert_eq!(evaluated.evaluated_points.len(), blinded.len());
        let points = evaluated.evaluated_points.iter();
        let unblind = |((namespace, one), point): ((v1::Namespace, Blinded), &Vec<u8>)| {
            let point = EvaluatedPoint::try_from(point.as_slice()).unwrap();
            v1::Pseudonym {
                namespace: namespace.into(),
                evaluation_key_id: evaluated.evaluation_key_id,
                value: one.finalize(&point).as_bytes().to_vec(),
            }
        };
        blinded.into_iter().zip(points).map(unblind).collect()
    }
}

fn wire_namespace(name: &str) -> v1::Namespace {
    match name {
        "nhs" => v1::Namespace::Nhs,
        "upn" => v1::Namespace::Upn,
        "uln" => v1::Namespace::Uln,
        _ => panic!("the tests need no namespace {name}"),
    }
}
