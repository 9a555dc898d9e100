//! The connection: TLS 1.3 and nothing older, both sides with a certificate.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use crate::credential;
use crate::error::ClientError;
use crate::gathered::{Gathered, READ_LEN};
use crate::profile::{Profile, ProfileError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
const HEADER_BYTES_MAX: u32 = 16 * 1024;
const PORT: u16 = 443;

/// Connects, so that what is wrong with the profile shows at once. The channel reconnects itself.
pub(crate) async fn open(profile: &Profile) -> Result<Channel, ClientError> {
    let address = Address::parse(profile)?;
    let connector = TlsConnector::from(Arc::new(tls(profile)?));
    let endpoint = address
        .endpoint()
        .ok_or(ProfileError::Address)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .http2_max_header_list_size(HEADER_BYTES_MAX);
    let connect = service_fn(move |_: Uri| {
        let (connector, address) = (connector.clone(), address.clone());
        async move {
            let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
            stream.set_nodelay(true)?;
            let stream = BufReader::with_capacity(READ_LEN, stream);
            let stream = connector.connect(address.server_name, stream).await?;
            Ok::<_, io::Error>(TokioIo::new(Gathered::new(stream)))
        }
    });
    endpoint.connect_with_connector(connect).await.map_err(|source| ClientError::Connect { source })
}

/// tonic's own TLS also speaks 1.2 and takes the process's default provider; this does neither.
fn tls(profile: &Profile) -> Result<ClientConfig, ProfileError> {
    let mut roots = RootCertStore::empty();
    for certificate in credential::authority(profile)? {
        roots.add(certificate).map_err(|_| ProfileError::FileContent {
            key: "authority",
            expected: "a certificate that can sign others",
        })?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .expect("the provider has suites of TLS 1.3")
        .with_root_certificates(roots)
        .with_client_auth_cert(credential::certificate(profile)?, credential::private_key(profile)?)
        .map_err(|_| ProfileError::KeyOfOtherCertificate)?;
    config.alpn_protocols.push(b"h2".to_vec());
    Ok(config)
}

/// The parts of the address.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Address {
    host: String,
    port: u16,
    server_name: ServerName<'static>,
    uri: Uri,
}

impl Address {
    fn parse(profile: &Profile) -> Result<Self, ProfileError> {
        let uri: Uri = profile.address.parse().map_err(|_| ProfileError::Address)?;
        let authority = uri.authority().ok_or(ProfileError::Address)?;
        let bare = matches!(uri.path(), "" | "/")
            && uri.query().is_none()
            && !authority.as_str().contains('@');
        if uri.scheme_str() != Some("https") || !bare {
            return Err(ProfileError::Address);
        }
        // An IPv6 address stands in brackets, which belong to neither of its uses here.
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let (name, error) = match &profile.server_name {
            Some(name) => (name.clone(), ProfileError::ServerName),
            None => (host.clone(), ProfileError::Address),
        };
        let server_name = ServerName::try_from(name).map_err(|_| error)?;
        Ok(Self { host, port: authority.port_u16().unwrap_or(PORT), server_name, uri })
    }

    /// The connector encrypts, so the endpoint is told of a plain one; `origin` is what is sent.
    fn endpoint(&self) -> Option<Endpoint> {
        let plain = Uri::builder()
            .scheme("http")
            .authority(self.uri.authority()?.clone())
            .path_and_query("/")
            .build()
            .ok()?;
        Some(Endpoint::from(plain).origin(self.uri.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str, server_name: Option<&str>) -> Result<Address, ProfileError> {
        Address::parse(&Profile {
            address: text.to_owned(),
            server_name: server_name.map(str::to_owned),
            authority: "a".into(),
            certificate: "c".into(),
            key: "k".into(),
            token: "t".into(),
        })
    }

    #[test]
    fn an_address_has_a_host_a_port_and_a_name() {
        let found = address("https://signpost.example:8443", None).unwrap();
        assert_eq!((found.host.as_str(), found.port), ("signpost.example", 8443));
        assert_eq!(found.server_name.to_str(), "signpost.example");
        let found = address("https://[::1]:9/", Some("localhost")).unwrap();
        assert_eq!((found.host.as_str(), found.port), ("::1", 9));
        assert_eq!(found.server_name.to_str(), "localhost");
        assert!(found.endpoint().is_some());
        assert_eq!(address("https://signpost.example", None).unwrap().port, PORT);
    }

    #[test]
    fn anything_but_a_bare_https_address_is_refused() {
        for wrong in [
            "http://signpost.example:8443",
            "signpost.example:8443",
            "https://signpost.example/path",
            "https://signpost.example/?q",
            "https://user@signpost.example",
            "",
        ] {
            assert!(matches!(address(wrong, None), Err(ProfileError::Address)), "{wrong}");
        }
        let refused = address("https://signpost.example", Some("not a name"));
        assert!(matches!(refused, Err(ProfileError::ServerName)));
    }
}
