//! Anchors: the service puts on record how far its store is.

use super::Directory;
use crate::anchor::Anchor;
use crate::commit::{Commit, Effect};
use crate::id::Receipt;
use crate::permit::Permit;
use crate::refusal::Refusal;
use crate::terms::{Action, Outcome};

impl Directory {
    /// Puts on record the last frame that was durable before this entry. Commits that come in
    /// between stand before the entry too, and the frame is not theirs: that does no harm.
    pub async fn anchor(&self) -> Result<Receipt, Refusal> {
        let Anchor { generation, commitment } = Anchor::of(&self.store.position().await?);
        let permit = Permit::of_service(Action::Anchor, None, self.policy.digest(), Vec::new());
        let effect = Effect { detail: commitment, count: generation, ..Effect::new(Outcome::Done) };
        self.commit(Commit::permitted(permit, effect)).await
    }
}
