//! Checking a certificate without the service: who signed it, that the ledger holds it, and that what it
//! says hangs together.

use jiff::Timestamp;
use signpost_core::entry::Entry;
use signpost_core::terms::{Action, Outcome, PurgeState, ScopeKind};
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::note::{Note, NoteError};
use signpost_ledger::tree::hash::Hash;
use signpost_ledger::tree::proof::ProofError;

use super::body::{BodyError, Certificate, Step};
use super::digest;
use super::file::{CertificateFile, FileError};

/// A certificate that was checked.
#[derive(Debug)]
pub struct Verified {
    /// What it says.
    pub certificate: Certificate,
    /// The checkpoint that covers it.
    pub checkpoint: Checkpoint,
    /// The witnesses that cosigned that, each with the time it did so, in seconds since 1970.
    pub witnesses: Vec<(VerifierKey, Option<u64>)>,
}

/// Why a certificate certifies nothing.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The certificate is not signed by the ledger's key.
    #[error("the certificate: {0}")]
    Note(NoteError),
    /// Its text is none.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The checkpoint is not signed by the ledger's key, or not cosigned by a witness.
    #[error("the checkpoint: {0}")]
    Checkpoint(NoteError),
    /// It names another ledger.
    #[error("it is of the ledger {named}, and the key of the ledger {key}")]
    Ledger {
        /// The ledger it names.
        named: String,
        /// That of the key.
        key: String,
    },
    /// The entry is not under the checkpoint.
    #[error("its entry is not under the checkpoint: {0}")]
    Proof(#[from] ProofError),
    /// The entry is not the one of this certificate.
    #[error("its entry {0}")]
    Entry(&'static str),
    /// What it says contradicts itself, or certifies no destruction.
    #[error("it contradicts itself: {0}")]
    Contradiction(&'static str),
}

/// The steps of every purge, in their order, but for the certificate itself. There may be two approvals.
const STEPS: [PurgeState; 8] = [
    PurgeState::Planned,
    PurgeState::Approved,
    PurgeState::Frozen,
    PurgeState::Copied,
    PurgeState::Switched,
    PurgeState::KeysDestroyed,
    PurgeState::FilesRemoved,
    PurgeState::Scanned,
];

/// Checks a file of a certificate by the ledger's key, and by those of witnesses: each must have cosigned.
pub fn verify(
    file: &CertificateFile,
    ledger: &VerifierKey,
    witnesses: &[VerifierKey],
) -> Result<Verified, VerifyError> {
    let note = Note::parse(file.certificate.as_bytes()).map_err(VerifyError::Note)?;
    note.verify(ledger).map_err(VerifyError::Note)?;
    let certificate = Certificate::from_text(note.text())?;
    if certificate.ledger != ledger.name() {
        let (named, key) = (certificate.ledger, ledger.name().to_owned());
        return Err(VerifyError::Ledger { named, key });
    }
    let (checkpoint, signed) =
        Checkpoint::open(file.checkpoint.as_bytes(), ledger).map_err(VerifyError::Checkpoint)?;
    let mut cosigned = Vec::with_capacity(witnesses.len());
    for witness in witnesses {
        let at = signed.verify(witness).map_err(VerifyError::Checkpoint)?;
        cosigned.push((witness.clone(), at));
    }
    let entry = file.entry()?;
    file.proof(checkpoint.size)?.verify(&Hash::of_entry(&entry), &checkpoint.root)?;
    check_entry(&entry, &certificate, note.text())?;
    check_body(&certificate, file.index)?;
    Ok(Verified { certificate, checkpoint, witnesses: cosigned })
}

/// That the entry is of this very certificate.
fn check_entry(
    bytes: &[u8; 256],
    certificate: &Certificate,
    text: &str,
) -> Result<(), VerifyError> {
    let entry =
        Entry::try_from(&bytes[..]).map_err(|_| VerifyError::Entry("is of no known format"))?;
    if entry.action() != Action::CertifyPurge || entry.outcome() != Outcome::Done {
        return Err(VerifyError::Entry("is not that of a certificate"));
    }
    if entry.detail() != digest(text) {
        return Err(VerifyError::Entry("is that of another certificate"));
    }
    if certificate.purge.id.parse::<uuid::Uuid>().is_err() {
        return Err(VerifyError::Contradiction("the purge has no id"));
    }
    Ok(())
}

/// That what it says certifies a destruction.
fn check_body(certificate: &Certificate, index: u64) -> Result<(), VerifyError> {
    let wrong = |what| Err(VerifyError::Contradiction(what));
    check_steps(&certificate.steps, index)?;
    let is_approval = |step: &&Step| step.state == PurgeState::Approved.name();
    let approvals = certificate.steps.iter().filter(is_approval).count();
    if certificate.purge.scope == ScopeKind::All.name() && approvals < 2 {
        return wrong("everything was approved by one alone");
    }
    if certificate.after.generation <= certificate.before.generation {
        return wrong("the store is of the same generation as before");
    }
    if certificate.after.ledger_size <= certificate.before.ledger_size {
        return wrong("the ledger did not grow");
    }
    if certificate.keys.is_empty() {
        return wrong("no key was destroyed");
    }
    let (before, after) = (&certificate.searched_before, &certificate.searched_after);
    let sought = |search: &super::body::Search| {
        search.tracers + search.keys + search.sealed_values.unwrap_or_default()
    };
    if before.tracers == 0 || before.keys == 0 || before.found < sought(before) {
        return wrong("the search before did not find all that was planted");
    }
    if after.found > 0 {
        return wrong("the search afterwards found something");
    }
    if sought(after) < sought(before) {
        return wrong("less was searched for afterwards than before");
    }
    Ok(())
}

/// Every step once, in order, with entries and times that rise, and all before the certificate's entry.
fn check_steps(steps: &[Step], index: u64) -> Result<(), VerifyError> {
    let wrong = |what| Err(VerifyError::Contradiction(what));
    let mut names: Vec<&str> = steps.iter().map(|step| step.state.as_str()).collect();
    names.dedup_by(|one, other| one == other && *one == PurgeState::Approved.name());
    if names != STEPS.map(PurgeState::name) {
        return wrong("its steps are not those of a purge");
    }
    // As times: of `12:00:00.5Z` and `12:00:00.512Z` the text of the second comes first.
    let times = steps.iter().map(|step| step.at.parse::<Timestamp>().ok());
    let Some(times) = times.collect::<Option<Vec<_>>>() else {
        return wrong("a step has no time");
    };
    if !times.is_sorted() || steps.windows(2).any(|pair| pair[0].entry >= pair[1].entry) {
        return wrong("its steps are not in order");
    }
    if steps.last().is_none_or(|last| last.entry >= index) {
        return wrong("a step comes after the certificate");
    }
    let mut names = steps.iter().take_while(|step| step.state != PurgeState::Frozen.name());
    let planner = names.next().and_then(|step| step.by.as_ref());
    let approvers: Vec<_> = names.map(|step| step.by.as_ref()).collect();
    let is_other = |place: usize| {
        approvers[place].is_some()
            && approvers[place] != planner
            && !approvers[..place].contains(&approvers[place])
    };
    if planner.is_none() || !(0..approvers.len()).all(is_other) {
        return wrong("it was not planned by one and approved by another");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
