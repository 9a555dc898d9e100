//! The contract that every store keeps.

use std::future::{Ready, ready};
use std::sync::Arc;

use signpost_core::store::{Clock, Store};

use crate::support::Place;

fn open(clock: Arc<dyn Clock>) -> Ready<(Arc<dyn Store>, Place)> {
    let place = Place::create(clock);
    ready((Arc::new(place.open().store), place))
}

signpost_core::conformance_suite!(suite, open);
