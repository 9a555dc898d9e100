//! Bringing a data directory that was left in any state back to a store: verify, ask the evidence,
//! cut at most a tail that none shows to have been whole, then replay what lags.

mod compare;
mod create;
mod rebuild;
pub(crate) mod survey;
mod tail;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use signpost_core::record::Scope;

use crate::current::Current;
use crate::disk::Disk;
use crate::durable;
use crate::erase::note::Erasures;
use crate::erase::rewrite::{self, RewriteError};
use crate::error::OpenError;
use crate::journal::Journal;
use crate::journal::frame::FrameId;
use crate::journal::mark::{Mark, MarkFile};
use crate::journal::reader::{JournalReader, Position};
use crate::keyring::sealing::SealingKey;
use crate::layout::Layout;
use crate::ledger::{LedgerError, LedgerWriter};
use crate::options::Options;
use crate::state::condition::{ConditionState, FREE_BYTES_MIN, has_room};
use crate::state::generation::{Generation, GenerationKeys};
use crate::state::index::{Index, Trust, wait_until_released};
use crate::state::pending::{Begun, Pending};
use crate::state::registers::{REGISTER_KINDS, Registers, register_key};
use crate::state::seal;
use crate::state::{Shared, read_segment_key};
use crate::turn::unrecorded::Unrecorded;
use crate::turn::{Retired, Turn, destroy};
use crate::writer::Tail;
use rebuild::Rebuild;
use survey::{Place, Survey};

pub(crate) use create::create;

/// A data directory that is ready to be written.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) shared: Arc<Shared>,
    pub(crate) current: Current,
    pub(crate) journal: Journal,
    pub(crate) ledger: LedgerWriter,
    pub(crate) mark: MarkFile,
    pub(crate) marked: Mark,
    pub(crate) tail: Tail,
    pub(crate) cut_bytes: u64,
    pub(crate) rebuilt_index: bool,
}

/// Opens a data directory.
pub(crate) fn open(options: &Options) -> Result<Recovered, OpenError> {
    let root = &options.data_dir;
    let layout = Layout::new(root);
    let disk = &options.disk;
    layout.check_format(&**disk)?;
    let lock = layout.take_lock()?;
    let (current, mark_file, mark) = read_current(options, &layout)?;
    let keys = read_keys(options, &layout, current.generation)?;

    let index_path = layout.index(current.generation);
    let (index, was_there) = open_index(options, &layout, &keys)?;
    let index_frame = index.as_ref().map_or(FrameId::NONE, Index::frame);
    let progress = &*options.progress;
    let (evidence, full) = (options.evidence, options.segment_openings_max);
    let place = Place {
        disk,
        layout: &layout,
        current: &current,
        mark,
        evidence,
        index_frame,
        full,
        progress,
    };
    let survey = Survey::take(&place)?;
    survey.check_evidence(&place)?;
    let segment_key = read_last_segment_key(options, &layout, &survey)?;
    give_up_reserve(&**disk, &layout);
    let unrecorded = read_unrecorded(&**disk, &layout, &survey)?;
    let erasures = Erasures::read(&**disk, &layout)?;
    settle_erasure(options, &layout)?;
    let retired = look_at_others(options, &layout, &current)?;
    let settled = tail::settle(disk, &layout, &survey)?;

    let (index, rebuilt_index) = match agreeing(index, was_there, &survey) {
        Ok(index) => (index, false),
        Err(why) => (remake_index(&index_path, options, &why, &survey)?, survey.last_write > 0),
    };
    let mut ledger = LedgerWriter::new(layout.clone(), Arc::clone(disk));
    let from = if index.frame().number == 0 { Some(survey.start) } else { survey.resume };
    if let Some(from) = from {
        replay(&place, settled.now(from), &index, &mut ledger)?;
    }
    let tail = Tail { segment_key, ..survey.tail() };
    let end = settled.end;
    let marked = Mark { generation: current.generation, frame: end.last, drained: tail.next_entry };
    if marked != mark {
        mark_file.write(&marked).map_err(OpenError::io(mark_file.path()))?;
    }

    let path = layout.journal(current.generation, end.file);
    let journal = Journal::open(disk, &path, end.offset, end.last).map_err(OpenError::io(&path))?;
    let condition = open_condition(options, &layout)?;
    let generation = Generation { keys, index };
    let registers = fill_registers(&generation, &index_path)?;
    let pending = Pending {
        drained: tail.next_entry,
        segments: survey.extent(&place),
        entries: VecDeque::new(),
        openings: VecDeque::new(),
        generation: current.generation,
        last: end.last,
        begun: Begun::from(&current),
    };
    let place = (Arc::clone(disk), layout, Arc::clone(&options.keys));
    let noted = (pending, unrecorded, erasures);
    let held = (condition, lock, options.mark_dir.clone());
    let turn =
        retired.map_or(Turn::None, |number| Turn::Switched(Retired { number, generation: None }));
    let shared = Shared::new(place, (generation, turn), registers, noted, held);
    shared.set_grown_bytes(survey.grown_bytes);
    let (shared, cut_bytes) = (Arc::new(shared), survey.cut_bytes());
    let mark = mark_file;
    Ok(Recovered { shared, current, journal, ledger, mark, marked, tail, cut_bytes, rebuilt_index })
}

/// Opens the index, as far as it opens, and says whether there was one.
fn open_index(
    options: &Options,
    layout: &Layout,
    keys: &GenerationKeys,
) -> Result<(Result<Index, String>, bool), OpenError> {
    let path = layout.index(keys.generation);
    let was_there = path.exists();
    let is_sealed = seal::break_open(&*options.disk, layout, keys);
    let is_sealed = is_sealed.map_err(OpenError::io(&layout.index_seal(keys.generation)))?;
    let trust = if is_sealed { Trust::Sealed } else { Trust::None };
    Ok((Index::open(&path, options.index_cache_bytes, trust), was_there))
}

fn open_condition(options: &Options, layout: &Layout) -> Result<ConditionState, OpenError> {
    let reserve = layout.reserve();
    ConditionState::open(&options.disk, &reserve, options.slow_after)
        .map_err(OpenError::io(&reserve))
}

/// Reads `CURRENT` and the mark. A mark of a later generation means that an older `CURRENT` was put
/// back.
pub(crate) fn read_current(
    options: &Options,
    layout: &Layout,
) -> Result<(Current, MarkFile, Mark), OpenError> {
    let disk = &options.disk;
    if layout.contains(&options.mark_dir).map_err(OpenError::io(&options.mark_dir))? {
        return Err(OpenError::KeyringInside { path: options.data_dir.clone() });
    }
    let current = Current::read(&**disk, layout)?;
    let file = MarkFile::new(Arc::clone(disk), &options.mark_dir);
    let mark = match file.read() {
        Ok(Some(mark)) => mark,
        Ok(None) => return Err(OpenError::MarkMissing { path: file.path().to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            let what = "it is not what was written to it";
            return Err(OpenError::damaged(file.path(), 0, what));
        }
        Err(source) => return Err(OpenError::Io { path: file.path().to_owned(), source }),
    };
    if mark.generation > current.generation {
        let what = "the high-water mark beside the keyring names a later generation";
        return Err(OpenError::damaged(&layout.current(), 0, what));
    }
    Ok((current, file, mark))
}

pub(crate) fn read_keys(
    options: &Options,
    layout: &Layout,
    generation: u64,
) -> Result<GenerationKeys, OpenError> {
    let path = layout.keys(generation);
    let keys = durable::read(&*options.disk, &path).map_err(OpenError::io(&path))?;
    GenerationKeys::unwrap(generation, &*options.keys, &keys).map_err(OpenError::key(&path))
}

/// The key of the segment that openings go to. Without it those that are there could not be opened,
/// nor any be added: a new key under the old name would be no help.
fn read_last_segment_key(
    options: &Options,
    layout: &Layout,
    survey: &Survey,
) -> Result<Option<Arc<SealingKey>>, OpenError> {
    let Tail { segment, closed, .. } = survey.tail();
    // The next opening goes to a new one.
    if segment <= closed {
        return Ok(None);
    }
    let key = read_segment_key(&*options.disk, layout, &*options.keys, segment);
    let key = key.map_err(OpenError::key(&layout.segment_key(segment)))?;
    Ok(Some(Arc::new(key)))
}

/// Brings what an erasure that was cut short has left into order.
fn settle_erasure(options: &Options, layout: &Layout) -> Result<(), OpenError> {
    rewrite::settle(&*options.disk, layout, &*options.keys).map_err(|error| match error {
        RewriteError::Io { path, source } => OpenError::Io { path, source },
        RewriteError::Key(error) => OpenError::key(&layout.openings())(error),
        RewriteError::Unknown(source) => OpenError::Io { path: layout.openings(), source },
        RewriteError::Damaged => OpenError::damaged(&layout.openings(), 0, "a key is damaged"),
    })
}

/// What a start has to write may need the space. The reserve is taken again at its end.
fn give_up_reserve(disk: &dyn Disk, layout: &Layout) {
    let given_up = disk.open(&layout.reserve()).and_then(|reserve| reserve.set_len(0));
    if let Err(error) = given_up
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "the reserve could not be given up");
    }
}

/// Looks what a turn that was cut short has left. What never came into use goes at once; the generation
/// that was in use before is given, for its destruction asks the clock and can be tried again.
fn look_at_others(
    options: &Options,
    layout: &Layout,
    current: &Current,
) -> Result<Option<u64>, OpenError> {
    let disk = &options.disk;
    let others = layout.generations(&**disk).map_err(OpenError::io(&layout.root))?;
    // That takes no space, and gives some back.
    for generation in others.iter().copied().filter(|number| *number > current.generation) {
        tracing::warn!(generation, "a turn was cut short: what never came into use goes");
        if let Err(error) = destroy::destroy(&**disk, layout, &*options.keys, generation) {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, generation, "it is still there; the next turn removes it first");
        }
    }
    // No turn begins before the last one is over: there is one at most.
    let retired = others.into_iter().rfind(|number| *number < current.generation);
    if retired.is_some() {
        // What was read may be in memory alone, where the sync of its name failed or never came to
        // be: a power cut would then bring back a CURRENT whose generation has no key.
        current.write(disk, layout).map_err(OpenError::io(&layout.current()))?;
    }
    Ok(retired)
}

fn read_unrecorded(
    disk: &dyn Disk,
    layout: &Layout,
    survey: &Survey,
) -> Result<Unrecorded, OpenError> {
    let mut unrecorded = Unrecorded::read(disk, layout)?;
    for generation in &survey.recorded {
        unrecorded.let_go(disk, layout, *generation);
    }
    Ok(unrecorded)
}

/// The index, if it can be believed; else why not.
pub(crate) fn agreeing(
    index: Result<Index, String>,
    was_there: bool,
    survey: &Survey,
) -> Result<Index, String> {
    let index = index?;
    let frame = index.frame();
    let empty = frame.number == 0;
    if empty && survey.last_write == 0 {
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
        index = %path.display(), why, frames = survey.end.last.number,
        "the index is built anew from the journal"
    );
    if path.exists() {
        wait_until_released(path).map_err(OpenError::io(path))?;
        std::fs::remove_dir_all(path).map_err(OpenError::io(path))?;
    }
    Index::open(path, options.index_cache_bytes, Trust::None)
        .map_err(|what| not_built(&*options.disk, path, what))
}

/// Why there is no index. What sled says of a disk that is full is not always that.
fn not_built(disk: &dyn Disk, path: &Path, what: String) -> OpenError {
    let path = path.to_owned();
    let generation = path.parent().unwrap_or(&path);
    if has_room(disk, generation, FREE_BYTES_MIN) {
        OpenError::Index { path, what }
    } else {
        OpenError::NoSpace { path }
    }
}

/// Applies the frames that the index lacks, and writes the entries and openings that their own
/// files may lack.
fn replay(
    place: &Place<'_>,
    from: Position,
    index: &Index,
    ledger: &mut LedgerWriter,
) -> Result<(), OpenError> {
    let (layout, drained) = (place.layout, place.drained());
    let index_path = layout.index(place.current.generation);
    let lost = |error: sled::Error| not_built(&**place.disk, &index_path, error.to_string());
    let mut reader = JournalReader::open(&**place.disk, layout, place.current)?;
    place.progress.begin("replaying the journal", reader.len_from(from));
    reader.resume(from);
    let mut rebuild = (index.frame().number == 0).then(|| Rebuild::new(index));
    while let Some(frame) = reader.next_frame()? {
        if let Some(rebuild) = &mut rebuild {
            rebuild.add(frame.id, frame.body.writes).map_err(lost)?;
        } else if frame.id.number > index.frame().number {
            index.apply(frame.id, &frame.body.writes).map_err(lost)?;
        }
        let skip = drained.saturating_sub(frame.first_entry);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(frame.body.entries.len());
        let openings = &frame.body.openings;
        let skip_openings = openings.partition_point(|opening| opening.entry.0 < drained);
        ledger
            .put_entries(frame.first_entry + skip as u64, &frame.body.entries[skip..])
            .and_then(|()| ledger.put_openings(&openings[skip_openings..]))
            .map_err(|error| ledger_error(&layout.ledger(), error))?;
        place.progress.advance(frame.len);
    }
    place.progress.end();
    if let Some(rebuild) = rebuild {
        rebuild.finish(place.progress).map_err(lost)?;
    }
    ledger.sync().map_err(|error| ledger_error(&layout.ledger(), error))
}

fn ledger_error(path: &Path, error: LedgerError) -> OpenError {
    match error {
        LedgerError::NotWritten(source) | LedgerError::NotSynced(source) => {
            OpenError::Io { path: path.to_owned(), source }
        }
    }
}

/// Reads the records that every request reads into memory.
fn fill_registers(generation: &Generation, index_path: &Path) -> Result<Registers, OpenError> {
    let lost = |what: &str| OpenError::Index { path: index_path.to_owned(), what: what.to_owned() };
    let mut registers = Registers::default();
    for kind in REGISTER_KINDS {
        let scope = generation.keys.locate_scope(&Scope::Kind(kind));
        let found = generation.index.scan(&scope, None, usize::MAX);
        for (location, sealed) in found.map_err(|error| lost(&error.to_string()))? {
            let stored = generation.keys.unseal(&location, &sealed);
            let stored = stored.map_err(|_| lost("a record does not open under the data key"))?;
            if let Some(key) = register_key(&stored.record.key()) {
                registers.set(key, Some(stored));
            }
        }
    }
    Ok(registers)
}
