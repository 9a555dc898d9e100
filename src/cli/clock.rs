//! `signpost clock`: two people confirm the service's clock after it stepped ahead.

use clap::{Args, Subcommand};
use signpost_proto::v1;

use super::profile::{ConnectionArgs, WriteArgs};
use super::render::terms::Term;
use super::render::{Output, Written, print_written};

const CONFIRM_EXAMPLES: &str = "\
Example, by two different people within 24 hours, a purge operator or approver each:
  signpost clock confirm --profile purge-operator.toml
  signpost clock confirm --profile purge-approver.toml

Look at the machine's clock first: until it is confirmed nothing is destroyed and nothing closed.";

/// Confirms the service's clock
#[derive(Args, Debug)]
pub struct ClockCommand {
    #[command(subcommand)]
    action: ClockAction,
}

/// What is done about the clock.
#[derive(Debug, Subcommand)]
enum ClockAction {
    /// Gives one of the two names that confirm the clock after it stepped ahead
    Confirm(ConfirmClock),
}

/// What is needed to give a name.
#[derive(Args, Debug)]
#[command(after_help = CONFIRM_EXAMPLES)]
struct ConfirmClock {
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl ClockCommand {
    /// Writes and prints the result.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            ClockAction::Confirm(confirm) => confirm.run(output).await,
        }
    }
}

impl ConfirmClock {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let client = self.connection.connect().await?;
        let message = v1::ConfirmClockRequest { request_id: self.write.request_id() };
        let response = client.send_clock_confirmation(message).await?;
        let line = match response.progress() {
            v1::ClockProgress::AwaitingSecondName => {
                "Your name is given. A second, different person has 24 hours: signpost clock confirm"
            }
            v1::ClockProgress::Complete => "Both names are given: the clock is confirmed.",
            v1::ClockProgress::Unspecified => "Your name is given.",
        };
        let written = Written {
            progress: Some(response.progress()).filter(|p| *p as i32 != 0).map(Term::name),
            receipt: response.receipt,
            ..Written::default()
        };
        print_written(line, &written, output)
    }
}
