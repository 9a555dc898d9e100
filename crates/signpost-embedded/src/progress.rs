//! How far a long work is: whoever waits for it is told.

use std::fmt::Debug;

/// Is told how far opening or verifying a store is.
pub trait Progress: Send + Sync + Debug {
    /// A work begins, of so many bytes.
    fn begin(&self, what: &'static str, bytes: u64);

    /// So many more bytes are done.
    fn advance(&self, bytes: u64);

    /// The work that was begun is done.
    fn end(&self);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &'static str, _bytes: u64) {}

    fn advance(&self, _bytes: u64) {}

    fn end(&self) {}
}
