//! Purges and holds as they are shown: none of it names a child.

use jiff::Timestamp;
use jiff::civil::Date;
use signpost_core::directory::purge::ShownPurge;
use signpost_core::id::PersonId;
use signpost_core::purge::{
    Approval, Count, Held, LegalHold, PurgeMode, PurgeScope, StandingOrder,
};
use signpost_proto::v1;

use super::super::render::{date, uuid_text};

pub(super) fn purge(shown: ShownPurge) -> v1::Purge {
    let ShownPurge { plan, state, is_counted, counts, holds: _ } = shown;
    let (subject_id, mode, expired_by) = match &plan.scope {
        PurgeScope::Child { subject: _, mode } => (String::new(), Some(*mode), None),
        PurgeScope::Organisation(id) => (uuid_text(*id.as_bytes()), None, None),
        PurgeScope::System(id) => (uuid_text(*id.as_bytes()), None, None),
        PurgeScope::Person(id) => (uuid_text(*id.as_bytes()), None, None),
        PurgeScope::Expired { by } => (String::new(), None, Some(*by)),
        PurgeScope::All => (String::new(), None, None),
    };
    let suppress_until = match mode {
        Some(PurgeMode::Suppress { until }) => Some(until),
        Some(PurgeMode::Forget) | None => None,
    };
    let approvals = plan.approvals.iter().map(|approval| v1::PurgeApproval {
        approver_id: person(approval.by),
        time_ms: approval.at.as_millisecond(),
    });
    v1::Purge {
        purge_id: uuid_text(*plan.id.as_bytes()),
        scope: plan.scope.kind().code().into(),
        subject_id,
        mode: mode.map_or(0, |mode| i32::from(mode.term().code())),
        suppress_until: suppress_until.map(date),
        expired_by: expired_by.map(date),
        authority: plan.authority.code().into(),
        reason: plan.reason.code().into(),
        approvals: approvals.collect(),
        approvals_needed: u32::try_from(plan.scope.approvals_needed()).unwrap_or(u32::MAX),
        case_reference: plan.case.into(),
        digest: plan.digest.as_bytes().to_vec(),
        cut_off: plan.cut_off.0,
        state: state.code().into(),
        planner_id: person(plan.planner),
        planned_ms: plan.planned_at.as_millisecond(),
        not_before_ms: plan.not_before.map_or(0, Timestamp::as_millisecond),
        expires_ms: plan.expires.as_millisecond(),
        cancelled_by_id: plan.cancelled.map_or_else(String::new, |one| person(one.by)),
        counted: is_counted,
        counts: counts.iter().flatten().map(count).collect(),
        standing_order_id: plan.order.map_or_else(String::new, |one| uuid_text(*one.id.as_bytes())),
    }
}

pub(super) fn standing_order(order: &StandingOrder, today: Date) -> v1::StandingOrder {
    let of = |name: Option<Approval>| name.map_or_else(String::new, |name| person(name.by));
    v1::StandingOrder {
        order_id: uuid_text(*order.id.as_bytes()),
        until: Some(date(order.until)),
        openings_years: order.openings_years,
        case_reference: order.case.clone().into(),
        digest: order.digest.as_bytes().to_vec(),
        stands: order.stands_on(today),
        proposer_id: person(order.proposed.by),
        proposed_ms: order.proposed.at.as_millisecond(),
        approver_id: of(order.approved),
        approved_ms: order.approved.map_or(0, |name| name.at.as_millisecond()),
        revoked_by_id: of(order.revoked),
        last_purge_id: order.last.map_or_else(String::new, |(_, id)| uuid_text(*id.as_bytes())),
    }
}

pub(super) fn count(count: &Count) -> v1::PurgeCount {
    v1::PurgeCount { kind: count.kind.code().into(), gone: count.gone, changed: count.changed }
}

pub(super) fn hold(hold: &LegalHold) -> v1::LegalHold {
    let organisation_id = match &hold.held {
        Held::Child(_) => String::new(),
        Held::Organisation(id) => uuid_text(*id.as_bytes()),
    };
    let (lifting_name_id, lifting_until_ms) = match hold.lifting {
        Some(name) => (person(name.person), name.until.as_millisecond()),
        None => (String::new(), 0),
    };
    let lifted_by_ids =
        hold.lifted_by.map_or_else(Vec::new, |(first, second)| vec![person(first), person(second)]);
    v1::LegalHold {
        hold_id: uuid_text(*hold.id.as_bytes()),
        organisation_id,
        ground: hold.ground.code().into(),
        case_reference: hold.case.clone().into(),
        stands: hold.stands(),
        first_name_id: person(hold.first.person),
        first_name_until_ms: hold.first.until.as_millisecond(),
        second_name_id: hold.second.map_or_else(String::new, person),
        lifting_name_id,
        lifting_until_ms,
        lifted_by_ids,
    }
}

fn person(id: PersonId) -> String {
    uuid_text(*id.as_bytes())
}
