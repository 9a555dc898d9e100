//! `ledger checkpoint`, `prove` and `entries`: from the running service. A proof is verified here.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use signpost_client::{Client, ClientError};
use signpost_core::entry::Entry;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::tree::hash::Hash;
use signpost_ledger::tree::proof::{ConsistencyProof, InclusionProof, ProofError};
use signpost_proto::v1;
use tonic::Code;
use uuid::Uuid;

use super::{LEDGER_KEY, read_kept};
use crate::cli::profile::ConnectionArgs;
use crate::cli::render::Output;
use crate::cli::render::fields::{Fields, Shown, print_fields, print_listed};
use crate::cli::render::terms::term;
use crate::cli::render::values::{TIME, UUID};
use crate::exit::{Exit, Failure};

/// `signpost ledger checkpoint`
#[derive(Debug, Args)]
pub(super) struct CheckpointCommand {
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl CheckpointCommand {
    /// Byte for byte: it is kept, and given to others.
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let note = self.connection.connect().await?.checkpoint().await?;
        match output {
            Output::Table => {
                std::io::stdout().write_all(&note).context("cannot write to standard output")
            }
            Output::Json => {
                let fields = Fields::default().text("checkpoint", &String::from_utf8_lossy(&note));
                print_fields(String::new, &fields, output)
            }
        }
    }
}

/// `signpost ledger prove`
///
/// Exit code 0: it is proven. Exit code 65: what the service gave proves nothing, or it has less than
/// what was signed before.
#[derive(Debug, Args)]
pub(super) struct ProveCommand {
    #[command(flatten)]
    what: What,
    /// The ledger's public key
    #[arg(long, value_name = "KEY", value_parser = LEDGER_KEY)]
    ledger_key: VerifierKey,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// An entry: the receipt of an answer
    #[arg(long, value_name = "INDEX")]
    entry: Option<u64>,
    /// An older checkpoint that was kept
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
}

impl ProveCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        match &self.what.since {
            Some(since) => {
                let (since, _) =
                    Checkpoint::open(&read_kept(since)?, &self.ledger_key).map_err(unproven)?;
                self.prove_since(since, output).await
            }
            None => self.prove_entry(self.what.entry.unwrap_or_default(), output).await,
        }
    }

    async fn prove_entry(&self, index: u64, output: Output) -> anyhow::Result<()> {
        let client = self.connection.clone().connect().await?;
        let given = match client.prove_inclusion(index, 0).await {
            // All that is on record is signed by then, if it goes so far.
            Err(ClientError::Refused(refused)) if refused.code == Code::InvalidArgument => {
                self.hold(&client, index.saturating_add(1)).await?;
                return Err(ClientError::Refused(refused).into());
            }
            given => given?,
        };
        let entry = client.ledger_entry(index).await?.ok_or_else(|| {
            unproven(Unlike("it proves an entry that it does not give".to_owned()))
        })?;
        let proven = ProvenEntry::new(index, &given, &entry.entry, &self.ledger_key)?;
        print_fields(|| proven.text(), &proven.fields(&given.checkpoint), output)
    }

    async fn prove_since(&self, since: Checkpoint, output: Output) -> anyhow::Result<()> {
        let client = self.connection.clone().connect().await?;
        self.hold(&client, since.size).await?;
        let given = client.prove_consistency(since.size, 0).await?;
        let (checkpoint, _) =
            Checkpoint::open(&given.checkpoint, &self.ledger_key).map_err(unproven)?;
        let path = hashes(&given.path)?;
        let proof = ConsistencyProof { old_size: since.size, new_size: checkpoint.size, path };
        proof.verify(&since.root, &checkpoint.root).map_err(unproven)?;
        let fields = Fields::default()
            .number("old_size", since.size)
            .number("new_size", checkpoint.size)
            .texts("path", proof.path.iter().map(Hash::to_string))
            .text("checkpoint", &String::from_utf8_lossy(&given.checkpoint));
        let (old, new, origin) = (since.size, checkpoint.size, &checkpoint.origin);
        let text = || {
            format!(
                "Proven: the {new} entries of {origin} begin with the {old} that were signed before."
            )
        };
        print_fields(text, &fields, output)
    }

    /// That the service has at least so many entries: the caller holds proof that there were.
    async fn hold(&self, client: &Client, size: u64) -> anyhow::Result<()> {
        let last = client.checkpoint().await?;
        let (last, _) = Checkpoint::open(&last, &self.ledger_key).map_err(unproven)?;
        if last.size >= size {
            return Ok(());
        }
        let (has, origin) = (last.size, last.origin);
        let problem = format!(
            "the ledger {origin} has {has} entries, and should have {size} or more: an older copy was \
             put back, unless the receipt or checkpoint is of another ledger"
        );
        Err(Failure::new(Exit::Sealed, problem).into())
    }
}

/// An entry whose own bytes are seen to be in the tree: what it says is read from them, and from
/// nothing else that the service said.
struct ProvenEntry {
    checkpoint: Checkpoint,
    proof: InclusionProof,
    entry: Entry,
}

impl ProvenEntry {
    fn new(
        index: u64,
        given: &v1::ProveInclusionResponse,
        entry: &[u8],
        key: &VerifierKey,
    ) -> Result<Self, Failure> {
        let (checkpoint, _) = Checkpoint::open(&given.checkpoint, key).map_err(unproven)?;
        let path = hashes(&given.path)?;
        let proof = InclusionProof { index, size: checkpoint.size, path };
        proof.verify(&Hash::of_entry(entry), &checkpoint.root).map_err(unproven)?;
        let entry = Entry::try_from(entry).map_err(|error| unproven(Unlike(error.to_string())))?;
        Ok(Self { checkpoint, proof, entry })
    }

    fn time(&self) -> String {
        let ms = i64::try_from(self.entry.time_ms()).unwrap_or(i64::MAX);
        Timestamp::from_millisecond(ms).map_or_else(|_| String::new(), |time| time.to_string())
    }

    fn actor(&self) -> String {
        let actor = self.entry.actor();
        actor.map_or_else(String::new, |actor| Uuid::from_bytes(*actor.as_bytes()).to_string())
    }

    fn action(&self) -> &'static str {
        let action = v1::Action::try_from(i32::from(self.entry.action().code()));
        action.unwrap_or_default().as_str_name().trim_start_matches("ACTION_")
    }

    fn text(&self) -> String {
        let (index, size, origin) =
            (self.proof.index, self.checkpoint.size, &self.checkpoint.origin);
        let by = match self.actor() {
            actor if actor.is_empty() => "nobody".to_owned(),
            actor => actor,
        };
        format!(
            "Proven: entry {index} is one of the {size} entries of {origin}.\nIt says: {} at {}, by {by}.",
            self.action(),
            self.time(),
        )
    }

    fn fields(&self, checkpoint: &[u8]) -> Fields {
        Fields::default()
            .number("index", self.proof.index)
            .number("size", self.proof.size)
            .text("entry", &hex::encode(self.entry.as_bytes()))
            .text("time", &self.time())
            .text("action", self.action())
            .text("actor_id", &self.actor())
            .text("leaf_hash", &Hash::of_entry(self.entry.as_bytes()).to_string())
            .texts("path", self.proof.path.iter().map(Hash::to_string))
            .text("checkpoint", &String::from_utf8_lossy(checkpoint))
    }
}

/// What the service gave does not hang together.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unlike(String);

fn hashes(given: &[Vec<u8>]) -> Result<Vec<Hash>, Failure> {
    let hash = |bytes: &Vec<u8>| <[u8; Hash::LEN]>::try_from(&bytes[..]).map(Hash::new);
    given.iter().map(hash).collect::<Result<_, _>>().map_err(|_| unproven(ProofError::Shape))
}

fn unproven(error: impl std::error::Error) -> Failure {
    Failure::new(Exit::Sealed, format!("what the service gave proves nothing: {error}"))
}

/// `signpost ledger entries`
#[derive(Debug, Args)]
pub(super) struct EntriesCommand {
    /// Not before this time
    #[arg(long, value_name = "TIME", value_parser = TIME)]
    from: Option<Timestamp>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = TIME)]
    until: Option<Timestamp>,
    /// By this person, as the ledger calls them
    #[arg(long, value_name = "ID", value_parser = UUID)]
    actor: Option<Uuid>,
    /// By somebody, or a system, of this organisation
    #[arg(long, value_name = "ID", value_parser = UUID)]
    organisation: Option<Uuid>,
    /// Of this action
    #[arg(long, value_parser = term::<v1::Action>())]
    action: Option<v1::Action>,
    /// With this outcome
    #[arg(long, value_parser = term::<v1::Outcome>())]
    outcome: Option<v1::Outcome>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl EntriesCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let id = |id: Option<Uuid>| id.map_or_else(String::new, |id| id.to_string());
        let ms = |time: Option<Timestamp>| time.map_or(0, Timestamp::as_millisecond);
        let filter = v1::ListEntriesRequest {
            since_ms: ms(self.from),
            until_ms: ms(self.until),
            actor_id: id(self.actor),
            organisation_id: id(self.organisation),
            action: self.action.map_or(0, i32::from),
            outcome: self.outcome.map_or(0, i32::from),
            ..v1::ListEntriesRequest::default()
        };
        let client = self.connection.connect().await?;
        print_listed(&client.list_entries(filter).await?, output)
    }
}

impl Shown for v1::LedgerEntry {
    const MANY: &'static str = "entries";

    fn fields(&self) -> Fields {
        let time = Timestamp::from_millisecond(self.time_ms).map(|time| time.to_string());
        Fields::default()
            .number("index", self.index)
            .text("time", &time.unwrap_or_default())
            .term::<v1::Action>("action", self.action)
            .term::<v1::Outcome>("outcome", self.outcome)
            .text("actor_id", &self.actor_id)
            .term::<v1::Role>("role", self.role)
            .text("on_behalf_of_id", &self.on_behalf_of_id)
            .text("organisation_id", &self.organisation_id)
            .text("system_id", &self.system_id)
            .term::<v1::Purpose>("purpose", self.purpose)
            .term::<v1::Relationship>("relationship", self.relationship)
            .number("count", self.count)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::Arc;

    use signpost_core::id::Receipt;
    use signpost_core::store::Store;
    use signpost_ledger::disk::OsDisk;
    use signpost_ledger::log::Log;

    use super::*;
    use crate::testing::{first_light, ledger_signer};

    #[tokio::test]
    async fn a_proof_is_of_the_bytes_of_the_entry_and_not_of_a_hash_that_was_sent_along() {
        let (store, rules) = first_light().await;
        rules.record_full().await.unwrap();
        let entries = store.entries(Receipt(0), NonZeroUsize::MAX).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("log");
        let mut log = Log::create(Arc::new(OsDisk), &place, ledger_signer()).unwrap();
        for (index, entry) in (0..).zip(&entries) {
            log.append(index, entry.as_bytes()).unwrap();
        }
        let checkpoint = log.checkpoint().unwrap().to_string().into_bytes();
        let reader = log.reader();
        let given = v1::ProveInclusionResponse {
            leaf_hash: reader.leaf_hash(1).unwrap().as_bytes().to_vec(),
            size: 2,
            path: reader
                .inclusion(1, 2)
                .unwrap()
                .path
                .iter()
                .map(|hash| hash.as_bytes().to_vec())
                .collect(),
            checkpoint,
        };
        let key = ledger_signer().verifier().clone();
        let proven = ProvenEntry::new(1, &given, entries[1].as_bytes(), &key).unwrap();
        assert!(proven.text().contains("NOTE_FULL at 20"), "{}", proven.text());
        let mut changed = *entries[1].as_bytes();
        changed[15] ^= 1;
        for other in [&changed[..], entries[0].as_bytes(), &[]] {
            let refused = ProvenEntry::new(1, &given, other, &key).map(|_| ()).unwrap_err();
            assert_eq!(refused.exit, Exit::Sealed);
        }
    }
}
