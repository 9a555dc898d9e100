//! `signpost admin import`: invites many people from a file, each row looked at before any is sent.

mod places;
mod report;
mod rows;
mod send;

use std::path::PathBuf;

use clap::Args;
use uuid::Uuid;

use super::super::profile::ConnectionArgs;
use super::super::render::values::UUID;
use super::super::render::{Output, print};
use super::codes::RECIPIENT;
use crate::exit::{Exit, Failure};
use crate::seal::Recipient;
use report::Report;
use rows::Otherwise;
use send::Import;

const EXAMPLES: &str = "\
Examples:
  signpost admin import people.csv --group 0190b2a4-7c1e-7000-8000-000000000005 --dry-run
  signpost admin import people.csv --group 0190b2a4-7c1e-7000-8000-000000000005 --codes codes
  signpost admin import people-of-all-groups.csv --codes codes

The file's first line names its columns, in any order:
  staff_reference,vetting_on,barred_list_checked_on,training_on,agreement_signed_on
and, where codes are to be sealed, recipient: each person's public key of age (age1...). Where the
people are of several groups, group: the id of each person's.

Every row is looked at first, here and by the service, and whether each group has places for all its
rows; if one is rejected, nobody is invited. Then people are invited a group at a time, all of it or
nobody. Each code goes into a file of its own in the folder, below one named as the
group where there are several: hand it to its person, who runs signpost enrol.";

/// Invites many people from a file
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ImportCommand {
    /// The file: comma-separated values (CSV), UTF-8
    file: PathBuf,
    /// The group of rows that name none of their own
    #[arg(long, value_name = "ID", value_parser = UUID)]
    group: Option<Uuid>,
    /// Folder for the enrolment codes; made if it is not there
    #[arg(long, value_name = "FOLDER", required_unless_present = "dry_run")]
    codes: Option<PathBuf>,
    /// Seals the codes of rows that name no recipient of their own to this public key (age1...)
    #[arg(long, value_name = "KEY", value_parser = RECIPIENT)]
    recipient: Option<Recipient>,
    /// Looks only, here and by the service, and invites nobody
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ImportCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(&self.file).map_err(|error| {
            Failure::config(format!("cannot read {}: {error}", self.file.display()))
        })?;
        let otherwise = Otherwise { group: self.group, recipient: self.recipient.as_ref() };
        let rows = match rows::parse(&text, otherwise) {
            Ok(rows) => rows,
            Err(rejected) => {
                let report = Report { rejected, ..Report::default() };
                show(&report, output)?;
                return Err(report.failure(Exit::Config).into());
            }
        };
        let client = self.connection.connect().await?;
        let import = Import { client: &client };
        let mut report = Report::default();
        let placed = places::check(&client, &rows, &mut report).await?;
        import.check(&placed, &mut report).await?;
        report.rejected.sort();
        let mut sent = Ok(());
        if let (true, Some(folder)) = (report.rejected.is_empty() && !self.dry_run, &self.codes) {
            sent = import.invite(&rows, folder, &mut report).await;
        }
        show(&report, output)?;
        sent?;
        if report.rejected.is_empty() { Ok(()) } else { Err(report.failure(Exit::Refused).into()) }
    }
}

fn show(report: &Report, output: Output) -> anyhow::Result<()> {
    print(output, || report.text(), report)
}
