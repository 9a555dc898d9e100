//! What a history tells of one access, and how accesses are found: through the sealed openings.

use std::num::NonZeroUsize;

use crate::directory::Directory;
use crate::entry::Entry;
use crate::history::AccessDecision;
use crate::id::Receipt;
use crate::policy::Level;
use crate::store::{Store, StoreError};
use crate::subject::Subject;
use crate::terms::{Action, Outcome, Purpose, Role, WithheldBecause};
use crate::text::Name;

const PAGE: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

/// A call looks at so many openings at most, and says where the next is to go on.
pub(super) const LOOKED_AT_MAX: u64 = 65_536;

/// One access to a child's flags: never the actor, never a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Its entry.
    pub entry: Receipt,
    /// When, in milliseconds since 1970.
    pub time_ms: u64,
    /// Whose access, as the register has the organisation today; none where it has it no more.
    pub organisation: Option<Name>,
    /// In which role.
    pub role: Option<Role>,
    /// For which purpose; none of a recording or shield that was refused.
    pub purpose: Option<Purpose>,
    /// How it ended.
    pub outcome: Outcome,
    /// How much was released of the flags, at its levels; none where nothing was.
    pub released: Vec<Level>,
    /// On whose behalf a broker asked; none where nobody's.
    pub on_behalf_of: Option<OnBehalfOf>,
}

/// On whose behalf a broker asked, as the register has them today; who they are is not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnBehalfOf {
    /// Their organisation; none where the register has them no more.
    pub organisation: Option<Name>,
    /// Their role.
    pub role: Option<Role>,
}

/// An access that is left out of a history unless a review released it, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithheldAccess {
    /// The access.
    pub access: Access,
    /// Why it is left out until it is reviewed; at least one.
    pub because: Vec<WithheldBecause>,
    /// What was decided; none while it waits.
    pub decision: Option<AccessDecision>,
}

impl Directory {
    /// The entry of this index, if it is an access to this child's flags.
    pub(super) async fn access_to(
        &self,
        subject: &Subject,
        entry: Receipt,
    ) -> Result<Option<Entry>, StoreError> {
        let page = self.store.openings(entry, NonZeroUsize::MIN).await?;
        match page.first() {
            Some((at, opening)) if *at == entry && is_about(opening.subject(), subject) => {
                read_access(&*self.store, entry).await
            }
            Some(_) | None => Ok(None),
        }
    }
}

/// The accesses to a child's flags from this index on, as many as `limit`, and where to go on if at
/// `looked_at_max` openings was looked and there may be more.
pub(super) async fn find(
    store: &dyn Store,
    subject: &Subject,
    from: Receipt,
    (limit, looked_at_max): (usize, u64),
) -> Result<(Vec<(Receipt, Entry)>, Option<Receipt>), StoreError> {
    let (mut found, mut next, mut looked_at) = (Vec::new(), from, 0);
    loop {
        let page = store.openings(next, PAGE).await?;
        if page.is_empty() {
            return Ok((found, None));
        }
        for (at, opening) in page {
            if found.len() == limit || looked_at == looked_at_max {
                return Ok((found, Some(at)));
            }
            looked_at += 1;
            next = Receipt(at.0 + 1);
            if is_about(opening.subject(), subject)
                && let Some(entry) = read_access(store, at).await?
            {
                found.push((at, entry));
            }
        }
    }
}

/// Whether two name one child: one pseudonym in common is enough, for nobody holds all of them.
fn is_about(asked: &Subject, subject: &Subject) -> bool {
    subject.pseudonyms().iter().any(|named| asked.contains(&named.pseudonym))
}

/// The entry, if it is an access: a question, however it ended, or a refusal that told something of
/// the child. What was recorded, ended or shielded is none: the family is told who looked, and
/// whoever protects a child from somebody in it must not be.
async fn read_access(store: &dyn Store, at: Receipt) -> Result<Option<Entry>, StoreError> {
    let entries = store.entries(at, NonZeroUsize::MIN).await?;
    let entry = *entries.first().ok_or(StoreError::Damaged)?;
    Ok(Some(entry).filter(|entry| is_question(entry) || entry.outcome() != Outcome::Done))
}

pub(super) fn is_question(entry: &Entry) -> bool {
    matches!(entry.action(), Action::Ask | Action::AskMany | Action::AskAsBroker)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::commit::{Commit, Effect};
    use crate::entry::{Nonce, Opening};
    use crate::id::PolicyDigest;
    use crate::memory::MemoryStore;
    use crate::permit::Permit;
    use crate::subject::{EvaluationKeyId, NamedPseudonym, Pseudonym};
    use crate::terms::Namespace;
    use crate::testing::ManualClock;

    fn child(number: u8) -> Subject {
        let pseudonym = Pseudonym::new([number; Pseudonym::LEN]);
        let (namespace, key) = (Namespace::Nhs, EvaluationKeyId(1));
        Subject::try_from(vec![NamedPseudonym { namespace, key, pseudonym }]).unwrap()
    }

    fn ask(store: &MemoryStore, subject: Subject) -> Receipt {
        let policy = PolicyDigest::new([0; 32]);
        let permit = Permit::of_service(Action::Ask, None, policy, Vec::new());
        let opening = Some(Opening::new(Nonce::new([7; Nonce::LEN]), subject));
        let effect = Effect { opening, ..Effect::new(Outcome::NoVisibleContact) };
        at_once(store.commit(Commit::permitted(permit, effect))).unwrap()
    }

    /// A store in memory has nothing to wait for.
    fn at_once<T>(work: impl Future<Output = T>) -> T {
        match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("a store in memory waits for nothing"),
        }
    }

    /// However many openings there are, a call looks at so many, and the next one goes on behind them.
    #[test]
    fn a_call_looks_at_so_many_openings_and_the_next_goes_on() {
        let store = MemoryStore::new(Arc::new(ManualClock::default()));
        let mut expected = Vec::new();
        for number in 0..5000_u16 {
            let is_asked = [0, 9, 10, 4095, 4096, 4999].contains(&number);
            let asked = ask(&store, child(if is_asked { 1 } else { 2 }));
            expected.extend(is_asked.then_some(asked));
        }
        for looked_at_max in [10, 4096, 4999, 5000, 65_536] {
            let (mut found, mut from, mut calls) = (Vec::new(), Receipt(0), 0);
            loop {
                let bounds = (500, looked_at_max);
                let (page, next) = at_once(find(&store, &child(1), from, bounds)).unwrap();
                found.extend(page.into_iter().map(|(at, _)| at));
                calls += 1;
                let Some(next) = next else { break };
                assert_eq!(next.0 - from.0, looked_at_max);
                from = next;
            }
            assert_eq!(found, expected);
            assert_eq!(calls, 5000_u64.div_ceil(looked_at_max));
        }
    }
}
