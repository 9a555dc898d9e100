//! `signpost shield`: shields a child, and gives a name for the lifting of a shield.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use signpost_proto::v1;
use uuid::Uuid;

use super::child::{ChildWrite, ChildWriteArgs};
use super::render::terms::{Term, term};
use super::render::values::{DATE, UUID, wire_date};
use super::render::{Output, Written, print_written};

const SET_EXAMPLES: &str = "\
Example:
  signpost shield set --nhs \"999 000 0018\" --kind shielded --review-due 2026-06-30

Give every identifier of the child that you hold: only those are shielded.";

const LIFT_EXAMPLES: &str = "\
Examples, by two different people within 7 days, with the same identifiers:
  signpost shield lift --nhs \"999 000 0018\"
  signpost shield lift --nhs \"999 000 0018\" --lift 0190b2a4-7c1e-7000-8000-000000000001";

/// Shields a child, or lifts a shield
#[derive(Args, Debug)]
pub struct ShieldCommand {
    #[command(subcommand)]
    action: ShieldAction,
}

/// What is done about a shield.
#[derive(Debug, Subcommand)]
enum ShieldAction {
    /// Shields a child: nobody but a broker is shown anything of the child
    Set(SetShield),
    /// Gives one of the two names that lift a shield
    Lift(LiftShield),
}

/// What is needed to shield a child.
#[derive(Args, Debug)]
#[command(after_help = SET_EXAMPLES)]
struct SetShield {
    /// Why
    #[arg(long, value_parser = term::<v1::ShieldKind>())]
    kind: v1::ShieldKind,
    /// When it is to be looked at again, at most 6 months on; it does not lapse
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    review_due: Date,
    #[command(flatten)]
    write: ChildWriteArgs,
}

/// What is needed to give a name.
#[derive(Args, Debug)]
#[command(after_help = LIFT_EXAMPLES)]
struct LiftShield {
    /// The id that the first name was given; without it, this is the first name
    #[arg(long, value_name = "ID", value_parser = UUID)]
    lift: Option<Uuid>,
    #[command(flatten)]
    write: ChildWriteArgs,
}

impl ShieldCommand {
    /// Writes and prints the result.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            ShieldAction::Set(set) => set.run(output).await,
            ShieldAction::Lift(lift) => lift.run(output).await,
        }
    }
}

impl SetShield {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let ChildWrite { client, request_id, pseudonyms } = self.write.begin().await?;
        let message = v1::SetShieldRequest {
            request_id,
            pseudonyms,
            kind: self.kind.into(),
            review_due: Some(wire_date(self.review_due)),
        };
        let response = client.send_shield(message).await?;
        let written = Written { receipt: response.receipt, ..Written::default() };
        print_written("Shielded.", &written, output)
    }
}

impl LiftShield {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let ChildWrite { client, request_id, pseudonyms } = self.write.begin().await?;
        let message = v1::LiftShieldRequest {
            request_id,
            pseudonyms,
            lift_id: self.lift.map(|id| id.to_string()).unwrap_or_default(),
        };
        let response = client.send_shield_lift(message).await?;
        let line = lift_line(&response);
        let written = Written {
            contact_id: None,
            progress: Some(response.progress()).filter(|p| *p as i32 != 0).map(Term::name),
            lift_id: Some(response.lift_id).filter(|id| !id.is_empty()),
            receipt: response.receipt,
        };
        print_written(&line, &written, output)
    }
}

/// What to do next. It says nothing of whether there was a shield.
fn lift_line(response: &v1::LiftShieldResponse) -> String {
    match response.progress() {
        v1::LiftProgress::AwaitingSecondName => format!(
            "Your name is given. A second, different person has 7 days: \
             signpost shield lift with the same identifiers and --lift {}",
            response.lift_id
        ),
        v1::LiftProgress::Complete => "Both names are given.".to_owned(),
        v1::LiftProgress::Unspecified => "Your name is given.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_says_what_the_second_needs() {
        let response = v1::LiftShieldResponse {
            progress: v1::LiftProgress::AwaitingSecondName.into(),
            lift_id: "lift-1".to_owned(),
            receipt: 4,
        };
        assert!(lift_line(&response).ends_with("--lift lift-1"));
    }
}
