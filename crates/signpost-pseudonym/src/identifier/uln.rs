//! Unique learner numbers: ten digits, the last a check digit of 10 minus the remainder modulo 11.

use super::error::IdentifierError;
use super::nhs_like;

/// Checks a compact text as a unique learner number.
pub(super) fn check(value: &str) -> Result<(), IdentifierError> {
    let digits = nhs_like::ten_digits(value)?;
    if digits == [9; 10] {
        return Err(IdentifierError::UlnTemporary);
    }
    if nhs_like::is_repeated(digits) {
        return Err(IdentifierError::Placeholder);
    }
    let expected = check_digit(digits);
    if expected == Some(digits[9]) {
        return Ok(());
    }
    Err(if nhs_like::check(value).is_ok() {
        IdentifierError::LooksLikeNhsNumber
    } else if expected.is_none() {
        IdentifierError::NoValidCheckDigit
    } else {
        IdentifierError::WrongCheckDigit
    })
}

/// The last digit of a ULN that starts with these nine, if there is one.
pub(super) fn check_digit(digits: [u8; 10]) -> Option<u8> {
    let remainder = nhs_like::weighted_sum(digits) % 11;
    // A remainder of 0 would make it 10, which is no digit.
    u8::try_from(10 - remainder).ok().filter(|digit| *digit < 10)
}
