//! How much memory this process has.

use anyhow::Context;

/// A figure of this process's memory, by its name in `/proc/self/status`.
pub(crate) fn memory(name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no such figure")?;
    Ok(kib.parse::<u64>()? * 1024)
}
