//! The end of the journal at a start: what is torn is cut off, and what a crash may have left in
//! memory alone is copied into a new file before it is trusted.

use std::sync::Arc;

use super::survey::Survey;
use crate::disk::Disk;
use crate::error::OpenError;
use crate::journal::frame::FileHeader;
use crate::journal::reader::Position;
use crate::journal::{self, Journal};
use crate::keyring::sealing;
use crate::layout::Layout;

/// Where the journal goes on, and where its frames lie by now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    /// Where the next frame goes.
    pub(super) end: Position,
    moved_from: Position,
    moved_to: Option<Position>,
}

impl Tail {
    /// Where a position of the survey lies by now.
    pub(super) fn now(&self, position: Position) -> Position {
        let Some(to) = self.moved_to else { return position };
        if position.file != self.moved_from.file || position.offset < self.moved_from.offset {
            return position;
        }
        let offset = position.offset - self.moved_from.offset + to.offset;
        Position { file: to.file, offset, ..position }
    }
}

/// Cuts a torn last frame off, and copies the frames behind the last one that is known to have been
/// synced into a new file. All evidence was asked before: none shows what is cut.
///
/// After a failed sync the system may take pages for written that are not, and reading them back
/// proves nothing: only writing them anew does.
pub(super) fn settle(
    disk: &Arc<dyn Disk>,
    layout: &Layout,
    survey: &Survey,
) -> Result<Tail, OpenError> {
    let (trusted, end) = (survey.trusted, survey.end);
    let path = &survey.path;
    let cut = |at| journal::cut(&**disk, path, at).map_err(OpenError::io(path));
    if survey.cut_bytes() > 0 {
        tracing::warn!(
            journal = %path.display(), offset = end.offset, cut_bytes = survey.cut_bytes(),
            "an incomplete last frame, which nothing shows to have been acknowledged, is cut off"
        );
    }
    if end.last.number == trusted.last.number {
        if survey.cut_bytes() > 0 {
            cut(end.offset)?;
        }
        return Ok(Tail { end, moved_from: trusted, moved_to: None });
    }
    let file = end.file + 1;
    let new_path = layout.journal(survey.generation, file);
    let header = FileHeader {
        generation: survey.generation,
        file,
        after: trusted.last,
        tracer: sealing::random(),
    };
    Journal::create_further(disk, &new_path, &header, &survey.tail_bytes)
        .map_err(OpenError::io(&new_path))?;
    // From here on the old file's tail counts no more; it is cut so that nobody takes it for more.
    cut(trusted.offset)?;
    let to = Position { file, offset: FileHeader::LEN as u64, ..trusted };
    let tail = Tail { end, moved_from: trusted, moved_to: Some(to) };
    Ok(Tail { end: tail.now(end), ..tail })
}
