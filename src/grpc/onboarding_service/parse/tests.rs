use proptest::prelude::*;

use super::*;

const ID: &str = "0195a5a0-6b1c-7000-8000-000000000001";

fn day(year: i32) -> v1::Date {
    v1::Date { year, month: 6, day: 1 }
}

fn organisation() -> v1::RegisterOrganisationRequest {
    v1::RegisterOrganisationRequest {
        request_id: ID.to_owned(),
        kind: v1::OrganisationKind::NhsTrust.into(),
        code_scheme: v1::CodeScheme::Ods.into(),
        code: "RX1".to_owned(),
        name: "Eastmoor Trust".to_owned(),
        area: "E10000001".to_owned(),
        authority: v1::LegalAuthority::ChildrenAct2004S11.into(),
        authority_until: Some(day(2027)),
    }
}

fn invitations() -> v1::InvitePeopleRequest {
    let conditions = v1::Conditions {
        vetting_on: Some(day(2025)),
        barred_list_checked_on: Some(day(2025)),
        training_on: Some(day(2025)),
        agreement_signed_on: Some(day(2025)),
    };
    let one = |staff: &str| v1::Invitation {
        staff_reference: staff.to_owned(),
        conditions: Some(conditions),
        code_hash: vec![7; 32],
    };
    v1::InvitePeopleRequest {
        request_id: ID.to_owned(),
        group_id: ID.to_owned(),
        people: vec![one("S1"), one("S2")],
        validate_only: false,
    }
}

fn fields<T: std::fmt::Debug>(parsed: Result<T, Invalid>) -> Vec<String> {
    parsed.unwrap_err().violations.into_iter().map(|violation| violation.field).collect()
}

#[test]
fn an_identifier_of_a_child_is_no_name_code_or_staff_reference_and_never_echoed() {
    assert!(register_organisation(&organisation()).is_ok());
    assert!(invite_people(&invitations()).is_ok());
    for identifier in ["9990000018", "999 000 0018", "B801200005001", "1000000019"] {
        let named =
            v1::RegisterOrganisationRequest { name: identifier.to_owned(), ..organisation() };
        let invalid = register_organisation(&named).unwrap_err();
        assert!(invalid.violations[0].problem.contains("identifier"), "{invalid:?}");
        assert!(!format!("{invalid:?}").contains(identifier));
        let coded =
            v1::RegisterOrganisationRequest { code: identifier.to_owned(), ..organisation() };
        assert_eq!(fields(register_organisation(&coded)), ["code"]);
        let mut staff = invitations();
        staff.people[1].staff_reference = identifier.to_owned();
        assert_eq!(fields(invite_people(&staff)), ["people[1].staff_reference"]);
    }
}

#[test]
fn every_wrong_row_is_named() {
    let mut wrong = invitations();
    wrong.group_id.clear();
    wrong.people[0].code_hash.push(0);
    wrong.people[1].conditions.as_mut().unwrap().training_on = None;
    let expected = ["group_id", "people[0].code_hash", "people[1].conditions.training_on"];
    assert_eq!(fields(invite_people(&wrong)), expected);
}

#[test]
fn five_hundred_invitations_of_the_longest_texts_fit_into_a_message() {
    use prost::Message;

    let mut request = invitations();
    request.people[0].staff_reference = "x".repeat(64);
    request.people = vec![request.people[0].clone(); 500];
    assert!(invite_people(&request).is_ok());
    let max = crate::config::Limits::default().onboarding_bytes_max as usize;
    assert!(request.encoded_len() < max, "{} bytes", request.encoded_len());
}

#[test]
fn a_page_is_1_to_500_and_0_stands_for_100() {
    let limit = |page_size, page_token: &str| {
        let page_token = page_token.to_owned();
        let parsed = organisations(&v1::ListOrganisationsRequest { page_size, page_token });
        parsed.map(|list| (list.limit, list.after))
    };
    assert_eq!(limit(0, ""), Ok((100, None)));
    assert_eq!(limit(1, ""), Ok((1, None)));
    assert_eq!(limit(500, &"0f".repeat(16)), Ok((500, Some([15; 16]))));
    for wrong in [-1, 501, i32::MIN, i32::MAX] {
        assert_eq!(fields(limit(wrong, "")), ["page_size"]);
    }
    for wrong in ["0", "zz", &"0f".repeat(15), &"0f".repeat(17), ID] {
        assert_eq!(fields(limit(1, wrong)), ["page_token"]);
    }
}

proptest! {
    #[test]
    fn no_text_number_or_bytes_panic(
        text in ".{0,80}",
        number in any::<i32>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
    ) {
        let date = Some(v1::Date { year: number, month: number, day: number });
        let wrong = v1::RegisterOrganisationRequest {
            request_id: text.clone(),
            kind: number,
            code_scheme: number,
            code: text.clone(),
            name: text.clone(),
            area: text.clone(),
            authority: number,
            authority_until: date,
        };
        prop_assert!(register_organisation(&wrong).is_err());
        let redeem = v1::RedeemCodeRequest { code: text, token_hash: bytes.clone() };
        prop_assert!(redeem_code(redeem).is_err());
        prop_assert!(crate::issuer::requested_key(&bytes).is_err());
    }
}
