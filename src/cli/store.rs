//! `store verify`: all that a stopped service's data directory holds, checked on demand.

use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;
use signpost_embedded::disk::os::OsDisk;
use signpost_embedded::verify::{IndexState, Verified, verify};

use super::render::{Output, print};
use super::service::ConfigFile;
use crate::clock::SystemClock;
use crate::{server, telemetry};

/// `signpost store`
#[derive(Debug, Args)]
pub struct StoreCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Verifies every frame, seal and entry, and the index. Changes nothing.
    Verify(VerifyCommand),
}

/// `signpost store verify`
#[derive(Debug, Args)]
#[command(after_help = "Example:
  signpost store verify --config /etc/signpost/signpost.toml

The service must be stopped. Exit code 0: all is right, and an index that is not will be built anew
by the next start. Exit code 65: something is damaged; the message names the file and the offset.")]
struct VerifyCommand {
    #[command(flatten)]
    config: ConfigFile,
}

impl StoreCommand {
    /// Does what the subcommand says.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        let Command::Verify(command) = self.command;
        let config = command.config.load()?;
        telemetry::init(&config.log);
        let options = server::store_options(Arc::new(OsDisk), &config, Arc::new(SystemClock))?;
        let verified = tokio::task::spawn_blocking(move || verify(&options));
        let verified = verified.await.context("verifying was interrupted")?;
        let verified = verified.map_err(|error| server::sealed(&error))?;
        print(output, || text(&verified), &Report::from(&verified))
    }
}

/// What is told as JSON.
#[derive(Serialize)]
struct Report {
    generation: u64,
    frames: u64,
    records: u64,
    entries: u64,
    openings: u64,
    openings_erased: u64,
    torn_bytes: u64,
    index: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_behind_frames: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_lost: Option<String>,
}

impl From<&Verified> for Report {
    fn from(verified: &Verified) -> Self {
        let (index, index_behind_frames, index_lost) = match &verified.index {
            IndexState::Agrees => ("agrees", None, None),
            IndexState::Lags(frames) => ("lags", Some(*frames), None),
            IndexState::Lost(why) => ("lost", None, Some(why.clone())),
        };
        let Verified { generation, frames, records, entries, openings, erased, .. } = *verified;
        let torn_bytes = verified.torn_bytes;
        Self {
            generation,
            frames,
            records,
            entries,
            openings,
            openings_erased: erased,
            torn_bytes,
            index,
            index_behind_frames,
            index_lost,
        }
    }
}

fn text(verified: &Verified) -> String {
    let Verified { generation, frames, records, entries, openings, erased, torn_bytes, index } =
        verified;
    let erased = if *erased == 0 { String::new() } else { format!(" ({erased} of them erased)") };
    let index = match index {
        IndexState::Agrees => "The index agrees with the journal.".to_owned(),
        IndexState::Lags(behind) => {
            format!("The index is {behind} frames behind the journal: the next start applies them.")
        }
        IndexState::Lost(why) => {
            format!("The index is lost ({why}): the next start builds it anew from the journal.")
        }
    };
    let torn = if *torn_bytes == 0 {
        String::new()
    } else {
        format!(
            "\nThe journal ends with {torn_bytes} bytes of an incomplete frame: the next start cuts them off."
        )
    };
    format!(
        "All is right: generation {generation}, {frames} frames, {records} records, {entries} entries, {openings} openings{erased}.\n{index}{torn}"
    )
}
