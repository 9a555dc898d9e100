//! The few texts that Signpost holds, each with its alphabet and length; none of them free. Clones
//! share the text: every request reads some.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::terms::CodeScheme;

/// Why a text is refused. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Too short or too long.
    #[error("must be {min} to {max} characters long")]
    Length {
        /// The fewest characters.
        min: usize,
        /// The most characters.
        max: usize,
    },
    /// A character outside the alphabet.
    #[error("may only hold {0}")]
    Alphabet(&'static str),
    /// Not a telephone number in international form.
    #[error("must be a telephone number in E.164 form, such as +441632960001")]
    Phone,
    /// Not the reference of a case file.
    #[error("must be 2 to 4 capitals, a year and 1 to 5 digits, such as DPO-2026-00042")]
    Case,
    /// The text reads as a child's identifier.
    #[error("reads as an identifier of a child; Signpost takes none in a text")]
    Identifier,
}

macro_rules! texts {
    ($($(#[$meta:meta])* $name:ident, $check:expr;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                let check: fn(&str) -> Result<(), TextError> = $check;
                check(&text).map(|()| Self(text.into()))
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0.as_ref().to_owned()
            }
        }
    )+};
}

texts! {
    /// An organisation's code (ODS, GSS or URN): 3 to 12 capitals and digits.
    OrganisationCode, |text| {
        length(text, 3, 12)?;
        alphabet(text, "A to Z and 0 to 9", |c| c.is_ascii_uppercase() || c.is_ascii_digit())
    };
    /// A GSS code of the Office for National Statistics: a capital and 8 digits.
    AreaCode, |text| {
        length(text, 9, 9)?;
        alphabet(text, "a capital and 8 digits", |c| c.is_ascii_uppercase() || c.is_ascii_digit())?;
        let (letter, digits) = text.split_at(1);
        let fits = letter.bytes().all(|b| b.is_ascii_uppercase())
            && digits.bytes().all(|b| b.is_ascii_digit());
        if fits { Ok(()) } else { Err(TextError::Alphabet("a capital and 8 digits")) }
    };
    /// What an organisation calls a member of its staff: 1 to 64 characters, compared as bytes.
    StaffReference, |text| {
        length(text, 1, 64)?;
        alphabet(text, "A to Z, a to z, 0 to 9 and ._:/-", |c| {
            c.is_ascii_alphanumeric() || "._:/-".contains(c)
        })
    };
    /// The name of an organisation or team, from the register: 1 to 80 printable characters.
    Name, |text| {
        length(text, 1, 80)?;
        alphabet(text, "letters, digits, spaces and .,'&()/-", |c| {
            c.is_alphanumeric() || " .,'&()/-".contains(c)
        })
    };
    /// A source system's own reference of a flag: 1 to 64 characters, opaque, no personal data.
    SourceReference, |text| {
        length(text, 1, 64)?;
        alphabet(text, "A to Z, a to z, 0 to 9 and ._:-", |c| {
            c.is_ascii_alphanumeric() || "._:-".contains(c)
        })
    };
    /// The id of a feed: 1 to 32 characters.
    FeedId, |text| {
        length(text, 1, 32)?;
        alphabet(text, "a to z, 0 to 9 and -", |c| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
        })
    };
    /// The case file by which somebody answers for what is done: 2 to 4 capitals, a year of this century
    /// and a number of 1 to 5 digits, such as DPO-2026-00042. No identifier of a child fits it.
    CaseReference, |text| {
        let mut parts = text.split('-');
        let (letters, year, number) = (parts.next(), parts.next(), parts.next());
        let within = |part: Option<&str>, least, most, fits: fn(u8) -> bool| {
            part.is_some_and(|part| {
                (least..=most).contains(&part.len()) && part.bytes().all(fits)
            })
        };
        let fits = parts.next().is_none()
            && within(letters, 2, 4, |byte| byte.is_ascii_uppercase())
            && within(year, 4, 4, |byte| byte.is_ascii_digit())
            && year.is_some_and(|year| year.starts_with("20"))
            && within(number, 1, 5, |byte| byte.is_ascii_digit());
        if fits { Ok(()) } else { Err(TextError::Case) }
    };
    /// A telephone number in E.164 form: a plus and 7 to 15 digits, the first not 0.
    Phone, |text| {
        let digits = text.strip_prefix('+').ok_or(TextError::Phone)?;
        let fits = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if fits { Ok(()) } else { Err(TextError::Phone) }
    };
}

impl OrganisationCode {
    /// Whether it is a code of this scheme: ODS 3 to 12 capitals and digits, GSS a capital and 8
    /// digits, URN 6 digits.
    #[must_use]
    pub fn fits(&self, scheme: CodeScheme) -> bool {
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        match scheme {
            CodeScheme::Ods => true,
            CodeScheme::Gss => AreaCode::try_from(self.as_str().to_owned()).is_ok(),
            CodeScheme::Urn => self.0.len() == 6 && digits(&self.0),
        }
    }
}

fn length(text: &str, min: usize, max: usize) -> Result<(), TextError> {
    if (min..=max).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(TextError::Length { min, max })
    }
}

fn alphabet(text: &str, named: &'static str, fits: fn(char) -> bool) -> Result<(), TextError> {
    if text.chars().all(fits) { Ok(()) } else { Err(TextError::Alphabet(named)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_keeps_to_its_alphabet_and_length() {
        assert!(OrganisationCode::try_from("E10000000".to_owned()).is_ok());
        assert!(OrganisationCode::try_from("ab1".to_owned()).is_err());
        assert!(OrganisationCode::try_from("AB".to_owned()).is_err());
        assert!(AreaCode::try_from("E10000000".to_owned()).is_ok());
        for wrong in ["E1000000", "10000000E", "EE0000000", "e10000000"] {
            assert!(AreaCode::try_from(wrong.to_owned()).is_err());
        }
        assert!(StaffReference::try_from("NC/00-12".to_owned()).is_ok());
        assert!(StaffReference::try_from("A B".to_owned()).is_err());
        assert!(Name::try_from("Northfield Early Help (East)".to_owned()).is_ok());
        assert!(Name::try_from("a\nb".to_owned()).is_err());
        assert!(SourceReference::try_from("CASE-1.2:3".to_owned()).is_ok());
        assert!(SourceReference::try_from("x".repeat(65)).is_err());
        assert!(FeedId::try_from("mosaic-nightly".to_owned()).is_ok());
        assert!(Phone::try_from("+441632960001".to_owned()).is_ok());
        for wrong in ["01632960001", "+0441632", "+44 1632", "+", "+1234567890123456"] {
            assert_eq!(Phone::try_from(wrong.to_owned()), Err(TextError::Phone));
        }
    }

    /// However it is cut in pieces, no 10 digits of an NHS number and no UPN fit.
    #[test]
    fn a_case_reference_has_one_form_that_holds_no_identifier() {
        for right in ["SAR-2026-0042", "IG-2099-1", "ABCD-2000-99999"] {
            assert!(CaseReference::try_from(right.to_owned()).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "SAR-2026",
            "SAR-2026-",
            "S-2026-1",
            "SMITH-2026-1",
            "sar-2026-1",
            "SAR-1999-1",
            "SAR-2026-000042",
            "SAR-9990-000018",
            "SAR-2026-1-1",
            "SAR-2026-00 1",
            "9990000018",
        ] {
            assert!(CaseReference::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_case_reference_is_letters_a_year_and_a_number() {
        for right in ["DPO-2026-00042", "AB-2026-1", "CRT-2025-99999"] {
            assert!(CaseReference::try_from(right.to_owned()).is_ok());
        }
        for wrong in [
            "",
            "9990000018",
            "A-2026-1",
            "DPO-2026",
            "DPO-26-1",
            "DPO-2026-123456",
            "dpo-2026-1",
            "DPO-2026-1-1",
            "DPO-2026-",
            "A999000001812",
            "DPO-٢٠٢٦-1",
        ] {
            assert_eq!(CaseReference::try_from(wrong.to_owned()), Err(TextError::Case));
        }
    }

    #[test]
    fn a_code_is_held_against_its_scheme() {
        let code = |text: &str| OrganisationCode::try_from(text.to_owned()).unwrap();
        assert!(code("RX1").fits(CodeScheme::Ods));
        assert!(code("E10000001").fits(CodeScheme::Gss));
        assert!(code("100001").fits(CodeScheme::Urn));
        assert!(!code("RX1").fits(CodeScheme::Gss));
        assert!(!code("10000A").fits(CodeScheme::Urn));
        assert!(!code("1000011").fits(CodeScheme::Urn));
    }
}
