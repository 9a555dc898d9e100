//! What an initialisation has made so far; removed again if it does not come to its end.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::exit::Failure;
use crate::secret_file;

/// What was made. Nothing that was there before is in it.
#[derive(Debug, Default)]
pub(super) struct Made {
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

/// Nothing that exists may be overwritten, nor be removed again after a failure.
pub(super) fn check_unused(directory: &Path) -> Result<(), Failure> {
    let is_used = fs::read_dir(directory).is_ok_and(|mut found| found.next().is_some());
    if is_used {
        let problem = "is not empty: it was initialised before, or is the wrong directory";
        return Err(Failure::config(format!("{} {problem}", directory.display())));
    }
    Ok(())
}

impl Made {
    /// A directory was made.
    pub(super) fn made_directory(&mut self, path: &Path) {
        self.directories.push(path.to_owned());
    }

    /// A file is about to be made.
    pub(super) fn file(&mut self, path: &Path) -> Result<(), Failure> {
        if path.symlink_metadata().is_ok() {
            return Err(Failure::config(format!("{} is there already", path.display())));
        }
        self.files.push(path.to_owned());
        Ok(())
    }

    /// Makes a file that its owner alone may read.
    pub(super) fn secret(&mut self, path: &Path, text: &str) -> Result<(), Failure> {
        self.file(path)?;
        secret_file::create(path, text)
    }

    /// Makes a file that holds no secret.
    pub(super) fn public(&mut self, path: &Path, text: &str) -> Result<(), Failure> {
        self.file(path)?;
        secret_file::create_public(path, text)
    }

    /// Makes a folder that its owner alone may enter, unless it is there.
    pub(super) fn folder(&mut self, path: &Path) -> Result<(), Failure> {
        if path.is_dir() {
            return Ok(());
        }
        let mut create = || {
            fs::DirBuilder::new().mode(0o700).create(path)?;
            self.made_directory(path);
            secret_file::sync_folder(path)
        };
        create()
            .map_err(|error| Failure::config(format!("cannot create {}: {error}", path.display())))
    }

    /// Removes it all.
    pub(super) fn remove(&self) {
        let files = self.files.iter().map(|path| (path, fs::remove_file(path)));
        let directories = self.directories.iter().map(|path| (path, fs::remove_dir_all(path)));
        for (path, removed) in files.chain(directories) {
            if let Err(error) = removed
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(path = %path.display(), %error, "could not be removed again");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_made_is_removed_and_what_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("there"), "before").unwrap();
        fs::create_dir(path("old")).unwrap();
        let mut made = Made::default();
        assert!(made.secret(&path("there"), "other").is_err(), "nothing is overwritten");
        made.folder(&path("old")).unwrap();
        made.folder(&path("new")).unwrap();
        made.secret(&path("new/secret"), "secret").unwrap();
        made.public(&path("old/public"), "public").unwrap();
        let bits = |name: &str| fs::metadata(path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((bits("new"), bits("new/secret")), (0o700, 0o600));
        made.remove();
        assert!(!path("new").exists() && !path("old/public").exists() && path("old").exists());
        assert_eq!(fs::read_to_string(path("there")).unwrap(), "before");
    }
}
