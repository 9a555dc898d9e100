//! Published numbers and their verdicts, right and wrong, and each error with its cause.

use signpost_pseudonym::identifier::IdentifierError as Error;
use signpost_pseudonym::identifier::{Identifier, IdentifierWarning, looks_like_identifier};
use signpost_pseudonym::namespace::{Namespace, NamespaceError};

fn parse(namespace: &str, text: &str) -> Result<Identifier, Error> {
    Identifier::parse(namespace.parse().unwrap(), text)
}

fn assert_input(namespace: &str, text: &str, value: &str) {
    let identifier = parse(namespace, text).unwrap();
    assert_eq!(identifier.oprf_input(), format!("{namespace}\u{1F}{value}").as_bytes());
}

fn assert_refused(namespace: &str, cases: &[(&str, Error)]) {
    for (text, expected) in cases {
        assert_eq!(parse(namespace, text).unwrap_err(), *expected, "{namespace} {text}");
    }
}

const HEALTH_NUMBERS: &[&str] = &[
    "943 476 5919",
    "943 476 5870",
    "987 654 3210",
    "931 331 7125",
    "546 606 6893",
    "900 000 0009",
    "944 930 6060",
    "999 000 0018",
    "999 000 0026",
    "999 000 0034",
    "999 000 0042",
    "999 000 0050",
    "999 000 0069",
    "999 000 0077",
    "999 000 0085",
    "999 000 0093",
    "999 000 0107",
    "999 000 0115",
    "999 000 0123",
    "999 000 0131",
    "999 000 0158",
    "999 000 0166",
    "999 000 0174",
    "999 000 0182",
    "999 000 0190",
    "999 999 9468",
];

#[test]
fn valid_health_numbers_are_accepted_in_their_own_namespace() {
    for text in HEALTH_NUMBERS {
        for namespace in ["nhs", "chi", "hcn"] {
            assert_input(namespace, text, &text.replace(' ', ""));
        }
    }
}

#[test]
fn wrong_health_numbers_are_refused() {
    let cases = [
        ("943 476 5871", Error::WrongCheckDigit),
        ("987 654 3211", Error::WrongCheckDigit),
        ("999 123 4560", Error::NoValidCheckDigit), // printed as an example
        ("987 654 4321", Error::LooksLikeUln),      // printed as an example; 2 would be right
        ("123 456 7890", Error::NoValidCheckDigit),
        ("012 345 6789", Error::Placeholder),
        ("123 456 7899", Error::LooksLikeUln),
        ("100 000 0000", Error::LooksLikeUln),
    ];
    for namespace in ["nhs", "chi", "hcn"] {
        assert_refused(namespace, &cases);
    }
}

#[test]
fn ten_equal_digits_pass_modulo_11_and_are_refused() {
    for digit in 0..=9 {
        let text = digit.to_string().repeat(10);
        for namespace in ["nhs", "chi", "hcn"] {
            assert_refused(namespace, &[(&text, Error::Placeholder)]);
        }
        let expected = if digit == 9 { Error::UlnTemporary } else { Error::Placeholder };
        assert_refused("uln", &[(&text, expected)]);
        assert!(!looks_like_identifier(&text));
    }
}

#[test]
fn bodies_without_a_check_digit_are_refused_whatever_the_last_digit() {
    for body in ["999000000", "999000014", "999000028", "999000031"] {
        for last in 0..=9 {
            let error = parse("nhs", &format!("{body}{last}")).unwrap_err();
            let uln = error == Error::LooksLikeUln && last == 9;
            assert!(uln || error == Error::NoValidCheckDigit, "{body}{last}: {error}");
        }
    }
    for last in (0..=9).filter(|last| *last != 0) {
        assert_refused("uln", &[(&format!("100000006{last}"), Error::NoValidCheckDigit)]);
    }
    assert_refused("uln", &[("1000000060", Error::LooksLikeNhsNumber)]);
}

#[test]
fn learner_numbers() {
    for text in [
        "1000000000",
        "1000000019",
        "1000000027",
        "1000000035",
        "1000000043",
        "1000000051",
        "1000000078",
        "1000000086",
        "1000000094",
        "1000000108",
        "1234567899",
        "9020000011",
    ] {
        assert_input("uln", text, text);
    }
    assert_refused(
        "uln",
        &[
            ("1000000001", Error::LooksLikeNhsNumber),
            ("1000000002", Error::WrongCheckDigit),
            ("1000000042", Error::WrongCheckDigit),
            ("9876543210", Error::LooksLikeNhsNumber),
            ("9434765919", Error::LooksLikeNhsNumber),
            ("9999999999", Error::UlnTemporary),
            ("100000001", Error::NineDigits),
        ],
    );
}

#[test]
fn pupil_numbers() {
    for text in
        ["B801200005001", "H801200001001", "T938202025031", "U815202412345", "H815202412346"]
    {
        assert_input("upn", text, text);
        assert_refused("upn-temp", &[(text, Error::PermanentUpn)]);
        assert_eq!(Identifier::parse_upn(text).unwrap().namespace(), &Namespace::Upn);
    }
    for text in ["U80120000100A", "D93820202503A"] {
        assert_input("upn-temp", text, text);
        assert_refused("upn", &[(text, Error::TemporaryUpn)]);
        assert_eq!(Identifier::parse_upn(text).unwrap().namespace(), &Namespace::UpnTemp);
    }
    let cases = [
        ("A801200005001", Error::WrongCheckLetter),
        ("X80120000A001", Error::LetterNotInLastPlace { position: 10 }),
        ("E000200005001", Error::UnknownLocalAuthority),
        ("B8O1200005001", Error::LetterNotInAlphabet { position: 3 }),
        ("B80I200005001", Error::LetterNotInAlphabet { position: 4 }),
        ("B801200005S01", Error::LetterNotInAlphabet { position: 11 }),
        ("I801200005001", Error::LetterNotInAlphabet { position: 1 }),
        ("B80120000500I", Error::LetterNotInAlphabet { position: 13 }),
        ("8801200005001", Error::UnexpectedCharacter { position: 1 }),
        ("B801200005/01", Error::UnexpectedCharacter { position: 11 }),
        ("B80120000500", Error::WrongLength { expected: 13, found: 12 }),
        ("B8012000050011", Error::WrongLength { expected: 13, found: 14 }),
    ];
    assert_refused("upn", &cases);
    assert_refused("upn-temp", &cases);
    for (text, expected) in cases {
        assert_eq!(Identifier::parse_upn(text).unwrap_err(), expected);
    }
}

#[test]
fn spelling_does_not_matter() {
    for text in [
        "9434765919",
        " 943-476-5919\t",
        "943.476.5919",
        "943\u{A0}476\u{202F}5919",
        "\u{FEFF}943\u{2013}476\u{2212}5919",
        "9\u{200B}434765919\u{200D}",
        "９４３４７６５９１９",
        "\u{202D}9434765919\u{202C}",
        "943\u{B7}476\u{30FB}5919",
        "943\u{AD}4765919\r\n",
    ] {
        assert_input("nhs", text, "9434765919");
    }
    assert_input("upn", "b801-2000-05001", "B801200005001");
    assert_input("upn-temp", "Ｕ801 20000100ａ", "U80120000100A");
}

#[test]
fn what_normalisation_refuses() {
    for namespace in ["nhs", "chi", "hcn", "uln"] {
        assert_refused(
            namespace,
            &[
                ("", Error::Empty),
                (" -\u{FEFF}. ", Error::Empty),
                ("943476591", Error::NineDigits),
                ("12345678", Error::WrongLength { expected: 10, found: 8 }),
                ("94347659190", Error::WrongLength { expected: 10, found: 11 }),
                ("9434765919.0", Error::TrailingPointZero),
                ("943476591.0", Error::TrailingPointZero), // ten digits without the dot
                ("943476591\u{B7}0", Error::TrailingPointZero),
                ("943476591 .0 \u{200B}", Error::TrailingPointZero),
                ("94347659.00", Error::TrailingPointZero),
                ("９４３４７６５９１．０", Error::TrailingPointZero),
                ("9.43477E+09", Error::ExponentForm),
                ("9.43477e\u{2212}09", Error::ExponentForm),
                ("9.434765919E9", Error::ExponentForm),
                ("9E+09", Error::ExponentForm),
                ("943476591\u{669}", Error::OtherScriptDigits { position: 10 }),
                ("\u{96F}434765919", Error::OtherScriptDigits { position: 1 }),
                ("943 476 59l9", Error::UnexpectedCharacter { position: 9 }),
                ("943/4765919", Error::UnexpectedCharacter { position: 4 }),
                ("943,476,5919", Error::UnexpectedCharacter { position: 4 }),
                ("９43—476—59\u{4E5D}9", Error::UnexpectedCharacter { position: 9 }),
                ("94o4765919", Error::LetterNotInAlphabet { position: 3 }),
                ("94347659I9", Error::LetterNotInAlphabet { position: 9 }),
            ],
        );
    }
    let long = "9".repeat(257);
    assert_refused("nhs", &[(&long, Error::TooLong { max: 256 })]);
    assert_refused("case:RXA", &[(&long.repeat(9), Error::TooLong { max: 256 })]);
}

#[test]
fn odd_ranges_are_accepted_with_a_warning_that_names_them() {
    use IdentifierWarning::{
        InChiRange, InHcnRange, InTestRange, OutsideChiRange, OutsideHcnRange, Unissued,
    };
    for (namespace, text, expected) in [
        ("nhs", "9434765919", Some(Unissued)), // outside the known ranges
        ("nhs", "4010232137", None),
        ("nhs", "0101010001", Some(InChiRange)),
        ("nhs", "3112999991", Some(InChiRange)),
        ("nhs", "3113000009", None),
        ("nhs", "3200000015", Some(InHcnRange)),
        ("nhs", "3200000007", None),
        ("nhs", "3999999993", Some(InHcnRange)),
        ("nhs", "5466066893", Some(Unissued)),
        ("nhs", "0000000019", Some(Unissued)),
        ("nhs", "9990000018", Some(InTestRange)),
        ("nhs", "9989999996", Some(Unissued)),
        ("chi", "9990000018", Some(InTestRange)),
        ("chi", "0101010001", None),
        ("chi", "9434765919", Some(OutsideChiRange)),
        ("hcn", "3200000015", None),
        ("hcn", "9434765919", Some(OutsideHcnRange)),
        ("uln", "1000000019", None),
        ("upn", "B801200005001", None),
    ] {
        assert_eq!(parse(namespace, text).unwrap().warning(), expected, "{namespace} {text}");
    }
    assert!(InChiRange.to_string().contains("010 101 0000 and 311 299 9999"));
    assert!(InHcnRange.to_string().contains("320 000 0010 and 399 999 9999"));
    assert!(InTestRange.to_string().contains("999 000 0000 and 999 999 9999"));
}

#[test]
fn case_numbers_keep_what_stands_in_them() {
    assert_input("case:RXA", "12-3", "12-3");
    assert_input("case:RXA", "1-23", "1-23");
    assert_input("case:RXA", "ab 1.2/ｘ", "AB 1.2/X");
    assert_input("case:RXA", "23e0045", "23E0045");
    assert_input("case:RXA", &"é".repeat(64), &"É".repeat(64));
    assert!(parse("case:RXA", "12-3").unwrap() != parse("case:RXA", "1-23").unwrap());
    assert!(parse("case:RXA", "12-3").unwrap() != parse("case:RXB", "12-3").unwrap());
    assert!(parse("case:RXA", "12-3a").unwrap() == parse("case:RXA", "12-3A").unwrap());
    assert_refused(
        "case:RXA",
        &[
            ("", Error::Empty),
            ("123.0", Error::TrailingPointZero),
            ("1.2E+10", Error::ExponentForm),
            (" 12", Error::InvisibleCharacter { position: 1 }),
            ("12\u{A0}", Error::InvisibleCharacter { position: 3 }),
            ("1\n2", Error::InvisibleCharacter { position: 2 }),
            ("1\u{1F}2", Error::InvisibleCharacter { position: 2 }),
            ("1\u{200B}2", Error::InvisibleCharacter { position: 2 }),
            (&"x".repeat(65), Error::TooLong { max: 64 }),
        ],
    );
}

#[test]
fn namespaces_have_one_name_each() {
    for name in ["nhs", "chi", "hcn", "upn", "upn-temp", "uln", "case:RXA", "case:A1B2C3D4E5F6"] {
        assert_eq!(name.parse::<Namespace>().unwrap().to_string(), name);
    }
    for (name, expected) in [
        ("", NamespaceError::Unknown),
        ("NHS", NamespaceError::Unknown),
        ("upn_temp", NamespaceError::Unknown),
        ("case", NamespaceError::Unknown),
        ("case:", NamespaceError::OrganisationCode),
        ("case:RX", NamespaceError::OrganisationCode),
        ("case:rxa", NamespaceError::OrganisationCode),
        ("case:RXA ", NamespaceError::OrganisationCode),
        ("case:A1B2C3D4E5F6G", NamespaceError::OrganisationCode),
        ("case:9434765919", NamespaceError::LooksLikeIdentifier),
    ] {
        assert_eq!(name.parse::<Namespace>().unwrap_err(), expected, "{name}");
    }
}

#[test]
fn identifiers_in_free_text_are_recognised() {
    for text in HEALTH_NUMBERS {
        assert!(looks_like_identifier(text), "{text}");
    }
    for text in [
        "1000000019",
        "b801-200005001",
        "U80120000100A",
        "E000200005001",
        "９４３ ４７６ ５９１９",
        "9434765919.0",
    ] {
        assert!(looks_like_identifier(text), "{text}");
    }
    for text in ["", "RXA", "Duty desk", "+441609780780", "9434765871", "A801200005001", "12-3"] {
        assert!(!looks_like_identifier(text), "{text}");
    }
}
