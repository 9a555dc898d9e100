//! `signpost purge certificate` and `verify`: the evidence of a purge, fetched and checked.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use jiff::Timestamp;
use signpost_ledger::note::key::VerifierKey;
use uuid::Uuid;

use super::super::ledger::{LEDGER_KEY, WITNESS_KEY};
use super::super::profile::ConnectionArgs;
use super::super::render::Output;
use super::super::render::fields::{Fields, print_fields};
use super::super::render::values::UUID;
use crate::certificate::file::{CertificateFile, FILE_LEN_MAX};
use crate::certificate::verify::{Verified, verify};
use crate::certificate::{digest, page};
use crate::exit::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  signpost purge certificate --profile auditor.toml \\
      --purge 0190b2a4-7c1e-7000-8000-000000000007 --file purge.certificate
  signpost purge verify purge.certificate --ledger-key \"$KEY\" --witness-key \"$WITNESS\"
  signpost purge verify purge.certificate --ledger-key \"$KEY\" --page certificate.html

The certificate is there once the purge is done and every witness of the ledger has cosigned a checkpoint
that covers it. `verify` needs no service: the keys must come from somebody else than the certificate.
Exit code 65: it certifies nothing, and the message says why.";

/// Which certificate is fetched, and where to.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Certificate {
    /// The purge
    #[arg(long, value_name = "ID", value_parser = UUID)]
    purge: Uuid,
    /// Where the file goes; it must not be there
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Which certificate is checked, and by what.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Verify {
    /// The file of the certificate
    certificate: PathBuf,
    /// The ledger's public key, from somebody else than who gave the certificate
    #[arg(long, value_name = "KEY", value_parser = LEDGER_KEY)]
    ledger_key: VerifierKey,
    /// The public key of a witness that must have cosigned
    #[arg(long, value_name = "KEY", value_parser = WITNESS_KEY)]
    witness_key: Vec<VerifierKey>,
    /// Writes it as a page to be printed and signed, HTML, to this file, which must not be there
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

impl Certificate {
    /// Fetches it.
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let client = self.connection.connect().await?;
        let response = client.get_purge_certificate(&self.purge.to_string()).await?;
        if response.certificate.is_empty() {
            let problem = "there is no certificate yet: the purge is not done, or a witness of the \
                           ledger has not cosigned it (signpost purge show says how far it is)";
            return Err(Failure::new(Exit::Unavailable, problem.to_owned()).into());
        }
        write_new(&self.file, &response.certificate)?;
        let path = self.file.display().to_string();
        let fields = Fields::default().text("file", &path).number("receipt", response.receipt);
        print_fields(|| format!("The certificate is in {path}."), &fields, output)
    }
}

impl Verify {
    /// Checks it.
    pub(super) fn run(self, output: Output) -> anyhow::Result<()> {
        let file = read(&self.certificate)?;
        let verified = verify(&file, &self.ledger_key, &self.witness_key)
            .map_err(|error| unproven(&self.certificate, &error))?;
        let text = verified.certificate.to_text();
        let sha256 = hex::encode(digest(&text));
        if let Some(path) = &self.page {
            let html = page::page(&verified.certificate, &sha256, &proven(&verified));
            write_new(path, html.as_bytes())?;
        }
        let purge = &verified.certificate.purge;
        let fields = Fields::default()
            .text("purge_id", &purge.id)
            .text("scope", &purge.scope)
            .text("sha256", &sha256)
            .number("entry", file.index)
            .number("size", verified.checkpoint.size)
            .text("origin", &verified.checkpoint.origin)
            .texts("witnesses", verified.witnesses.iter().map(|(key, _)| key.name().to_owned()));
        let told = || {
            format!("Genuine: purge {} of scope {}. {}", purge.id, purge.scope, proven(&verified))
        };
        print_fields(told, &fields, output)
    }
}

/// What shows that it is genuine, a sentence.
fn proven(verified: &Verified) -> String {
    let (size, origin) = (verified.checkpoint.size, &verified.checkpoint.origin);
    let cosigned = verified.witnesses.iter().map(|(key, at)| {
        let at = at.and_then(|seconds| Timestamp::from_second(i64::try_from(seconds).ok()?).ok());
        let at = at.map_or_else(String::new, |at| format!(" at {at}"));
        format!("; {} cosigned them{at}", key.name())
    });
    let cosigned: String = cosigned.collect();
    format!("It is signed by the ledger {origin} and held by its {size} entries{cosigned}.")
}

fn read(path: &Path) -> anyhow::Result<CertificateFile> {
    let length = std::fs::metadata(path).map(|metadata| metadata.len());
    let length = length.with_context(|| format!("cannot read {}", path.display()))?;
    if length > FILE_LEN_MAX as u64 {
        let error = crate::certificate::file::FileError::Long;
        return Err(unproven(path, &error).into());
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(CertificateFile::parse(&bytes).map_err(|error| unproven(path, &error))?)
}

fn unproven(path: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::new(Exit::Sealed, format!("{} certifies nothing: {error}", path.display()))
}

/// Evidence is not written over.
fn write_new(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write;

    let file = std::fs::File::options().write(true).create_new(true).open(path);
    let mut file = file.with_context(|| format!("cannot create {}", path.display()))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))
}
