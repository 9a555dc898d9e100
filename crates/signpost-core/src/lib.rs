//! The rules of Signpost: who may ask, what is answered, and what stands on record.
//!
//! This crate does no I/O and knows no gRPC, no database and no clock of its own. Each operation
//! of [`directory::Directory`] is the same five words: *identify, authorise, act, commit, answer*.
//! Authorisation yields a [`permit::Permit`]; a [`commit::Commit`] cannot be built without one (or
//! without a [`permit::Denial`]), and always holds exactly one ledger entry. A [`store::Store`]
//! takes nothing but commits, so nothing can change, and nothing can be answered, off the record.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod alert;
pub mod anchor;
pub mod clock;
pub mod closing;
pub mod commit;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod decommissioning;
pub mod directory;
pub mod entry;
#[cfg(feature = "conformance")]
pub mod faulty;
pub mod figures;
pub mod flag;
pub mod history;
pub mod id;
pub mod memory;
pub mod permit;
pub mod policy;
pub mod purge;
pub mod quota;
pub mod record;
pub mod refusal;
pub mod register;
pub mod release;
pub mod search;
pub mod secret;
pub mod store;
pub mod subject;
pub mod tally;
pub mod terms;
#[cfg(feature = "conformance")]
pub mod testing;
pub mod text;
pub mod token;
pub mod turn;
