//! `serve`, `check-config` and `demo`: the operator's side.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use super::render::Output;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::server::{self, Server};
use crate::{demo, process, telemetry};

/// Where the configuration is.
#[derive(Debug, Args)]
pub(super) struct ConfigFile {
    /// The configuration file.
    #[arg(long, env = "SIGNPOST_CONFIG", default_value = "signpost.toml", value_name = "FILE")]
    config: PathBuf,
}

impl ConfigFile {
    /// The configuration in this file.
    pub(super) fn of(config: PathBuf) -> Self {
        Self { config }
    }

    pub(super) fn load(&self) -> Result<Config, Failure> {
        // What is not UTF-8 is no setting of ours.
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Config::load(&self.config, std::env::vars_os().filter_map(text))
    }
}

/// `signpost serve`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  signpost serve --config /etc/signpost/signpost.toml

Stops at SIGTERM or SIGINT: no new requests, those in progress end, the store goes last.")]
pub struct ServeCommand {
    #[command(flatten)]
    config: ConfigFile,
}

impl ServeCommand {
    /// Serves until it is told to stop.
    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.config.load()?;
        telemetry::init(&config.log);
        process::protect_memory();
        let stop = process::stop_signal()?;
        let listen = config.server.listen;
        let server = Server::prepare(config, Arc::new(SystemClock)).await?;
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            Failure::new(Exit::Unavailable, format!("cannot listen on {listen}: {error}"))
        })?;
        let address = listener.local_addr().unwrap_or(listen);
        tracing::info!(%address, "listening");
        Ok(server.run(listener, stop).await?)
    }
}

/// `signpost check-config`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  signpost check-config --config signpost.toml && systemctl restart signpost")]
pub struct CheckConfigCommand {
    #[command(flatten)]
    config: ConfigFile,
}

impl CheckConfigCommand {
    /// Checks the file and all it names but the store.
    pub fn run(self, output: Output) -> anyhow::Result<()> {
        let config = self.config.load()?;
        let digest = server::check(&config, Arc::new(SystemClock))?;
        match output {
            Output::Table => println!("The configuration is good. Policy digest: {digest}"),
            Output::Json => println!("{}", serde_json::json!({ "policy_digest": digest })),
        }
        Ok(())
    }
}

/// `signpost demo`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  signpost demo --once
      tells the story and ends")]
pub struct DemoCommand {
    /// Ends after the story instead of leaving the service running.
    #[arg(long)]
    once: bool,
}

impl DemoCommand {
    /// Tells the story.
    pub async fn run(self) -> anyhow::Result<()> {
        demo::run(self.once).await
    }
}
