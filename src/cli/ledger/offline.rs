//! `ledger verify` and `ledger export`: from a copied directory alone.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use signpost_ledger::disk::OsDisk;
use signpost_ledger::log::export::ProvenEntry;
use signpost_ledger::log::reader::Reader;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::verify::entries::EntryRules;
use signpost_ledger::verify::{Verification, Verified, VerifyError};

use super::{LEDGER_KEY, WITNESS_KEY, read_kept};
use crate::cli::render::{Output, print};
use crate::exit::{Exit, Failure};
use crate::progress::Rows;
use crate::server::with_sources;

/// `signpost ledger verify`
///
/// Exit code 0: all is right. Exit code 65: something is not, and the message names the first thing.
#[derive(Debug, Args)]
pub(super) struct VerifyCommand {
    /// The copied directory
    directory: PathBuf,
    /// The ledger's public key, from somebody else than who gave the copy
    #[arg(long, value_name = "KEY", value_parser = LEDGER_KEY)]
    ledger_key: VerifierKey,
    /// An older checkpoint that was kept: an older copy of everything is found by nothing else
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// The public key of a witness that must have signed too
    #[arg(long, value_name = "KEY", value_parser = WITNESS_KEY)]
    witness_key: Vec<VerifierKey>,
}

impl VerifyCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let since = self.since.as_deref().map(read_kept).transpose()?;
        let verify = move || {
            let mut verification =
                Verification::new(&self.directory, &self.ledger_key).witnesses(&self.witness_key);
            if let Some(since) = &since {
                verification = verification.since(since);
            }
            run(&verification)
        };
        let verified = tokio::task::spawn_blocking(verify).await;
        let verified = verified.context("verifying was interrupted")?;
        let verified = verified.map_err(|error| damaged(&error))?;
        print(output, || text(&verified), &Report::from(&verified))
    }
}

fn run(verification: &Verification<'_>) -> Result<Verified, VerifyError> {
    let (mut rules, mut bar, mut told) = (EntryRules::default(), None, 0);
    let rows = |entries: u64| usize::try_from(entries).unwrap_or(usize::MAX);
    verification.run(
        |_, entry| rules.check(entry),
        |done, all| {
            bar.get_or_insert_with(|| Rows::begin("verifying", rows(all)))
                .advance(rows(done - told));
            told = done;
        },
    )
}

fn damaged(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(Exit::Sealed, with_sources(error))
}

/// What is told as JSON.
#[derive(Serialize)]
struct Report {
    origin: String,
    size: u64,
    root: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    cosigned: Vec<Option<String>>,
    files: u64,
    uncovered_files: u64,
}

impl From<&Verified> for Report {
    fn from(verified: &Verified) -> Self {
        let Verified { checkpoint, cosigned, since, files, uncovered } = verified;
        Self {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: checkpoint.root.to_string(),
            since: since.as_ref().map(|since| since.size),
            cosigned: cosigned.iter().map(|time| time.and_then(time_text)).collect(),
            files: *files,
            uncovered_files: *uncovered,
        }
    }
}

fn text(verified: &Verified) -> String {
    let Report { origin, size, root, since, cosigned, uncovered_files, .. } =
        Report::from(verified);
    let mut lines =
        vec![format!("All is right: {size} entries of {origin}, with the root {root}.")];
    lines.push(match since {
        Some(since) => format!("It holds all of the {since} entries that were signed before."),
        None => "Whether it is an older copy, only a checkpoint that was kept can tell (--since)."
            .to_owned(),
    });
    for time in cosigned {
        let time =
            time.map_or_else(|| "at a time it does not tell".to_owned(), |it| format!("at {it}"));
        lines.push(format!("A witness signed it {time}."));
    }
    if uncovered_files > 0 {
        lines
            .push(format!("{uncovered_files} files are behind the checkpoint, and not looked at."));
    }
    lines.join("\n")
}

fn time_text(seconds: u64) -> Option<String> {
    let time = i64::try_from(seconds).ok().and_then(|it| Timestamp::from_second(it).ok());
    time.map(|time| time.to_string())
}

/// `signpost ledger export`
///
/// The first line holds the checkpoint, each other line an entry with the way from its hash to the
/// checkpoint's root.
#[derive(Debug, Args)]
pub(super) struct ExportCommand {
    /// The copied directory
    directory: PathBuf,
    /// The ledger's public key
    #[arg(long, value_name = "KEY", value_parser = LEDGER_KEY)]
    ledger_key: VerifierKey,
    /// The index of the first entry
    #[arg(long, value_name = "INDEX", default_value_t = 0)]
    first: u64,
    /// How many entries; all that follow if left out
    #[arg(long, value_name = "NUMBER")]
    count: Option<u64>,
}

/// The first line.
#[derive(Serialize)]
struct CheckpointLine {
    checkpoint: String,
}

/// Every other line.
#[derive(Serialize)]
struct EntryLine {
    index: u64,
    entry: String,
    size: u64,
    path: Vec<String>,
}

impl ExportCommand {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let exported = tokio::task::spawn_blocking(move || self.export()).await;
        exported.context("the export was interrupted")?
    }

    fn export(&self) -> anyhow::Result<()> {
        let note = read_kept(&self.directory.join("checkpoint"))?;
        let (checkpoint, note) =
            Checkpoint::open(&note, &self.ledger_key).map_err(|error| damaged(&error))?;
        let end = self.count.map_or(u64::MAX, |count| self.first.saturating_add(count));
        let range = self.first..end.min(checkpoint.size);
        let reader = Reader::new(Arc::new(OsDisk), self.directory.clone(), checkpoint);
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let mut line =
            |line: String| writeln!(out, "{line}").context("cannot write to standard output");
        line(serde_json::to_string(&CheckpointLine { checkpoint: note.to_string() })?)?;
        for proven in reader.export(range) {
            let ProvenEntry { entry, proof } = proven.map_err(|error| damaged(&error))?;
            line(serde_json::to_string(&EntryLine {
                index: proof.index,
                entry: hex::encode(entry),
                size: proof.size,
                path: proof.path.iter().map(ToString::to_string).collect(),
            })?)?;
        }
        out.flush().context("cannot write to standard output")
    }
}
