//! Who is it? The certificate names a system, the token a person; all else is our own record.

use super::{Directory, Presented};
use crate::closing::Closing;
use crate::commit::Precondition;
use crate::entry::Party;
use crate::permit::{Identity, SystemIdentity};
use crate::record::{Record, RecordKey};
use crate::refusal::{Refusal, Unidentified};
use crate::register::{
    Certificate, Group, Organisation, Person, ServiceState, Standing, System, TokenRecord,
};
use crate::store::StoreError;

impl Directory {
    /// Reads everything a decision rests on, at this request. Who is not identified is counted.
    pub(super) async fn identify(&self, presented: &Presented) -> Result<Identity, Refusal> {
        let mut reading = Reading { directory: self, rests_on: Vec::new() };
        let system = match reading.system(presented).await? {
            Ok(system) => system,
            Err(reason) => {
                self.tally.count(None, reason.outcome());
                return Err(reason.into());
            }
        };
        match reading.person(presented, &system).await? {
            Ok(identity) => Ok(identity),
            Err(reason) => {
                self.tally.count(Some(system.id), reason.outcome());
                Err(reason.into())
            }
        }
    }
}

impl Directory {
    /// Reads what a decision about a system in nobody's name rests on.
    pub(super) async fn identify_system(
        &self,
        presented: &Presented,
    ) -> Result<SystemIdentity, Refusal> {
        let mut reading = Reading { directory: self, rests_on: Vec::new() };
        match reading.system(presented).await? {
            Ok(system) => Ok(reading.alone(presented, &system).await?),
            Err(reason) => {
                self.tally.count(None, reason.outcome());
                Err(reason.into())
            }
        }
    }
}

/// Reads records and notes the version of each.
struct Reading<'d> {
    directory: &'d Directory,
    rests_on: Vec<Precondition>,
}

/// Declares a read of one kind of record; a key that leads to another kind is damage.
macro_rules! reads {
    ($($name:ident, $variant:ident => $kind:ty;)+) => {$(
        async fn $name(&mut self, key: RecordKey) -> Result<Option<$kind>, StoreError> {
            let Some(stored) = self.directory.store.read(&key).await? else { return Ok(None) };
            self.rests_on.push(Precondition::At(key, stored.version));
            if let Record::$variant(record) = stored.record {
                Ok(Some(record))
            } else {
                Err(StoreError::Damaged)
            }
        }
    )+};
}

impl Reading<'_> {
    reads! {
        read_certificate, Certificate => Certificate;
        read_system, System => System;
        read_organisation, Organisation => Organisation;
        read_token, Token => TokenRecord;
        read_person, Person => Person;
        read_group, Group => Group;
        read_service, Service => ServiceState;
    }

    async fn system(
        &mut self,
        presented: &Presented,
    ) -> Result<Result<System, Unidentified>, StoreError> {
        let key = RecordKey::Certificate(presented.certificate);
        let Some(certificate) = self.read_certificate(key).await? else {
            return Ok(Err(Unidentified::CertificateUnknown));
        };
        if certificate.standing != Standing::Active {
            return Ok(Err(Unidentified::CertificateRevoked));
        }
        // The handshake looked too; but connections may outlive it.
        if certificate.until <= self.directory.now() {
            return Ok(Err(Unidentified::CertificateExpired));
        }
        let system = self.read_system(RecordKey::System(certificate.system)).await?;
        Ok(match system {
            None => Err(Unidentified::CertificateUnknown),
            Some(system) if system.standing != Standing::Active => {
                Err(Unidentified::SystemSuspended)
            }
            Some(system) => Ok(system),
        })
    }

    async fn alone(
        mut self,
        presented: &Presented,
        system: &System,
    ) -> Result<SystemIdentity, StoreError> {
        let organisation = RecordKey::Organisation(system.organisation);
        let organisation = self.read_organisation(organisation).await?;
        let organisation = organisation.ok_or(StoreError::Damaged)?;
        let service = self.service().await?;
        let (policy, closing) = (service.policy, self.closing(&service));
        let party = Party {
            organisation: Some(organisation.id),
            system: Some(system.id),
            certificate: Some(presented.certificate),
            ..Party::default()
        };
        let rests_on = self.rests_on;
        Ok(SystemIdentity { party, system: system.id, organisation, policy, closing, rests_on })
    }

    /// The service's state, under the policy in force, which is ours.
    async fn service(&mut self) -> Result<ServiceState, StoreError> {
        let service = self.read_service(RecordKey::Service).await?.ok_or(StoreError::Damaged)?;
        // Another process has begun to serve under another policy: this one decides no more.
        if service.policy == self.directory.policy.digest() {
            Ok(service)
        } else {
            Err(StoreError::Unavailable)
        }
    }

    /// The approved closing, and whether the service is closed now.
    fn closing(&self, service: &ServiceState) -> Option<(Closing, bool)> {
        let closing = service.closing?;
        Some((closing, closing.is_closed_at(self.directory.now())))
    }

    /// A reference of the register that leads nowhere is damage, never a refusal.
    async fn person(
        mut self,
        presented: &Presented,
        system: &System,
    ) -> Result<Result<Identity, Unidentified>, StoreError> {
        let token = match &presented.token {
            None => return Ok(Err(Unidentified::TokenMissing)),
            Some(Err(_)) => return Ok(Err(Unidentified::TokenMalformed)),
            Some(Ok(token)) => token,
        };
        let Some(token) = self.read_token(RecordKey::Token(token.hash())).await? else {
            return Ok(Err(Unidentified::TokenUnknown));
        };
        if token.organisation != system.organisation {
            return Ok(Err(Unidentified::TokenOfOtherOrganisation));
        }
        let organisation = RecordKey::Organisation(system.organisation);
        let organisation = self.read_organisation(organisation).await?;
        let person = self.read_person(RecordKey::Person(token.person)).await?;
        let person = person.ok_or(StoreError::Damaged)?;
        let group = self.read_group(RecordKey::Group(person.group)).await?;
        let service = self.service().await?;
        let frozen = self.directory.frozen(&service).await?;
        let closing = self.closing(&service);
        let group = group.ok_or(StoreError::Damaged)?;
        let organisation = organisation.ok_or(StoreError::Damaged)?;
        if person.organisation != organisation.id || group.organisation != organisation.id {
            return Err(StoreError::Damaged);
        }
        let party = Party {
            actor: Some(person.actor),
            on_behalf_of: None,
            role: Some(group.role),
            organisation: Some(organisation.id),
            team: Some(group.team),
            system: Some(system.id),
            token: Some(token.id),
            certificate: Some(presented.certificate),
        };
        Ok(Ok(Identity {
            party,
            system: system.id,
            organisation,
            token,
            person,
            group,
            policy: service.policy,
            frozen,
            closing,
            rests_on: self.rests_on,
        }))
    }
}
