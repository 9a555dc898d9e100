//! `ledger history`: who looked at a child's flags, for whoever in the family may ask.

mod letter;

use std::io::{stderr, stdin};

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use signpost_core::text::CaseReference;
use signpost_proto::v1;
use uuid::Uuid;

use crate::cli::identifiers::IdentifierArgs;
use crate::cli::profile::{ConnectionArgs, WriteArgs};
use crate::cli::render::fields::{Fields, Shown, print_done, print_listed};
use crate::cli::render::terms::term;
use crate::cli::render::values::{Quiet, UUID};
use crate::cli::render::{Output, print};

const EXAMPLES: &str = "\
Examples, by two different privacy officers, with every identifier of the child that the request has:
  signpost ledger history request --profile officer.toml --reference SAR-2026-0042 \
      --nhs \"999 000 0018\"
  signpost ledger history consent --profile other-officer.toml --reference SAR-2026-0042 \\
      --nhs \"999 000 0018\" --history 0190b2a4-7c1e-7000-8000-000000000007

And then, by either of them, within 30 days:
  signpost ledger history withheld --profile officer.toml \\
      --history 0190b2a4-7c1e-7000-8000-000000000007
      lists what the letter leaves out until somebody has reviewed it; not for the family
  signpost ledger history review --profile officer.toml --entry 4711 --decision withheld \\
      --ground crime --history 0190b2a4-7c1e-7000-8000-000000000007
  signpost ledger history read --profile officer.toml \\
      --history 0190b2a4-7c1e-7000-8000-000000000007 > letter.txt
      prints the letter, whose words are the same whatever is left out of it

Each step is on record. What is not released by a review is never in the letter.";

/// Reads a case's reference.
const REFERENCE: Quiet<CaseReference> = Quiet {
    parse: |text| CaseReference::try_from(text.to_owned()).ok(),
    expected: "2 to 4 capitals, a year and 1 to 5 digits, such as SAR-2026-0042; never a name",
};

/// `signpost ledger history`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct HistoryCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about a history.
#[derive(Debug, Subcommand)]
enum Action {
    /// Asks for a history; a different privacy officer has 7 days to consent
    #[command(after_help = EXAMPLES)]
    Request(RequestCommand),
    /// Consents to a history that a different privacy officer asked for
    #[command(after_help = EXAMPLES)]
    Consent(ConsentCommand),
    /// Prints the letter: what the requester may be told
    #[command(after_help = EXAMPLES)]
    Read(HistoryArgs),
    /// Lists what the letter leaves out, and what was decided of it; never for the requester
    #[command(after_help = EXAMPLES)]
    Withheld(HistoryArgs),
    /// Decides of one access that the letter leaves out, for this history alone
    #[command(after_help = EXAMPLES)]
    Review(ReviewCommand),
}

/// What is needed to ask.
#[derive(Args, Debug)]
struct RequestCommand {
    /// The reference of the verified requester's case
    #[arg(long, value_name = "REFERENCE", value_parser = REFERENCE)]
    reference: CaseReference,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    child: IdentifierArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What is needed to consent.
#[derive(Args, Debug)]
struct ConsentCommand {
    /// The history, as who asked for it was given it
    #[arg(long, value_name = "ID", value_parser = UUID)]
    history: Uuid,
    /// The same reference
    #[arg(long, value_name = "REFERENCE", value_parser = REFERENCE)]
    reference: CaseReference,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    child: IdentifierArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Which history.
#[derive(Args, Debug)]
struct HistoryArgs {
    /// The history
    #[arg(long, value_name = "ID", value_parser = UUID)]
    history: Uuid,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What is needed to decide.
#[derive(Args, Debug)]
struct ReviewCommand {
    /// The history
    #[arg(long, value_name = "ID", value_parser = UUID)]
    history: Uuid,
    /// The access, as it is listed
    #[arg(long, value_name = "INDEX")]
    entry: u64,
    /// Whether this requester is told of it
    #[arg(long, value_parser = term::<v1::AccessDecision>())]
    decision: v1::AccessDecision,
    /// The ground in law on which it is kept back
    #[arg(long, value_parser = term::<v1::WithholdingGround>())]
    ground: Option<v1::WithholdingGround>,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl HistoryCommand {
    /// Does what the subcommand says.
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::Request(command) => command.run(output).await,
            Action::Consent(command) => command.run(output).await,
            Action::Review(command) => command.run(output).await,
            Action::Read(HistoryArgs { history, connection }) => {
                let client = connection.connect().await?;
                let history = client.access_history(&history.to_string()).await?;
                let letter = letter::Letter::of(&history).context("the answer has no time")?;
                print(output, || letter.text(), &letter)
            }
            Action::Withheld(HistoryArgs { history, connection }) => {
                let client = connection.connect().await?;
                print_listed(&client.list_withheld(&history.to_string()).await?, output)
            }
        }
    }
}

impl RequestCommand {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let identifiers = self.child.parse(&mut stdin().lock(), &mut stderr())?;
        let client = self.connection.connect().await?;
        let (request_id, case) = (self.write.request_id(), self.reference.into());
        let asked = client.request_history(request_id, &identifiers, case).await?;
        let fields = Fields::default().text("history_id", &asked.history_id);
        let sentence = "Asked for. A different privacy officer has 7 days to consent, with the same \
                        identifiers and reference.";
        print_done(sentence, fields, asked.receipt, output)
    }
}

impl ConsentCommand {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let identifiers = self.child.parse(&mut stdin().lock(), &mut stderr())?;
        let client = self.connection.connect().await?;
        let (request_id, history) = (self.write.request_id(), self.history.to_string());
        let case = self.reference.into();
        let done = client.consent_to_history(request_id, history, &identifiers, case).await?;
        let sentence = "Consented. Both of you may read it for 30 days.";
        print_done(sentence, Fields::default(), done.receipt, output)
    }
}

impl ReviewCommand {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let client = self.connection.connect().await?;
        let message = v1::ReviewAccessRequest {
            request_id: self.write.request_id(),
            history_id: self.history.to_string(),
            entry: self.entry,
            decision: self.decision.into(),
            ground: self.ground.map_or(0, i32::from),
        };
        let done = client.review_access(message).await?;
        print_done("Decided.", Fields::default(), done.receipt, output)
    }
}

impl Shown for v1::WithheldAccess {
    const MANY: &'static str = "withheld";

    fn fields(&self) -> Fields {
        let access = self.access.clone().unwrap_or_default();
        let time = Timestamp::from_millisecond(access.time_ms).map(|time| time.to_string());
        Fields::default()
            .number("entry", access.entry)
            .text("time", &time.unwrap_or_default())
            .text("organisation", &access.organisation_name)
            .term::<v1::Role>("role", access.role)
            .term::<v1::Purpose>("purpose", access.purpose)
            .term::<v1::Outcome>("outcome", access.outcome)
            .terms::<v1::ReleaseLevel>("released", &access.released)
            .text("on_behalf_of_organisation", &access.on_behalf_of_organisation_name)
            .term::<v1::Role>("on_behalf_of_role", access.on_behalf_of_role)
            .terms::<v1::WithheldBecause>("because", &self.because)
            .term::<v1::AccessDecision>("decision", self.decision)
            .term::<v1::WithholdingGround>("ground", self.ground)
    }
}
