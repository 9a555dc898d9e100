//! An accepted connection: it knows its client certificate and holds its place among the allowed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use sha2::{Digest, Sha256};
use signpost_client::gathered::Gathered;
use signpost_core::id::Fingerprint;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

/// A TLS connection with a verified client certificate.
#[derive(Debug)]
pub struct Connection {
    stream: Gathered<TlsStream<TcpStream>>,
    certificate: Fingerprint,
    _place: OwnedSemaphorePermit,
}

/// What requests know of their connection.
#[derive(Clone, Copy, Debug)]
pub struct ClientCertificate(pub Fingerprint);

impl Connection {
    /// None if the client showed no certificate; the TLS configuration lets none such through.
    #[must_use]
    pub fn new(stream: TlsStream<TcpStream>, place: OwnedSemaphorePermit) -> Option<Self> {
        let leaf = stream.get_ref().1.peer_certificates()?.first()?;
        let certificate = fingerprint(leaf);
        Some(Self { stream: Gathered::new(stream), certificate, _place: place })
    }
}

/// SHA-256 of a certificate's DER encoding.
#[must_use]
pub fn fingerprint(der: &[u8]) -> Fingerprint {
    Fingerprint::new(Sha256::digest(der).into())
}

impl Connected for Connection {
    type ConnectInfo = ClientCertificate;

    fn connect_info(&self) -> ClientCertificate {
        ClientCertificate(self.certificate)
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
