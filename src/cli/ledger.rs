//! `signpost ledger`: its key and tree, what auditors and outsiders verify, and who looked.

mod history;
mod offline;
mod online;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use signpost_embedded::disk::os::OsDisk;
use signpost_ledger::note::key::VerifierKey;

use super::render::Output;
use super::render::fields::{Fields, print_fields};
use super::render::values::Quiet;
use super::service::ConfigFile;
use crate::ledger;

const EXAMPLES: &str = "\
Examples, for whoever runs the service:
  signpost ledger key --config /etc/signpost/signpost.toml
      prints the public key: auditors and witnesses verify checkpoints by it
  signpost ledger create --config /etc/signpost/signpost.toml
      makes an empty tree where there is none; the next start fills it from the store

For auditors and privacy officers, from the running service:
  signpost ledger checkpoint --profile auditor.toml > kept.checkpoint
  signpost ledger prove --profile auditor.toml --ledger-key \"$KEY\" --entry 4711
  signpost ledger prove --profile auditor.toml --ledger-key \"$KEY\" --since kept.checkpoint
  signpost ledger entries --profile auditor.toml --action ask --from 2026-06-15T00:00:00Z
  signpost ledger history --help
      how a family is told who looked

For anybody, from a copied directory, without the service:
  signpost ledger verify ledger --key \"$KEY\" --since kept.checkpoint
  signpost ledger export ledger --key \"$KEY\" --first 4711 --count 10

Exit code 65: something does not fit, and the message names the first thing that does not.";

/// `signpost ledger`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LedgerCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Prints the public key that checkpoints are verified by
    #[command(after_help = EXAMPLES)]
    Key {
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Makes an empty tree, and a key if there is none, for a store that is there
    #[command(after_help = EXAMPLES)]
    Create {
        #[command(flatten)]
        config: ConfigFile,
    },
    /// Verifies a copied directory: every entry, every hash, and who signed
    #[command(after_help = EXAMPLES)]
    Verify(offline::VerifyCommand),
    /// Prints entries of a copied directory with their proofs, as JSON Lines
    #[command(after_help = EXAMPLES)]
    Export(offline::ExportCommand),
    /// Prints the last checkpoint, to be kept
    #[command(after_help = EXAMPLES)]
    Checkpoint(online::CheckpointCommand),
    /// Has the service prove that an entry is in its ledger, or all of an older checkpoint
    #[command(after_help = EXAMPLES)]
    Prove(online::ProveCommand),
    /// Lists entries; each look is on record
    #[command(after_help = EXAMPLES)]
    Entries(Box<online::EntriesCommand>),
    /// Who looked at a child's flags: asked for, consented to, reviewed, and told
    History(Box<history::HistoryCommand>),
}

impl LedgerCommand {
    /// Does what the subcommand says.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::Key { config } => {
                let key = ledger::verifier(&config.load()?.ledger)?.to_string();
                print_fields(|| key.clone(), &Fields::default().text("key", &key), output)
            }
            Action::Create { config } => {
                let config = config.load()?.ledger;
                let key = ledger::create_with_key(Arc::new(OsDisk), &config)?.to_string();
                let fields = Fields::default().text("key", &key);
                let text = || format!("Made. The next start fills it.\nIts public key: {key}");
                print_fields(text, &fields, output)
            }
            Action::Verify(command) => command.run(output).await,
            Action::Export(command) => command.run().await,
            Action::Checkpoint(command) => command.run(output).await,
            Action::Prove(command) => command.run(output).await,
            Action::Entries(command) => command.run(output).await,
            Action::History(command) => command.run(output).await,
        }
    }
}

/// Reads a public key.
const KEY: Quiet<VerifierKey> = Quiet {
    parse: |text| text.parse().ok(),
    expected: "a public key as `signpost ledger key` prints it",
};

/// A checkpoint that somebody kept.
fn read_kept(path: &PathBuf) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
