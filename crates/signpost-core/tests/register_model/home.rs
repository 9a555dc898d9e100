//! Where the register is kept that is held against the model, and what may befall that.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use signpost_core::store::Store;

/// A store that can be closed and opened again, and that may stand on a disk.
#[async_trait]
pub(crate) trait Home: Debug {
    /// Opens the store, and closes it first where it is open. A power cut that was to come in so many
    /// operations has come by then, and is over.
    async fn open(&mut self) -> Arc<dyn Store>;

    /// Cuts the power so many operations of the disk later: nothing where there is no disk.
    fn cut_power_after(&mut self, operations: u64);

    /// Cuts the power now, if it was to be cut later and is not yet.
    fn cut_power(&mut self);
}
