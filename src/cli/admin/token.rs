//! `signpost admin token` and `signpost admin custody`: where tokens are, and whether they count.

use clap::{Args, Subcommand};
use signpost_proto::v1;
use uuid::Uuid;

use super::super::profile::ConnectionArgs;
use super::super::render::Output;
use super::super::render::fields::{Fields, Shown, print_done, print_listed};
use super::super::render::terms::term;
use super::super::render::values::UUID;
use super::ChangeArgs;

const EXAMPLES: &str = "\
Examples:
  signpost admin token list --person 0190b2a4-7c1e-7000-8000-000000000006
  signpost admin token suspend --person 0190b2a4-7c1e-7000-8000-000000000006 \\
      --token 0190b2a4-7c1e-7000-8000-000000000007
  signpost admin token custody --person 0190b2a4-7c1e-7000-8000-000000000006 \\
      --token 0190b2a4-7c1e-7000-8000-000000000007 --custody returned

--token is the token's id, which grants nothing; the token itself never goes on a command line.";

const CUSTODY_EXAMPLES: &str = "\
Example:
  signpost admin custody --organisation 0190b2a4-7c1e-7000-8000-000000000001

Tokens issued are the sum of those that are out, returned, destroyed, and lost and revoked.";

/// The tokens of people
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct TokenCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about tokens.
#[derive(Debug, Subcommand)]
enum Action {
    /// Suspends a token
    Suspend(OneToken),
    /// Lets a suspended token be used again
    Resume(OneToken),
    /// Records where a token is; one that is no longer out can no longer be used
    #[command(after_help = EXAMPLES)]
    Custody {
        /// Where it is: anything but out
        #[arg(long, value_parser = term::<v1::Custody>())]
        custody: v1::Custody,
        #[command(flatten)]
        of: OneToken,
    },
    /// Lists the tokens that were issued to a person, the last one at the end
    #[command(after_help = EXAMPLES)]
    List {
        /// The person
        #[arg(long, value_name = "ID", value_parser = UUID)]
        person: Uuid,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

/// Which token.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct OneToken {
    /// Whose token it is
    #[arg(long, value_name = "ID", value_parser = UUID)]
    person: Uuid,
    /// The token's id
    #[arg(long, value_name = "ID", value_parser = UUID)]
    token: Uuid,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Tells where an organisation's tokens are
#[derive(Args, Debug)]
#[command(after_help = CUSTODY_EXAMPLES)]
pub(super) struct CustodiesCommand {
    /// The organisation
    #[arg(long, value_name = "ID", value_parser = UUID)]
    organisation: Uuid,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl TokenCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let (done, receipt) = match self.action {
            Action::Suspend(of) => {
                let (person_id, token_id) = of.ids();
                let (client, request_id) = of.change.begin().await?;
                let message = v1::SuspendTokenRequest { request_id, person_id, token_id };
                ("Suspended.", client.suspend_token(message).await?.receipt)
            }
            Action::Resume(of) => {
                let (person_id, token_id) = of.ids();
                let (client, request_id) = of.change.begin().await?;
                let message = v1::ResumeTokenRequest { request_id, person_id, token_id };
                ("It may be used again.", client.resume_token(message).await?.receipt)
            }
            Action::Custody { custody, of } => {
                let (person_id, token_id) = of.ids();
                let (client, request_id) = of.change.begin().await?;
                let custody = custody.into();
                let message = v1::RecordCustodyRequest { request_id, person_id, token_id, custody };
                let receipt = client.record_custody(message).await?.receipt;
                ("Recorded. The token can no longer be used.", receipt)
            }
            Action::List { person, connection } => {
                let client = connection.connect().await?;
                return print_listed(&client.list_tokens(&person.to_string()).await?, output);
            }
        };
        print_done(done, Fields::default(), receipt, output)
    }
}

impl OneToken {
    fn ids(&self) -> (String, String) {
        (self.person.to_string(), self.token.to_string())
    }
}

impl CustodiesCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let client = self.connection.connect().await?;
        let organisation_id = self.organisation.to_string();
        let found = client.get_custodies(v1::GetCustodiesRequest { organisation_id }).await?;
        let counts = found.custodies.unwrap_or_default();
        let fields = Fields::default()
            .number("issued", counts.issued)
            .number("out", counts.out)
            .number("returned", counts.returned)
            .number("destroyed", counts.destroyed)
            .number("lost_revoked", counts.lost_revoked);
        print_done("The organisation's tokens:", fields, found.receipt, output)
    }
}

impl Shown for v1::IssuedToken {
    const MANY: &'static str = "tokens";

    fn fields(&self) -> Fields {
        Fields::default()
            .text("token_id", &self.token_id)
            .term::<v1::Standing>("standing", self.standing)
            .term::<v1::Custody>("custody", self.custody)
            .day("used_on", self.used_on)
            .day("valid_until", self.valid_until)
    }
}
