//! The canonical form of a text, before any rule of one kind of identifier is applied.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::error::IdentifierError;

/// Far above any identifier with its separators; keeps every count in an error small.
const TEXT_CHARACTERS_MAX: usize = 256;
const TEXT_BYTES_MAX: usize = 1024;
/// How many times longer a text can become in NFKC, in bytes (U+FDFA: 3 bytes become 33).
const NFKC_GROWTH_MAX: usize = 11;

/// Applies compatibility normalisation and refuses what a spreadsheet made of a number.
pub(super) fn nfkc(text: &str) -> Result<Zeroizing<String>, IdentifierError> {
    let too_long = IdentifierError::TooLong { max: TEXT_CHARACTERS_MAX };
    if text.len() > TEXT_BYTES_MAX {
        return Err(too_long);
    }
    // Room for all of it at once: a string that grows leaves unwiped copies behind.
    let mut normal = Zeroizing::new(String::with_capacity(text.len() * NFKC_GROWTH_MAX));
    normal.extend(text.nfkc());
    if normal.chars().count() > TEXT_CHARACTERS_MAX {
        return Err(too_long);
    }
    refuse_spreadsheet_forms(&normal)?;
    Ok(normal)
}

/// Brings a text into the form of the checked identifiers: ASCII digits and capital letters.
pub(super) fn compact(text: &str) -> Result<Zeroizing<String>, IdentifierError> {
    let normal = nfkc(text)?;
    let mut compact = Zeroizing::new(String::with_capacity(normal.len()));
    for character in normal.chars().filter(|&character| !is_separator(character)) {
        let position = compact.len() + 1;
        if !character.is_ascii() && character.is_numeric() {
            return Err(IdentifierError::OtherScriptDigits { position });
        }
        if !character.is_ascii_alphanumeric() {
            return Err(IdentifierError::UnexpectedCharacter { position });
        }
        compact.push(character.to_ascii_uppercase());
    }
    if compact.is_empty() {
        return Err(IdentifierError::Empty);
    }
    Ok(compact)
}

/// Characters that cannot be seen and take no room, the byte order mark among them.
pub(super) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

fn is_separator(character: char) -> bool {
    character.is_whitespace() || is_invisible(character) || is_dash(character) || is_dot(character)
}

/// What Unicode calls a dash, and the two that people take for one.
fn is_dash(character: char) -> bool {
    matches!(
        character,
        '-' | '\u{2D7}' | '\u{58A}' | '\u{5BE}' | '\u{1400}' | '\u{1806}' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2043}'
                | '\u{2053}'
                | '\u{207B}'
                | '\u{208B}'
                | '\u{2212}'
                | '\u{2E17}'
                | '\u{2E1A}'
                | '\u{2E3A}'
                | '\u{2E3B}'
                | '\u{2E40}'
                | '\u{2E5D}'
                | '\u{301C}'
                | '\u{3030}'
                | '\u{30A0}'
                | '\u{FE31}'
                | '\u{FE32}'
                | '\u{FE58}'
                | '\u{FE63}'
                | '\u{FF0D}'
                | '\u{10EAD}'
    )
}

fn is_dot(character: char) -> bool {
    matches!(
        character,
        '.' | '\u{B7}' | '\u{2027}' | '\u{2219}' | '\u{22C5}' | '\u{3002}' | '\u{30FB}'
    )
}

/// Must come before the dots go: "123456789.0" would become ten digits, another child's number.
fn refuse_spreadsheet_forms(text: &str) -> Result<(), IdentifierError> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    for character in text.chars() {
        match character {
            _ if character.is_whitespace() || is_invisible(character) => {}
            _ if is_dot(character) => plain.push('.'),
            _ if is_dash(character) => plain.push('-'),
            _ => plain.push(character.to_ascii_uppercase()),
        }
    }
    if is_decimal_integer(&plain) {
        return Err(IdentifierError::TrailingPointZero);
    }
    if is_exponent_form(&plain) {
        return Err(IdentifierError::ExponentForm);
    }
    Ok(())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Anything that ends in ".0", and digits followed by a point and nothing but zeros.
fn is_decimal_integer(plain: &str) -> bool {
    plain.ends_with(".0")
        || plain.split_once('.').is_some_and(|(whole, fraction)| {
            is_digits(whole) && is_digits(fraction) && fraction.bytes().all(|byte| byte == b'0')
        })
}

/// A number and a power of ten; without point and sign ("23E0045") it may be a case number.
fn is_exponent_form(plain: &str) -> bool {
    let Some((mantissa, exponent)) = plain.split_once('E') else { return false };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    is_digits(whole)
        && is_digits(fraction)
        && is_digits(unsigned)
        && (mantissa.contains('.') || unsigned.len() < exponent.len())
}
