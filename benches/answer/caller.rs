//! The client: connections as the real client makes them, and the three calls in closed loops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, ensure};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use signpost_client::gathered::{Gathered, READ_LEN};
use signpost_proto::v1;
use signpost_proto::v1::signpost_service_client::SignpostServiceClient;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};

use crate::children::{ChildOf, FLAGS_EACH};
use crate::county::County;
use crate::drive::{Length, Turns, drive};
use crate::empty;
use crate::stretch::Stretch;

/// The asker: open connections and a token.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    channels: Arc<Vec<Channel>>,
    token: MetadataValue<Ascii>,
}

/// Questions, ready to be sent, that are asked in turn; behind the last comes the first again.
#[derive(Debug)]
pub(crate) struct Questions {
    all: Vec<v1::Question>,
    next: AtomicUsize,
}

impl Questions {
    /// About these children.
    pub(crate) fn about(children: impl IntoIterator<Item = ChildOf>) -> Arc<Self> {
        let question = |child: ChildOf| v1::Question {
            pseudonyms: vec![v1::Pseudonym {
                namespace: v1::Namespace::Nhs.into(),
                evaluation_key_id: 1,
                value: child.pseudonym().to_vec(),
            }],
            purpose: v1::Purpose::S47Enquiry.into(),
            relationship: v1::Relationship::AllocatedCase.into(),
        };
        let all = children.into_iter().map(question).collect();
        Arc::new(Self { all, next: AtomicUsize::new(0) })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    fn next(&self) -> v1::Question {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len();
        self.all[next].clone()
    }
}

impl Caller {
    /// Opens so many connections.
    pub(crate) async fn connect(
        county: &County,
        address: SocketAddr,
        connections: usize,
    ) -> anyhow::Result<Self> {
        let connector = TlsConnector::from(Arc::new(tls(county)?));
        let mut channels = Vec::with_capacity(connections);
        for _ in 0..connections {
            channels.push(connection(address, &connector).await?);
        }
        let token = std::fs::read_to_string(county.path("asker.token"))?;
        let mut token: MetadataValue<_> = format!("Bearer {token}").parse()?;
        token.set_sensitive(true);
        Ok(Self { channels: Arc::new(channels), token })
    }

    /// Empty calls.
    pub(crate) async fn empty(&self, in_flight: usize, length: Length) -> anyhow::Result<Stretch> {
        let caller = self.clone();
        drive(in_flight, Turns::over(length), move |worker, _| empty::call(caller.channel(worker)))
            .await
    }

    /// Single questions.
    pub(crate) async fn ask(
        &self,
        in_flight: usize,
        length: Length,
        questions: &Arc<Questions>,
    ) -> anyhow::Result<Stretch> {
        let (caller, questions) = (self.clone(), Arc::clone(questions));
        let ask = move |worker, _| {
            let (caller, question) = (caller.clone(), questions.next());
            async move { caller.ask_one(worker, question).await.map(|_answer| ()) }
        };
        drive(in_flight, Turns::over(length), ask).await
    }

    /// Checks that a known child's flags are told in full, and that nothing is of an unknown one.
    pub(crate) async fn check_answers(&self) -> anyhow::Result<()> {
        for (child, expected) in [(ChildOf::Known(0), FLAGS_EACH), (ChildOf::Unknown(0), 0)] {
            let answer = self.ask_one(0, Questions::about([child]).next()).await?;
            let full = answer.signposts.iter().filter(|signpost| signpost.details.is_some());
            let found = full.count();
            ensure!(found == expected, "{child:?}: {found} signposts instead of {expected}");
        }
        Ok(())
    }

    async fn ask_one(&self, worker: usize, question: v1::Question) -> anyhow::Result<v1::Answer> {
        let request = self.request(v1::AskRequest { question: Some(question) });
        let response = SignpostServiceClient::new(self.channel(worker)).ask(request).await?;
        response.into_inner().answer.context("no answer within")
    }

    /// One caseload over one stream: an answer makes room for the next question.
    pub(crate) async fn ask_many(
        &self,
        in_flight: usize,
        length: Length,
        questions: &Questions,
    ) -> anyhow::Result<Stretch> {
        let (sender, receiver) = mpsc::channel(in_flight);
        let begun = Instant::now();
        let turns = Turns::begin(length);
        let mut asked_at = vec![begun; in_flight];
        let mut open = 0;
        // A question's number is its place among those in flight.
        for number in 0..u32::try_from(in_flight)? {
            if turns.next().is_some() {
                sender.send(case_question(number, questions)).await?;
                open += 1;
            }
        }
        let request = self.request(ReceiverStream::new(receiver));
        let mut client = SignpostServiceClient::new(self.channel(0));
        let mut answers = client.ask_many(request).await?.into_inner();
        let mut samples = Vec::new();
        while open > 0 {
            let answer = answers.message().await?.context("the caseload ended early")?;
            samples.push(asked_at[answer.number as usize].elapsed());
            open -= 1;
            if turns.next().is_some() {
                asked_at[answer.number as usize] = Instant::now();
                sender.send(case_question(answer.number, questions)).await?;
                open += 1;
            }
        }
        let stretch = Stretch::new(begun.elapsed(), samples);
        drop(sender);
        ensure!(answers.message().await?.is_none(), "an answer to no question");
        Ok(stretch)
    }

    fn channel(&self, worker: usize) -> Channel {
        self.channels[worker % self.channels.len()].clone()
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.token.clone());
        request
    }
}

fn case_question(number: u32, questions: &Questions) -> v1::AskManyRequest {
    v1::AskManyRequest { number, question: Some(questions.next()) }
}

async fn connection(address: SocketAddr, connector: &TlsConnector) -> anyhow::Result<Channel> {
    let connector = connector.clone();
    let connect = tower::service_fn(move |_| {
        let connector = connector.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let name = "localhost".try_into().expect("a name");
            let stream = BufReader::with_capacity(READ_LEN, stream);
            let stream = connector.connect(name, stream).await?;
            Ok::<_, std::io::Error>(TokioIo::new(Gathered::new(stream)))
        }
    });
    // The connector speaks TLS; the scheme only keeps tonic from doing so too.
    let endpoint = Endpoint::from_static("http://localhost");
    Ok(endpoint.connect_with_connector(connect).await?)
}

fn tls(county: &County) -> anyhow::Result<rustls::ClientConfig> {
    let certificate = |name: &str| CertificateDer::from_pem_file(county.path(name));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate("authority.pem")?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::from_pem_file(county.path("asker.key"))?;
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate("asker.pem")?], key)?;
    config.alpn_protocols.push(b"h2".to_vec());
    Ok(config)
}
