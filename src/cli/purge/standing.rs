//! `signpost purge standing`: the order by which a purge of what is expired is planned each day.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use signpost_core::text::CaseReference;
use signpost_proto::v1;
use uuid::Uuid;

use super::super::profile::{ConnectionArgs, WriteArgs};
use super::super::render::Output;
use super::super::render::fields::{Fields, print_done};
use super::super::render::values::{CASE, DATE, DIGEST, UUID, wire_date};
use super::show::time;

const EXAMPLES: &str = "\
Examples:
  signpost purge standing set --profile purge-operator.toml --until 2027-06-15 \\
      --case-reference DPO-2026-00042
  signpost purge standing show --profile purge-approver.toml
  signpost purge standing approve --profile purge-approver.toml \\
      --order 0190b2a4-7c1e-7000-8000-000000000009 \\
      --digest 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
  signpost purge standing revoke --profile purge-operator.toml \\
      --order 0190b2a4-7c1e-7000-8000-000000000009

While it stands, one purge of what is expired is planned each day (UTC) and begun at once: flags past
their last day, ended involvements past their visible period, openings of entries past their years. Two
independent people stand behind it, for at most 400 days; either's office revokes it.";

/// Sets, approves, revokes and shows the standing order
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct StandingCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about the order.
#[derive(Debug, Subcommand)]
enum Action {
    /// Proposes the standing order, which waits 7 days for its approval
    #[command(after_help = EXAMPLES)]
    Set {
        /// The last day on which a purge is planned by it, at most 400 days on
        #[arg(long, value_name = "DATE", value_parser = DATE)]
        until: Date,
        /// The case file by which somebody answers for it, such as DPO-2026-00042
        #[arg(long, value_name = "REFERENCE", value_parser = CASE)]
        case_reference: CaseReference,
        #[command(flatten)]
        write: WriteArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Approves the standing order of this very digest: not one's own
    #[command(after_help = EXAMPLES)]
    Approve {
        /// The order
        #[arg(long, value_name = "ID", value_parser = UUID)]
        order: Uuid,
        /// The digest of its terms, as `signpost purge standing show` prints it
        #[arg(long, value_name = "HEX", value_parser = DIGEST)]
        digest: [u8; 32],
        #[command(flatten)]
        write: WriteArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Revokes the standing order, and calls off what it planned and has not begun
    #[command(after_help = EXAMPLES)]
    Revoke {
        /// The order
        #[arg(long, value_name = "ID", value_parser = UUID)]
        order: Uuid,
        #[command(flatten)]
        write: WriteArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Shows the last standing order that was proposed
    #[command(after_help = EXAMPLES)]
    Show {
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

impl StandingCommand {
    /// Does what the subcommand says.
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::Set { until, case_reference, write, connection } => {
                let message = v1::SetStandingOrderRequest {
                    request_id: write.request_id(),
                    until: Some(wire_date(until)),
                    case_reference: case_reference.into(),
                };
                let done = connection.connect().await?.set_standing_order(message).await?;
                let fields = Fields::default().text("order_id", &done.order_id);
                print_done("Proposed: it waits for its approval.", fields, done.receipt, output)
            }
            Action::Approve { order, digest, write, connection } => {
                let message = v1::ApproveStandingOrderRequest {
                    request_id: write.request_id(),
                    order_id: order.to_string(),
                    digest: digest.to_vec(),
                };
                let done = connection.connect().await?.approve_standing_order(message).await?;
                print_done("It stands.", Fields::default(), done.receipt, output)
            }
            Action::Revoke { order, write, connection } => {
                let message = v1::RevokeStandingOrderRequest {
                    request_id: write.request_id(),
                    order_id: order.to_string(),
                };
                let done = connection.connect().await?.revoke_standing_order(message).await?;
                print_done("Revoked.", Fields::default(), done.receipt, output)
            }
            Action::Show { connection } => {
                let response = connection.connect().await?.get_standing_order().await?;
                match &response.order {
                    None => {
                        let sentence = "No standing order was ever proposed.";
                        print_done(sentence, Fields::default(), response.receipt, output)
                    }
                    Some(order) => {
                        print_done("Standing order.", fields(order), response.receipt, output)
                    }
                }
            }
        }
    }
}

fn fields(order: &v1::StandingOrder) -> Fields {
    Fields::default()
        .text("order_id", &order.order_id)
        .text("stands", if order.stands { "yes" } else { "no" })
        .day("until", order.until)
        .number("openings_years", order.openings_years)
        .text("case_reference", &order.case_reference)
        .text("digest", &hex::encode(&order.digest))
        .text("proposer_id", &order.proposer_id)
        .text("proposed", &time(order.proposed_ms))
        .text("approver_id", &order.approver_id)
        .text("approved", &time(order.approved_ms))
        .text("revoked_by_id", &order.revoked_by_id)
        .text("last_purge_id", &order.last_purge_id)
}
