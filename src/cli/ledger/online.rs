//! `ledger checkpoint`, `prove` and `entries`: from the running service. A proof is verified here.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::tree::hash::Hash;
use signpost_ledger::tree::proof::{ConsistencyProof, InclusionProof, ProofError};
use signpost_proto::v1;
use uuid::Uuid;

use super::{KEY, read_kept};
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
/// Exit code 0: it is proven. Exit code 65: what the service gave proves nothing.
#[derive(Debug, Args)]
pub(super) struct ProveCommand {
    #[command(flatten)]
    what: What,
    /// The ledger's public key
    #[arg(long, value_name = "KEY", value_parser = KEY)]
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
        let given = client.prove_inclusion(index, 0).await?;
        let (checkpoint, _) =
            Checkpoint::open(&given.checkpoint, &self.ledger_key).map_err(unproven)?;
        let leaf = hashes(&[given.leaf_hash])?[0];
        let path = hashes(&given.path)?;
        let proof = InclusionProof { index, size: checkpoint.size, path };
        proof.verify(&leaf, &checkpoint.root).map_err(unproven)?;
        let fields = Fields::default()
            .number("index", index)
            .number("size", checkpoint.size)
            .text("leaf_hash", &leaf.to_string())
            .texts("path", proof.path.iter().map(Hash::to_string))
            .text("checkpoint", &String::from_utf8_lossy(&given.checkpoint));
        let (size, origin) = (checkpoint.size, &checkpoint.origin);
        let text = || format!("Proven: entry {index} is one of the {size} entries of {origin}.");
        print_fields(text, &fields, output)
    }

    async fn prove_since(&self, since: Checkpoint, output: Output) -> anyhow::Result<()> {
        let client = self.connection.clone().connect().await?;
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
}

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
