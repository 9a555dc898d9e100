//! Certificates: presented, or asked for with a request of PKCS #10.

use jiff::Timestamp;
use signpost_core::directory::onboarding::{
    AdmitCertificate, IssueCertificate, NextCertificate, RenewCertificate, RevokeCertificate,
};
use signpost_core::id::Fingerprint;
use signpost_core::refusal::Invalid;
use signpost_proto::v1;

use crate::admission::{Admissible, ClientAuthorities};
use crate::grpc::parse::{Fields, read};
use crate::issuer::requested_key;

/// A certificate is to be admitted for a system.
#[derive(Debug)]
pub(in super::super) enum Admit {
    /// This one, of this DER encoding.
    Presented(AdmitCertificate, Vec<u8>),
    /// One that is signed for a key.
    Issue(IssueCertificate),
}

/// A system changes to its next certificate.
#[derive(Debug)]
pub(in super::super) enum Renew {
    /// To this one, of this DER encoding.
    Presented(RenewCertificate, Vec<u8>),
    /// To one that is signed for a key.
    Issue(NextCertificate),
}

/// What a client presents, whatever it is for.
enum Presented {
    Certificate(Admissible),
    Key(Vec<u8>),
}

pub(in super::super) fn admit_certificate(
    wire: v1::AdmitCertificateRequest,
    authorities: &ClientAuthorities,
    now: Timestamp,
) -> Result<Admit, Invalid> {
    use v1::admit_certificate_request::Presented as Wire;

    read(|fields| {
        let request = fields.request(&wire.request_id);
        let system = fields.system("system_id", &wire.system_id);
        let presented = match wire.presented {
            None => fields.missing("presented"),
            Some(Wire::Certificate(der)) => fields.certificate(der, authorities, now),
            Some(Wire::CertificateRequest(der)) => fields.certificate_request(&der),
        };
        let (request, system) = (request?, system?);
        Some(match presented? {
            Presented::Certificate(Admissible { der, fingerprint, until }) => {
                Admit::Presented(AdmitCertificate { request, system, fingerprint, until }, der)
            }
            Presented::Key(public_key) => {
                Admit::Issue(IssueCertificate { request, system, public_key })
            }
        })
    })
}

pub(in super::super) fn renew_certificate(
    wire: v1::RenewCertificateRequest,
    authorities: &ClientAuthorities,
    now: Timestamp,
) -> Result<Renew, Invalid> {
    use v1::renew_certificate_request::Presented as Wire;

    read(|fields| {
        let presented = match wire.presented {
            None => fields.missing("presented"),
            Some(Wire::Certificate(der)) => fields.certificate(der, authorities, now),
            Some(Wire::CertificateRequest(der)) => fields.certificate_request(&der),
        };
        Some(match presented? {
            Presented::Certificate(Admissible { der, fingerprint, until }) => {
                Renew::Presented(RenewCertificate { fingerprint, until }, der)
            }
            Presented::Key(public_key) => Renew::Issue(NextCertificate { public_key }),
        })
    })
}

pub(in super::super) fn revoke_certificate(
    wire: &v1::RevokeCertificateRequest,
) -> Result<RevokeCertificate, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let fingerprint = fields.digest("fingerprint", &wire.fingerprint).map(Fingerprint::new);
        Some(RevokeCertificate { request: request?, fingerprint: fingerprint? })
    })
}

impl Fields {
    fn certificate(
        &mut self,
        der: Vec<u8>,
        authorities: &ClientAuthorities,
        now: Timestamp,
    ) -> Option<Presented> {
        let checked = authorities.check(der, now).map(Presented::Certificate);
        self.kept("certificate", checked)
    }

    fn certificate_request(&mut self, der: &[u8]) -> Option<Presented> {
        self.kept("certificate_request", requested_key(der).map(Presented::Key))
    }
}
