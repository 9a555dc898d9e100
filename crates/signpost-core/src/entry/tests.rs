//! Vectors written by hand, field by field, from the table at the head of `entry.rs`. The hashes
//! were computed from these bytes by other implementations (Python's hashlib and blake3).

use super::*;
use crate::subject::{EvaluationKeyId, NamedPseudonym, Pseudonym};
use crate::terms::Namespace;

/// Hex with comments behind `//`, blanks ignored.
fn bytes(commented: &str) -> Vec<u8> {
    let digits = commented.lines().filter_map(|line| line.split("//").next());
    hex::decode(digits.flat_map(str::split_whitespace).collect::<String>()).unwrap()
}

const ANSWER: &str = "
    0001                                // format 1
    01                                  // action ASK
    03                                  // outcome RELEASED_PARTIAL
    01                                  // role SOCIAL_WORKER
    01                                  // purpose S47_ENQUIRY
    02                                  // relationship DUTY_TEAM
    88                                  // released: FURTHER_SERVICE, TEAM_AND_DUTY_PHONE
    0000019ecb2d1f40                    // time 1781525192512 ms, 2026-06-15T12:06:32.512Z
    a0a1a2a3a4a5a6a7a8a9aaabacadaeaf    // actor
    00000000000000000000000000000000    // on nobody's behalf
    b0b1b2b3b4b5b6b7b8b9babbbcbdbebf    // organisation
    c0c1c2c3c4c5c6c7c8c9cacbcccdcecf    // team
    d0d1d2d3d4d5d6d7d8d9dadbdcdddedf    // system
    e0e1e2e3e4e5e6e7e8e9eaebecedeeef    // token
    000102030405060708090a0b0c0d0e0f    // certificate
    101112131415161718191a1b1c1d1e1f
    202122232425262728292a2b2c2d2e2f    // policy
    303132333435363738393a3b3c3d3e3f
    404142434445464748494a4b4c4d4e4f    // commitment
    505152535455565758595a5b5c5d5e5f
    606162636465666768696a6b6c6d6e6f    // detail
    707172737475767778797a7b7c7d7e7f
    01020304                            // count 16909060
    000000000000000000000000            // reserved
";
const ANSWER_LEAF: &str = "4179f74b06951f96ad01930eb784508c593ec930c4de1e81838b3a272235b7d2";

const OF_THE_SERVICE: &str = "
    0001                                // format 1
    20                                  // action FIRST_LIGHT
    01                                  // outcome DONE
    00                                  // no role
    00                                  // no purpose
    00                                  // no relationship
    00                                  // nothing released
    0000000000000000                    // time 0
    00000000000000000000000000000000    // no actor
    00000000000000000000000000000000    // on nobody's behalf
    00000000000000000000000000000000    // no organisation
    00000000000000000000000000000000    // no team
    00000000000000000000000000000000    // no system
    00000000000000000000000000000000    // no token
    00000000000000000000000000000000    // no certificate
    00000000000000000000000000000000
    00000000000000000000000000000000    // policy, here zeros
    00000000000000000000000000000000
    00000000000000000000000000000000    // no commitment
    00000000000000000000000000000000
    00000000000000000000000000000000    // no detail
    00000000000000000000000000000000
    00000000                            // count 0
    000000000000000000000000            // reserved
";
const OF_THE_SERVICE_LEAF: &str =
    "3c9f27e4d732b5b43fa019cacd9bfd179bd9510ce80b730b32141a4bb7f316a5";

const OPENING: &str = "
    02                                  // two pseudonyms
    808182838485868788898a8b8c8d8e8f    // nonce
    909192939495969798999a9b9c9d9e9f
    01                                  // namespace NHS
    00000001                            // evaluation key 1
    000102030405060708090a0b0c0d0e0f    // pseudonym
    101112131415161718191a1b1c1d1e1f
    202122232425262728292a2b2c2d2e2f
    303132333435363738393a3b3c3d3e3f
    04                                  // namespace UPN
    00000203                            // evaluation key 515
    c0c1c2c3c4c5c6c7c8c9cacbcccdcecf    // pseudonym
    d0d1d2d3d4d5d6d7d8d9dadbdcdddedf
    e0e1e2e3e4e5e6e7e8e9eaebecedeeef
    f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff
";
const OPENING_COMMITMENT: &str = "02e7601887807c08c4f7b9b0bd8e5ff70a34fa1069da4195a824f37aaa9e25ba";

fn run<const N: usize>(first: u8) -> [u8; N] {
    let mut next = first;
    [(); N].map(|()| {
        let byte = next;
        next = next.wrapping_add(1);
        byte
    })
}

fn answer() -> EntryDraft {
    EntryDraft {
        action: Action::Ask,
        outcome: Outcome::ReleasedPartial,
        party: Party {
            actor: Some(ActorId::new(run(0xA0))),
            on_behalf_of: None,
            role: Some(Role::SocialWorker),
            organisation: Some(OrganisationId::new(run(0xB0))),
            team: Some(TeamId::new(run(0xC0))),
            system: Some(SystemId::new(run(0xD0))),
            token: Some(TokenId::new(run(0xE0))),
            certificate: Some(Fingerprint::new(run(0x00))),
        },
        purpose: Some(Purpose::S47Enquiry),
        relationship: Some(Relationship::DutyTeam),
        released: 0x88,
        policy: PolicyDigest::new(run(0x20)),
        commitment: run(0x40),
        detail: run(0x60),
        count: 0x0102_0304,
    }
}

fn of_the_service() -> EntryDraft {
    EntryDraft {
        action: Action::FirstLight,
        outcome: Outcome::Done,
        party: Party::default(),
        purpose: None,
        relationship: None,
        released: 0,
        policy: PolicyDigest::new([0; 32]),
        commitment: [0; 32],
        detail: [0; 32],
        count: 0,
    }
}

fn subject() -> Subject {
    let first = NamedPseudonym {
        namespace: Namespace::Nhs,
        key: EvaluationKeyId(1),
        pseudonym: Pseudonym::new(run(0)),
    };
    let second = NamedPseudonym {
        namespace: Namespace::Upn,
        key: EvaluationKeyId(0x0203),
        pseudonym: Pseudonym::new(run(0xC0)),
    };
    Subject::try_from(vec![first, second]).unwrap()
}

fn opening() -> Opening {
    Opening::new(Nonce::new(run(0x80)), subject())
}

fn opening_bytes() -> Vec<u8> {
    let mut expected = bytes(OPENING);
    expected.resize(1 + 32 + 4 * 69, 0); // two slots unused
    expected
}

#[test]
fn an_answers_entry_is_these_bytes() {
    let entry = answer().stamp(1_781_525_192_512);
    assert_eq!(hex::encode(entry.as_bytes()), hex::encode(bytes(ANSWER)));
    assert_eq!(hex::encode(entry.leaf_hash().as_bytes()), ANSWER_LEAF);
}

#[test]
fn an_entry_of_the_service_itself_is_these_bytes() {
    let entry = of_the_service().stamp(0);
    assert_eq!(hex::encode(entry.as_bytes()), hex::encode(bytes(OF_THE_SERVICE)));
    assert_eq!(hex::encode(entry.leaf_hash().as_bytes()), OF_THE_SERVICE_LEAF);
}

#[test]
fn an_entry_reads_back_field_by_field() {
    let entry = Entry::try_from(&bytes(ANSWER)[..]).unwrap();
    assert_eq!(entry.action(), Action::Ask);
    assert_eq!(entry.outcome(), Outcome::ReleasedPartial);
    assert_eq!(entry.role(), Some(Role::SocialWorker));
    assert_eq!(entry.purpose(), Some(Purpose::S47Enquiry));
    assert_eq!(entry.released(), 0x88);
    assert_eq!(entry.time_ms(), 1_781_525_192_512);
    assert_eq!(entry.actor(), Some(ActorId::new(run(0xA0))));
    assert_eq!(entry.policy(), PolicyDigest::new(run(0x20)));
    assert_eq!(entry.commitment(), run(0x40));
    assert_eq!(entry.detail(), run(0x60));
    assert_eq!(entry.count(), 0x0102_0304);

    let entry = Entry::try_from(&bytes(OF_THE_SERVICE)[..]).unwrap();
    assert_eq!((entry.actor(), entry.role(), entry.purpose()), (None, None, None));
}

#[test]
fn every_code_survives() {
    for action in Action::ALL {
        for outcome in Outcome::ALL {
            let draft = EntryDraft { action: *action, outcome: *outcome, ..answer() };
            let entry = Entry::try_from(&draft.stamp(1).as_bytes()[..]).unwrap();
            assert_eq!((entry.action(), entry.outcome()), (*action, *outcome));
        }
    }
    for role in Role::ALL {
        let party = Party { role: Some(*role), ..answer().party };
        let entry = EntryDraft { party, ..answer() }.stamp(1);
        assert_eq!(Entry::try_from(&entry.as_bytes()[..]).unwrap().role(), Some(*role));
    }
    for purpose in Purpose::ALL {
        let entry = EntryDraft { purpose: Some(*purpose), ..answer() }.stamp(1);
        assert_eq!(Entry::try_from(&entry.as_bytes()[..]).unwrap().purpose(), Some(*purpose));
    }
}

#[test]
fn bytes_that_are_no_entry_are_refused() {
    let good = bytes(ANSWER);
    assert!(Entry::try_from(&good[..]).is_ok());
    assert_eq!(Entry::try_from(&good[..255]), Err(EntryError));
    assert_eq!(Entry::try_from(&[&good[..], &[0]].concat()[..]), Err(EntryError));
    assert_eq!(Entry::try_from(&[][..]), Err(EntryError));
    let wrong = [
        (0, 0x01), // format 257
        (1, 0x00), // format 0
        (1, 0x02), // format 2
        (2, 0x00), // no action
        (2, 0xFF), // unknown action
        (3, 0x00), // no outcome
        (3, 0xFF), // unknown outcome
        (4, 0x11), // unknown role
        (5, 0x0E), // unknown purpose
        (6, 0x06), // unknown relationship
    ];
    let reserved = (244..256).map(|offset| (offset, 0x01));
    for (offset, byte) in wrong.into_iter().chain(reserved) {
        let mut changed = good.clone();
        changed[offset] = byte;
        assert_eq!(Entry::try_from(&changed[..]), Err(EntryError), "{byte} at {offset}");
    }
}

#[test]
fn an_opening_is_these_bytes_and_this_commitment() {
    assert_eq!(hex::encode(&opening().encode()[..]), hex::encode(opening_bytes()));
    assert_eq!(hex::encode(opening().commitment()), OPENING_COMMITMENT);
}

#[test]
fn every_opening_has_one_length_and_reads_back() {
    let all: Vec<NamedPseudonym> = (0..4)
        .map(|number| NamedPseudonym {
            namespace: Namespace::Case,
            key: EvaluationKeyId(u32::MAX),
            pseudonym: Pseudonym::new([number; 64]),
        })
        .collect();
    for length in 1..=4 {
        let subject = Subject::try_from(all[..length].to_vec()).unwrap();
        let opening = Opening::new(Nonce::new([1; 32]), subject);
        let encoded = opening.encode();
        assert_eq!(encoded.len(), 309);
        assert_eq!(Opening::decode(&encoded[..]), Ok(opening));
    }
}

#[test]
fn bytes_that_are_no_opening_are_refused() {
    let good = opening_bytes();
    assert_eq!(Opening::decode(&good), Ok(opening()));
    assert_eq!(Opening::decode(&good[..308]), Err(EntryError));
    assert_eq!(Opening::decode(&[&good[..], &[0]].concat()), Err(EntryError));
    let wrong = [
        (0, 0),   // no pseudonym
        (0, 1),   // a second one behind the last
        (0, 3),   // a third one without a namespace
        (0, 5),   // more than there are slots
        (33, 0),  // no namespace
        (33, 8),  // an unknown namespace
        (171, 1), // something in an unused slot
        (308, 1), // the same, in the last byte
    ];
    for (offset, byte) in wrong {
        let mut changed = good.clone();
        changed[offset] = byte;
        assert_eq!(Opening::decode(&changed), Err(EntryError), "{byte} at {offset}");
    }
}

#[test]
fn a_commitment_says_nothing_without_its_nonce() {
    let commitment = opening().commitment();
    let fresh = Opening::new(Nonce::new(run(0x81)), subject());
    assert_ne!(fresh.commitment(), commitment, "another nonce, the same child");
    let one = Subject::try_from(subject().pseudonyms()[..1].to_vec()).unwrap();
    let fewer = Opening::new(Nonce::new(run(0x80)), one);
    assert_ne!(fewer.commitment(), commitment, "the same nonce, fewer pseudonyms");
}

#[test]
fn an_opening_prints_nothing_of_the_child() {
    let printed = format!("{:?}", opening());
    assert!(printed.contains("Pseudonym") && printed.contains("Nonce"));
    assert!(!printed.contains("254") && !printed.to_lowercase().contains("fe,"));
}

#[test]
fn on_whose_behalf_a_broker_acts_stands_behind_the_actor() {
    let mut brokered = answer();
    brokered.party.on_behalf_of = Some(ActorId::new(run(0x90)));
    let entry = brokered.stamp(0);
    assert_eq!(entry.as_bytes()[16..48], [run::<16>(0xA0), run(0x90)].concat());
    assert_eq!(entry.on_behalf_of(), Some(ActorId::new(run(0x90))));
    assert_eq!(answer().stamp(0).on_behalf_of(), None);
}
