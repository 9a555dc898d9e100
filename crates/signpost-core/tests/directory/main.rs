//! What the directory does, told as scenes over the memory store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod alerts;
mod anchor;
mod ask;
mod broker;
mod cancelled;
mod clock;
mod contacts;
mod decommission;
mod figures;
mod fixture;
mod history;
mod issuing;
mod ledger;
mod model;
mod policy_change;
mod purge;
mod quotas;
mod races;
mod refusals;
mod replay;
mod shield;
mod turn;
mod uniform;
