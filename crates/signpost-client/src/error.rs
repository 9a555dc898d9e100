//! Why a call failed, in sentences a practitioner can act on.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use thiserror::Error;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::profile::ProfileError;
use crate::retry::Failed;

/// Why a call failed.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The profile, or a file it names, cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// No connection to the service.
    #[error("the service cannot be reached, or its certificate is not trusted")]
    Connect {
        /// Why.
        source: tonic::transport::Error,
    },
    /// The service ended the TLS handshake: nothing was asked.
    #[error(
        "the service refuses this client's certificate: it must be of the authority that the \
         service trusts, and valid today"
    )]
    CertificateRefused,
    /// The service refused: this try certainly did nothing; whether an earlier one did, it says.
    #[error("{0}")]
    Refused(Box<Refused>),
    /// There was no answer, or none that settles it. A write may have happened: repeat it under the same request id.
    #[error("the service gave no answer ({}): {cause}", name(*.code))]
    Unanswered {
        /// `UNAVAILABLE`, `DEADLINE_EXCEEDED` and the like.
        code: Code,
        /// What broke.
        cause: String,
    },
    /// Too few identifiers, or too many.
    #[error("1 to {max} identifiers are needed")]
    IdentifierCount {
        /// The most.
        max: usize,
    },
    /// The source reference reads as an identifier of a child. It was not sent.
    #[error("the source reference reads as an identifier of a child: use one that says nothing")]
    ReferenceIsIdentifier,
    /// An answer that this client does not understand.
    #[error("the service's answer cannot be understood: {0}")]
    Answer(&'static str),
}

impl From<Failed> for ClientError {
    fn from(failed: Failed) -> Self {
        let Failed { status, after_no_answer } = failed;
        match Self::from(status) {
            Self::Refused(mut refused) => {
                refused.after_no_answer = after_no_answer;
                Self::Refused(refused)
            }
            Self::CertificateRefused if after_no_answer => {
                let cause = Self::CertificateRefused.to_string();
                Self::Unanswered { code: Code::Unavailable, cause }
            }
            other => other,
        }
    }
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        if is_certificate_refused(&status) {
            return Self::CertificateRefused;
        }
        if is_refusal(&status) {
            return Self::Refused(Box::new(Refused::from(&status)));
        }
        let cause = match status.source() {
            Some(source) => root(source),
            None => status.message().to_owned(),
        };
        Self::Unanswered { code: status.code(), cause }
    }
}

/// Whether the service says that it did nothing.
fn is_refusal(status: &Status) -> bool {
    match status.get_details_error_info() {
        // Here the service itself does not know what became of the request.
        Some(info) => !UNSETTLED.contains(&info.reason.as_str()),
        // Without a reason it is not the service that speaks, but what lies between.
        None => !(is_unsettled(status.code()) || status.source().is_some()),
    }
}

/// Whether a try that failed so may have been done all the same: not where it was refused, nor where
/// there was no connection to send it over.
pub(crate) fn may_have_been_done(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<tonic::ConnectError>() {
            return false;
        }
        cause = error.source();
    }
    !is_refusal(status)
}

/// Whether TLS ended the connection. In TLS 1.3 a client learns only after its own part of the
/// handshake that its certificate is refused; what h2 then keeps of the alert is the error's kind.
pub(crate) fn is_certificate_refused(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::InvalidData) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The reasons that do not say that nothing was done.
const UNSETTLED: [&str; 2] = ["STORE_FAILED", "LATE"];

/// Codes that may come from a connection as well as from the service.
fn is_unsettled(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown)
}

/// A refusal of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The status code.
    pub code: Code,
    /// The stable reason, such as `DENIED_PURPOSE`; empty if none was given.
    pub reason: String,
    /// The service's own sentence.
    pub message: String,
    /// Each wrong field and what is wrong with it.
    pub violations: Vec<Violation>,
    /// How long to wait before trying again.
    pub retry_after: Option<Duration>,
    /// The ledger entry in which the refusal stands on record.
    pub receipt: Option<u64>,
    /// An earlier try of the same call had no answer: that one may have been done.
    pub after_no_answer: bool,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field's name.
    pub field: String,
    /// A fixed sentence; never the value.
    pub problem: String,
}

impl From<&Status> for Refused {
    fn from(status: &Status) -> Self {
        let (reason, receipt) = match status.get_details_error_info() {
            Some(info) => {
                let receipt = info.metadata.get("receipt").and_then(|text| text.parse().ok());
                (info.reason, receipt)
            }
            None => (String::new(), None),
        };
        let violations = status.get_details_bad_request().map(|bad| bad.field_violations);
        Self {
            code: status.code(),
            message: status.message().to_owned(),
            violations: violations
                .unwrap_or_default()
                .into_iter()
                .map(|violation| Violation {
                    field: violation.field,
                    problem: violation.description,
                })
                .collect(),
            retry_after: status.get_details_retry_info().and_then(|info| info.retry_delay),
            receipt,
            after_no_answer: false,
            reason,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match sentence(&self.reason) {
            Some(sentence) => f.write_str(sentence)?,
            None if self.message.is_empty() => write!(f, "refused ({})", name(self.code))?,
            None => f.write_str(&self.message)?,
        }
        for (index, violation) in self.violations.iter().enumerate() {
            let separator = if index == 0 { ":" } else { ";" };
            write!(f, "{separator} {} {}", violation.field, violation.problem)?;
        }
        if let Some(wait) = self.retry_after {
            // A second too many is better than one too few.
            write!(f, "; try again in {} s", wait.as_secs() + u64::from(wait.subsec_nanos() > 0))?;
        }
        if let Some(receipt) = self.receipt {
            write!(f, " (on record as receipt {receipt})")?;
        }
        if self.after_no_answer {
            f.write_str("; an earlier try had no answer and may have been done")?;
        }
        Ok(())
    }
}

/// What a reason means to the person who asked. New reasons come with the service's own sentence.
fn sentence(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "CERTIFICATE_UNKNOWN" => {
            "the service does not know this system's certificate: ask whoever runs this system"
        }
        "CERTIFICATE_REVOKED" => {
            "this system's certificate was revoked: ask whoever runs this system"
        }
        "CERTIFICATE_EXPIRED" => {
            "this system's certificate is no longer valid: connect with the renewed one"
        }
        "SYSTEM_SUSPENDED" => "this system is suspended: ask your onboarding administrator",
        "TOKEN_MISSING" => "no token was given: the service must know who is asking",
        "TOKEN_MALFORMED" => "the token is damaged: compare its file with what was handed out",
        "TOKEN_UNKNOWN" => "the service does not know this token: ask for a new one",
        "TOKEN_OF_OTHER_ORGANISATION" => "the token belongs to another organisation's system",
        "DENIED_ROLE" => "your role does not allow this",
        "DENIED_PURPOSE" => "your role or your access group does not allow this purpose",
        "DENIED_SUSPENDED" => "your access is suspended: ask your onboarding administrator",
        "DENIED_EXPIRED" => "your access has expired: ask your onboarding administrator",
        "DENIED_BUDGET" => "you have used up what you may ask for now",
        "DENIED_SAME_NAME" => "a second, different person must give their name",
        "INVALID" => "the request is not complete or not right",
        "REQUEST_ID_REUSED" => {
            "this request id was already used for another request: give each write one of its own"
        }
        "SERVICE_CLOSED" => "the service is closed for good: nobody is answered any more",
        "LIMIT_REACHED" => "no more can be recorded here: a limit is reached",
        "CONTENDED" => "something changed in the meantime: try again",
        "STORE_UNAVAILABLE" => {
            "the service cannot put anything on record now, so it gives no answer: try again"
        }
        "BUSY" => "the service is busy: try again",
        _ => return None,
    })
}

/// The code's name in the words of gRPC.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// What lies at the bottom of an error.
fn root(error: &dyn std::error::Error) -> String {
    let mut bottom = error;
    while let Some(source) = bottom.source() {
        bottom = source;
    }
    bottom.to_string()
}

#[cfg(test)]
mod tests {
    use tonic_types::{ErrorDetails, FieldViolation};

    use super::*;

    fn details(reason: &str, receipt: Option<&str>) -> ErrorDetails {
        match receipt {
            None => ErrorDetails::with_error_info(reason, "signpost", []),
            Some(receipt) => {
                let metadata = [("receipt".to_owned(), receipt.to_owned())];
                ErrorDetails::with_error_info(reason, "signpost", metadata)
            }
        }
    }

    fn refused(status: Status) -> Refused {
        match ClientError::from(status) {
            ClientError::Refused(refused) => *refused,
            other => panic!("not a refusal: {other}"),
        }
    }

    #[test]
    fn a_denial_is_a_sentence_with_its_receipt() {
        let details = details("DENIED_PURPOSE", Some("17"));
        let status = Status::with_error_details(Code::PermissionDenied, "denied", details);
        let refused = refused(status);
        assert_eq!((refused.reason.as_str(), refused.receipt), ("DENIED_PURPOSE", Some(17)));
        assert_eq!(
            refused.to_string(),
            "your role or your access group does not allow this purpose (on record as receipt 17)"
        );
    }

    #[test]
    fn each_wrong_field_is_named() {
        let mut details = details("INVALID", Some("3"));
        details.set_bad_request(vec![
            FieldViolation::new("started", "must not be later than today"),
            FieldViolation::new("source_reference", "must be 1 to 64 characters long"),
        ]);
        let status = Status::with_error_details(Code::InvalidArgument, "invalid", details);
        assert_eq!(
            refused(status).to_string(),
            "the request is not complete or not right: started must not be later than today; \
             source_reference must be 1 to 64 characters long (on record as receipt 3)"
        );
    }

    #[test]
    fn the_wait_is_rounded_up() {
        let mut details = details("DENIED_BUDGET", None);
        details.set_retry_info(Some(Duration::from_millis(2100)));
        let status = Status::with_error_details(Code::ResourceExhausted, "budget", details);
        assert_eq!(
            refused(status).to_string(),
            "you have used up what you may ask for now; try again in 3 s"
        );
    }

    #[test]
    fn an_unknown_reason_speaks_with_the_services_own_sentence() {
        let details = details("A_REASON_OF_LATER", None);
        let status = Status::with_error_details(Code::FailedPrecondition, "it is closed", details);
        assert_eq!(refused(status).to_string(), "it is closed");
        assert_eq!(refused(Status::unimplemented("")).to_string(), "refused (UNIMPLEMENTED)");
    }

    #[test]
    fn a_write_without_an_answer_is_not_called_refused() {
        for code in [Code::Unavailable, Code::DeadlineExceeded, Code::Cancelled, Code::Unknown] {
            let error = ClientError::from(Status::new(code, "gone"));
            assert!(matches!(error, ClientError::Unanswered { .. }), "{code:?}");
        }
        for reason in UNSETTLED {
            let failed = Status::with_error_details(Code::Internal, "?", details(reason, None));
            assert!(
                matches!(ClientError::from(failed), ClientError::Unanswered { .. }),
                "{reason}"
            );
        }
        let status = Status::with_error_details(Code::Unavailable, "busy", details("BUSY", None));
        assert!(matches!(ClientError::from(status), ClientError::Refused(_)));
    }
}
