//! `signpost purge`: planned by an operator, approved by others, called off by either, and certified; and
//! legal holds.

mod certificate;
mod hold;
mod names;
mod plan;
mod show;
mod standing;

use clap::{Args, Subcommand};

use super::render::Output;

/// Plans, approves, looks at and verifies purges, and sets and lifts legal holds
#[derive(Args, Debug)]
pub struct PurgeCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about purges.
#[derive(Debug, Subcommand)]
enum Action {
    /// Plans a purge, which waits for its approval
    Plan(plan::PlanCommand),
    /// Approves the plan of this very digest: not one's own
    Approve(names::Approve),
    /// Calls a purge off that has not begun
    Cancel(names::Cancel),
    /// Shows a purge, and every legal hold that stands
    Show(show::Show),
    /// Lists purges
    List(show::List),
    /// Shows what was counted, of one child too; for privacy officers
    Annex(show::Annex),
    /// Fetches the certificate of a purge that is done
    Certificate(certificate::Certificate),
    /// Checks a certificate without the service
    Verify(certificate::Verify),
    /// Sets and lifts legal holds, by two names each
    Hold(hold::HoldCommand),
    /// The standing order, by which a purge of what is expired is planned each day
    Standing(standing::StandingCommand),
}

impl PurgeCommand {
    /// Does what the subcommand says.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::Plan(plan) => plan.run(output).await,
            Action::Approve(approve) => approve.run(output).await,
            Action::Cancel(cancel) => cancel.run(output).await,
            Action::Show(show) => show.run(output).await,
            Action::List(list) => list.run(output).await,
            Action::Annex(annex) => annex.run(output).await,
            Action::Certificate(certificate) => certificate.run(output).await,
            Action::Verify(verify) => verify.run(output),
            Action::Hold(hold) => hold.run(output).await,
            Action::Standing(standing) => standing.run(output).await,
        }
    }
}
