//! The log, its answers and its verifier, from outside.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops there")]

mod answers;
mod damage;
mod durability;
mod hostile;
mod model;
mod separate;
mod support;
mod volatile;
mod witness;
