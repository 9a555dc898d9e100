//! From the wire to the directory's types: each field checked once, every wrong one named.

use jiff::civil::Date;
use signpost_core::directory::{
    ClockConfirmation, ContactEnd, NewContact, NewShield, Question, ShieldLift,
};
use signpost_core::flag::{ContactRoute, Hours, InvolvementDetails};
use signpost_core::id::{FlagId, LiftId, RequestId};
use signpost_core::refusal::{Invalid, Violation};
use signpost_core::subject::{EvaluationKeyId, NamedPseudonym, Pseudonym, Subject};
use signpost_core::terms;
use signpost_core::text::{Phone, SourceReference, TextError};
use signpost_proto::v1;
use signpost_pseudonym::identifier::looks_like_identifier;
use signpost_pseudonym::oprf::{self, EvaluationKeys};

/// Collects what is wrong, so that a client is told all of it at once.
#[derive(Debug)]
struct Fields<'k> {
    violations: Vec<Violation>,
    keys: &'k EvaluationKeys,
}

pub(super) fn question(
    wire: Option<v1::Question>,
    keys: &EvaluationKeys,
) -> Result<Question, Invalid> {
    let mut fields = Fields::new(keys);
    let wire = wire.unwrap_or_default();
    let subject = fields.subject(&wire.pseudonyms);
    let purpose = fields.term("purpose", wire.purpose, terms::Purpose::from_code);
    let relationship =
        fields.term("relationship", wire.relationship, terms::Relationship::from_code);
    match (subject, purpose, relationship) {
        (Some(subject), Some(purpose), Some(relationship)) => {
            fields.end(Question { subject, purpose, relationship })
        }
        _ => fields.invalid(),
    }
}

pub(super) fn new_contact(
    wire: v1::RecordContactRequest,
    keys: &EvaluationKeys,
) -> Result<NewContact, Invalid> {
    let mut fields = Fields::new(keys);
    let request = fields.uuid("request_id", &wire.request_id).map(RequestId::new);
    let subject = fields.subject(&wire.pseudonyms);
    let source_reference: Option<SourceReference> =
        fields.text("source_reference", wire.source_reference);
    let details = match wire.involvement {
        Some(involvement) => fields.involvement(involvement),
        None => fields.missing("involvement"),
    };
    match (request, subject, source_reference, details) {
        (Some(request), Some(subject), Some(source_reference), Some(details)) => {
            fields.end(NewContact { request, subject, details, source_reference })
        }
        _ => fields.invalid(),
    }
}

pub(super) fn contact_end(
    wire: &v1::EndContactRequest,
    keys: &EvaluationKeys,
) -> Result<ContactEnd, Invalid> {
    let mut fields = Fields::new(keys);
    let request = fields.uuid("request_id", &wire.request_id).map(RequestId::new);
    let subject = fields.subject(&wire.pseudonyms);
    let flag = fields.uuid("contact_id", &wire.contact_id).map(FlagId::new);
    let ended = fields.date("ended", wire.ended.as_ref());
    match (request, subject, flag, ended) {
        (Some(request), Some(subject), Some(flag), Some(ended)) => {
            fields.end(ContactEnd { request, subject, flag, ended })
        }
        _ => fields.invalid(),
    }
}

pub(super) fn new_shield(
    wire: &v1::SetShieldRequest,
    keys: &EvaluationKeys,
) -> Result<NewShield, Invalid> {
    let mut fields = Fields::new(keys);
    let request = fields.uuid("request_id", &wire.request_id).map(RequestId::new);
    let subject = fields.subject(&wire.pseudonyms);
    let kind = fields.term("kind", wire.kind, terms::ShieldKind::from_code);
    let review_due = fields.date("review_due", wire.review_due.as_ref());
    match (request, subject, kind, review_due) {
        (Some(request), Some(subject), Some(kind), Some(review_due)) => {
            fields.end(NewShield { request, subject, kind, review_due })
        }
        _ => fields.invalid(),
    }
}

pub(super) fn shield_lift(
    wire: &v1::LiftShieldRequest,
    keys: &EvaluationKeys,
) -> Result<ShieldLift, Invalid> {
    let mut fields = Fields::new(keys);
    let request = fields.uuid("request_id", &wire.request_id).map(RequestId::new);
    let subject = fields.subject(&wire.pseudonyms);
    let lift = if wire.lift_id.is_empty() {
        None
    } else {
        fields.uuid("lift_id", &wire.lift_id).map(LiftId::new)
    };
    match (request, subject) {
        (Some(request), Some(subject)) => fields.end(ShieldLift { request, subject, lift }),
        _ => fields.invalid(),
    }
}

pub(super) fn clock_confirmation(
    wire: &v1::ConfirmClockRequest,
    keys: &EvaluationKeys,
) -> Result<ClockConfirmation, Invalid> {
    let mut fields = Fields::new(keys);
    match fields.uuid("request_id", &wire.request_id).map(RequestId::new) {
        Some(request) => fields.end(ClockConfirmation { request }),
        None => fields.invalid(),
    }
}

impl<'k> Fields<'k> {
    fn new(keys: &'k EvaluationKeys) -> Self {
        Self { violations: Vec::new(), keys }
    }

    fn end<T>(self, parsed: T) -> Result<T, Invalid> {
        if self.violations.is_empty() { Ok(parsed) } else { self.invalid() }
    }

    fn invalid<T>(self) -> Result<T, Invalid> {
        Err(Invalid { violations: self.violations })
    }

    fn wrong<T>(&mut self, field: &str, problem: impl Into<String>) -> Option<T> {
        self.violations.push(Violation { field: field.to_owned(), problem: problem.into() });
        None
    }

    fn missing<T>(&mut self, field: &str) -> Option<T> {
        self.wrong(field, MISSING)
    }

    fn kept<T, E: std::fmt::Display>(&mut self, field: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_or_else(|error| self.wrong(field, error.to_string()), Some)
    }

    fn subject(&mut self, wire: &[v1::Pseudonym]) -> Option<Subject> {
        if wire.len() > Subject::PSEUDONYMS_MAX {
            return self.wrong("pseudonyms", "a child has at most 4 pseudonyms in one request");
        }
        let before = self.violations.len();
        let named: Vec<NamedPseudonym> =
            wire.iter().enumerate().filter_map(|(index, one)| self.pseudonym(index, one)).collect();
        if self.violations.len() > before {
            return None;
        }
        self.kept("pseudonyms", Subject::try_from(named))
    }

    fn pseudonym(&mut self, index: usize, wire: &v1::Pseudonym) -> Option<NamedPseudonym> {
        // Named only where it is wrong: nearly none is.
        let at = |field: &str| format!("pseudonyms[{index}].{field}");
        let namespace = match known_term(wire.namespace, terms::Namespace::from_code) {
            Ok(namespace) => Some(namespace),
            Err(problem) => self.wrong(&at("namespace"), problem),
        };
        let value: Option<[u8; Pseudonym::LEN]> = match wire.value.as_slice().try_into() {
            Ok(bytes) => Some(bytes),
            Err(_) => self.wrong(&at("value"), "must be 64 bytes, the output of the OPRF"),
        };
        // A pseudonym of another key finds nobody: it must never be answered as unknown.
        let id = oprf::EvaluationKeyId(wire.evaluation_key_id);
        let known = self.keys.find(id).is_some();
        if !known {
            let problem = "is no evaluation key of this service; make the pseudonym anew";
            self.wrong::<()>(&at("evaluation_key_id"), problem);
        }
        Some(NamedPseudonym {
            namespace: namespace?,
            key: EvaluationKeyId(wire.evaluation_key_id),
            pseudonym: Pseudonym::new(value?),
        })
    }

    fn term<T>(&mut self, field: &str, code: i32, from: fn(u8) -> Option<T>) -> Option<T> {
        match known_term(code, from) {
            Ok(value) => Some(value),
            Err(problem) => self.wrong(field, problem),
        }
    }

    fn uuid(&mut self, field: &str, text: &str) -> Option<[u8; 16]> {
        match uuid::Uuid::try_parse(text) {
            Ok(uuid) if text.len() == 36 => Some(uuid.into_bytes()),
            _ => self
                .wrong(field, "must be a UUID of 36 characters, such as one that uuidgen prints"),
        }
    }

    /// A text of its alphabet and length, that no identifier of a child could be.
    fn text<T: TryFrom<String, Error = TextError>>(
        &mut self,
        field: &str,
        text: String,
    ) -> Option<T> {
        let parsed = if looks_like_identifier(text.trim_start_matches('+')) {
            Err(TextError::Identifier)
        } else {
            T::try_from(text)
        };
        self.kept(field, parsed)
    }

    fn date(&mut self, field: &str, wire: Option<&v1::Date>) -> Option<Date> {
        let Some(wire) = wire else { return self.missing(field) };
        let year = i16::try_from(wire.year).ok().filter(|year| (1900..=2200).contains(year));
        let (month, day) = (i8::try_from(wire.month).ok(), i8::try_from(wire.day).ok());
        let date = year.zip(month).zip(day);
        match date.and_then(|((year, month), day)| Date::new(year, month, day).ok()) {
            Some(date) => Some(date),
            None => self.wrong(field, "is no day of the calendar between 1900 and 2200"),
        }
    }

    /// A day that may be left out. A wrong one is noted, and gives none like a missing one.
    fn optional_date(&mut self, field: &str, wire: Option<&v1::Date>) -> Option<Date> {
        wire.and_then(|wire| self.date(field, Some(wire)))
    }

    fn hours(&mut self, field: &str, wire: Option<v1::Hours>) -> Option<Hours> {
        let Some(wire) = wire else { return self.missing(field) };
        let small = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
        let days = u8::try_from(wire.days).unwrap_or(u8::MAX);
        let hours = Hours::new(days, small(wire.opens_minute), small(wire.closes_minute));
        self.kept(field, hours)
    }

    fn route(&mut self, wire: Option<v1::ContactRoute>) -> Option<ContactRoute> {
        let Some(wire) = wire else { return self.missing("involvement.route") };
        let role = self.term("involvement.route.role", wire.role, terms::ContactRole::from_code);
        let work_phone: Option<Phone> = self.text("involvement.route.work_phone", wire.work_phone);
        let hours = self.hours("involvement.route.hours", wire.hours);
        let out_of_hours = if wire.out_of_hours_phone.is_empty() {
            None
        } else {
            self.text("involvement.route.out_of_hours_phone", wire.out_of_hours_phone)
        };
        Some(ContactRoute { role: role?, work_phone: work_phone?, hours: hours?, out_of_hours })
    }

    fn involvement(&mut self, wire: v1::ContactInvolvement) -> Option<InvolvementDetails> {
        let service_type =
            self.term("involvement.service_type", wire.service_type, terms::ServiceType::from_code);
        let status =
            self.term("involvement.status", wire.status, terms::InvolvementStatus::from_code);
        let sensitivity =
            self.term("involvement.sensitivity", wire.sensitivity, terms::Sensitivity::from_code);
        let disclosure_basis = self.term(
            "involvement.disclosure_basis",
            wire.disclosure_basis,
            terms::DisclosureBasis::from_code,
        );
        let subject_informed = self.term(
            "involvement.subject_informed",
            wire.subject_informed,
            terms::SubjectInformed::from_code,
        );
        let route = self.route(wire.route);
        let started = self.date("involvement.started", wire.started.as_ref());
        let confirmed_on = self.date("involvement.confirmed_on", wire.confirmed_on.as_ref());
        Some(InvolvementDetails {
            ended: self.optional_date("involvement.ended", wire.ended.as_ref()),
            retain_until: self
                .optional_date("involvement.retain_until", wire.retain_until.as_ref()),
            service_type: service_type?,
            status: status?,
            sensitivity: sensitivity?,
            disclosure_basis: disclosure_basis?,
            subject_informed: subject_informed?,
            route: route?,
            lead_practitioner: wire.lead_practitioner,
            assessment_held: wire.assessment_held,
            started: started?,
            confirmed_on: confirmed_on?,
            in_error: wire.in_error,
            disputed: wire.disputed,
        })
    }
}

/// The value of this code, or what is wrong with it.
fn known_term<T>(code: i32, from: fn(u8) -> Option<T>) -> Result<T, &'static str> {
    match u8::try_from(code).ok().and_then(from) {
        Some(value) => Ok(value),
        None if code == 0 => Err(MISSING),
        None => Err("is not a value this server knows"),
    }
}

const MISSING: &str = "is missing";

#[cfg(test)]
mod tests;
