//! What the notes of destroyed keys have in common: their bytes.

use signpost_core::turn::KeyDestroyed;

/// How many keys (4); of each its id (16), and custody, method and file system, each behind its length
/// (2). Big-endian.
pub(crate) fn put_keys(bytes: &mut Vec<u8>, keys: &[KeyDestroyed]) {
    let count = u32::try_from(keys.len()).expect("one key for each file that it sealed");
    bytes.extend_from_slice(&count.to_be_bytes());
    for KeyDestroyed { key, custody, method, file_system } in keys {
        bytes.extend_from_slice(key);
        for text in [custody, method, file_system] {
            let text = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
            bytes.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend_from_slice(text);
        }
    }
}

/// Takes what [`put_keys`] put; none if it is something else.
pub(crate) fn take_keys(rest: &mut &[u8]) -> Option<Vec<KeyDestroyed>> {
    let count = u32::from_be_bytes(take(rest)?);
    (0..count).map(|_| take_key(rest)).collect()
}

fn take_key(rest: &mut &[u8]) -> Option<KeyDestroyed> {
    let key = take(rest)?;
    let (custody, method) = (take_text(rest)?, take_text(rest)?);
    Some(KeyDestroyed { key, custody, method, file_system: take_text(rest)? })
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let len = u16::from_be_bytes(take(rest)?);
    let (text, behind) = rest.split_at_checked(usize::from(len))?;
    *rest = behind;
    Some(String::from_utf8_lossy(text).into_owned())
}

pub(crate) fn take_u64(rest: &mut &[u8]) -> Option<u64> {
    take(rest).map(u64::from_be_bytes)
}

pub(crate) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (field, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*field)
}
