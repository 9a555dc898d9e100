//! The Merkle tree of RFC 6962, section 2.1, and how C2SP tlog-tiles cuts it into files.

pub(crate) mod edge;
pub mod hash;
pub mod proof;
pub(crate) mod tile;
