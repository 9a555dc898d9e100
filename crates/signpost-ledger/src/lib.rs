//! The ledger as a Merkle tree that anybody can verify: [`note`] reads and signs checkpoints of it,
//! and cosigns them as a witness.

pub mod note;
pub mod tree;
