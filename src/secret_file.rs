//! Reading and writing files that only their owner may read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::exit::Failure;

/// Reads a secret; one that others may read is refused.
pub fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let metadata = fs::metadata(path).map_err(|error| cannot("read", path, &error))?;
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    if metadata.mode() & bits_of_others(path, credentials.as_deref()) != 0 {
        let path = path.display();
        let problem = "holds a secret and may be read by others; run chmod 600 on it";
        return Err(Failure::config(format!("{path} {problem}")));
    }
    let text = fs::read_to_string(path).map_err(|error| cannot("read", path, &error))?;
    Ok(Zeroizing::new(text))
}

/// The mode bits that would let others in. The service manager gives a credential to one service
/// through an access list, which shows as the group's right to read.
fn bits_of_others(path: &Path, credentials: Option<&Path>) -> u32 {
    if credentials.is_some_and(|directory| path.starts_with(directory)) { 0o037 } else { 0o077 }
}

/// Writes a new file that only its owner may read, and makes it durable; an existing one is
/// refused.
pub fn create(path: &Path, content: &str) -> Result<(), Failure> {
    create_bytes(path, content.as_bytes())
}

/// As [`create`], for what is no text.
pub fn create_bytes(path: &Path, content: &[u8]) -> Result<(), Failure> {
    create_for(0o600, path, content)
}

/// As [`create`], for what others may read too: a certificate lasts as long as its key.
pub fn create_public(path: &Path, content: &str) -> Result<(), Failure> {
    create_for(0o644, path, content.as_bytes())
}

fn create_for(mode: u32, path: &Path, content: &[u8]) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        // The name must last as long as the content.
        let written =
            file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| sync_folder(path));
        if written.is_err() {
            // Half a secret would only stand in the way of the next try.
            fs::remove_file(path).ok();
        }
        written
    };
    write().map_err(|error| cannot("create", path, &error))
}

/// `token.next` for `token`: where the next one waits, in the same folder, so that it can be renamed.
#[must_use]
pub fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

/// Puts a file into the place of another of the same folder, wholly or not at all, and makes that
/// durable.
pub fn replace(path: &Path, by: &Path) -> Result<(), Failure> {
    let replace = || fs::rename(by, path).and_then(|()| sync_folder(path));
    replace().map_err(|error| cannot("replace", path, &error))
}

/// Makes what stands in the folder of this path durable: the name lasts as long as what it names.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::config(format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_once_and_replaced_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("token"), folder.path().join("token.next"));
        create(&old, "old").unwrap();
        create_bytes(&new, b"new").unwrap();
        assert_eq!(beside(&old), folder.path().join("token.next"));
        assert!(create(&old, "other").is_err(), "what is there is never overwritten");
        replace(&old, &new).unwrap();
        assert_eq!(*read(&old).unwrap(), "new");
        assert!(!new.exists());
    }

    #[test]
    fn a_certificate_may_be_read_by_others_and_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        create_public(&path, "certificate").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o700, 0o600);
        assert!(create_public(&path, "other").is_err(), "what is there is never overwritten");
    }

    #[test]
    fn a_credential_of_the_service_manager_may_be_read_by_its_group() {
        let credentials = Some(Path::new("/run/credentials/signpost.service"));
        let key = Path::new("/run/credentials/signpost.service/server.key");
        assert_eq!(0o440 & bits_of_others(key, credentials), 0);
        assert_ne!(0o444 & bits_of_others(key, credentials), 0, "others never");
        assert_ne!(0o440 & bits_of_others(key, None), 0);
        assert_ne!(0o440 & bits_of_others(Path::new("/etc/server.key"), credentials), 0);
    }
}
