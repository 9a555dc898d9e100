//! Opening the store in a process of its own, which tells how long that took and how much memory it
//! then has.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use signpost_embedded::store::EmbeddedStore;

use crate::county::{self, County};
use crate::memory::memory;

/// What this executable is told to open the store by.
pub(crate) const OPEN: &str = "open";

/// How opening the store was.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    /// How long it took.
    pub(crate) seconds: f64,
    /// Resident once it was open.
    pub(crate) resident_bytes: u64,
}

/// Opens a county's store in a process of its own, and closes it.
pub(crate) fn told_by_a_process(county: &County) -> anyhow::Result<Told> {
    let output = Command::new(std::env::current_exe()?).arg(OPEN).arg(county.path("")).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout)?;
    serde_json::from_str(told.trim()).context("what the process told")
}

/// Does as the process was told.
pub(crate) async fn open_and_tell(folder: &Path) -> anyhow::Result<()> {
    let options = county::options(folder)?;
    let begun = Instant::now();
    let store = EmbeddedStore::open(&options)?.store;
    let told = Told { seconds: begun.elapsed().as_secs_f64(), resident_bytes: memory("VmRSS")? };
    println!("{}", serde_json::to_string(&told)?);
    Ok(store.close().await?)
}
