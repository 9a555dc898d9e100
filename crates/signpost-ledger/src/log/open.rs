//! Making a log, and taking one up again where its last checkpoint left it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::files::{CHECKPOINT, Files};
use super::reader::{Reader, split_bundle};
use super::{Log, signed};
use crate::disk::Disk;
use crate::error::LedgerError;
use crate::note::Note;
use crate::note::checkpoint::Checkpoint;
use crate::note::signer::LogSigner;
use crate::tree::edge::Edge;
use crate::tree::hash::Hash;
use crate::tree::tile::{Kind, LEVELS_MAX, Tile};

pub(super) fn create(
    disk: Arc<dyn Disk>,
    directory: &Path,
    signer: LogSigner,
) -> Result<Log, LedgerError> {
    let path = directory.join(CHECKPOINT);
    match disk.identity(&path) {
        Ok(_) => return Err(LedgerError::AlreadyThere { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(LedgerError::io(&path)(error)),
    }
    match disk.create_directory(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(LedgerError::not_written(directory)(error));
        }
        _ => {}
    }
    if let Some(above) = directory.parent().filter(|above| !above.as_os_str().is_empty()) {
        disk.sync_directory(above).map_err(LedgerError::not_synced(above))?;
    }
    let origin = signer.verifier().name().to_owned();
    let checkpoint = Checkpoint { origin, size: 0, root: Hash::of_nothing() };
    let note = signed(&signer, &checkpoint).map_err(LedgerError::checkpoint(&path))?;
    let files = Files::open(disk, directory)?;
    files.put_checkpoint(note.to_string().as_bytes())?;
    Ok(log(files, signer, Edge::default(), Vec::new(), (checkpoint, note)))
}

pub(super) fn open(
    disk: Arc<dyn Disk>,
    directory: &Path,
    signer: LogSigner,
) -> Result<Log, LedgerError> {
    let files = Files::open(disk, directory)?;
    let path = files.checkpoint();
    let bytes = files.read_checkpoint()?;
    let (checkpoint, note) =
        Checkpoint::open(&bytes, signer.verifier()).map_err(LedgerError::checkpoint(&path))?;
    let reader = files.reader(checkpoint.clone());
    let edge = read_edge(&reader)?;
    if edge.root() != checkpoint.root {
        let what = "the last tiles do not give the root that it was signed with";
        return Err(LedgerError::damaged(&path, 0, what));
    }
    let bundle = read_bundle(&reader, &edge)?;
    Ok(log(files, signer, edge, bundle, (checkpoint, note)))
}

fn log(
    files: Files,
    signer: LogSigner,
    edge: Edge,
    bundle: Vec<u8>,
    (checkpoint, note): (Checkpoint, Note),
) -> Log {
    let (waiting, outgrown) = (Vec::new(), Vec::new());
    Log { files, signer, edge, bundle, waiting, outgrown, checkpoint, note, is_lost: false }
}

/// The hashes of the partial tiles.
fn read_edge(reader: &Reader) -> Result<Edge, LedgerError> {
    let size = reader.checkpoint().size;
    let mut levels = Vec::new();
    for level in 0..LEVELS_MAX {
        levels.push(match Tile::partial(Kind::Hashes(level), size) {
            Some(tile) => reader.hashes(tile)?,
            None => Vec::new(),
        });
    }
    Ok(Edge::new(size, levels))
}

/// The entries of the partial bundle, once they are seen to have the hashes of the tile.
fn read_bundle(reader: &Reader, edge: &Edge) -> Result<Vec<u8>, LedgerError> {
    let Some(tile) = Tile::partial(Kind::Entries, reader.checkpoint().size) else {
        return Ok(Vec::new());
    };
    let (path, mut bytes) = reader.read(tile)?;
    let entries = split_bundle(&path, &bytes, tile.width)?;
    let mut end = 0;
    for (entry, hash) in entries.into_iter().zip(edge.levels().next().unwrap_or_default()) {
        if Hash::of_entry(entry) != *hash {
            return Err(LedgerError::damaged(
                &path,
                end as u64,
                "the entry is not the one that was signed",
            ));
        }
        end += 2 + entry.len();
    }
    bytes.truncate(end);
    Ok(bytes)
}
