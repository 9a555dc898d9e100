//! Plans, approvals and holds from the wire.

use signpost_core::directory::purge::{
    ApprovePurge, ApproveStandingOrder, CancelPurge, HoldName, LiftHold, ListPurges, NewHold,
    PlanPurge, RevokeStandingOrder, SetHold, SetStandingOrder,
};
use signpost_core::id::{
    HoldId, OrderId, OrganisationId, PersonId, PurgeDigest, PurgeId, SystemId,
};
use signpost_core::purge::{Held, PurgeMode, PurgeScope};
use signpost_core::refusal::Invalid;
use signpost_core::terms::{HoldGround, PurgeAuthority, PurgeReason, SuppressionMode};
use signpost_proto::v1;
use signpost_proto::v1::new_hold::Held as WireHeld;
use signpost_proto::v1::plan_purge_request::Scope;
use signpost_proto::v1::set_hold_request::Name;
use signpost_pseudonym::oprf::EvaluationKeys;

use super::super::parse::{Fields, read};

/// The most purges of a page, and how many come where the client does not say.
const PAGE_MAX: usize = 500;
const PAGE: usize = 100;

pub(super) fn plan(
    wire: v1::PlanPurgeRequest,
    keys: &EvaluationKeys,
) -> Result<PlanPurge, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let scope = match &wire.scope {
            Some(scope) => fields.scope(scope, keys),
            None => fields.missing("scope"),
        };
        let authority = fields.term("authority", wire.authority, PurgeAuthority::from_code);
        let reason = fields.term("reason", wire.reason, PurgeReason::from_code);
        let case = fields.text("case_reference", wire.case_reference);
        let (request, scope) = (request?, scope?);
        Some(PlanPurge { request, scope, authority: authority?, reason: reason?, case: case? })
    })
}

pub(super) fn approval(wire: &v1::ApprovePurgeRequest) -> Result<ApprovePurge, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let purge = fields.uuid("purge_id", &wire.purge_id).map(PurgeId::new);
        let digest = match <[u8; 32]>::try_from(wire.digest.as_slice()) {
            Ok(digest) => Some(PurgeDigest::new(digest)),
            Err(_) => fields.wrong("digest", "must be the 32 bytes that GetPurge shows"),
        };
        Some(ApprovePurge { request: request?, purge: purge?, digest: digest? })
    })
}

pub(super) fn cancellation(wire: &v1::CancelPurgeRequest) -> Result<CancelPurge, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let purge = fields.uuid("purge_id", &wire.purge_id).map(PurgeId::new);
        Some(CancelPurge { request: request?, purge: purge? })
    })
}

pub(super) fn purge(text: &str) -> Result<PurgeId, Invalid> {
    read(|fields| fields.uuid("purge_id", text).map(PurgeId::new))
}

pub(super) fn listing(wire: &v1::ListPurgesRequest) -> Result<ListPurges, Invalid> {
    read(|fields| {
        let limit = match usize::try_from(wire.page_size) {
            Ok(0) => Some(PAGE),
            Ok(size) if size <= PAGE_MAX => Some(size),
            _ => fields.wrong("page_size", "must be 1 to 500, or 0 for 100"),
        };
        let mut id = [0; 16];
        let after = if wire.page_token.is_empty() {
            Some(None)
        } else if hex::decode_to_slice(&wire.page_token, &mut id).is_ok() {
            Some(Some(PurgeId::new(id)))
        } else {
            fields.wrong("page_token", "must be a next_page_token of the page before")
        };
        Some(ListPurges { over_too: wire.over_too, after: after?, limit: limit? })
    })
}

pub(super) fn hold(wire: v1::SetHoldRequest, keys: &EvaluationKeys) -> Result<SetHold, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let case = fields.text("case_reference", wire.case_reference);
        let name = match &wire.name {
            Some(Name::First(new)) => {
                let ground = fields.term("first.ground", new.ground, HoldGround::from_code);
                let held = fields.held(new.held.as_ref(), keys);
                HoldName::First(NewHold { held: held?, ground: ground?, case: case? })
            }
            Some(Name::HoldId(id)) => {
                let hold = fields.uuid("hold_id", id).map(HoldId::new);
                HoldName::Second { hold: hold?, case: case? }
            }
            None => return fields.missing("name"),
        };
        Some(SetHold { request: request?, name })
    })
}

pub(super) fn lifting(wire: &v1::LiftHoldRequest) -> Result<LiftHold, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let hold = fields.uuid("hold_id", &wire.hold_id).map(HoldId::new);
        Some(LiftHold { request: request?, hold: hold? })
    })
}

pub(super) fn standing_order(
    wire: v1::SetStandingOrderRequest,
) -> Result<SetStandingOrder, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let until = fields.date("until", wire.until.as_ref());
        let case = fields.text("case_reference", wire.case_reference);
        Some(SetStandingOrder { request: request?, until: until?, case: case? })
    })
}

pub(super) fn order_approval(
    wire: &v1::ApproveStandingOrderRequest,
) -> Result<ApproveStandingOrder, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let order = fields.uuid("order_id", &wire.order_id).map(OrderId::new);
        let digest = match <[u8; 32]>::try_from(wire.digest.as_slice()) {
            Ok(digest) => Some(PurgeDigest::new(digest)),
            Err(_) => fields.wrong("digest", "must be the 32 bytes that GetStandingOrder shows"),
        };
        Some(ApproveStandingOrder { request: request?, order: order?, digest: digest? })
    })
}

pub(super) fn order_revocation(
    wire: &v1::RevokeStandingOrderRequest,
) -> Result<RevokeStandingOrder, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let order = fields.uuid("order_id", &wire.order_id).map(OrderId::new);
        Some(RevokeStandingOrder { request: request?, order: order? })
    })
}

impl Fields {
    fn scope(&mut self, wire: &Scope, keys: &EvaluationKeys) -> Option<PurgeScope> {
        Some(match wire {
            Scope::Child(child) => {
                let subject = self.subject(&child.pseudonyms, keys);
                let mode = self.purge_mode(child);
                PurgeScope::Child { subject: Some(subject?), mode: mode? }
            }
            Scope::OrganisationId(id) => {
                PurgeScope::Organisation(OrganisationId::new(self.uuid("organisation_id", id)?))
            }
            Scope::SystemId(id) => PurgeScope::System(SystemId::new(self.uuid("system_id", id)?)),
            Scope::PersonId(id) => PurgeScope::Person(PersonId::new(self.uuid("person_id", id)?)),
            Scope::ExpiredBy(day) => {
                PurgeScope::Expired { by: self.date("expired_by", Some(day))? }
            }
            Scope::All(v1::PurgeOfAll {}) => PurgeScope::All,
        })
    }

    fn purge_mode(&mut self, wire: &v1::PurgeOfChild) -> Option<PurgeMode> {
        let mode = self.term("child.mode", wire.mode, SuppressionMode::from_code)?;
        match (mode, &wire.suppress_until) {
            (SuppressionMode::Forget, None) => Some(PurgeMode::Forget),
            (SuppressionMode::Forget, Some(_)) => {
                self.wrong("child.suppress_until", "must be left out where the child is forgotten")
            }
            (SuppressionMode::Suppress, until) => {
                let until = self.date("child.suppress_until", until.as_ref())?;
                Some(PurgeMode::Suppress { until })
            }
        }
    }

    fn held(&mut self, wire: Option<&WireHeld>, keys: &EvaluationKeys) -> Option<Held> {
        match wire {
            Some(WireHeld::Child(child)) => {
                Some(Held::Child(Some(self.subject(&child.pseudonyms, keys)?)))
            }
            Some(WireHeld::OrganisationId(id)) => {
                let id = self.uuid("first.organisation_id", id)?;
                Some(Held::Organisation(OrganisationId::new(id)))
            }
            None => self.missing("first.held"),
        }
    }
}
