//! What certificates hold, and a new authority: the service's own, or one for the demo and the tests.

use std::path::Path;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType, SerialNumber,
};

use crate::entropy::SystemEntropy;
use crate::exit::{Exit, Failure};
use crate::secret_file;

/// An authority that lives as long as its value.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    now: Timestamp,
}

impl Authority {
    /// A new authority, valid from a day ago for a year.
    pub fn new(name: &str, now: Timestamp) -> Result<Self, Failure> {
        Self::lasting(name, now, 1)
    }

    /// A new authority, valid from a day ago for so many years of 365 days.
    pub fn lasting(name: &str, now: Timestamp, years: i64) -> Result<Self, Failure> {
        let (from, until) = (hours_from(now, -24)?, hours_from(now, years * 365 * 24)?);
        let mut params = params(name, from, until);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(|error| failed(&error))?;
        Ok(Self { issuer, now })
    }

    /// Writes the authority's certificate.
    pub fn write_certificate(&self, path: &Path) -> Result<(), Failure> {
        secret_file::create_public(path, &self.issuer.pem())
    }

    /// Writes the authority's key.
    pub fn write_key(&self, path: &Path) -> Result<(), Failure> {
        secret_file::create(path, &self.issuer.key().serialize_pem())
    }

    /// Writes a server's certificate for `localhost` and 127.0.0.1, and its key.
    pub fn issue_server(&self, certificate: &Path, key: &Path) -> Result<(), Failure> {
        let (from, until) = year_round(self.now)?;
        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        self.issue(&server_params(&names, from, until)?, certificate, key)
    }

    /// Writes a client's certificate and its key.
    pub fn issue_client(&self, name: &str, certificate: &Path, key: &Path) -> Result<(), Failure> {
        let (from, until) = year_round(self.now)?;
        self.issue(&client_params(name, from, until), certificate, key)
    }

    fn issue(
        &self,
        params: &CertificateParams,
        certificate: &Path,
        key: &Path,
    ) -> Result<(), Failure> {
        let pair = KeyPair::generate().map_err(|error| failed(&error))?;
        let issued = params.signed_by(&pair, &self.issuer).map_err(|error| failed(&error))?;
        secret_file::create_public(certificate, &issued.pem())?;
        secret_file::create(key, &pair.serialize_pem())
    }
}

/// What a client's certificate holds.
pub(crate) fn client_params(name: &str, from: Timestamp, until: Timestamp) -> CertificateParams {
    let mut params = params(name, from, until);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// What a server's certificate holds: host names and addresses.
pub(crate) fn server_params(
    names: &[String],
    from: Timestamp,
    until: Timestamp,
) -> Result<CertificateParams, Failure> {
    let mut params = params("signpost server", from, until);
    for name in names {
        let known = match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.as_str().try_into().map_err(|error| failed(&error))?),
        };
        params.subject_alt_names.push(known);
    }
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn params(name: &str, from: Timestamp, until: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    // Of its own, though the key may have had a certificate before.
    let mut serial: [u8; 16] = SystemEntropy.bytes();
    serial[0] = serial[0] & 0x7F | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let second = |at: Timestamp| {
        let seconds = u64::try_from(at.as_second()).unwrap_or(0);
        rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
    };
    params.not_before = second(from);
    params.not_after = second(until);
    params
}

/// From a day ago for a year.
fn year_round(now: Timestamp) -> Result<(Timestamp, Timestamp), Failure> {
    Ok((hours_from(now, -24)?, hours_from(now, 365 * 24)?))
}

fn hours_from(now: Timestamp, hours: i64) -> Result<Timestamp, Failure> {
    now.checked_add(hours.hours()).map_err(|error| failed(&error))
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Bug, format!("a certificate could not be made: {error}"))
}
