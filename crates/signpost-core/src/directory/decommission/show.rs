//! Looking at the decommissioning.

use super::super::purge::detail;
use super::super::replay::Written;
use super::super::{Directory, MayNotDestroy, Presented};
use crate::commit::{Commit, Effect};
use crate::decommissioning::Decommissioning;
use crate::id::Receipt;
use crate::refusal::{Invalid, Reason, Refusal};
use crate::terms::{Action, Outcome};

/// The decommissioning as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownDecommissioning {
    /// The plan, and how far it is.
    pub found: Decommissioning,
    /// The entry that put the plan on record.
    pub planned_in: Receipt,
    /// The entry of the closing.
    pub closed_in: Option<Receipt>,
    /// Whether the clock is in doubt: then the closing waits for two people.
    pub clock_in_doubt: bool,
    /// Service time now.
    pub now: jiff::Timestamp,
}

impl Directory {
    /// Shows the decommissioning. The look is on record.
    pub async fn show_decommissioning(
        &self,
        presented: &Presented,
    ) -> Result<Written<ShownDecommissioning>, Refusal> {
        retry_contended!(self.show_decommissioning_once(presented))
    }

    async fn show_decommissioning_once(
        &self,
        presented: &Presented,
    ) -> Result<Written<ShownDecommissioning>, Refusal> {
        let nothing = Ok::<_, Invalid>(());
        let (mut permit, ()) =
            self.may_look(presented, Action::ShowDecommissioning, &nothing).await?;
        let Some((version, found)) = self.decommissioning(&mut permit).await? else {
            return Err(self.refuse(permit.deny(Reason::Unknown("decommissioning"))).await);
        };
        let clock_in_doubt = match self.may_destroy().await {
            Ok(()) => false,
            Err(MayNotDestroy::ClockInDoubt) => true,
            Err(MayNotDestroy::Store(error)) => return Err(error.into()),
        };
        let result = ShownDecommissioning {
            planned_in: found.planned_in(version),
            closed_in: found.closed_in(version),
            clock_in_doubt,
            now: self.now(),
            found,
        };
        let detail = detail(result.found.id.as_bytes(), None);
        let effect = Effect { detail, ..Effect::new(Outcome::Done) };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        Ok(Written { result, receipt })
    }
}
