//! What a practitioner holds: a token, and the enrolment code that was redeemed for it.
//!
//! Both are made where they are used, never by the service: it is given their hashes, and sees them
//! when they are presented.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::secret_bytes;

/// What every token begins with, so that secret scanners find a leaked one:
/// `sgnp_[0-9a-f]{72}`.
pub const PREFIX: &str = "sgnp_";

/// What every enrolment code begins with: `sgne_[0-9a-f]{40}`.
pub const CODE_PREFIX: &str = "sgne_";

const CHECKSUM_LEN: usize = 4;

secret_bytes! {
    /// A token's 256 random bits. Its text is the prefix, the bits and a checksum of 32 bits, in
    /// lower-case hex: 77 characters.
    Token, 32
}

secret_bytes! {
    /// An enrolment code's 128 random bits, to be redeemed once. Its text is the prefix, the bits
    /// and a checksum of 32 bits, in lower-case hex: 45 characters.
    EnrolmentCode, 16
}

/// What is stored of a token: it finds the token's record and cannot be used to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TokenHash([u8; 32]);

/// What is stored of an enrolment code: it finds the enrolment and cannot be redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CodeHash([u8; 32]);

/// The text is not a token: mistyped, cut short, or something else. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token: it must be sgnp_ and 72 hex digits whose checksum fits")]
pub struct TokenError;

/// The text is not an enrolment code. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an enrolment code: it must be sgne_ and 40 hex digits whose checksum fits")]
pub struct CodeError;

impl Token {
    /// Reads a token's text and checks its checksum.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        read(PREFIX, TOKEN_CHECKSUM, text).map(Self::new).ok_or(TokenError)
    }

    /// The token's text, for its holder and nobody else.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        write(PREFIX, TOKEN_CHECKSUM, self.as_bytes())
    }

    /// What is stored of it. The bits are random, so a plain hash cannot be guessed back.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(blake3::derive_key("signpost 2026 token hash", self.as_bytes()))
    }
}

impl EnrolmentCode {
    /// Reads a code's text and checks its checksum.
    pub fn parse(text: &str) -> Result<Self, CodeError> {
        read(CODE_PREFIX, CODE_CHECKSUM, text).map(Self::new).ok_or(CodeError)
    }

    /// The code's text, for the person it lets in and nobody else.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        write(CODE_PREFIX, CODE_CHECKSUM, self.as_bytes())
    }

    /// What is stored of it.
    #[must_use]
    pub fn hash(&self) -> CodeHash {
        CodeHash(blake3::derive_key("signpost 2026 enrolment code hash", self.as_bytes()))
    }
}

macro_rules! hashes {
    ($($name:ident)+) => {$(
        impl $name {
            /// Wraps these 32 bytes, as they come from whoever holds what was hashed.
            #[must_use]
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }
    )+};
}

hashes! { TokenHash CodeHash }

const TOKEN_CHECKSUM: &str = "signpost 2026 token checksum";
const CODE_CHECKSUM: &str = "signpost 2026 enrolment code checksum";

fn write<const N: usize>(prefix: &str, context: &str, secret: &[u8; N]) -> Zeroizing<String> {
    use std::fmt::Write;
    let mut text = String::with_capacity(prefix.len() + 2 * (N + CHECKSUM_LEN));
    text.push_str(prefix);
    for byte in secret.iter().chain(&checksum(context, secret)) {
        write!(text, "{byte:02x}").expect("a String takes every write");
    }
    Zeroizing::new(text)
}

fn read<const N: usize>(prefix: &str, context: &str, text: &str) -> Option<[u8; N]> {
    let digits = text.strip_prefix(prefix)?.as_bytes();
    if digits.len() != 2 * (N + CHECKSUM_LEN) {
        return None;
    }
    let mut bytes = Zeroizing::new(vec![0; N + CHECKSUM_LEN]);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    let (secret, found) = bytes.split_at(N);
    (checksum(context, secret) == found).then(|| secret.try_into().expect("N bytes"))
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn checksum(context: &str, secret: &[u8]) -> [u8; CHECKSUM_LEN] {
    let hash = blake3::derive_key(context, secret);
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
    fn a_code_reads_back_and_is_no_token() {
        let code = EnrolmentCode::new([7; 16]);
        let text = code.to_text();
        assert_eq!(text.len(), 45);
        assert_eq!(Token::parse(&text), Err(TokenError));
        assert_eq!(EnrolmentCode::parse(&text), Ok(code));
        let wrong = text.replace(&text[5..6], if &text[5..6] == "0" { "1" } else { "0" });
        assert_eq!(EnrolmentCode::parse(&wrong), Err(CodeError));
        assert_eq!(EnrolmentCode::parse(&Token::new([7; 32]).to_text()), Err(CodeError));
    }

    #[test]
    fn a_token_prints_as_its_type_and_its_hash_is_another_thing() {
        let token = Token::new([7; 32]);
        assert_eq!(format!("{token:?}"), "Token");
        assert_ne!(token.hash().as_bytes(), token.as_bytes());
        let code = EnrolmentCode::new([7; 16]);
        assert_eq!(format!("{code:?}"), "EnrolmentCode");
        assert_ne!(code.hash().as_bytes()[..16], code.as_bytes()[..]);
    }
}
