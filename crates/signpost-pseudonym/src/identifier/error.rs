//! Why a text is not the identifier it was given as.

use thiserror::Error;

/// Why a text is not the identifier it was given as: what is wrong, and what to do.
///
/// No variant carries any part of the value. Positions count from 1 and leave out spaces, dashes
/// and dots, except in case numbers, where every character counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdentifierError {
    /// Nothing is left after normalisation.
    #[error("the identifier is empty: enter it")]
    Empty,
    /// More text than an identifier of this kind can have.
    #[error("longer than the {max} characters allowed: enter one identifier and nothing else")]
    TooLong {
        /// The most characters allowed.
        max: usize,
    },
    /// Too few or too many characters.
    #[error("{expected} characters expected, {found} found: compare with the source")]
    WrongLength {
        /// How many characters an identifier of this kind has.
        expected: usize,
        /// How many were found, without spaces, dashes and dots.
        found: usize,
    },
    /// Nine digits where ten belong.
    #[error(
        "nine digits where ten belong: a spreadsheet may have dropped a leading zero; \
         take the number from its source, do not add a zero"
    )]
    NineDigits,
    /// A decimal number such as a spreadsheet makes of an identifier.
    #[error("ends in a decimal point and zero: a spreadsheet made it a number; export it as text")]
    TrailingPointZero,
    /// A number in exponent form such as a spreadsheet makes of an identifier.
    #[error("in exponent form: a spreadsheet has lost its last digits; take it from its source")]
    ExponentForm,
    /// Digits of another script than the Latin one.
    #[error("position {position} is a digit of another script: enter 0 to 9")]
    OtherScriptDigits {
        /// Where.
        position: usize,
    },
    /// A character that no identifier of this kind has.
    #[error("the character at position {position} does not belong there: compare with the source")]
    UnexpectedCharacter {
        /// Where.
        position: usize,
    },
    /// A character of a case number that nobody could see.
    #[error("position {position} is a control or invisible character or an outer space: remove it")]
    InvisibleCharacter {
        /// Where, counting every character.
        position: usize,
    },
    /// The letter I, O or S.
    #[error("position {position} is I, O or S, which are never used: perhaps 1, 0 or 5 was meant")]
    LetterNotInAlphabet {
        /// Where.
        position: usize,
    },
    /// The last digit does not fit the others.
    #[error("the check digit is wrong: a digit is mistyped or two are swapped")]
    WrongCheckDigit,
    /// No last digit could fit the others.
    #[error(
        "no check digit fits the first nine digits, so no such number exists: a digit is wrong"
    )]
    NoValidCheckDigit,
    /// A filler such as ten equal digits, which some systems enter for "not known".
    #[error("a placeholder, not a number: leave the identifier out if it is not known")]
    Placeholder,
    /// A unique learner number where a health number belongs, or a last digit wrong by one.
    #[error(
        "the check digit is not that of a health number but that of a unique learner number (ULN): \
         choose that kind, or compare with the source"
    )]
    LooksLikeUln,
    /// A health number where a unique learner number belongs, or a last digit wrong by one.
    #[error(
        "the check digit is not that of a ULN but that of an NHS, CHI or Health and Care number: \
         choose that kind, or compare with the source"
    )]
    LooksLikeNhsNumber,
    /// The placeholder of ten nines that stands for a learner without a number.
    #[error("the temporary ULN, which many learners share: leave it out until a ULN is issued")]
    UlnTemporary,
    /// The first letter of a UPN does not fit the rest.
    #[error("the check letter of the UPN is wrong: a character is mistyped or two are swapped")]
    WrongCheckLetter,
    /// A letter in the middle of a UPN.
    #[error("position {position} is a letter: a UPN has letters in its first and last place only")]
    LetterNotInLastPlace {
        /// Where.
        position: usize,
    },
    /// The three digits after the check letter name no local authority on the list.
    #[error(
        "no local authority has the code in this UPN: compare with the source; \
         if it is right, this version's list of authorities is out of date"
    )]
    UnknownLocalAuthority,
    /// A temporary UPN where a permanent one belongs.
    #[error("a temporary UPN: enter it as such, or take the permanent UPN")]
    TemporaryUpn,
    /// A permanent UPN where a temporary one belongs.
    #[error("a permanent UPN, not a temporary one: enter it as such")]
    PermanentUpn,
}
