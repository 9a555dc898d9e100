//! `signpost ledger`: its key and tree, what auditors and outsiders verify, and who looked.

mod figures;
mod history;
mod offline;
mod online;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use signpost_embedded::disk::os::OsDisk;
use signpost_ledger::note::NOTE_LEN_MAX;
use signpost_ledger::note::key::{Algorithm, VerifierKey};

use super::render::Output;
use super::render::fields::{Fields, print_fields};
use super::render::values::Quiet;
use super::service::ConfigFile;
use crate::{ledger, seed_file};

const EXAMPLES: &str = "\
Examples, for whoever runs the service:
  signpost ledger key --config /etc/signpost/signpost.toml
      prints the public key: auditors and witnesses verify checkpoints by it
  signpost ledger create --config /etc/signpost/signpost.toml
      makes an empty tree where there is none; the next start fills it from the store. The key must be
      there: without it (--new-key) what was signed before is another ledger's

For auditors and privacy officers, from the running service:
  signpost ledger checkpoint --profile auditor.toml > kept.checkpoint
  signpost ledger prove --profile auditor.toml --ledger-key \"$KEY\" --entry 4711
  signpost ledger prove --profile auditor.toml --ledger-key \"$KEY\" --since kept.checkpoint
  signpost ledger entries --profile auditor.toml --action ask --from 2026-06-15T00:00:00Z
  signpost ledger history --help
      how a family is told who looked
  signpost ledger figures --profile auditor.toml --from 2026-01 --until 2026-06 --csv

For anybody, from a copied directory, without the service:
  signpost ledger verify ledger --ledger-key \"$KEY\" --since kept.checkpoint
  signpost ledger export ledger --ledger-key \"$KEY\" --first 4711 --count 10

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
    /// Makes an empty tree for a store that is there
    #[command(after_help = EXAMPLES)]
    Create {
        #[command(flatten)]
        config: ConfigFile,
        /// Make a key too: everybody who verifies must be told it, and witnesses take it for another
        /// ledger's
        #[arg(long)]
        new_key: bool,
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
    /// Prints how often was asked and refused, month by month, as it can be published
    #[command(after_help = EXAMPLES)]
    Figures(figures::FiguresCommand),
}

impl LedgerCommand {
    /// Does what the subcommand says.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::Key { config } => {
                let key = ledger::verifier(&config.load()?.ledger)?.to_string();
                print_fields(|| key.clone(), &Fields::default().text("key", &key), output)
            }
            Action::Create { config, new_key } => {
                let config = config.load()?.ledger;
                if new_key {
                    seed_file::create(&config.key)?;
                }
                ledger::create(Arc::new(OsDisk), &config)?;
                let key = ledger::verifier(&config)?.to_string();
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
            Action::Figures(command) => command.run(output).await,
        }
    }
}

/// Reads the public key of a ledger.
pub(super) const LEDGER_KEY: Quiet<VerifierKey> = Quiet {
    parse: |text| key_of(Algorithm::Ed25519, text),
    expected: "a public key as `signpost ledger key` prints it",
};

/// Reads the public key of a witness.
pub(super) const WITNESS_KEY: Quiet<VerifierKey> = Quiet {
    parse: |text| key_of(Algorithm::Cosignature, text),
    expected: "a public key as `signpost witness create` prints it",
};

/// What signs one thing is never taken for what signs the other.
fn key_of(algorithm: Algorithm, text: &str) -> Option<VerifierKey> {
    text.parse().ok().filter(|key: &VerifierKey| key.algorithm() == algorithm)
}

/// A checkpoint that somebody kept, as far as one can be long.
fn read_kept(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let is_file = std::fs::metadata(path).with_context(cannot)?.is_file();
    anyhow::ensure!(is_file, "{} is no file", path.display());
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).with_context(cannot)?;
    file.take(NOTE_LEN_MAX as u64 + 1).read_to_end(&mut bytes).with_context(cannot)?;
    Ok(bytes)
}
