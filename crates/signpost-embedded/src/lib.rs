//! The embedded store: the journal is the truth, sled is its index.
//!
//! A commit is durable once its frame is synced in the journal of the current generation. Only then
//! is it applied to the index, and only then answered. Entries and openings are copied afterwards
//! into their own files, which outlive the journal. An index that is missing, damaged or
//! disagreeing is built anew from the journal; a journal that is damaged, or ends before what its
//! evidence shows, is refused.
//!
//! ```no_run
//! # use std::{path::Path, sync::Arc};
//! use signpost_embedded::keyring::SoftwareKeyring;
//! use signpost_embedded::options::Options;
//! use signpost_embedded::store::EmbeddedStore;
//! # async fn run(clock: Arc<dyn signpost_core::store::Clock>) -> Result<(), Box<dyn std::error::Error>> {
//! let keyring = SoftwareKeyring::create(Path::new("/etc/signpost/keyring"))?;
//! let options = Options::new(Path::new("/var/lib/signpost"), Arc::new(keyring), clock);
//! EmbeddedStore::create(&options)?;
//! let opened = EmbeddedStore::open(&options)?;
//! opened.store.close().await?;
//! # Ok(())
//! # }
//! ```

mod checksum;
mod current;
pub mod disk;
pub mod durable;
mod erase;
pub mod error;
mod journal;
pub mod keyring;
mod layout;
mod ledger;
mod note;
pub mod options;
pub mod progress;
mod reader;
mod recovery;
mod search;
mod state;
pub mod store;
mod turn;
pub mod verify;
mod writer;
