//! An answer as JSON. The names are a promise to scripts; what is not shown is left out.

use serde::Serialize;
use signpost_proto::v1;

use super::date;
use super::terms::name_of;

/// An answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    signposts: Vec<Signpost>,
    further_service: bool,
    searched: Vec<&'static str>,
    statement: String,
    receipt: u64,
}

#[derive(Debug, Serialize)]
struct Signpost {
    #[serde(skip_serializing_if = "Option::is_none")]
    involvement: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organisation_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duty_phone: Option<DutyPhone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<Route>,
    #[serde(skip_serializing_if = "Option::is_none")]
    years: Option<Years>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

#[derive(Debug, Serialize)]
struct DutyPhone {
    phone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<String>,
}

#[derive(Debug, Serialize)]
struct Route {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    work_phone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    out_of_hours_phone: Option<String>,
}

#[derive(Debug, Serialize)]
struct Years {
    started: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<i32>,
}

#[derive(Debug, Serialize)]
struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    lead_practitioner: bool,
    assessment_held: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    started: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmed_on: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disclosure_basis: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_informed: Option<&'static str>,
    disputed: bool,
}

impl From<&v1::Answer> for Answer {
    fn from(answer: &v1::Answer) -> Self {
        let searched = answer.searched.iter();
        Self {
            signposts: answer.signposts.iter().map(Signpost::from).collect(),
            further_service: answer.further_service,
            searched: searched.filter_map(|number| name_of::<v1::Namespace>(*number)).collect(),
            statement: answer.statement.clone(),
            receipt: answer.receipt,
        }
    }
}

impl From<&v1::Signpost> for Signpost {
    fn from(signpost: &v1::Signpost) -> Self {
        Self {
            involvement: name_of::<v1::Involvement>(signpost.involvement),
            service_type: name_of::<v1::ServiceType>(signpost.service_type),
            team_name: given(&signpost.team_name),
            organisation_name: given(&signpost.organisation_name),
            duty_phone: signpost.duty_phone.as_ref().map(|duty| DutyPhone {
                phone: duty.phone.clone(),
                hours: duty.hours.map(super::hours::format),
            }),
            route: signpost.route.as_ref().map(Route::from),
            years: signpost.years.map(|years| Years {
                started: years.started,
                ended: Some(years.ended).filter(|year| *year != 0),
            }),
            details: signpost.details.as_ref().map(Details::from),
        }
    }
}

impl From<&v1::ContactRoute> for Route {
    fn from(route: &v1::ContactRoute) -> Self {
        Self {
            role: name_of::<v1::ContactRole>(route.role),
            work_phone: route.work_phone.clone(),
            hours: route.hours.map(super::hours::format),
            out_of_hours_phone: given(&route.out_of_hours_phone),
        }
    }
}

impl From<&v1::Details> for Details {
    fn from(details: &v1::Details) -> Self {
        Self {
            status: name_of::<v1::InvolvementStatus>(details.status),
            lead_practitioner: details.lead_practitioner,
            assessment_held: details.assessment_held,
            started: details.started.map(date),
            ended: details.ended.map(date),
            confirmed_on: details.confirmed_on.map(date),
            disclosure_basis: name_of::<v1::DisclosureBasis>(details.disclosure_basis),
            subject_informed: name_of::<v1::SubjectInformed>(details.subject_informed),
            disputed: details.disputed,
        }
    }
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::answer::tests::sample;
    use super::*;

    #[test]
    fn an_answer_has_stable_names_and_no_nulls() {
        let found = serde_json::to_value(Answer::from(&sample())).unwrap();
        let expected = json!({
            "signposts": [
                {
                    "involvement": "CURRENT",
                    "service_type": "EARLY_HELP",
                    "team_name": "Northfield Early Help (East)",
                    "organisation_name": "Northfield Council",
                    "route": {
                        "role": "DUTY_WORKER",
                        "work_phone": "+441632960001",
                        "hours": "Mon-Fri 09:00-17:00",
                        "out_of_hours_phone": "+441632960002",
                    },
                    "details": {
                        "status": "ACTIVE",
                        "lead_practitioner": true,
                        "assessment_held": true,
                        "started": "2026-01-05",
                        "confirmed_on": "2026-03-02",
                        "disclosure_basis": "PUBLIC_TASK",
                        "subject_informed": "INFORMED",
                        "disputed": false,
                    },
                },
                {
                    "involvement": "PREVIOUS",
                    "service_type": "SOCIAL_CARE_CHILD_PROTECTION",
                    "team_name": "Ashby Assessment Team",
                    "organisation_name": "Ashby Council",
                    "duty_phone": { "phone": "+441632960003", "hours": "Mon-Fri 09:00-17:00" },
                    "years": { "started": 2021, "ended": 2023 },
                },
            ],
            "further_service": true,
            "searched": ["NHS", "UPN_TEMP"],
            "statement": "No contact that you may see is no evidence that nobody is involved.",
            "receipt": 17,
        });
        assert_eq!(found, expected);
    }
}
