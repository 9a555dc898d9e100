//! Reading and writing files that only their owner may read.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use crate::exit::Failure;

/// Reads a secret; one that others may read is refused.
pub fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let metadata = fs::metadata(path).map_err(|error| cannot("read", path, &error))?;
    if metadata.mode() & bits_of_others(path) != 0 {
        let path = path.display();
        let problem = "holds a secret and may be read by others; run chmod 600 on it";
        return Err(Failure::config(format!("{path} {problem}")));
    }
    let text = fs::read_to_string(path).map_err(|error| cannot("read", path, &error))?;
    Ok(Zeroizing::new(text))
}

/// The mode bits that would let others in. The service manager gives a credential to one service
/// through an access list, which shows as the group's right to read.
fn bits_of_others(path: &Path) -> u32 {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY");
    if credentials.is_some_and(|directory| path.starts_with(directory)) { 0o037 } else { 0o077 }
}

/// Writes a new file that only its owner may read, and makes it durable; an existing one is
/// refused.
pub fn create(path: &Path, content: &str) -> Result<(), Failure> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| cannot("create", path, &error))
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::config(format!("cannot {what} {}: {error}", path.display()))
}
