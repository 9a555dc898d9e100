//! `signpost purge approve` and `cancel`: the names that let a purge come, or not.

use clap::Args;
use signpost_proto::v1;
use uuid::Uuid;

use super::super::profile::{ConnectionArgs, WriteArgs};
use super::super::render::Output;
use super::super::render::fields::{Fields, print_done};
use super::super::render::values::{DIGEST, UUID};

const EXAMPLES: &str = "\
Examples:
  signpost purge show --profile purge-approver.toml \\
      --purge 0190b2a4-7c1e-7000-8000-000000000007
  signpost purge approve --profile purge-approver.toml \\
      --purge 0190b2a4-7c1e-7000-8000-000000000007 \\
      --digest 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef
  signpost purge cancel --profile purge-approver.toml \\
      --purge 0190b2a4-7c1e-7000-8000-000000000007

Nobody approves their own plan, or that of somebody whom they let in or who let them in. Everything
needs two approvers.";

/// What is needed to approve a purge.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Approve {
    /// The purge
    #[arg(long, value_name = "ID", value_parser = UUID)]
    purge: Uuid,
    /// The digest of the plan, as `signpost purge show` prints it
    #[arg(long, value_name = "HEX", value_parser = DIGEST)]
    digest: [u8; 32],
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What is needed to call a purge off.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Cancel {
    /// The purge
    #[arg(long, value_name = "ID", value_parser = UUID)]
    purge: Uuid,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Approve {
    /// Gives the name.
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let client = self.connection.connect().await?;
        let message = v1::ApprovePurgeRequest {
            request_id: self.write.request_id(),
            purge_id: self.purge.to_string(),
            digest: self.digest.to_vec(),
        };
        let done = client.approve_purge(message).await?;
        print_done("Your name is given.", Fields::default(), done.receipt, output)
    }
}

impl Cancel {
    /// Calls it off.
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let client = self.connection.connect().await?;
        let message = v1::CancelPurgeRequest {
            request_id: self.write.request_id(),
            purge_id: self.purge.to_string(),
        };
        let done = client.cancel_purge(message).await?;
        print_done("Called off.", Fields::default(), done.receipt, output)
    }
}
