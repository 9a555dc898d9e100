//! `signpost contact`: flags and ends the own team's involvement.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use signpost_proto::v1;
use uuid::Uuid;

use super::child::{ChildWrite, ChildWriteArgs};
use super::render::terms::term;
use super::render::values::{DATE, HOURS, PHONE, UUID, wire_date};
use super::render::{Output, Written, print_written};
use crate::clock;

const RECORD_EXAMPLES: &str = "\
Example:
  signpost contact record --nhs \"999 000 0018\" --reference EH-2026-0117 \\
      --service early-help --status active --sensitivity standard \\
      --basis public-task --informed informed --started 2026-01-05 \\
      --route-role duty-worker --phone +441632960001 --hours \"Mon-Fri 09:00-17:00\"

Give every identifier of the child that you hold: the flag is found under each of them. The same
reference again changes the same flag.";

const END_EXAMPLES: &str = "\
Example:
  signpost contact end --nhs \"999 000 0018\" \\
      --contact 0190b2a4-7c1e-7000-8000-000000000001 --ended 2026-03-31";

/// Records or ends a contact of your own team
#[derive(Args, Debug)]
pub struct ContactCommand {
    #[command(subcommand)]
    action: ContactAction,
}

/// What is done about a contact.
#[derive(Debug, Subcommand)]
enum ContactAction {
    /// Records that your team is, or was, working with a child
    Record(Box<RecordContact>),
    /// Ends a contact of your own team
    End(Box<EndContact>),
}

/// What is needed to record a contact.
#[derive(Args, Debug)]
#[command(after_help = RECORD_EXAMPLES)]
struct RecordContact {
    /// Your system's own reference of this involvement; it must say nothing of the child
    #[arg(long, value_name = "REF")]
    reference: String,
    #[command(flatten)]
    involvement: InvolvementArgs,
    #[command(flatten)]
    route: RouteArgs,
    #[command(flatten)]
    write: ChildWriteArgs,
}

/// The involvement.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
struct InvolvementArgs {
    /// Kind of service
    #[arg(long, value_parser = term::<v1::ServiceType>())]
    service: v1::ServiceType,
    /// How it stands, or stood when it ended
    #[arg(long, value_parser = term::<v1::InvolvementStatus>())]
    status: v1::InvolvementStatus,
    /// How much of it others may see
    #[arg(long, value_parser = term::<v1::Sensitivity>())]
    sensitivity: v1::Sensitivity,
    /// Ground on which it is shared
    #[arg(long, value_parser = term::<v1::DisclosureBasis>())]
    basis: v1::DisclosureBasis,
    /// Whether child or family know of it
    #[arg(long, value_parser = term::<v1::SubjectInformed>())]
    informed: v1::SubjectInformed,
    /// First day
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    started: Date,
    /// Last day; left out while it lasts
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    ended: Option<Date>,
    /// When all this was last confirmed; today (UTC) if left out
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    confirmed_on: Option<Date>,
    /// Last day on which it may be answered; 6 years after its end if left out
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    retain_until: Option<Date>,
    /// This is the lead practitioner
    #[arg(long)]
    lead: bool,
    /// Your team holds an assessment
    #[arg(long)]
    assessment: bool,
    /// It was entered in error: it contributes nothing to answers
    #[arg(long)]
    in_error: bool,
    /// Child or family dispute it
    #[arg(long)]
    disputed: bool,
}

/// How the team is reached about this child.
#[derive(Args, Debug)]
#[command(next_help_heading = "How your team is reached about this child")]
struct RouteArgs {
    /// Who answers
    #[arg(long, value_parser = term::<v1::ContactRole>())]
    route_role: v1::ContactRole,
    /// Work telephone in international form; no personal numbers
    #[arg(long, value_name = "NUMBER", value_parser = PHONE)]
    phone: String,
    /// When it is answered, such as "Mon-Fri 09:00-17:00"
    #[arg(long, value_name = "HOURS", value_parser = HOURS)]
    hours: v1::Hours,
    /// Telephone at other times
    #[arg(long, value_name = "NUMBER", value_parser = PHONE)]
    out_of_hours: Option<String>,
}

/// What is needed to end a contact.
#[derive(Args, Debug)]
#[command(after_help = END_EXAMPLES)]
struct EndContact {
    /// Id that the contact was given
    #[arg(long, value_name = "ID", value_parser = UUID)]
    contact: Uuid,
    /// Last day of the involvement
    #[arg(long, value_name = "DATE", value_parser = DATE)]
    ended: Date,
    #[command(flatten)]
    write: ChildWriteArgs,
}

impl ContactCommand {
    /// Writes and prints the result.
    pub async fn run(self, output: Output) -> anyhow::Result<()> {
        match self.action {
            ContactAction::Record(record) => record.run(output).await,
            ContactAction::End(end) => end.run(output).await,
        }
    }
}

impl RecordContact {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let ChildWrite { client, request_id, pseudonyms } = self.write.begin().await?;
        let message = v1::RecordContactRequest {
            request_id,
            pseudonyms,
            source_reference: self.reference,
            involvement: Some(self.involvement.into_wire(self.route, clock::today())),
        };
        let response = client.send_contact(message).await?;
        let line = format!("Recorded. Contact: {}", response.contact_id);
        print_contact(&line, response.contact_id, response.receipt, output)
    }
}

impl EndContact {
    async fn run(self, output: Output) -> anyhow::Result<()> {
        let ChildWrite { client, request_id, pseudonyms } = self.write.begin().await?;
        let message = v1::EndContactRequest {
            request_id,
            pseudonyms,
            contact_id: self.contact.to_string(),
            ended: Some(wire_date(self.ended)),
        };
        let response = client.send_contact_end(message).await?;
        let line = format!("Ended. Contact: {}", response.contact_id);
        print_contact(&line, response.contact_id, response.receipt, output)
    }
}

impl InvolvementArgs {
    fn into_wire(self, route: RouteArgs, today: Date) -> v1::ContactInvolvement {
        v1::ContactInvolvement {
            service_type: self.service.into(),
            status: self.status.into(),
            sensitivity: self.sensitivity.into(),
            disclosure_basis: self.basis.into(),
            subject_informed: self.informed.into(),
            route: Some(v1::ContactRoute {
                role: route.route_role.into(),
                work_phone: route.phone,
                hours: Some(route.hours),
                out_of_hours_phone: route.out_of_hours.unwrap_or_default(),
            }),
            lead_practitioner: self.lead,
            assessment_held: self.assessment,
            started: Some(wire_date(self.started)),
            ended: self.ended.map(wire_date),
            confirmed_on: Some(wire_date(self.confirmed_on.unwrap_or(today))),
            in_error: self.in_error,
            disputed: self.disputed,
            retain_until: self.retain_until.map(wire_date),
        }
    }
}

fn print_contact(line: &str, id: String, receipt: u64, output: Output) -> anyhow::Result<()> {
    print_written(line, &Written { contact_id: Some(id), receipt, ..Written::default() }, output)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::render::hours;
    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        command: ContactCommand,
    }

    /// The arguments of the example in the help text.
    fn example() -> Vec<String> {
        let text = RECORD_EXAMPLES.lines().take_while(|line| !line.is_empty()).skip(1);
        let line = text.map(|line| line.trim().trim_end_matches('\\')).collect::<String>();
        let words = line.split('"').enumerate().flat_map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        words.skip(1).collect()
    }

    fn involvement(more: &[&str]) -> Result<v1::ContactInvolvement, clap::Error> {
        let args = example().into_iter().chain(more.iter().map(|arg| (*arg).to_owned()));
        let program = Program::try_parse_from(args)?;
        let ContactAction::Record(record) = program.command.action else { panic!("not a record") };
        assert_eq!(record.reference, "EH-2026-0117");
        Ok(record.involvement.into_wire(record.route, "2026-03-02".parse().unwrap()))
    }

    #[test]
    fn the_example_of_the_help_text_is_what_it_seems() {
        let found = involvement(&[]).unwrap();
        assert_eq!(found.service_type(), v1::ServiceType::EarlyHelp);
        assert_eq!(found.status(), v1::InvolvementStatus::Active);
        assert_eq!(found.sensitivity(), v1::Sensitivity::Standard);
        assert_eq!(found.disclosure_basis(), v1::DisclosureBasis::PublicTask);
        assert_eq!(found.subject_informed(), v1::SubjectInformed::Informed);
        assert_eq!(found.started, Some(v1::Date { year: 2026, month: 1, day: 5 }));
        assert_eq!(found.confirmed_on, Some(v1::Date { year: 2026, month: 3, day: 2 }));
        assert_eq!((found.ended, found.retain_until), (None, None));
        let route = found.route.unwrap();
        assert_eq!(route.role(), v1::ContactRole::DutyWorker);
        assert_eq!(route.work_phone, "+441632960001");
        assert_eq!(route.hours, hours::parse("Mon-Fri 09:00-17:00"));
        assert!(route.out_of_hours_phone.is_empty());
    }

    #[test]
    fn what_is_said_is_sent() {
        let found = involvement(&[
            "--ended",
            "2026-02-01",
            "--confirmed-on",
            "2026-02-02",
            "--retain-until",
            "2030-01-01",
            "--lead",
            "--assessment",
            "--in-error",
            "--disputed",
            "--out-of-hours",
            "+441632960002",
        ])
        .unwrap();
        assert_eq!(found.ended, Some(v1::Date { year: 2026, month: 2, day: 1 }));
        assert_eq!(found.confirmed_on, Some(v1::Date { year: 2026, month: 2, day: 2 }));
        assert_eq!(found.retain_until, Some(v1::Date { year: 2030, month: 1, day: 1 }));
        assert!(found.lead_practitioner && found.assessment_held);
        assert!(found.in_error && found.disputed);
        assert_eq!(found.route.unwrap().out_of_hours_phone, "+441632960002");
    }

    #[test]
    fn a_value_in_the_wrong_place_is_not_repeated() {
        let message = involvement(&["--ended", "9990000018"]).unwrap_err().to_string();
        assert!(message.contains("--ended takes a day such as 2026-01-05"), "{message}");
        assert!(!message.contains("9990000018"));
    }
}
