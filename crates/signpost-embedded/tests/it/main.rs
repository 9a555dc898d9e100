//! The embedded store from outside: the contract, restarts, damage, and what the files tell.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod catching;
mod conformance;
mod damage;
mod erasing;
mod failpoints;
mod faults;
mod files;
mod kill;
mod life;
mod limits;
mod model;
mod power;
mod register;
#[path = "../../../signpost-core/tests/register_model/mod.rs"]
mod register_model;
mod search;
mod support;
mod turns;
mod twin;
mod verify;
mod world;
