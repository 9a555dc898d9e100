//! Quotas as a question meets them: before the child is looked at, and across restarts.

use std::sync::Arc;

use signpost_core::directory::Directory;
use signpost_core::policy::Policy;
use signpost_core::quota::{Quota, Quotas, Spent, What, Whose};
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::terms::{Outcome, Purpose};
use signpost_core::testing::SeededEntropy;

use crate::fixture::{NORA, SAM, SUE, Scene, child, details};

const SMALL: Quotas = Quotas {
    person: Quota { burst: 100, day: 4, children_a_day: 2 },
    organisation: Quota { burst: 100, day: 6, children_a_day: 3 },
};

async fn limited() -> Scene {
    let mut scene = Scene::new().await;
    scene.directory = scene.directory.limited_to(SMALL).await.unwrap();
    scene
}

async fn restarted(scene: Scene, entropy: u64) -> Scene {
    let (store, clock) = (scene.store.clone(), scene.clock.clone());
    let entropy = Arc::new(SeededEntropy::new(entropy));
    let policy = Arc::new(Policy::default());
    let directory = Directory::start(store, policy, clock, entropy).await.unwrap();
    Scene { directory: directory.limited_to(SMALL).await.unwrap(), ..scene }
}

fn spent(refused: Result<impl std::fmt::Debug, Refusal>) -> (Whose, What) {
    match refused {
        Err(Refusal::Refused { reason: Reason::Budget(Spent { whose, what, .. }), .. }) => {
            (whose, what)
        }
        other => panic!("not for a quota: {other:?}"),
    }
}

#[tokio::test]
async fn questions_and_recordings_count_alike_known_and_unknown() {
    let scene = limited().await;
    scene.record(SAM, &child(&[1]), details()).await;
    scene.ask(SAM, Purpose::S47Enquiry, &child(&[2])).await.unwrap();
    for known_or_not in [child(&[3]), child(&[4])] {
        let asked = scene.ask(SAM, Purpose::S47Enquiry, &known_or_not).await;
        assert_eq!(spent(asked), (Whose::Person, What::Children));
    }
    let recorded = scene.try_record(SAM, scene.contact(&child(&[5]), details())).await;
    assert_eq!(spent(recorded), (Whose::Person, What::Children));
    scene.ask(SAM, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    scene.ask(SAM, Purpose::S47Enquiry, &child(&[2])).await.unwrap();
    let asked = scene.ask(SAM, Purpose::S47Enquiry, &child(&[1])).await;
    assert_eq!(spent(asked), (Whose::Person, What::Day));
    let last = *scene.entries().await.last().unwrap();
    assert_eq!(last.outcome(), Outcome::DeniedBudget);
    assert_eq!((last.purpose(), last.commitment()), (Some(Purpose::S47Enquiry), [0; 32]));
    scene.ask(NORA, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
}

#[tokio::test]
async fn a_restart_forgets_none_of_it_and_a_new_day_all_of_it() {
    let mut scene = limited().await;
    scene.record(SAM, &child(&[1]), details()).await;
    for entropy in 2..5 {
        scene = restarted(scene, entropy).await;
        scene.ask(SAM, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    }
    scene = restarted(scene, 5).await;
    let asked = scene.ask(SAM, Purpose::S47Enquiry, &child(&[1])).await;
    assert_eq!(spent(asked), (Whose::Person, What::Day));
    scene.clock.step_days(1);
    scene.ask(SAM, Purpose::S47Enquiry, &child(&[7])).await.unwrap();
    scene = restarted(scene, 6).await;
    scene.ask(SAM, Purpose::S47Enquiry, &child(&[8])).await.unwrap();
    let asked = scene.ask(SAM, Purpose::S47Enquiry, &child(&[9])).await;
    assert_eq!(spent(asked), (Whose::Person, What::Children), "yesterday's are not counted");
}

/// Their replies tell whether a child is tied to too many others to be shielded.
#[tokio::test]
async fn shields_and_liftings_count_as_recordings_do() {
    let mut scene = limited().await;
    scene.shield(SUE, &child(&[1])).await.unwrap();
    let id = scene.begin_lift(SUE, &child(&[2])).await;
    assert_eq!(spent(scene.shield(SUE, &child(&[3])).await), (Whose::Person, What::Children));
    let lifted = scene.lift(SUE, &child(&[4]), None).await;
    assert_eq!(spent(lifted), (Whose::Person, What::Children));
    scene = restarted(scene, 2).await;
    assert_eq!(spent(scene.shield(SUE, &child(&[3])).await), (Whose::Person, What::Children));
    scene.shield(SUE, &child(&[1])).await.unwrap();
    scene.shield(SUE, &child(&[1])).await.unwrap();
    let lifted = scene.lift(SUE, &child(&[2]), Some(id)).await;
    assert_eq!(spent(lifted), (Whose::Person, What::Day));
}

/// Such a refusal tells of the child: a start must not give the count back.
#[tokio::test]
async fn a_limit_that_was_reached_is_counted_again_after_a_restart() {
    let scene = Scene::new().await;
    for number in 1..64 {
        scene.record(NORA, &child(&[number, number + 1]), details()).await;
    }
    let mut scene = restarted(scene, 2).await;
    for _ in 0..2 {
        let tied = scene.try_record(SAM, scene.contact(&child(&[64, 65]), details())).await;
        let is_limit =
            |refusal| matches!(refusal, Refusal::Refused { reason: Reason::LimitReached, .. });
        assert!(is_limit(tied.unwrap_err()));
    }
    scene = restarted(scene, 3).await;
    for _ in 0..2 {
        scene.ask(SAM, Purpose::S47Enquiry, &child(&[64, 65])).await.unwrap();
    }
    let asked = scene.ask(SAM, Purpose::S47Enquiry, &child(&[64, 65])).await;
    assert_eq!(spent(asked), (Whose::Person, What::Day));
}

#[tokio::test]
async fn what_is_refused_or_repeated_costs_nothing() {
    let scene = limited().await;
    let contact = scene.contact(&child(&[1]), details());
    for _ in 0..9 {
        scene.try_record(SAM, contact.clone()).await.unwrap();
        let refused = scene.ask(SAM, Purpose::EmergencyCareAttendance, &child(&[2])).await;
        assert!(refused.is_err());
    }
    scene.ask(SAM, Purpose::S47Enquiry, &child(&[2])).await.unwrap();
}
