//! The layout, held by bytes written by hand from its table, and by every way to change them.

use super::*;

/// Bytes written as hex, field by field; `*` repeats a byte.
fn hex_of(fields: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in fields {
        match field.split_once('*') {
            None => bytes.extend(hex::decode(field).unwrap()),
            Some((byte, count)) => {
                let byte = hex::decode(byte).unwrap()[0];
                bytes.extend(vec![byte; count.parse().unwrap()]);
            }
        }
    }
    bytes
}

/// Written by hand; the hash is that of another implementation of BLAKE3.
#[rustfmt::skip]
fn golden_frame() -> Vec<u8> {
    hex_of(&[
        "53474e46",         // magic, SGNF
        "0000000000000007", // number, 7
        "0000000000000029", // index of its first entry, 41
        "11*32",            // hash of the frame before it
        "00000002",         // 2 writes
        "00000001",         // 1 entry
        "00000001",         // 1 opening
        "000002d0",         // length of the payload, 720
        "22*48",            // write 1: location
        "00000003",         // write 1: length of the sealed record
        "a1a2a3",           // write 1: sealed record
        "33*48",            // write 2: location
        "00000000",         // write 2: no sealed record, it is removed
        "0001",             // entry: format
        "01",               // entry: action ASK
        "05",               // entry: outcome NO_VISIBLE_CONTACT
        "01",               // entry: role SOCIAL_WORKER
        "01",               // entry: purpose S47_ENQUIRY
        "01",               // entry: relationship ALLOCATED_CASE
        "00",               // entry: nothing released
        "0000018f00000000", // entry: time
        "44*228",           // entry: what is nothing to a frame
        "00*12",            // entry: reserved
        "0000000000000029", // opening: index of its entry, 41
        "0000000000000002", // opening: segment 2
        "0000000a",         // opening: slot 10
        "55*337",           // opening: sealed
        "9107927f61cf9f33460c9ad75534f541e872809e4cde16bc2b89ffcb055c9aef",
    ])
}

#[rustfmt::skip]
fn golden_file_header() -> Vec<u8> {
    hex_of(&[
        "53474e504a524e4c", // magic, SGNPJRNL
        "00000003",         // format
        "0000000000000003", // generation 3
        "0000000000000002", // file 2
        "0000000000000029", // it goes on after frame 41
        "77*32",            // the hash of that frame
        "66*32",            // tracer
        "86bae0abb72dd0d9e8de11d42a64f0a28e19b3dbd09cfefb5950e321258a4a4f",
    ])
}

#[test]
fn a_frame_is_read_and_written_as_the_table_says() {
    let golden = golden_frame();
    let (header, body, id) = Body::decode(&golden).unwrap();
    assert_eq!((header.number, header.first_entry, header.previous), (7, 41, [0x11; 32]));
    assert_eq!(id.number, 7);
    assert_eq!(golden[golden.len() - 32..], id.hash);
    let put = SealedWrite { location: [0x22; 48], sealed: Some(vec![0xA1, 0xA2, 0xA3]) };
    let removed = SealedWrite { location: [0x33; 48], sealed: None };
    assert_eq!(body.writes, [put, removed]);
    assert_eq!(body.entries.len(), 1);
    assert_eq!(body.entries[0].time_ms(), 0x018F_0000_0000);
    let sealed = [0x55; SEALED_OPENING_LEN];
    let opening = SealedOpening { entry: Receipt(41), segment: 2, slot: 10, sealed };
    assert_eq!(body.openings, [opening]);
    assert_eq!(body.encode(7, 41, &[0x11; 32]), Some((golden, id)));
}

#[test]
fn a_file_header_is_read_and_written_as_the_table_says() {
    let golden = golden_file_header();
    let header = FileHeader::decode(golden.first_chunk().unwrap()).unwrap();
    let after = FrameId { number: 41, hash: [0x77; 32] };
    assert_eq!(header, FileHeader { generation: 3, file: 2, after, tracer: [0x66; 32] });
    assert_eq!(header.before_first(), after);
    assert_eq!(header.encode(), golden);
    let first = FileHeader { file: 1, ..header };
    let hash = *first.encode().last_chunk().unwrap();
    assert_eq!(first.before_first(), FrameId { number: 0, hash }, "its own hash");
}

#[test]
fn every_changed_bit_and_every_cut_is_found() {
    let golden = golden_frame();
    for bit in 0..golden.len() * 8 {
        let mut changed = golden.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Body::decode(&changed), Err(FrameError), "bit {bit}");
    }
    for len in 0..golden.len() {
        assert_eq!(Body::decode(&golden[..len]), Err(FrameError), "cut to {len}");
    }
    let header = golden_file_header();
    for bit in 0..header.len() * 8 {
        let mut changed = header.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            FileHeader::decode(changed.first_chunk().unwrap()),
            Err(FrameError),
            "bit {bit}"
        );
    }
}

/// A count that does not fit the payload is no frame, even under a hash that fits.
#[test]
fn counts_and_payload_must_fit() {
    let golden = golden_frame();
    for count_at in [55, 59, 63] {
        for count in [0, 1, 2, 3] {
            let mut changed = golden.clone();
            if changed[count_at] == count {
                continue;
            }
            changed[count_at] = count;
            let hashed = changed.len() - HASH_LEN;
            let hash = blake3::hash(&changed[..hashed]);
            changed[hashed..].copy_from_slice(hash.as_bytes());
            assert_eq!(Body::decode(&changed), Err(FrameError), "{count_at} {count}");
        }
    }
}
