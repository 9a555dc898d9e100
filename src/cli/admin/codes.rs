//! Enrolment codes: made here, written to files that only their owner may read, never shown.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use signpost_client::ClientError;
use signpost_core::token::EnrolmentCode;

use super::super::render::values::Quiet;
use crate::entropy::SystemEntropy;
use crate::exit::{Exit, Failure};
use crate::seal::Recipient;
use crate::secret_file;

/// Reads a public key to which codes are sealed.
pub(super) const RECIPIENT: Quiet<Recipient> =
    Quiet { parse: Recipient::parse, expected: "a public key of age, which begins with age1" };

/// A new code in its file. The service is given its hash.
#[derive(Debug)]
pub(super) struct NewCode {
    file: PathBuf,
    hash: [u8; 32],
}

impl NewCode {
    /// Makes a code and writes it to a new file: before it is sent, so that a code that was issued
    /// is never lost.
    pub(super) fn write(file: &Path, recipient: Option<&Recipient>) -> Result<Self, Failure> {
        let code = EnrolmentCode::new(SystemEntropy.bytes());
        match recipient {
            None => secret_file::create(file, &code.to_text())?,
            Some(recipient) => {
                secret_file::create_bytes(file, &recipient.seal(code.to_text().as_bytes())?)?;
            }
        }
        Ok(Self { file: file.to_owned(), hash: *code.hash().as_bytes() })
    }

    /// What the service is given of it.
    pub(super) fn hash(&self) -> Vec<u8> {
        self.hash.to_vec()
    }
}

/// The hash of a code that nobody has, to look whether a person could be invited.
pub(super) fn hash_of_none() -> Vec<u8> {
    EnrolmentCode::new(SystemEntropy.bytes()).hash().as_bytes().to_vec()
}

/// The answer to the issue of codes. Refused codes are removed; of codes without an answer it is
/// not known whether they count, so they stay.
pub(super) fn settle<T>(codes: &[NewCode], answer: Result<T, ClientError>) -> anyhow::Result<T> {
    match answer {
        Err(error @ ClientError::Refused(_)) => {
            remove(codes);
            Err(error.into())
        }
        Err(error) => Err(Failure::new(
            Exit::Refused,
            format!(
                "{error}; whether the codes were issued is not known: keep their files, and look \
                 with signpost admin person list"
            ),
        )
        .into()),
        Ok(answer) => Ok(answer),
    }
}

/// Removes codes that nobody issued.
pub(super) fn remove(codes: &[NewCode]) {
    for code in codes {
        // One that cannot be removed opens nothing.
        std::fs::remove_file(&code.file).ok();
    }
}

/// The name of a person's file: the staff reference, with what a file's name cannot hold as `%2F`.
pub(super) fn file_name(staff_reference: &str, sealed: bool) -> String {
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

    use signpost_client::error::Refused;

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

    #[test]
    fn a_refused_code_goes_and_one_without_an_answer_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.code");
        let code = [NewCode::write(&file, None).unwrap()];
        let none =
            ClientError::Unanswered { code: tonic::Code::Unavailable, cause: "closed".to_owned() };
        let message = settle::<()>(&code, Err(none)).unwrap_err().to_string();
        assert!(message.contains("keep their files") && file.exists(), "{message}");
        let refused = Refused {
            code: tonic::Code::FailedPrecondition,
            reason: "GROUP_FULL".to_owned(),
            message: "the group is full".to_owned(),
            violations: Vec::new(),
            retry_after: None,
            receipt: Some(9),
        };
        let refused = ClientError::Refused(Box::new(refused));
        assert!(settle::<()>(&code, Err(refused)).is_err());
        assert!(!file.exists());
    }
}
