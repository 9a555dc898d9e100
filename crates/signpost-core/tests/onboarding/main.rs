//! Who is let in, by whom and for how long: told as scenes, and as a model of the whole register.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

/// Asks for a change of the register under a request id that was not used before.
macro_rules! ask_for {
    ($scene:expr, $who:expr, $request:ident { $($field:tt)* }) => {
        $scene.onboard($who, $request { request: $scene.request(), $($field)* })
    };
}

mod access;
mod fixture;
mod model;
mod people;
mod races;
mod recovery;
#[path = "../register_model/mod.rs"]
mod register_model;
mod roles;
mod systems;
mod tokens;
