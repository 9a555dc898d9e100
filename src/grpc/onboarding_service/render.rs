//! The register's records, from the directory's types to the wire.

use jiff::Timestamp;
use jiff::civil::Date;
use signpost_core::directory::onboarding::Listed;
use signpost_core::id::Receipt;
use signpost_core::record::{Record, Stored};
use signpost_core::register::{
    Certificate, Conditions, Custodies, Group, Lapse, Organisation, Person, PersonStanding,
    Proposal, ProposalState, ProposedChange, Standing, System, Team, TokenRecord,
};
use signpost_proto::v1;
use signpost_proto::v1::proposal::Change;
use uuid::Uuid;

use crate::grpc::render::{date, hours};

/// An id as it is sent.
pub(super) fn id(bytes: &[u8; 16]) -> String {
    Uuid::from_bytes(*bytes).to_string()
}

/// What a client asks for the next page with; empty if there is none.
pub(super) fn next_page_token(listed: &Listed) -> String {
    listed.next.map(hex::encode).unwrap_or_default()
}

/// Declares the listings whose records come one by one, each of one kind.
macro_rules! listings {
    ($($name:ident($variant:ident) => $message:ident by $render:expr;)+) => {$(
        pub(super) fn $name(listed: Listed) -> Vec<v1::$message> {
            let each = listed.records.into_iter();
            each.filter_map(|Stored { version, record }| match record {
                Record::$variant(record) => Some($render(record, version)),
                _ => None,
            })
            .collect()
        }
    )+};
}

listings! {
    organisations(Organisation) => Organisation by organisation;
    teams(Team) => Team by |one, _| team(one);
    systems(System) => System by |one, _| system(one);
}

/// Each group, with the count of the members that follow it.
pub(super) fn groups(listed: Listed) -> Vec<v1::Group> {
    let mut groups: Vec<v1::Group> = Vec::new();
    for Stored { version, record } in listed.records {
        match record {
            Record::Group(one) => groups.push(group(&one, version)),
            Record::Members(members) => {
                if let Some(group) = groups.last_mut() {
                    group.members = u32::try_from(members.people.len()).unwrap_or(u32::MAX);
                }
            }
            _ => {}
        }
    }
    groups
}

pub(super) fn people(listed: Listed, today: Date) -> Vec<v1::Person> {
    let each = listed.records.into_iter();
    each.filter_map(|stored| match stored.record {
        Record::Person(one) => Some(person(one, today)),
        _ => None,
    })
    .collect()
}

pub(super) fn tokens(listed: Listed, today: Date) -> Vec<v1::IssuedToken> {
    let each = listed.records.into_iter();
    each.filter_map(|stored| match stored.record {
        Record::Token(one) => Some(token(&one, today)),
        _ => None,
    })
    .collect()
}

pub(super) fn certificates(listed: Listed, now: Timestamp) -> Vec<v1::Certificate> {
    let each = listed.records.into_iter();
    each.filter_map(|stored| match stored.record {
        Record::Certificate(one) => Some(certificate(&one, now)),
        _ => None,
    })
    .collect()
}

pub(super) fn proposals(listed: Listed, now: Timestamp) -> Vec<v1::Proposal> {
    let each = listed.records.into_iter();
    each.filter_map(|stored| match stored.record {
        Record::Proposal(one) => Some(proposal(one, now)),
        _ => None,
    })
    .collect()
}

pub(super) fn custodies(listed: Listed) -> Option<v1::Custodies> {
    listed.records.into_iter().find_map(|stored| match stored.record {
        Record::Custodies(one) => Some(counts(one)),
        _ => None,
    })
}

fn organisation(one: Organisation, version: Receipt) -> v1::Organisation {
    v1::Organisation {
        organisation_id: id(one.id.as_bytes()),
        kind: one.kind.code().into(),
        code_scheme: one.scheme.code().into(),
        code: one.code.into(),
        name: one.name.into(),
        area: one.area.into(),
        authority: one.authority.code().into(),
        authority_until: Some(date(one.authority_until)),
        version: version.0,
    }
}

fn team(one: Team) -> v1::Team {
    v1::Team {
        team_id: id(one.id.as_bytes()),
        organisation_id: id(one.organisation.as_bytes()),
        name: one.name.into(),
        duty_phone: Some(v1::DutyPhone {
            phone: one.duty_phone.into(),
            hours: Some(hours(one.hours)),
        }),
    }
}

fn system(one: System) -> v1::System {
    v1::System {
        system_id: id(one.id.as_bytes()),
        organisation_id: id(one.organisation.as_bytes()),
        name: one.name.into(),
        standing: standing(one.standing).into(),
    }
}

fn certificate(one: &Certificate, now: Timestamp) -> v1::Certificate {
    let is_over = one.until <= now && one.standing == Standing::Active;
    let standing = if is_over { v1::Standing::Expired } else { standing(one.standing) };
    v1::Certificate {
        fingerprint: one.fingerprint.as_bytes().to_vec(),
        until_ms: one.until.as_millisecond(),
        standing: standing.into(),
    }
}

fn standing(standing: Standing) -> v1::Standing {
    match standing {
        Standing::Active => v1::Standing::Active,
        Standing::Suspended => v1::Standing::Suspended,
        Standing::Revoked => v1::Standing::Revoked,
    }
}

fn group(one: &Group, version: Receipt) -> v1::Group {
    v1::Group {
        group_id: id(one.id.as_bytes()),
        organisation_id: id(one.organisation.as_bytes()),
        team_id: id(one.team.as_bytes()),
        role: one.role.code().into(),
        purposes: one.purposes.iter().map(|purpose| purpose.code().into()).collect(),
        members_max: one.members_max,
        valid_from: Some(date(one.valid_from)),
        valid_until: Some(date(one.valid_until)),
        sponsor_id: one.sponsor.map(|sponsor| id(sponsor.as_bytes())).unwrap_or_default(),
        version: version.0,
        members: 0,
    }
}

fn person(one: Person, today: Date) -> v1::Person {
    let standing = match (one.standing, one.lapse(today)) {
        (PersonStanding::Invited, _) => v1::PersonStanding::Invited,
        (PersonStanding::Suspended, _) => v1::PersonStanding::Suspended,
        (PersonStanding::Removed, _) => v1::PersonStanding::Removed,
        (PersonStanding::Active, None) => v1::PersonStanding::Active,
        (PersonStanding::Active, Some(Lapse::Vetting)) => v1::PersonStanding::VettingLapsed,
        (PersonStanding::Active, Some(Lapse::Recertification)) => {
            v1::PersonStanding::NotRecertified
        }
    };
    v1::Person {
        person_id: id(one.id.as_bytes()),
        organisation_id: id(one.organisation.as_bytes()),
        group_id: id(one.group.as_bytes()),
        staff_reference: one.staff.into(),
        standing: standing.into(),
        conditions: Some(conditions(&one.conditions)),
        recertified_on: Some(date(one.recertified_on)),
    }
}

fn conditions(one: &Conditions) -> v1::Conditions {
    v1::Conditions {
        vetting_on: Some(date(one.vetting_on)),
        barred_list_checked_on: Some(date(one.barred_list_checked_on)),
        training_on: Some(date(one.training_on)),
        agreement_signed_on: Some(date(one.agreement_signed_on)),
    }
}

fn token(one: &TokenRecord, today: Date) -> v1::IssuedToken {
    let standing = match one.standing {
        Standing::Active if one.has_expired_on(today) => v1::Standing::Expired,
        other => standing(other),
    };
    v1::IssuedToken {
        token_id: id(one.id.as_bytes()),
        person_id: id(one.person.as_bytes()),
        standing: standing.into(),
        custody: one.custody.code().into(),
        used_on: Some(date(one.used_on)),
        valid_until: Some(date(one.valid_until)),
    }
}

fn counts(one: Custodies) -> v1::Custodies {
    v1::Custodies {
        organisation_id: id(one.organisation.as_bytes()),
        issued: one.issued,
        out: one.out,
        returned: one.returned,
        destroyed: one.destroyed,
        lost_revoked: one.lost_revoked,
    }
}

fn proposal(one: Proposal, now: Timestamp) -> v1::Proposal {
    let is_open = one.is_open_at(now);
    let (state, approver) = match one.state {
        ProposalState::Open if is_open => (v1::ProposalState::Open, None),
        ProposalState::Open => (v1::ProposalState::Expired, None),
        ProposalState::Approved { by } => (v1::ProposalState::Approved, Some(by)),
        ProposalState::Withdrawn => (v1::ProposalState::Withdrawn, None),
    };
    v1::Proposal {
        proposal_id: id(one.id.as_bytes()),
        change: Some(change(one.change)),
        proposer_id: id(one.proposer.as_bytes()),
        state: state.into(),
        approver_id: approver.map(|approver| id(approver.as_bytes())).unwrap_or_default(),
    }
}

fn change(change: ProposedChange) -> Change {
    match change {
        // It has no version before it is there.
        ProposedChange::OpenGroup(one) => Change::OpenGroup(group(&one, Receipt(0))),
        ProposedChange::WidenGroup(one) => Change::WidenGroup(v1::GroupWidening {
            group_id: id(one.group.as_bytes()),
            version: one.base.0,
            members_max: one.members_max,
            valid_until: Some(date(one.valid_until)),
            purposes: one.purposes.iter().map(|purpose| purpose.code().into()).collect(),
            sponsor_id: one.sponsor.map(|sponsor| id(sponsor.as_bytes())).unwrap_or_default(),
        }),
        ProposedChange::ExtendAuthority(one) => Change::ExtendAuthority(v1::AuthorityExtension {
            organisation_id: id(one.organisation.as_bytes()),
            version: one.base.0,
            authority: one.authority.code().into(),
            authority_until: Some(date(one.until)),
        }),
    }
}
