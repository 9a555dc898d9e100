//! From the directory's types to the wire.

use jiff::civil::Date;
use signpost_core::directory::Answer;
use signpost_core::flag::{ContactRoute, Hours};
use signpost_core::refusal::Invalid;
use signpost_core::release::{CurrentOrPrevious, Details, Signpost};
use signpost_proto::v1;

/// What every answer says, whatever it holds.
pub(super) const STATEMENT: &str =
    "No contact that you may see is no evidence that nobody is working with this child.";

pub(super) fn answer(answer: Answer) -> v1::Answer {
    v1::Answer {
        signposts: answer.signposts.into_iter().map(signpost).collect(),
        further_service: answer.further_service,
        searched: answer.searched.iter().map(|namespace| i32::from(namespace.code())).collect(),
        statement: STATEMENT.to_owned(),
        receipt: answer.receipt.0,
    }
}

fn signpost(signpost: Signpost) -> v1::Signpost {
    let involvement = match signpost.involvement {
        CurrentOrPrevious::Current => v1::Involvement::Current,
        CurrentOrPrevious::Previous => v1::Involvement::Previous,
    };
    let (team_name, organisation_name) = match signpost.team {
        Some(name) => (name.team.into(), name.organisation.into()),
        None => (String::new(), String::new()),
    };
    v1::Signpost {
        involvement: involvement.into(),
        service_type: signpost.service_type.map_or(0, |service| i32::from(service.code())),
        team_name,
        organisation_name,
        duty_phone: signpost.duty.map(|(phone, hours_open)| v1::DutyPhone {
            phone: phone.into(),
            hours: Some(hours(hours_open)),
        }),
        route: signpost.route.map(route),
        years: signpost.years.map(|years| v1::Years {
            started: years.started.into(),
            ended: years.ended.map_or(0, i32::from),
        }),
        details: signpost.details.map(|found| details(&found)),
    }
}

fn route(route: ContactRoute) -> v1::ContactRoute {
    v1::ContactRoute {
        role: route.role.code().into(),
        work_phone: route.work_phone.into(),
        hours: Some(hours(route.hours)),
        out_of_hours_phone: route.out_of_hours.map(String::from).unwrap_or_default(),
    }
}

pub(super) fn hours(hours: Hours) -> v1::Hours {
    v1::Hours {
        days: hours.days().into(),
        opens_minute: hours.opens_minute().into(),
        closes_minute: hours.closes_minute().into(),
    }
}

fn details(details: &Details) -> v1::Details {
    v1::Details {
        status: details.status.code().into(),
        lead_practitioner: details.lead_practitioner,
        assessment_held: details.assessment_held,
        started: Some(date(details.started)),
        ended: details.ended.map(date),
        confirmed_on: Some(date(details.confirmed_on)),
        disclosure_basis: details.disclosure_basis.code().into(),
        subject_informed: details.subject_informed.code().into(),
        disputed: details.disputed,
    }
}

pub(super) fn date(date: Date) -> v1::Date {
    v1::Date { year: date.year().into(), month: date.month().into(), day: date.day().into() }
}

pub(super) fn malformed(invalid: Invalid, receipt: u64) -> v1::Malformed {
    let problems = invalid
        .violations
        .into_iter()
        .map(|wrong| v1::FieldProblem { field: wrong.field, problem: wrong.problem });
    v1::Malformed { problems: problems.collect(), receipt }
}

pub(super) fn uuid_text(id: [u8; 16]) -> String {
    uuid::Uuid::from_bytes(id).to_string()
}
