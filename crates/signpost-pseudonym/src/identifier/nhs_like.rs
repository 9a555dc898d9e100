//! NHS, CHI and Health and Care numbers: ten digits, the last a check digit modulo 11.

use std::ops::RangeInclusive;

use thiserror::Error;

use super::error::IdentifierError;
use super::uln;
use crate::namespace::Namespace;

/// How many digits the health numbers and the ULN have.
const LENGTH: usize = 10;

/// Passes modulo 11 and stands in forms and test data; no authority has issued it.
const ASCENDING: &str = "0123456789";

/// Where the numbers of each service lie: reference data that changes, so it warns, never refuses.
const CHI_RANGE: RangeInclusive<&str> = "0101010000"..="3112999999";
const HCN_RANGE: RangeInclusive<&str> = "3200000010"..="3999999999";
const TEST_RANGE: RangeInclusive<&str> = "9990000000"..="9999999999";

/// What looks odd about a health number although its check digit is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdentifierWarning {
    /// An NHS number where CHI numbers lie.
    #[error(
        "lies between 010 101 0000 and 311 299 9999, where Scottish CHI numbers lie: \
         make sure that it is an NHS number"
    )]
    InChiRange,
    /// An NHS number where Health and Care numbers lie.
    #[error(
        "lies between 320 000 0010 and 399 999 9999, where Northern Irish Health and Care numbers \
         lie, though England now issues some too: make sure that it is an NHS number"
    )]
    InHcnRange,
    /// A number of the range for tests.
    #[error("lies between 999 000 0000 and 999 999 9999, which is for tests: no child has it")]
    InTestRange,
    /// An NHS number of a range from which none were issued.
    #[error("no NHS numbers are known to be issued in its range (3, 4, 6 or 7 first): compare it")]
    Unissued,
    /// A CHI number that does not start with a day, a month and a year.
    #[error("does not start with a date of birth as CHI numbers do: make sure that it is one")]
    OutsideChiRange,
    /// A Health and Care number outside the range of those.
    #[error(
        "lies outside 320 000 0010 to 399 999 9999, where Northern Irish Health and Care numbers \
         lie: make sure that it is one"
    )]
    OutsideHcnRange,
}

/// Checks a compact text as a health number.
pub(super) fn check(value: &str) -> Result<(), IdentifierError> {
    let digits = ten_digits(value)?;
    if is_repeated(digits) || value == ASCENDING {
        return Err(IdentifierError::Placeholder);
    }
    let expected = (11 - weighted_sum(digits) % 11) % 11;
    if expected == u32::from(digits[9]) {
        return Ok(());
    }
    // Never both: this check digit is 11 - r, that of a ULN 10 - r.
    Err(match uln::check_digit(digits) {
        Some(uln_digit) if uln_digit == digits[9] => IdentifierError::LooksLikeUln,
        _ if expected == 10 => IdentifierError::NoValidCheckDigit,
        _ => IdentifierError::WrongCheckDigit,
    })
}

/// What looks odd about a checked number of this namespace.
pub(super) fn warning(namespace: &Namespace, value: &str) -> Option<IdentifierWarning> {
    if TEST_RANGE.contains(&value) {
        return Some(IdentifierWarning::InTestRange);
    }
    match namespace {
        Namespace::Nhs if CHI_RANGE.contains(&value) => Some(IdentifierWarning::InChiRange),
        Namespace::Nhs if HCN_RANGE.contains(&value) => Some(IdentifierWarning::InHcnRange),
        Namespace::Nhs if !value.starts_with(['3', '4', '6', '7']) => {
            Some(IdentifierWarning::Unissued)
        }
        Namespace::Chi if !starts_with_date(value) => Some(IdentifierWarning::OutsideChiRange),
        Namespace::Hcn if !HCN_RANGE.contains(&value) => Some(IdentifierWarning::OutsideHcnRange),
        _ => None,
    }
}

fn starts_with_date(value: &str) -> bool {
    ("01"..="31").contains(&&value[..2]) && ("01"..="12").contains(&&value[2..4])
}

/// The values of ten digits, or what stands in their way.
pub(super) fn ten_digits(value: &str) -> Result<[u8; LENGTH], IdentifierError> {
    for (index, byte) in value.bytes().enumerate() {
        let position = index + 1;
        match byte {
            b'0'..=b'9' => {}
            b'I' | b'O' | b'S' => return Err(IdentifierError::LetterNotInAlphabet { position }),
            _ => return Err(IdentifierError::UnexpectedCharacter { position }),
        }
    }
    if value.len() == LENGTH - 1 {
        return Err(IdentifierError::NineDigits);
    }
    let bytes: [u8; LENGTH] = value
        .as_bytes()
        .try_into()
        .map_err(|_| IdentifierError::WrongLength { expected: LENGTH, found: value.len() })?;
    Ok(bytes.map(|byte| byte - b'0'))
}

/// Whether all digits are equal; such numbers pass modulo 11, for 55 is divisible by it.
pub(super) fn is_repeated(digits: [u8; LENGTH]) -> bool {
    digits.iter().all(|digit| *digit == digits[0])
}

/// The first nine digits with the weights 10 to 2.
pub(super) fn weighted_sum(digits: [u8; LENGTH]) -> u32 {
    digits[..9].iter().zip((2..=10).rev()).map(|(digit, weight)| u32::from(*digit) * weight).sum()
}
