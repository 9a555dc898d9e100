//! `signpost admin person`: who is invited, what was checked of them, and whether they may act.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::civil::Date;
use signpost_client::write::request_id;
use signpost_core::text::StaffReference;
use signpost_proto::v1;
use uuid::Uuid;

use super::super::profile::ConnectionArgs;
use super::super::render::Output;
use super::super::render::fields::{Fields, Shown, print_done, print_listed};
use super::super::render::values::{DATE, STAFF, UUID, wire_date};
use super::ChangeArgs;
use super::codes::{NewCode, settle};
use crate::exit::Failure;
use crate::seal::Recipient;

const EXAMPLES: &str = "\
Examples:
  signpost admin person invite --group 0190b2a4-7c1e-7000-8000-000000000005 \\
      --staff-reference NC-0101 --vetting-on 2026-01-12 --barred-list-checked-on 2026-01-12 \\
      --training-on 2026-02-03 --agreement-signed-on 2026-02-03 --code-file NC-0101.code
  signpost admin person list --group 0190b2a4-7c1e-7000-8000-000000000005
  signpost admin person suspend --person 0190b2a4-7c1e-7000-8000-000000000006
  signpost admin person recertify --profile sponsor.toml \\
      --person 0190b2a4-7c1e-7000-8000-000000000006
  signpost admin person code --person 0190b2a4-7c1e-7000-8000-000000000006 --code-file new.code

The enrolment code goes into the file alone: hand it to the person, who runs signpost enrol.";

/// People and what was checked of them
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct PersonCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about people.
#[derive(Debug, Subcommand)]
enum Action {
    /// Invites one person into a group
    Invite(Box<Invite>),
    /// Records what was checked of a person anew
    #[command(after_help = EXAMPLES)]
    Conditions {
        #[command(flatten)]
        checked: ConditionArgs,
        #[command(flatten)]
        of: OnePerson,
    },
    /// Suspends a person: the next question is refused
    Suspend(OnePerson),
    /// Lets a suspended person act again
    Resume(OnePerson),
    /// Moves a person to another group of the same organisation
    #[command(after_help = EXAMPLES)]
    Move {
        /// The group to move to
        #[arg(long, value_name = "ID", value_parser = UUID)]
        group: Uuid,
        #[command(flatten)]
        of: OnePerson,
    },
    /// Removes a person for good; where the token is, is recorded apart
    Remove(OnePerson),
    /// Says, as the sponsor of a person's group, that the person still needs access
    Recertify(OnePerson),
    /// Lists the members of a group
    #[command(after_help = EXAMPLES)]
    List {
        /// The group
        #[arg(long, value_name = "ID", value_parser = UUID)]
        group: Uuid,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Issues a new enrolment code in the place of an earlier one
    Code(Box<IssueCode>),
}

/// What is needed to invite one person.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Invite {
    /// The group
    #[arg(long, value_name = "ID", value_parser = UUID)]
    group: Uuid,
    /// What the organisation calls the person; no name
    #[arg(long, value_name = "REF", value_parser = STAFF)]
    staff_reference: StaffReference,
    #[command(flatten)]
    checked: ConditionArgs,
    #[command(flatten)]
    code: CodeArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What is needed to issue a new code.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct IssueCode {
    /// The person
    #[arg(long, value_name = "ID", value_parser = UUID)]
    person: Uuid,
    #[command(flatten)]
    code: CodeArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// What was checked, and when.
#[derive(Args, Debug)]
#[command(next_help_heading = "What was checked of the person; none of the days may lie ahead")]
#[expect(clippy::struct_field_names, reason = "each is the option of its name")]
struct ConditionArgs {
    /// When the vetting was checked: at most 3 years ago
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    vetting_on: Date,
    /// When it was checked that the person is not on a barred list
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    barred_list_checked_on: Date,
    /// When the person was trained
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    training_on: Date,
    /// When the person signed the agreement
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    agreement_signed_on: Date,
}

/// Where the enrolment code goes.
#[derive(Args, Debug)]
struct CodeArgs {
    /// New file for the enrolment code, readable by its owner alone
    #[arg(long, value_name = "FILE")]
    code_file: PathBuf,
    /// Seals the code to this person's public key (age1...) instead
    #[arg(long, value_name = "KEY", value_parser = super::codes::RECIPIENT)]
    recipient: Option<Recipient>,
}

/// Which person.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct OnePerson {
    /// The person
    #[arg(long, value_name = "ID", value_parser = UUID)]
    person: Uuid,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Declares the commands that name a person and no more.
macro_rules! simple {
    ($of:ident, $call:ident($request:ident), $sentence:literal) => {{
        let person_id = $of.person.to_string();
        let (client, request_id) = $of.change.begin().await?;
        let done = client.$call(v1::$request { request_id, person_id }).await?;
        ($sentence, done.receipt)
    }};
}

impl PersonCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let (sentence, receipt) = match self.action {
            Action::Invite(invite) => return invite.run(output).await,
            Action::Code(issue) => return issue.run(output).await,
            Action::List { group, connection } => {
                let client = connection.connect().await?;
                return print_listed(&client.list_people(&group.to_string()).await?, output);
            }
            Action::Conditions { checked, of } => {
                let person_id = of.person.to_string();
                let (client, request_id) = of.change.begin().await?;
                let conditions = Some(checked.to_wire());
                let message = v1::RecordConditionsRequest { request_id, person_id, conditions };
                ("Recorded.", client.record_conditions(message).await?.receipt)
            }
            Action::Move { group, of } => {
                let person_id = of.person.to_string();
                let (client, request_id) = of.change.begin().await?;
                let group_id = group.to_string();
                let message = v1::MovePersonRequest { request_id, person_id, group_id };
                ("Moved.", client.move_person(message).await?.receipt)
            }
            Action::Suspend(of) => simple!(of, suspend_person(SuspendPersonRequest), "Suspended."),
            Action::Resume(of) => {
                simple!(of, resume_person(ResumePersonRequest), "The person may act again.")
            }
            Action::Remove(of) => {
                simple!(
                    of,
                    remove_person(RemovePersonRequest),
                    "Removed. Now record where the token is: signpost admin token custody"
                )
            }
            Action::Recertify(of) => simple!(of, recertify(RecertifyRequest), "Recertified."),
        };
        print_done(sentence, Fields::default(), receipt, output)
    }
}

impl Invite {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let client = self.connection.connect().await?;
        let code = self.code.write()?;
        let message = v1::InvitePeopleRequest {
            request_id: request_id(),
            group_id: self.group.to_string(),
            people: vec![v1::Invitation {
                staff_reference: self.staff_reference.into(),
                conditions: Some(self.checked.to_wire()),
                code_hash: code.hash(),
            }],
            validate_only: false,
        };
        let done = settle(&[code], client.invite_people(message).await)?;
        print_done("Invited. Hand over the code's file.", Fields::default(), done.receipt, output)
    }
}

impl IssueCode {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let client = self.connection.connect().await?;
        let code = self.code.write()?;
        let message = v1::IssueCodeRequest {
            request_id: request_id(),
            person_id: self.person.to_string(),
            code_hash: code.hash(),
        };
        let done = settle(&[code], client.issue_code(message).await)?;
        print_done("Issued. Hand over the code's file.", Fields::default(), done.receipt, output)
    }
}

impl CodeArgs {
    fn write(&self) -> Result<NewCode, Failure> {
        NewCode::write(&self.code_file, self.recipient.as_ref())
    }
}

impl ConditionArgs {
    fn to_wire(&self) -> v1::Conditions {
        v1::Conditions {
            vetting_on: Some(wire_date(self.vetting_on)),
            barred_list_checked_on: Some(wire_date(self.barred_list_checked_on)),
            training_on: Some(wire_date(self.training_on)),
            agreement_signed_on: Some(wire_date(self.agreement_signed_on)),
        }
    }
}

impl Shown for v1::Person {
    const MANY: &'static str = "people";

    fn fields(&self) -> Fields {
        let checked = self.conditions.unwrap_or_default();
        Fields::default()
            .text("person_id", &self.person_id)
            .text("staff_reference", &self.staff_reference)
            .term::<v1::PersonStanding>("standing", self.standing)
            .day("recertified_on", self.recertified_on)
            .day("vetting_on", checked.vetting_on)
            .day("barred_list_checked_on", checked.barred_list_checked_on)
            .day("training_on", checked.training_on)
            .day("agreement_signed_on", checked.agreement_signed_on)
    }
}
