//! `signpost admin system`: the systems that client certificates name.

use clap::{Args, Subcommand};
use signpost_proto::v1;
use uuid::Uuid;

use super::super::profile::ConnectionArgs;
use super::super::render::Output;
use super::super::render::fields::{Fields, Shown, print_done, print_listed};
use super::super::render::values::UUID;
use super::ChangeArgs;

const EXAMPLES: &str = "\
Examples:
  signpost admin system register --organisation 0190b2a4-7c1e-7000-8000-000000000001 \\
      --name \"Ashby case system\"
  signpost admin system suspend --system 0190b2a4-7c1e-7000-8000-000000000003
  signpost admin system resume --system 0190b2a4-7c1e-7000-8000-000000000003
  signpost admin system list --organisation 0190b2a4-7c1e-7000-8000-000000000001

A suspended system is nobody from the next request on, on open connections too. Its certificates
are revoked for good: admit a new one before it is resumed.";

/// Systems, which certificates name
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct SystemCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about systems.
#[derive(Debug, Subcommand)]
enum Action {
    /// Registers a system; it has no certificate yet
    #[command(after_help = EXAMPLES)]
    Register {
        /// The organisation
        #[arg(long, value_name = "ID", value_parser = UUID)]
        organisation: Uuid,
        /// The system's name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Suspends a system, and revokes its certificates for good
    Suspend(OneSystem),
    /// Lets a suspended system act again
    Resume(OneSystem),
    /// Lists an organisation's systems
    #[command(after_help = EXAMPLES)]
    List {
        /// The organisation
        #[arg(long, value_name = "ID", value_parser = UUID)]
        organisation: Uuid,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

/// Which system.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct OneSystem {
    /// The system
    #[arg(long, value_name = "ID", value_parser = UUID)]
    system: Uuid,
    #[command(flatten)]
    change: ChangeArgs,
}

impl SystemCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::Register { organisation, name, change } => {
                let (client, request_id) = change.begin().await?;
                let organisation_id = organisation.to_string();
                let message = v1::RegisterSystemRequest { request_id, organisation_id, name };
                let done = client.register_system(message).await?;
                let fields = Fields::default().text("system_id", &done.system_id);
                print_done("Registered.", fields, done.receipt, output)
            }
            Action::Suspend(OneSystem { system, change }) => {
                let (client, request_id) = change.begin().await?;
                let system_id = system.to_string();
                let message = v1::SuspendSystemRequest { request_id, system_id };
                let done = client.suspend_system(message).await?;
                print_done("Suspended.", Fields::default(), done.receipt, output)
            }
            Action::Resume(OneSystem { system, change }) => {
                let (client, request_id) = change.begin().await?;
                let system_id = system.to_string();
                let message = v1::ResumeSystemRequest { request_id, system_id };
                let done = client.resume_system(message).await?;
                print_done("It may act again.", Fields::default(), done.receipt, output)
            }
            Action::List { organisation, connection } => {
                let client = connection.connect().await?;
                print_listed(&client.list_systems(&organisation.to_string()).await?, output)
            }
        }
    }
}

impl Shown for v1::System {
    const MANY: &'static str = "systems";

    fn fields(&self) -> Fields {
        Fields::default()
            .text("system_id", &self.system_id)
            .text("name", &self.name)
            .term::<v1::Standing>("standing", self.standing)
    }
}
