//! From the wire to the directory's types: each field checked once, every wrong one named.

mod fields;

use signpost_core::directory::{
    BrokeredQuestion, ClockConfirmation, ContactEnd, NewContact, NewShield, Question, ShieldLift,
};
use signpost_core::flag::{ContactRoute, InvolvementDetails};
use signpost_core::id::{FlagId, LiftId, PersonId, RequestId};
use signpost_core::refusal::Invalid;
use signpost_core::subject::{EvaluationKeyId, NamedPseudonym, Pseudonym, Subject};
use signpost_core::terms;
use signpost_core::text::Phone;
use signpost_proto::v1;
use signpost_pseudonym::oprf::{self, EvaluationKeys};

pub(super) use fields::{Fields, known_term, read};

pub(super) fn question(
    wire: Option<v1::Question>,
    keys: &EvaluationKeys,
) -> Result<Question, Invalid> {
    let wire = wire.unwrap_or_default();
    read(|fields| {
        let subject = fields.subject(&wire.pseudonyms, keys);
        let purpose = fields.term("purpose", wire.purpose, terms::Purpose::from_code);
        let relationship =
            fields.term("relationship", wire.relationship, terms::Relationship::from_code);
        Some(Question { subject: subject?, purpose: purpose?, relationship: relationship? })
    })
}

pub(super) fn brokered_question(
    wire: v1::AskAsBrokerRequest,
    keys: &EvaluationKeys,
) -> Result<BrokeredQuestion, Invalid> {
    let question = question(wire.question, keys);
    let on_behalf_of =
        read(|fields| fields.uuid("on_behalf_of_id", &wire.on_behalf_of_id).map(PersonId::new));
    match (question, on_behalf_of) {
        (Ok(question), Ok(on_behalf_of)) => Ok(BrokeredQuestion { question, on_behalf_of }),
        (question, on_behalf_of) => {
            let invalid = [question.err(), on_behalf_of.err()].into_iter().flatten();
            Err(Invalid { violations: invalid.flat_map(|one| one.violations).collect() })
        }
    }
}

pub(super) fn new_contact(
    wire: v1::RecordContactRequest,
    keys: &EvaluationKeys,
) -> Result<NewContact, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let subject = fields.subject(&wire.pseudonyms, keys);
        let source_reference = fields.text("source_reference", wire.source_reference);
        let details = match wire.involvement {
            Some(involvement) => fields.involvement(involvement),
            None => fields.missing("involvement"),
        };
        let (request, subject) = (request?, subject?);
        Some(NewContact {
            request,
            subject,
            details: details?,
            source_reference: source_reference?,
        })
    })
}

pub(super) fn contact_end(
    wire: &v1::EndContactRequest,
    keys: &EvaluationKeys,
) -> Result<ContactEnd, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let subject = fields.subject(&wire.pseudonyms, keys);
        let flag = fields.uuid("contact_id", &wire.contact_id).map(FlagId::new);
        let ended = fields.date("ended", wire.ended.as_ref());
        Some(ContactEnd { request: request?, subject: subject?, flag: flag?, ended: ended? })
    })
}

pub(super) fn new_shield(
    wire: &v1::SetShieldRequest,
    keys: &EvaluationKeys,
) -> Result<NewShield, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let subject = fields.subject(&wire.pseudonyms, keys);
        let kind = fields.term("kind", wire.kind, terms::ShieldKind::from_code);
        let review_due = fields.date("review_due", wire.review_due.as_ref());
        let (request, subject) = (request?, subject?);
        Some(NewShield { request, subject, kind: kind?, review_due: review_due? })
    })
}

pub(super) fn shield_lift(
    wire: &v1::LiftShieldRequest,
    keys: &EvaluationKeys,
) -> Result<ShieldLift, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let subject = fields.subject(&wire.pseudonyms, keys);
        let lift = if wire.lift_id.is_empty() {
            None
        } else {
            fields.uuid("lift_id", &wire.lift_id).map(LiftId::new)
        };
        Some(ShieldLift { request: request?, subject: subject?, lift })
    })
}

pub(super) fn clock_confirmation(
    wire: &v1::ConfirmClockRequest,
) -> Result<ClockConfirmation, Invalid> {
    read(|fields| Some(ClockConfirmation { request: fields.request(&wire.request_id)? }))
}

impl Fields {
    /// The client's own id of a write.
    pub(super) fn request(&mut self, text: &str) -> Option<RequestId> {
        self.uuid("request_id", text).map(RequestId::new)
    }

    pub(super) fn subject(
        &mut self,
        wire: &[v1::Pseudonym],
        keys: &EvaluationKeys,
    ) -> Option<Subject> {
        if wire.len() > Subject::PSEUDONYMS_MAX {
            return self.wrong("pseudonyms", "a child has at most 4 pseudonyms in one request");
        }
        let before = self.wrong_so_far();
        let named: Vec<NamedPseudonym> = wire
            .iter()
            .enumerate()
            .filter_map(|(index, one)| self.pseudonym(index, one, keys))
            .collect();
        if self.wrong_so_far() > before {
            return None;
        }
        self.kept("pseudonyms", Subject::try_from(named))
    }

    fn pseudonym(
        &mut self,
        index: usize,
        wire: &v1::Pseudonym,
        keys: &EvaluationKeys,
    ) -> Option<NamedPseudonym> {
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
        let known = keys.find(id).is_some();
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

#[cfg(test)]
mod tests;
