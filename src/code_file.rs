//! Enrolment codes: made here, written to files that only their owner may read, never shown.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use signpost_core::token::{CodeHash, EnrolmentCode};

use crate::entropy::SystemEntropy;
use crate::exit::Failure;
use crate::seal::Recipient;
use crate::secret_file;

/// A new code in its file. The service is given its hash.
#[derive(Debug)]
pub(crate) struct NewCode {
    file: PathBuf,
    hash: [u8; 32],
}

impl NewCode {
    /// Makes a code and writes it to a new file: before it is sent, so that a code that was issued
    /// is never lost.
    pub(crate) fn write(file: &Path, recipient: Option<&Recipient>) -> Result<Self, Failure> {
        let code = EnrolmentCode::new(SystemEntropy.bytes());
        match recipient {
            None => secret_file::create(file, &code.to_text())?,
            Some(recipient) => {
                secret_file::create_bytes(file, &recipient.seal(code.to_text().as_bytes())?)?;
            }
        }
        Ok(Self { file: file.to_owned(), hash: *code.hash().as_bytes() })
    }

    /// The file.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// What the service is given of it, as it stores it.
    pub(crate) fn code_hash(&self) -> CodeHash {
        CodeHash::new(self.hash)
    }

    /// What the service is given of it.
    pub(crate) fn hash(&self) -> Vec<u8> {
        self.hash.to_vec()
    }
}

/// The name of a person's file: the staff reference, with what a file's name cannot hold as `%2F`.
pub(crate) fn file_name(staff_reference: &str, sealed: bool) -> String {
    let mut name = String::new();
    for character in staff_reference.chars() {
        if character.is_ascii_alphanumeric() || "_-".contains(character) {
            name.push(character);
        } else {
            write!(name, "%{:02X}", u32::from(character)).expect("a String takes every write");
        }
    }
    name + if sealed { ".code.age" } else { ".code" }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn every_reference_has_a_file_name_of_its_own_without_a_folder() {
        assert_eq!(file_name("NC-0101", false), "NC-0101.code");
        assert_eq!(file_name("../NC:1", true), "%2E%2E%2FNC%3A1.code.age");
    }

    #[test]
    fn a_code_is_written_for_its_owner_alone_and_its_hash_is_sent() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.code");
        let code = NewCode::write(&file, None).unwrap();
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&file).unwrap();
        let written = EnrolmentCode::parse(&text).unwrap();
        assert_eq!(code.hash(), written.hash().as_bytes());
        assert!(NewCode::write(&file, None).is_err(), "no code is overwritten");
    }
}
