//! Certificates: presented, or asked for with a request of PKCS #10. The request is not read here.

use jiff::Timestamp;
use signpost_core::directory::onboarding::{
    AdmitCertificate, IssueCertificate, NextCertificate, RevokeCertificate,
};
use signpost_core::id::Fingerprint;
use signpost_core::refusal::Invalid;
use signpost_proto::v1;

use crate::admission::{Admissible, ClientAuthorities};
use crate::grpc::parse::{Fields, read};

/// A certificate is to be admitted for a system.
#[derive(Debug)]
pub(in super::super) enum Admit {
    /// This one, of this DER encoding.
    Presented(AdmitCertificate, Vec<u8>),
    /// One that is signed for a key.
    Issue(IssueCertificate),
}

/// What an administrator presents.
enum Presented {
    Certificate(Admissible),
    /// A request, which is read by whoever signs.
    Request(Vec<u8>),
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
            Some(Wire::CertificateRequest(der)) => Some(Presented::Request(der)),
        };
        let (request, system) = (request?, system?);
        Some(match presented? {
            Presented::Certificate(Admissible { der, fingerprint, until }) => {
                Admit::Presented(AdmitCertificate { request, system, fingerprint, until }, der)
            }
            Presented::Request(certificate_request) => {
                Admit::Issue(IssueCertificate { request, system, certificate_request })
            }
        })
    })
}

pub(in super::super) fn renew_certificate(
    wire: v1::RenewCertificateRequest,
) -> Result<NextCertificate, Invalid> {
    let certificate_request = wire.certificate_request;
    read(|fields| {
        if certificate_request.is_empty() {
            return fields.missing("certificate_request");
        }
        Some(NextCertificate { certificate_request })
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
}
