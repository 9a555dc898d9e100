//! `signpost purge hold`: what is held back from every purge, by two names.

use std::io::{stderr, stdin};

use clap::{Args, Subcommand};
use signpost_client::onboarding::Listed;
use signpost_core::text::CaseReference;
use signpost_proto::v1;
use signpost_proto::v1::set_hold_request::Name;
use uuid::Uuid;

use super::super::identifiers::IdentifierArgs;
use super::super::profile::{ConnectionArgs, WriteArgs};
use super::super::render::Output;
use super::super::render::fields::{Fields, Shown, print_done, print_listed};
use super::super::render::terms::term;
use super::super::render::values::{CASE, UUID};
use super::show::time;

const EXAMPLES: &str = "\
Examples, each by two different people, privacy officers or purge approvers:
  signpost purge hold set child --profile privacy-officer.toml --nhs \"999 000 0018\" \\
      --ground court-order --case-reference LEG-2026-00007
  signpost purge hold set second --profile purge-approver.toml \\
      --hold 0190b2a4-7c1e-7000-8000-000000000008 --case-reference LEG-2026-00007
  signpost purge hold lift --profile purge-approver.toml \\
      --hold 0190b2a4-7c1e-7000-8000-000000000008
  signpost purge hold list --profile purge-approver.toml

A hold stands from its second name on, until two names lift it. A first name waits for 7 days. No list
tells which child a hold is of.";

/// Sets, lifts and lists legal holds
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct HoldCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about holds.
#[derive(Debug, Subcommand)]
enum Action {
    /// Gives one of the two names that set a hold
    Set(SetCommand),
    /// Gives one of the two names that lift a hold
    #[command(after_help = EXAMPLES)]
    Lift {
        /// The hold
        #[arg(long, value_name = "ID", value_parser = UUID)]
        hold: Uuid,
        #[command(flatten)]
        write: WriteArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Lists the holds that stand
    #[command(after_help = EXAMPLES)]
    List {
        /// Those too that do not stand: lifted, or never given their second name
        #[arg(long)]
        others_too: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

/// Which of the two names.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct SetCommand {
    #[command(subcommand)]
    name: SetName,
}

/// Which of the two names, and of what.
#[derive(Debug, Subcommand)]
enum SetName {
    /// The first name of a hold on one child
    #[command(after_help = EXAMPLES)]
    Child {
        /// On which ground
        #[arg(long, value_parser = term::<v1::HoldGround>())]
        ground: v1::HoldGround,
        #[command(flatten)]
        case: CaseArgs,
        #[command(flatten)]
        child: IdentifierArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// The first name of a hold on an organisation's flags and people
    #[command(after_help = EXAMPLES)]
    Organisation {
        /// The organisation
        #[arg(long, value_name = "ID", value_parser = UUID)]
        id: Uuid,
        /// On which ground
        #[arg(long, value_parser = term::<v1::HoldGround>())]
        ground: v1::HoldGround,
        #[command(flatten)]
        case: CaseArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// The second name of a hold that waits for it
    #[command(after_help = EXAMPLES)]
    Second {
        /// The hold
        #[arg(long, value_name = "ID", value_parser = UUID)]
        hold: Uuid,
        #[command(flatten)]
        case: CaseArgs,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

/// The case file, which both names give.
#[derive(Args, Debug)]
struct CaseArgs {
    /// The case file by which somebody answers for it, such as LEG-2026-00007; never an identifier
    #[arg(long, value_name = "REFERENCE", value_parser = CASE)]
    case_reference: CaseReference,
    #[command(flatten)]
    write: WriteArgs,
}

impl CaseArgs {
    fn message(&self, name: Option<Name>) -> v1::SetHoldRequest {
        v1::SetHoldRequest {
            request_id: self.write.request_id(),
            case_reference: self.case_reference.as_str().to_owned(),
            name,
        }
    }
}

impl HoldCommand {
    /// Does what the subcommand says.
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::Set(set) => set.run(output).await,
            Action::Lift { hold, write, connection } => {
                let client = connection.connect().await?;
                let message = v1::LiftHoldRequest {
                    request_id: write.request_id(),
                    hold_id: hold.to_string(),
                };
                let response = client.lift_hold(message).await?;
                given(response.hold.as_ref(), response.receipt, output)
            }
            Action::List { others_too, connection } => {
                let client = connection.connect().await?;
                let response = client.list_holds(others_too).await?;
                let listed = Listed { items: response.holds, receipts: vec![response.receipt] };
                print_listed(&listed, output)
            }
        }
    }
}

impl SetCommand {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let response = match self.name {
            SetName::Child { ground, case, child, connection } => {
                let identifiers = child.parse(&mut stdin().lock(), &mut stderr())?;
                let client = connection.connect().await?;
                client.hold_child(case.message(None), ground, &identifiers).await?
            }
            SetName::Organisation { id, ground, case, connection } => {
                let held = Some(v1::new_hold::Held::OrganisationId(id.to_string()));
                let name = Name::First(v1::NewHold { ground: ground.into(), held });
                connection.connect().await?.set_hold(case.message(Some(name))).await?
            }
            SetName::Second { hold, case, connection } => {
                let name = Name::HoldId(hold.to_string());
                connection.connect().await?.set_hold(case.message(Some(name))).await?
            }
        };
        given(response.hold.as_ref(), response.receipt, output)
    }
}

fn given(hold: Option<&v1::LegalHold>, receipt: u64, output: Output) -> anyhow::Result<()> {
    let fields = hold.map(Shown::fields).unwrap_or_default();
    print_done("Your name is given.", fields, receipt, output)
}

impl Shown for v1::LegalHold {
    const MANY: &'static str = "holds";

    fn fields(&self) -> Fields {
        Fields::default()
            .text("hold_id", &self.hold_id)
            .text("stands", if self.stands { "yes" } else { "no" })
            .term::<v1::HoldGround>("ground", self.ground)
            .text("case_reference", &self.case_reference)
            .text("organisation_id", &self.organisation_id)
            .text("first_name_id", &self.first_name_id)
            .text("first_name_until", &time(self.first_name_until_ms))
            .text("second_name_id", &self.second_name_id)
            .text("lifting_name_id", &self.lifting_name_id)
            .text("lifting_until", &time(self.lifting_until_ms))
            .texts("lifted_by_ids", self.lifted_by_ids.iter().cloned())
    }
}
