//! The Merkle tree of RFC 6962, section 2.1.

pub mod hash;
