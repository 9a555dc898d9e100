//! The ledger as a Merkle tree that anybody can verify: [`note`] reads and signs checkpoints of it,
//! and cosigns them as a witness; [`verify`] recomputes a copied directory from the entries alone.

pub mod note;
pub mod tree;
pub mod verify;
