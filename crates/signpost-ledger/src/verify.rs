//! The offline verifier: recomputes a copied directory from its entries, and believes nothing else.
//!
//! It has its own tree and paths (RFC 6962, C2SP tlog-tiles), so that an error of the log's is none
//! of the verifier's; the parser of notes is shared. What it holds:
//!
//! - the checkpoint is signed by the log's key, and by each witness that is asked for;
//! - every bundle is entries and nothing else, as many as the checkpoint says, and each entry is
//!   right by itself, which the caller tells ([`entries::EntryRules`] for the service's own);
//! - every tile, and every partial form of one, holds the hashes of these entries;
//! - the root of the entries is the checkpoint's;
//! - an older checkpoint that the caller kept is that of the first entries. This alone finds an
//!   older copy of everything, which is in itself without fault.
//!
//! Files behind the checkpoint's size are no part of it: a log may die between writing and signing.
//! They are counted. Memory does not grow with the log, and no entry costs an allocation.

pub mod entries;
mod files;
mod tree;

use std::io;
use std::path::{Path, PathBuf};

use crate::note::checkpoint::Checkpoint;
use crate::note::key::VerifierKey;
use crate::note::{NOTE_LEN_MAX, NoteError};
use files::{Files, Found};
use tree::Tree;

/// What is to be verified, and by which keys.
#[derive(Debug)]
pub struct Verification<'v> {
    directory: &'v Path,
    log: &'v VerifierKey,
    since: Option<&'v [u8]>,
    witnesses: &'v [VerifierKey],
}

/// What was verified, and found to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The checkpoint of the directory.
    pub checkpoint: Checkpoint,
    /// When each of the witnesses signed it, in the order they were given: seconds since 1970, if
    /// the key's algorithm tells.
    pub cosigned: Vec<Option<u64>>,
    /// The older checkpoint, of which it is a continuation.
    pub since: Option<Checkpoint>,
    /// How many tiles and bundles were compared.
    pub files: u64,
    /// How many files of the directory `tile` the checkpoint does not cover.
    pub uncovered: u64,
}

/// The first thing that does not fit.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A file is missing or cannot be read.
    #[error("cannot read {}: copy it anew", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The checkpoint is not what the keys say.
    #[error("the checkpoint {} is not to be relied on", .path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        source: NoteError,
    },
    /// The checkpoint that was kept is not one of this log's.
    #[error("the older checkpoint that was given is not to be relied on")]
    Since {
        /// Why.
        source: NoteError,
    },
    /// The directory is older than the checkpoint that was kept.
    #[error(
        "the log has {size} entries, and had {since} when the older checkpoint was signed: \
         this is an older copy, or entries were removed"
    )]
    Older {
        /// How many there are.
        size: u64,
        /// How many there were.
        since: u64,
    },
    /// The first entries are not those of the checkpoint that was kept.
    #[error(
        "the first {since} entries are not those that the older checkpoint was signed for: \
         the log was rewritten"
    )]
    Rewritten {
        /// The size of the older checkpoint.
        since: u64,
    },
    /// A bundle is no sequence of as many entries as there should be.
    #[error("{} is wrong at offset {offset}, entry {index}: {what}", .path.display())]
    Bundle {
        /// The bundle.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// The index of the entry that should be there.
        index: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// An entry is not right by itself.
    #[error("entry {index}, in {} at offset {offset}: {what}", .path.display())]
    Entry {
        /// The bundle.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// The index of the entry.
        index: u64,
        /// What the caller says of it.
        what: String,
    },
    /// A tile holds another hash than the entries have.
    #[error("{} is wrong at offset {offset}: {what} from entry {index} on: \
         the tile or these entries were changed", .path.display())]
    Tile {
        /// The tile, or a partial form of a tile or bundle.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// The first entry that this place stands for.
        index: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// Entries and tiles agree with each other and not with the checkpoint.
    #[error("the {size} entries have not the root that {} was signed for: \
         entries and tiles were changed together, or the checkpoint is of other entries", .path.display())]
    Root {
        /// The checkpoint.
        path: PathBuf,
        /// How many entries.
        size: u64,
    },
}

impl<'v> Verification<'v> {
    /// Verifies the copy in this directory of the log of this key.
    #[must_use]
    pub fn new(directory: &'v Path, log: &'v VerifierKey) -> Self {
        Self { directory, log, since: None, witnesses: &[] }
    }

    /// Also that the log is a continuation of what it was at an older checkpoint: the note's bytes.
    #[must_use]
    pub fn since(self, note: &'v [u8]) -> Self {
        Self { since: Some(note), ..self }
    }

    /// Also that each of these witnesses signed the checkpoint.
    #[must_use]
    pub fn witnesses(self, witnesses: &'v [VerifierKey]) -> Self {
        Self { witnesses, ..self }
    }

    /// Verifies it. `check` is asked about every entry, by its index and bytes; `progress` is told,
    /// after each bundle, how many entries are done of how many.
    pub fn run(
        &self,
        check: impl FnMut(u64, &[u8]) -> Result<(), String>,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Verified, VerifyError> {
        let (checkpoint, cosigned) = self.read_checkpoint()?;
        let since = self.read_since(checkpoint.size)?;
        let files = Files::new(self.directory, checkpoint.size);
        let mut pass = Pass { files, tree: Tree::default(), since: since.as_ref(), check };
        pass.compare_since()?;
        while pass.tree.size() < checkpoint.size {
            pass.take_bundle()?;
            progress(pass.tree.size(), checkpoint.size);
        }
        pass.compare_partials()?;
        if pass.tree.root() != *checkpoint.root.as_bytes() {
            let path = self.directory.join("checkpoint");
            return Err(VerifyError::Root { path, size: checkpoint.size });
        }
        let files = pass.files.compared();
        let uncovered = pass.files.count()?.saturating_sub(files);
        Ok(Verified { checkpoint, cosigned, since, files, uncovered })
    }

    fn read_checkpoint(&self) -> Result<(Checkpoint, Vec<Option<u64>>), VerifyError> {
        let path = self.directory.join("checkpoint");
        let mut bytes = Vec::new();
        files::read_at_most(NOTE_LEN_MAX as u64, &path, &mut bytes)
            .map_err(|source| VerifyError::Io { path: path.clone(), source })?;
        let wrong = |source| VerifyError::Checkpoint { path: path.clone(), source };
        let (checkpoint, note) = Checkpoint::open(&bytes, self.log).map_err(wrong)?;
        let mut cosigned = Vec::new();
        for witness in self.witnesses {
            cosigned.push(note.verify(witness).map_err(wrong)?);
        }
        Ok((checkpoint, cosigned))
    }

    fn read_since(&self, size: u64) -> Result<Option<Checkpoint>, VerifyError> {
        let Some(note) = self.since else { return Ok(None) };
        let (since, _) =
            Checkpoint::open(note, self.log).map_err(|source| VerifyError::Since { source })?;
        if since.size > size {
            return Err(VerifyError::Older { size, since: since.size });
        }
        Ok(Some(since))
    }
}

/// One way through all entries.
struct Pass<'v, C> {
    files: Files,
    tree: Tree,
    since: Option<&'v Checkpoint>,
    check: C,
}

impl<C: FnMut(u64, &[u8]) -> Result<(), String>> Pass<'_, C> {
    /// Takes the entries of the next bundle, and compares what they complete.
    fn take_bundle(&mut self) -> Result<(), VerifyError> {
        self.files.read_bundle(self.tree.size())?;
        if let Err(error) = self.take_entries() {
            // A wrong entry may show late. The tile knows the first.
            let tile = self.tree.first_tile();
            let found = Found { level: 0, number: tile.number, hashes: &tile.hashes };
            return Err(self.files.find_first_unlike(found).unwrap_or(error));
        }
        for (level, tile) in self.tree.full_tiles() {
            self.files.compare_tile(Found { level, number: tile.number, hashes: &tile.hashes })?;
        }
        self.tree.clear_full_tiles();
        Ok(())
    }

    fn take_entries(&mut self) -> Result<(), VerifyError> {
        for place in 0..self.files.bundle_len() {
            let index = self.tree.size();
            let (entry, offset) = self.files.entry(place);
            if let Err(what) = (self.check)(index, entry) {
                let path = self.files.bundle_path();
                return Err(VerifyError::Entry { path, offset: offset as u64, index, what });
            }
            self.tree.push(entry);
            self.compare_since()?;
        }
        self.files.end_bundle()
    }

    /// Compares the last tile of each level, which is not full.
    fn compare_partials(&mut self) -> Result<(), VerifyError> {
        for (level, tile) in self.tree.partial_tiles() {
            self.files.compare_tile(Found { level, number: tile.number, hashes: &tile.hashes })?;
        }
        Ok(())
    }

    fn compare_since(&self) -> Result<(), VerifyError> {
        match self.since {
            Some(since)
                if since.size == self.tree.size() && *since.root.as_bytes() != self.tree.root() =>
            {
                Err(VerifyError::Rewritten { since: since.size })
            }
            _ => Ok(()),
        }
    }
}
