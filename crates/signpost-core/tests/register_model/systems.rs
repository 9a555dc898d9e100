//! The model: what lets an organisation connect, and for how long.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use signpost_core::register::Standing;
use signpost_core::terms::Outcome;

use super::ops::Op;
use super::rules::{check, day_of, found, refused};
use super::{Certificate, Model, Said};

/// How long a certificate counts that the service's own authority signs.
const SIGNED_HOURS: i64 = 30 * 24;

/// How many certificates of one system count at once.
const CERTIFICATES_MAX: usize = 8;

/// Until when a certificate counts that is signed now.
pub(super) fn signed_until(now: Timestamp) -> Timestamp {
    now + SIGNED_HOURS.hours()
}

/// Whether one that counts until then has most of its life left.
pub(super) fn is_young(until: Timestamp, now: Timestamp) -> bool {
    now + (SIGNED_HOURS / 2).hours() <= until
}

impl Model {
    /// The system that comes with this certificate, if it may.
    pub(super) fn system_of(&self, certificate: u16, now: Timestamp) -> Result<u16, Said> {
        let unidentified = |outcome| Err(Said::Unidentified(outcome));
        let Some(found) = self.register.certificates.get(&certificate) else {
            return unidentified(Outcome::CertificateUnknown);
        };
        if found.standing != Standing::Active {
            return unidentified(Outcome::CertificateRevoked);
        }
        if found.until <= now {
            return unidentified(Outcome::CertificateExpired);
        }
        if self.register.systems[&found.system].standing != Standing::Active {
            return unidentified(Outcome::SystemSuspended);
        }
        Ok(found.system)
    }

    /// The organisation of a system that comes in nobody's name.
    pub(super) fn organisation_alone(&self, over: u16, now: Timestamp) -> Result<u8, Said> {
        let organisation = self.register.systems[&self.system_of(over, now)?].organisation;
        let until = self.register.organisations[&organisation];
        check(day_of(now) <= until, Outcome::DeniedExpired).map(|()| organisation)
    }

    pub(super) fn put_authority(&mut self, organisation: u8, until: Date) {
        self.register.organisations.insert(organisation, until);
        *self.organisation_changes.entry(organisation).or_default() += 1;
    }

    /// What an administrator, who came with the certificate `own`, does about a system.
    pub(super) fn connect(&mut self, op: &Op, own: u16, now: Timestamp) -> Result<(), Said> {
        match *op {
            Op::Admit { system, certificate, days, .. } => {
                found(self.register.systems.get(&system))?;
                self.admit(system, certificate, now + (24 * days).hours(), false, now)
            }
            Op::Issue { system, certificate, .. } => {
                found(self.register.systems.get(&system))?;
                self.admit(system, certificate, signed_until(now), false, now)
            }
            Op::Revoke { certificate, .. } => {
                check(certificate != own, Outcome::WrongState)?;
                let is = found(self.register.certificates.get(&certificate))?.standing;
                check(is != Standing::Revoked, Outcome::WrongState)?;
                self.revoke(certificate);
                Ok(())
            }
            Op::SuspendSystem { system, .. } => {
                let own = self.register.certificates[&own].system;
                check(system != own, Outcome::WrongState)?;
                let is = found(self.register.systems.get(&system))?.clone();
                check(is.standing != Standing::Suspended, Outcome::WrongState)?;
                for certificate in is.certificates {
                    self.revoke(certificate);
                }
                self.register.systems.get_mut(&system).unwrap().standing = Standing::Suspended;
                Ok(())
            }
            Op::ResumeSystem { system, .. } => {
                let is = found(self.register.systems.get(&system))?.standing;
                check(is != Standing::Active, Outcome::WrongState)?;
                self.register.systems.get_mut(&system).unwrap().standing = Standing::Active;
                Ok(())
            }
            _ => panic!("{op:?} is about no system"),
        }
    }

    /// A system's own next certificate: the same again while most of its life is left.
    pub(super) fn next(&mut self, over: u16, name: u16, now: Timestamp) -> Result<(), Said> {
        self.organisation_alone(over, now)?;
        let system = self.system_of(over, now)?;
        let is_given = self.register.systems[&system].certificates.contains(&name) && {
            let given = &self.register.certificates[&name];
            given.is_renewal && given.standing == Standing::Active && is_young(given.until, now)
        };
        if is_given { Ok(()) } else { self.admit(system, name, signed_until(now), true, now) }
    }

    fn admit(
        &mut self,
        system: u16,
        name: u16,
        until: Timestamp,
        is_renewal: bool,
        now: Timestamp,
    ) -> Result<(), Said> {
        check(until > now, Outcome::Invalid)?;
        if self.register.certificates.contains_key(&name) {
            return refused(Outcome::AlreadyRegistered);
        }
        let mut certificates = self.register.systems[&system].certificates.clone();
        certificates.retain(|one| self.certificate_counts(*one, now));
        check(certificates.len() < CERTIFICATES_MAX, Outcome::WrongState)?;
        certificates.push(name);
        self.register.systems.get_mut(&system).unwrap().certificates = certificates;
        let certificate = Certificate { system, until, standing: Standing::Active, is_renewal };
        self.register.certificates.insert(name, certificate);
        Ok(())
    }

    fn revoke(&mut self, certificate: u16) {
        self.register.certificates.get_mut(&certificate).unwrap().standing = Standing::Revoked;
    }

    /// Whether a system of the organisation has a certificate that counts.
    pub(super) fn can_connect(&self, organisation: u8, now: Timestamp) -> bool {
        self.register.systems.values().any(|system| {
            system.organisation == organisation
                && system.standing == Standing::Active
                && system.certificates.iter().any(|one| self.certificate_counts(*one, now))
        })
    }
}
