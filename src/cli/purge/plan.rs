//! `signpost purge plan`: what is to be purged, under which law and why.

use std::io::{stderr, stdin};

use clap::{Args, Subcommand};
use jiff::civil::Date;
use signpost_core::text::CaseReference;
use signpost_proto::v1;
use signpost_proto::v1::plan_purge_request::Scope;
use uuid::Uuid;

use super::super::identifiers::IdentifierArgs;
use super::super::profile::{ConnectionArgs, WriteArgs};
use super::super::render::Output;
use super::super::render::fields::{Fields, print_done};
use super::super::render::terms::term;
use super::super::render::values::{CASE, DATE, UUID, wire_date};

const EXAMPLES: &str = "\
Examples:
  signpost purge plan child --profile purge-operator.toml --nhs \"999 000 0018\" --mode forget \\
      --legal-authority uk-gdpr-article-17 --reason erasure-request \\
      --case-reference DPO-2026-00042
  signpost purge plan child --profile purge-operator.toml --nhs \"999 000 0018\" --mode suppress \\
      --until 2040-06-15 --legal-authority adoption-and-children-act-2002 --reason adoption \\
      --case-reference DPO-2026-00043
  signpost purge plan organisation --profile purge-operator.toml \\
      --id 0190b2a4-7c1e-7000-8000-000000000001 \\
      --legal-authority uk-gdpr-article-28-processor-exit --reason organisation-left \\
      --case-reference LEG-2026-7
  signpost purge plan expired --profile purge-operator.toml --by 2026-06-15 \\
      --legal-authority uk-gdpr-article-5-storage-limitation --reason retention-over \\
      --case-reference DPO-2026-00044

Nothing goes before another person has approved the plan, and its cooling-off time is over. Of one
child, nothing here tells whether the child is known. A child who is forgotten comes back with the
next recording or feed; writes about one who is suppressed are discarded.";

/// Plans a purge
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct PlanCommand {
    #[command(subcommand)]
    scope: ScopeCommand,
}

/// What is to be purged.
#[derive(Debug, Subcommand)]
enum ScopeCommand {
    /// One child
    #[command(after_help = EXAMPLES)]
    Child {
        /// What becomes of the child afterwards
        #[arg(long, value_parser = term::<v1::SuppressionMode>())]
        mode: v1::SuppressionMode,
        /// The last day on which writes are discarded, at most 18 years on; with --mode suppress
        #[arg(long, value_name = "DATE", value_parser = DATE)]
        until: Option<Date>,
        #[command(flatten)]
        plan: PlanArgs,
        #[command(flatten)]
        child: IdentifierArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// The flags of one organisation; of the register nothing goes
    #[command(after_help = EXAMPLES)]
    Organisation(OneId),
    /// The flags that were recorded over one system
    #[command(after_help = EXAMPLES)]
    System(OneId),
    /// What the register says of one person who was removed
    #[command(after_help = EXAMPLES)]
    Person(OneId),
    /// All that was past its time on a day
    #[command(after_help = EXAMPLES)]
    Expired {
        /// The day, today at the latest
        #[arg(long, value_name = "DATE", value_parser = DATE)]
        by: Date,
        #[command(flatten)]
        plan: PlanArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Everything: two different approvers are needed
    #[command(after_help = EXAMPLES)]
    All {
        #[command(flatten)]
        plan: PlanArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

/// One organisation, system or person.
#[derive(Args, Debug)]
struct OneId {
    /// Its id
    #[arg(long, value_name = "ID", value_parser = UUID)]
    id: Uuid,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What every plan needs.
#[derive(Args, Debug)]
struct PlanArgs {
    /// The law under which
    #[arg(long, value_parser = term::<v1::PurgeAuthority>())]
    legal_authority: v1::PurgeAuthority,
    /// Why
    #[arg(long, value_parser = term::<v1::PurgeReason>())]
    reason: v1::PurgeReason,
    /// The case file by which somebody answers for it, such as DPO-2026-00042; never an identifier
    #[arg(long, value_name = "REFERENCE", value_parser = CASE)]
    case_reference: CaseReference,
    #[command(flatten)]
    write: WriteArgs,
}

impl PlanArgs {
    fn message(&self, scope: Option<Scope>) -> v1::PlanPurgeRequest {
        v1::PlanPurgeRequest {
            request_id: self.write.request_id(),
            scope,
            authority: self.legal_authority.into(),
            reason: self.reason.into(),
            case_reference: self.case_reference.as_str().to_owned(),
        }
    }

    async fn send(
        self,
        scope: Scope,
        connection: ConnectionArgs,
        output: Output,
    ) -> anyhow::Result<()> {
        let client = connection.connect().await?;
        planned(&client.plan_purge(self.message(Some(scope))).await?, output)
    }
}

impl PlanCommand {
    /// Plans it and prints the id.
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.scope {
            ScopeCommand::Child { mode, until, plan, child, connection } => {
                let identifiers = child.parse(&mut stdin().lock(), &mut stderr())?;
                let client = connection.connect().await?;
                let of_child = v1::PurgeOfChild {
                    pseudonyms: Vec::new(),
                    mode: mode.into(),
                    suppress_until: until.map(wire_date),
                };
                let message = plan.message(None);
                let response = client.plan_purge_of_child(message, of_child, &identifiers).await?;
                planned(&response, output)
            }
            ScopeCommand::Organisation(OneId { id, plan, connection }) => {
                plan.send(Scope::OrganisationId(id.to_string()), connection, output).await
            }
            ScopeCommand::System(OneId { id, plan, connection }) => {
                plan.send(Scope::SystemId(id.to_string()), connection, output).await
            }
            ScopeCommand::Person(OneId { id, plan, connection }) => {
                plan.send(Scope::PersonId(id.to_string()), connection, output).await
            }
            ScopeCommand::Expired { by, plan, connection } => {
                plan.send(Scope::ExpiredBy(wire_date(by)), connection, output).await
            }
            ScopeCommand::All { plan, connection } => {
                plan.send(Scope::All(v1::PurgeOfAll {}), connection, output).await
            }
        }
    }
}

fn planned(response: &v1::PlanPurgeResponse, output: Output) -> anyhow::Result<()> {
    let fields = Fields::default().text("purge_id", &response.purge_id);
    let sentence = "Planned. It is counted now, and waits for its approval: signpost purge show";
    print_done(sentence, fields, response.receipt, output)
}
