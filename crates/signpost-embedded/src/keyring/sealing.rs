//! Sealing: AES-256-GCM-SIV over records padded to size classes, and over ledger openings.
//!
//! A sealed value is a random 96-bit nonce, the ciphertext and the 16-byte tag. What it is, and
//! where it lies, is bound in as associated data, so that no value can be moved elsewhere:
//!
//! | offset | length | associated data |
//! |---|---|---|
//! | 0 | 2 | format, 1 |
//! | 2 | 1 | what: 1 record, 2 opening |
//! | 3 | 8 | generation (record) or segment (opening) |
//! | 11 | 48 or 8 | location (record) or entry index (opening) |
//!
//! All numbers are big-endian. A record's plaintext is its version (8 bytes), the encoded record,
//! and zeros up to the size class.

use std::cell::RefCell;

use aes_gcm_siv::aead::AeadInPlace;
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce, Tag};
use rand_core::{OsRng, RngCore};
use signpost_core::entry::Opening;
use signpost_core::id::Receipt;
use signpost_core::record::{Record, Stored};
use zeroize::{Zeroize, Zeroizing};

/// A key of 32 random bytes: it prints as its type's name and is wiped. Bytes and cipher lie where they
/// were made: what is moved leaves a copy behind.
pub(crate) struct SealingKey {
    bytes: Box<[u8; SealingKey::LEN]>,
    cipher: Box<Aes256GcmSiv>,
}

/// The value was not sealed under this key for this place, or was changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open")]
pub(crate) struct SealError;

impl SealingKey {
    pub(crate) const LEN: usize = 32;

    /// A key of these bytes, if there are as many as a key has.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Box::new([0; Self::LEN]);
        if bytes.len() != key.len() {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self::of(key))
    }

    pub(crate) fn random() -> Self {
        let mut key = Box::new([0; Self::LEN]);
        OsRng.fill_bytes(&mut key[..]);
        Self::of(key)
    }

    fn of(bytes: Box<[u8; Self::LEN]>) -> Self {
        let cipher = Box::new(Aes256GcmSiv::new((&*bytes).into()));
        wipe_stack();
        Self { bytes, cipher }
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Seals what lies behind the first [`NONCE_LEN`] bytes of the buffer, in place, so that no
    /// copy of the plaintext stays behind; the buffer must have room for the tag.
    pub(crate) fn seal_in_place(&self, mut buffer: Vec<u8>, bound_to: &[u8]) -> Vec<u8> {
        let (nonce, plaintext) =
            buffer.split_first_chunk_mut::<NONCE_LEN>().expect("the caller left room for it");
        *nonce = next_nonce();
        let tag = self
            .cipher
            .encrypt_in_place_detached(&Nonce::from(*nonce), bound_to, plaintext)
            .expect("a value is far shorter than the cipher's limit of 64 GiB");
        buffer.extend_from_slice(&tag);
        buffer
    }

    pub(crate) fn seal(&self, plaintext: &[u8], bound_to: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(plaintext.len() + OVERHEAD);
        buffer.extend_from_slice(&[0; NONCE_LEN]);
        buffer.extend_from_slice(plaintext);
        self.seal_in_place(buffer, bound_to)
    }

    pub(crate) fn open(
        &self,
        sealed: &[u8],
        bound_to: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SealError)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(SealError)?;
        let mut plaintext = Zeroizing::new(ciphertext.to_vec());
        self.cipher
            .decrypt_in_place_detached(
                &Nonce::from(*nonce),
                bound_to,
                &mut plaintext,
                &Tag::from(*tag),
            )
            .map_err(|_| SealError)?;
        Ok(plaintext)
    }
}

impl Drop for SealingKey {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

/// Wipes what the calls before this one have left below on the stack of this thread: the cipher of a key
/// is made there.
#[inline(never)]
fn wipe_stack() {
    let mut below = [1_u8; 16 << 10];
    below.zeroize();
    std::hint::black_box(&below);
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey")
    }
}

/// Seals a record at its version for its location.
pub(crate) fn seal_record(
    key: &SealingKey,
    generation: u64,
    location: &[u8; 48],
    version: Receipt,
    record: &Record,
) -> Vec<u8> {
    let encoded = record.encode();
    let padded = size_class(8 + encoded.len());
    let mut buffer = Vec::with_capacity(padded + OVERHEAD);
    buffer.extend_from_slice(&[0; NONCE_LEN]);
    buffer.extend_from_slice(&version.0.to_be_bytes());
    buffer.extend_from_slice(&encoded);
    buffer.resize(NONCE_LEN + padded, 0);
    key.seal_in_place(buffer, &bound_to(RECORD, generation, location))
}

/// Opens what [`seal_record`] sealed.
pub(crate) fn open_record(
    key: &SealingKey,
    generation: u64,
    location: &[u8; 48],
    sealed: &[u8],
) -> Result<Stored, SealError> {
    let plaintext = key.open(sealed, &bound_to(RECORD, generation, location))?;
    let (version, encoded) = plaintext.split_first_chunk().ok_or(SealError)?;
    let record = Record::decode(encoded).map_err(|_| SealError)?;
    Ok(Stored { version: Receipt(u64::from_be_bytes(*version)), record })
}

/// Seals an entry's opening for its segment.
pub(crate) fn seal_opening(
    key: &SealingKey,
    segment: u64,
    entry: Receipt,
    opening: &Opening,
) -> Vec<u8> {
    let bound_to = bound_to(OPENING, segment, &entry.0.to_be_bytes());
    key.seal(&opening.encode()[..], &bound_to)
}

/// Seals, where an opening was erased, what takes its place: zeros, of the same length.
pub(crate) fn seal_tombstone(key: &SealingKey, segment: u64, entry: Receipt) -> Vec<u8> {
    key.seal(&TOMBSTONE, &bound_to(OPENING, segment, &entry.0.to_be_bytes()))
}

/// Opens what [`seal_opening`] sealed; none where it was erased.
pub(crate) fn open_opening(
    key: &SealingKey,
    segment: u64,
    entry: Receipt,
    sealed: &[u8],
) -> Result<Option<Opening>, SealError> {
    let plaintext = key.open(sealed, &bound_to(OPENING, segment, &entry.0.to_be_bytes()))?;
    if plaintext.as_slice() == TOMBSTONE {
        return Ok(None);
    }
    Opening::decode(&plaintext).map(Some).map_err(|_| SealError)
}

/// What of a sealed value is searched for: the beginning of its ciphertext.
pub(crate) fn sought_part(sealed: &[u8]) -> Option<&[u8]> {
    sealed.get(NONCE_LEN..NONCE_LEN + SOUGHT_LEN)
}

/// The lengths that plaintexts are padded to: 512, 1024, 2048, then multiples of 2048. So a
/// record's kind does not show by its size.
pub(crate) fn size_class(len: usize) -> usize {
    const LARGEST_POWER: usize = 2048;
    match len {
        0..=512 => 512, // a head with a shield and one without are the same
        513..=LARGEST_POWER => len.next_power_of_two(),
        _ => len.next_multiple_of(LARGEST_POWER),
    }
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRng.fill_bytes(&mut bytes);
    bytes
}

/// A random nonce. They are drawn many at a time, for each draw is a system call; they are no secret,
/// and each is given out once.
fn next_nonce() -> [u8; NONCE_LEN] {
    thread_local! {
        static DRAWN: RefCell<Vec<[u8; NONCE_LEN]>> = const { RefCell::new(Vec::new()) };
    }
    DRAWN.with_borrow_mut(|drawn| {
        if drawn.is_empty() {
            let bytes = random::<{ NONCE_LEN * NONCES_DRAWN }>();
            drawn.extend(bytes.as_chunks().0);
        }
        drawn.pop().expect("drawn above")
    })
}

fn bound_to(what: u8, within: u64, place: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + 1 + 8 + place.len());
    bytes.extend_from_slice(&FORMAT.to_be_bytes());
    bytes.push(what);
    bytes.extend_from_slice(&within.to_be_bytes());
    bytes.extend_from_slice(place);
    bytes
}

const FORMAT: u16 = 1;
const RECORD: u8 = 1;
const OPENING: u8 = 2;
/// No opening is that: each names at least one pseudonym.
const TOMBSTONE: [u8; Opening::LEN] = [0; Opening::LEN];

const SOUGHT_LEN: usize = 32;
const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// How many nonces are drawn at a time.
const NONCES_DRAWN: usize = 64;

/// By how much a sealed value is longer than its plaintext.
pub(crate) const OVERHEAD: usize = NONCE_LEN + TAG_LEN;

/// The length of every sealed opening.
pub(crate) const SEALED_OPENING_LEN: usize = Opening::LEN + OVERHEAD;

#[cfg(test)]
mod tests {
    use signpost_core::id::PolicyDigest;
    use signpost_core::register::ServiceState;

    use super::*;

    fn record() -> Record {
        Record::Service(ServiceState {
            policy: PolicyDigest::new([7; 32]),
            policy_since: None,
            evaluation_keys: Vec::new(),
            frozen: Vec::new(),
            last_certificate: None,
            closing: None,
        })
    }

    #[test]
    fn a_record_opens_only_where_it_was_sealed() {
        let key = SealingKey::random();
        let sealed = seal_record(&key, 1, &[1; 48], Receipt(9), &record());
        let opened = open_record(&key, 1, &[1; 48], &sealed).unwrap();
        assert_eq!(opened, Stored { version: Receipt(9), record: record() });
        assert_eq!(open_record(&key, 2, &[1; 48], &sealed), Err(SealError), "other generation");
        assert_eq!(open_record(&key, 1, &[2; 48], &sealed), Err(SealError), "other location");
        let other = SealingKey::random();
        assert_eq!(open_record(&other, 1, &[1; 48], &sealed), Err(SealError), "other key");
    }

    #[test]
    fn the_same_record_never_seals_to_the_same_bytes() {
        let key = SealingKey::random();
        let seal = || seal_record(&key, 1, &[1; 48], Receipt(9), &record());
        assert_ne!(seal(), seal());
    }

    #[test]
    fn every_changed_byte_is_found() {
        let key = SealingKey::random();
        let sealed = seal_record(&key, 1, &[1; 48], Receipt(9), &record());
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(open_record(&key, 1, &[1; 48], &changed), Err(SealError));
        }
        for len in 0..sealed.len() {
            assert_eq!(open_record(&key, 1, &[1; 48], &sealed[..len]), Err(SealError));
        }
    }

    #[test]
    fn plaintexts_have_few_lengths() {
        let lengths = [(0, 512), (512, 512), (513, 1024), (1025, 2048), (2048, 2048)];
        for (len, class) in lengths.into_iter().chain([(2049, 4096), (4097, 6144)]) {
            assert_eq!(size_class(len), class);
        }
    }

    #[test]
    fn a_key_prints_as_its_type() {
        assert_eq!(format!("{:?}", SealingKey::from_slice(&[0xAB; 32]).unwrap()), "SealingKey");
    }
}
