//! Properties over numbers that are right by construction, and over any text.

use proptest::prelude::*;
use signpost_pseudonym::identifier::{Identifier, IdentifierError, looks_like_identifier};
use signpost_pseudonym::namespace::{Namespace, OrganisationCode};

use crate::reference::{LETTERS, health_number, uln, upn};

fn body() -> impl Strategy<Value = [u8; 9]> {
    prop::array::uniform9(0_u8..=9)
}

/// Valid health numbers, without the placeholders that pass the check.
fn health_numbers() -> impl Strategy<Value = String> {
    body()
        .prop_filter_map("no check digit", |body| health_number(&body))
        .prop_filter("placeholder", |n| {
            n != "0123456789" && !n.bytes().all(|b| b == n.as_bytes()[0])
        })
}

/// Valid ULNs; the only placeholder that passes the check is ten nines.
fn learner_numbers() -> impl Strategy<Value = String> {
    body()
        .prop_filter_map("no check digit", |body| uln(&body))
        .prop_filter("ten nines", |number| number != "9999999999")
}

fn authority() -> impl Strategy<Value = u16> {
    prop::sample::select(vec![1, 5, 201, 330, 420, 681, 708, 801, 815, 838, 938, 943])
}

fn permanent_pupil_numbers() -> impl Strategy<Value = String> {
    (authority(), 0..100_000_000_u32, 0..=9_u32)
        .prop_map(|(a, middle, last)| upn(a, middle, char::from_digit(last, 10).unwrap()))
}

fn temporary_pupil_numbers() -> impl Strategy<Value = String> {
    (authority(), 0..100_000_000_u32, 0..LETTERS.len())
        .prop_map(|(a, middle, last)| upn(a, middle, LETTERS.chars().nth(last).unwrap()))
}

/// A namespace and a valid number of it.
fn valid() -> impl Strategy<Value = (Namespace, String)> {
    let health = prop::sample::select(vec![Namespace::Nhs, Namespace::Chi, Namespace::Hcn]);
    prop_oneof![
        (health, health_numbers()),
        (Just(Namespace::Uln), learner_numbers()),
        (Just(Namespace::Upn), permanent_pupil_numbers()),
        (Just(Namespace::UpnTemp), temporary_pupil_numbers()),
    ]
}

/// Between two characters: nothing, or what people and programs put there.
fn separators() -> impl Strategy<Value = Vec<&'static str>> {
    let one = prop::sample::select(vec![
        "", "", " ", "  ", "-", "\u{A0}", "\u{2009}", "\u{200B}", "\u{FEFF}", "\u{2011}", "–", ".",
    ]);
    prop::collection::vec(one, 14)
}

fn full_width(character: char) -> char {
    char::from_u32(u32::from(character) + 0xFEE0).unwrap()
}

/// Any text, and texts near to an identifier.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9A-Ze+. \u{2013}\u{FEFF}０-９٠-٩ßﷺ-]{0,20}",
        "[0-9]{8,12}(\\.0|E\\+09)?",
        "[A-Z][0-9]{11}[0-9A-Z]",
        "\\PC{200,600}",
    ]
}

fn all_namespaces() -> Vec<Namespace> {
    use Namespace::{Case, Chi, Hcn, Nhs, Uln, Upn, UpnTemp};
    let organisation: OrganisationCode = "RXA".parse().unwrap();
    vec![Nhs, Chi, Hcn, Upn, UpnTemp, Uln, Case(organisation)]
}

proptest! {
    #[test]
    fn valid_numbers_are_accepted_as_they_are((namespace, number) in valid()) {
        let identifier = Identifier::parse(namespace.clone(), &number).unwrap();
        let expected = format!("{namespace}\u{1F}{number}");
        prop_assert_eq!(identifier.oprf_input(), expected.as_bytes());
        prop_assert!(looks_like_identifier(&number));
    }

    #[test]
    fn every_single_wrong_digit_is_caught((namespace, number) in valid()) {
        for (index, right) in number.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
            for wrong in ('0'..='9').filter(|wrong| *wrong != right) {
                let mut mistyped = number.clone();
                mistyped.replace_range(index..=index, &wrong.to_string());
                prop_assert!(Identifier::parse(namespace.clone(), &mistyped).is_err());
            }
        }
    }

    #[test]
    fn every_wrong_letter_of_a_pupil_number_is_caught(number in temporary_pupil_numbers()) {
        for index in [0, 12] {
            for wrong in ('A'..='Z').filter(|wrong| !number[index..].starts_with(*wrong)) {
                let mut mistyped = number.clone();
                mistyped.replace_range(index..=index, &wrong.to_string());
                prop_assert!(Identifier::parse_upn(&mistyped).is_err());
            }
        }
    }

    #[test]
    fn every_swap_of_two_unequal_characters_is_caught((namespace, number) in valid()) {
        for first in 0..number.len() {
            for second in first + 1..number.len() {
                let mut swapped = number.clone().into_bytes();
                swapped.swap(first, second);
                if swapped != number.as_bytes() {
                    let swapped = String::from_utf8(swapped).unwrap();
                    prop_assert!(Identifier::parse(namespace.clone(), &swapped).is_err());
                }
            }
        }
    }

    #[test]
    fn spelling_never_changes_the_result(
        (namespace, number) in valid(),
        separators in separators(),
        wide in prop::collection::vec(any::<bool>(), 13),
        lower in any::<bool>(),
    ) {
        let mut spelled = separators[13].to_owned();
        for (index, character) in number.chars().enumerate() {
            let character = if lower { character.to_ascii_lowercase() } else { character };
            spelled.push(if wide[index] { full_width(character) } else { character });
            spelled.push_str(separators[index]);
        }
        // A dot before a last zero, or before zeros only, is a decimal number by design.
        let visible: String = spelled.chars().filter(|c| !c.is_whitespace()).collect();
        let is_dotted = visible.contains(['.', '．']);
        match Identifier::parse(namespace.clone(), &spelled) {
            Ok(identifier) => {
                let plain = Identifier::parse(namespace, &number).unwrap();
                prop_assert!(identifier == plain);
                prop_assert_eq!(identifier.warning(), plain.warning());
            }
            Err(error) => {
                prop_assert!(is_dotted && number.ends_with('0'));
                prop_assert_eq!(error, IdentifierError::TrailingPointZero);
            }
        }
    }

    #[test]
    fn no_text_makes_a_parser_panic_and_no_error_quotes_it(text in any_text()) {
        let _ = looks_like_identifier(&text);
        let _ = text.parse::<OrganisationCode>();
        let _ = text.parse::<Namespace>();
        let mut results: Vec<_> =
            all_namespaces().into_iter().map(|n| Identifier::parse(n, &text)).collect();
        results.push(Identifier::parse_upn(&text));
        let digits: Vec<char> = text.chars().filter(char::is_ascii_digit).collect();
        for error in results.into_iter().filter_map(Result::err) {
            let said = format!("{error} {error:?}");
            for part in digits.windows(4) {
                prop_assert!(!said.contains(&part.iter().collect::<String>()), "{}", said);
            }
            // Stronger: a count or a position has three digits at most.
            let run = said.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
            prop_assert!(run <= Some(3), "{}", said);
        }
    }

    #[test]
    fn no_number_is_a_health_number_and_a_uln(number in "[0-9]{10}") {
        let health = Identifier::parse(Namespace::Nhs, &number).is_ok();
        prop_assert!(!(health && Identifier::parse(Namespace::Uln, &number).is_ok()));
    }

    #[test]
    fn a_number_of_the_other_kind_is_called_by_its_name(
        health in health_numbers(),
        learner in learner_numbers(),
    ) {
        use IdentifierError::{LooksLikeNhsNumber, LooksLikeUln};
        prop_assert_eq!(Identifier::parse(Namespace::Nhs, &learner).unwrap_err(), LooksLikeUln);
        let error = Identifier::parse(Namespace::Uln, &health).unwrap_err();
        prop_assert_eq!(error, LooksLikeNhsNumber);
    }

    #[test]
    fn an_identifier_prints_as_its_types_name((namespace, number) in valid()) {
        let identifier = Identifier::parse(namespace, &number).unwrap();
        prop_assert_eq!(format!("{identifier:?} {identifier:#?}"), "Identifier Identifier");
    }

    #[test]
    fn a_case_number_is_its_own_canonical_form(text in "[ -~]{1,64}") {
        let organisation: OrganisationCode = "RXA".parse().unwrap();
        let namespace = Namespace::Case(organisation);
        if let Ok(identifier) = Identifier::parse(namespace.clone(), &text) {
            let value = std::str::from_utf8(&identifier.oprf_input()["case:RXA\u{1F}".len()..]);
            prop_assert!(identifier == Identifier::parse(namespace, value.unwrap()).unwrap());
        }
    }
}
