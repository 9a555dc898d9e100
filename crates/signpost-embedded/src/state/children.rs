//! The children that were read lately, decoded: a question about one of them waits for no other
//! thread, and the writer, which checks that a child is still as it was read, reads nothing again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signpost_core::record::{RecordKey, Scope, Stored};

use super::ByKey;
use crate::keyring::sealing;

/// All records of a child; none for a child of whom there is nothing.
pub(crate) type Records = Arc<[Stored]>;

/// Children by a keyed hash of their pseudonym. What it holds is always so: a reader keeps what it
/// has read while it holds the read lock of the generation, and the writer lets go of what a frame
/// changes while it holds the write lock, before anybody is answered.
#[derive(Debug)]
pub(crate) struct Children {
    /// Of this process alone, so that nobody can choose pseudonyms that fall together.
    key: [u8; 32],
    lately: Mutex<Lately>,
}

/// Two halves of a cache: when the newer one is full, the older is let go.
#[derive(Debug, Default)]
struct Lately {
    newer: ByKey<[u8; 32], Records>,
    older: ByKey<[u8; 32], Records>,
    /// Of the newer half.
    weight: usize,
}

/// What each half holds: a child counts one, and one for each of its records, of some hundred bytes.
const HALF: usize = 1 << 16;

impl Children {
    pub(crate) fn new() -> Self {
        Self { key: sealing::random(), lately: Mutex::default() }
    }

    /// All records of a scope, if it is a child that was read lately.
    pub(crate) fn get(&self, scope: &Scope) -> Option<Records> {
        let key = scope.locate(&self.key);
        let mut lately = self.lately();
        if let Some(records) = lately.newer.get(&key) {
            return Some(Arc::clone(records));
        }
        let records = lately.older.remove(&key)?;
        lately.keep(key, Arc::clone(&records));
        Some(records)
    }

    /// Keeps what was read: all of the child's records.
    pub(crate) fn keep(&self, scope: &Scope, records: Records) {
        self.lately().keep(scope.locate(&self.key), records);
    }

    /// Lets go of the children whose records these are.
    pub(crate) fn let_go<'k>(&self, changed: impl Iterator<Item = &'k RecordKey>) {
        for key in changed {
            let scope = key.scope();
            if let Scope::Child(_) = scope {
                self.lately().let_go(&scope.locate(&self.key));
            }
        }
    }

    /// Lets go of all.
    pub(crate) fn forget(&self) {
        *self.lately() = Lately::default();
    }

    fn lately(&self) -> MutexGuard<'_, Lately> {
        self.lately.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lately {
    fn keep(&mut self, key: [u8; 32], records: Records) {
        self.let_go(&key);
        let weight = weight(&records);
        if self.weight + weight > HALF {
            self.older = std::mem::take(&mut self.newer);
            self.weight = 0;
        }
        self.weight += weight;
        self.newer.insert(key, records);
    }

    fn let_go(&mut self, key: &[u8; 32]) {
        if let Some(records) = self.newer.remove(key) {
            self.weight -= weight(&records);
        }
        self.older.remove(key);
    }
}

fn weight(records: &Records) -> usize {
    1 + records.len()
}

#[cfg(test)]
mod tests {
    use signpost_core::subject::Pseudonym;

    use super::*;

    fn child(number: usize) -> Scope {
        let mut pseudonym = [0; 64];
        pseudonym[..8].copy_from_slice(&(number as u64).to_be_bytes());
        Scope::Child(Pseudonym::new(pseudonym))
    }

    fn nothing() -> Records {
        Arc::from([])
    }

    #[test]
    fn what_is_asked_for_again_stays_and_the_rest_is_let_go_in_time() {
        let children = Children::new();
        assert!(children.get(&child(0)).is_none());
        for number in 0..HALF {
            children.keep(&child(number), nothing());
        }
        assert!(children.get(&child(0)).is_some());
        for number in HALF..2 * HALF {
            children.keep(&child(number), nothing());
            assert!(children.get(&child(0)).is_some(), "asked for in each half");
        }
        assert!(children.get(&child(1)).is_none());
        children.forget();
        assert!(children.get(&child(0)).is_none());
    }

    #[test]
    fn what_is_let_go_or_replaced_takes_no_room() {
        let children = Children::new();
        children.keep(&child(0), nothing());
        let Scope::Child(changed) = child(1) else { unreachable!("it is one") };
        for _ in 0..2 * HALF {
            children.keep(&child(1), nothing());
            children.keep(&child(1), nothing());
            children.let_go([RecordKey::Head(changed.clone())].iter());
        }
        assert!(children.get(&child(0)).is_some());
    }

    #[test]
    fn what_changes_is_let_go() {
        let children = Children::new();
        children.keep(&child(0), nothing());
        children.keep(&child(1), nothing());
        let Scope::Child(changed) = child(0) else { unreachable!("it is one") };
        children.let_go([RecordKey::Head(changed), RecordKey::Service].iter());
        assert!(children.get(&child(0)).is_none());
        assert!(children.get(&child(1)).is_some());
    }
}
