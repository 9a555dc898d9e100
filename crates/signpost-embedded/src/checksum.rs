//! The hash at the end of what is written as a whole: it tells whether it is still that.

/// Appends the BLAKE3 of all bytes so far (32), and gives it.
pub(crate) fn append(bytes: &mut Vec<u8>) -> [u8; 32] {
    let hash = *blake3::hash(bytes).as_bytes();
    bytes.extend_from_slice(&hash);
    hash
}

/// Splits the trailing hash off, if it is that of the rest.
pub(crate) fn split(bytes: &[u8]) -> Option<(&[u8], [u8; 32])> {
    let (hashed, hash) = bytes.split_last_chunk()?;
    (blake3::hash(hashed).as_bytes() == hash).then_some((hashed, *hash))
}
