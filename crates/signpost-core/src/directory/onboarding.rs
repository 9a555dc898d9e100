//! Onboarding: letting limited groups of practitioners in, by administrators who can never ask.
//!
//! Every change of the register is a request of its own type, and one method does them all:
//! [`Directory::onboard`]. What lets somebody in needs two names; what takes access away, one.

mod access;
mod actor;
mod beginning;
mod certificates;
pub(super) mod change;
mod enrolment;
mod list;
mod organisations;
mod people;
mod recovery;
mod standing;
mod tokens;

pub use access::{Approve, NarrowGroup, Propose, Withdraw};
pub use actor::Identified;
pub use beginning::{FirstLight, NewSystem, Operator};
pub use certificates::{AdmitCertificate, IssueCertificate, NextCertificate, RevokeCertificate};
pub use change::RegisterRequest;
pub use enrolment::{IssueCode, Redeem, Redeemed};
pub use list::{ListRegister, Listed, Listing};
pub use organisations::{
    AddTeam, ChangeTeam, NewOrganisation, RegisterOrganisation, RegisterSystem, ResumeSystem,
    SuspendSystem,
};
pub use people::{Invitation, InvitePeople, MovePerson, RecordConditions};
pub use recovery::{Recovery, RecoveryError};
pub use standing::{Recertify, RemovePerson, ResumePerson, SuspendPerson};
pub use tokens::{RecordCustody, RenewToken, ResumeToken, SuspendToken};

use jiff::civil::Date;

use super::Directory;
use crate::refusal::{Invalid, Reason};

/// The entry's detail of a change: what it is about, and what else it names.
fn detail(about: &[u8; 16], also: Option<&[u8; 16]>) -> [u8; 32] {
    let mut detail = [0; 32];
    detail[..16].copy_from_slice(about);
    if let Some(also) = also {
        detail[16..].copy_from_slice(also);
    }
    detail
}

impl Directory {
    /// A day on which something ends must not lie in the past.
    fn not_past(&self, field: &'static str, day: Date) -> Result<(), Reason> {
        if day < self.today() {
            return Err(Reason::Invalid(Invalid::field(field, "must not be in the past")));
        }
        Ok(())
    }
}
