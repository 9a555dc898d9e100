//! The kernel's page cache: what a cold run begins without.

/// Whether the kernel let go of all files that it held in memory; only root may ask for it.
pub(crate) fn drop_page_cache() -> bool {
    rustix::fs::sync();
    std::fs::write("/proc/sys/vm/drop_caches", "1").is_ok()
}
