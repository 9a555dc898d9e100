//! How much one person, and one organisation, may ask and record: in a burst, in a day, and of how
//! many different children.
//!
//! It counts over everything that could tell whether a child is known. Nothing of it is stored: after
//! a start it is counted anew from the ledger's entries and openings of the day. Children are told
//! apart by short tags under a random key, which is gone when the day ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::id::{ActorId, OrganisationId};
use crate::store::Entropy;
use crate::subject::Subject;

/// A day of UTC, in milliseconds.
pub(crate) const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const MINUTE_US: u64 = 60 * 1_000_000;

/// What one holder may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The most at once; it grows back within a minute. At least 1.
    pub burst: u32,
    /// The most in a day (UTC).
    pub day: u32,
    /// The most different children in a day; of an organisation, the sum of its people's.
    pub children_a_day: u32,
}

/// What each person and each organisation may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Each person.
    pub person: Quota,
    /// Each organisation.
    pub organisation: Quota,
}

/// Whose quota is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// The person's.
    Person,
    /// The organisation's.
    Organisation,
}

/// What of it is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Points to be evaluated in a minute.
    Points,
    /// Questions and recordings at once.
    Burst,
    /// Questions and recordings in a day.
    Day,
    /// Different children in a day.
    Children,
}

/// A quota that is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quota is spent")]
pub struct Spent {
    /// Whose.
    pub whose: Whose,
    /// What of it.
    pub what: What,
    /// After how many seconds there is some again.
    pub again_in_secs: u32,
}

/// Counts what is used.
#[derive(Debug)]
pub(crate) struct Meter {
    quotas: Quotas,
    entropy: Arc<dyn Entropy>,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    /// The day it counts, in days since 1970.
    day: u64,
    holders: BTreeMap<Holder, Usage>,
    named: BTreeMap<ActorId, Named>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Person(ActorId),
    Organisation(OrganisationId),
}

/// What one holder has used on this day.
#[derive(Debug, Default)]
struct Usage {
    /// When the burst will have grown back, in microseconds since 1970 (GCRA's theoretical arrival
    /// time).
    free_at_us: u64,
    count: u32,
    /// Different children; of an organisation, the sum of its people's. Were a child whom two of
    /// them name counted once, what is left would tell one of them whom the other has named.
    children: u32,
}

/// The children whom one person has named on this day.
#[derive(Debug)]
struct Named {
    tags: BTreeSet<u64>,
    key: zeroize::Zeroizing<[u8; 32]>,
}

/// One use that is counted. It is given back when this is dropped, unless it is kept; but for the
/// child, who was named.
#[derive(Debug)]
pub(crate) struct Counted {
    meter: Arc<Meter>,
    day: u64,
    undo: Vec<Undo>,
    is_kept: bool,
}

#[derive(Debug)]
struct Undo {
    holder: Holder,
    gap_us: u64,
}

/// Who asks about whom, when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use<'s> {
    pub(crate) actor: ActorId,
    pub(crate) organisation: OrganisationId,
    pub(crate) subject: &'s Subject,
    pub(crate) now_ms: u64,
}

impl Quotas {
    /// Nothing is limited.
    pub const NONE: Self = {
        let none = Quota { burst: u32::MAX, day: u32::MAX, children_a_day: u32::MAX };
        Self { person: none, organisation: none }
    };
}

impl Meter {
    pub(crate) fn new(quotas: Quotas, entropy: Arc<dyn Entropy>) -> Self {
        Self { quotas, entropy, used: Mutex::default() }
    }

    /// Counts one use, for the person and the organisation, if both still may.
    pub(crate) fn count(self: &Arc<Self>, one: Use<'_>) -> Result<Counted, Spent> {
        let mut used = self.used(one.now_ms);
        let is_new = self.named(&mut used, one.actor).is_new(one.subject);
        for (holder, whose, quota) in self.holders(one) {
            let usage = used.holders.entry(holder).or_default();
            usage.may(one.now_ms, is_new, quota).map_err(|(what, again_in_secs)| Spent {
                whose,
                what,
                again_in_secs,
            })?;
        }
        let undo = self.add(&mut used, one);
        Ok(Counted { meter: Arc::clone(self), day: used.day, undo, is_kept: false })
    }

    /// Counts what stands in the ledger, whether it may be or not.
    pub(crate) fn recount(&self, one: Use<'_>) {
        let mut used = self.used(one.now_ms);
        self.add(&mut used, one);
    }

    fn add(&self, used: &mut Used, one: Use<'_>) -> Vec<Undo> {
        let is_new = self.named(used, one.actor).add(one.subject);
        let mut undo = Vec::with_capacity(2);
        for (holder, _, quota) in self.holders(one) {
            let usage = used.holders.entry(holder).or_default();
            undo.push(Undo { holder, gap_us: usage.add(one.now_ms, is_new, quota) });
        }
        undo
    }

    fn holders(&self, one: Use<'_>) -> [(Holder, Whose, Quota); 2] {
        let Quotas { person, organisation } = self.quotas;
        [
            (Holder::Person(one.actor), Whose::Person, person),
            (Holder::Organisation(one.organisation), Whose::Organisation, organisation),
        ]
    }

    /// What was used on the day of this time; a new day begins with nothing, its keys among it. Who
    /// took their time just before midnight counts on the day that has begun.
    fn used(&self, now_ms: u64) -> MutexGuard<'_, Used> {
        let mut used = self.lock();
        let day = now_ms / DAY_MS;
        if used.day < day {
            *used = Used { day, ..Used::default() };
        }
        used
    }

    fn lock(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn named<'u>(&self, used: &'u mut Used, actor: ActorId) -> &'u mut Named {
        used.named.entry(actor).or_insert_with(|| {
            let mut key = zeroize::Zeroizing::new([0; 32]);
            self.entropy.fill(&mut *key);
            Named { tags: BTreeSet::new(), key }
        })
    }
}

impl Usage {
    fn may(&self, now_ms: u64, is_new: bool, quota: Quota) -> Result<(), (What, u32)> {
        let at_us = now_ms * 1000;
        let until_tomorrow = u32::try_from((DAY_MS - now_ms % DAY_MS).div_ceil(1000));
        let until_tomorrow = until_tomorrow.expect("a day is fewer seconds");
        let ahead_us = (self.free_at_us + gap_us(quota)).saturating_sub(at_us + MINUTE_US);
        if self.count >= quota.day {
            Err((What::Day, until_tomorrow))
        } else if is_new && self.children >= quota.children_a_day {
            Err((What::Children, until_tomorrow))
        } else if ahead_us > 0 {
            Err((What::Burst, u32::try_from(ahead_us.div_ceil(1_000_000)).unwrap_or(60)))
        } else {
            Ok(())
        }
    }

    /// Gives what it added to the burst.
    fn add(&mut self, now_ms: u64, is_new: bool, quota: Quota) -> u64 {
        let gap_us = gap_us(quota);
        self.free_at_us = self.free_at_us.max(now_ms * 1000) + gap_us;
        self.count = self.count.saturating_add(1);
        self.children = self.children.saturating_add(u32::from(is_new));
        gap_us
    }

    /// A child that was named stays named: another request about it may be let through meanwhile.
    fn give_back(&mut self, undo: &Undo) {
        self.free_at_us = self.free_at_us.saturating_sub(undo.gap_us);
        self.count = self.count.saturating_sub(1);
    }
}

impl Named {
    /// Whether a child is new. Any pseudonym that was not named today counts as a new child: that
    /// two belong together is the asker's word, by which many children could be chained into one.
    fn is_new(&self, subject: &Subject) -> bool {
        self.tags(subject).iter().any(|tag| !self.tags.contains(tag))
    }

    /// Adds a child; gives whether it is new.
    fn add(&mut self, subject: &Subject) -> bool {
        let mut tags = self.tags(subject);
        tags.retain(|tag| self.tags.insert(*tag));
        !tags.is_empty()
    }

    /// A tag for each pseudonym: 8 bytes, enough to tell a day's children apart, under this
    /// person's key of the day.
    fn tags(&self, subject: &Subject) -> Vec<u64> {
        let tag = |pseudonym: &[u8; 64]| {
            let hash = blake3::keyed_hash(&self.key, pseudonym);
            u64::from_be_bytes(hash.as_bytes()[..8].try_into().expect("8 of 32 bytes"))
        };
        subject.pseudonyms().iter().map(|named| tag(named.pseudonym.as_bytes())).collect()
    }
}

/// The time after which a burst has grown by one.
fn gap_us(quota: Quota) -> u64 {
    MINUTE_US / u64::from(quota.burst.max(1))
}

impl Counted {
    /// What was counted is, or may be, on record.
    pub(crate) fn keep(&mut self) {
        self.is_kept = true;
    }

    /// It certainly is not.
    pub(crate) fn release(&mut self) {
        self.is_kept = false;
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        let mut used = self.meter.lock();
        if used.day == self.day {
            for undo in &self.undo {
                if let Some(usage) = used.holders.get_mut(&undo.holder) {
                    usage.give_back(undo);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
