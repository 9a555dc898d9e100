//! The token a practitioner holds, and the other type that is stored of it.

use serde::{Deserialize, Serialize};

use crate::secret::secret_bytes;

/// What every token begins with, so that secret scanners find a leaked one:
/// `sgnp_[0-9a-f]{72}`.
pub const PREFIX: &str = "sgnp_";

const CHECKSUM_LEN: usize = 4;

secret_bytes! {
    /// A token's 256 random bits. Its text is the prefix, the bits and a checksum of 32 bits, in
    /// lower-case hex: 77 characters.
    Token, 32
}

/// What is stored of a token: it finds the token's record and cannot be used to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TokenHash([u8; 32]);

/// The text is not a token: mistyped, cut short, or something else. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token: it must be sgnp_ and 72 hex digits whose checksum fits")]
pub struct TokenError;

impl Token {
    /// Reads a token's text and checks its checksum.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let digits = text.strip_prefix(PREFIX).ok_or(TokenError)?.as_bytes();
        if digits.len() != 2 * (Self::LEN + CHECKSUM_LEN) {
            return Err(TokenError);
        }
        let mut bytes = [0; Self::LEN + CHECKSUM_LEN];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        let secret: [u8; Self::LEN] = bytes[..Self::LEN].try_into().expect("the first 32 bytes");
        if checksum(&secret) == bytes[Self::LEN..] {
            Ok(Self::new(secret))
        } else {
            Err(TokenError)
        }
    }

    /// The token's text, for its holder and nobody else.
    #[must_use]
    pub fn to_text(&self) -> zeroize::Zeroizing<String> {
        use std::fmt::Write;
        let mut text = String::with_capacity(PREFIX.len() + 2 * (Self::LEN + CHECKSUM_LEN));
        text.push_str(PREFIX);
        for byte in self.as_bytes().iter().chain(&checksum(self.as_bytes())) {
            write!(text, "{byte:02x}").expect("a String takes every write");
        }
        zeroize::Zeroizing::new(text)
    }

    /// What is stored of it. The bits are random, so a plain hash cannot be guessed back.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(blake3::derive_key("signpost 2026 token hash", self.as_bytes()))
    }
}

impl TokenHash {
    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn hex_digit(digit: u8) -> Result<u8, TokenError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(TokenError),
    }
}

fn checksum(secret: &[u8; Token::LEN]) -> [u8; CHECKSUM_LEN] {
    let hash = blake3::derive_key("signpost 2026 token checksum", secret);
    [hash[0], hash[1], hash[2], hash[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_one_wrong_digit_is_noticed() {
        let token = Token::new([7; 32]);
        let text = token.to_text();
        assert_eq!(text.len(), 77);
        assert_eq!(Token::parse(&text), Ok(token));
        for position in PREFIX.len()..text.len() {
            let mut wrong = text.as_bytes().to_vec();
            wrong[position] = if wrong[position] == b'0' { b'1' } else { b'0' };
            assert_eq!(Token::parse(std::str::from_utf8(&wrong).unwrap()), Err(TokenError));
        }
        for text in ["", "sgnp_", "ghp_00", "sgnp_é"] {
            assert_eq!(Token::parse(text), Err(TokenError));
        }
    }

    #[test]
    fn a_token_prints_as_its_type_and_its_hash_is_another_thing() {
        let token = Token::new([7; 32]);
        assert_eq!(format!("{token:?}"), "Token");
        assert_ne!(token.hash().as_bytes(), token.as_bytes());
    }
}
