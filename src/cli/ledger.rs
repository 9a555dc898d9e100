//! `signpost ledger`: the key that outsiders verify by, and a tree made anew.

use std::sync::Arc;

use clap::{Args, Subcommand};
use signpost_embedded::disk::os::OsDisk;

use super::render::Output;
use super::render::fields::{Fields, print_fields};
use super::service::ConfigFile;
use crate::ledger;

const EXAMPLES: &str = "\
Examples:
  signpost ledger key --config /etc/signpost/signpost.toml
      prints the public key: auditors and witnesses verify checkpoints by it
  signpost ledger create --config /etc/signpost/signpost.toml
      makes an empty tree where there is none; the next start fills it from the store";

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
        }
    }
}
