//! What the process does for the keys in its memory, and when it is told to stop.

use rustix::mm::MlockAllFlags;
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::exit::{Exit, Failure};

/// No core dumps, no peeking by other processes, and no memory written to a swap device. What the
/// system does not allow is said in the log; the unit file allows it.
pub fn protect_memory() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = rustix::process::setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps could not be switched off");
    }
    if let Err(error) = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "the process could not be closed to other processes");
    }
    // Under a limit, memory that comes later would be refused, and with it the request.
    let unlimited = rustix::process::getrlimit(Resource::Memlock).current.is_none();
    if !unlimited && !rustix::process::geteuid().is_root() {
        tracing::warn!("memory is not locked; set LimitMEMLOCK to infinity");
        return;
    }
    // As pages come into use: locking all at once would take the cache's memory too.
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    if let Err(error) = rustix::mm::mlockall(flags) {
        tracing::warn!(%error, "memory could not be locked");
    }
}

/// Ends at SIGTERM or SIGINT.
pub fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let failed = |error| Failure::new(Exit::Bug, format!("cannot listen for signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
