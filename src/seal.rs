//! Sealing a secret to one person's public key, in the format of age (<https://age-encryption.org/v1>).

use std::fmt;

use crate::exit::{Exit, Failure};

/// A public key of age: `age1...`.
#[derive(Clone)]
pub struct Recipient(age::x25519::Recipient);

impl Recipient {
    /// Reads a public key.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// Seals it: only the holder of the private key opens it.
    pub fn seal(&self, secret: &[u8]) -> Result<Vec<u8>, Failure> {
        age::encrypt(&self.0, secret)
            .map_err(|error| Failure::new(Exit::Bug, format!("sealing failed: {error}")))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_holder_of_the_private_key_opens_it() {
        let (key, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
        let recipient = Recipient::parse(&key.to_public().to_string()).unwrap();
        let sealed = recipient.seal(b"a code").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"a code"));
        assert_eq!(age::decrypt(&key, &sealed).unwrap(), b"a code");
        assert!(age::decrypt(&other, &sealed).is_err());
    }

    #[test]
    fn what_is_no_public_key_is_none() {
        for wrong in ["", "age1", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1QQ"] {
            assert!(Recipient::parse(wrong).is_none(), "{wrong}");
        }
    }
}
