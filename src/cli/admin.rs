//! `signpost admin`: letting limited groups of practitioners in, and taking access away.

mod certificate;
mod codes;
mod group;
mod import;
mod organisation;
mod person;
mod proposal;
mod system;
mod team;
mod token;

use clap::{Args, Subcommand};
use signpost_client::Client;

use super::profile::{ConnectionArgs, WriteArgs};
use super::render::Output;

const EXAMPLES: &str = "\
Examples:
  signpost admin organisation list --profile admin.toml
  signpost admin group propose --help
  signpost admin import people.csv --group 0190b2a4-7c1e-7000-8000-000000000001 --dry-run

What lets somebody in needs two different administrators; what takes access away, one. Nobody who
administers can ask. Every command goes on record.";

/// Lets limited groups of practitioners in, and takes access away
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct AdminCommand {
    #[command(subcommand)]
    area: Area,
}

/// What is administered.
#[derive(Debug, Subcommand)]
enum Area {
    /// Organisations and their legal authority
    Organisation(organisation::OrganisationCommand),
    /// Teams and their duty telephones
    Team(team::TeamCommand),
    /// Systems, which certificates name
    System(system::SystemCommand),
    /// The certificates of systems
    Certificate(certificate::CertificateCommand),
    /// Access groups: limited, with one team, one role and an end date
    Group(group::GroupCommand),
    /// What one administrator proposed and another approves
    Proposal(proposal::ProposalCommand),
    /// People and what was checked of them
    Person(Box<person::PersonCommand>),
    /// The tokens of people
    Token(token::TokenCommand),
    /// Tells where an organisation's tokens are
    Custody(token::CustodiesCommand),
    /// Invites many people from a file
    Import(import::ImportCommand),
}

impl AdminCommand {
    /// Does what the subcommand says.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.area {
            Area::Organisation(command) => command.run(output).await,
            Area::Team(command) => command.run(output).await,
            Area::System(command) => command.run(output).await,
            Area::Certificate(command) => command.run(output).await,
            Area::Group(command) => command.run(output).await,
            Area::Proposal(command) => command.run(output).await,
            Area::Person(command) => command.run(output).await,
            Area::Token(command) => command.run(output).await,
            Area::Custody(command) => command.run(output).await,
            Area::Import(command) => command.run(output).await,
        }
    }
}

/// What every change takes: its id, and the service.
#[derive(Args, Debug)]
struct ChangeArgs {
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ChangeArgs {
    /// Connects, and gives the id of the write.
    async fn begin(self) -> anyhow::Result<(Client, String)> {
        let request_id = self.write.request_id();
        Ok((self.connection.connect().await?, request_id))
    }
}
