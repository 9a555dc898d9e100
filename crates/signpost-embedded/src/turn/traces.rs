//! What a generation leaves traces of, to be searched for once it is destroyed: the tracers that were
//! planted when it was begun, and its keys as they lie in files.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use signpost_core::search::{Sought, SoughtKind};
use signpost_core::store::StoreError;

use crate::disk::read_exact_at;
use crate::durable;
use crate::journal::frame::FileHeader;
use crate::keyring::WrappedKey;
use crate::keyring::sealing::random;
use crate::state::Shared;

/// The file of an index's directory that is nothing but its tracer.
const TRACER: &str = "tracer";

/// Plants a tracer in the directory of an index that has none; the journal's stand in its headers.
pub(crate) fn plant_in_index(index: &Path) -> io::Result<()> {
    let path = index.join(TRACER);
    if path.try_exists()? {
        return Ok(());
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&random::<32>())?;
    file.sync_all()
}

/// What to search for of this generation, which is in use.
pub(crate) fn of_generation(shared: &Shared, generation: u64) -> Result<Vec<Sought>, StoreError> {
    let lost = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, generation, "what to search for afterwards cannot be read");
        StoreError::Damaged
    };
    let mut sought = tracers(shared, generation).map_err(|error| lost(&error))?;
    let path = shared.layout.keys(generation);
    let keys = durable::read(&*shared.disk, &path).map_err(|error| lost(&error))?;
    let wrapped = WrappedKey::decode(&keys).ok_or_else(|| lost(&"its keys are damaged"))?;
    sought.extend(Sought::of(SoughtKind::Key, &wrapped.wrapped));
    sought.extend(shared.source.sought(&wrapped.id).map_err(|error| lost(&error))?);
    Ok(sought)
}

fn tracers(shared: &Shared, generation: u64) -> io::Result<Vec<Sought>> {
    let Shared { disk, layout, .. } = shared;
    let mut tracers = Vec::new();
    for file in layout.journal_files(&**disk, generation)? {
        let mut header = [0; FileHeader::LEN];
        read_exact_at(&*disk.open_to_read(&layout.journal(generation, file))?, &mut header, 0)?;
        let header = FileHeader::decode(&header).map_err(|_| io::ErrorKind::InvalidData)?;
        tracers.extend(Sought::of(SoughtKind::Tracer, &header.tracer));
    }
    let in_index = std::fs::read(layout.index(generation).join(TRACER))?;
    tracers.extend(Sought::of(SoughtKind::Tracer, &in_index));
    Ok(tracers)
}
