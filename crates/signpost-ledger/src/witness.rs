//! A witness (C2SP tlog-witness): it cosigns a checkpoint only where that holds all of the one it
//! cosigned before, so that a log cannot show two histories to two people.

pub mod request;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::disk::Disk;
use crate::durable;
use crate::error::LedgerError;
use crate::note::checkpoint::Checkpoint;
use crate::note::key::VerifierKey;
use crate::note::signer::WitnessSigner;
use crate::note::{Note, NoteError, Signature};
use crate::tree::hash::Hash;
use crate::tree::proof::{ConsistencyProof, ProofError};
use request::Request;

/// Cosigns for the logs that it was told of.
///
/// Its directory holds, for each log, the note that it cosigned last, in a file of the name of the
/// SHA-256 of the log's origin in hexadecimal. Without that file a log is new to it: whoever can
/// remove it can show the witness another history. The directory must be this process's alone.
#[derive(Debug)]
pub struct Witness {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    signer: WitnessSigner,
    logs: Vec<Seen>,
    is_lost: bool,
}

/// What the witness has seen of a log.
#[derive(Debug)]
struct Seen {
    key: VerifierKey,
    /// What it cosigned last; of size 0 before the first.
    latest: Checkpoint,
    /// The note as it lies in its file; none before the first.
    kept: Option<Vec<u8>>,
}

/// Why a witness does not cosign.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is no request.
    #[error("not a request to cosign: {0}")]
    Malformed(&'static str),
    /// The checkpoint is no note, or not one of a tree.
    #[error("the checkpoint cannot be read")]
    Note(#[source] NoteError),
    /// The log is none of those that the witness was told of.
    #[error("this witness does not know the log")]
    UnknownLog,
    /// The log did not sign it.
    #[error("the checkpoint is not signed by the log's key that this witness was told of")]
    NotSigned(#[source] NoteError),
    /// The proof begins where the tree ends.
    #[error("the old size is larger than the checkpoint's")]
    Backwards,
    /// The proof does not begin at what was cosigned last.
    #[error("the checkpoint that was cosigned last has size {latest}: prove from there")]
    OtherSize {
        /// That size.
        latest: u64,
    },
    /// The log has signed two trees of one size.
    #[error("a tree of size {size} with another root was cosigned: the log has two histories")]
    OtherRoot {
        /// That size.
        size: u64,
    },
    /// The new tree does not hold the old one.
    #[error("the checkpoint does not hold what was cosigned last")]
    NotConsistent(#[source] ProofError),
    /// The witness cannot keep what it would cosign.
    #[error("the witness cannot keep the checkpoint, and so does not cosign it")]
    NotKept(#[source] LedgerError),
}

impl Witness {
    /// Opens a directory that is there, and what it keeps of these logs.
    pub fn open(
        disk: Arc<dyn Disk>,
        directory: &Path,
        signer: WitnessSigner,
        logs: Vec<VerifierKey>,
    ) -> Result<Self, LedgerError> {
        disk.identity(directory).map_err(LedgerError::io(directory))?;
        let seen = |key| Seen::read(&*disk, directory, &signer, key);
        let logs = logs.into_iter().map(seen).collect::<Result<_, _>>()?;
        Ok(Self { disk, directory: directory.to_owned(), signer, logs, is_lost: false })
    }

    /// The note that was cosigned last of the log of this name ([`name_of`]), with its signatures: what
    /// shows to anybody which history was seen.
    #[must_use]
    pub fn kept(&self, name: &str) -> Option<&[u8]> {
        let seen = self.logs.iter().find(|log| name_of(log.key.name()) == name)?;
        seen.kept.as_deref()
    }

    /// Cosigns a checkpoint at this time, in seconds since 1970, if it holds all that was cosigned
    /// of its log before. What is cosigned is kept first, durably. The last one is cosigned anew at
    /// the new time; that time is not kept.
    pub fn add_checkpoint(&mut self, request: Request, time: u64) -> Result<Signature, Refused> {
        let Request { old_size, path, note } = request;
        let origin = note.text().lines().next().unwrap_or_default();
        let place = self.logs.iter().position(|log| log.key.name() == origin);
        let place = place.ok_or(Refused::UnknownLog)?;
        let seen = &self.logs[place];
        let (checkpoint, note) = Checkpoint::open(note.to_string().as_bytes(), &seen.key).map_err(
            |error| match error {
                NoteError::Malformed { .. } => Refused::Note(error),
                NoteError::NotSigned { .. } | NoteError::BadSignature { .. } => {
                    Refused::NotSigned(error)
                }
            },
        )?;
        seen.check(&checkpoint, old_size, path)?;
        let cosignature = self.signer.cosign(&note, time).ok_or(Refused::Malformed(
            "the witness's clock is beyond any time that can be signed",
        ))?;
        // Nothing new: whoever asks for it again and again costs no disk.
        if seen.has_kept(&note) && !self.is_lost {
            return Ok(cosignature);
        }
        let kept = kept_form(&note, &seen.key, cosignature.clone())?;
        self.keep(place, checkpoint, kept).map_err(Refused::NotKept)?;
        Ok(cosignature)
    }

    fn keep(
        &mut self,
        place: usize,
        checkpoint: Checkpoint,
        note: Vec<u8>,
    ) -> Result<(), LedgerError> {
        let path = path_of(&self.directory, &checkpoint.origin);
        let kept = if self.is_lost {
            Err(lost(&path, "an earlier write failed"))
        } else {
            self.check_ours(&path, self.logs[place].kept.as_deref())
                .and_then(|()| self.put(&path, &note))
        };
        if let Err(error) = kept {
            self.is_lost |= error.is_final();
            return Err(error);
        }
        let seen = &mut self.logs[place];
        (seen.latest, seen.kept) = (checkpoint, Some(note));
        Ok(())
    }

    fn put(&self, path: &Path, note: &[u8]) -> Result<(), LedgerError> {
        durable::put(&*self.disk, path, note)?;
        let synced = self.disk.sync_directory(&self.directory);
        synced.map_err(LedgerError::not_synced(&self.directory))
    }

    /// That the file is as it was left: another may have put an older one there.
    fn check_ours(&self, path: &Path, kept: Option<&[u8]>) -> Result<(), LedgerError> {
        let found = read(&*self.disk, path)?;
        if found.as_deref() == kept {
            Ok(())
        } else {
            Err(lost(path, "it is not what the witness wrote last"))
        }
    }
}

impl Seen {
    fn read(
        disk: &dyn Disk,
        directory: &Path,
        signer: &WitnessSigner,
        key: VerifierKey,
    ) -> Result<Self, LedgerError> {
        let path = path_of(directory, key.name());
        let Some(kept) = read(disk, &path)? else {
            let origin = key.name().to_owned();
            let latest = Checkpoint { origin, size: 0, root: Hash::of_nothing() };
            return Ok(Self { key, latest, kept: None });
        };
        let opened = Checkpoint::open(&kept, &key);
        let (latest, note) = opened.map_err(LedgerError::checkpoint(&path))?;
        note.verify(signer.verifier()).map_err(LedgerError::checkpoint(&path))?;
        Ok(Self { key, latest, kept: Some(kept) })
    }

    /// Whether this very text was cosigned last.
    fn has_kept(&self, note: &Note) -> bool {
        let kept = self.kept.as_deref().and_then(|kept| kept.strip_prefix(note.text().as_bytes()));
        kept.is_some_and(|signatures| signatures.starts_with(b"\n"))
    }

    /// The checks of C2SP tlog-witness, in their order.
    fn check(&self, new: &Checkpoint, old_size: u64, path: Vec<Hash>) -> Result<(), Refused> {
        let latest = &self.latest;
        if old_size > new.size {
            return Err(Refused::Backwards);
        }
        if old_size != latest.size {
            return Err(Refused::OtherSize { latest: latest.size });
        }
        if new.size == latest.size && new.root != latest.root {
            return Err(Refused::OtherRoot { size: new.size });
        }
        let proof = ConsistencyProof { old_size, new_size: new.size, path };
        proof.verify(&latest.root, &new.root).map_err(Refused::NotConsistent)
    }
}

/// What is kept of a note: its text, the log's signature and ours. The request may bear as many lines
/// of others as can be read, and ours behind them would make a note that cannot be.
fn kept_form(note: &Note, log: &VerifierKey, ours: Signature) -> Result<Vec<u8>, Refused> {
    let kept = Note::new(note.text().to_owned()).map_err(Refused::Note)?;
    let kept = note.signature_by(log).cloned().into_iter().chain([ours]).fold(kept, Note::with);
    let kept = kept.to_string().into_bytes();
    Checkpoint::open(&kept, log).map_err(Refused::Note)?;
    Ok(kept)
}

/// The name of a log among files and paths: SHA-256 of its origin, in 64 hexadecimal digits.
#[must_use]
pub fn name_of(origin: &str) -> String {
    Hash::new(Sha256::digest(origin).into()).to_string()
}

fn path_of(directory: &Path, origin: &str) -> PathBuf {
    directory.join(name_of(origin))
}

fn read(disk: &dyn Disk, path: &Path) -> Result<Option<Vec<u8>>, LedgerError> {
    match disk.read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LedgerError::io(path)(error)),
    }
}

fn lost(path: &Path, what: &'static str) -> LedgerError {
    LedgerError::Lost { path: path.to_owned(), what, source: None }
}
