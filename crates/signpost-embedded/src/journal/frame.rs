//! The journal's bytes: a file header, then frames, each naming the hash of the one before it.
//!
//! All numbers are big-endian. The file header:
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 8 | magic, `SGNPJRNL` |
//! | 8 | 4 | format, 3 |
//! | 12 | 8 | generation |
//! | 20 | 8 | number of the file, from 1 |
//! | 28 | 8 | number of the frame it goes on after; 0 in the first file |
//! | 36 | 32 | hash of that frame; zeros in the first file |
//! | 68 | 32 | tracer: random, so that no two journals are alike, and to be searched for once it is destroyed |
//! | 100 | 32 | BLAKE3 of bytes 0 to 99: what the first frame of the first file names as the hash before it |
//!
//! A frame:
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 4 | magic, `SGNF` |
//! | 4 | 8 | number, from 1 |
//! | 12 | 8 | index of its first entry; 0 in the fill of a generation |
//! | 20 | 32 | hash of the frame before it, or of the file header |
//! | 52 | 4 | count of writes |
//! | 56 | 4 | count of entries |
//! | 60 | 4 | count of openings |
//! | 64 | 4 | length of the payload |
//! | 68 | | payload: the writes, the entries, the openings |
//! | | 32 | BLAKE3 of all before: the frame's hash |
//!
//! A write is a location (48), the length of the sealed record (4; 0 where the record is removed)
//! and the sealed record. An entry is 256 bytes. An opening is the index of its entry (8), its
//! segment (8), its slot there (4) and the sealed opening (337).

use signpost_core::anchor::Position;
use signpost_core::entry::Entry;
use signpost_core::id::Receipt;

use crate::checksum;
use crate::keyring::sealing::SEALED_OPENING_LEN;

/// The start of a journal file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileHeader {
    pub(crate) generation: u64,
    pub(crate) file: u64,
    /// The frame that its first one follows; number 0 in the first file.
    pub(crate) after: FrameId,
    /// Random, and to be searched for once the journal is destroyed.
    pub(crate) tracer: [u8; 32],
}

/// What a frame is known by: its number, and the hash that only its bytes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameId {
    pub(crate) number: u64,
    pub(crate) hash: [u8; 32],
}

/// What a frame carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) writes: Vec<SealedWrite>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) openings: Vec<SealedOpening>,
}

/// A record put or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SealedWrite {
    pub(crate) location: [u8; 48],
    /// The sealed record; none where it is removed.
    pub(crate) sealed: Option<Vec<u8>>,
}

/// A sealed opening and its place in its segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SealedOpening {
    pub(crate) entry: Receipt,
    pub(crate) segment: u64,
    pub(crate) slot: u32,
    pub(crate) sealed: [u8; SEALED_OPENING_LEN],
}

/// The fixed part of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub(crate) number: u64,
    pub(crate) first_entry: u64,
    pub(crate) previous: [u8; 32],
    writes: u32,
    entries: u32,
    openings: u32,
    payload_len: u32,
}

/// The bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a frame")]
pub(crate) struct FrameError;

impl FrameId {
    /// Before the first frame, where no journal is known.
    pub(crate) const NONE: Self = Self { number: 0, hash: [0; 32] };

    /// The position of a store of this generation whose last frame it is.
    pub(crate) fn within(&self, generation: u64) -> Position {
        Position { generation, frame: self.number, hash: self.hash }
    }
}

impl FileHeader {
    pub(crate) const LEN: usize = 132;
    const MAGIC: &[u8; 8] = b"SGNPJRNL";
    const FORMAT: u32 = 3;

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::LEN);
        bytes.extend_from_slice(Self::MAGIC);
        bytes.extend_from_slice(&Self::FORMAT.to_be_bytes());
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.file.to_be_bytes());
        bytes.extend_from_slice(&self.after.number.to_be_bytes());
        bytes.extend_from_slice(&self.after.hash);
        bytes.extend_from_slice(&self.tracer);
        checksum::append(&mut bytes);
        bytes
    }

    /// What the first frame names as the one before it.
    pub(crate) fn before_first(&self) -> FrameId {
        if self.file > 1 {
            return self.after;
        }
        let encoded = self.encode();
        let hash = *encoded.last_chunk().expect("it ends with its hash");
        FrameId { number: 0, hash }
    }

    pub(crate) fn decode(bytes: &[u8; Self::LEN]) -> Result<Self, FrameError> {
        let (hashed, _) = checksum::split(bytes).ok_or(FrameError)?;
        let mut fields = Fields(hashed);
        let known = fields.take()? == *Self::MAGIC && fields.u32()? == Self::FORMAT;
        let header = Self {
            generation: fields.u64()?,
            file: fields.u64()?,
            after: FrameId { number: fields.u64()?, hash: fields.take()? },
            tracer: fields.take()?,
        };
        if known { Ok(header) } else { Err(FrameError) }
    }
}

impl FrameHeader {
    pub(crate) const LEN: usize = 68;
    pub(crate) const MAGIC: &[u8; 4] = b"SGNF";

    pub(crate) fn decode(bytes: &[u8; Self::LEN]) -> Result<Self, FrameError> {
        let mut fields = Fields(bytes);
        if fields.take()? != *Self::MAGIC {
            return Err(FrameError);
        }
        Ok(Self {
            number: fields.u64()?,
            first_entry: fields.u64()?,
            previous: fields.take()?,
            writes: fields.u32()?,
            entries: fields.u32()?,
            openings: fields.u32()?,
            payload_len: fields.u32()?,
        })
    }

    /// The length of the whole frame.
    pub(crate) fn frame_len(&self) -> u64 {
        (Self::LEN + HASH_LEN) as u64 + u64::from(self.payload_len)
    }
}

impl Body {
    /// The frame of this body, and what it is known by. None if it is too long to be one.
    pub(crate) fn encode(
        &self,
        number: u64,
        first_entry: u64,
        previous: &[u8; 32],
    ) -> Option<(Vec<u8>, FrameId)> {
        let payload_len = self.payload_len().filter(|len| *len <= PAYLOAD_LEN_MAX)?;
        let count = |len: usize| u32::try_from(len).ok();
        let mut bytes = Vec::with_capacity(FrameHeader::LEN + payload_len as usize + HASH_LEN);
        bytes.extend_from_slice(FrameHeader::MAGIC);
        bytes.extend_from_slice(&number.to_be_bytes());
        bytes.extend_from_slice(&first_entry.to_be_bytes());
        bytes.extend_from_slice(previous);
        bytes.extend_from_slice(&count(self.writes.len())?.to_be_bytes());
        bytes.extend_from_slice(&count(self.entries.len())?.to_be_bytes());
        bytes.extend_from_slice(&count(self.openings.len())?.to_be_bytes());
        bytes.extend_from_slice(&payload_len.to_be_bytes());
        for write in &self.writes {
            let sealed = write.sealed.as_deref().unwrap_or_default();
            bytes.extend_from_slice(&write.location);
            bytes.extend_from_slice(&count(sealed.len())?.to_be_bytes());
            bytes.extend_from_slice(sealed);
        }
        for entry in &self.entries {
            bytes.extend_from_slice(entry.as_bytes());
        }
        for opening in &self.openings {
            bytes.extend_from_slice(&opening.entry.0.to_be_bytes());
            bytes.extend_from_slice(&opening.segment.to_be_bytes());
            bytes.extend_from_slice(&opening.slot.to_be_bytes());
            bytes.extend_from_slice(&opening.sealed);
        }
        let hash = checksum::append(&mut bytes);
        Some((bytes, FrameId { number, hash }))
    }

    /// Reads a whole frame; its hash is checked, its place in the chain is the caller's to check.
    pub(crate) fn decode(frame: &[u8]) -> Result<(FrameHeader, Self, FrameId), FrameError> {
        let header = frame.first_chunk().ok_or(FrameError)?;
        let header = FrameHeader::decode(header)?;
        if header.frame_len() != frame.len() as u64 {
            return Err(FrameError);
        }
        let (hashed, hash) = checksum::split(frame).ok_or(FrameError)?;
        let mut payload = Fields(&hashed[FrameHeader::LEN..]);
        let mut body = Self::default();
        for _ in 0..header.writes {
            let location = payload.take()?;
            let sealed_len = payload.u32()?;
            let sealed = (sealed_len > 0).then(|| payload.bytes(sealed_len)).transpose()?;
            body.writes.push(SealedWrite { location, sealed: sealed.map(<[u8]>::to_vec) });
        }
        for _ in 0..header.entries {
            let entry: [u8; Entry::LEN] = payload.take()?;
            body.entries.push(Entry::try_from(&entry[..]).map_err(|_| FrameError)?);
        }
        for _ in 0..header.openings {
            body.openings.push(SealedOpening {
                entry: Receipt(payload.u64()?),
                segment: payload.u64()?,
                slot: payload.u32()?,
                sealed: payload.take()?,
            });
        }
        if !payload.0.is_empty() {
            return Err(FrameError);
        }
        Ok((header, body, FrameId { number: header.number, hash }))
    }

    fn payload_len(&self) -> Option<u32> {
        let sealed = |write: &SealedWrite| write.sealed.as_ref().map_or(0, Vec::len);
        let writes: usize = self.writes.iter().map(|write| 48 + 4 + sealed(write)).sum();
        let entries = self.entries.len() * Entry::LEN;
        let openings = self.openings.len() * (8 + 8 + 4 + SEALED_OPENING_LEN);
        u32::try_from(writes + entries + openings).ok()
    }
}

/// Bytes that are read field by field.
struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(FrameError)?;
        self.0 = rest;
        Ok(*field)
    }

    fn bytes(&mut self, len: u32) -> Result<&'b [u8], FrameError> {
        let (field, rest) = self.0.split_at_checked(len as usize).ok_or(FrameError)?;
        self.0 = rest;
        Ok(field)
    }

    fn u32(&mut self) -> Result<u32, FrameError> {
        self.take().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, FrameError> {
        self.take().map(u64::from_be_bytes)
    }
}

/// The longest payload: a bound for a first load, far above any batch.
const PAYLOAD_LEN_MAX: u32 = 1 << 30;
const HASH_LEN: usize = 32;

#[cfg(test)]
mod tests;
