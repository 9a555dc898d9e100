//! Leave to have blinded points evaluated; the pseudonymiser does the arithmetic.

use super::{Directory, Presented};
use crate::commit::{Commit, Effect};
use crate::id::{PersonId, Receipt};
use crate::quota::{Spent, What, Whose};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::terms::{Action, Outcome};

/// Leave, on record, to have this many points evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvaluationLeave {
    /// The person, to count points by.
    pub person: PersonId,
    /// The entry.
    pub receipt: Receipt,
}

impl Directory {
    /// Puts on record that this many points are evaluated for this person, if the person's budget
    /// still has them: `spend` takes them from it, or says no.
    pub async fn permit_evaluation(
        &self,
        presented: &Presented,
        points: &Result<u32, Invalid>,
        spend: impl Fn(PersonId, u32) -> bool + Send + Sync,
    ) -> Result<EvaluationLeave, Refusal> {
        // However often it is decided, it is spent once.
        let mut is_spent = false;
        let mut spend = |person, count| {
            is_spent = is_spent || spend(person, count);
            is_spent
        };
        retry_contended!(self.permit_evaluation_once(presented, points, &mut spend))
    }

    async fn permit_evaluation_once(
        &self,
        presented: &Presented,
        points: &Result<u32, Invalid>,
        spend: &mut (impl FnMut(PersonId, u32) -> bool + Send),
    ) -> Result<EvaluationLeave, Refusal> {
        let identity = self.identify(presented).await?;
        let permit = self.granted(identity.authorise(Action::Evaluate, self.today())).await?;
        let count = match points {
            Ok(count) => *count,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        if !spend(identity.person(), count) {
            let points = Spent { whose: Whose::Person, what: What::Points, again_in_secs: 60 };
            return Err(self.refuse(permit.deny(Reason::Budget(points))).await);
        }
        let effect = Effect { count, ..Effect::new(Outcome::Done) };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        Ok(EvaluationLeave { person: identity.person(), receipt })
    }
}
