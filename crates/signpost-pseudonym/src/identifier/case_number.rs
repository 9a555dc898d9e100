//! Case numbers: an organisation's own, so nothing is known of their form and nothing is stripped.

use zeroize::Zeroizing;

use super::error::IdentifierError;
use super::normalise;

const CHARACTERS_MAX: usize = 64;
/// How many times longer a text can become in capitals, in bytes (U+0390: 2 bytes become 6).
const UPPERCASE_GROWTH_MAX: usize = 3;

/// Brings a case number into canonical form; "12-3" and "1-23" stay two numbers.
///
/// What nobody can see is refused rather than stripped, for it would make two numbers of one.
pub(super) fn parse(text: &str) -> Result<Zeroizing<String>, IdentifierError> {
    let normal = normalise::nfkc(text)?;
    let length = normal.chars().count();
    if length == 0 {
        return Err(IdentifierError::Empty);
    }
    if length > CHARACTERS_MAX {
        return Err(IdentifierError::TooLong { max: CHARACTERS_MAX });
    }
    for (index, character) in normal.chars().enumerate() {
        let outer = index == 0 || index == length - 1;
        let hidden = character.is_control() || normalise::is_invisible(character);
        if hidden || (outer && character.is_whitespace()) {
            return Err(IdentifierError::InvisibleCharacter { position: index + 1 });
        }
    }
    // Room for all of it at once: a string that grows leaves unwiped copies behind.
    let mut value = Zeroizing::new(String::with_capacity(normal.len() * UPPERCASE_GROWTH_MAX));
    value.extend(normal.chars().flat_map(char::to_uppercase));
    Ok(value)
}
