//! The files that are searched, cut into blocks.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::durable::none_if_missing;

/// All files under some directories, and how far they are given out.
#[derive(Debug, Default)]
pub(super) struct Files {
    all: Vec<(Arc<Path>, String, u64)>,
    at: usize,
    offset: u64,
    /// Directories that were there when their names were read, and gone a moment later.
    pub(super) directories_gone: u64,
}

/// The windows that begin in some part of a file.
#[derive(Debug)]
pub(super) struct Block {
    /// The number of the file among all.
    pub(super) file: usize,
    pub(super) path: Arc<Path>,
    pub(super) name: String,
    pub(super) offset: u64,
    /// Whether it goes on to the end of the file.
    pub(super) is_last: bool,
}

impl Files {
    /// Lists all, whatever they are; each root by a name of its own.
    pub(super) fn under(roots: &[(&str, &Path)]) -> io::Result<Self> {
        let mut files = Self::default();
        let mut seen = BTreeSet::new();
        for (name, root) in roots {
            files.collect(root, name, &mut seen)?;
        }
        Ok(files)
    }

    /// A directory that was seen before, by another name, is passed over: it would never end.
    fn collect(
        &mut self,
        directory: &Path,
        name: &str,
        seen: &mut BTreeSet<(u64, u64)>,
    ) -> io::Result<()> {
        let Some(listed) = none_if_missing(list(directory))? else {
            self.directories_gone += 1;
            return Ok(());
        };
        for path in listed {
            let metadata = none_if_missing(std::fs::metadata(&path))?;
            let last = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("{name}/{last}");
            match metadata {
                Some(metadata) if metadata.is_dir() => {
                    if seen.insert((metadata.dev(), metadata.ino())) {
                        self.collect(&path, &name, seen)?;
                    }
                }
                Some(metadata) if !metadata.is_file() => {}
                // One that is gone counts as that where it is to be read.
                metadata => {
                    let len = metadata.map_or(0, |metadata| metadata.len());
                    self.all.push((path.into(), name, len));
                }
            }
        }
        Ok(())
    }

    /// The next block; none once all are given out.
    pub(super) fn next(&mut self, block_len: usize) -> Option<Block> {
        let (path, name, len) = self.all.get(self.at)?;
        let (file, offset) = (self.at, self.offset);
        self.offset += block_len as u64;
        let is_last = self.offset >= *len;
        if is_last {
            (self.at, self.offset) = (self.at + 1, 0);
        }
        Some(Block { file, path: Arc::clone(path), name: name.clone(), offset, is_last })
    }
}

fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::read_dir(directory)?.map(|item| Ok(item?.path())).collect()
}
