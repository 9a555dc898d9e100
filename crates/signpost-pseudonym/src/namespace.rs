//! What an identifier is a number of: the namespace that is hashed in front of it.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::identifier::looks_like_identifier;

/// What an identifier is a number of.
///
/// The check digit cannot tell an NHS, a CHI and a Health and Care number apart, so the namespace
/// is part of the hashed input. Its canonical name is what [`fmt::Display`] writes and
/// [`FromStr`] reads.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    /// `nhs`: NHS number of England, Wales and the Isle of Man.
    Nhs,
    /// `chi`: Community Health Index number of Scotland.
    Chi,
    /// `hcn`: Health and Care number of Northern Ireland.
    Hcn,
    /// `upn`: permanent unique pupil number of England.
    Upn,
    /// `upn-temp`: temporary unique pupil number, with a letter in its last place.
    UpnTemp,
    /// `uln`: unique learner number.
    Uln,
    /// `case:<organisation code>`: case number of one organisation.
    Case(OrganisationCode),
}

const CASE_PREFIX: &str = "case:";

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nhs => f.write_str("nhs"),
            Self::Chi => f.write_str("chi"),
            Self::Hcn => f.write_str("hcn"),
            Self::Upn => f.write_str("upn"),
            Self::UpnTemp => f.write_str("upn-temp"),
            Self::Uln => f.write_str("uln"),
            Self::Case(organisation) => write!(f, "{CASE_PREFIX}{organisation}"),
        }
    }
}

impl FromStr for Namespace {
    type Err = NamespaceError;

    fn from_str(name: &str) -> Result<Self, NamespaceError> {
        match name {
            "nhs" => Ok(Self::Nhs),
            "chi" => Ok(Self::Chi),
            "hcn" => Ok(Self::Hcn),
            "upn" => Ok(Self::Upn),
            "upn-temp" => Ok(Self::UpnTemp),
            "uln" => Ok(Self::Uln),
            _ => match name.strip_prefix(CASE_PREFIX) {
                Some(code) => Ok(Self::Case(code.parse()?)),
                None => Err(NamespaceError::Unknown),
            },
        }
    }
}

/// Code of an organisation: 3 to 12 capital letters and digits.
///
/// Nothing is normalised: two spellings of one code would be two namespaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrganisationCode(String);

impl OrganisationCode {
    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrganisationCode {
    type Err = NamespaceError;

    fn from_str(code: &str) -> Result<Self, NamespaceError> {
        let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        if !(3..=12).contains(&code.len()) || !code.bytes().all(allowed) {
            return Err(NamespaceError::OrganisationCode);
        }
        if looks_like_identifier(code) {
            return Err(NamespaceError::LooksLikeIdentifier);
        }
        Ok(Self(code.to_owned()))
    }
}

impl fmt::Display for OrganisationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text names no namespace or no organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NamespaceError {
    /// None of the names.
    #[error("unknown namespace: use nhs, chi, hcn, upn, upn-temp, uln or case:<organisation code>")]
    Unknown,
    /// Not of the alphabet or the length of an organisation code.
    #[error("an organisation code has 3 to 12 capital letters and digits")]
    OrganisationCode,
    /// A person's number where an organisation's code belongs.
    #[error("this is a person's identifier, not an organisation code: never send it")]
    LooksLikeIdentifier,
}
