//! How the directory is asked for each operation.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use signpost_core::directory::onboarding as onboard;
use signpost_core::directory::onboarding::RecoveryError;
use signpost_core::directory::{Presented, Question};
use signpost_core::id::{GroupId, ProposalId, Receipt, RequestId, SystemId};
use signpost_core::record::Registered;
use signpost_core::refusal::Refusal;
use signpost_core::register as core;
use signpost_core::register::ProposedChange;
use signpost_core::store::{CertificateIssuer, IssueError, IssuedCertificate};
use signpost_core::terms::{Action, CodeScheme, LegalAuthority, Relationship, Role};

use super::Said;
use super::council::{child, conditions, org, text};
use super::ops::{By, NOBODY, Op, Row};
use super::systems::{is_young, signed_until};
use super::world::{
    World, code, code_of, fingerprint, first_day, staff, system_id, team_of, token,
};

/// Signs for the number that is asked for, and says in the certificate how long it counts.
#[derive(Debug)]
struct ByNumber;

impl CertificateIssuer for ByNumber {
    fn issue(
        &self,
        request: &[u8],
        _: SystemId,
        now: Timestamp,
    ) -> Result<IssuedCertificate, IssueError> {
        let number = <[u8; 2]>::try_from(request).map(u16::from_be_bytes);
        let number = number.map_err(|_| IssueError::Request("must be a number"))?;
        let until = signed_until(now);
        let der = [request, &until.as_second().to_be_bytes()].concat();
        Ok(IssuedCertificate { der, fingerprint: fingerprint(number), until })
    }

    fn is_answered_by(&self, request: &[u8], certificate: &[u8], now: Timestamp) -> bool {
        let (number, until) = certificate.split_at(2);
        let until = i64::from_be_bytes(until.try_into().unwrap());
        number == request && is_young(Timestamp::from_second(until).unwrap(), now)
    }
}

/// Who signs certificates in the model's register.
pub(super) fn issuer() -> Arc<dyn CertificateIssuer> {
    Arc::new(ByNumber)
}

impl World {
    async fn onboard<R: onboard::RegisterRequest>(
        &self,
        presented: &Presented,
        request: R,
    ) -> (Said, Option<ProposalId>) {
        let done = self.directory.onboard(presented, &Ok(request)).await;
        match done.as_ref().map(|written| written.result.clone()) {
            Ok(Registered::Proposal(id)) => (Said::Done, Some(id)),
            _ => (said(done.map(|_| ())), None),
        }
    }

    /// Asks the directory for it.
    #[expect(clippy::too_many_lines, reason = "one arm for each operation")]
    pub(super) async fn ask_for(&self, op: &Op, request: RequestId) -> (Said, Option<ProposalId>) {
        let today = self.directory.today();
        let day = |days: i64| today.saturating_add(days.days());
        let presented = op.by().map_or_else(|| at_system(NOBODY), |(by, _)| presented(by));
        let presented = &presented;
        let directory = &self.directory;
        macro_rules! onboard {
            ($request:ident { $($field:tt)* }) => {
                self.onboard(presented, onboard::$request { request, $($field)* }).await
            };
        }
        match *op {
            Op::Open { group, organisation, role, purposes, places, days, sponsor, .. } => {
                let group = core::Group {
                    id: GroupId::new([0; 16]),
                    organisation: org(organisation),
                    team: team_of(organisation),
                    role,
                    purposes: purposes.purposes(role),
                    members_max: places,
                    valid_from: first_day(group),
                    valid_until: day(days),
                    sponsor: sponsor.map(|sponsor| self.person(sponsor)),
                };
                onboard!(Propose { change: ProposedChange::OpenGroup(group) })
            }
            Op::Widen { group, base, purposes, places, days, sponsor, .. } => {
                let role = self.model.register.groups.get(&group);
                let role = role.map_or(Role::SocialWorker, |group| group.role);
                let (id, version) = self.group(group);
                let widening = core::GroupWidening {
                    group: id,
                    base: if base == u32::MAX { Receipt(u64::MAX) } else { version },
                    members_max: places,
                    valid_until: day(days),
                    purposes: purposes.purposes(role),
                    sponsor: sponsor.map(|sponsor| self.person(sponsor)),
                };
                onboard!(Propose { change: ProposedChange::WidenGroup(widening) })
            }
            Op::Approve { proposal, .. } => onboard!(Approve { proposal: self.proposal(proposal) }),
            Op::Withdraw { proposal, .. } => {
                onboard!(Withdraw { proposal: self.proposal(proposal) })
            }
            Op::Narrow { group, purposes, places, days, .. } => {
                let role = self.model.register.groups.get(&group);
                let role = role.map_or(Role::SocialWorker, |group| group.role);
                onboard!(NarrowGroup {
                    group: self.group(group).0,
                    members_max: places,
                    valid_until: day(days),
                    purposes: purposes.purposes(role),
                })
            }
            Op::Invite { group, ref people, dry_run, .. } => {
                let people = people.iter().map(|row| onboard::Invitation {
                    staff: staff(row.staff),
                    conditions: conditions(day(-row.vetted_days_ago)),
                    code: code(row.code).hash(),
                });
                let people = people.collect();
                onboard!(InvitePeople { group: self.group(group).0, people, dry_run })
            }
            Op::Conditions { person, vetted_days_ago, .. } => onboard!(RecordConditions {
                person: self.person(person),
                conditions: conditions(day(-vetted_days_ago)),
            }),
            Op::Move { person, group, .. } => {
                onboard!(MovePerson { person: self.person(person), group: self.group(group).0 })
            }
            Op::Suspend { person, .. } => onboard!(SuspendPerson { person: self.person(person) }),
            Op::Resume { person, .. } => onboard!(ResumePerson { person: self.person(person) }),
            Op::Remove { person, .. } => onboard!(RemovePerson { person: self.person(person) }),
            Op::Recertify { person, .. } => onboard!(Recertify { person: self.person(person) }),
            Op::IssueCode { person, code: number, .. } => {
                onboard!(IssueCode { person: self.person(person), code: code(number).hash() })
            }
            Op::Renew { token: number, .. } => onboard!(RenewToken { token: token(number).hash() }),
            Op::Custody { token, custody, .. } => {
                let (person, token) = self.token_of(token);
                onboard!(RecordCustody { person, token, custody })
            }
            Op::SuspendToken { token, .. } => {
                let (person, token) = self.token_of(token);
                onboard!(SuspendToken { person, token })
            }
            Op::ResumeToken { token, .. } => {
                let (person, token) = self.token_of(token);
                onboard!(ResumeToken { person, token })
            }
            Op::Redeem { code: number, token: new, over } => {
                let redeem = onboard::Redeem { code: code(number), token: token(new).hash() };
                let (presented, redeem) = (at_system(over), Ok(redeem));
                let redeemed = directory.redeem(&presented, &redeem).await;
                (said(redeemed.map(|_| ())), None)
            }
            Op::Ask { purpose, .. } => {
                let relationship = Relationship::AllocatedCase;
                let question = Ok(Question { subject: child(), purpose, relationship });
                let answered = directory.ask(presented, &question, Action::Ask).await;
                (said(answered.map(|_| ())), None)
            }
            Op::Extend { organisation, base, days, .. } => {
                let version = self.ids.organisations[&organisation];
                let extension = core::AuthorityExtension {
                    organisation: org(organisation),
                    base: if base == u32::MAX { Receipt(u64::MAX) } else { version },
                    authority: LegalAuthority::ChildrenAct2004S11,
                    until: day(days),
                };
                onboard!(Propose { change: ProposedChange::ExtendAuthority(extension) })
            }
            _ => self.ask_for_connection(op, request).await,
        }
    }

    /// What lets an organisation connect, and what nobody asks for in their own name.
    async fn ask_for_connection(&self, op: &Op, request: RequestId) -> (Said, Option<ProposalId>) {
        let presented = op.by().map_or_else(|| at_system(NOBODY), |(by, _)| presented(by));
        let presented = &presented;
        macro_rules! onboard {
            ($request:ident { $($field:tt)* }) => {
                self.onboard(presented, onboard::$request { request, $($field)* }).await
            };
        }
        match *op {
            Op::Admit { system, certificate, days, .. } => onboard!(AdmitCertificate {
                system: system_id(system),
                fingerprint: fingerprint(certificate),
                until: self.directory.now() + (24 * days).hours(),
            }),
            Op::Issue { system, certificate, .. } => onboard!(IssueCertificate {
                system: system_id(system),
                certificate_request: certificate.to_be_bytes().to_vec(),
            }),
            Op::Revoke { certificate, .. } => {
                onboard!(RevokeCertificate { fingerprint: fingerprint(certificate) })
            }
            Op::SuspendSystem { system, .. } => {
                onboard!(SuspendSystem { system: system_id(system) })
            }
            Op::ResumeSystem { system, .. } => {
                onboard!(ResumeSystem { system: system_id(system) })
            }
            Op::Next { over, certificate } => {
                let certificate_request = certificate.to_be_bytes().to_vec();
                let next = Ok(onboard::NextCertificate { certificate_request });
                let given = self.directory.issue_next_certificate(&at_system(over), &next).await;
                (said(given.map(|_| ())), None)
            }
            Op::Recover { .. } => (self.recover(op).await, None),
            _ => panic!("{op:?} is no request"),
        }
    }

    async fn recover(&self, op: &Op) -> Said {
        let Op::Recover { organisation, ref people, system, ref lost, days, .. } = *op else {
            panic!("{op:?} is no recovery")
        };
        let today = self.directory.today();
        let invitation = |row: &Row| onboard::Invitation {
            staff: staff(row.staff),
            conditions: conditions(today.saturating_sub(row.vetted_days_ago.days())),
            code: code(row.code).hash(),
        };
        let recovery = onboard::Recovery {
            scheme: CodeScheme::Ods,
            code: text(code_of(organisation)),
            authority: LegalAuthority::ChildrenAct2004S11,
            authority_until: today.saturating_add(days.days()),
            administrators: people.iter().map(invitation).collect(),
            system: system.map(|name| onboard::NewSystem {
                id: system_id(name),
                fingerprint: fingerprint(name),
                until: Timestamp::MAX,
            }),
            tokens_lost: lost
                .iter()
                .map(|name| staff(self.model.register.people[name].staff))
                .collect(),
        };
        match self.directory.recover_administrators(&recovery).await {
            Ok(_) => Said::Done,
            Err(RecoveryError::NotNeeded(_)) => Said::NotNeeded,
            Err(RecoveryError::Refused(reason)) => Said::Refused(reason.outcome()),
            Err(RecoveryError::Store(_)) => Said::Failed,
        }
    }
}

/// A system in nobody's name, over this certificate.
fn at_system(certificate: u16) -> Presented {
    Presented { certificate: fingerprint(certificate), token: None }
}

pub(super) fn presented(by: By) -> Presented {
    let By::Token(number, certificate) = by else { panic!("{by:?} was not made out") };
    Presented { token: Some(Ok(token(number))), ..at_system(certificate) }
}

pub(super) fn said(done: Result<(), Refusal>) -> Said {
    match done {
        Ok(()) => Said::Done,
        Err(Refusal::Refused { reason, .. }) => Said::Refused(reason.outcome()),
        Err(Refusal::Unidentified(reason)) => Said::Unidentified(reason.outcome()),
        Err(Refusal::Contended | Refusal::Store(_)) => Said::Failed,
    }
}
