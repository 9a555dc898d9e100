//! Onboarding over real mutual TLS: limited groups let in by two names, access taken away by one.

mod certificates;
mod codes;
mod conditions;
mod groups;
mod refusals;
mod tokens;
mod watched;

use std::fmt::Debug;

use jiff::ToSpan;
use signpost_core::token::Token;
use signpost_proto::v1;
use tonic::Status;
use tonic_types::StatusExt;

use crate::harness::{
    Administrators, Caller, Invited, NORTHFIELD, OWN_AUTHORITY, Service, certificate_request,
    channel, date, question, redeem, request_id,
};

/// A service with an authority of its own, two administrators, and a child to ask about.
struct Scene {
    service: Service,
    by: Administrators,
    child: Vec<v1::Pseudonym>,
}

/// An organisation that was registered while the service runs, with a team and a system.
struct Eastmoor {
    organisation_id: String,
    team: v1::Team,
    system_id: String,
    /// The system's certificate, DER.
    certificate: Vec<u8>,
    /// The system over a connection of its own.
    system: Caller,
}

impl Scene {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With these keys of the configuration overridden.
    async fn with(overrides: &[(&str, &str)]) -> Self {
        let service = Service::start_with(&[&OWN_AUTHORITY[..], overrides].concat()).await;
        let by = service.administrators();
        let child = service.person("colleague").child(&[("nhs", "999 000 0018")]).await;
        Self { service, by, child }
    }

    /// A day so many days from today.
    fn day(&self, days: i64) -> v1::Date {
        date(self.service.world.today().saturating_add(days.days()))
    }

    /// Eastmoor Trust, whose legal authority ends in so many days.
    async fn eastmoor(&self, authority_days: i64) -> Eastmoor {
        let organisation = self.organisation("RXE", authority_days);
        let registered = self.by.first.register_organisation(organisation).await.unwrap();
        let organisation_id = registered.organisation_id;
        let team = v1::AddTeamRequest {
            request_id: request_id(),
            organisation_id: organisation_id.clone(),
            name: "Emergency Department".to_owned(),
            duty_phone: Some(duty_phone()),
        };
        self.by.first.add_team(team).await.unwrap();
        let team = self.by.team(&organisation_id).await;
        let system = v1::RegisterSystemRequest {
            request_id: request_id(),
            organisation_id: organisation_id.clone(),
            name: "Eastmoor case system".to_owned(),
        };
        let system_id = self.by.first.register_system(system).await.unwrap().system_id;
        let (certificate, system) = self.admit(&system_id).await;
        Eastmoor { organisation_id, team, system_id, certificate, system }
    }

    fn organisation(&self, code: &str, authority_days: i64) -> v1::RegisterOrganisationRequest {
        v1::RegisterOrganisationRequest {
            request_id: request_id(),
            kind: v1::OrganisationKind::NhsTrust.into(),
            code_scheme: v1::CodeScheme::Ods.into(),
            code: code.to_owned(),
            name: "Eastmoor Trust".to_owned(),
            area: "E10000002".to_owned(),
            authority: v1::LegalAuthority::ChildrenAct2004S11.into(),
            authority_until: Some(self.day(authority_days)),
        }
    }

    /// Admits a certificate that the service signs; gives it, and the system over it.
    async fn admit(&self, system_id: &str) -> (Vec<u8>, Caller) {
        let (key, request) = certificate_request();
        let admitted = self.by.first.admit_certificate(admission(system_id, &request)).await;
        let certificate = admitted.unwrap().certificate;
        let system = self.over(&certificate, &key);
        (certificate, system)
    }

    /// Whoever has this certificate and its key, over a connection of their own.
    fn over(&self, certificate: &[u8], key: &rcgen::KeyPair) -> Caller {
        let tls = self.service.world.tls_with(certificate, key);
        Caller::new(channel(self.service.address, tls), None)
    }

    /// Somebody of a new group, let in over this system.
    async fn worker(&self, group: v1::Group, system: &Caller, staff: &str) -> Worker {
        let group = self.by.open(group).await;
        let invited = self.by.invite(&group.group_id, &[staff]).await.unwrap().swap_remove(0);
        let Invited { person_id, code } = invited;
        let token = redeem(system, &code).await.unwrap();
        let caller = system.with_token(&token.to_text());
        Worker { person_id, group, token, caller }
    }

    /// A team of Northfield.
    async fn northfield(&self) -> v1::Team {
        let northfield = self.by.organisation("Northfield Council").await;
        self.by.team(&northfield.organisation_id).await
    }

    fn northfield_system(&self) -> Caller {
        self.service.system(Some(NORTHFIELD))
    }

    /// Asks about the child: nothing, or the reason of the refusal.
    async fn ask(&self, who: &Caller) -> Option<String> {
        who.ask(question(&self.child)).await.err().map(|status| reason_of(&status))
    }
}

/// Somebody who was let in.
struct Worker {
    person_id: String,
    group: v1::Group,
    token: Token,
    caller: Caller,
}

fn duty_phone() -> v1::DutyPhone {
    let hours = Some(v1::Hours { days: 127, opens_minute: 0, closes_minute: 1440 });
    v1::DutyPhone { phone: "+441632960300".to_owned(), hours }
}

fn admission(system_id: &str, request: &[u8]) -> v1::AdmitCertificateRequest {
    use v1::admit_certificate_request::Presented;

    v1::AdmitCertificateRequest {
        request_id: request_id(),
        system_id: system_id.to_owned(),
        presented: Some(Presented::CertificateRequest(request.to_vec())),
    }
}

fn reason_of(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().unwrap_or_else(|| panic!("no reason: {status:?}")).reason.clone()
}

/// The reason of what must have been refused.
#[track_caller]
fn reason<T: Debug>(refused: Result<T, Status>) -> String {
    reason_of(&refused.unwrap_err())
}
