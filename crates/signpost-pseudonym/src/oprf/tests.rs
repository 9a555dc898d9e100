//! The vectors of RFC 9497, and what both sides refuse.

use rand_core::{CryptoRng, OsRng, RngCore};

use super::*;
use crate::identifier::Identifier;
use crate::namespace::Namespace;
use crate::pseudonym::{Pseudonym, PseudonymError};

/// Gives the same scalar each time: 64 bytes, little-endian, are reduced to one.
struct FixedBlind([u8; 32]);

impl RngCore for FixedBlind {
    fn next_u32(&mut self) -> u32 {
        unreachable!("scalars are drawn as bytes")
    }
    fn next_u64(&mut self) -> u64 {
        unreachable!("scalars are drawn as bytes")
    }
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
        bytes[..32].copy_from_slice(&self.0);
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for FixedBlind {}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

/// RFC 9497, A.1.1: `Seed` is 32 times a3, `KeyInfo` is "test key".
const SK_SM: &str = "5ebcea5ee37023ccb9fc2d2019f9d7737be85591ae8652ffa9ef0f4d37063b0e";
const BLIND: &str = "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706";

fn test_key() -> EvaluationKey {
    EvaluationKey::from_bytes(EvaluationKeyId(1), &bytes(SK_SM).try_into().unwrap()).unwrap()
}

fn assert_vector(input: &str, blinded: &str, evaluated: &str, output: &str) {
    let mut rng = FixedBlind(bytes(BLIND).try_into().unwrap());
    let client = Blinded::from_input(&bytes(input), &mut rng);
    assert_eq!(hex::encode(client.message().to_bytes()), blinded, "BlindedElement");

    let received = BlindedPoint::try_from(&client.message().to_bytes()[..]).unwrap();
    let evaluation = test_key().evaluate(&received);
    assert_eq!(hex::encode(evaluation.point.to_bytes()), evaluated, "EvaluationElement");

    let received = EvaluatedPoint::try_from(&evaluation.point.to_bytes()[..]).unwrap();
    assert_eq!(hex::encode(client.finalize(&received).as_bytes()), output, "Output");
}

#[test]
fn rfc_9497_a_1_1_1_test_vector_1() {
    assert_vector(
        "00",
        "609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c",
        "7ec6578ae5120958eb2db1745758ff379e77cb64fe77b0b2d8cc917ea0869c7e",
        "527759c3d9366f277d8c6020418d96bb393ba2afb20ff90df23fb7708264e2f3\
         ab9135e3bd69955851de4b1f9fe8a0973396719b7912ba9ee8aa7d0b5e24bcf6",
    );
}

#[test]
fn rfc_9497_a_1_1_2_test_vector_2() {
    assert_vector(
        "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
        "da27ef466870f5f15296299850aa088629945a17d1f5b7f5ff043f76b3c06418",
        "b4cbf5a4f1eeda5a63ce7b77c7d23f461db3fcab0dd28e4e17cecb5c90d02c25",
        "f4a74c9c592497375e796aa837e907b1a045d34306a749db9f34221f7e750cb4\
         f2a6413a6bf6fa5e19ba6348eb673934a722a7ede2e7621306d18951e7cf2c73",
    );
}

#[test]
fn rfc_9497_a_1_1_key_is_derived_from_the_seed() {
    let derived =
        voprf::OprfServer::<voprf::Ristretto255>::new_from_seed(&[0xa3; 32], b"test key").unwrap();
    assert_eq!(derived.serialize().to_vec(), bytes(SK_SM));
}

fn pseudonym(key: &EvaluationKey, namespace: Namespace, text: &str) -> Pseudonym {
    let identifier = Identifier::parse(namespace, text).unwrap();
    let blinded = Blinded::new(&identifier, &mut OsRng);
    let evaluation = key.evaluate(blinded.message());
    blinded.finalize(&evaluation.point)
}

#[test]
fn a_pseudonym_depends_on_number_namespace_and_key_and_on_nothing_else() {
    let key = test_key();
    let first = pseudonym(&key, Namespace::Nhs, "999 000 0018");
    assert!(first == pseudonym(&key, Namespace::Nhs, "9990000018"));
    assert!(first != pseudonym(&key, Namespace::Nhs, "9990000026"));
    assert!(first != pseudonym(&key, Namespace::Chi, "9990000018"));
    let other = EvaluationKey::generate(EvaluationKeyId(2), &mut OsRng);
    assert!(first != pseudonym(&other, Namespace::Nhs, "9990000018"));
}

#[test]
fn two_blindings_of_one_identifier_have_nothing_in_common() {
    let identifier = Identifier::parse(Namespace::Nhs, "9990000018").unwrap();
    let first = Blinded::new(&identifier, &mut OsRng).message().to_bytes();
    assert_ne!(first, Blinded::new(&identifier, &mut OsRng).message().to_bytes());
}

#[test]
fn points_of_wrong_length_form_or_order_are_refused() {
    let good = test_key().evaluate(&BlindedPoint::try_from(&one_point()[..]).unwrap());
    assert!(EvaluatedPoint::try_from(&good.point.to_bytes()[..]).is_ok());

    let mut long = one_point().to_vec();
    long.push(0);
    // The field's prime, 2^255 - 19: zero, but not in its canonical encoding.
    let mut zero_again = [0xff; 32];
    (zero_again[0], zero_again[31]) = (0xed, 0x7f);
    let mut negative = one_point();
    negative[0] |= 1; // canonical encodings are of even numbers
    for (encoding, expected) in [
        (&[][..], PointError::Length { found: 0 }),
        (&one_point()[..31], PointError::Length { found: 31 }),
        (&long[..], PointError::Length { found: 33 }),
        (&[0; 32][..], PointError::Identity),
        (&zero_again[..], PointError::NotCanonical),
        (&[0xff; 32][..], PointError::NotCanonical),
        (&negative[..], PointError::NotCanonical),
    ] {
        assert_eq!(BlindedPoint::try_from(encoding).unwrap_err(), expected);
        assert_eq!(EvaluatedPoint::try_from(encoding).unwrap_err(), expected);
    }
}

fn one_point() -> [u8; 32] {
    bytes("609a0ae68c15a3cf6903766461307e5c8bb2f95e7e6550e1ffa2dc99e412803c").try_into().unwrap()
}

#[test]
fn secrets_that_are_zero_or_not_reduced_are_refused() {
    let id = EvaluationKeyId(1);
    assert_eq!(EvaluationKey::from_bytes(id, &[0; 32]).unwrap_err(), KeyError::Secret);
    assert_eq!(EvaluationKey::from_bytes(id, &[0xff; 32]).unwrap_err(), KeyError::Secret);
    assert_eq!(test_key().to_bytes().to_vec(), bytes(SK_SM));
}

#[test]
fn a_second_key_stands_beside_the_first_and_every_evaluation_names_its_key() {
    let second = EvaluationKey::generate(EvaluationKeyId(2), &mut OsRng);
    let keys = EvaluationKeys::new(test_key()).with_other(second).unwrap();
    let point = BlindedPoint::try_from(&one_point()[..]).unwrap();
    assert_eq!(keys.current().evaluate(&point).key, EvaluationKeyId(1));
    assert_eq!(keys.find(EvaluationKeyId(2)).unwrap().evaluate(&point).key, EvaluationKeyId(2));
    assert!(keys.find(EvaluationKeyId(3)).is_none());
    assert_eq!(keys.with_other(test_key()).unwrap_err(), KeyError::RepeatedId);
}

#[test]
fn keys_written_as_text_are_read_back() {
    let second = EvaluationKey::generate(EvaluationKeyId(u32::MAX), &mut OsRng);
    let keys = EvaluationKeys::new(test_key()).with_other(second).unwrap();
    let text = keys.to_text();
    assert!(text.starts_with(&format!("signpost-evaluation-key-v1 1 {SK_SM}\n")));
    let again = EvaluationKeys::from_text(&text).unwrap();
    assert_eq!(again.current().id(), EvaluationKeyId(1));
    assert_eq!(*again.to_text(), *text);
}

#[test]
fn errors_in_a_key_file_name_the_line_and_never_the_secret() {
    let good = format!("signpost-evaluation-key-v1 1 {SK_SM}");
    let cases = [
        (String::new(), KeyFileError::Empty),
        (format!("\n{good}"), KeyFileError::Form { line: 1 }),
        (format!("{good} x"), KeyFileError::Form { line: 1 }),
        (good.replace("v1", "v2"), KeyFileError::Form { line: 1 }),
        (good.replace(" 1 ", " +1 "), KeyFileError::Id { line: 1 }),
        (good.replace(" 1 ", " 01 "), KeyFileError::Id { line: 1 }),
        (good.replace(" 1 ", " 4294967296 "), KeyFileError::Id { line: 1 }),
        (format!("{good}\n{}", &good[..80]), KeyFileError::Secret { line: 2 }),
        (good.replace("5ebc", "5ebg"), KeyFileError::Secret { line: 1 }),
        (format!("{good}\r\n{good}\r\n"), KeyFileError::RepeatedId { line: 2 }),
        (
            format!("signpost-evaluation-key-v1 1 {}", "f".repeat(64)),
            KeyFileError::Secret { line: 1 },
        ),
    ];
    for (text, expected) in cases {
        let error = EvaluationKeys::from_text(&text).unwrap_err();
        assert_eq!(error, expected);
        for window in SK_SM.as_bytes().windows(4) {
            let part = std::str::from_utf8(window).unwrap();
            assert!(!format!("{error} {error:?}").contains(part));
        }
    }
}

#[test]
fn a_pseudonym_has_64_bytes() {
    assert_eq!(Pseudonym::try_from(&[7; 64][..]).unwrap().as_bytes(), &[7; 64]);
    assert_eq!(Pseudonym::try_from(&[7; 63][..]).unwrap_err(), PseudonymError { found: 63 });
    assert_eq!(Pseudonym::try_from(&[7; 65][..]).unwrap_err(), PseudonymError { found: 65 });
}

#[test]
fn secrets_and_subjects_print_as_their_types_name() {
    let identifier = Identifier::parse(Namespace::Nhs, "9990000018").unwrap();
    let blinded = Blinded::new(&identifier, &mut OsRng);
    let evaluation = test_key().evaluate(blinded.message());
    assert_eq!(format!("{identifier:#?}"), "Identifier");
    assert_eq!(format!("{:#?}", blinded.message()), "BlindedPoint");
    assert_eq!(format!("{blinded:#?}"), "Blinded");
    assert_eq!(format!("{:#?}", evaluation.point), "EvaluatedPoint");
    assert_eq!(format!("{:#?}", blinded.finalize(&evaluation.point)), "Pseudonym");
    assert_eq!(format!("{:#?}", test_key()), "EvaluationKey");
    let keys = EvaluationKeys::new(test_key());
    assert_eq!(format!("{keys:?}"), "EvaluationKeys { current: EvaluationKey, others: [] }");
}
