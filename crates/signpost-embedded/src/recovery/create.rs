//! Making a data directory with its first generation.

use std::sync::Arc;

use crate::current::Current;
use crate::durable;
use crate::error::CreateError;
use crate::journal::Journal;
use crate::journal::frame::FrameId;
use crate::journal::mark::{Mark, MarkFile};
use crate::layout::{FORMAT, Layout};
use crate::ledger::EntryChain;
use crate::options::Options;
use crate::state::generation::GenerationKeys;

const FIRST_GENERATION: u64 = 1;

/// Makes a data directory. `FORMAT` is written last: without it, it is none.
pub(crate) fn create(options: &Options) -> Result<(), CreateError> {
    let root = &options.data_dir;
    let layout = Layout::new(root);
    let disk = &options.disk;
    durable::create_directory(&**disk, root).map_err(CreateError::io(root))?;
    if !disk.list(root).map_err(CreateError::io(root))?.is_empty() {
        return Err(CreateError::NotEmpty { path: root.clone() });
    }
    if layout.contains(&options.mark_dir).map_err(CreateError::io(&options.mark_dir))? {
        return Err(CreateError::KeyringInside { path: root.clone() });
    }
    let mark_file = MarkFile::new(disk.clone(), &options.mark_dir);
    let earlier = mark_file.read().map_err(CreateError::io(mark_file.path()))?;
    // A mark that names no frame was left by a making that was cut short.
    if earlier.is_some_and(|mark| mark.frame.number > 0) {
        return Err(CreateError::KeyringInUse { path: mark_file.path().to_owned() });
    }
    for directory in [layout.generation(FIRST_GENERATION), layout.ledger(), layout.openings()] {
        durable::create_directory(&**disk, &directory).map_err(CreateError::io(&directory))?;
    }
    let wrapped = GenerationKeys::create(FIRST_GENERATION, &*options.keys)?;
    let keys = layout.keys(FIRST_GENERATION);
    durable::write_durably(&**disk, &keys, &wrapped.encode()).map_err(CreateError::io(&keys))?;
    let path = layout.journal(FIRST_GENERATION, 1);
    let journal =
        Journal::create(disk, &layout, FIRST_GENERATION).map_err(CreateError::io(&path))?;
    let current = Current {
        generation: FIRST_GENERATION,
        fill: journal.last(),
        first_entry: 0,
        last_ms: 0,
        segment: 0,
        slots_used: 0,
        chain: EntryChain::BEFORE_FIRST,
        left: FrameId::NONE,
        short: Arc::default(),
    };
    current.write(disk, &layout).map_err(CreateError::io(&layout.current()))?;
    let mark = Mark { generation: FIRST_GENERATION, frame: journal.last(), drained: 0 };
    mark_file.write(&mark).map_err(CreateError::io(mark_file.path()))?;
    let format = layout.format();
    durable::write_durably(&**disk, &format, format!("{FORMAT}\n").as_bytes())
        .map_err(CreateError::io(&format))
}
