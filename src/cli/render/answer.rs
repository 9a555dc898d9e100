//! An answer as a table.

use comfy_table::presets::ASCII_FULL;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use signpost_proto::v1;

use super::hours;
use super::terms::words_of;
use super::{date, printable};

/// How wide a table is: what most terminals show.
const WIDTH: u16 = 100;

const HEADER: [&str; 4] = ["Involved", "Team and service", "Telephone", "Remarks"];
/// The columns of [`HEADER`] whose lines are short and read badly when broken.
const UNBROKEN: [usize; 2] = [0, 2];

/// The whole answer.
pub(super) fn text(answer: &v1::Answer) -> String {
    let mut lines = Vec::new();
    if answer.signposts.is_empty() {
        lines.push("No contact that you may see.".to_owned());
    } else {
        lines.push(table(&answer.signposts));
    }
    if answer.further_service {
        lines.push("There is a further service. Ask the broker.".to_owned());
    }
    let searched: Vec<_> =
        answer.searched.iter().map(|number| words_of::<v1::Namespace>(*number)).collect();
    lines.push(format!("Searched by: {}", searched.join(", ")));
    lines.push(printable(&answer.statement));
    lines.push(format!("Receipt: {}", answer.receipt));
    lines.join("\n")
}

fn table(signposts: &[v1::Signpost]) -> String {
    let mut table = Table::new();
    table.load_style(ASCII_FULL).set_width(WIDTH);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_header(HEADER);
    for signpost in signposts {
        let cells = [involved, team, telephones, remarks];
        table.add_row(cells.map(|cell| cell(signpost).join("\n")));
    }
    for index in UNBROKEN {
        if let Some(column) = table.column_mut(index) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt()
}

fn involved(signpost: &v1::Signpost) -> Vec<String> {
    let mut lines = match signpost.involvement() {
        v1::Involvement::Current => vec!["now".to_owned()],
        v1::Involvement::Previous => vec!["previously".to_owned()],
        v1::Involvement::Unspecified => vec!["not said".to_owned()],
    };
    if let Some(details) = &signpost.details {
        // How it stood when it ended says nothing of today.
        if details.ended.is_none() {
            lines.push(words_of::<v1::InvolvementStatus>(details.status));
        }
        lines.extend(details.started.map(|day| format!("since {}", date(day))));
        lines.extend(details.ended.map(|day| format!("until {}", date(day))));
    } else if let Some(years) = signpost.years {
        lines.push(match years.ended {
            0 => format!("since {}", years.started),
            ended if ended == years.started => ended.to_string(),
            ended => format!("{} to {ended}", years.started),
        });
    }
    lines
}

fn team(signpost: &v1::Signpost) -> Vec<String> {
    let names = [&signpost.team_name, &signpost.organisation_name];
    let shown = names.into_iter().filter(|name| !name.is_empty()).map(|name| printable(name));
    let mut lines: Vec<_> = shown.collect();
    if signpost.service_type != 0 {
        lines.push(words_of::<v1::ServiceType>(signpost.service_type));
    }
    lines
}

fn telephones(signpost: &v1::Signpost) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(route) = &signpost.route {
        lines.push(words_of::<v1::ContactRole>(route.role));
        lines.push(printable(&route.work_phone));
        lines.extend(route.hours.map(hours::format));
        if !route.out_of_hours_phone.is_empty() {
            lines.push("at other times".to_owned());
            lines.push(printable(&route.out_of_hours_phone));
        }
    }
    if let Some(duty) = &signpost.duty_phone {
        lines.push("the team's duty line".to_owned());
        lines.push(printable(&duty.phone));
        lines.extend(duty.hours.map(hours::format));
    }
    lines
}

fn remarks(signpost: &v1::Signpost) -> Vec<String> {
    let Some(details) = &signpost.details else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    let mut when = |is: bool, line: &str| lines.extend(is.then(|| line.to_owned()));
    when(details.lead_practitioner, "lead practitioner");
    when(details.assessment_held, "holds an assessment");
    when(details.disputed, "disputed by child or family");
    lines.extend(details.confirmed_on.map(|day| format!("confirmed {}", date(day))));
    if details.disclosure_basis != 0 {
        let basis = words_of::<v1::DisclosureBasis>(details.disclosure_basis);
        lines.push(format!("shared by: {basis}"));
    }
    if details.subject_informed != 0 {
        let informed = words_of::<v1::SubjectInformed>(details.subject_informed);
        lines.push(format!("family: {informed}"));
    }
    lines
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One current and one previous involvement, and a further service.
    pub(in super::super) fn sample() -> v1::Answer {
        let office = hours::parse("Mon-Fri 09:00-17:00");
        let day = |year, month, day| Some(v1::Date { year, month, day });
        let current = v1::Signpost {
            involvement: v1::Involvement::Current.into(),
            service_type: v1::ServiceType::EarlyHelp.into(),
            team_name: "Northfield Early Help (East)".to_owned(),
            organisation_name: "Northfield Council".to_owned(),
            route: Some(v1::ContactRoute {
                role: v1::ContactRole::DutyWorker.into(),
                work_phone: "+441632960001".to_owned(),
                hours: office,
                out_of_hours_phone: "+441632960002".to_owned(),
            }),
            details: Some(v1::Details {
                status: v1::InvolvementStatus::Active.into(),
                lead_practitioner: true,
                assessment_held: true,
                started: day(2026, 1, 5),
                ended: None,
                confirmed_on: day(2026, 3, 2),
                disclosure_basis: v1::DisclosureBasis::PublicTask.into(),
                subject_informed: v1::SubjectInformed::Informed.into(),
                disputed: false,
            }),
            ..v1::Signpost::default()
        };
        let previous = v1::Signpost {
            involvement: v1::Involvement::Previous.into(),
            service_type: v1::ServiceType::SocialCareChildProtection.into(),
            team_name: "Ashby Assessment Team".to_owned(),
            organisation_name: "Ashby Council".to_owned(),
            duty_phone: Some(v1::DutyPhone { phone: "+441632960003".to_owned(), hours: office }),
            years: Some(v1::Years { started: 2021, ended: 2023 }),
            ..v1::Signpost::default()
        };
        v1::Answer {
            signposts: vec![current, previous],
            further_service: true,
            searched: vec![v1::Namespace::Nhs.into(), v1::Namespace::UpnTemp.into()],
            statement: "No contact that you may see is no evidence that nobody is involved."
                .to_owned(),
            receipt: 17,
        }
    }

    #[test]
    fn an_answer_is_a_table_to_be_read() {
        assert_eq!(text(&sample()), include_str!("answer.golden.txt").trim_end());
    }

    #[test]
    fn an_empty_answer_says_so_and_no_more() {
        let answer = v1::Answer { signposts: Vec::new(), further_service: false, ..sample() };
        assert_eq!(
            text(&answer),
            "No contact that you may see.\n\
             Searched by: NHS number, temporary UPN\n\
             No contact that you may see is no evidence that nobody is involved.\n\
             Receipt: 17"
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let signpost = v1::Signpost { team_name: "\u{1b}[2Jteam".to_owned(), ..<_>::default() };
        let answer = v1::Answer { signposts: vec![signpost], ..sample() };
        assert!(!text(&answer).contains('\u{1b}'));
    }
}
