//! `signpost purge show`, `list` and `annex`: looking at purges, each look on record.

use clap::Args;
use jiff::Timestamp;
use signpost_proto::v1;
use uuid::Uuid;

use super::super::profile::ConnectionArgs;
use super::super::render::Output;
use super::super::render::fields::{Fields, Shown, print_done, print_listed};
use super::super::render::terms::name_of;
use super::super::render::values::UUID;

const EXAMPLES: &str = "\
Examples:
  signpost purge list --profile purge-approver.toml
  signpost purge show --profile purge-approver.toml \\
      --purge 0190b2a4-7c1e-7000-8000-000000000007
  signpost purge annex --profile privacy-officer.toml \\
      --purge 0190b2a4-7c1e-7000-8000-000000000007 --output json

Of one child, what was counted stands in the annex alone, for a privacy officer.";

/// Which purge is shown.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Show {
    /// The purge
    #[arg(long, value_name = "ID", value_parser = UUID)]
    purge: Uuid,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Which purges are listed.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct List {
    /// Those too that are over: certified, called off or expired
    #[arg(long)]
    over_too: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Whose annex is shown.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Annex {
    /// The purge
    #[arg(long, value_name = "ID", value_parser = UUID)]
    purge: Uuid,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl Show {
    /// Shows it.
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let client = self.connection.connect().await?;
        let response = client.get_purge(&self.purge.to_string()).await?;
        let purge = response.purge.unwrap_or_default();
        let holds = response.holds.iter().map(|hold| {
            let ground = name_of::<v1::HoldGround>(hold.ground).unwrap_or_default();
            format!("{} {} {ground}", hold.hold_id, hold.case_reference)
        });
        let fields = purge.fields().texts("holds", holds);
        print_done("Planned purge.", fields, response.receipt, output)
    }
}

impl List {
    /// Lists them.
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let client = self.connection.connect().await?;
        print_listed(&client.list_purges(self.over_too).await?, output)
    }
}

impl Annex {
    /// Shows it.
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let client = self.connection.connect().await?;
        let response = client.get_purge_annex(&self.purge.to_string()).await?;
        let fields = Fields::default().texts("counts", counts(&response.counts));
        print_done("Counted.", fields, response.receipt, output)
    }
}

impl Shown for v1::Purge {
    const MANY: &'static str = "purges";

    fn fields(&self) -> Fields {
        let approvers = self.approvals.iter().map(|approval| approval.approver_id.clone());
        Fields::default()
            .text("purge_id", &self.purge_id)
            .term::<v1::PurgeState>("state", self.state)
            .term::<v1::ScopeKind>("scope", self.scope)
            .text("subject_id", &self.subject_id)
            .term::<v1::SuppressionMode>("mode", self.mode)
            .day("suppress_until", self.suppress_until)
            .day("expired_by", self.expired_by)
            .term::<v1::PurgeAuthority>("authority", self.authority)
            .term::<v1::PurgeReason>("reason", self.reason)
            .text("case_reference", &self.case_reference)
            .text("digest", &hex::encode(&self.digest))
            .number("cut_off", self.cut_off)
            .text("planner_id", &self.planner_id)
            .texts("approver_ids", approvers)
            .number("approvals_needed", self.approvals_needed)
            .text("planned", &time(self.planned_ms))
            .text("not_before", &time(self.not_before_ms))
            .text("expires", &time(self.expires_ms))
            .text("cancelled_by_id", &self.cancelled_by_id)
            .text("counted", if self.counted { "yes" } else { "no" })
            .texts("counts", counts(&self.counts))
            .text("standing_order_id", &self.standing_order_id)
    }
}

/// The kinds of which there is any.
fn counts(counts: &[v1::PurgeCount]) -> impl Iterator<Item = String> {
    let some = counts.iter().filter(|count| count.gone > 0 || count.changed > 0);
    some.map(|count| {
        let kind = name_of::<v1::PurgedKind>(count.kind).unwrap_or("?");
        format!("{kind} gone {} changed {}", count.gone, count.changed)
    })
}

/// A moment; empty where there is none.
pub(super) fn time(time_ms: i64) -> String {
    let time = Timestamp::from_millisecond(time_ms).ok().filter(|_| time_ms != 0);
    time.map(|time| time.to_string()).unwrap_or_default()
}
