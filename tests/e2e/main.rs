//! End to end: the real server over real mutual TLS, on this machine alone.
//!
//! Every test makes its own directory, authority, register and service, and needs nothing that is
//! not in this repository.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod answers;
mod callers;
mod clock;
mod closing;
mod commandline;
mod fields;
mod harness;
mod ledger;
mod load;
mod onboarding;
mod process;
mod purge;
mod refusals;
mod scan;
mod tidy;
