//! The ledger entry: 256 bytes for every question, change and refusal, and its sealed opening.
//!
//! The encoding is fixed; all numbers are big-endian.
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 2 | format, 1 |
//! | 2 | 1 | action |
//! | 3 | 1 | outcome |
//! | 4 | 1 | role of the actor, 0 if none |
//! | 5 | 1 | purpose, 0 if none |
//! | 6 | 1 | relationship claimed, 0 if none |
//! | 7 | 1 | levels released, one bit each ([`crate::policy::Level::bit`]) |
//! | 8 | 8 | time, milliseconds since 1970-01-01T00:00:00Z |
//! | 16 | 16 | actor, 0 if none |
//! | 32 | 16 | on whose behalf, 0 if nobody's |
//! | 48 | 16 | organisation, 0 if none |
//! | 64 | 16 | team, 0 if none |
//! | 80 | 16 | system, 0 if none |
//! | 96 | 16 | token, 0 if none |
//! | 112 | 32 | fingerprint of the client certificate, 0 if none |
//! | 144 | 32 | digest of the policy in force |
//! | 176 | 32 | commitment to the child, 0 where there is none |
//! | 208 | 32 | detail: what the action says of itself, else 0 |
//! | 240 | 4 | count: what the action counts, else 0 |
//! | 244 | 12 | reserved, 0 |

use sha2::{Digest, Sha256};

use crate::id::{
    ActorId, Fingerprint, LeafHash, OrganisationId, PolicyDigest, SystemId, TeamId, TokenId,
};
use crate::secret::secret_bytes;
use crate::subject::Subject;
use crate::terms::{Action, Outcome, Purpose, Relationship, Role};

/// An entry but for its time, which the writer stamps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryDraft {
    pub(crate) action: Action,
    pub(crate) outcome: Outcome,
    pub(crate) party: Party,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) relationship: Option<Relationship>,
    pub(crate) released: u8,
    pub(crate) policy: PolicyDigest,
    pub(crate) commitment: [u8; 32],
    pub(crate) detail: [u8; 32],
    pub(crate) count: u32,
}

/// Who acts, as the ledger names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// The person.
    pub actor: Option<ActorId>,
    /// On whose behalf: the person a broker names.
    pub on_behalf_of: Option<ActorId>,
    /// The person's role.
    pub role: Option<Role>,
    /// The organisation.
    pub organisation: Option<OrganisationId>,
    /// The team.
    pub team: Option<TeamId>,
    /// The system.
    pub system: Option<SystemId>,
    /// The token.
    pub token: Option<TokenId>,
    /// The certificate.
    pub certificate: Option<Fingerprint>,
}

/// An entry as it is stored, signed and proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry([u8; Entry::LEN]);

/// The bytes are no entry of a format that this build knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a ledger entry of format 1")]
pub struct EntryError;

secret_bytes! {
    /// The random key of a commitment: without it an entry tells nothing of the child.
    Nonce, 32
}

/// What opens an entry's commitment: destroy it, and the entry is unlinkable for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    nonce: Nonce,
    subject: Subject,
}

impl EntryDraft {
    /// Whether it is about the service itself, and stands in no person's name.
    #[must_use]
    pub fn is_of_service(&self) -> bool {
        self.party.actor.is_none()
    }

    /// The entry of this draft at this time (milliseconds since 1970).
    #[must_use]
    pub fn stamp(&self, time_ms: u64) -> Entry {
        let mut bytes = [0; Entry::LEN];
        bytes[0..2].copy_from_slice(&Entry::FORMAT.to_be_bytes());
        bytes[2] = self.action.code();
        bytes[3] = self.outcome.code();
        bytes[4] = self.party.role.map_or(0, Role::code);
        bytes[5] = self.purpose.map_or(0, Purpose::code);
        bytes[6] = self.relationship.map_or(0, Relationship::code);
        bytes[7] = self.released;
        bytes[8..16].copy_from_slice(&time_ms.to_be_bytes());
        let mut put = |offset: usize, id: Option<&[u8; 16]>| {
            if let Some(id) = id {
                bytes[offset..offset + 16].copy_from_slice(id);
            }
        };
        put(16, self.party.actor.as_ref().map(ActorId::as_bytes));
        put(32, self.party.on_behalf_of.as_ref().map(ActorId::as_bytes));
        put(48, self.party.organisation.as_ref().map(OrganisationId::as_bytes));
        put(64, self.party.team.as_ref().map(TeamId::as_bytes));
        put(80, self.party.system.as_ref().map(SystemId::as_bytes));
        put(96, self.party.token.as_ref().map(TokenId::as_bytes));
        if let Some(certificate) = &self.party.certificate {
            bytes[112..144].copy_from_slice(certificate.as_bytes());
        }
        bytes[144..176].copy_from_slice(self.policy.as_bytes());
        bytes[176..208].copy_from_slice(&self.commitment);
        bytes[208..240].copy_from_slice(&self.detail);
        bytes[240..244].copy_from_slice(&self.count.to_be_bytes());
        Entry(bytes)
    }
}

impl Entry {
    /// The length of every entry.
    pub const LEN: usize = 256;
    /// The format of its first two bytes.
    pub const FORMAT: u16 = 1;

    /// The stored bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// What was done or asked for.
    #[must_use]
    pub fn action(&self) -> Action {
        Action::from_code(self.0[2]).expect("checked when it was read")
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::from_code(self.0[3]).expect("checked when it was read")
    }

    /// The actor's role, if a person acted.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        Role::from_code(self.0[4])
    }

    /// The purpose, if one was given.
    #[must_use]
    pub fn purpose(&self) -> Option<Purpose> {
        Purpose::from_code(self.0[5])
    }

    /// What the asker claimed to be to the child, if a claim was made.
    #[must_use]
    pub fn relationship(&self) -> Option<Relationship> {
        Relationship::from_code(self.0[6])
    }

    /// The levels released, one bit each.
    #[must_use]
    pub fn released(&self) -> u8 {
        self.0[7]
    }

    /// The time, in milliseconds since 1970.
    #[must_use]
    pub fn time_ms(&self) -> u64 {
        u64::from_be_bytes(self.array(8))
    }

    /// The actor, if a person acted.
    #[must_use]
    pub fn actor(&self) -> Option<ActorId> {
        let actor = self.array(16);
        (actor != [0; 16]).then(|| ActorId::new(actor))
    }

    /// On whose behalf a broker acted.
    #[must_use]
    pub fn on_behalf_of(&self) -> Option<ActorId> {
        let named = self.array(32);
        (named != [0; 16]).then(|| ActorId::new(named))
    }

    /// The organisation, if one is known.
    #[must_use]
    pub fn organisation(&self) -> Option<OrganisationId> {
        let organisation = self.array(48);
        (organisation != [0; 16]).then(|| OrganisationId::new(organisation))
    }

    /// The team, if a person acted.
    #[must_use]
    pub fn team(&self) -> Option<TeamId> {
        let team = self.array(64);
        (team != [0; 16]).then(|| TeamId::new(team))
    }

    /// The system, if one is known.
    #[must_use]
    pub fn system(&self) -> Option<SystemId> {
        let system = self.array(80);
        (system != [0; 16]).then(|| SystemId::new(system))
    }

    /// The digest of the policy in force.
    #[must_use]
    pub fn policy(&self) -> PolicyDigest {
        PolicyDigest::new(self.array(144))
    }

    /// The commitment to the child; zeros where the action is about none.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        self.array(176)
    }

    /// What the action says of itself.
    #[must_use]
    pub fn detail(&self) -> [u8; 32] {
        self.array(208)
    }

    /// The actor that the detail begins with, where the action's detail names one.
    #[must_use]
    pub fn detail_actor(&self) -> Option<ActorId> {
        let actor = self.array(208);
        (actor != [0; 16]).then(|| ActorId::new(actor))
    }

    /// What the action counts.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::from_be_bytes(self.array(240))
    }

    /// RFC 6962 section 2.1: SHA-256 of 0x00 and the entry.
    #[must_use]
    pub fn leaf_hash(&self) -> LeafHash {
        let hash = Sha256::new().chain_update([0]).chain_update(self.0).finalize();
        LeafHash::new(hash.into())
    }

    fn array<const N: usize>(&self, offset: usize) -> [u8; N] {
        self.0[offset..offset + N].try_into().expect("the field lies within the entry")
    }
}

impl TryFrom<&[u8]> for Entry {
    type Error = EntryError;

    fn try_from(bytes: &[u8]) -> Result<Self, EntryError> {
        let entry = Self(bytes.try_into().map_err(|_| EntryError)?);
        let known = |code: u8, known: bool| code == 0 || known;
        let fits = u16::from_be_bytes(entry.array(0)) == Self::FORMAT
            && Action::from_code(entry.0[2]).is_some()
            && Outcome::from_code(entry.0[3]).is_some()
            && known(entry.0[4], Role::from_code(entry.0[4]).is_some())
            && known(entry.0[5], Purpose::from_code(entry.0[5]).is_some())
            && known(entry.0[6], Relationship::from_code(entry.0[6]).is_some())
            && entry.0[244..] == [0; 12];
        if fits { Ok(entry) } else { Err(EntryError) }
    }
}

impl Opening {
    /// Slots for the most pseudonyms a subject has, so that every opening has one size.
    const SLOT_LEN: usize = 1 + 4 + 64;
    /// The length of every encoded opening: a count, the nonce, and the slots.
    pub const LEN: usize = 1 + Nonce::LEN + Subject::PSEUDONYMS_MAX * Self::SLOT_LEN;

    pub(crate) fn new(nonce: Nonce, subject: Subject) -> Self {
        Self { nonce, subject }
    }

    /// The child.
    #[must_use]
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The commitment it opens: BLAKE3 of its encoding without the nonce, keyed with the nonce.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        let encoded = self.encode();
        let mut hasher = blake3::Hasher::new_keyed(self.nonce.as_bytes());
        hasher.update(b"signpost commitment v1\0").update(&encoded[..1]);
        hasher.update(&encoded[1 + Nonce::LEN..]);
        *hasher.finalize().as_bytes()
    }

    /// Count of pseudonyms, nonce, and per slot namespace, evaluation key and pseudonym; unused
    /// slots are zeros. In clear, to be sealed by the store.
    #[must_use]
    pub fn encode(&self) -> zeroize::Zeroizing<[u8; Self::LEN]> {
        let mut bytes = zeroize::Zeroizing::new([0; Self::LEN]);
        let named = self.subject.pseudonyms();
        bytes[0] = u8::try_from(named.len()).expect("at most 4");
        bytes[1..=Nonce::LEN].copy_from_slice(self.nonce.as_bytes());
        for (slot, one) in bytes[1 + Nonce::LEN..].chunks_exact_mut(Self::SLOT_LEN).zip(named) {
            slot[0] = one.namespace.code();
            slot[1..5].copy_from_slice(&one.key.0.to_be_bytes());
            slot[5..].copy_from_slice(one.pseudonym.as_bytes());
        }
        bytes
    }

    /// Reads what [`Opening::encode`] wrote, and nothing else.
    pub fn decode(bytes: &[u8]) -> Result<Self, EntryError> {
        use crate::subject::{EvaluationKeyId, NamedPseudonym, Pseudonym};
        use crate::terms::Namespace;

        let bytes: &[u8; Self::LEN] = bytes.try_into().map_err(|_| EntryError)?;
        let nonce = bytes[1..=Nonce::LEN].try_into().expect("32 bytes");
        let mut named = Vec::new();
        let slots = bytes[1 + Nonce::LEN..].chunks_exact(Self::SLOT_LEN);
        for slot in slots.take(usize::from(bytes[0])) {
            named.push(NamedPseudonym {
                namespace: Namespace::from_code(slot[0]).ok_or(EntryError)?,
                key: EvaluationKeyId(u32::from_be_bytes(slot[1..5].try_into().expect("4 bytes"))),
                pseudonym: Pseudonym::new(slot[5..].try_into().expect("64 bytes")),
            });
        }
        let subject = Subject::try_from(named).map_err(|_| EntryError)?;
        let opening = Self { nonce: Nonce::new(nonce), subject };
        if *opening.encode() == *bytes { Ok(opening) } else { Err(EntryError) }
    }
}

#[cfg(test)]
mod tests;
