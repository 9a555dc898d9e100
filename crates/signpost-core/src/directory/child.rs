//! All that is stored of a child under the pseudonyms of one request.

use std::num::NonZeroUsize;

use crate::commit::{Precondition, Write};
use crate::flag::ContactFlag;
use crate::id::{FlagId, OrganisationId, Receipt};
use crate::record::{ChildHead, FlagCopy, Record, RecordKey, Scope, Shield};
use crate::store::{Store, StoreError};
use crate::subject::{NamedPseudonym, Pseudonym, Subject};

const SCAN_PAGE: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// The most pseudonyms that flags may tie together for one shield to be spread over them. Beyond
/// what organisations reach that each keep to the limit of their own.
const FAMILY_MAX: usize = 256;

/// The most pseudonyms that the flags of one organisation may tie together. A limit of its own
/// affairs, kept whether there is a shield or not: so that nobody can tie so many to a child that
/// a shield's limit, once reached, tells of the shield.
const OWN_FAMILY_MAX: usize = 16;

/// What is stored under one pseudonym.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pseudonym: Pseudonym,
    head: Option<Receipt>,
    pub(super) shield: Option<Shield>,
    pub(super) flags: Vec<ContactFlag>,
}

impl Child {
    /// Reads the head and the flags under one pseudonym: one scan, unless there is more than a page.
    pub(super) async fn load(store: &dyn Store, pseudonym: &Pseudonym) -> Result<Self, StoreError> {
        let mut child =
            Self { pseudonym: pseudonym.clone(), head: None, shield: None, flags: Vec::new() };
        let scope = Scope::Child(pseudonym.clone());
        let whole = store.scan(&scope, None, SCAN_PAGE).await?;
        if whole.len() < SCAN_PAGE.get() {
            for stored in whole {
                child.take(stored.version, stored.record)?;
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
                child.take(stored.version, stored.record)?;
            }
            if is_last {
                child.head = head.map(|stored| stored.version);
                return Ok(child);
            }
        }
    }

    fn take(&mut self, version: Receipt, record: Record) -> Result<(), StoreError> {
        match record {
            Record::Head(head) => {
                self.head = Some(version);
                self.shield = head.shield;
            }
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
            | Record::Service(_) => return Err(StoreError::Damaged),
        }
        Ok(())
    }

    /// That nothing was written about this child since it was read.
    pub(super) fn unchanged(&self) -> Precondition {
        Precondition::unchanged(RecordKey::Head(self.pseudonym.clone()), self.head)
    }

    /// The head written anew, so that no other write about the child passes unseen.
    pub(super) fn put_head(&self) -> Write {
        let shield = self.shield;
        Write::Put(Record::Head(ChildHead { pseudonym: self.pseudonym.clone(), shield }))
    }
}

/// Every child record under these pseudonyms, in their order.
pub(super) async fn load_all(
    store: &dyn Store,
    named: &[NamedPseudonym],
) -> Result<Vec<Child>, StoreError> {
    let mut children = Vec::with_capacity(named.len());
    for one in named {
        children.push(Child::load(store, &one.pseudonym).await?);
    }
    Ok(children)
}

/// Adds the child records of this subject that were not read already.
pub(super) async fn load_rest(
    store: &dyn Store,
    children: &mut Vec<Child>,
    subject: &Subject,
) -> Result<(), StoreError> {
    for named in subject.pseudonyms() {
        if children.iter().all(|child| child.pseudonym != named.pseudonym) {
            children.push(Child::load(store, &named.pseudonym).await?);
        }
    }
    Ok(())
}

/// These children and all that their flags tie to them, however far; none if they are too many.
pub(super) async fn load_family(
    store: &dyn Store,
    children: Vec<Child>,
) -> Result<Option<Vec<Child>>, StoreError> {
    load_tied(store, children, |_| true, FAMILY_MAX).await
}

/// These children and all that flags of this organisation tie to them; none if they are too many.
pub(super) async fn load_own_family(
    store: &dyn Store,
    children: Vec<Child>,
    owner: OrganisationId,
) -> Result<Option<Vec<Child>>, StoreError> {
    load_tied(store, children, |flag| flag.provenance.owner == owner, OWN_FAMILY_MAX).await
}

async fn load_tied(
    store: &dyn Store,
    children: Vec<Child>,
    ties: impl Fn(&ContactFlag) -> bool + Send,
    most: usize,
) -> Result<Option<Vec<Child>>, StoreError> {
    let mut family = children;
    let mut next = 0;
    while next < family.len() {
        let siblings: Vec<Pseudonym> = family[next]
            .flags
            .iter()
            .filter(|flag| ties(flag))
            .flat_map(|flag| flag.subject.pseudonyms())
            .map(|named| named.pseudonym.clone())
            .collect();
        for pseudonym in siblings {
            if family.iter().all(|child| child.pseudonym != pseudonym) {
                if family.len() == most {
                    return Ok(None);
                }
                family.push(Child::load(store, &pseudonym).await?);
            }
        }
        next += 1;
    }
    Ok(Some(family))
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
        .filter(|child| child.shield.is_some())
        .any(|child| flag.subject.contains(&child.pseudonym))
}

/// One copy of the flag under each pseudonym of its subject.
pub(super) fn put_copies(flag: &ContactFlag) -> impl Iterator<Item = Write> {
    flag.subject.pseudonyms().iter().map(|named| {
        let under = named.pseudonym.clone();
        Write::Put(Record::Flag(FlagCopy { under, flag: flag.clone() }))
    })
}

/// The flag of this id, wherever among the children it lies.
pub(super) fn find_flag(children: &[Child], id: FlagId) -> Option<&ContactFlag> {
    children.iter().flat_map(|child| &child.flags).find(|flag| flag.id == id)
}
