//! `LedgerService`: checkpoints and proofs from the ledger's tree, its entries, and who looked.

mod figures;
mod history;

use std::pin::pin;

use signpost_core::directory::{EntryFilter, ListEntries, Presented};
use signpost_core::entry::Entry;
use signpost_core::id::{ActorId, OrganisationId, Receipt, SystemId};
use signpost_core::refusal::{Invalid, Refusal};
use signpost_core::store::StoreError;
use signpost_core::terms::{Action, Outcome, Purpose, Relationship, Role};
use signpost_ledger::error::LedgerError;
use signpost_ledger::log::reader::Reader;
use signpost_ledger::tree::hash::Hash;
use signpost_proto::v1;
use signpost_proto::v1::ledger_service_server::LedgerService;
use tonic::{Request, Response, Status};

use super::parse::{Fields, read};
use super::render::uuid_text;
use super::{Desk, status};
use crate::ledger::keeper::{Published, Shelf};

/// The most entries of a page, and how many come where the client does not say.
const PAGE_MAX: usize = 500;
const PAGE: usize = 100;

/// The service over the directory and the ledger's tree.
#[derive(Clone, Debug)]
pub(crate) struct Ledgers {
    desk: Desk,
    shelf: Shelf,
}

impl Ledgers {
    pub(super) fn new(desk: Desk, shelf: Shelf) -> Self {
        Self { desk, shelf }
    }

    /// Leave to read the tree, for a request that can be answered; else it is refused, on record.
    async fn may_read<T: Send>(
        &self,
        caller: &Presented,
        request: Result<T, Invalid>,
    ) -> Result<T, Status> {
        let work = pin!(self.desk.directory.may_read_ledger(caller, request));
        self.desk.in_time(work).await
    }

    /// The last checkpoint; one that covers this entry is signed first if need be and possible.
    async fn covering(&self, index: u64) -> Result<Published, Status> {
        let covering = async { Ok(self.shelf.covering(index).await?) };
        self.desk.in_time(pin!(covering)).await
    }
}

#[tonic::async_trait]
impl LedgerService for Ledgers {
    async fn get_checkpoint(
        &self,
        request: Request<v1::GetCheckpointRequest>,
    ) -> Result<Response<v1::GetCheckpointResponse>, Status> {
        let (_place, caller, _message) = self.desk.admit(request).await?;
        self.may_read(&caller, Ok(())).await?;
        let checkpoint = self.shelf.last().note.into_bytes();
        Ok(Response::new(v1::GetCheckpointResponse { checkpoint }))
    }

    async fn prove_inclusion(
        &self,
        request: Request<v1::ProveInclusionRequest>,
    ) -> Result<Response<v1::ProveInclusionResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        self.may_read(&caller, Ok(())).await?;
        let Published { note, reader } = self.covering(message.index).await?;
        let asked = read(|fields| {
            let size = fields.size("size", message.size, &reader)?;
            let index = fields.index("index", message.index, size)?;
            Some((index, size))
        });
        let (index, size) = self.may_read(&caller, asked).await?;
        let prove = move || {
            let leaf_hash = reader.leaf_hash(index)?;
            Ok((leaf_hash, reader.inclusion(index, size)?))
        };
        let (leaf_hash, proof) = blocking(prove).await?;
        Ok(Response::new(v1::ProveInclusionResponse {
            leaf_hash: leaf_hash.as_bytes().to_vec(),
            size,
            path: path(&proof.path),
            checkpoint: note.into_bytes(),
        }))
    }

    async fn prove_consistency(
        &self,
        request: Request<v1::ProveConsistencyRequest>,
    ) -> Result<Response<v1::ProveConsistencyResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let Published { note, reader } = self.shelf.last();
        let asked = read(|fields| {
            let new_size = fields.size("new_size", message.new_size, &reader)?;
            if message.old_size > new_size {
                return fields.wrong("old_size", "must not be above new_size");
            }
            Some((message.old_size, new_size))
        });
        let (old_size, new_size) = self.may_read(&caller, asked).await?;
        let proof = blocking(move || reader.consistency(old_size, new_size)).await?;
        Ok(Response::new(v1::ProveConsistencyResponse {
            new_size,
            path: path(&proof.path),
            checkpoint: note.into_bytes(),
        }))
    }

    async fn list_entries(
        &self,
        request: Request<v1::ListEntriesRequest>,
    ) -> Result<Response<v1::ListEntriesResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let list = listing(&message);
        let work = pin!(self.desk.directory.list_entries(&caller, &list));
        let written = self.desk.in_time(work).await?;
        let next = written.result.next;
        Ok(Response::new(v1::ListEntriesResponse {
            entries: written.result.entries.iter().map(|(at, entry)| render(*at, entry)).collect(),
            next_page_token: next_page_token(next),
            receipt: written.receipt.0,
        }))
    }

    async fn request_history(
        &self,
        request: Request<v1::RequestHistoryRequest>,
    ) -> Result<Response<v1::RequestHistoryResponse>, Status> {
        history::request(&self.desk, request).await
    }

    async fn consent_to_history(
        &self,
        request: Request<v1::ConsentToHistoryRequest>,
    ) -> Result<Response<v1::ConsentToHistoryResponse>, Status> {
        history::consent(&self.desk, request).await
    }

    async fn access_history(
        &self,
        request: Request<v1::AccessHistoryRequest>,
    ) -> Result<Response<v1::AccessHistoryResponse>, Status> {
        history::read_told(&self.desk, request).await
    }

    async fn list_withheld(
        &self,
        request: Request<v1::ListWithheldRequest>,
    ) -> Result<Response<v1::ListWithheldResponse>, Status> {
        history::read_withheld(&self.desk, request).await
    }

    async fn review_access(
        &self,
        request: Request<v1::ReviewAccessRequest>,
    ) -> Result<Response<v1::ReviewAccessResponse>, Status> {
        history::review(&self.desk, request).await
    }

    async fn get_figures(
        &self,
        request: Request<v1::GetFiguresRequest>,
    ) -> Result<Response<v1::GetFiguresResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let asked = figures::parse(&message);
        let work = pin!(self.desk.directory.figures(&caller, &asked));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(figures::render(&written.result, written.receipt.0)))
    }
}

impl Fields {
    /// The most of a page.
    fn page_size(&mut self, size: i32) -> Option<usize> {
        match usize::try_from(size) {
            Ok(0) => Some(PAGE),
            Ok(size) if size <= PAGE_MAX => Some(size),
            _ => self.wrong("page_size", "must be 1 to 500, or 0 for 100"),
        }
    }

    /// Where a page begins: none for the first. A wrong one is noted, and gives none like an empty one.
    fn entry_token(&mut self, token: &str) -> Option<Receipt> {
        let mut index = [0; 8];
        if token.is_empty() {
            return None;
        }
        match hex::decode_to_slice(token, &mut index) {
            Ok(()) => Some(Receipt(u64::from_be_bytes(index))),
            Err(_) => self.wrong("page_token", "must be a next_page_token of the page before"),
        }
    }

    /// The size of a tree that the last checkpoint covers; 0 for that checkpoint's own.
    fn size(&mut self, field: &str, size: u64, reader: &Reader) -> Option<u64> {
        let last = reader.checkpoint().size;
        match size {
            0 => Some(last),
            size if size <= last => Some(size),
            _ => self.wrong(field, "must not be above the size of the last checkpoint"),
        }
    }

    fn index(&mut self, field: &str, index: u64, size: u64) -> Option<u64> {
        if index < size {
            Some(index)
        } else {
            self.wrong(field, "must be below the size of the tree")
        }
    }

    /// A time in milliseconds since 1970.
    fn time(&mut self, field: &str, ms: i64) -> Option<u64> {
        match u64::try_from(ms) {
            Ok(ms) => Some(ms),
            Err(_) => self.wrong(field, "must not be before 1970"),
        }
    }

    /// What may be left out; a wrong one is noted, and gives none like a missing one.
    fn optional_term<T>(&mut self, field: &str, code: i32, from: fn(u8) -> Option<T>) -> Option<T> {
        if code == 0 { None } else { self.term(field, code, from) }
    }

    fn optional_uuid(&mut self, field: &str, text: &str) -> Option<[u8; 16]> {
        if text.is_empty() { None } else { self.uuid(field, text) }
    }
}

fn listing(wire: &v1::ListEntriesRequest) -> Result<ListEntries, Invalid> {
    read(|fields| {
        let since_ms = fields.time("since_ms", wire.since_ms);
        let until_ms = fields.time("until_ms", wire.until_ms);
        let filter = EntryFilter {
            since_ms: since_ms.unwrap_or_default(),
            until_ms: until_ms.filter(|until_ms| *until_ms != 0),
            actor: fields.optional_uuid("actor_id", &wire.actor_id).map(ActorId::new),
            organisation: fields
                .optional_uuid("organisation_id", &wire.organisation_id)
                .map(OrganisationId::new),
            action: fields.optional_term("action", wire.action, Action::from_code),
            outcome: fields.optional_term("outcome", wire.outcome, Outcome::from_code),
        };
        let limit = fields.page_size(wire.page_size);
        let from = fields.entry_token(&wire.page_token);
        Some(ListEntries { filter, from, limit: limit? })
    })
}

/// Where the next page begins, if there is one.
fn next_page_token(next: Option<Receipt>) -> String {
    next.map_or_else(String::new, |next| format!("{:016x}", next.0))
}

fn render(index: Receipt, entry: &Entry) -> v1::LedgerEntry {
    let text = |id: Option<&[u8; 16]>| id.map_or_else(String::new, |id| uuid_text(*id));
    v1::LedgerEntry {
        index: index.0,
        entry: entry.as_bytes().to_vec(),
        time_ms: i64::try_from(entry.time_ms()).unwrap_or(i64::MAX),
        action: entry.action().code().into(),
        outcome: entry.outcome().code().into(),
        actor_id: text(entry.actor().as_ref().map(ActorId::as_bytes)),
        role: entry.role().map_or(0, Role::code).into(),
        on_behalf_of_id: text(entry.on_behalf_of().as_ref().map(ActorId::as_bytes)),
        organisation_id: text(entry.organisation().as_ref().map(OrganisationId::as_bytes)),
        system_id: text(entry.system().as_ref().map(SystemId::as_bytes)),
        purpose: entry.purpose().map_or(0, Purpose::code).into(),
        relationship: entry.relationship().map_or(0, Relationship::code).into(),
        count: entry.count(),
    }
}

fn path(hashes: &[Hash]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}

/// Reads the tree's files on a thread where that stops nobody. What is asked for was seen to be there:
/// an error is damage.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(work).await;
    let damaged = || status::of(&Refusal::Store(StoreError::Damaged));
    done.map_err(|_panicked| damaged())?.map_err(|error| {
        tracing::error!(%error, "the ledger's tree cannot be read");
        damaged()
    })
}
