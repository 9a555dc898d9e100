//! `signpost admin organisation`: who takes part, and until when the law lets it.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use signpost_client::Client;
use signpost_proto::v1;
use uuid::Uuid;

use super::super::profile::ConnectionArgs;
use super::super::render::Output;
use super::super::render::fields::{Fields, Shown, print_done, print_listed};
use super::super::render::terms::term;
use super::super::render::values::{DATE, UUID, wire_date};
use super::ChangeArgs;
use crate::exit::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  signpost admin organisation register --kind local-authority --code-scheme gss --code E10000002 \\
      --name \"Ashby Council\" --area E10000002 --legal-authority children-act-2004-s16la \\
      --authority-until 2027-12-31
  signpost admin organisation list --output json
  signpost admin organisation extend --organisation 0190b2a4-7c1e-7000-8000-000000000001 \\
      --authority-until 2028-12-31

An extension is a proposal: a different administrator approves it.";

/// Organisations and their legal authority
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct OrganisationCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about organisations.
#[derive(Debug, Subcommand)]
enum Action {
    /// Registers an organisation
    Register(Box<Register>),
    /// Lists the organisations
    #[command(after_help = EXAMPLES)]
    List {
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Proposes a longer legal authority
    Extend(Box<Extend>),
}

/// What is needed to register an organisation.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Register {
    /// Kind of body
    #[arg(long, value_parser = term::<v1::OrganisationKind>())]
    kind: v1::OrganisationKind,
    /// Whose code it is known by
    #[arg(long, value_parser = term::<v1::CodeScheme>())]
    code_scheme: v1::CodeScheme,
    /// That code: ODS 3 to 12 capitals and digits, GSS a capital and 8 digits, URN 6 digits
    #[arg(long)]
    code: String,
    /// Its name
    #[arg(long)]
    name: String,
    /// GSS code of the area it works in
    #[arg(long)]
    area: String,
    /// Law under which it takes part
    #[arg(long, value_parser = term::<v1::LegalAuthority>())]
    legal_authority: v1::LegalAuthority,
    /// Last day of its legal authority
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    authority_until: Date,
    #[command(flatten)]
    change: ChangeArgs,
}

/// What is needed to propose a longer authority.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Extend {
    /// The organisation
    #[arg(long, value_name = "ID", value_parser = UUID)]
    organisation: Uuid,
    /// Law under which it takes part; as it is if left out
    #[arg(long, value_parser = term::<v1::LegalAuthority>())]
    legal_authority: Option<v1::LegalAuthority>,
    /// Last day of its legal authority
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    authority_until: Date,
    #[command(flatten)]
    change: ChangeArgs,
}

impl OrganisationCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::Register(register) => register.run(output).await,
            Action::List { connection } => {
                let client = connection.connect().await?;
                print_listed(&client.list_organisations().await?, output)
            }
            Action::Extend(extend) => extend.run(output).await,
        }
    }
}

impl Register {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let (client, request_id) = self.change.begin().await?;
        let message = v1::RegisterOrganisationRequest {
            request_id,
            kind: self.kind.into(),
            code_scheme: self.code_scheme.into(),
            code: self.code,
            name: self.name,
            area: self.area,
            authority: self.legal_authority.into(),
            authority_until: Some(wire_date(self.authority_until)),
        };
        let done = client.register_organisation(message).await?;
        let fields = Fields::default().text("organisation_id", &done.organisation_id);
        print_done("Registered.", fields, done.receipt, output)
    }
}

impl Extend {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let (client, request_id) = self.change.begin().await?;
        let present = find(&client, self.organisation).await?;
        let extension = v1::AuthorityExtension {
            organisation_id: present.organisation_id,
            version: present.version,
            authority: self.legal_authority.map_or(present.authority, Into::into),
            authority_until: Some(wire_date(self.authority_until)),
        };
        let change = Some(v1::propose_access_request::Change::ExtendAuthority(extension));
        super::proposal::propose(&client, request_id, change, output).await
    }
}

/// The organisation as it is now.
async fn find(client: &Client, id: Uuid) -> anyhow::Result<v1::Organisation> {
    let (listed, id) = (client.list_organisations().await?, id.to_string());
    let found = listed.items.into_iter().find(|one| one.organisation_id == id);
    Ok(found.ok_or_else(|| Failure::new(Exit::Refused, "the register has no such organisation"))?)
}

impl Shown for v1::Organisation {
    const MANY: &'static str = "organisations";

    fn fields(&self) -> Fields {
        Fields::default()
            .text("organisation_id", &self.organisation_id)
            .text("name", &self.name)
            .term::<v1::OrganisationKind>("kind", self.kind)
            .term::<v1::CodeScheme>("code_scheme", self.code_scheme)
            .text("code", &self.code)
            .text("area", &self.area)
            .term::<v1::LegalAuthority>("authority", self.authority)
            .day("authority_until", self.authority_until)
            .number("version", self.version)
    }
}
