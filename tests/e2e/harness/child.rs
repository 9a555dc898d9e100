//! Well-formed requests about a child, for the tests to bend.

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use signpost_proto::v1;

/// A fresh UUID.
pub(crate) fn request_id() -> String {
    uuid::Uuid::from_bytes(signpost::entropy::SystemEntropy.bytes()).to_string()
}

/// A day as it is sent.
pub(crate) fn date(day: Date) -> v1::Date {
    v1::Date { year: day.year().into(), month: day.month().into(), day: day.day().into() }
}

/// The n-th number of a range that is never issued to anybody.
pub(crate) fn nhs_number(n: usize) -> String {
    let checked = |body: u32| {
        let digits = format!("{body:09}");
        let weighted = digits.bytes().zip((2..=10).rev());
        let sum: u32 = weighted.map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        match (11 - sum % 11) % 11 {
            10 => None,
            check => Some(format!("{digits}{check}")),
        }
    };
    (999_100_000..999_999_999).filter_map(checked).nth(n).unwrap()
}

/// A question for an enquiry under section 47, about an allocated case.
pub(crate) fn question(pseudonyms: &[v1::Pseudonym]) -> v1::Question {
    v1::Question {
        pseudonyms: pseudonyms.to_vec(),
        purpose: v1::Purpose::S47Enquiry.into(),
        relationship: v1::Relationship::AllocatedCase.into(),
    }
}

/// A current involvement of the children's social care, open to all who may ask.
pub(crate) fn contact(
    pseudonyms: &[v1::Pseudonym],
    source_reference: &str,
    today: Date,
) -> v1::RecordContactRequest {
    let before = |span: Span| Some(date(today.saturating_sub(span)));
    v1::RecordContactRequest {
        request_id: request_id(),
        pseudonyms: pseudonyms.to_vec(),
        source_reference: source_reference.to_owned(),
        involvement: Some(v1::ContactInvolvement {
            service_type: v1::ServiceType::SocialCareChildInNeed.into(),
            status: v1::InvolvementStatus::Active.into(),
            sensitivity: v1::Sensitivity::Standard.into(),
            disclosure_basis: v1::DisclosureBasis::PublicTask.into(),
            subject_informed: v1::SubjectInformed::Informed.into(),
            route: Some(v1::ContactRoute {
                role: v1::ContactRole::AllocatedWorker.into(),
                work_phone: "+441632960001".to_owned(),
                hours: Some(v1::Hours { days: 31, opens_minute: 540, closes_minute: 1020 }),
                out_of_hours_phone: String::new(),
            }),
            lead_practitioner: true,
            assessment_held: false,
            started: before(400.days()),
            ended: None,
            confirmed_on: before(10.days()),
            in_error: false,
            disputed: false,
            retain_until: None,
        }),
    }
}
