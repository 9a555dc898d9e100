//! Making a data directory, and bringing one that was left in any state back to a store: verify,
//! ask the witnesses, cut at most an unwitnessed tail, then replay what lags.

mod survey;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use crate::durable;
use crate::error::{CreateError, OpenError};
use crate::journal::frame::{FileHeader, FrameId};
use crate::journal::mark::{Mark, MarkFile};
use crate::journal::{self, Journal, JournalReader};
use crate::keyring::sealing;
use crate::layout::{FORMAT, Layout};
use crate::ledger::{LedgerError, LedgerWriter};
use crate::options::Options;
use crate::state::index::Index;
use crate::state::{GenerationKeys, REGISTER_KINDS, Shared, State};
use crate::writer::Tail;
use signpost_core::record::Scope;
use survey::{Position, Survey};

/// A data directory that is ready to be written.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) shared: Arc<Shared>,
    pub(crate) journal: Journal,
    pub(crate) ledger: LedgerWriter,
    pub(crate) mark: MarkFile,
    pub(crate) tail: Tail,
    pub(crate) cut_bytes: u64,
    pub(crate) rebuilt_index: bool,
}

/// Makes a data directory with its first generation.
pub(crate) fn create(options: &Options) -> Result<(), CreateError> {
    const FIRST_GENERATION: u64 = 1;
    let root = &options.data_dir;
    let layout = Layout::new(root);
    durable::create_directory(root).map_err(CreateError::io(root))?;
    if std::fs::read_dir(root).map_err(CreateError::io(root))?.next().is_some() {
        return Err(CreateError::NotEmpty { path: root.clone() });
    }
    if layout.contains(&options.mark_dir).map_err(CreateError::io(&options.mark_dir))? {
        return Err(CreateError::KeyringInside { path: root.clone() });
    }
    let mark = MarkFile::new(&options.mark_dir);
    if mark.path().exists() {
        return Err(CreateError::KeyringInUse { path: mark.path().to_owned() });
    }
    for directory in [layout.generation(FIRST_GENERATION), layout.ledger(), layout.openings()] {
        durable::create_directory(&directory).map_err(CreateError::io(&directory))?;
    }
    let wrapped = GenerationKeys::create(FIRST_GENERATION, &*options.keys)?;
    let keys = layout.keys(FIRST_GENERATION);
    durable::write_durably(&keys, &wrapped.encode()).map_err(CreateError::io(&keys))?;
    let header =
        FileHeader { generation: FIRST_GENERATION, first_entry: 0, random: sealing::random() };
    let journal = layout.journal(FIRST_GENERATION);
    Journal::create(&journal, &header).map_err(CreateError::io(&journal))?;
    layout.write_current(FIRST_GENERATION).map_err(CreateError::io(&layout.current()))?;
    let format = layout.format();
    durable::write_durably(&format, format!("{FORMAT}\n").as_bytes())
        .map_err(CreateError::io(&format))
}

/// Opens a data directory.
pub(crate) fn open(options: &Options) -> Result<Recovered, OpenError> {
    let root = &options.data_dir;
    let layout = Layout::new(root);
    layout.check_format()?;
    let lock = layout.take_lock()?;
    if layout.contains(&options.mark_dir).map_err(OpenError::io(&options.mark_dir))? {
        return Err(OpenError::KeyringInside { path: root.clone() });
    }
    let generation = layout.read_current()?;
    let keys_path = layout.keys(generation);
    let keys = std::fs::read(&keys_path).map_err(OpenError::io(&keys_path))?;
    let keys = GenerationKeys::unwrap(generation, &*options.keys, &keys)?;
    let mark_file = MarkFile::new(&options.mark_dir);
    let mark = read_mark(&mark_file, &layout, generation)?;

    let index_path = layout.index(generation);
    let index_was_there = index_path.exists();
    let index = Index::open(&index_path, options.index_cache_bytes);
    let index_frame = index.as_ref().map_or(NO_FRAME, Index::frame);
    let survey = Survey::take(&layout, generation, mark, index_frame)?;
    survey.check_witnesses(&layout, mark, index_frame)?;
    let cut_bytes = cut_unwitnessed_tail(&survey)?;

    let (mut index, rebuilt_index) = match agreeing(index, index_was_there, &survey) {
        Ok(index) => (index, false),
        Err(why) => (remake_index(&index_path, options, &why, &survey)?, survey.last.number > 0),
    };
    let mut ledger = LedgerWriter::new(layout.clone());
    let drained = mark.map_or(0, |mark| mark.drained);
    let from = if index.frame().number == 0 { survey.start } else { survey.resume };
    replay(&survey, from, &mut index, &mut ledger, drained)?;
    let tail = survey.tail();
    if drained < tail.next_entry {
        let mark = Mark { generation, frame: survey.last, drained: tail.next_entry };
        mark_file.write(&mark).map_err(OpenError::io(mark_file.path()))?;
    }

    let journal = Journal::open(&survey.path, survey.end_offset, survey.last)
        .map_err(OpenError::io(&survey.path))?;
    let state = State {
        index: Some(index),
        registers: BTreeMap::new(),
        drained: tail.next_entry,
        entries: VecDeque::new(),
        openings: VecDeque::new(),
        last: survey.last,
        lock: Some(lock),
    };
    let shared = Shared::new(layout, keys, Arc::clone(&options.keys), state);
    fill_registers(&shared, &index_path)?;
    let shared = Arc::new(shared);
    Ok(Recovered { shared, journal, ledger, mark: mark_file, tail, cut_bytes, rebuilt_index })
}

/// Reads the mark; one of a later generation means that an older `CURRENT` was put back.
fn read_mark(file: &MarkFile, layout: &Layout, generation: u64) -> Result<Option<Mark>, OpenError> {
    let mark = file.read().map_err(OpenError::io(file.path()))?;
    match mark {
        Some(mark) if mark.generation > generation => Err(OpenError::damaged(
            &layout.current(),
            0,
            "the high-water mark names a later generation",
        )),
        // A mark of an earlier generation is passed over: the turn to this one came after it.
        mark => Ok(mark.filter(|mark| mark.generation == generation)),
    }
}

/// Cuts a torn last frame off. Every witness was asked before: none has seen it whole.
fn cut_unwitnessed_tail(survey: &Survey) -> Result<u64, OpenError> {
    let cut_bytes = survey.file_len - survey.end_offset;
    if cut_bytes > 0 {
        tracing::warn!(
            journal = %survey.path.display(), offset = survey.end_offset, cut_bytes,
            "an incomplete last frame, which nothing shows to have been acknowledged, is cut off"
        );
    }
    // The sync is needed even where nothing is cut: a killed process leaves frames that are whole
    // in the page cache and not on disk.
    journal::cut_tail(&survey.path, survey.end_offset).map_err(OpenError::io(&survey.path))?;
    Ok(cut_bytes)
}

/// The index, if it can be believed; else why not.
fn agreeing(
    index: Result<Index, String>,
    was_there: bool,
    survey: &Survey,
) -> Result<Index, String> {
    let index = index?;
    let frame = index.frame();
    let empty = frame.number == 0;
    if empty && survey.last.number == 0 {
        Ok(index)
    } else if !was_there {
        Err("it is missing".to_owned())
    } else if empty {
        Err("it is empty".to_owned())
    } else if survey.hash_at_index_frame == Some(frame.hash) {
        Ok(index)
    } else {
        Err("it was built from another journal".to_owned())
    }
}

/// Removes an index that is lost, and makes an empty one.
fn remake_index(
    path: &Path,
    options: &Options,
    why: &str,
    survey: &Survey,
) -> Result<Index, OpenError> {
    tracing::warn!(
        index = %path.display(), why, frames = survey.last.number,
        "the index is built anew from the journal"
    );
    if path.exists() {
        std::fs::remove_dir_all(path).map_err(OpenError::io(path))?;
    }
    Index::open(path, options.index_cache_bytes)
        .map_err(|what| OpenError::Index { path: path.to_owned(), what })
}

/// Applies the frames that the index lacks, and writes the entries and openings that their own
/// files may lack.
fn replay(
    survey: &Survey,
    from: Option<Position>,
    index: &mut Index,
    ledger: &mut LedgerWriter,
    drained: u64,
) -> Result<(), OpenError> {
    let io = OpenError::io(&survey.path);
    let Some(from) = from else { return Ok(()) };
    let mut reader = JournalReader::resume(&survey.path, from.offset, from.last, from.next_entry)
        .map_err(&io)?;
    while reader.offset < survey.end_offset {
        let frame = reader.next_frame().map_err(&io)?;
        let frame = frame.ok_or_else(|| {
            OpenError::damaged(&survey.path, reader.offset, "it changed while it was read")
        })?;
        if frame.id.number > index.frame().number {
            index.apply(frame.id, &frame.body.writes).map_err(|error| OpenError::Index {
                path: survey.index_path.clone(),
                what: error.to_string(),
            })?;
        }
        let skip = drained.saturating_sub(frame.first_entry);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(frame.body.entries.len());
        let openings = &frame.body.openings;
        let skip_openings = openings.partition_point(|opening| opening.entry.0 < drained);
        ledger
            .put_entries(frame.first_entry + skip as u64, &frame.body.entries[skip..])
            .and_then(|()| ledger.put_openings(&openings[skip_openings..]))
            .map_err(|error| ledger_error(&survey.ledger_path, error))?;
    }
    ledger.sync().map_err(|error| ledger_error(&survey.ledger_path, error))
}

fn ledger_error(path: &Path, error: LedgerError) -> OpenError {
    match error {
        LedgerError::NotWritten(source) | LedgerError::NotSynced(source) => {
            OpenError::Io { path: path.to_owned(), source }
        }
    }
}

/// Reads the records that every request reads into memory.
fn fill_registers(shared: &Shared, index_path: &Path) -> Result<(), OpenError> {
    let lost = |what: &str| OpenError::Index { path: index_path.to_owned(), what: what.to_owned() };
    let mut state = shared.write().map_err(|_| lost("the lock is poisoned"))?;
    for kind in REGISTER_KINDS {
        let scope = shared.locate_scope(&Scope::Kind(kind));
        let found = state.index().map_err(|_| lost("it is closed"))?;
        let found =
            found.scan(&scope, None, usize::MAX).map_err(|error| lost(&error.to_string()))?;
        for (location, sealed) in found {
            let stored = shared.unseal(&location, &sealed);
            let stored = stored.map_err(|_| lost("a record does not open under the data key"))?;
            state.registers.insert(location, stored);
        }
    }
    Ok(())
}

const NO_FRAME: FrameId = FrameId { number: 0, hash: [0; 32] };
