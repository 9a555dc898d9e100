//! What each exit code means; the runbook says what to do about it.

/// Why the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what it was asked.
    Done = 0,
    /// The service refused the request, or could not be reached.
    Refused = 1,
    /// The configuration or an input file is wrong (`EX_USAGE`).
    Config = 64,
    /// Sealed: what is stored is damaged, or of a format this build does not know (`EX_DATAERR`).
    Sealed = 65,
    /// The address cannot be bound, or there is no space for what a start has to write
    /// (`EX_UNAVAILABLE`).
    Unavailable = 69,
    /// A bug (`EX_SOFTWARE`).
    Bug = 70,
    /// Writing to the store failed; nothing more is written until a restart has looked (`EX_IOERR`).
    StoreFailed = 74,
    /// Another process uses the data directory (`EX_TEMPFAIL`).
    Locked = 75,
}

/// An error and the exit code that goes with it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// One clear line.
    pub message: String,
}

impl Failure {
    /// A failure with this code and line.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// A wrong configuration.
    #[must_use]
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Exit::Config, message)
    }
}
