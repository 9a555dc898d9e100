//! The child a question or a write is about: 1 to 4 pseudonyms, never an identifier.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::secret::secret_bytes;
use crate::terms::Namespace;

secret_bytes! {
    /// The 64-byte OPRF output for one identifier (RFC 9497); what clients send.
    Pseudonym, 64
}

/// Which evaluation key made a pseudonym, so that a second key can stand beside the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EvaluationKeyId(pub u32);

/// A pseudonym, the kind of number it was made from, and the key that made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPseudonym {
    /// The kind of number.
    pub namespace: Namespace,
    /// The evaluation key.
    pub key: EvaluationKeyId,
    /// The OPRF output.
    pub pseudonym: Pseudonym,
}

/// One child: 1 to [`Subject::PSEUDONYMS_MAX`] different pseudonyms. Clones share them: a slice
/// behind an [`Arc`] would be moved there, and what it was moved from is not wiped.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<NamedPseudonym>")]
pub struct Subject(Arc<Vec<NamedPseudonym>>);

/// Why pseudonyms are not a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// There is none.
    #[error("a child needs at least 1 pseudonym")]
    Empty,
    /// There are more than [`Subject::PSEUDONYMS_MAX`].
    #[error("a child has at most 4 pseudonyms in one request")]
    TooMany,
    /// The same pseudonym stands twice.
    #[error("the same pseudonym stands twice")]
    Repeated,
}

impl Subject {
    /// The most pseudonyms of one child in one request.
    pub const PSEUDONYMS_MAX: usize = 4;

    /// The pseudonyms, in the order given.
    #[must_use]
    pub fn pseudonyms(&self) -> &[NamedPseudonym] {
        &self.0
    }

    /// Whether one of them is this pseudonym.
    #[must_use]
    pub fn contains(&self, pseudonym: &Pseudonym) -> bool {
        self.0.iter().any(|named| named.pseudonym == *pseudonym)
    }

    /// Whether both are made of the same pseudonyms, in whatever order.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().all(|named| other.contains(&named.pseudonym))
    }
}

impl TryFrom<Vec<NamedPseudonym>> for Subject {
    type Error = SubjectError;

    fn try_from(named: Vec<NamedPseudonym>) -> Result<Self, SubjectError> {
        if named.is_empty() {
            return Err(SubjectError::Empty);
        }
        if named.len() > Self::PSEUDONYMS_MAX {
            return Err(SubjectError::TooMany);
        }
        for (index, one) in named.iter().enumerate() {
            if named[..index].iter().any(|earlier| earlier.pseudonym == one.pseudonym) {
                return Err(SubjectError::Repeated);
            }
        }
        Ok(Self(Arc::new(named)))
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_slice().serialize(serializer)
    }
}

// serde knows arrays of up to 32 bytes: the 64 go as two halves.
impl Serialize for Pseudonym {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (first, second) = self.as_bytes().split_at(32);
        let halves: (&[u8; 32], &[u8; 32]) = (
            first.try_into().expect("half of 64 bytes"),
            second.try_into().expect("half of 64 bytes"),
        );
        halves.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pseudonym {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (first, second) = <([u8; 32], [u8; 32])>::deserialize(deserializer)?;
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&first);
        bytes[32..].copy_from_slice(&second);
        Ok(Self::new(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(byte: u8) -> NamedPseudonym {
        NamedPseudonym {
            namespace: Namespace::Nhs,
            key: EvaluationKeyId(1),
            pseudonym: Pseudonym::new([byte; 64]),
        }
    }

    #[test]
    fn a_subject_is_one_to_four_different_pseudonyms() {
        assert_eq!(Subject::try_from(vec![]), Err(SubjectError::Empty));
        assert!(Subject::try_from((0..4).map(named).collect::<Vec<_>>()).is_ok());
        let five: Vec<_> = (0..5).map(named).collect();
        assert_eq!(Subject::try_from(five), Err(SubjectError::TooMany));
        assert_eq!(Subject::try_from(vec![named(1), named(1)]), Err(SubjectError::Repeated));
    }

    #[test]
    fn a_pseudonym_prints_as_its_type_and_survives_encoding() {
        let subject = Subject::try_from(vec![named(0xAB)]).unwrap();
        assert!(!format!("{subject:?}").contains("171"), "no byte of it shows");
        let bytes = postcard::to_stdvec(&subject).unwrap();
        assert_eq!(postcard::from_bytes::<Subject>(&bytes).unwrap(), subject);
    }
}
