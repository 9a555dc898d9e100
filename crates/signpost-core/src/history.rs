//! Histories of who looked: asked for in one name, consented to in another, reviewed access by access.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{HistoryId, PersonId, Receipt};
use crate::secret::secret_bytes;
use crate::subject::Subject;
use crate::terms::WithholdingGround;
use crate::text::CaseReference;

/// A history of who looked, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Its id.
    pub id: HistoryId,
    /// The child.
    pub subject: Subject,
    /// The case of the verified requester.
    pub reference: CaseReference,
    /// The first name; the second must be another.
    pub requester: PersonId,
    /// Until when it waits for consent, and after that until when it may be read.
    pub until: Timestamp,
    /// How far it is.
    pub state: HistoryState,
}

/// How far a history is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HistoryState {
    /// It waits for its second name.
    AwaitingConsent,
    /// A different person consented.
    Consented {
        /// The second name.
        by: PersonId,
    },
}

/// What was decided of one access that is withheld unless it is released. It holds for the history it
/// was made in alone: what may be told to one requester may harm the child where another is told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessReview {
    /// The history.
    pub history: HistoryId,
    /// The entry of the access.
    pub entry: Receipt,
    /// The child, whose purge takes the review with it.
    pub subject: Subject,
    /// What was decided.
    pub decision: AccessDecision,
    /// Who decided it. When stands with the record's version.
    pub by: PersonId,
    /// What keeps the review's own entry from telling which access it was about.
    pub nonce: ReviewNonce,
}

/// What becomes of an access that was reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessDecision {
    /// The requester is told of it.
    Released,
    /// The requester is not, on this ground.
    Withheld(WithholdingGround),
}

secret_bytes! {
    /// The random key of what a review's entry says of it.
    ReviewNonce, 32
}

impl History {
    /// Whether this person may read it at this time: one of its two names, once both are given.
    #[must_use]
    pub fn is_open_to(&self, person: PersonId, now: Timestamp) -> bool {
        match self.state {
            HistoryState::AwaitingConsent => false,
            HistoryState::Consented { by } => {
                now < self.until && (person == self.requester || person == by)
            }
        }
    }

    /// Whether it still has a use: one that nobody consented to in time has none.
    #[must_use]
    pub fn is_kept_at(&self, now: Timestamp) -> bool {
        match self.state {
            HistoryState::AwaitingConsent => now < self.until,
            HistoryState::Consented { .. } => true,
        }
    }
}

impl AccessReview {
    /// What its entry says of it: BLAKE3 of history, access and decision, keyed with the nonce. In
    /// clear it would tell that the accesses of one history were about one child.
    #[must_use]
    pub fn detail(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(self.nonce.as_bytes());
        hasher.update(b"signpost access review v1\0").update(self.history.as_bytes());
        hasher.update(&self.entry.0.to_be_bytes());
        let decision = match self.decision {
            AccessDecision::Released => [1, 0],
            AccessDecision::Withheld(ground) => [2, ground.code()],
        };
        *hasher.update(&decision).finalize().as_bytes()
    }
}

impl Serialize for ReviewNonce {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ReviewNonce {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <[u8; Self::LEN]>::deserialize(deserializer).map(Self::new)
    }
}
