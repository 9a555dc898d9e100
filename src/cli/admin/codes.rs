//! Enrolment codes of an administrator: made here, written to files, never shown.

use signpost_client::ClientError;
use signpost_core::token::EnrolmentCode;

use super::super::render::values::Quiet;
pub(super) use crate::code_file::{NewCode, file_name};
use crate::entropy::SystemEntropy;
use crate::exit::{Exit, Failure};
use crate::seal::Recipient;

/// Reads a public key to which codes are sealed.
pub(super) const RECIPIENT: Quiet<Recipient> =
    Quiet { parse: Recipient::parse, expected: "a public key of age, which begins with age1" };

/// The hash of a code that nobody has, to look whether a person could be invited.
pub(super) fn hash_of_none() -> Vec<u8> {
    EnrolmentCode::new(SystemEntropy.bytes()).hash().as_bytes().to_vec()
}

/// The answer to the issue of codes. Refused codes are removed; of codes without an answer it is
/// not known whether they count, so they stay.
pub(super) fn settle<T>(codes: &[NewCode], answer: Result<T, ClientError>) -> anyhow::Result<T> {
    match answer {
        // Refused after the look at what was done before under the same id: an earlier try of this
        // very request did nothing either.
        Err(ClientError::Refused(refused)) if SETTLED.contains(&refused.reason.as_str()) => {
            remove(codes);
            Err(ClientError::Refused(refused).into())
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

/// The refusals that say of a request, and of every earlier try of it, that it did nothing.
const SETTLED: [&str; 5] =
    ["INVALID", "NOT_FOUND", "GROUP_FULL", "ALREADY_REGISTERED", "WRONG_STATE"];

/// Removes codes that nobody issued.
pub(super) fn remove(codes: &[NewCode]) {
    for code in codes {
        // One that cannot be removed opens nothing.
        std::fs::remove_file(code.file()).ok();
    }
}

#[cfg(test)]
mod tests {
    use signpost_client::error::Refused;

    use super::*;

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
            after_no_answer: false,
        };
        let refused = ClientError::Refused(Box::new(refused));
        assert!(settle::<()>(&code, Err(refused)).is_err());
        assert!(!file.exists());
    }
}
