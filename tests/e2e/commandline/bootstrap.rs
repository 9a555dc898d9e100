//! A bootstrap file drives the calls of onboarding, and nothing else of it is trusted.

use std::path::Path;

use signpost::clock::SystemClock;
use signpost::init;
use signpost_core::entry::Entry;
use signpost_core::store::Clock;
use signpost_core::terms::{Action, Outcome, Role};

use crate::harness::{World, reopened};

/// A county whose bootstrap file is the one that is shipped, with these words in the place of those.
fn shipped(instead: &str, written: &str) -> World {
    let world = World::at(SystemClock.now());
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/bootstrap.example.toml");
    let text = std::fs::read_to_string(shipped).unwrap();
    assert!(text.contains(instead));
    std::fs::write(world.path("bootstrap.toml"), text.replace(instead, written)).unwrap();
    let certificate = std::fs::read(world.path("pki/northfield.pem")).unwrap();
    std::fs::write(world.path("northfield-system.pem"), certificate).unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_shipped_bootstrap_says_is_done_call_by_call_by_two_names_of_whom_one_then_leaves()
{
    let world = shipped("", "");
    let done = world.initialise().await;
    assert_eq!((done.organisations, done.groups, done.people), (1, 1, 1));
    assert!(world.path("tokens/duty-social-worker.token").exists());

    let entries = reopened(&world).await.0;
    let actions: Vec<Action> = entries.iter().map(Entry::action).collect();
    assert_eq!(
        actions,
        [
            Action::FirstLight,
            Action::RedeemCode,
            Action::RedeemCode,
            Action::ListRegister,
            Action::ListRegister,
            Action::RegisterOrganisation,
            Action::RegisterSystem,
            Action::AdmitCertificate,
            Action::AddTeam,
            Action::ProposeAccess,
            Action::ApproveAccess,
            Action::ListRegister,
            Action::InvitePeople,
            Action::RedeemCode,
            Action::ListRegister,
            Action::RemovePerson,
        ]
    );
    assert!(entries.iter().all(|entry| entry.outcome() == Outcome::Done));
    let of = |action| entries.iter().find(|entry| entry.action() == action).unwrap();
    let (proposed, approved) = (of(Action::ProposeAccess), of(Action::ApproveAccess));
    assert_eq!(proposed.role(), Some(Role::AdminOnboarding));
    assert_ne!(proposed.actor(), approved.actor());
    // The operator with code and custodies, team, system, certificate, group and members, two people
    // with staff reference and code each, the service's own state: nobody of the file.
    assert_eq!(of(Action::FirstLight).count(), 3 + 1 + 2 + 2 + 2 * 3 + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_that_onboarding_refuses_leaves_nothing_half_done() {
    for (instead, written, named) in [
        ("members_max = 20", "members_max = 0", "open_group.members_max must be 1 to 500"),
        ("\"GSS\"", "\"URN\"", "code is no code of its scheme"),
        ("\"MISSING_CHILD\"", "\"CASE_REVIEW\"", "does not give to this role"),
        ("northfield-system.pem", "pki/stranger.pem", "signed by a configured authority"),
    ] {
        let world = shipped(instead, written);
        let bootstrap = world.path("bootstrap.toml");
        let done = init::initialise(&world.config(&[]), &bootstrap, world.clock()).await;
        let refused = done.unwrap_err().to_string();
        assert!(refused.contains(named), "{refused}");
        for made in ["data", "keyring", "evaluation.keys", "tokens/duty-social-worker.token"] {
            assert!(!world.path(made).exists(), "{made}, after {refused}");
        }
    }
}
