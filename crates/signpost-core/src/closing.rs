//! The closing of the service: from an instant on nobody is answered, and it never opens again.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::terms::{Action, Role};

/// An approved closing, as the service's own state has it: every decision rests on that record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// From this instant on no user is answered.
    pub at: Timestamp,
    /// From this day on nobody new is let in.
    pub announced_on: Date,
    /// Whether the closing is on record: then it holds whatever the time is.
    pub is_latched: bool,
}

impl Closing {
    /// Whether the service is closed at this time: by the latch, or by the time alone before the latch
    /// is written. A clock in doubt does not hold that back, as it holds back no other end of access.
    #[must_use]
    pub fn is_closed_at(&self, now: Timestamp) -> bool {
        self.is_latched || now >= self.at
    }
}

/// The roles that run the closing; everybody else is a user.
pub(crate) const CLOSERS: &[Role] =
    &[Role::PurgeOperator, Role::PurgeApprover, Role::Auditor, Role::PrivacyOfficer];

/// Whether this stays open to somebody of this role once the service is closed: what the closing itself
/// is run by, the ledger, histories, and what keeps its people able to do that.
pub(crate) fn stays_open(action: Action, role: Role) -> bool {
    CLOSERS.contains(&role) && is_of_closing(action)
}

/// Every action is named: a new one has to say here whether it ends with the service.
#[expect(clippy::too_many_lines, reason = "a line for each action, which the compiler asks for")]
fn is_of_closing(action: Action) -> bool {
    match action {
        Action::ConfirmClock
        | Action::RenewToken
        | Action::RenewCertificate
        // Holds and histories name a child by pseudonyms, which are made by this.
        | Action::Evaluate
        | Action::ReadLedger
        | Action::ListEntries
        | Action::GetFigures
        | Action::RequestHistory
        | Action::ConsentToHistory
        | Action::ReadHistory
        | Action::ListWithheld
        | Action::ReviewAccess
        | Action::PlanPurge
        | Action::ApprovePurge
        | Action::CancelPurge
        | Action::ShowPurge
        | Action::ListPurges
        | Action::ReadPurgeAnnex
        | Action::SetHold
        | Action::LiftHold
        | Action::ListHolds
        | Action::PlanDecommissioning
        | Action::ApproveDecommissioning
        | Action::CancelDecommissioning
        | Action::ShowDecommissioning
        | Action::SetStandingOrder
        | Action::ApproveStandingOrder
        | Action::RevokeStandingOrder
        | Action::ShowStandingOrder => true,
        Action::Ask
        | Action::AskMany
        | Action::AskAsBroker
        | Action::RecordContact
        | Action::EndContact
        | Action::SetShield
        | Action::LiftShield
        | Action::CloseAlert
        | Action::ListAlerts
        | Action::AddCanary
        | Action::IdentifyActor
        | Action::RegisterOrganisation
        | Action::AddTeam
        | Action::ChangeTeam
        | Action::RegisterSystem
        | Action::SuspendSystem
        | Action::ResumeSystem
        | Action::AdmitCertificate
        | Action::RevokeCertificate
        | Action::ProposeAccess
        | Action::ApproveAccess
        | Action::WithdrawProposal
        | Action::NarrowGroup
        | Action::InvitePeople
        | Action::RecordConditions
        | Action::Recertify
        | Action::SuspendPerson
        | Action::ResumePerson
        | Action::MovePerson
        | Action::RemovePerson
        | Action::IssueCode
        | Action::RedeemCode
        | Action::SuspendToken
        | Action::ResumeToken
        | Action::RecordCustody
        | Action::ListRegister
        // The service's own, which nobody asks for.
        | Action::FirstLight
        | Action::PlanByStandingOrder
        | Action::ChangePolicy
        | Action::CountRefusals
        | Action::CutTail
        | Action::AddEvaluationKey
        | Action::NoteClockStep
        | Action::NoteFull
        | Action::NoteWritable
        | Action::BeginTurn
        | Action::DestroyGeneration
        | Action::RaiseAlerts
        | Action::RecoverAdministrators
        | Action::Anchor
        | Action::CountPurge
        | Action::AdvancePurge
        | Action::CertifyPurge
        | Action::CloseService
        | Action::RevokeTokens
        | Action::RecordClosing => false,
    }
}

/// Whether this lets somebody or something new in: refused from the announced day on.
pub(crate) fn lets_in(action: Action) -> bool {
    matches!(
        action,
        Action::RegisterOrganisation
            | Action::RegisterSystem
            | Action::ProposeAccess
            | Action::ApproveAccess
            | Action::InvitePeople
    )
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const NOON: Timestamp = Timestamp::constant(1_781_524_800, 0);
    const BEFORE: Timestamp = Timestamp::constant(1_781_524_799, 999_999_999);

    fn closing(is_latched: bool) -> Closing {
        Closing { at: NOON, announced_on: date(2026, 6, 1), is_latched }
    }

    #[test]
    fn it_closes_at_the_instant_and_not_before() {
        assert!(!closing(false).is_closed_at(BEFORE));
        assert!(closing(false).is_closed_at(NOON));
    }

    #[test]
    fn a_latched_closing_holds_whatever_the_time_is() {
        assert!(closing(true).is_closed_at(BEFORE));
        assert!(closing(true).is_closed_at(Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn no_user_keeps_anything_and_who_runs_the_closing_may_not_ask() {
        for role in Role::ALL.iter().filter(|role| !CLOSERS.contains(role)) {
            assert!(Action::ALL.iter().all(|action| !stays_open(*action, *role)), "{role:?}");
        }
        for action in [Action::Ask, Action::AskMany, Action::AskAsBroker, Action::RecordContact] {
            assert!(Role::ALL.iter().all(|role| !stays_open(action, *role)), "{action:?}");
        }
    }
}
