//! `signpost admin proposal`: the second name, or taking a proposal back.

use clap::{Args, Subcommand};
use signpost_client::Client;
use signpost_proto::v1;
use signpost_proto::v1::proposal::Change;
use signpost_proto::v1::propose_access_request::Change as Proposed;
use uuid::Uuid;

use super::super::profile::ConnectionArgs;
use super::super::render::Output;
use super::super::render::fields::{Fields, Shown, print_done, print_listed};
use super::super::render::values::UUID;
use super::ChangeArgs;

const EXAMPLES: &str = "\
Examples:
  signpost admin proposal list --waiting --profile second.toml
  signpost admin proposal approve --profile second.toml \\
      --proposal 0190b2a4-7c1e-7000-8000-000000000004
  signpost admin proposal withdraw --profile first.toml \\
      --proposal 0190b2a4-7c1e-7000-8000-000000000004

Whoever proposed it cannot approve it. It waits for 14 days.";

/// What one administrator proposed and another approves
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct ProposalCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about proposals.
#[derive(Debug, Subcommand)]
enum Action {
    /// Approves what a different administrator proposed, and does it
    Approve(OneProposal),
    /// Takes a proposal back
    Withdraw(OneProposal),
    /// Lists the proposals, whatever became of them
    #[command(after_help = EXAMPLES)]
    List {
        /// Only those that wait for their second name
        #[arg(long)]
        waiting: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

/// Which proposal.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct OneProposal {
    /// The proposal
    #[arg(long, value_name = "ID", value_parser = UUID)]
    proposal: Uuid,
    #[command(flatten)]
    change: ChangeArgs,
}

impl ProposalCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::Approve(OneProposal { proposal, change }) => {
                let (client, request_id) = change.begin().await?;
                let proposal_id = proposal.to_string();
                let message = v1::ApproveAccessRequest { request_id, proposal_id };
                let done = client.approve_access(message).await?;
                print_done("Approved, and done.", Fields::default(), done.receipt, output)
            }
            Action::Withdraw(OneProposal { proposal, change }) => {
                let (client, request_id) = change.begin().await?;
                let proposal_id = proposal.to_string();
                let message = v1::WithdrawProposalRequest { request_id, proposal_id };
                let done = client.withdraw_proposal(message).await?;
                print_done("Taken back.", Fields::default(), done.receipt, output)
            }
            Action::List { waiting, connection } => {
                let client = connection.connect().await?;
                let mut proposals = client.list_proposals().await?;
                proposals.items.retain(|one| !waiting || one.state() == v1::ProposalState::Open);
                print_listed(&proposals, output)
            }
        }
    }
}

/// Gives the first name, and says what the second needs.
pub(super) async fn propose(
    client: &Client,
    request_id: String,
    change: Option<Proposed>,
    output: Output,
) -> anyhow::Result<()> {
    let message = v1::ProposeAccessRequest { request_id, change };
    let done = client.propose_access(message).await?;
    let fields = Fields::default().text("proposal_id", &done.proposal_id);
    let sentence =
        "Proposed. A different administrator has 14 days: signpost admin proposal approve";
    print_done(sentence, fields, done.receipt, output)
}

/// What is proposed, whichever kind it is: every proposal has the same columns.
#[derive(Default)]
struct Summary<'p> {
    change: &'static str,
    of: &'p str,
    role: i32,
    members_max: Option<u32>,
    until: Option<v1::Date>,
    purposes: &'p [i32],
    sponsor: &'p str,
    authority: i32,
}

impl<'p> Summary<'p> {
    fn of(change: &'p Change) -> Self {
        match change {
            Change::OpenGroup(group) => Self {
                change: "OPEN_GROUP",
                of: &group.team_id,
                role: group.role,
                members_max: Some(group.members_max),
                until: group.valid_until,
                purposes: &group.purposes,
                sponsor: &group.sponsor_id,
                authority: 0,
            },
            Change::WidenGroup(group) => Self {
                change: "WIDEN_GROUP",
                of: &group.group_id,
                members_max: Some(group.members_max),
                until: group.valid_until,
                purposes: &group.purposes,
                sponsor: &group.sponsor_id,
                ..Self::default()
            },
            Change::ExtendAuthority(extension) => Self {
                change: "EXTEND_AUTHORITY",
                of: &extension.organisation_id,
                until: extension.authority_until,
                authority: extension.authority,
                ..Self::default()
            },
        }
    }
}

impl Shown for v1::Proposal {
    const MANY: &'static str = "proposals";

    fn fields(&self) -> Fields {
        let summary = self.change.as_ref().map(Summary::of).unwrap_or_default();
        Fields::default()
            .text("proposal_id", &self.proposal_id)
            .term::<v1::ProposalState>("state", self.state)
            .text("change", summary.change)
            .text("of_id", summary.of)
            .term::<v1::Role>("role", summary.role)
            .optional_number("members_max", summary.members_max)
            .day("valid_until", summary.until)
            .terms::<v1::Purpose>("purposes", summary.purposes)
            .text("sponsor_id", summary.sponsor)
            .term::<v1::LegalAuthority>("authority", summary.authority)
            .text("proposer_id", &self.proposer_id)
            .text("approver_id", &self.approver_id)
    }
}
