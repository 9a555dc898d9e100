//! `signpost admin group`: limited groups; more of one needs two names, less of one needs one.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use signpost_client::Client;
use signpost_proto::v1;
use signpost_proto::v1::propose_access_request::Change as Proposed;
use uuid::Uuid;

use super::super::profile::ConnectionArgs;
use super::super::render::Output;
use super::super::render::fields::{Fields, Shown, print_done, print_listed};
use super::super::render::terms::term;
use super::super::render::values::{DATE, MEMBERS, UUID, wire_date};
use super::ChangeArgs;
use crate::clock;
use crate::exit::{Exit, Failure};

const EXAMPLES: &str = "\
Examples:
  signpost admin group propose --organisation 0190b2a4-7c1e-7000-8000-000000000001 \\
      --team 0190b2a4-7c1e-7000-8000-000000000002 --role social-worker \\
      --purpose s47-enquiry --purpose missing-child --members-max 12 --valid-until 2027-03-31
  signpost admin group widen --organisation 0190b2a4-7c1e-7000-8000-000000000001 \\
      --group 0190b2a4-7c1e-7000-8000-000000000005 --members-max 20
  signpost admin group narrow --organisation 0190b2a4-7c1e-7000-8000-000000000001 \\
      --group 0190b2a4-7c1e-7000-8000-000000000005 --valid-until 2026-12-31
  signpost admin group list --organisation 0190b2a4-7c1e-7000-8000-000000000001

A new or wider group is a proposal: a different administrator approves it. Narrowing is done at once.";

/// Access groups: limited, with one team, one role and an end date
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct GroupCommand {
    #[command(subcommand)]
    action: Action,
}

/// What is done about groups.
#[derive(Debug, Subcommand)]
enum Action {
    /// Proposes a new group
    Propose(Box<Propose>),
    /// Proposes more of a group: what is left out stays as it is
    Widen(Box<Widen>),
    /// Takes access away from a group, at once: what is left out stays as it is
    Narrow(Box<Narrow>),
    /// Lists an organisation's groups
    #[command(after_help = EXAMPLES)]
    List {
        /// The organisation
        #[arg(long, value_name = "ID", value_parser = UUID)]
        organisation: Uuid,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

/// What is needed to propose a new group.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Propose {
    /// The organisation
    #[arg(long, value_name = "ID", value_parser = UUID)]
    organisation: Uuid,
    /// The team of its members
    #[arg(long, value_name = "ID", value_parser = UUID)]
    team: Uuid,
    /// The one role of its members
    #[arg(long, value_parser = term::<v1::Role>())]
    role: v1::Role,
    /// A purpose that its members may ask for; may be repeated
    #[arg(long, value_parser = term::<v1::Purpose>())]
    purpose: Vec<v1::Purpose>,
    /// The most members it may have: 1 to 500
    #[arg(long, value_name = "COUNT", value_parser = MEMBERS)]
    members_max: u32,
    /// Its first day; today (UTC) if left out
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    valid_from: Option<Date>,
    /// Its last day
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    valid_until: Date,
    /// The person who recertifies its members and is none of them
    #[arg(long, value_name = "ID", value_parser = UUID)]
    sponsor: Option<Uuid>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Which group, and what it is to have.
#[derive(Args, Debug)]
struct NewValues {
    /// The group's organisation
    #[arg(long, value_name = "ID", value_parser = UUID)]
    organisation: Uuid,
    /// The group
    #[arg(long, value_name = "ID", value_parser = UUID)]
    group: Uuid,
    /// The most members it may have: 1 to 500
    #[arg(long, value_name = "COUNT", value_parser = MEMBERS)]
    members_max: Option<u32>,
    /// Its last day
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    valid_until: Option<Date>,
    /// Each of the purposes that its members may ask for; may be repeated
    #[arg(long, value_parser = term::<v1::Purpose>())]
    purpose: Vec<v1::Purpose>,
}

/// What is needed to propose more of a group.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Widen {
    #[command(flatten)]
    values: NewValues,
    /// The person who recertifies its members and is none of them
    #[arg(long, value_name = "ID", value_parser = UUID)]
    sponsor: Option<Uuid>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// What is needed to take access away from a group.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
struct Narrow {
    #[command(flatten)]
    values: NewValues,
    #[command(flatten)]
    change: ChangeArgs,
}

impl GroupCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            Action::Propose(propose) => propose.run(output).await,
            Action::Widen(widen) => widen.run(output).await,
            Action::Narrow(narrow) => narrow.run(output).await,
            Action::List { organisation, connection } => {
                let client = connection.connect().await?;
                print_listed(&client.list_groups(&organisation.to_string()).await?, output)
            }
        }
    }
}

impl Propose {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let group = v1::Group {
            organisation_id: self.organisation.to_string(),
            team_id: self.team.to_string(),
            role: self.role.into(),
            purposes: numbers(&self.purpose),
            members_max: self.members_max,
            valid_from: Some(wire_date(self.valid_from.unwrap_or_else(clock::today))),
            valid_until: Some(wire_date(self.valid_until)),
            sponsor_id: self.sponsor.map(|id| id.to_string()).unwrap_or_default(),
            ..v1::Group::default()
        };
        let (client, request_id) = self.change.begin().await?;
        let change = Some(Proposed::OpenGroup(group));
        super::proposal::propose(&client, request_id, change, output).await
    }
}

impl Widen {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let (client, request_id) = self.change.begin().await?;
        let present = self.values.find(&client).await?;
        let widened = self.values.over(present);
        let sponsor = self.sponsor.map(|id| id.to_string());
        let widening = v1::GroupWidening {
            group_id: widened.group_id,
            version: widened.version,
            members_max: widened.members_max,
            valid_until: widened.valid_until,
            purposes: widened.purposes,
            sponsor_id: sponsor.unwrap_or(widened.sponsor_id),
        };
        let change = Some(Proposed::WidenGroup(widening));
        super::proposal::propose(&client, request_id, change, output).await
    }
}

impl Narrow {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let (client, request_id) = self.change.begin().await?;
        let present = self.values.find(&client).await?;
        let narrowed = self.values.over(present);
        let message = v1::NarrowGroupRequest {
            request_id,
            group_id: narrowed.group_id,
            members_max: narrowed.members_max,
            valid_until: narrowed.valid_until,
            purposes: narrowed.purposes,
        };
        let done = client.narrow_group(message).await?;
        print_done("Narrowed.", Fields::default(), done.receipt, output)
    }
}

impl NewValues {
    /// The group as it is now.
    async fn find(&self, client: &Client) -> anyhow::Result<v1::Group> {
        let listed = client.list_groups(&self.organisation.to_string()).await?;
        let id = self.group.to_string();
        let found = listed.items.into_iter().find(|group| group.group_id == id);
        let missing = || Failure::new(Exit::Refused, "this organisation has no such group");
        Ok(found.ok_or_else(missing)?)
    }

    /// The group with the values that were given.
    fn over(&self, present: v1::Group) -> v1::Group {
        let purposes = numbers(&self.purpose);
        v1::Group {
            members_max: self.members_max.unwrap_or(present.members_max),
            valid_until: self.valid_until.map(wire_date).or(present.valid_until),
            purposes: if purposes.is_empty() { present.purposes } else { purposes },
            ..present
        }
    }
}

fn numbers(purposes: &[v1::Purpose]) -> Vec<i32> {
    purposes.iter().map(|purpose| (*purpose).into()).collect()
}

impl Shown for v1::Group {
    const MANY: &'static str = "groups";

    fn fields(&self) -> Fields {
        Fields::default()
            .text("group_id", &self.group_id)
            .text("team_id", &self.team_id)
            .term::<v1::Role>("role", self.role)
            .number("members", self.members)
            .number("members_max", self.members_max)
            .day("valid_from", self.valid_from)
            .day("valid_until", self.valid_until)
            .terms::<v1::Purpose>("purposes", &self.purposes)
            .text("sponsor_id", &self.sponsor_id)
            .number("version", self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_stays_as_it_is() {
        let day = |text: &str| Some(wire_date(text.parse().unwrap()));
        let present = v1::Group {
            members_max: 12,
            valid_until: day("2027-03-31"),
            purposes: vec![1, 6],
            version: 40,
            ..v1::Group::default()
        };
        let values = NewValues {
            organisation: Uuid::nil(),
            group: Uuid::nil(),
            members_max: Some(20),
            valid_until: None,
            purpose: Vec::new(),
        };
        let found = values.over(present.clone());
        assert_eq!(found, v1::Group { members_max: 20, ..present.clone() });
        let values = NewValues {
            members_max: None,
            valid_until: Some("2026-12-31".parse().unwrap()),
            purpose: vec![v1::Purpose::S47Enquiry],
            ..values
        };
        let found = values.over(present.clone());
        assert_eq!((found.members_max, found.version), (12, 40));
        assert_eq!((found.valid_until, found.purposes), (day("2026-12-31"), vec![1]));
    }
}
