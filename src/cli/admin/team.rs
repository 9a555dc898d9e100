//! `signpost admin team`: teams, and how they are reached on duty.

use clap::{Args, Subcommand};
use signpost_proto::v1;
use uuid::Uuid;

use super::super::profile::ConnectionArgs;
use super::super::render::Output;
use super::super::render::fields::{Fields, Shown, print_done, print_listed};
use super::super::render::values::{HOURS, PHONE, UUID};
use super::ChangeArgs;

const EXAMPLES: &str = "\
Examples:
  signpost admin team add --organisation 0190b2a4-7c1e-7000-8000-000000000001 \\
      --name \"Assessment Team\" --phone +441632960100 --hours \"Mon-Fri 09:00-17:00\"
  signpost admin team change --team 0190b2a4-7c1e-7000-8000-000000000002 \\
      --name \"Assessment Team\" --phone +441632960101 --hours \"Mon-Sun 00:00-24:00\"
  signpost admin team list --organisation 0190b2a4-7c1e-7000-8000-000000000001";

/// Teams and their duty telephones
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct TeamCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about teams.
#[derive(Debug, Subcommand)]
enum Action {
    /// Adds a team to an organisation
    #[command(after_help = EXAMPLES)]
    Add {
        /// The organisation
        #[arg(long, value_name = "ID", value_parser = UUID)]
        organisation: Uuid,
        #[command(flatten)]
        team: TeamArgs,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Changes how a team is called and reached
    #[command(after_help = EXAMPLES)]
    Change {
        /// The team
        #[arg(long = "team", value_name = "ID", value_parser = UUID)]
        id: Uuid,
        #[command(flatten)]
        team: TeamArgs,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Lists an organisation's teams
    #[command(after_help = EXAMPLES)]
    List {
        /// The organisation
        #[arg(long, value_name = "ID", value_parser = UUID)]
        organisation: Uuid,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

/// A team.
#[derive(Args, Debug)]
struct TeamArgs {
    /// Its name
    #[arg(long)]
    name: String,
    /// Its duty telephone in international form
    #[arg(long, value_name = "NUMBER", value_parser = PHONE)]
    phone: String,
    /// When it is answered, such as "Mon-Fri 09:00-17:00"
    #[arg(long, value_name = "HOURS", value_parser = HOURS)]
    hours: v1::Hours,
}

impl TeamCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::Add { organisation, team, change } => {
                let (client, request_id) = change.begin().await?;
                let (name, duty_phone) = team.into_wire();
                let organisation_id = organisation.to_string();
                let message = v1::AddTeamRequest { request_id, organisation_id, name, duty_phone };
                let done = client.add_team(message).await?;
                let fields = Fields::default().text("team_id", &done.team_id);
                print_done("Added.", fields, done.receipt, output)
            }
            Action::Change { id, team, change } => {
                let (client, request_id) = change.begin().await?;
                let (name, duty_phone) = team.into_wire();
                let team_id = id.to_string();
                let message = v1::ChangeTeamRequest { request_id, team_id, name, duty_phone };
                let done = client.change_team(message).await?;
                print_done("Changed.", Fields::default(), done.receipt, output)
            }
            Action::List { organisation, connection } => {
                let client = connection.connect().await?;
                print_listed(&client.list_teams(&organisation.to_string()).await?, output)
            }
        }
    }
}

impl TeamArgs {
    fn into_wire(self) -> (String, Option<v1::DutyPhone>) {
        let hours = Some(self.hours);
        (self.name, Some(v1::DutyPhone { phone: self.phone, hours }))
    }
}

impl Shown for v1::Team {
    const MANY: &'static str = "teams";

    fn fields(&self) -> Fields {
        Fields::default()
            .text("team_id", &self.team_id)
            .text("name", &self.name)
            .duty_phone(self.duty_phone.as_ref())
    }
}
