//! A service in this process, for tests: it gives prepared answers and remembers what it was sent.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use hyper_util::rt::TokioIo;
use prost::Message;
use prost::bytes::{Buf, BufMut};
use tokio::io::duplex;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http;
use tonic::server::{Grpc, NamedService};
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tower::{Service, service_fn};

/// What was sent in one call.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The RPC.
    pub(crate) path: String,
    /// Whether the call named a person.
    pub(crate) has_token: bool,
    message: Vec<u8>,
}

/// A prepared answer, encoded.
type Answer = Result<Vec<u8>, Status>;

/// The service.
#[derive(Clone, Default)]
pub(crate) struct Fake {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Sent {
    /// The message of the call.
    pub(crate) fn message<M: Message + Default>(&self) -> M {
        M::decode(&self.message[..]).unwrap()
    }
}

impl Fake {
    /// One more answer.
    pub(crate) fn answers(self, answer: &impl Message) -> Self {
        self.answers.lock().unwrap().push_back(Ok(answer.encode_to_vec()));
        self
    }

    /// One more failure.
    pub(crate) fn fails(self, status: Status) -> Self {
        self.answers.lock().unwrap().push_back(Err(status));
        self
    }

    /// A connection to it.
    pub(crate) fn channel(&self) -> Channel {
        let (ours, theirs) = duplex(64 * 1024);
        let incoming = tokio_stream::once(Ok::<_, std::io::Error>(theirs));
        tokio::spawn(Server::builder().add_service(self.clone()).serve_with_incoming(incoming));
        let mut ours = Some(TokioIo::new(ours));
        Endpoint::from_static("http://fake.example").connect_with_connector_lazy(service_fn(
            move |_| ready(ours.take().ok_or_else(|| std::io::Error::other("connected once"))),
        ))
    }

    /// All that it was sent.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }

    fn answer(&self, path: &str, request: &Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Status> {
        self.sent.lock().unwrap().push(Sent {
            path: path.rsplit('/').next().unwrap().to_owned(),
            has_token: request.metadata().contains_key("authorization"),
            message: request.get_ref().clone(),
        });
        let answer = self.answers.lock().unwrap().pop_front();
        answer.unwrap_or_else(|| Err(Status::internal("no answer is prepared"))).map(Response::new)
    }
}

impl NamedService for Fake {
    const NAME: &'static str = "signpost.v1.OnboardingService";
}

impl Service<http::Request<Body>> for Fake {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let (fake, path) = (self.clone(), request.uri().path().to_owned());
        let answer =
            service_fn(move |request: Request<Vec<u8>>| ready(fake.answer(&path, &request)));
        Box::pin(async move { Ok(Grpc::new(Bytes).unary(answer, request).await) })
    }
}

/// Messages as their bytes.
#[derive(Clone, Copy, Default)]
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut bytes = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut bytes);
        Ok(Some(bytes))
    }
}
