//! Random 16-byte identifiers, one type for each thing that has one, and fixed-size digests.

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Wraps these 16 bytes.
            #[must_use]
            pub const fn new(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }
    )+};
}

ids! {
    /// An organisation of the register.
    OrganisationId;
    /// A team of an organisation.
    TeamId;
    /// A system of an organisation: what a client certificate names.
    SystemId;
    /// An access group.
    GroupId;
    /// A person of the register.
    PersonId;
    /// What a person is called in the ledger: random, the name behind it only in the register.
    ActorId;
    /// What a token is called in the ledger; it grants nothing.
    TokenId;
    /// A proposal to let somebody in, which waits for its second name.
    ProposalId;
    /// An alert for the privacy officer.
    AlertId;
    /// A canary: a fictional child whose being asked about raises an alert.
    CanaryId;
    /// A contact flag.
    FlagId;
    /// A lifting of a shield that waits for its second name.
    LiftId;
    /// A purge, from its plan to its certificate.
    PurgeId;
    /// A run of purges.
    RunId;
    /// A legal hold.
    HoldId;
    /// A standing order of purges.
    OrderId;
    /// A history of who looked at a child's flags.
    HistoryId;
    /// A plan of the decommissioning.
    DecommissioningId;
    /// The client's own id of a write (AIP-155): the same id gives the first result again.
    RequestId;
}

macro_rules! digests {
    ($($(#[$meta:meta])* $name:ident;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps these 32 bytes.
            #[must_use]
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }
    )+};
}

digests! {
    /// SHA-256 of a client certificate's DER encoding.
    Fingerprint;
    /// BLAKE3 of a policy file's bytes; `b3sum` gives the same.
    PolicyDigest;
    /// BLAKE3 of a request's content, by which a repeated request id is compared.
    BodyDigest;
    /// BLAKE3 of an evaluation key, by which a replaced key is noticed; it tells nothing of the key.
    KeyFingerprint;
    /// SHA-256 of what a purge plan covers: what an approver approves. See [`crate::purge`].
    PurgeDigest;
    /// SHA-256 of how the service is planned to be closed. See [`crate::decommissioning`].
    ClosingDigest;
    /// By what a suppression is found: a keyed hash of a pseudonym, which does not lead back to it.
    SuppressionMarker;
    /// RFC 6962 leaf hash of a ledger entry: SHA-256 of 0x00 and the entry.
    LeafHash;
}

/// The ledger index of the entry that put an answer or a change on record, counted from 0.
///
/// It is also the version of every record that the same commit wrote, so a record names the entry
/// of its last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Receipt(pub u64);
