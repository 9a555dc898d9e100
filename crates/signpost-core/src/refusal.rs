//! Why a request is not done: what the caller is told, and what stands on record.

use crate::id::Receipt;
use crate::quota::Spent;
use crate::register::Lapse;
use crate::store::{CommitError, StoreError};
use crate::terms::Outcome;

/// A request that was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody was identified; counted, and on record as a count.
    #[error("not identified: {0}")]
    Unidentified(#[from] Unidentified),
    /// An identified person was refused; on record.
    #[error("refused: {reason}")]
    Refused {
        /// Why.
        reason: Reason,
        /// The entry of the refusal.
        receipt: Receipt,
    },
    /// Others changed what this rests on, again and again; nothing was done.
    #[error("too many changes at once; nothing was done")]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

/// Why nobody was identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unidentified {
    /// The certificate is of our authority, and names no system of the register.
    #[error("the certificate names no system")]
    CertificateUnknown,
    /// The certificate was revoked.
    #[error("the certificate was revoked")]
    CertificateRevoked,
    /// The certificate's time is over; the connection was opened before.
    #[error("the certificate is no longer valid")]
    CertificateExpired,
    /// The system is suspended.
    #[error("the system is suspended")]
    SystemSuspended,
    /// There is no token.
    #[error("no token was given")]
    TokenMissing,
    /// The token's checksum does not fit.
    #[error("the token is mistyped or cut short")]
    TokenMalformed,
    /// The token is not on record.
    #[error("the token is not on record")]
    TokenUnknown,
    /// The token is bound to another organisation.
    #[error("the token is bound to another organisation")]
    TokenOfOtherOrganisation,
}

/// Why an identified person was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The role may not do this.
    #[error("the role may not do this")]
    Role,
    /// The purpose is not given to this role or group.
    #[error("the purpose is not given to this role or group")]
    Purpose,
    /// A quota is spent for now.
    #[error("a quota is spent")]
    Budget(Spent),
    /// Person or token is suspended.
    #[error("person or token is suspended")]
    Suspended,
    /// Token, group or the organisation's legal authority is not valid today.
    #[error("token, group or legal authority is not valid today")]
    Expired,
    /// Nobody approves what they proposed.
    #[error("the second name must be another than the first")]
    SameName,
    /// The request is malformed.
    #[error("the request is malformed")]
    Invalid(Invalid),
    /// There is no such flag of this team, or no such waiting lifting, for this child.
    #[error("there is no such thing for this child")]
    NotFound,
    /// The request id was used for something else.
    #[error("the request id was used for another request")]
    RequestIdReused,
    /// A limit of this organisation's own is reached.
    #[error("a limit of the organisation's own flags is reached")]
    LimitReached,
    /// The clock is not in doubt.
    #[error("the clock is not in doubt")]
    NothingToConfirm,
    /// A condition of the person's access no longer holds.
    #[error("a condition of access no longer holds: {0}")]
    Lapsed(Lapse),
    /// Only the sponsor of a group recertifies its members.
    #[error("only the group's sponsor may do this")]
    NotSponsor,
    /// One of the two let the other in, or the same person both.
    #[error("one of the two names let the other in, or one person let both in")]
    NotIndependent,
    /// Nobody changes their own record.
    #[error("nobody changes their own record")]
    OwnRecord,
    /// The register has no such thing.
    #[error("the register has no such {0}")]
    Unknown(&'static str),
    /// The group has as many members as it may have.
    #[error("the group is full")]
    GroupFull,
    /// It is registered already.
    #[error("this {0} is registered already")]
    AlreadyRegistered(&'static str),
    /// What the proposal was about has changed since.
    #[error("what was proposed is outdated")]
    Outdated,
    /// What is approved is another plan than the one that is on record.
    #[error("the digest is not the plan's")]
    OtherDigest,
    /// The clock is in doubt, and nothing may be destroyed.
    #[error("the clock is in doubt, and nothing may be destroyed")]
    ClockInDoubt,
    /// A legal hold stands.
    #[error("a legal hold stands")]
    Held,
    /// It cannot be done as things stand.
    #[error("it cannot be done now: {0}")]
    WrongState(&'static str),
    /// The service is closed.
    #[error("the service is closed")]
    ServiceClosed,
    /// The enrolment code is not on record for this organisation.
    #[error("the enrolment code is not on record")]
    CodeUnknown,
    /// The enrolment code is another organisation's; the caller is told no more than of one that is
    /// on record nowhere.
    #[error("the enrolment code is another organisation's")]
    CodeOfOtherOrganisation,
    /// The enrolment code's time is over.
    #[error("the enrolment code has expired")]
    CodeExpired,
    /// The enrolment code was redeemed before.
    #[error("the enrolment code was redeemed before")]
    CodeUsed,
}

/// What is wrong with a request, field by field. Never holds a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invalid {
    /// At least one.
    pub violations: Vec<Violation>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field's name in the API.
    pub field: String,
    /// What is wrong and what is expected; a fixed sentence.
    pub problem: String,
}

impl Invalid {
    /// One wrong field.
    #[must_use]
    pub fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { violations: vec![Violation { field: field.into(), problem: problem.into() }] }
    }
}

impl Reason {
    /// How it stands in the ledger.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Role => Outcome::DeniedRole,
            Self::Purpose => Outcome::DeniedPurpose,
            Self::Budget(_) => Outcome::DeniedBudget,
            Self::Suspended => Outcome::DeniedSuspended,
            Self::Expired => Outcome::DeniedExpired,
            Self::SameName => Outcome::DeniedSameName,
            Self::Invalid(_) => Outcome::Invalid,
            Self::NotFound | Self::Unknown(_) => Outcome::NotFound,
            Self::RequestIdReused => Outcome::RequestIdReused,
            Self::LimitReached => Outcome::LimitReached,
            Self::NothingToConfirm => Outcome::NothingToConfirm,
            Self::Lapsed(_) => Outcome::DeniedLapsed,
            Self::NotSponsor => Outcome::DeniedNotSponsor,
            Self::NotIndependent => Outcome::DeniedNotIndependent,
            Self::OwnRecord => Outcome::DeniedOwnRecord,
            Self::GroupFull => Outcome::GroupFull,
            Self::AlreadyRegistered(_) => Outcome::AlreadyRegistered,
            Self::Outdated => Outcome::Outdated,
            Self::WrongState(_) => Outcome::WrongState,
            Self::OtherDigest => Outcome::OtherDigest,
            Self::ClockInDoubt => Outcome::ClockInDoubt,
            Self::Held => Outcome::Held,
            Self::ServiceClosed => Outcome::ServiceClosed,
            Self::CodeUnknown => Outcome::CodeUnknown,
            Self::CodeExpired => Outcome::CodeExpired,
            Self::CodeOfOtherOrganisation => Outcome::CodeOfOtherOrganisation,
            Self::CodeUsed => Outcome::CodeUsed,
        }
    }
}

impl Unidentified {
    /// How it is counted in the ledger.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Self::CertificateUnknown => Outcome::CertificateUnknown,
            Self::CertificateRevoked => Outcome::CertificateRevoked,
            Self::CertificateExpired => Outcome::CertificateExpired,
            Self::SystemSuspended => Outcome::SystemSuspended,
            Self::TokenMissing => Outcome::TokenMissing,
            Self::TokenMalformed => Outcome::TokenMalformed,
            Self::TokenUnknown => Outcome::TokenUnknown,
            Self::TokenOfOtherOrganisation => Outcome::TokenOfOtherOrganisation,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CommitError> for Refusal {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::PreconditionFailed => Self::Contended,
            CommitError::Store(error) => Self::Store(error),
        }
    }
}
