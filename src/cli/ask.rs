//! `signpost ask`: is anyone else working with this child?

use std::io::{stderr, stdin};

use clap::Args;
use signpost_proto::v1::{Purpose, Relationship};
use uuid::Uuid;

use super::identifiers::IdentifierArgs;
use super::profile::ConnectionArgs;
use super::render::terms::term;
use super::render::values::UUID;
use super::render::{Output, print_answer};

const EXAMPLES: &str = "\
Examples:
  signpost ask --nhs \"999 000 0018\" --purpose s47-enquiry --relationship allocated-case
  signpost ask --nhs - --upn - --purpose transfer-in --relationship duty-team < numbers.txt

The question is put on record, whatever the answer. No contact that you may see is no evidence
that nobody is involved.";

/// Asks whether anyone else is, or was, working with a child
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct AskCommand {
    /// Why you ask
    #[arg(long, value_parser = term::<Purpose>())]
    purpose: Purpose,
    /// What you are to the child
    #[arg(long, value_parser = term::<Relationship>())]
    relationship: Relationship,
    /// As a broker: the practitioner on whose behalf you ask; both of you are on record
    #[arg(long, value_name = "PERSON-ID", value_parser = UUID)]
    on_behalf_of: Option<Uuid>,
    #[command(flatten)]
    child: IdentifierArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl AskCommand {
    /// Asks and prints the answer.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        let identifiers = self.child.parse(&mut stdin().lock(), &mut stderr())?;
        let client = self.connection.connect().await?;
        let (purpose, relationship) = (self.purpose, self.relationship);
        let answer = match self.on_behalf_of {
            None => client.ask(&identifiers, purpose, relationship).await?,
            Some(person) => {
                let person = person.to_string();
                client.ask_on_behalf_of(&identifiers, purpose, relationship, &person).await?
            }
        };
        print_answer(&answer, output)
    }
}
