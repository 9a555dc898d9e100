//! The code generated from `proto/`. Wire types never go past the adapters.

/// `signpost.v1`.
pub mod v1 {
    tonic::include_proto!("signpost.v1");
}

/// The encoded descriptors of the contract, for reflection and for the tests that walk over it.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
