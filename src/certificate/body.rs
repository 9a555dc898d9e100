//! What a certificate says.
//!
//! Of a purge of one child it says the same whether or not anything was known of the child: what was
//! counted of it stands in the annex, for a privacy officer.

use serde::{Deserialize, Serialize};

/// The first words of every certificate, by which its form is known.
pub const FORM: &str = "signpost purge certificate v1";

/// The text of a certificate. Times are RFC 3339 in UTC, ids UUIDs, hashes and digests hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// [`FORM`].
    pub form: String,
    /// The name of the ledger that it stands in.
    pub ledger: String,
    /// The purge.
    pub purge: Purge,
    /// Every step of it, in order, the planning first and the search last.
    pub steps: Vec<Step>,
    /// Ledger and store before anything was destroyed.
    pub before: Roots,
    /// And after everything was.
    pub after: Roots,
    /// How many records of each kind stayed and went; of one child, none are named.
    pub records: Option<Vec<Records>>,
    /// The openings of entries that were erased; of one child, none are named.
    pub openings: Option<Openings>,
    /// Each key that was destroyed; of one child, those of its openings are not named.
    pub keys: Vec<Key>,
    /// The files that were removed.
    pub files: Files,
    /// What was searched for before anything was destroyed: everything had to be found.
    pub searched_before: Search,
    /// What was searched for afterwards: nothing may be found.
    pub searched_after: Search,
    /// Whether the file system discards what is removed, as far as the service can see.
    pub trimming: String,
    /// Copies outside the service, as its operator declared them.
    pub copies: Vec<Copy>,
    /// The legal holds that stood: whom they hold was left out.
    pub holds: Vec<Hold>,
    /// What is left, and why.
    pub residual: Vec<Residual>,
    /// The fields of a certificate of sanitisation (NIST SP 800-88).
    pub sanitisation: Sanitisation,
    /// What did it.
    pub service: Service,
    /// The digest of the certificate before this one, if there is one.
    pub previous: Option<String>,
}

/// What was purged, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purge {
    /// Its id.
    pub id: String,
    /// CHILD, ORGANISATION, SYSTEM, PERSON, EXPIRED or ALL.
    pub scope: String,
    /// Which organisation, system or person; of what day, for EXPIRED. Never which child.
    pub of: Option<String>,
    /// What becomes of a child: FORGET, or SUPPRESS and until when.
    pub mode: Option<String>,
    /// The law it was made under.
    pub legal_authority: String,
    /// Why.
    pub reason: String,
    /// The case file by which somebody answers for it.
    pub case_reference: String,
    /// What was approved.
    pub digest: String,
    /// The last ledger entry before it was planned: later records were not touched.
    pub cut_off: u64,
    /// The openings of entries before this one went, as past their time; if any did.
    pub openings_below: Option<u64>,
    /// The standing order that it was planned by: then planning and approval are the order's.
    pub standing_order: Option<StandingOrder>,
}

/// A standing order, as it was approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingOrder {
    /// Its id.
    pub id: String,
    /// What was approved.
    pub digest: String,
}

/// One step, and its entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// PLANNED, APPROVED, FROZEN, COPIED, SWITCHED, `KEYS_DESTROYED`, `FILES_REMOVED` or SCANNED.
    pub state: String,
    /// When.
    pub at: String,
    /// The index of its ledger entry.
    pub entry: u64,
    /// Who, as the ledger calls them; of a step that the service took by itself, none.
    pub by: Option<String>,
}

/// Where ledger and store stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roots {
    /// How many entries the ledger had.
    pub ledger_size: u64,
    /// The root of its tree (RFC 6962).
    pub ledger_root: String,
    /// The generation of the store.
    pub generation: u64,
    /// The last frame of its journal.
    pub frame: u64,
    /// The hash of that frame.
    pub frame_hash: String,
}

/// Records of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Records {
    /// The kind.
    pub kind: String,
    /// How many were carried over.
    pub stayed: u64,
    /// How many were left behind, and are gone.
    pub went: u64,
}

/// Openings of entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Openings {
    /// How many were erased.
    pub erased: u64,
    /// How many segments were rewritten under new keys for it.
    pub segments: u64,
}

/// A key that was destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// What it was called; it tells nothing of the key.
    pub id: String,
    /// Who had it in custody, and what that cannot exclude.
    pub custody: String,
    /// What was done.
    pub method: String,
    /// The file system that it lay on, if it lay in a file.
    pub file_system: Option<String>,
}

/// Files that were removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// How many.
    pub removed: u64,
    /// How many bytes they held.
    pub bytes: u64,
}

/// A search of every file of data directory and keyring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// How many files were read.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many tracers were searched for.
    pub tracers: u64,
    /// How many keys, as they lay in files.
    pub keys: u64,
    /// How many sealed values in scope; of one child, none are named.
    pub sealed_values: Option<u64>,
    /// How many of all these were found.
    pub found: u64,
}

/// A copy outside the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// What it is: a backup, a replica, an export, a case system's sealed pseudonyms.
    pub what: String,
    /// Who has it.
    pub owner: String,
    /// How it ends.
    pub method: String,
    /// The day by which it has ended.
    pub lapses: String,
}

/// A legal hold that stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// Its id.
    pub id: String,
    /// Its case file.
    pub case_reference: String,
}

/// Something that is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Residual {
    /// What.
    pub what: String,
    /// Why it stays.
    pub why: String,
}

/// The fields of a certificate of sanitisation (NIST SP 800-88). What only people know is empty, to be
/// filled in by hand on the printed page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sanitisation {
    /// The medium, as the operator declared it.
    pub medium: Medium,
    /// CLEAR, PURGE or DESTROY, in the standard's sense.
    pub description: String,
    /// How.
    pub method: String,
    /// The tool and its version.
    pub tool: String,
    /// How it was verified.
    pub verification: String,
}

/// A medium.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Medium {
    /// Who made it.
    pub manufacturer: String,
    /// Its model.
    pub model: String,
    /// Its serial number.
    pub serial: String,
    /// Its number in the organisation's register of property.
    pub property_number: String,
    /// What kind of medium it is.
    pub kind: String,
    /// Where it was used.
    pub source: String,
    /// Where it goes.
    pub destination: String,
}

/// What ran the purge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The program and its version.
    pub program: String,
    /// Where the pseudonymiser runs: who could have made pseudonyms by guessing.
    pub pseudonymiser: String,
    /// What the times go by.
    pub time: String,
}

impl Certificate {
    /// The text that is signed: JSON over lines, ended by one.
    #[must_use]
    pub fn to_text(&self) -> String {
        let json = serde_json::to_string_pretty(self).expect("strings, numbers and lists");
        json + "\n"
    }

    /// Reads a text. One that another form of it would write differently is refused, so that there is
    /// one text for each certificate.
    pub fn from_text(text: &str) -> Result<Self, BodyError> {
        let read: Self = serde_json::from_str(text)?;
        if read.form != FORM {
            return Err(BodyError::Form);
        }
        if read.to_text() == text { Ok(read) } else { Err(BodyError::Text) }
    }
}

/// Why a text is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is not JSON of this form.
    #[error("it is no certificate: {0}")]
    Json(#[from] serde_json::Error),
    /// It is of another form.
    #[error("it is no certificate of the form `{FORM}`: use the program that knows its form")]
    Form,
    /// It says the same in other bytes.
    #[error("its text is not laid out as certificates are")]
    Text,
}
