use signpost_core::anchor::Anchor;
use signpost_core::terms::{Action, Outcome};

use crate::fixture::*;

#[tokio::test]
async fn an_anchor_commits_to_the_frame_before_it() {
    let scene = Scene::new().await;
    for _ in 0..2 {
        let before = scene.store.position().await.unwrap();
        let receipt = scene.directory.anchor().await.unwrap();
        let entries = scene.entries().await;
        let entry = entries.last().unwrap();
        assert_eq!(receipt.0, entries.len() as u64 - 1);
        assert_eq!((entry.action(), entry.outcome()), (Action::Anchor, Outcome::Done));
        assert_eq!((entry.actor(), entry.system()), (None, None), "it is of the service itself");
        assert_eq!(Anchor::on_record(entry), Some(Anchor::of(&before)));
        assert_ne!(scene.store.position().await.unwrap(), before);
    }
    let others = scene.entries().await.iter().filter_map(Anchor::on_record).count();
    assert_eq!(others, 2, "no other entry is one");
}
