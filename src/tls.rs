//! TLS 1.3 with a client certificate required, and our own acceptor.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::time_provider::TimeProvider;
use signpost_core::directory::Directory;
use signpost_core::store::Clock;
use signpost_core::terms::Outcome;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::{Limits, Server};
use crate::connection::Connection;
use crate::exit::Failure;
use crate::secret_file;

/// The end of a certificate's time.
pub fn not_after(certificate: &CertificateDer<'_>) -> Result<Timestamp, Failure> {
    let unreadable = |_| Failure::config("a certificate cannot be read");
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(unreadable)?;
    Timestamp::from_second(parsed.validity().not_after.timestamp())
        .map_err(|_| Failure::config("a certificate ends beyond all time"))
}

/// Reads certificates and keys and builds the server's side of TLS.
pub fn server_config(
    server: &Server,
    clock: Arc<dyn Clock>,
) -> Result<Arc<rustls::ServerConfig>, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = certificates(&server.certificate)?;
    let key = secret_file::read(&server.key)?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|_| refused(&server.key, "holds no private key in PEM"))?;
    let verifier = client_verifier(server)?;
    let mut config = rustls::ServerConfig::builder_with_details(provider, Arc::new(TlsTime(clock)))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| Failure::config(error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| refused(&server.certificate, &error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    // Every connection is a whole handshake: a certificate that has lapsed is not resumed with.
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Checks client certificates against the authorities that the configuration names.
pub fn client_verifier(server: &Server) -> Result<Arc<dyn ClientCertVerifier>, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    for authority in certificates(&server.client_authority)? {
        roots.add(authority).map_err(|_| {
            refused(
                &server.client_authority,
                "holds a certificate that no client certificate can be checked against",
            )
        })?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| refused(&server.client_authority, &error.to_string()))
}

/// Every certificate of a PEM file; at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let pem = std::fs::read(path)
        .map_err(|error| Failure::config(format!("cannot read {}: {error}", path.display())))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(refused(path, "holds no certificate in PEM")),
    }
}

/// Accepts connections until the receiver is dropped. A handshake that fails, or takes too long,
/// is counted and costs nobody else anything.
pub fn accept(
    listener: TcpListener,
    config: Arc<rustls::ServerConfig>,
    limits: &Limits,
    directory: Directory,
) -> ReceiverStream<io::Result<Connection>> {
    let (accepted, connections) = mpsc::channel(64);
    let acceptor = TlsAcceptor::from(config);
    let handshake_time = Duration::from_secs(u64::from(limits.handshake_seconds_max));
    let places = Arc::new(Semaphore::new(limits.connections_max as usize));
    tokio::spawn(async move {
        loop {
            let Some(stream) = next_stream(&listener, &accepted).await else { return };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                directory.count_refusal(Outcome::Shed);
                continue;
            };
            let (acceptor, accepted) = (acceptor.clone(), accepted.clone());
            let directory = directory.clone();
            tokio::spawn(async move {
                let handshake = tokio::time::timeout(handshake_time, acceptor.accept(stream)).await;
                let stream = handshake.ok().and_then(Result::ok);
                match stream.and_then(|stream| Connection::new(stream, place)) {
                    // Nobody is left to take it only while the service stops.
                    Some(connection) => drop(accepted.send(Ok(connection)).await),
                    None => directory.count_refusal(Outcome::HandshakeFailed),
                }
            });
        }
    });
    ReceiverStream::new(connections)
}

/// The next connection; none once nobody takes connections any more.
async fn next_stream<T>(listener: &TcpListener, accepted: &mpsc::Sender<T>) -> Option<TcpStream> {
    loop {
        let stream = tokio::select! {
            () = accepted.closed() => return None,
            stream = listener.accept() => stream,
        };
        match stream {
            Ok((stream, _)) => {
                if stream.set_nodelay(true).is_ok() {
                    return Some(stream);
                }
            }
            Err(error) => {
                // Out of file handles, say: others may be freed while we wait.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// The service's clock, for the validity of certificates.
#[derive(Debug)]
struct TlsTime(Arc<dyn Clock>);

impl TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

fn refused(path: &Path, problem: &str) -> Failure {
    Failure::config(format!("{} {problem}", path.display()))
}
