//! The seal on a closed index: a keyed digest of its files. A start that finds them as they were
//! closed need not read every record to believe them.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::generation::GenerationKeys;
use crate::disk::Disk;
use crate::durable;
use crate::layout::Layout;

/// Seals the files of an index that is closed.
pub(crate) fn write(disk: &dyn Disk, layout: &Layout, keys: &GenerationKeys) -> io::Result<()> {
    let digest = digest(&layout.index(keys.generation), keys)?;
    durable::write_durably(disk, &layout.index_seal(keys.generation), digest.as_bytes())
}

/// Breaks the seal, and says whether the files are those that were sealed. It is broken durably
/// before the index is opened and changed.
pub(crate) fn break_open(
    disk: &dyn Disk,
    layout: &Layout,
    keys: &GenerationKeys,
) -> io::Result<bool> {
    let path = layout.index_seal(keys.generation);
    let Some(sealed) = durable::read_if_there(disk, &path)? else { return Ok(false) };
    disk.remove_file(&path)?;
    disk.sync_directory(&layout.generation(keys.generation))?;
    // Comparing digests takes constant time; a seal of another length is none.
    let sealed = <[u8; blake3::OUT_LEN]>::try_from(sealed.as_slice());
    let Ok(found) = digest(&layout.index(keys.generation), keys) else { return Ok(false) };
    Ok(sealed.is_ok_and(|sealed| blake3::Hash::from_bytes(sealed) == found))
}

/// The digest of every file's path, length and content, in order of path.
fn digest(index: &Path, keys: &GenerationKeys) -> io::Result<blake3::Hash> {
    let mut files = Vec::new();
    collect(index, &mut files)?;
    files.sort();
    let mut hasher = blake3::Hasher::new_keyed(&keys.seal_key());
    let mut buffer = vec![0; READ_LEN];
    for path in files {
        let mut file = File::open(&path)?;
        let name = path.strip_prefix(index).unwrap_or(&path).as_os_str().as_encoded_bytes();
        hasher.update(&(name.len() as u64).to_be_bytes()).update(name);
        hasher.update(&file.metadata()?.len().to_be_bytes());
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                len => hasher.update(&buffer[..len]),
            };
        }
    }
    Ok(hasher.finalize())
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for item in std::fs::read_dir(directory)? {
        let item = item?;
        if item.file_type()?.is_dir() {
            collect(&item.path(), files)?;
        } else {
            files.push(item.path());
        }
    }
    Ok(())
}

const READ_LEN: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::os::OsDisk;
    use crate::keyring::SoftwareKeyring;

    #[test]
    fn it_holds_once_and_for_the_very_files_alone() {
        let directory = tempfile::tempdir().unwrap();
        let keyring = SoftwareKeyring::create(&directory.path().join("keyring")).unwrap();
        let wrapped = GenerationKeys::create(1, &keyring).unwrap();
        let keys = GenerationKeys::unwrap(1, &keyring, &wrapped.encode()).unwrap();
        let layout = Layout::new(directory.path());
        let inner = layout.index(1).join("blobs");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(layout.index(1).join("db"), b"content").unwrap();
        assert!(!break_open(&OsDisk, &layout, &keys).unwrap(), "there is none");
        write(&OsDisk, &layout, &keys).unwrap();
        assert!(break_open(&OsDisk, &layout, &keys).unwrap());
        assert!(!break_open(&OsDisk, &layout, &keys).unwrap(), "it is broken");

        let changes: [fn(&Path); 3] = [
            |index| std::fs::write(index.join("db"), b"contenu").unwrap(),
            |index| std::fs::write(index.join("blobs/1"), b"").unwrap(),
            |index| std::fs::rename(index.join("blobs/1"), index.join("blobs/2")).unwrap(),
        ];
        for change in changes {
            write(&OsDisk, &layout, &keys).unwrap();
            change(&layout.index(1));
            assert!(!break_open(&OsDisk, &layout, &keys).unwrap());
        }
    }
}
