//! The command line: one subcommand per file, and the exit code of each outcome.

pub mod admin;
pub mod alert;
pub mod ask;
pub mod certificate;
pub mod child;
pub mod clock;
pub mod contact;
pub mod enrolment;
pub mod identifiers;
pub mod init;
pub mod ledger;
pub mod policy;
pub mod profile;
pub mod purge;
pub mod render;
pub mod service;
pub mod shield;
pub mod store;
pub mod witness;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use identifiers::IdentifiersError;
use profile::MissingOption;
use render::Output;
use signpost_client::ClientError;
use signpost_client::profile::ProfileError;

use crate::exit::{Exit, Failure};

/// Finds out whether a colleague elsewhere is working, or has worked, with the same child.
#[derive(Debug, Parser)]
#[command(name = "signpost", version, after_help = EXAMPLES)]
struct Cli {
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = Output::Table)]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  signpost demo
      starts a service with fictional data and shows what it does
  signpost ask --profile me.toml --nhs '999 000 0018' --purpose s47-enquiry \\
      --relationship allocated-case
      asks whether anyone else is working with this child
  signpost check-config --config signpost.toml
      reads and checks a configuration, and starts nothing";

#[derive(Debug, Subcommand)]
enum Command {
    /// First light: makes certificates, keys and store, and invites two administrators.
    Init(init::InitCommand),
    /// Runs the service.
    Serve(service::ServeCommand),
    /// Reads and checks a configuration, and starts nothing.
    CheckConfig(service::CheckConfigCommand),
    /// Starts a service with fictional data and shows what it does.
    Demo(service::DemoCommand),
    /// Looks after the store of a service that is stopped.
    Store(store::StoreCommand),
    /// Runs a witness: a process of its own, which cosigns a ledger's checkpoints.
    Witness(witness::WitnessCommand),
    /// Verifies the ledger, and looks after its tree.
    Ledger(ledger::LedgerCommand),
    /// Asks whether anyone else is working with a child.
    Ask(ask::AskCommand),
    /// Records or ends your own team's contact with a child.
    Contact(contact::ContactCommand),
    /// Shields a child, or gives one of the two names that lift a shield.
    Shield(shield::ShieldCommand),
    /// Looks at alerts, and registers the canaries that raise some of them.
    Alert(alert::AlertCommand),
    /// Confirms the service's clock after it stepped ahead, by two names.
    Clock(clock::ClockCommand),
    /// Plans, approves and looks at purges and legal holds.
    Purge(purge::PurgeCommand),
    /// Redeems an enrolment code for a token of your own.
    Enrol(enrolment::EnrolCommand),
    /// Renews your own token.
    Token(enrolment::TokenCommand),
    /// Renews this system's own certificate.
    Certificate(certificate::CertificateCommand),
    /// Lets limited groups of practitioners in, and takes access away.
    Admin(admin::AdminCommand),
    /// Shows who may do what, and what each is shown. Needs no service.
    Policy(policy::PolicyCommand),
    /// Prints completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Parses the command line, does what it says, and gives the exit code.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no failure. Nothing is left to do
            // where even that cannot be written.
            error.print().ok();
            let exit = if error.use_stderr() { Exit::Config } else { Exit::Done };
            return ExitCode::from(exit as u8);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("signpost: the runtime does not start: {error}");
            return ExitCode::from(Exit::Bug as u8);
        }
    };
    match runtime.block_on(dispatch(cli)) {
        Ok(()) => ExitCode::from(Exit::Done as u8),
        Err(error) => {
            eprintln!("signpost: {error:#}");
            ExitCode::from(exit_of(&error) as u8)
        }
    }
}

/// Wrong input of the caller's own is told apart from a refusal of the service.
fn exit_of(error: &anyhow::Error) -> Exit {
    let is_input = error.is::<IdentifiersError>()
        || error.is::<MissingOption>()
        || error.is::<ProfileError>()
        || matches!(error.downcast_ref(), Some(ClientError::Profile(_)));
    match error.downcast_ref::<Failure>() {
        Some(failure) => failure.exit,
        None if is_input => Exit::Config,
        None => Exit::Refused,
    }
}

async fn dispatch(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Init(command) => command.run(cli.output).await,
        Command::Serve(command) => command.run().await,
        Command::CheckConfig(command) => command.run(cli.output),
        Command::Demo(command) => command.run().await,
        Command::Store(command) => command.run(cli.output).await,
        Command::Witness(command) => command.run(cli.output).await,
        Command::Ledger(command) => command.run(cli.output).await,
        Command::Ask(command) => command.run(cli.output).await,
        Command::Contact(command) => command.run(cli.output).await,
        Command::Shield(command) => command.run(cli.output).await,
        Command::Alert(command) => command.run(cli.output).await,
        Command::Clock(command) => command.run(cli.output).await,
        Command::Purge(command) => command.run(cli.output).await,
        Command::Enrol(command) => command.run(cli.output).await,
        Command::Token(command) => command.run(cli.output).await,
        Command::Certificate(command) => command.run(cli.output).await,
        Command::Admin(command) => command.run(cli.output).await,
        Command::Policy(command) => command.run(cli.output).await,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "signpost", &mut std::io::stdout());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    fn leaves(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let path = format!("{path} {}", sub.get_name());
            if sub.has_subcommands() {
                leaves(sub, &path, found);
            } else {
                found.push((path, sub.clone()));
            }
        }
    }

    #[test]
    fn the_command_line_is_sound_and_every_command_shows_examples() {
        Cli::command().debug_assert();
        let mut found = Vec::new();
        leaves(&Cli::command(), "signpost", &mut found);
        assert!(found.len() > 40, "{}", found.len());
        for (path, mut command) in found {
            let help = command.render_long_help().to_string();
            let shows = help.contains("Example") && help.contains("  signpost ");
            assert!(shows || path == "signpost completions", "{path}: {help}");
        }
    }
}
