//! Writes that may be sent twice: the same request id gives the first result (AIP-155).

use jiff::ToSpan;
use serde::Serialize;

use super::Directory;
use crate::commit::{Precondition, Write};
use crate::id::{BodyDigest, Receipt, RequestId};
use crate::permit::Identity;
use crate::record::{Record, RecordKey, Replay, ReplayKey, ReplayResult};
use crate::store::StoreError;
use crate::subject::Subject;
use crate::terms::Action;

/// How long a first result is kept.
const KEPT_HOURS: i64 = 48;

/// A write's result and the entry that put it on record; of a repeat, those of the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// What was written.
    pub result: T,
    /// The entry.
    pub receipt: Receipt,
}

/// A write as it is known by its request id.
#[derive(Debug)]
pub(super) struct Attempt {
    key: ReplayKey,
    body: BodyDigest,
    found: Option<Receipt>,
}

/// Whether a write with this id was done before.
#[derive(Debug)]
pub(super) enum Earlier {
    /// It was not: do it.
    None(Attempt),
    /// The very same was: this is its result.
    Same(Written<ReplayResult>),
    /// Something else was done under the same id.
    Other,
}

impl Directory {
    /// Looks a request id up for this system and person.
    pub(super) async fn earlier(
        &self,
        identity: &Identity,
        request: RequestId,
        action: Action,
        body: &impl Serialize,
    ) -> Result<Earlier, StoreError> {
        let key = ReplayKey { system: identity.system, person: identity.person(), request };
        let body = digest(action, body);
        let stored = self.store.read(&RecordKey::Replay(key)).await?;
        let found = stored.as_ref().map(|stored| stored.version);
        match stored.map(|stored| (stored.version, stored.record)) {
            Some((receipt, Record::Replay(replay))) if replay.until > self.now() => {
                if replay.body == body {
                    Ok(Earlier::Same(Written { result: replay.result, receipt }))
                } else {
                    Ok(Earlier::Other)
                }
            }
            None | Some((_, Record::Replay(_))) => Ok(Earlier::None(Attempt { key, body, found })),
            Some(_) => Err(StoreError::Damaged),
        }
    }

    /// That the id is still unused, and the record of this first result.
    pub(super) fn remember(
        &self,
        attempt: &Attempt,
        result: ReplayResult,
        subject: Option<&Subject>,
    ) -> (Precondition, Write) {
        let until = self.now().saturating_add(KEPT_HOURS.hours());
        let until = until.expect("hours are a fixed span");
        let replay = Replay {
            key: attempt.key,
            body: attempt.body,
            result,
            subject: subject.cloned(),
            until,
        };
        let unused = Precondition::unchanged(RecordKey::Replay(attempt.key), attempt.found);
        (unused, Write::Put(Record::Replay(replay)))
    }
}

fn digest(action: Action, body: &impl Serialize) -> BodyDigest {
    let bytes = postcard::to_stdvec(&(action, body)).expect("a Vec takes every request");
    let bytes = zeroize::Zeroizing::new(bytes);
    BodyDigest::new(blake3::derive_key("signpost 2026 request body", &bytes))
}
