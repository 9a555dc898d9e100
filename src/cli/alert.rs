//! `signpost alert`: what a privacy officer is to look at, and the canaries.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use signpost_proto::v1;
use uuid::Uuid;

use super::child::ChildWriteArgs;
use super::profile::{ConnectionArgs, WriteArgs};
use super::render::Output;
use super::render::fields::{Fields, Shown, print_done, print_listed};
use super::render::terms::term;
use super::render::values::UUID;

const EXAMPLES: &str = "\
Examples:
  signpost alert list --profile privacy-officer.toml
  signpost alert close --profile privacy-officer.toml \\
      --alert 0190b2a4-7c1e-7000-8000-000000000005 --outcome justified
  signpost alert who --profile privacy-officer.toml \\
      --actor 0190b2a4-7c1e-7000-8000-000000000006
  signpost alert canary --profile privacy-officer.toml --nhs \"999 000 0018\"

An alert names who did what, when, and its ledger entry; it never says anything of a child.";

/// Looks at alerts, and registers the canaries that raise some of them
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct AlertCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about alerts.
#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the open alerts
    #[command(after_help = EXAMPLES)]
    List {
        /// Those too that were closed
        #[arg(long)]
        closed_too: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Closes an alert with what was found
    #[command(after_help = EXAMPLES)]
    Close {
        /// The alert
        #[arg(long, value_name = "ID", value_parser = UUID)]
        alert: Uuid,
        /// What was found
        #[arg(long, value_parser = term::<v1::AlertOutcome>())]
        outcome: v1::AlertOutcome,
        #[command(flatten)]
        write: WriteArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Tells who an actor of an alert is; each look is on record
    #[command(after_help = EXAMPLES)]
    Who {
        /// The actor, as the alert names it
        #[arg(long, value_name = "ID", value_parser = UUID)]
        actor: Uuid,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Registers a fictional child that no case has: asking about it raises an alert
    #[command(after_help = EXAMPLES)]
    Canary {
        #[command(flatten)]
        write: ChildWriteArgs,
    },
}

impl AlertCommand {
    /// Does what the subcommand says.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::List { closed_too, connection } => {
                let client = connection.connect().await?;
                print_listed(&client.list_alerts(closed_too).await?, output)
            }
            Action::Close { alert, outcome, write, connection } => {
                let client = connection.connect().await?;
                let message = v1::CloseAlertRequest {
                    request_id: write.request_id(),
                    alert_id: alert.to_string(),
                    outcome: outcome.into(),
                };
                let done = client.close_alert(message).await?;
                print_done("Closed.", Fields::default(), done.receipt, output)
            }
            Action::Who { actor, connection } => {
                let client = connection.connect().await?;
                let found = client.identify_actor(&actor.to_string()).await?;
                let fields = Fields::default()
                    .text("person_id", &found.person_id)
                    .text("organisation_id", &found.organisation_id)
                    .text("organisation_name", &found.organisation_name)
                    .text("staff_reference", &found.staff_reference)
                    .term::<v1::Role>("role", found.role);
                print_done("Found.", fields, found.receipt, output)
            }
            Action::Canary { write } => {
                let (client, request_id, identifiers) = write.connect().await?;
                let done = client.add_canary(request_id, &identifiers).await?;
                print_done("Registered as a canary.", Fields::default(), done.receipt, output)
            }
        }
    }
}

impl Shown for v1::Alert {
    const MANY: &'static str = "alerts";

    fn fields(&self) -> Fields {
        let time = Timestamp::from_millisecond(self.time_ms).map(|time| time.to_string());
        Fields::default()
            .text("alert_id", &self.alert_id)
            .term::<v1::AlertKind>("kind", self.kind)
            .text("time", &time.unwrap_or_default())
            .text("actor_id", &self.actor_id)
            .text("organisation_id", &self.organisation_id)
            .text("system_id", &self.system_id)
            .number("entry", self.entry)
            .term::<v1::AlertOutcome>("outcome", self.outcome)
            .text("closed_by_id", &self.closed_by_id)
    }
}
