//! The history's part of `LedgerService`: who looked, what is left out, and who decided so.

use std::pin::pin;

use signpost_core::directory::{
    Access, ConsentToHistory, HistoryPage, ReadHistory, RequestHistory, ReviewAccess,
    WithheldAccess, Written,
};
use signpost_core::history::AccessDecision;
use signpost_core::id::{HistoryId, Receipt};
use signpost_core::policy::Level;
use signpost_core::record::Registered;
use signpost_core::refusal::{Invalid, Refusal};
use signpost_core::store::StoreError;
use signpost_core::terms::{Purpose, Role, WithheldBecause, WithholdingGround};
use signpost_proto::v1;
use signpost_pseudonym::oprf::EvaluationKeys;
use tonic::{Request, Response, Status};

use super::next_page_token;
use crate::grpc::parse::{Fields, read};
use crate::grpc::render::uuid_text;
use crate::grpc::{Desk, status};

/// What every letter says, whatever was left out of it.
const STATEMENT: &str = "Accesses that the law requires or allows us to keep back are not in this \
                         list, and we do not say whether there are any. This sentence stands in \
                         every such letter.";

pub(super) async fn request(
    desk: &Desk,
    request: Request<v1::RequestHistoryRequest>,
) -> Result<Response<v1::RequestHistoryResponse>, Status> {
    let (_place, caller, message) = desk.admit(request).await?;
    let asked = asking(message, &desk.keys);
    let work = pin!(desk.directory.onboard(&caller, &asked));
    let Written { result, receipt } = desk.in_time(work).await?;
    let Registered::History(history) = result else {
        return Err(status::of(&Refusal::Store(StoreError::Damaged)));
    };
    let history_id = uuid_text(*history.as_bytes());
    Ok(Response::new(v1::RequestHistoryResponse { history_id, receipt: receipt.0 }))
}

pub(super) async fn consent(
    desk: &Desk,
    request: Request<v1::ConsentToHistoryRequest>,
) -> Result<Response<v1::ConsentToHistoryResponse>, Status> {
    let (_place, caller, message) = desk.admit(request).await?;
    let consent = consenting(message, &desk.keys);
    let work = pin!(desk.directory.onboard(&caller, &consent));
    let receipt = desk.in_time(work).await?.receipt.0;
    Ok(Response::new(v1::ConsentToHistoryResponse { receipt }))
}

pub(super) async fn read_told(
    desk: &Desk,
    request: Request<v1::AccessHistoryRequest>,
) -> Result<Response<v1::AccessHistoryResponse>, Status> {
    let (_place, caller, message) = desk.admit(request).await?;
    let asked = reading(&message.history_id, message.page_size, &message.page_token);
    let work = pin!(desk.directory.read_history(&caller, &asked));
    let Written { result, receipt } = desk.in_time(work).await?;
    let HistoryPage { reference, accesses, next, as_of } = result;
    Ok(Response::new(v1::AccessHistoryResponse {
        accesses: accesses.into_iter().map(access).collect(),
        next_page_token: next_page_token(next),
        case_reference: reference.into(),
        as_of_ms: as_of.as_millisecond(),
        statement: STATEMENT.to_owned(),
        receipt: receipt.0,
    }))
}

pub(super) async fn read_withheld(
    desk: &Desk,
    request: Request<v1::ListWithheldRequest>,
) -> Result<Response<v1::ListWithheldResponse>, Status> {
    let (_place, caller, message) = desk.admit(request).await?;
    let asked = reading(&message.history_id, message.page_size, &message.page_token);
    let work = pin!(desk.directory.list_withheld(&caller, &asked));
    let Written { result, receipt } = desk.in_time(work).await?;
    Ok(Response::new(v1::ListWithheldResponse {
        withheld: result.accesses.into_iter().map(withheld).collect(),
        next_page_token: next_page_token(result.next),
        receipt: receipt.0,
    }))
}

pub(super) async fn review(
    desk: &Desk,
    request: Request<v1::ReviewAccessRequest>,
) -> Result<Response<v1::ReviewAccessResponse>, Status> {
    let (_place, caller, message) = desk.admit(request).await?;
    let review = reviewing(&message);
    let work = pin!(desk.directory.onboard(&caller, &review));
    let receipt = desk.in_time(work).await?.receipt.0;
    Ok(Response::new(v1::ReviewAccessResponse { receipt }))
}

fn asking(
    wire: v1::RequestHistoryRequest,
    keys: &EvaluationKeys,
) -> Result<RequestHistory, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let subject = fields.subject(&wire.pseudonyms, keys);
        let reference = fields.text("case_reference", wire.case_reference);
        Some(RequestHistory { request: request?, subject: subject?, reference: reference? })
    })
}

fn consenting(
    wire: v1::ConsentToHistoryRequest,
    keys: &EvaluationKeys,
) -> Result<ConsentToHistory, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let history = fields.history(&wire.history_id);
        let subject = fields.subject(&wire.pseudonyms, keys);
        let reference = fields.text("case_reference", wire.case_reference);
        let (request, history) = (request?, history?);
        Some(ConsentToHistory { request, history, subject: subject?, reference: reference? })
    })
}

fn reading(history_id: &str, page_size: i32, page_token: &str) -> Result<ReadHistory, Invalid> {
    read(|fields| {
        let history = fields.history(history_id);
        let limit = fields.page_size(page_size);
        let from = fields.entry_token(page_token);
        Some(ReadHistory { history: history?, from, limit: limit? })
    })
}

fn reviewing(wire: &v1::ReviewAccessRequest) -> Result<ReviewAccess, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let history = fields.history(&wire.history_id);
        let decision = fields.decision(wire.decision(), wire.ground);
        let (request, history, entry) = (request?, history?, Receipt(wire.entry));
        Some(ReviewAccess { request, history, entry, decision: decision? })
    })
}

impl Fields {
    fn history(&mut self, text: &str) -> Option<HistoryId> {
        self.uuid("history_id", text).map(HistoryId::new)
    }

    /// What is not said is never taken for a release.
    fn decision(&mut self, decision: v1::AccessDecision, ground: i32) -> Option<AccessDecision> {
        match decision {
            v1::AccessDecision::Unspecified => self.missing("decision"),
            v1::AccessDecision::Released if ground == 0 => Some(AccessDecision::Released),
            v1::AccessDecision::Released => {
                self.wrong("ground", "must be left out where an access is released")
            }
            v1::AccessDecision::Withheld => self
                .term("ground", ground, WithholdingGround::from_code)
                .map(AccessDecision::Withheld),
        }
    }
}

fn access(access: Access) -> v1::Access {
    let role = |role: Option<Role>| role.map_or(0, Role::code).into();
    let named = access.on_behalf_of;
    let (named_organisation, named_role) =
        named.map_or((None, None), |named| (named.organisation, named.role));
    v1::Access {
        entry: access.entry.0,
        time_ms: i64::try_from(access.time_ms).unwrap_or(i64::MAX),
        organisation_name: access.organisation.map(String::from).unwrap_or_default(),
        role: role(access.role),
        purpose: access.purpose.map_or(0, Purpose::code).into(),
        outcome: access.outcome.code().into(),
        released: access.released.into_iter().rev().map(|level| released(level).into()).collect(),
        on_behalf_of_organisation_name: named_organisation.map(String::from).unwrap_or_default(),
        on_behalf_of_role: role(named_role),
    }
}

fn released(level: Level) -> v1::ReleaseLevel {
    match level {
        Level::Nothing => v1::ReleaseLevel::Unspecified,
        Level::FurtherService => v1::ReleaseLevel::FurtherService,
        Level::ServiceTypeYears => v1::ReleaseLevel::ServiceTypeYears,
        Level::ServiceTypeTeamYears => v1::ReleaseLevel::ServiceTypeTeamYears,
        Level::Team => v1::ReleaseLevel::Team,
        Level::DutyPhone => v1::ReleaseLevel::DutyPhone,
        Level::TeamAndDutyPhone => v1::ReleaseLevel::TeamAndDutyPhone,
        Level::TeamAndPhone => v1::ReleaseLevel::TeamAndPhone,
        Level::Full => v1::ReleaseLevel::Full,
    }
}

fn withheld(withheld: WithheldAccess) -> v1::WithheldAccess {
    let (decision, ground) = match withheld.decision {
        None => (v1::AccessDecision::Unspecified, 0),
        Some(AccessDecision::Released) => (v1::AccessDecision::Released, 0),
        Some(AccessDecision::Withheld(ground)) => (v1::AccessDecision::Withheld, ground.code()),
    };
    v1::WithheldAccess {
        access: Some(access(withheld.access)),
        because: withheld.because.into_iter().map(WithheldBecause::code).map(i32::from).collect(),
        decision: decision.into(),
        ground: ground.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is not said must never be taken for a release, nor a ground be lost.
    #[test]
    fn a_decision_is_said_in_full_or_it_is_none() {
        let decide = |decision, ground: i32| read(|fields| fields.decision(decision, ground)).ok();
        let (released, withheld) = (v1::AccessDecision::Released, v1::AccessDecision::Withheld);
        let crime = v1::WithholdingGround::Crime.into();
        assert_eq!(decide(released, 0), Some(AccessDecision::Released));
        let expected = AccessDecision::Withheld(WithholdingGround::Crime);
        assert_eq!(decide(withheld, crime), Some(expected));
        for (decision, ground) in [
            (v1::AccessDecision::Unspecified, 0),
            (v1::AccessDecision::Unspecified, crime),
            (released, crime),
            (withheld, 0),
            (withheld, 99),
        ] {
            assert_eq!(decide(decision, ground), None, "{decision:?} {ground}");
        }
    }
}
