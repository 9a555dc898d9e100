//! All that is stored of a child under the pseudonyms of one request.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::commit::{Precondition, Write};
use crate::flag::ContactFlag;
use crate::id::{FlagId, Receipt};
use crate::purge::Taken;
use crate::record::{ChildHead, FlagCopy, Record, RecordKey, Scope, Shield, Stored};
use crate::store::{Store, StoreError};
use crate::subject::{NamedPseudonym, Pseudonym, Subject};

const SCAN_PAGE: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// The most pseudonyms that flags may tie together. Every write keeps to it, whether there is a
/// shield or not: so that a limit, once reached, tells of ties and never of a shield.
const FAMILY_MAX: usize = 64;

/// What is stored under one pseudonym.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pseudonym: Pseudonym,
    head: Option<Receipt>,
    pub(super) shields: Vec<Shield>,
    pub(super) flags: Vec<Arc<ContactFlag>>,
}

impl Child {
    /// Reads the head and the flags under one pseudonym, but for what a purge takes: one scan, unless
    /// there is more than a page.
    pub(super) async fn load(
        store: &dyn Store,
        frozen: &Taken,
        pseudonym: &Pseudonym,
    ) -> Result<Self, StoreError> {
        let mut child = Self {
            pseudonym: pseudonym.clone(),
            head: None,
            shields: Vec::new(),
            flags: Vec::new(),
        };
        let scope = Scope::Child(pseudonym.clone());
        let whole = store.scan(&scope, None, SCAN_PAGE).await?;
        if whole.len() < SCAN_PAGE.get() {
            for stored in whole {
                child.take(frozen, stored)?;
            }
            return Ok(child);
        }
        // Pages are of different moments: what is decided rests on the head as it was before the
        // first of them, so that a write between two pages is noticed at the commit.
        let head = store.read(&RecordKey::Head(pseudonym.clone())).await?;
        let mut after = None;
        loop {
            let page = store.scan(&scope, after.as_ref(), SCAN_PAGE).await?;
            let is_last = page.len() < SCAN_PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            for stored in page {
                child.take(frozen, stored)?;
            }
            if is_last {
                child.head = head.map(|stored| stored.version);
                return Ok(child);
            }
        }
    }

    fn take(&mut self, frozen: &Taken, stored: Stored) -> Result<(), StoreError> {
        let Stored { version, record } = stored;
        // What is decided rests on the head that is stored, whether or not any of it is left.
        if let Record::Head(_) = record {
            self.head = Some(version);
        }
        let Some(record) = frozen.leaves(version, record) else { return Ok(()) };
        match record {
            Record::Head(head) => self.shields = head.shields,
            Record::Flag(copy) => self.flags.push(copy.flag),
            Record::Replay(_)
            | Record::Lift(_)
            | Record::Organisation(_)
            | Record::Team(_)
            | Record::System(_)
            | Record::Certificate(_)
            | Record::Group(_)
            | Record::Person(_)
            | Record::Token(_)
            | Record::Service(_)
            | Record::ClockDoubt(_)
            | Record::Members(_)
            | Record::Claim(_)
            | Record::Custodies(_)
            | Record::Enrolment(_)
            | Record::Proposal(_)
            | Record::Alert(_)
            | Record::Canary(_)
            | Record::AlertMark(_)
            | Record::Purge(_)
            | Record::PurgeAnnex(_)
            | Record::Hold(_)
            | Record::MarkerKey(_)
            | Record::Suppression(_)
            | Record::PurgeQuota(_)
            | Record::PurgeRun(_)
            | Record::PurgeCertificate(_)
            | Record::History(_)
            | Record::AccessReview(_)
            | Record::StandingOrder(_)
            | Record::Decommissioning(_) => return Err(StoreError::Damaged),
        }
        Ok(())
    }

    /// That nothing was written about this child since it was read.
    pub(super) fn unchanged(&self) -> Precondition {
        Precondition::unchanged(RecordKey::Head(self.pseudonym.clone()), self.head)
    }

    /// The head written anew, so that no other write about the child passes unseen.
    pub(super) fn put_head(&self) -> Write {
        let (pseudonym, shields) = (self.pseudonym.clone(), self.shields.clone());
        Write::Put(Record::Head(ChildHead { pseudonym, shields }))
    }
}

/// Every child record under these pseudonyms, in their order.
pub(super) async fn load_all(
    store: &dyn Store,
    frozen: &Taken,
    named: &[NamedPseudonym],
) -> Result<Vec<Child>, StoreError> {
    let mut children = Vec::with_capacity(named.len());
    for one in named {
        children.push(Child::load(store, frozen, &one.pseudonym).await?);
    }
    Ok(children)
}

/// Adds the child records of this subject that were not read already.
pub(super) async fn load_rest(
    store: &dyn Store,
    frozen: &Taken,
    children: &mut Vec<Child>,
    subject: &Subject,
) -> Result<(), StoreError> {
    for named in subject.pseudonyms() {
        if children.iter().all(|child| child.pseudonym != named.pseudonym) {
            children.push(Child::load(store, frozen, &named.pseudonym).await?);
        }
    }
    Ok(())
}

/// These children and all that their flags tie to them, however far; none if they are too many.
pub(super) async fn load_family(
    store: &dyn Store,
    frozen: &Taken,
    children: Vec<Child>,
) -> Result<Option<Vec<Child>>, StoreError> {
    let mut family = children;
    let mut next = 0;
    while next < family.len() {
        let siblings: Vec<Pseudonym> = family[next]
            .flags
            .iter()
            .flat_map(|flag| flag.subject.pseudonyms())
            .map(|named| named.pseudonym.clone())
            .collect();
        for pseudonym in siblings {
            if family.iter().all(|child| child.pseudonym != pseudonym) {
                if family.len() == FAMILY_MAX {
                    return Ok(None);
                }
                family.push(Child::load(store, frozen, &pseudonym).await?);
            }
        }
        next += 1;
    }
    Ok(Some(family))
}

/// Every shield that lies on one of these, once.
pub(super) fn all_shields(children: &[Child]) -> Vec<Shield> {
    let mut shields: Vec<Shield> = Vec::new();
    for shield in children.iter().flat_map(|child| &child.shields) {
        if !shields.contains(shield) {
            shields.push(shield.clone());
        }
    }
    shields
}

/// Lays these shields on each of them, and no others.
pub(super) fn lay_shields(children: &mut [Child], shields: &[Shield]) {
    for child in children {
        child.shields = shields.to_vec();
    }
}

/// Each flag once, though it lies under more than one of these pseudonyms.
pub(super) fn distinct_flags(children: &[Child]) -> Vec<&ContactFlag> {
    let mut flags: Vec<&ContactFlag> = Vec::new();
    for flag in children.iter().flat_map(|child| &child.flags) {
        if flags.iter().all(|seen| seen.id != flag.id) {
            flags.push(flag);
        }
    }
    flags
}

/// Whether a flag lies under a shield. It is asked flag by flag: if one shield hid all that a
/// question names, whoever names a child they may see beside another would learn of that one's.
pub(super) fn is_shielded(children: &[Child], flag: &ContactFlag) -> bool {
    children
        .iter()
        .filter(|child| !child.shields.is_empty())
        .any(|child| flag.subject.contains(&child.pseudonym))
}

/// One copy of the flag under each pseudonym of its subject.
pub(super) fn put_copies(flag: &ContactFlag) -> impl Iterator<Item = Write> {
    let shared = Arc::new(flag.clone());
    flag.subject.pseudonyms().iter().map(move |named| {
        let under = named.pseudonym.clone();
        Write::Put(Record::Flag(FlagCopy { under, flag: Arc::clone(&shared) }))
    })
}

/// The flag of this id, wherever among the children it lies.
pub(super) fn find_flag(children: &[Child], id: FlagId) -> Option<&ContactFlag> {
    let mut flags = children.iter().flat_map(|child| &child.flags);
    flags.find(|flag| flag.id == id).map(|flag| &**flag)
}
