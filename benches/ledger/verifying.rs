//! Verifying in a process of its own, as `signpost ledger verify` does, which tells how long that took
//! and how much memory it had at most.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use signpost_ledger::verify::Verification;
use signpost_ledger::verify::entries::EntryRules;

use crate::memory::memory;
use crate::tree;

/// What this executable is told to verify by.
pub(crate) const VERIFY: &str = "verify";

/// How verifying was.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) entries: u64,
    pub(crate) seconds: f64,
    pub(crate) peak_bytes: u64,
}

/// Verifies a ledger in a process of its own.
pub(crate) fn told_by_a_process(directory: &Path) -> anyhow::Result<Told> {
    let output = Command::new(std::env::current_exe()?).arg(VERIFY).arg(directory).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told = String::from_utf8(output.stdout)?;
    serde_json::from_str(told.trim()).context("what the process told")
}

/// Does as the process was told.
pub(crate) fn verify_and_tell(directory: &Path) -> anyhow::Result<()> {
    let (key, mut rules) = (tree::key()?, EntryRules::default());
    let from = Instant::now();
    let verified =
        Verification::new(directory, &key).run(|_, entry| rules.check(entry), |_, _| {})?;
    let seconds = from.elapsed().as_secs_f64();
    let (entries, peak_bytes) = (verified.checkpoint.size, memory("VmHWM")?);
    println!("{}", serde_json::to_string(&Told { entries, seconds, peak_bytes })?);
    Ok(())
}
