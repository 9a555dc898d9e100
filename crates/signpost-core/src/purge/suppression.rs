//! Suppression: a child of whom nothing is kept but a keyed marker, by which later writes are
//! discarded. The marker does not hold the pseudonym and does not lead back to it; the key it is made
//! with has an end of its own, and with it every marker says nothing.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{FlagId, OrganisationId, PurgeId, SuppressionMarker, SystemId, TeamId};
use crate::record::Record;
use crate::secret::{secret_bytes, secret_in_records};
use crate::subject::{Pseudonym, Subject};
use crate::text::SourceReference;

secret_bytes! {
    /// The key that markers are made with. It goes from one generation to the next as it is: it must
    /// find what was marked before.
    MarkerSecret, 32
}
secret_in_records!(MarkerSecret);

/// The key of all markers, and until when one of them is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkerKey {
    secret: MarkerSecret,
    /// When the last marker made with it is over; then it goes.
    pub until: Timestamp,
}

/// That writes about a child are discarded, under one of its pseudonyms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppression {
    /// The keyed marker by which it is found.
    pub marker: SuppressionMarker,
    /// The purge it comes from.
    pub purge: PurgeId,
    /// Until when.
    pub until: Timestamp,
}

/// Whose flag it would be, and by which reference: what tells one recording of a child from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recording<'r> {
    pub(crate) owner: OrganisationId,
    pub(crate) team: TeamId,
    pub(crate) system: SystemId,
    pub(crate) reference: &'r SourceReference,
}

impl MarkerKey {
    /// The marker of a pseudonym: BLAKE3 of it, keyed.
    #[must_use]
    pub fn marker(&self, pseudonym: &Pseudonym) -> SuppressionMarker {
        let mut hasher = self.hasher(b"signpost suppression v1\0");
        hasher.update(pseudonym.as_bytes());
        SuppressionMarker::new(*hasher.finalize().as_bytes())
    }

    /// The id that a discarded recording is answered with: the same for the same recording again, as
    /// that of a flag that is kept. Its second half says of the first that this team was given it for
    /// this child, so that an end of it can be answered as one too.
    pub(crate) fn flag_id(&self, purge: PurgeId, recording: Recording<'_>) -> FlagId {
        let Recording { owner, team, system, reference } = recording;
        let mut hasher = self.hasher(b"signpost discarded flag v1\0");
        hasher.update(purge.as_bytes()).update(owner.as_bytes()).update(team.as_bytes());
        hasher.update(system.as_bytes()).update(reference.as_str().as_bytes());
        let mut id = [0; 16];
        id[..8].copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        let proof = self.proof(purge, (owner, team), &id[..8]);
        id[8..].copy_from_slice(&proof);
        FlagId::new(id)
    }

    /// Whether this team was answered with this id for the child of this purge.
    pub(crate) fn gave(&self, purge: PurgeId, whose: (OrganisationId, TeamId), id: FlagId) -> bool {
        let (first, second) = id.as_bytes().split_at(8);
        subtle::ConstantTimeEq::ct_eq(&self.proof(purge, whose, first)[..], second).into()
    }

    fn proof(
        &self,
        purge: PurgeId,
        (owner, team): (OrganisationId, TeamId),
        first: &[u8],
    ) -> [u8; 8] {
        let mut hasher = self.hasher(b"signpost proof of a discarded flag v1\0");
        hasher.update(purge.as_bytes()).update(owner.as_bytes()).update(team.as_bytes());
        hasher.update(first);
        let mut proof = [0; 8];
        proof.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        proof
    }

    fn hasher(&self, label: &[u8]) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_keyed(self.secret.as_bytes());
        hasher.update(label);
        hasher
    }
}

/// The records by which this child is suppressed from their commit on: one marker to each pseudonym,
/// and the key they are made with, kept for as long as the last marker. `key` is the one there is,
/// `fresh` are random bytes for a new one where there is none. The commit must rest on the key's
/// being as it was read.
#[must_use]
pub fn suppress(
    subject: &Subject,
    purge: PurgeId,
    until: Timestamp,
    key: Option<MarkerKey>,
    fresh: [u8; 32],
) -> Vec<Record> {
    let key = key.unwrap_or_else(|| MarkerKey { secret: MarkerSecret::new(fresh), until });
    let key = MarkerKey { until: key.until.max(until), ..key };
    let named = subject.pseudonyms().iter();
    let markers =
        named.map(|named| Suppression { marker: key.marker(&named.pseudonym), purge, until });
    let mut records: Vec<Record> = markers.map(Record::Suppression).collect();
    records.push(Record::MarkerKey(key));
    records
}
