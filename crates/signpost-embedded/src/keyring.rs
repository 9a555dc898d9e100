//! Where keys are kept: outside the data directory, one key-encryption key for each wrapped key.

pub(crate) mod sealing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use signpost_core::search::{Sought, SoughtKind};
use signpost_core::turn::KeyDestroyed;
use zeroize::Zeroizing;

use crate::disk::Disk;
use crate::disk::os::OsDisk;
use crate::durable;
use sealing::{SealingKey, random};

/// Makes, opens and destroys keys. Whoever destroys the key-encryption key of a wrapped key has
/// destroyed all that was ever sealed under that key, in every copy of it.
pub trait KeySource: Send + Sync + std::fmt::Debug {
    /// Wraps a secret under a new key-encryption key; durable on return. The label says what the
    /// secret is for, and is bound in.
    fn create(&self, label: &str, secret: &[u8]) -> Result<WrappedKey, KeyError>;

    /// The secret of a wrapped key.
    fn unwrap(&self, wrapped: &WrappedKey) -> Result<Zeroizing<Vec<u8>>, KeyError>;

    /// Destroys a key-encryption key; on return it cannot be had from this source again.
    fn destroy(&self, key: &KeyId) -> Result<DestructionReceipt, KeyError>;

    /// What to search for once a key-encryption key is destroyed: it as it lies in a file, if it lies
    /// in any.
    fn sought(&self, _key: &KeyId) -> Result<Option<Sought>, KeyError> {
        Ok(None)
    }
}

/// What a key-encryption key is called. It tells nothing of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId([u8; 16]);

/// A secret under a key-encryption key: safe to lie in the data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// The key-encryption key it is under.
    pub id: KeyId,
    /// What the secret is for.
    pub label: String,
    /// The sealed secret.
    pub wrapped: Vec<u8>,
}

/// That a key was destroyed, and what the source can say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestructionReceipt {
    /// The key.
    pub key: KeyId,
    /// Who had it in custody, and what that cannot exclude.
    pub custody: String,
    /// What was done.
    pub method: String,
    /// The file system that it lay on; empty where it lay in no file, or that is not known.
    pub file_system: String,
}

impl From<DestructionReceipt> for KeyDestroyed {
    fn from(receipt: DestructionReceipt) -> Self {
        let DestructionReceipt { key, custody, method, file_system } = receipt;
        Self { key: *key.as_bytes(), custody, method, file_system }
    }
}

/// Why a key could not be made, opened or destroyed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The keyring is not a directory of ours alone.
    #[error("the keyring {} can be read by others: set its mode to 0700 and look who has", .path.display())]
    DirectoryNotPrivate {
        /// The directory.
        path: PathBuf,
    },
    /// A key file is not ours alone.
    #[error("the key file {} can be read by others: set its mode to 0600 and look who has", .path.display())]
    FileNotPrivate {
        /// The file.
        path: PathBuf,
    },
    /// There is no such key: destroyed, or another keyring.
    #[error("the keyring has no file {}: the key was destroyed, or this is another keyring", .path.display())]
    Unknown {
        /// The file that is missing.
        path: PathBuf,
    },
    /// What should be a wrapped key is none, or one for something else.
    #[error("what should be the wrapped key for {label} is not: it is damaged, or another's")]
    NotWrapped {
        /// What the secret should be for.
        label: String,
    },
    /// The wrapped key or its key-encryption key is not what it was.
    #[error("the key for {label} does not unwrap under {}: one of the two is damaged", .path.display())]
    Damaged {
        /// What the secret is for.
        label: String,
        /// Where the key-encryption key is.
        path: PathBuf,
    },
    /// What should be a key-encryption key is none.
    #[error("the key file {} is damaged: it has not the length of a key", .path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// The file system failed.
    #[error("cannot use {}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// A keyring of plain files: one random key-encryption key of 32 bytes per wrapped key.
#[derive(Debug)]
pub struct SoftwareKeyring {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
}

impl SoftwareKeyring {
    /// What a destruction receipt says of this source.
    pub const CUSTODY: &str = "software, copies not excluded";

    /// What it says was done.
    pub const METHOD: &str =
        "overwritten once with random bytes, synced, unlinked, directory synced";

    /// Makes the directory of a new keyring, mode 0700, and opens it.
    pub fn create(directory: &Path) -> Result<Self, KeyError> {
        Self::create_on(Arc::new(OsDisk), directory)
    }

    /// Opens the keyring in this directory, which must be ours alone.
    pub fn open(directory: &Path) -> Result<Self, KeyError> {
        Self::open_on(Arc::new(OsDisk), directory)
    }

    /// As [`SoftwareKeyring::create`], on another disk than this machine's.
    pub fn create_on(disk: Arc<dyn Disk>, directory: &Path) -> Result<Self, KeyError> {
        durable::create_directory(&*disk, directory).map_err(io_error(directory))?;
        Self::open_on(disk, directory)
    }

    /// As [`SoftwareKeyring::open`], on another disk than this machine's.
    pub fn open_on(disk: Arc<dyn Disk>, directory: &Path) -> Result<Self, KeyError> {
        if !durable::is_private(&*disk, directory).map_err(io_error(directory))? {
            return Err(KeyError::DirectoryNotPrivate { path: directory.to_owned() });
        }
        Ok(Self { disk, directory: directory.to_owned() })
    }

    /// Where it is.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn path(&self, key: &KeyId) -> PathBuf {
        self.directory.join(format!("key-{}", hex::encode(key.0)))
    }

    fn read(&self, key: &KeyId) -> Result<SealingKey, KeyError> {
        let path = self.path(key);
        let bytes = durable::read_if_there(&*self.disk, &path).map_err(io_error(&path))?;
        let bytes = Zeroizing::new(bytes.ok_or(KeyError::Unknown { path: path.clone() })?);
        if !durable::is_private(&*self.disk, &path).map_err(io_error(&path))? {
            return Err(KeyError::FileNotPrivate { path });
        }
        SealingKey::from_slice(&bytes).ok_or(KeyError::NotAKey { path })
    }

    fn overwrite(&self, path: &Path) -> std::io::Result<()> {
        let file = self.disk.open(path)?;
        file.write_all_at(&random::<{ SealingKey::LEN }>(), 0)?;
        file.sync_all()
    }
}

impl KeySource for SoftwareKeyring {
    fn create(&self, label: &str, secret: &[u8]) -> Result<WrappedKey, KeyError> {
        let id = KeyId(random());
        let encryption = SealingKey::random();
        let path = self.path(&id);
        durable::write_durably(&*self.disk, &path, encryption.as_bytes())
            .map_err(io_error(&path))?;
        let wrapped = encryption.seal(secret, &bound_to(&id, label));
        Ok(WrappedKey { id, label: label.to_owned(), wrapped })
    }

    fn unwrap(&self, wrapped: &WrappedKey) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let encryption = self.read(&wrapped.id)?;
        encryption.open(&wrapped.wrapped, &bound_to(&wrapped.id, &wrapped.label)).map_err(|_| {
            KeyError::Damaged { label: wrapped.label.clone(), path: self.path(&wrapped.id) }
        })
    }

    fn destroy(&self, key: &KeyId) -> Result<DestructionReceipt, KeyError> {
        let path = self.path(key);
        if !durable::is_there(&*self.disk, &path).map_err(io_error(&path))? {
            return Err(KeyError::Unknown { path });
        }
        let file_system = self.disk.file_system(&self.directory).unwrap_or_default();
        self.overwrite(&path).map_err(io_error(&path))?;
        self.disk.remove_file(&path).map_err(io_error(&path))?;
        self.disk.sync_directory(&self.directory).map_err(io_error(&self.directory))?;
        Ok(DestructionReceipt {
            key: *key,
            custody: Self::CUSTODY.to_owned(),
            method: Self::METHOD.to_owned(),
            file_system,
        })
    }

    fn sought(&self, key: &KeyId) -> Result<Option<Sought>, KeyError> {
        Ok(Sought::of(SoughtKind::Key, self.read(key)?.as_bytes()))
    }
}

impl KeyId {
    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl WrappedKey {
    /// A format byte, the key id, the label with its length (2 bytes, big-endian), the sealed
    /// secret.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let label_len = u16::try_from(self.label.len()).expect("a label is a few words");
        let mut bytes = vec![Self::FORMAT];
        bytes.extend_from_slice(&self.id.0);
        bytes.extend_from_slice(&label_len.to_be_bytes());
        bytes.extend_from_slice(self.label.as_bytes());
        bytes.extend_from_slice(&self.wrapped);
        bytes
    }

    /// Reads what [`WrappedKey::encode`] wrote; none if it is something else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&[format], rest) = bytes.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (label_len, rest) = rest.split_first_chunk()?;
        let label_len = usize::from(u16::from_be_bytes(*label_len));
        let (label, wrapped) = rest.split_at_checked(label_len)?;
        let label = std::str::from_utf8(label).ok()?.to_owned();
        let wrapped = wrapped.to_vec();
        (format == Self::FORMAT).then_some(Self { id: KeyId(*id), label, wrapped })
    }

    const FORMAT: u8 = 1;
}

fn bound_to(id: &KeyId, label: &str) -> Vec<u8> {
    [b"signpost wrapped key v1\0", &id.0[..], label.as_bytes()].concat()
}

fn io_error(path: &Path) -> impl Fn(std::io::Error) -> KeyError {
    move |source| KeyError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn keyring() -> (tempfile::TempDir, SoftwareKeyring) {
        let directory = tempfile::tempdir().unwrap();
        let keyring = SoftwareKeyring::create(&directory.path().join("keyring")).unwrap();
        (directory, keyring)
    }

    #[test]
    fn a_wrapped_key_unwraps_until_it_is_destroyed() {
        let (_directory, keyring) = keyring();
        let wrapped = keyring.create("a test", b"secret").unwrap();
        let wrapped = WrappedKey::decode(&wrapped.encode()).unwrap();
        assert_eq!(keyring.unwrap(&wrapped).unwrap().as_slice(), b"secret");
        let receipt = keyring.destroy(&wrapped.id).unwrap();
        assert_eq!(receipt.custody, "software, copies not excluded");
        assert!(!receipt.file_system.is_empty());
        assert!(matches!(keyring.unwrap(&wrapped), Err(KeyError::Unknown { .. })));
        assert!(matches!(keyring.destroy(&wrapped.id), Err(KeyError::Unknown { .. })));
    }

    /// Another name of the file shows what became of its bytes.
    #[test]
    fn the_file_of_a_destroyed_key_is_overwritten_before_it_goes() {
        let (directory, keyring) = keyring();
        let wrapped = keyring.create("a test", b"secret").unwrap();
        let sought = keyring.sought(&wrapped.id).unwrap().unwrap();
        let other_name = directory.path().join("another name");
        std::fs::hard_link(keyring.path(&wrapped.id), &other_name).unwrap();
        assert!(sought.begins(&std::fs::read(&other_name).unwrap()));
        keyring.destroy(&wrapped.id).unwrap();
        let left = std::fs::read(&other_name).unwrap();
        assert!(left.len() == SealingKey::LEN && !sought.begins(&left));
    }

    #[test]
    fn a_key_serves_only_what_it_was_made_for() {
        let (_directory, keyring) = keyring();
        let mut wrapped = keyring.create("a test", b"secret").unwrap();
        wrapped.label = "another".to_owned();
        assert!(matches!(keyring.unwrap(&wrapped), Err(KeyError::Damaged { .. })));
    }

    #[test]
    fn what_others_can_read_is_refused() {
        let (_directory, keyring) = keyring();
        let wrapped = keyring.create("a test", b"secret").unwrap();
        let file = keyring.path(&wrapped.id);
        assert!(durable::is_private(&OsDisk, &file).unwrap());
        std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(keyring.unwrap(&wrapped), Err(KeyError::FileNotPrivate { .. })));
        let directory = keyring.directory();
        std::fs::set_permissions(directory, Permissions::from_mode(0o750)).unwrap();
        let refused = SoftwareKeyring::open(directory);
        assert!(matches!(refused, Err(KeyError::DirectoryNotPrivate { .. })));
    }
}
