//! An empty unary call on the same server: what TLS, HTTP/2 and gRPC cost before anything is asked.

use std::convert::Infallible;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::client::Grpc as Caller;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

const PATH: &str = "/signpost.bench.Empty/Call";

/// The server's side, just as generated code would have it.
#[derive(Clone, Debug)]
pub(crate) struct EmptyServer;

impl NamedService for EmptyServer {
    const NAME: &'static str = "signpost.bench.Empty";
}

impl Service<http::Request<Body>> for EmptyServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::<(), ()>::default());
            Ok(grpc.unary(Empty, request).await)
        })
    }
}

struct Empty;

impl UnaryService<()> for Empty {
    type Response = ();
    type Future = BoxFuture<Response<()>, Status>;

    fn call(&mut self, _: Request<()>) -> Self::Future {
        Box::pin(async { Ok(Response::new(())) })
    }
}

/// The client's side, just as generated code would have it.
pub(crate) async fn call(channel: Channel) -> anyhow::Result<()> {
    let mut grpc = Caller::new(channel);
    grpc.ready().await?;
    let path = PathAndQuery::from_static(PATH);
    grpc.unary(Request::new(()), path, ProstCodec::<(), ()>::default()).await?;
    Ok(())
}
