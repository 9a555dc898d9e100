//! From a refusal to a status: the one place where codes are chosen.
//!
//! The client gets a fixed sentence and a reason a program can read; the cause goes to the log.
//! Neither holds a pseudonym, a token or the text of an engine.

#![deny(clippy::wildcard_enum_match_arm)]

use std::time::Duration;

use signpost_core::id::Receipt;
use signpost_core::quota::{What, Whose};
use signpost_core::refusal::{Invalid, Reason, Refusal, Unidentified};
use signpost_core::register::Lapse;
use signpost_core::store::StoreError;
use signpost_core::terms::Outcome;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of every reason.
const DOMAIN: &str = "signpost";

const OTHER_DIGEST: &str =
    "this is not the digest of the plan; look at the plan and approve what it says";
const CLOCK_IN_DOUBT: &str =
    "the clock is in doubt and nothing may be destroyed; two people must confirm it first";
const HELD: &str =
    "a legal hold stands; a purge of everything, and the closing, wait until it is lifted";

const CLOSED: &str =
    "the service is closed: nobody is answered any more; what it held is being destroyed";

const RETRY_AFTER: Duration = Duration::from_millis(250);

/// What the client is told of a refusal.
pub(super) fn of(refusal: &Refusal) -> Status {
    match refusal {
        Refusal::Unidentified(reason) => unidentified(*reason),
        Refusal::Refused { reason, receipt } => refused(reason, *receipt),
        Refusal::Contended => {
            let details = ErrorDetails::with_retry_info(Some(RETRY_AFTER));
            build(
                Code::Unavailable,
                "CONTENDED",
                "too many changes at once; nothing was done; try again",
                details,
                None,
            )
        }
        Refusal::Store(error) => store(*error),
    }
}

/// A request that found no place; nothing was looked at.
pub(super) fn busy() -> Status {
    let details = ErrorDetails::with_retry_info(Some(RETRY_AFTER));
    let sentence = "the service is busy; nothing was done; try again";
    build(Code::ResourceExhausted, "BUSY", sentence, details, None)
}

/// A request that took too long.
pub(super) fn late() -> Status {
    let sentence = "no answer in time; whether the request was put on record is unknown; a write \
                    may be sent again under its request_id";
    build(Code::DeadlineExceeded, "LATE", sentence, ErrorDetails::new(), None)
}

/// A caseload that was open when the service was closed.
pub(super) fn closed() -> Status {
    let outcome = Outcome::ServiceClosed.name();
    build(Code::FailedPrecondition, outcome, CLOSED, ErrorDetails::new(), None)
}

/// A caseload whose next question did not come in time.
pub(super) fn idle() -> Status {
    let sentence = "the next question of the caseload did not come in time; open a new one";
    build(Code::DeadlineExceeded, "IDLE", sentence, ErrorDetails::new(), None)
}

fn unidentified(reason: Unidentified) -> Status {
    let sentence = match reason {
        Unidentified::CertificateUnknown => {
            "the client certificate names no system of the register"
        }
        Unidentified::CertificateRevoked => "the client certificate was revoked",
        Unidentified::CertificateExpired => {
            "the client certificate is no longer valid; connect with the renewed one"
        }
        Unidentified::SystemSuspended => "the system of this client certificate is suspended",
        Unidentified::TokenMissing => "a token is needed: authorization: Bearer sgnp_...",
        Unidentified::TokenMalformed => "the token is mistyped or cut short",
        Unidentified::TokenUnknown | Unidentified::TokenOfOtherOrganisation => {
            "the token is not valid at this system"
        }
    };
    // Whether another organisation's token exists is nobody's business.
    let outcome = match reason {
        Unidentified::TokenOfOtherOrganisation => Unidentified::TokenUnknown.outcome(),
        Unidentified::CertificateUnknown
        | Unidentified::CertificateRevoked
        | Unidentified::CertificateExpired
        | Unidentified::SystemSuspended
        | Unidentified::TokenMissing
        | Unidentified::TokenMalformed
        | Unidentified::TokenUnknown => reason.outcome(),
    };
    build(Code::Unauthenticated, outcome.name(), sentence, ErrorDetails::new(), None)
}

fn refused(reason: &Reason, receipt: Receipt) -> Status {
    let (code, sentence) = match reason {
        Reason::Role => (Code::PermissionDenied, "your role may not do this"),
        Reason::Purpose => {
            (Code::PermissionDenied, "this purpose is not given to your role or access group")
        }
        Reason::Budget(_) => {
            (Code::ResourceExhausted, "a quota is spent for now; see its details and try later")
        }
        Reason::Suspended => (Code::PermissionDenied, "your access is suspended"),
        Reason::Expired => (
            Code::PermissionDenied,
            "your token, access group or organisation's legal authority is not valid today",
        ),
        Reason::SameName => {
            (Code::PermissionDenied, "the second name must be another person than the first")
        }
        Reason::Invalid(_) => (Code::InvalidArgument, "the request is malformed; see its fields"),
        Reason::NotFound => (
            Code::NotFound,
            "there is no such contact of your team, or no such waiting lifting, for this child",
        ),
        Reason::RequestIdReused => {
            (Code::AlreadyExists, "this request_id was used for another request; choose a new one")
        }
        Reason::LimitReached => {
            (Code::FailedPrecondition, "a limit on flags or tied pseudonyms is reached")
        }
        Reason::NothingToConfirm => {
            (Code::FailedPrecondition, "the clock is not in doubt; there is nothing to confirm")
        }
        Reason::Lapsed(Lapse::Vetting) => {
            (Code::PermissionDenied, "your vetting was checked more than 3 years ago")
        }
        Reason::Lapsed(Lapse::Recertification) => (
            Code::PermissionDenied,
            "your group's sponsor has not confirmed within 4 months that you need access",
        ),
        Reason::NotSponsor => {
            (Code::PermissionDenied, "only the sponsor of the person's group may do this")
        }
        Reason::NotIndependent => (
            Code::PermissionDenied,
            "one person let the other in, or both: the second name must be of somebody else",
        ),
        Reason::OwnRecord => (Code::PermissionDenied, "nobody changes their own record"),
        Reason::Unknown(what) => return unknown(what, receipt),
        Reason::GroupFull => {
            (Code::FailedPrecondition, "the group has as many members as it may have")
        }
        Reason::AlreadyRegistered(what) => return already_registered(what, receipt),
        Reason::Outdated => (
            Code::FailedPrecondition,
            "what was proposed has changed since; look at it and propose anew",
        ),
        Reason::WrongState(problem) => (Code::FailedPrecondition, *problem),
        Reason::OtherDigest => (Code::FailedPrecondition, OTHER_DIGEST),
        Reason::ClockInDoubt => (Code::FailedPrecondition, CLOCK_IN_DOUBT),
        Reason::Held => (Code::FailedPrecondition, HELD),
        Reason::ServiceClosed => (Code::FailedPrecondition, CLOSED),
        Reason::CodeUnknown | Reason::CodeOfOtherOrganisation => return code_unknown(receipt),
        Reason::CodeExpired => {
            (Code::FailedPrecondition, "the enrolment code has expired; ask for a new one")
        }
        Reason::CodeUsed => (
            Code::FailedPrecondition,
            "the enrolment code was redeemed before; if it was not by you, tell the administrator",
        ),
    };
    build(code, reason.outcome().name(), sentence, details_of(reason), Some(receipt))
}

fn unknown(what: &str, receipt: Receipt) -> Status {
    let sentence = format!("the register has no such {what}");
    let outcome = Outcome::NotFound.name();
    build(Code::NotFound, outcome, &sentence, ErrorDetails::new(), Some(receipt))
}

/// Whether it is another organisation's code is nobody's business.
fn code_unknown(receipt: Receipt) -> Status {
    let sentence = "the enrolment code is not on record for this organisation";
    let outcome = Outcome::CodeUnknown.name();
    build(Code::NotFound, outcome, sentence, ErrorDetails::new(), Some(receipt))
}

fn already_registered(what: &str, receipt: Receipt) -> Status {
    let sentence = format!("this {what} is registered already");
    let outcome = Outcome::AlreadyRegistered.name();
    build(Code::AlreadyExists, outcome, &sentence, ErrorDetails::new(), Some(receipt))
}

fn details_of(reason: &Reason) -> ErrorDetails {
    match reason {
        Reason::Invalid(Invalid { violations }) => {
            let mut details = ErrorDetails::new();
            for violation in violations {
                details.add_bad_request_violation(&violation.field, &violation.problem);
            }
            details
        }
        Reason::Budget(spent) => {
            let again_in = Duration::from_secs(spent.again_in_secs.into());
            let mut details = ErrorDetails::with_retry_info(Some(again_in));
            let whose = match spent.whose {
                Whose::Person => "person",
                Whose::Organisation => "organisation",
            };
            let what = match spent.what {
                What::Points => "points evaluated in a minute",
                What::Burst => "questions and recordings at once",
                What::Day => "questions and recordings in a day",
                What::Children => "different children in a day",
            };
            details.add_quota_failure_violation(whose, what);
            details
        }
        Reason::Role
        | Reason::Purpose
        | Reason::Suspended
        | Reason::Expired
        | Reason::SameName
        | Reason::NotFound
        | Reason::RequestIdReused
        | Reason::LimitReached
        | Reason::NothingToConfirm
        | Reason::Lapsed(_)
        | Reason::NotSponsor
        | Reason::NotIndependent
        | Reason::OwnRecord
        | Reason::Unknown(_)
        | Reason::GroupFull
        | Reason::AlreadyRegistered(_)
        | Reason::Outdated
        | Reason::WrongState(_)
        | Reason::OtherDigest
        | Reason::ClockInDoubt
        | Reason::Held
        | Reason::ServiceClosed
        | Reason::CodeUnknown
        | Reason::CodeOfOtherOrganisation
        | Reason::CodeExpired
        | Reason::CodeUsed => ErrorDetails::new(),
    }
}

fn store(error: StoreError) -> Status {
    tracing::error!(%error, "a request ended without an answer");
    match error {
        StoreError::Unavailable => {
            let details = ErrorDetails::with_retry_info(Some(RETRY_AFTER));
            let sentence = "the request could not be put on record; nothing was done; try again";
            build(Code::Unavailable, "STORE_UNAVAILABLE", sentence, details, None)
        }
        StoreError::Busy => busy(),
        StoreError::Indeterminate => {
            let sentence = "the store failed; whether the request was put on record is unknown";
            build(Code::Internal, "STORE_FAILED", sentence, ErrorDetails::new(), None)
        }
        StoreError::Damaged => {
            let sentence = "stored data is damaged; the operator has been told";
            build(Code::DataLoss, "STORE_DAMAGED", sentence, ErrorDetails::new(), None)
        }
    }
}

fn build(
    code: Code,
    reason: &str,
    sentence: &str,
    mut details: ErrorDetails,
    receipt: Option<Receipt>,
) -> Status {
    match receipt {
        Some(Receipt(index)) => {
            details.set_error_info(reason, DOMAIN, [("receipt".to_owned(), index.to_string())]);
        }
        None => {
            details.set_error_info(reason, DOMAIN, []);
        }
    }
    Status::with_error_details(code, sentence, details)
}
