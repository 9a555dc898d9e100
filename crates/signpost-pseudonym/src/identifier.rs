//! Identifiers of children: parsed once, checked, in one canonical form.

mod case_number;
mod error;
mod nhs_like;
mod normalise;
mod uln;
mod upn;

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use self::error::IdentifierError;
pub use self::nhs_like::IdentifierWarning;
use crate::namespace::Namespace;

/// Stands between the namespace and the value; neither can contain it.
const UNIT_SEPARATOR: u8 = 0x1F;

/// A checked identifier in canonical form.
///
/// It prints as its type's name, compares in constant time and is wiped when dropped. Blind it
/// ([`crate::oprf::Blinded`]); nothing else should be done with it.
pub struct Identifier {
    namespace: Namespace,
    oprf_input: Zeroizing<Vec<u8>>,
    warning: Option<IdentifierWarning>,
}

impl Identifier {
    /// Brings `text` into canonical form and checks it by the rules of `namespace`.
    ///
    /// The kind of pupil number is never guessed here: a temporary number under
    /// [`Namespace::Upn`], or a permanent one under [`Namespace::UpnTemp`], is an error of its
    /// own. Where the kind is not known, use [`Identifier::parse_upn`].
    pub fn parse(namespace: Namespace, text: &str) -> Result<Self, IdentifierError> {
        let value = match namespace {
            Namespace::Case(_) => case_number::parse(text)?,
            _ => normalise::compact(text)?,
        };
        let mut warning = None;
        match namespace {
            Namespace::Nhs | Namespace::Chi | Namespace::Hcn => {
                nhs_like::check(&value)?;
                warning = nhs_like::warning(&namespace, &value);
            }
            Namespace::Uln => uln::check(&value)?,
            Namespace::Upn | Namespace::UpnTemp => match upn::check(&value)? {
                found if found == namespace => {}
                Namespace::UpnTemp => return Err(IdentifierError::TemporaryUpn),
                _ => return Err(IdentifierError::PermanentUpn),
            },
            Namespace::Case(_) => {}
        }
        Ok(Self::new(namespace, &value, warning))
    }

    /// Parses a unique pupil number of either kind; a letter in the last place makes it temporary.
    pub fn parse_upn(text: &str) -> Result<Self, IdentifierError> {
        let value = normalise::compact(text)?;
        Ok(Self::new(upn::check(&value)?, &value, None))
    }

    fn new(namespace: Namespace, value: &str, warning: Option<IdentifierWarning>) -> Self {
        let name = namespace.to_string();
        // The exact capacity: a vector that grows leaves unwiped copies behind.
        let mut oprf_input = Zeroizing::new(Vec::with_capacity(name.len() + 1 + value.len()));
        oprf_input.extend_from_slice(name.as_bytes());
        oprf_input.push(UNIT_SEPARATOR);
        oprf_input.extend_from_slice(value.as_bytes());
        Self { namespace, oprf_input, warning }
    }

    /// What this is a number of.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The namespace's name, the byte 0x1F and the canonical value: what the OPRF takes.
    ///
    /// The bytes are wiped with the identifier; do not copy them.
    #[must_use]
    pub fn oprf_input(&self) -> &[u8] {
        &self.oprf_input
    }

    /// What looks odd about the number although its check is right.
    #[must_use]
    pub fn warning(&self) -> Option<IdentifierWarning> {
        self.warning
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identifier")
    }
}

impl PartialEq for Identifier {
    fn eq(&self, other: &Self) -> bool {
        self.oprf_input.ct_eq(&other.oprf_input).into()
    }
}

impl Eq for Identifier {}

/// Whether a free text, as a whole, is a checked identifier of any namespace.
///
/// Errs on the side of yes: a pupil number of an unknown authority counts, and so does a number to
/// which a spreadsheet added ".0". Placeholders do not count, and an identifier in the midst of
/// other words is not found.
#[must_use]
pub fn looks_like_identifier(text: &str) -> bool {
    let Ok(value) = normalise::compact(text.strip_suffix(".0").unwrap_or(text)) else {
        return false;
    };
    nhs_like::check(&value).is_ok()
        || uln::check(&value).is_ok()
        || matches!(upn::check(&value), Ok(_) | Err(IdentifierError::UnknownLocalAuthority))
}
