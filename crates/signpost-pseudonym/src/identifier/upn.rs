//! Unique pupil numbers: check letter, local authority, establishment, year and serial.

use super::error::IdentifierError;
use crate::namespace::Namespace;

const LENGTH: usize = 13;

/// The letters in the order of their values, 0 to 22; I, O and S are left out.
const ALPHABET: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";

/// Local authority codes, one code or range a line, with remarks.
const LOCAL_AUTHORITIES: &str = include_str!("local-authorities.txt");

/// Checks a compact text as a pupil number and says of which of the two kinds it is.
pub(super) fn check(value: &str) -> Result<Namespace, IdentifierError> {
    for (index, byte) in value.bytes().enumerate() {
        if matches!(byte, b'I' | b'O' | b'S') {
            return Err(IdentifierError::LetterNotInAlphabet { position: index + 1 });
        }
    }
    let bytes: &[u8; LENGTH] = value
        .as_bytes()
        .try_into()
        .map_err(|_| IdentifierError::WrongLength { expected: LENGTH, found: value.len() })?;
    if bytes[0].is_ascii_digit() {
        return Err(IdentifierError::UnexpectedCharacter { position: 1 });
    }
    if let Some(index) = (1..LENGTH - 1).find(|index| !bytes[*index].is_ascii_digit()) {
        return Err(IdentifierError::LetterNotInLastPlace { position: index + 1 });
    }
    // Each place weighs its position, 2 to 13; all are smaller than the prime 23, so every wrong
    // digit and every swap of two unequal digits changes the letter.
    let sum: usize = (1..LENGTH).map(|index| (index + 1) * place_value(bytes[index])).sum();
    if bytes[0] != ALPHABET[sum % ALPHABET.len()] {
        return Err(IdentifierError::WrongCheckLetter);
    }
    if !is_local_authority(&value[1..4]) {
        return Err(IdentifierError::UnknownLocalAuthority);
    }
    let temporary = bytes[LENGTH - 1].is_ascii_uppercase();
    Ok(if temporary { Namespace::UpnTemp } else { Namespace::Upn })
}

/// A digit's value, or a letter's place in the alphabet.
fn place_value(byte: u8) -> usize {
    if byte.is_ascii_digit() {
        return usize::from(byte - b'0');
    }
    ALPHABET.iter().position(|letter| *letter == byte).expect("I, O and S were refused before")
}

/// Three digits compare as text as they do as numbers.
fn is_local_authority(code: &str) -> bool {
    LOCAL_AUTHORITIES
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(|entry| entry.split_once('-').unwrap_or((entry, entry)))
        .any(|(first, last)| first != "#" && (first..=last).contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_authorities_is_well_formed() {
        let is_code = |code: &str| code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
        let mut previous = "000";
        for line in LOCAL_AUTHORITIES.lines().filter(|line| !line.starts_with("# ")) {
            let entry = line.split_whitespace().next().expect("no empty lines");
            let (first, last) = entry.split_once('-').unwrap_or((entry, entry));
            assert!(is_code(first) && is_code(last), "{line}");
            assert!(previous < first && first <= last, "in order, without overlap: {line}");
            previous = last;
        }
    }

    #[test]
    fn the_list_of_authorities_knows_old_and_new_codes() {
        for code in ["001", "005", "201", "420", "660", "708", "815", "838", "839", "940", "943"] {
            assert!(is_local_authority(code), "{code}");
        }
        for code in ["000", "006", "200", "400", "659", "709", "804", "944", "999"] {
            assert!(!is_local_authority(code), "{code}");
        }
    }
}
