//! The service's own authority: it signs client certificates for keys that systems made themselves.

use std::fmt;

use jiff::{Timestamp, ToSpan};
use rcgen::{Issuer, KeyPair, PublicKeyData, SubjectPublicKeyInfo};
use rustls::pki_types::CertificateDer;
use signpost_core::id::SystemId;
use signpost_core::store::{CertificateIssuer, IssueError, IssuedCertificate};
use uuid::Uuid;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use crate::config::{Authority, Server};
use crate::connection::fingerprint;
use crate::exit::Failure;
use crate::{pki, secret_file, tls};

/// Clocks differ: a certificate counts from a little before it was signed.
const BEFORE_HOURS: i64 = 1;

/// An authority with its key. It prints as its type's name.
pub struct OwnAuthority {
    issuer: Issuer<'static, KeyPair>,
    /// The end of its own time: nothing that it signs goes on longer.
    until: Timestamp,
    certificate_days: u32,
}

/// Why nothing is signed for a PKCS #10 request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// It cannot be read.
    Unreadable,
    /// Whoever sends it need not have the key.
    Signature,
    /// A key of a kind that client certificates do not have here.
    Key,
}

impl RequestError {
    /// What the request must be.
    fn problem(self) -> &'static str {
        match self {
            Self::Unreadable => "must be one PKCS #10 request in DER",
            Self::Signature => "must be signed with the key that it is about",
            Self::Key => "must be about a key of ECDSA (P-256, P-384), Ed25519 or RSA",
        }
    }
}

/// The key of a request, the DER encoding of its `SubjectPublicKeyInfo`, if the request's own
/// signature shows that its sender has it. Every name and extension that it asks for is passed over.
pub fn requested_key(request: &[u8]) -> Result<Vec<u8>, RequestError> {
    let (rest, request) =
        X509CertificationRequest::from_der(request).map_err(|_| RequestError::Unreadable)?;
    if !rest.is_empty() {
        return Err(RequestError::Unreadable);
    }
    let key = request.certification_request_info.subject_pki.raw;
    SubjectPublicKeyInfo::from_der(key).map_err(|_| RequestError::Key)?;
    request.verify_signature().map_err(|_| RequestError::Signature)?;
    Ok(key.to_vec())
}

impl OwnAuthority {
    /// Reads the certificate and the key. The certificate must be among those whose client
    /// certificates are let in: else nobody could connect with what is signed here.
    pub fn read(authority: &Authority, server: &Server) -> Result<Self, Failure> {
        let path = &authority.certificate;
        let refused = |problem: &str| Failure::config(format!("{} {problem}", path.display()));
        let certificates = tls::certificates(path)?;
        let [certificate] = certificates.as_slice() else {
            return Err(refused("must hold one certificate"));
        };
        if !tls::certificates(&server.client_authority)?.contains(certificate) {
            return Err(refused("is none of server.client_authority"));
        }
        let key_path = authority.key.display();
        let key = secret_file::read(&authority.key)?;
        let key = KeyPair::from_pem(&key)
            .map_err(|_| Failure::config(format!("{key_path} holds no private key in PEM")))?;
        if public_key_of(certificate).as_deref() != Some(&*key.subject_public_key_info()) {
            return Err(refused(&format!("is not the certificate of the key in {key_path}")));
        }
        let issuer = Issuer::from_ca_cert_der(certificate, key)
            .map_err(|_| refused("cannot be used as an authority"))?;
        let until = tls::not_after(certificate)?;
        Ok(Self { issuer, until, certificate_days: authority.certificate_days })
    }

    /// Signs a server's certificate for a new key, good for a year: both in PEM.
    pub fn issue_server(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<(String, Zeroizing<String>), Failure> {
        let failed = |error: &dyn fmt::Display| {
            Failure::config(format!("the server's certificate could not be made: {error}"))
        };
        let year = now.checked_add((365 * 24).hours()).map_err(|error| failed(&error))?;
        let from = now.checked_sub(BEFORE_HOURS.hours()).map_err(|error| failed(&error))?;
        let params = pki::server_params(names, from, year.min(self.until))?;
        let pair = KeyPair::generate().map_err(|error| failed(&error))?;
        let certificate = params.signed_by(&pair, &self.issuer).map_err(|error| failed(&error))?;
        Ok((certificate.pem(), Zeroizing::new(pair.serialize_pem())))
    }

    fn sign(
        &self,
        public_key: &[u8],
        system: SystemId,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<CertificateDer<'static>, rcgen::Error> {
        let key = SubjectPublicKeyInfo::from_der(public_key)?;
        let name = Uuid::from_bytes(*system.as_bytes()).to_string();
        let certificate = pki::client_params(&name, from, until).signed_by(&key, &self.issuer)?;
        Ok(certificate.der().clone())
    }
}

impl CertificateIssuer for OwnAuthority {
    fn issue(
        &self,
        request: &[u8],
        system: SystemId,
        now: Timestamp,
    ) -> Result<IssuedCertificate, IssueError> {
        let key = requested_key(request).map_err(|error| IssueError::Request(error.problem()))?;
        self.issue_for(&key, system, now)
    }

    fn is_answered_by(&self, request: &[u8], certificate: &[u8], now: Timestamp) -> bool {
        let Ok(key) = requested_key(request) else { return false };
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else { return false };
        let validity = certificate.validity();
        let (from, until) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        certificate.public_key().raw == key && until - now.as_second() > (until - from) / 2
    }
}

impl OwnAuthority {
    /// Signs a certificate for a key whose holder is known: the DER encoding of its
    /// `SubjectPublicKeyInfo`.
    pub fn issue_for(
        &self,
        public_key: &[u8],
        system: SystemId,
        now: Timestamp,
    ) -> Result<IssuedCertificate, IssueError> {
        let hours = 24 * i64::from(self.certificate_days);
        let from = now.checked_sub(BEFORE_HOURS.hours()).map_err(|_| IssueError::Unavailable)?;
        let until =
            now.checked_add(hours.hours()).map_err(|_| IssueError::Unavailable)?.min(self.until);
        // A certificate knows whole seconds.
        let until =
            Timestamp::from_second(until.as_second()).map_err(|_| IssueError::Unavailable)?;
        if until <= now {
            tracing::error!("the service's own authority is over: it signs nothing");
            return Err(IssueError::Unavailable);
        }
        let der = self.sign(public_key, system, from, until).map_err(|error| {
            tracing::error!(%error, "a certificate could not be signed");
            IssueError::Unavailable
        })?;
        Ok(IssuedCertificate { fingerprint: fingerprint(&der), der: der.to_vec(), until })
    }
}

impl fmt::Debug for OwnAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnAuthority")
    }
}

/// The key that a certificate is for: the DER encoding of its `SubjectPublicKeyInfo`.
#[must_use]
pub fn public_key_of(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(parsed.public_key().raw.to_vec())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, SanType};
    use tempfile::TempDir;

    use super::*;

    /// 2026-06-15 at noon.
    const NOW: Timestamp = Timestamp::constant(1_781_524_800, 0);
    const SYSTEM: SystemId = SystemId::new([7; 16]);

    /// An authority's files, and a configuration that names them.
    struct Files {
        folder: TempDir,
        config: Authority,
        server: Server,
    }

    impl Files {
        fn new(certificate_days: u32) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            let authority = pki::Authority::new("Ours", NOW).unwrap();
            authority.write_certificate(&path("ca.pem")).unwrap();
            authority.write_key(&path("ca.key")).unwrap();
            let (certificate, key) = (path("ca.pem"), path("ca.key"));
            let config = Authority { certificate, key, certificate_days };
            let server = toml::from_str(&format!(
                "listen = '127.0.0.1:0'\ncertificate = ''\nkey = ''\nclient_authority = '{}'",
                path("ca.pem").display()
            ));
            Self { server: server.unwrap(), folder, config }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn read(&self) -> OwnAuthority {
            OwnAuthority::read(&self.config, &self.server).unwrap()
        }

        fn refused(&self) -> String {
            OwnAuthority::read(&self.config, &self.server).unwrap_err().to_string()
        }
    }

    /// A request that asks for more than it gets.
    fn request(pair: &KeyPair) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Mallory");
        params.is_ca = IsCa::ExplicitNoCa;
        params.subject_alt_names = vec![SanType::DnsName("localhost".try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.serialize_request(pair).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_holds_the_key_the_systems_id_and_nothing_that_was_asked_for() {
        let files = Files::new(30);
        let pair = KeyPair::generate().unwrap();
        let key = pair.subject_public_key_info();
        let request = request(&pair);
        let issued = files.read().issue(&request, SYSTEM, NOW).unwrap();
        assert_eq!(issued.until, NOW.checked_add((30 * 24).hours()).unwrap());
        assert_eq!(issued.fingerprint, fingerprint(&issued.der));

        let (rest, found) = X509Certificate::from_der(&issued.der).unwrap();
        assert!(rest.is_empty());
        assert_eq!(found.subject().to_string(), "CN=07070707-0707-0707-0707-070707070707");
        assert_eq!(found.public_key().raw, key);
        assert_eq!(found.validity().not_before.timestamp(), NOW.as_second() - 3600);
        assert_eq!(found.validity().not_after.timestamp(), issued.until.as_second());
        assert!(found.subject_alternative_name().unwrap().is_none());
        assert!(!found.is_ca());
        let usage = found.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.client_auth && !usage.server_auth && !usage.any);
        let again = files.read().issue(&request, SYSTEM, NOW).unwrap();
        let (_, again) = X509Certificate::from_der(&again.der).unwrap();
        assert_ne!(again.raw_serial(), found.raw_serial(), "no serial twice, for one key neither");

        let authorities = crate::admission::ClientAuthorities::read(&files.server).unwrap();
        let admissible = authorities.check(issued.der.clone(), NOW).unwrap();
        assert_eq!((admissible.fingerprint, admissible.until), (issued.fingerprint, issued.until));
    }

    #[test]
    fn a_certificate_answers_the_same_key_again_for_the_first_half_of_its_life() {
        let authority = Files::new(30).read();
        let (pair, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let given = authority.issue(&request(&pair), SYSTEM, NOW).unwrap().der;
        let after = |days: i64| NOW.checked_add((24 * days).hours()).unwrap();
        assert!(authority.is_answered_by(&request(&pair), &given, after(14)));
        assert!(!authority.is_answered_by(&request(&pair), &given, after(15)));
        assert!(!authority.is_answered_by(&request(&other), &given, NOW), "another key");
        assert!(!authority.is_answered_by(&[], &given, NOW), "no request");
    }

    #[test]
    fn nothing_goes_on_longer_than_the_authority_itself() {
        let files = Files::new(90);
        let authority = files.read();
        let key = KeyPair::generate().unwrap().subject_public_key_info();
        let late = NOW.checked_add((360 * 24).hours()).unwrap();
        assert_eq!(authority.issue_for(&key, SYSTEM, late).unwrap().until, authority.until);
        let over = authority.issue_for(&key, SYSTEM, authority.until);
        assert_eq!(over, Err(IssueError::Unavailable));
    }

    #[test]
    fn a_request_whose_sender_need_not_have_the_key_is_refused() {
        let good = request(&KeyPair::generate().unwrap());
        let mut forged = good.clone();
        let last = forged.len() - 1;
        forged[last] ^= 1;
        assert_eq!(requested_key(&forged), Err(RequestError::Signature));
        assert_eq!(requested_key(&good[..last]), Err(RequestError::Unreadable));
        assert_eq!(requested_key(&[&good[..], &[0]].concat()), Err(RequestError::Unreadable));
        assert_eq!(requested_key(&[]), Err(RequestError::Unreadable));
    }

    #[test]
    fn what_does_not_belong_together_or_is_open_to_others_is_refused() {
        use std::os::unix::fs::PermissionsExt;

        let mut files = Files::new(30);
        let other = pki::Authority::new("Another", NOW).unwrap();
        other.write_certificate(&files.path("other.pem")).unwrap();
        other.write_key(&files.path("other.key")).unwrap();
        files.config.key = files.path("other.key");
        assert!(files.refused().contains("is not the certificate of the key"));
        files.config.certificate = files.path("other.pem");
        assert!(files.refused().contains("is none of server.client_authority"));
        let open = std::fs::Permissions::from_mode(0o640);
        std::fs::set_permissions(files.path("ca.key"), open).unwrap();
        files.config.certificate = files.path("ca.pem");
        files.config.key = files.path("ca.key");
        assert!(files.refused().contains("may be read by others"));
        files.config.key = files.path("ca.pem");
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(files.path("ca.pem"), private).unwrap();
        assert!(files.refused().contains("holds no private key"));
        assert_eq!(format!("{:?}", Files::new(30).read()), "OwnAuthority");
    }
}
