//! Which certificates may be admitted for a system: those that the handshake lets in.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use signpost_core::id::Fingerprint;

use crate::config::Server;
use crate::connection::fingerprint;
use crate::exit::Failure;
use crate::tls;

/// The authorities whose client certificates are let in.
#[derive(Clone, Debug)]
pub struct ClientAuthorities(Arc<dyn ClientCertVerifier>);

/// A certificate that one of them vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admissible {
    /// Its DER encoding.
    pub der: Vec<u8>,
    /// SHA-256 of that.
    pub fingerprint: Fingerprint,
    /// Its `notAfter`.
    pub until: Timestamp,
}

/// Why a certificate is not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmissible {
    /// It cannot be read.
    #[error("must be one X.509 certificate in DER")]
    Unreadable,
    /// It is over, or has not begun.
    #[error("is not valid now")]
    NotValidNow,
    /// It is for something else.
    #[error("must be for the authentication of clients")]
    OtherPurpose,
    /// None of the authorities signed it.
    #[error("must be signed by a configured authority itself")]
    OtherAuthority,
}

impl ClientAuthorities {
    /// Reads those that the configuration names.
    pub fn read(server: &Server) -> Result<Self, Failure> {
        tls::client_verifier(server).map(Self)
    }

    /// Checks a certificate as a handshake at this time would.
    pub fn check(&self, der: Vec<u8>, now: Timestamp) -> Result<Admissible, NotAdmissible> {
        let certificate = CertificateDer::from(der.as_slice());
        let until = tls::not_after(&certificate).map_err(|_| NotAdmissible::Unreadable)?;
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        self.0.verify_client_cert(&certificate, &[], now).map_err(|error| problem(&error))?;
        let fingerprint = fingerprint(&certificate);
        Ok(Admissible { der, fingerprint, until })
    }
}

fn problem(error: &rustls::Error) -> NotAdmissible {
    use CertificateError as Error;

    let rustls::Error::InvalidCertificate(error) = error else {
        return NotAdmissible::OtherAuthority;
    };
    match error {
        Error::BadEncoding => NotAdmissible::Unreadable,
        Error::Expired
        | Error::ExpiredContext { .. }
        | Error::NotValidYet
        | Error::NotValidYetContext { .. } => NotAdmissible::NotValidNow,
        Error::InvalidPurpose | Error::InvalidPurposeContext { .. } => NotAdmissible::OtherPurpose,
        _ => NotAdmissible::OtherAuthority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::Authority;

    /// 2026-06-15 at noon.
    const NOW: Timestamp = Timestamp::constant(1_781_524_800, 0);

    #[test]
    fn only_a_client_certificate_of_a_configured_authority_is_admissible_in_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let ours = Authority::new("Ours", NOW).unwrap();
        ours.write_certificate(&path("ca.pem")).unwrap();
        ours.issue_server(&path("server.pem"), &path("server.key")).unwrap();
        ours.issue_client("a", &path("client.pem"), &path("client.key")).unwrap();
        let other = Authority::new("Ours", NOW).unwrap();
        other.issue_client("a", &path("other.pem"), &path("other.key")).unwrap();
        let server: Server = toml::from_str(&format!(
            "listen = '127.0.0.1:0'\ncertificate = ''\nkey = ''\nclient_authority = '{}'",
            path("ca.pem").display()
        ))
        .unwrap();
        let authorities = ClientAuthorities::read(&server).unwrap();
        let der = |name: &str| tls::certificates(&path(name)).unwrap()[0].to_vec();
        let check = |name: &str, now| authorities.check(der(name), now).map(|one| one.der);

        assert_eq!(check("client.pem", NOW), Ok(der("client.pem")));
        assert_eq!(check("other.pem", NOW), Err(NotAdmissible::OtherAuthority));
        assert_eq!(check("server.pem", NOW), Err(NotAdmissible::OtherPurpose));
        assert_eq!(check("ca.pem", NOW), Err(NotAdmissible::OtherAuthority));
        let hours = |hours| jiff::Span::new().hours(hours);
        for wrong in [hours(-30), hours(366 * 24)] {
            let now = NOW.checked_add(wrong).unwrap();
            assert_eq!(check("client.pem", now), Err(NotAdmissible::NotValidNow));
        }
        let mut cut = der("client.pem");
        cut.pop();
        for unreadable in [vec![], vec![0x30], cut] {
            let found = authorities.check(unreadable, NOW);
            assert_eq!(found.unwrap_err(), NotAdmissible::Unreadable);
        }
        let mut longer = der("client.pem");
        longer.push(0);
        assert!(authorities.check(longer, NOW).is_err());
    }
}
