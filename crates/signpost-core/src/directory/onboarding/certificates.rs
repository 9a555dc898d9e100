//! Client certificates: admitted by an administrator, renewed by the system itself, revoked at once.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

use super::change::{Change, Decide, Declined, register_requests};
use super::{Directory, detail};
use crate::commit::{Commit, Effect, Write};
use crate::directory::Presented;
use crate::directory::replay::Written;
use crate::directory::write::Leave;
use crate::id::{Fingerprint, RequestId, SystemId};
use crate::record::Record;
use crate::refusal::{Invalid, Reason, Refusal};
use crate::register::{Certificate, Standing};
use crate::terms::{Action, Outcome};

/// Admits a certificate, ours or a configured external authority's, for a system.
#[derive(Clone, Debug, Serialize)]
pub struct AdmitCertificate {
    /// The client's id of this write.
    pub request: RequestId,
    /// The system.
    pub system: SystemId,
    /// SHA-256 of the certificate's DER encoding.
    pub fingerprint: Fingerprint,
    /// Its `notAfter`.
    pub until: Timestamp,
}

/// Revokes a certificate: at the next request it is nobody's.
#[derive(Clone, Debug, Serialize)]
pub struct RevokeCertificate {
    /// The client's id of this write.
    pub request: RequestId,
    /// SHA-256 of the certificate's DER encoding.
    pub fingerprint: Fingerprint,
}

/// Admits a system's next certificate, at the system's own request.
#[derive(Clone, Debug)]
pub struct RenewCertificate {
    /// SHA-256 of the new certificate's DER encoding.
    pub fingerprint: Fingerprint,
    /// Its `notAfter`.
    pub until: Timestamp,
}

register_requests! {
    AdmitCertificate => AdmitCertificate;
    RevokeCertificate => RevokeCertificate;
}

#[async_trait]
impl Decide for AdmitCertificate {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        if self.until <= directory.now() {
            let invalid = Invalid::field("certificate", "is no longer valid");
            return Err(Reason::Invalid(invalid).into());
        }
        let permit = &mut leave.permit;
        if directory.system(permit, self.system).await?.is_none() {
            return Err(Reason::Unknown("system").into());
        }
        if directory.certificate(permit, self.fingerprint).await?.is_some() {
            return Err(Reason::AlreadyRegistered("certificate").into());
        }
        let certificate = Certificate {
            fingerprint: self.fingerprint,
            system: self.system,
            until: self.until,
            standing: Standing::Active,
        };
        let detail = *self.fingerprint.as_bytes();
        Ok(Change::of(detail, vec![Write::Put(Record::Certificate(certificate))]))
    }
}

#[async_trait]
impl Decide for RevokeCertificate {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let found = directory.certificate(&mut leave.permit, self.fingerprint).await?;
        let Some(certificate) = found else { return Err(Reason::Unknown("certificate").into()) };
        if certificate.standing == Standing::Revoked {
            return Err(Reason::WrongState("the certificate is revoked already").into());
        }
        let certificate = Certificate { standing: Standing::Revoked, ..certificate };
        let detail = *self.fingerprint.as_bytes();
        Ok(Change::of(detail, vec![Write::Put(Record::Certificate(certificate))]))
    }
}

impl Directory {
    /// Admits the next certificate of the system that asks for it. The present one stays until its
    /// own time is over, so that the system can change from one to the other.
    pub async fn renew_certificate(
        &self,
        presented: &Presented,
        request: &Result<RenewCertificate, Invalid>,
    ) -> Result<Written<SystemId>, Refusal> {
        retry_contended!(self.renew_certificate_once(presented, request))
    }

    async fn renew_certificate_once(
        &self,
        presented: &Presented,
        request: &Result<RenewCertificate, Invalid>,
    ) -> Result<Written<SystemId>, Refusal> {
        let identity = self.identify_system(presented).await?;
        let today = self.today();
        let mut permit = self.granted(identity.authorise(Action::RenewCertificate, today)).await?;
        let renewal = match request {
            Ok(renewal) => renewal,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        if self.certificate(&mut permit, renewal.fingerprint).await?.is_some() {
            let reason = Reason::AlreadyRegistered("certificate");
            return Err(self.refuse(permit.deny(reason)).await);
        }
        let certificate = Certificate {
            fingerprint: renewal.fingerprint,
            system: identity.system,
            until: renewal.until,
            standing: Standing::Active,
        };
        let effect = Effect {
            detail: detail(identity.system.as_bytes(), None),
            writes: vec![Write::Put(Record::Certificate(certificate))],
            ..Effect::new(Outcome::Done)
        };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        Ok(Written { result: identity.system, receipt })
    }
}
