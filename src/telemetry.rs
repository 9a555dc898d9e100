//! Log lines on standard error: what the service does, never of whom.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Log, LogFormat, LogLevel};

/// Starts logging. Libraries log warnings and errors only: their details may hold payloads.
pub fn init(log: &Log) {
    let level = match log.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let ours = Targets::new()
        .with_default(LevelFilter::WARN.min(level))
        .with_target("signpost", level)
        .with_target("signpost_embedded", level)
        .with_target("signpost_core", level);
    let registry = tracing_subscriber::registry().with(ours);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    // A second call, in a process that already logs, changes nothing.
    let started = match log.format {
        LogFormat::Text => registry.with(lines).try_init(),
        LogFormat::Json => registry.with(lines.json()).try_init(),
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}
