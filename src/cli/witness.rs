//! `witness create` and `witness serve`: for whoever watches a ledger, beside those who run it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde::Serialize;
use signpost_ledger::note::key::VerifierKey;
use tokio::net::TcpListener;

use super::ledger::LEDGER_KEY;
use super::render::{Output, print};
use crate::clock::SystemClock;
use crate::exit::{Exit, Failure};
use crate::witness::{Identity, Server};
use crate::{config, process, telemetry};

/// `signpost witness`
#[derive(Debug, Args)]
pub struct WitnessCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a witness's directory and key, and prints its public key.
    Create(CreateCommand),
    /// Cosigns over HTTP until it is told to stop.
    Serve(ServeCommand),
}

#[derive(Debug, Args)]
struct IdentityOptions {
    /// The name of its key; a name of your own, like a web address without https://
    #[arg(long)]
    name: String,
    /// The file of its secret key
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What it has cosigned lies here. Whoever can put an older copy there undoes the witness
    #[arg(long, value_name = "FOLDER")]
    directory: PathBuf,
}

/// `signpost witness create`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  signpost witness create --name witness.example/w1 --key witness.key --directory witness

The public key is for the service's configuration, and for whoever verifies the ledger.")]
struct CreateCommand {
    #[command(flatten)]
    identity: IdentityOptions,
}

/// `signpost witness serve`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  signpost witness serve --name witness.example/w1 --key witness.key --directory witness \\
      --listen 127.0.0.1:7480 --ledger-key signpost.example/ledger+9a8b7c6d+AbCd...

Stops at SIGTERM or SIGINT. What it cosigns is public: it needs no TLS of its own, but may stand
behind a server that has it.")]
struct ServeCommand {
    #[command(flatten)]
    identity: IdentityOptions,
    /// Address and port
    #[arg(long)]
    listen: SocketAddr,
    /// The public key of a ledger that it cosigns; may be given several times
    #[arg(long, value_name = "KEY", required = true, value_parser = LEDGER_KEY)]
    ledger_key: Vec<VerifierKey>,
}

impl WitnessCommand {
    /// Does what the subcommand says.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.command {
            Command::Create(command) => command.run(output),
            Command::Serve(command) => Ok(command.run().await?),
        }
    }
}

/// What is told of a new witness.
#[derive(Serialize)]
struct Created {
    key: String,
}

impl CreateCommand {
    fn run(self, output: Output) -> anyhow::Result<()> {
        let key = self.identity.read().create()?.to_string();
        print(output, || format!("Public key: {key}"), &Created { key: key.clone() })
    }
}

impl ServeCommand {
    async fn run(self) -> Result<(), Failure> {
        telemetry::init(&config::Log::default());
        process::protect_memory();
        let stop = process::stop_signal()?;
        let server =
            Server::prepare(&self.identity.read(), self.ledger_key, Arc::new(SystemClock))?;
        let listener = TcpListener::bind(self.listen).await.map_err(|error| {
            Failure::new(Exit::Unavailable, format!("cannot listen on {}: {error}", self.listen))
        })?;
        let address = listener.local_addr().unwrap_or(self.listen);
        tracing::info!(%address, "witnessing");
        server.run(listener, stop).await
    }
}

impl IdentityOptions {
    fn read(&self) -> Identity {
        let Self { name, key, directory } = self;
        Identity { name: name.clone(), key: key.clone(), directory: directory.clone() }
    }
}
