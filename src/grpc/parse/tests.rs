use proptest::prelude::*;
use signpost_pseudonym::oprf::EvaluationKey;

use super::*;

fn pseudonym(byte: u8) -> v1::Pseudonym {
    v1::Pseudonym {
        namespace: v1::Namespace::Nhs.into(),
        evaluation_key_id: 1,
        value: vec![byte; 64],
    }
}

/// Key 1 and no other.
fn keys() -> EvaluationKeys {
    let one = EvaluationKey::from_bytes(oprf::EvaluationKeyId(1), &{
        let mut scalar = [0; 32];
        scalar[0] = 1;
        scalar
    });
    EvaluationKeys::new(one.unwrap())
}

fn good_contact() -> v1::RecordContactRequest {
    let day = |day| Some(v1::Date { year: 2026, month: 1, day });
    v1::RecordContactRequest {
        request_id: "0195a5a0-6b1c-7000-8000-000000000001".to_owned(),
        pseudonyms: vec![pseudonym(1)],
        source_reference: "CASE-1".to_owned(),
        involvement: Some(v1::ContactInvolvement {
            service_type: v1::ServiceType::EarlyHelp.into(),
            status: v1::InvolvementStatus::Active.into(),
            sensitivity: v1::Sensitivity::Standard.into(),
            disclosure_basis: v1::DisclosureBasis::PublicTask.into(),
            subject_informed: v1::SubjectInformed::Informed.into(),
            route: Some(v1::ContactRoute {
                role: v1::ContactRole::DutyWorker.into(),
                work_phone: "+441632960001".to_owned(),
                hours: Some(v1::Hours { days: 31, opens_minute: 540, closes_minute: 1020 }),
                out_of_hours_phone: String::new(),
            }),
            started: day(5),
            confirmed_on: day(6),
            ..v1::ContactInvolvement::default()
        }),
    }
}

fn wrong_fields(change: impl FnOnce(&mut v1::RecordContactRequest)) -> Vec<String> {
    let mut request = good_contact();
    change(&mut request);
    let invalid = new_contact(request, &keys()).unwrap_err();
    invalid.violations.into_iter().map(|violation| violation.field).collect()
}

fn involvement(request: &mut v1::RecordContactRequest) -> &mut v1::ContactInvolvement {
    request.involvement.as_mut().unwrap()
}

fn route(request: &mut v1::RecordContactRequest) -> &mut v1::ContactRoute {
    involvement(request).route.as_mut().unwrap()
}

#[test]
fn a_whole_contact_is_read() {
    let contact = new_contact(good_contact(), &keys()).unwrap();
    assert_eq!(contact.subject.pseudonyms().len(), 1);
    assert_eq!(contact.details.ended, None);
}

#[test]
fn each_wrong_field_is_named() {
    assert_eq!(wrong_fields(|r| r.request_id.clear()), ["request_id"]);
    assert_eq!(wrong_fields(|r| r.pseudonyms.clear()), ["pseudonyms"]);
    assert_eq!(wrong_fields(|r| r.pseudonyms = (0..5).map(pseudonym).collect()), ["pseudonyms"]);
    assert_eq!(wrong_fields(|r| r.pseudonyms.push(pseudonym(1))), ["pseudonyms"]);
    assert_eq!(wrong_fields(|r| r.pseudonyms[0].value.truncate(63)), ["pseudonyms[0].value"]);
    assert_eq!(wrong_fields(|r| r.pseudonyms[0].namespace = 99), ["pseudonyms[0].namespace"]);
    assert_eq!(
        wrong_fields(|r| r.pseudonyms[0].evaluation_key_id = 2),
        ["pseudonyms[0].evaluation_key_id"]
    );
    assert_eq!(wrong_fields(|r| r.source_reference = "a b".to_owned()), ["source_reference"]);
    assert_eq!(wrong_fields(|r| r.involvement = None), ["involvement"]);
    assert_eq!(wrong_fields(|r| involvement(r).started = None), ["involvement.started"]);
    let no_day = Some(v1::Date { year: 2026, month: 2, day: 30 });
    assert_eq!(wrong_fields(|r| involvement(r).ended = no_day), ["involvement.ended"]);
    assert_eq!(
        wrong_fields(|r| involvement(r).retain_until = no_day),
        ["involvement.retain_until"]
    );
    assert_eq!(wrong_fields(|r| involvement(r).service_type = 300), ["involvement.service_type"]);
    assert_eq!(wrong_fields(|r| route(r).hours = None), ["involvement.route.hours"]);
    assert_eq!(
        wrong_fields(|r| route(r).out_of_hours_phone = "01632".to_owned()),
        ["involvement.route.out_of_hours_phone"]
    );
}

#[test]
fn all_wrong_fields_are_told_at_once() {
    let fields = wrong_fields(|request| {
        request.request_id.clear();
        request.source_reference.clear();
        route(request).work_phone.clear();
    });
    assert_eq!(fields, ["request_id", "source_reference", "involvement.route.work_phone"]);
}

#[test]
fn an_identifier_in_a_text_is_refused_and_never_echoed() {
    for identifier in ["9990000018", "B801200005001", "1000000019"] {
        let mut request = good_contact();
        request.source_reference = identifier.to_owned();
        let invalid = new_contact(request, &keys()).unwrap_err();
        assert_eq!(invalid.violations[0].field, "source_reference");
        assert!(invalid.violations[0].problem.contains("identifier"));
        assert!(!format!("{invalid:?}").contains(identifier));
    }
    assert_eq!(
        wrong_fields(|r| route(r).work_phone = "+9990000018".to_owned()),
        ["involvement.route.work_phone"]
    );
}

proptest! {
    #[test]
    fn no_question_panics_and_none_passes_half_right(
        count in 0_usize..7,
        length in 60_usize..68,
        namespace in -1_i32..300,
        purpose in any::<i32>(),
        relationship in -1_i32..8,
    ) {
        let pseudonyms = (0..count)
            .map(|index| v1::Pseudonym {
                namespace,
                evaluation_key_id: 1,
                value: vec![u8::try_from(index).unwrap(); length],
            })
            .collect();
        let wire = v1::Question { pseudonyms, purpose, relationship };
        let is_good = (1..=4).contains(&count)
            && length == 64
            && (1..=7).contains(&namespace)
            && (1..=13).contains(&purpose)
            && (1..=5).contains(&relationship);
        prop_assert_eq!(question(Some(wire), &keys()).is_ok(), is_good);
    }

    #[test]
    fn no_text_or_number_panics(
        text in ".{0,80}",
        number in any::<i32>(),
        unsigned in any::<u32>(),
    ) {
        let mut request = good_contact();
        request.request_id.clone_from(&text);
        request.source_reference.clone_from(&text);
        route(&mut request).work_phone.clone_from(&text);
        let hours = v1::Hours { days: unsigned, opens_minute: unsigned, closes_minute: unsigned };
        route(&mut request).hours = Some(hours);
        let date = v1::Date { year: number, month: number, day: number };
        involvement(&mut request).started = Some(date);
        prop_assert!(new_contact(request, &keys()).is_err());
    }
}
