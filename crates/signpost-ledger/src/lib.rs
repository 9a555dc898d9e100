//! The ledger as a Merkle tree that anybody can verify.
//!
//! Entries, bytes of any kind, are the leaves of a tree after RFC 6962. A directory holds the
//! entries and the tree's hashes in the files of C2SP tlog-tiles, and in `checkpoint` a signed note
//! (C2SP tlog-checkpoint) of how many entries there are and which root their tree has. Hash
//! tiles and checkpoint say nothing of what the entries say, and may be published as they lie.
//!
//! - [`log::Log`] writes: it takes entries in their order, and signs checkpoints. Nothing is signed
//!   that is not durable, or that the checkpoint before is no part of.
//! - [`log::reader::Reader`] answers, beside it: roots, [inclusion and consistency
//!   proofs](tree::proof), entries, and entries with their proofs.
//! - [`verify::Verification`] trusts none of this: it recomputes a copied directory from the
//!   entries alone, with arithmetic of its own, and names the first thing that does not fit.
//! - [`note`] reads and signs notes, and cosigns them (C2SP tlog-cosignature).
//! - [`witness::Witness`] keeps the last checkpoint that it saw of each log, and cosigns only what
//!   holds all of that (C2SP tlog-witness).
//!
//! Entries are given as bytes, so that neither the log nor the verifier depends on what they mean.
//! The disk is behind [`disk::Disk`].
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let place = tempfile::tempdir()?;
//! # let directory = place.path();
//! use std::sync::Arc;
//!
//! use signpost_ledger::disk::OsDisk;
//! use signpost_ledger::log::Log;
//! use signpost_ledger::note::signer::{LogSigner, Seed};
//! use signpost_ledger::tree::hash::Hash;
//! use signpost_ledger::verify::Verification;
//!
//! let signer = || LogSigner::new("signpost.example/ledger", &Seed::new([7; 32]));
//! let mut log = Log::create(Arc::new(OsDisk), directory, signer()?)?;
//! log.append(0, b"first")?;
//! log.append(1, b"second")?;
//! println!("{}", log.checkpoint()?);
//!
//! let reader = log.reader();
//! let proof = reader.inclusion(1, 2)?;
//! proof.verify(&Hash::of_entry(b"second"), &reader.checkpoint().root)?;
//!
//! let log = Log::open(Arc::new(OsDisk), directory, signer()?)?; // after a restart
//! assert_eq!(log.size(), 2, "the index of the entry to go on with");
//!
//! let key = signer()?.verifier().to_string().parse()?; // what outsiders are given
//! let verified = Verification::new(directory, &key).run(|_, _| Ok(()), |_, _| {})?;
//! assert_eq!(verified.checkpoint.size, 2);
//! # Ok(())
//! # }
//! ```

pub mod disk;
mod durable;
pub mod error;
pub mod log;
pub mod note;
pub mod tree;
pub mod verify;
pub mod witness;
