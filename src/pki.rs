//! A small certificate authority for the demo and the tests: never for a service with real data.

use std::path::Path;

use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType,
};

use crate::exit::{Exit, Failure};
use crate::secret_file;

/// An authority that lives as long as its value.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    now: Timestamp,
}

impl Authority {
    /// A new authority, valid from an hour ago for a year.
    pub fn new(name: &str, now: Timestamp) -> Result<Self, Failure> {
        let mut params = params(name, now)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().map_err(|error| failed(&error))?;
        let issuer = CertifiedIssuer::self_signed(params, key).map_err(|error| failed(&error))?;
        Ok(Self { issuer, now })
    }

    /// Writes the authority's certificate.
    pub fn write_certificate(&self, path: &Path) -> Result<(), Failure> {
        write(path, &self.issuer.pem())
    }

    /// Writes a server's certificate for `localhost` and 127.0.0.1, and its key.
    pub fn issue_server(&self, certificate: &Path, key: &Path) -> Result<(), Failure> {
        let mut params = params("signpost server", self.now)?;
        let localhost = "localhost".try_into().map_err(|error| failed(&error))?;
        let address = std::net::Ipv4Addr::LOCALHOST.into();
        params.subject_alt_names = vec![SanType::DnsName(localhost), SanType::IpAddress(address)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(&params, certificate, key)
    }

    /// Writes a client's certificate and its key.
    pub fn issue_client(&self, name: &str, certificate: &Path, key: &Path) -> Result<(), Failure> {
        let mut params = params(name, self.now)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(&params, certificate, key)
    }

    fn issue(
        &self,
        params: &CertificateParams,
        certificate: &Path,
        key: &Path,
    ) -> Result<(), Failure> {
        let pair = KeyPair::generate().map_err(|error| failed(&error))?;
        let issued = params.signed_by(&pair, &self.issuer).map_err(|error| failed(&error))?;
        write(certificate, &issued.pem())?;
        secret_file::create(key, &pair.serialize_pem())
    }
}

fn params(name: &str, now: Timestamp) -> Result<CertificateParams, Failure> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let day = |timestamp: Timestamp| {
        let date = jiff::tz::TimeZone::UTC.to_datetime(timestamp).date();
        let small = |number: i8| u8::try_from(number).unwrap_or(1);
        rcgen::date_time_ymd(date.year().into(), small(date.month()), small(date.day()))
    };
    let hours = |hours: i64| now.checked_add(hours.hours()).map_err(|error| failed(&error));
    params.not_before = day(hours(-24)?);
    params.not_after = day(hours(365 * 24)?);
    Ok(params)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::config(format!("cannot write {}: {error}", path.display())))
}

fn failed(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Bug, format!("a certificate could not be made: {error}"))
}
