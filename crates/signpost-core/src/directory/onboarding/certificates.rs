//! Client certificates: admitted by an administrator, renewed by the system itself, revoked at once.
//!
//! Each is one that an administrator presents, of a configured authority, or one that the service's
//! own authority signs once the caller is known to be allowed it. A system renews by a request alone,
//! which shows that it has the key: a certificate shows that to nobody but the handshake.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;

use super::Directory;
use super::change::{Change, Decide, Declined, present, register_requests};
use crate::commit::{Commit, Effect, Write};
use crate::directory::Presented;
use crate::directory::replay::Written;
use crate::directory::write::Leave;
use crate::id::{Fingerprint, RequestId, SystemId};
use crate::permit::{Identity, Permit};
use crate::record::{Record, Registered};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::register::{CERTIFICATES_MAX, Certificate, Standing, System};
use crate::store::{IssueError, IssuedCertificate, StoreError};
use crate::terms::{Action, Outcome};

/// Admits a certificate of a configured authority for a system.
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

/// Admits a certificate that the service's own authority signs, for a key of the system's.
#[derive(Clone, Debug, Serialize)]
pub struct IssueCertificate {
    /// The client's id of this write.
    pub request: RequestId,
    /// The system.
    pub system: SystemId,
    /// A request (PKCS #10, DER) that is signed with the key.
    pub certificate_request: Vec<u8>,
}

/// Revokes a certificate: at the next request it is nobody's.
#[derive(Clone, Debug, Serialize)]
pub struct RevokeCertificate {
    /// The client's id of this write.
    pub request: RequestId,
    /// SHA-256 of the certificate's DER encoding.
    pub fingerprint: Fingerprint,
}

/// Admits a system's next certificate, signed by the service's own authority, at the system's own
/// request. The same key again, while that has most of its life left, is given the same again.
#[derive(Clone, Debug)]
pub struct NextCertificate {
    /// A request (PKCS #10, DER) that is signed with the new key.
    pub certificate_request: Vec<u8>,
}

register_requests! {
    AdmitCertificate => AdmitCertificate;
    IssueCertificate => AdmitCertificate;
    RevokeCertificate => RevokeCertificate;
}

#[async_trait]
impl Decide for AdmitCertificate {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let Self { system, fingerprint, until, .. } = *self;
        let permit = &mut leave.permit;
        let system = directory.known_system(permit, system).await?;
        let count = is_elsewhere(&system, &leave.identity).into();
        let writes = directory.admit(permit, system, fingerprint, until).await?;
        Ok(Change { count, ..Change::of(*fingerprint.as_bytes(), writes) })
    }
}

#[async_trait]
impl Decide for IssueCertificate {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let permit = &mut leave.permit;
        let system = directory.known_system(permit, self.system).await?;
        let count = is_elsewhere(&system, &leave.identity).into();
        let IssuedCertificate { der, fingerprint, until } =
            directory.issue(self.system, &self.certificate_request)?;
        let writes = directory.admit(permit, system, fingerprint, until).await?;
        let result = Registered::Certificate(der);
        Ok(Change { count, ..Change::new(result, *fingerprint.as_bytes(), writes) })
    }
}

/// Whether the system is of another organisation than the administrator, who could come in that
/// one's name with the certificate: the entry counts it, and a privacy officer is to look at it.
fn is_elsewhere(system: &System, administrator: &Identity) -> bool {
    system.organisation != administrator.organisation.id
}

#[async_trait]
impl Decide for RevokeCertificate {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        // Whoever revokes the only certificate they have cannot come back to admit another.
        if leave.identity.party.certificate == Some(self.fingerprint) {
            let problem = "the request comes with this certificate itself; revoke it over another \
                           connection";
            return Err(Reason::WrongState(problem).into());
        }
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
    /// Signs and admits the next certificate of the system that asks for it, and gives its DER
    /// encoding. The present one stays until its own time is over, so that the system can change from
    /// one to the other.
    pub async fn issue_next_certificate(
        &self,
        presented: &Presented,
        request: &Result<NextCertificate, Invalid>,
    ) -> Result<Written<Vec<u8>>, Refusal> {
        retry_contended!(self.issue_next_once(presented, request))
    }

    async fn issue_next_once(
        &self,
        presented: &Presented,
        request: &Result<NextCertificate, Invalid>,
    ) -> Result<Written<Vec<u8>>, Refusal> {
        let identity = self.identify_system(presented).await?;
        let today = self.today();
        let mut permit = self.granted(identity.authorise(Action::RenewCertificate, today)).await?;
        let next = match request {
            Ok(next) => next,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        match self.next_certificate(&mut permit, identity.system, next).await {
            Ok((effect, result)) => {
                let receipt = self.commit(Commit::permitted(permit, effect)).await?;
                Ok(Written { result, receipt })
            }
            Err(Declined::Refused(reason)) => Err(self.refuse(permit.deny(reason)).await),
            Err(Declined::Store(error)) => Err(error.into()),
        }
    }

    async fn next_certificate(
        &self,
        permit: &mut Permit,
        system: SystemId,
        next: &NextCertificate,
    ) -> Result<(Effect, Vec<u8>), Declined> {
        let system = present(self.system(permit, system).await?)?;
        if let Some((fingerprint, der)) = self.given_before(permit, &system, next).await? {
            let detail = *fingerprint.as_bytes();
            return Ok((Effect { detail, ..Effect::new(Outcome::Done) }, der));
        }
        let issued = self.issue(system.id, &next.certificate_request)?;
        let IssuedCertificate { der, fingerprint, until } = issued;
        let mut writes = self.admit(permit, system, fingerprint, until).await?;
        for write in &mut writes {
            if let Write::Put(Record::Certificate(certificate)) = write {
                certificate.renewal = Some(der.clone());
            }
        }
        // The system stands in the entry anyway, and the certificate that it came with.
        let detail = *fingerprint.as_bytes();
        Ok((Effect { detail, writes, ..Effect::new(Outcome::Done) }, der))
    }

    /// The certificate that the system was given for the same key a short while ago: whoever lost
    /// the answer asks again, and must not use up one of its places each time.
    async fn given_before(
        &self,
        permit: &mut Permit,
        system: &System,
        next: &NextCertificate,
    ) -> Result<Option<(Fingerprint, Vec<u8>)>, StoreError> {
        let Some(issuer) = &self.issuer else { return Ok(None) };
        for &named in &system.certificates {
            let certificate = present(self.certificate(permit, named).await?)?;
            if certificate.standing == Standing::Active
                && let Some(der) = certificate.renewal
                && issuer.is_answered_by(&next.certificate_request, &der, self.now())
            {
                return Ok(Some((named, der)));
            }
        }
        Ok(None)
    }

    async fn known_system(
        &self,
        permit: &mut Permit,
        system: SystemId,
    ) -> Result<System, Declined> {
        let system = self.system(permit, system).await?;
        system.ok_or(Reason::Unknown("system").into())
    }

    /// A certificate by the service's own authority. Nobody has it before it is admitted.
    fn issue(&self, system: SystemId, request: &[u8]) -> Result<IssuedCertificate, Reason> {
        let Some(issuer) = &self.issuer else {
            let problem = "this service has no authority of its own; present a certificate of a \
                           configured one";
            return Err(Reason::WrongState(problem));
        };
        issuer.issue(request, system, self.now()).map_err(|error| match error {
            IssueError::Request(problem) => {
                Reason::Invalid(Invalid::field("certificate_request", problem))
            }
            IssueError::Unavailable => {
                Reason::WrongState("the service's own authority signs nothing now")
            }
        })
    }

    /// What is written for a certificate that names this system from now on. Those that no longer
    /// count make way for it.
    async fn admit(
        &self,
        permit: &mut Permit,
        mut system: System,
        fingerprint: Fingerprint,
        until: Timestamp,
    ) -> Result<Vec<Write>, Declined> {
        if until <= self.now() {
            let invalid = Invalid::field("certificate", "is no longer valid");
            return Err(Reason::Invalid(invalid).into());
        }
        if self.certificate(permit, fingerprint).await?.is_some() {
            return Err(Reason::AlreadyRegistered("certificate").into());
        }
        let mut certificates = Vec::new();
        for &named in &system.certificates {
            let certificate = present(self.certificate(permit, named).await?)?;
            if certificate.standing == Standing::Active && certificate.until > self.now() {
                certificates.push(named);
            }
        }
        if certificates.len() >= CERTIFICATES_MAX {
            let problem = "8 certificates of the system count already; one of them must be \
                           revoked, or be over, first";
            return Err(Reason::WrongState(problem).into());
        }
        certificates.push(fingerprint);
        system.certificates = certificates;
        let (system_id, standing) = (system.id, Standing::Active);
        let admitted =
            Certificate { fingerprint, system: system_id, until, standing, renewal: None };
        Ok(vec![Write::Put(Record::Certificate(admitted)), Write::Put(Record::System(system))])
    }
}
