//! The examples of the specifications, and what is refused.

use super::checkpoint::Checkpoint;
use super::key::{Algorithm, KeyError};
use super::signer::{LogSigner, Seed, WitnessSigner};
use super::*;

/// C2SP signed-note, "Verifier keys", "Example".
const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
    Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// C2SP tlog-cosignature: a checkpoint with a cosignature, whose keys are not published.
const COSIGNED: &str = "example.com/behind-the-sofa\n20852163\n\
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
    \u{2014} example.com/behind-the-sofa \
    Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
    \u{2014} witness.example.com/w1 \
    jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

fn key() -> VerifierKey {
    KEY.parse().unwrap()
}

#[test]
fn the_example_of_the_specification_verifies_and_prints_as_it_is() {
    let note = Note::parse(NOTE.as_bytes()).unwrap();
    assert_eq!(note.verify(&key()), Ok(None));
    assert_eq!(note.text(), "This is an example message.\n");
    assert_eq!(note.to_string(), NOTE);
    assert_eq!(key().to_string(), KEY);
    assert_eq!((key().name(), key().algorithm()), ("example.com/foo", Algorithm::Ed25519));
}

#[test]
fn a_known_key_makes_the_known_signature() {
    let seed = BASE64.decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
    let seed = Seed::new(seed[1..].try_into().unwrap());
    let signer = LogSigner::new("PeterNeumann", &seed).unwrap();
    let verifier = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert_eq!(signer.verifier().to_string(), verifier);
    let text = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n";
    let note = Note::new(text.to_owned()).unwrap();
    let line = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZ\
                SNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
    assert_eq!(signer.sign(&note).to_string(), line);
}

#[test]
fn the_example_of_a_cosignature_is_read() {
    let note = Note::parse(COSIGNED.as_bytes()).unwrap();
    assert_eq!(note.to_string(), COSIGNED);
    let [log, witness] = note.signatures() else { panic!("two signatures") };
    assert_eq!((log.bytes.len(), witness.bytes.len()), (64, 72));
    assert_eq!(witness.bytes[..8], 1_679_315_147_u64.to_be_bytes());
    assert_eq!(note.verify(&key()), Err(NoteError::NotSigned { key: KEY.to_owned() }));
}

#[test]
fn every_change_of_a_note_is_found() {
    for place in 0..NOTE.len() {
        let mut bytes = NOTE.as_bytes().to_vec();
        bytes[place] ^= 1;
        let verified = Note::parse(&bytes).and_then(|note| note.verify(&key()));
        assert!(verified.is_err(), "byte {place}");
        assert!(Note::parse(&NOTE.as_bytes()[..place]).is_err(), "cut to {place}");
    }
}

#[test]
fn what_is_no_note_is_refused_with_its_line() {
    let refused = |text: &str| Note::parse(text.as_bytes()).unwrap_err().to_string();
    assert!(refused("text\n").starts_with("line 1: no empty line"));
    assert!(refused("text\n\n").starts_with("line 3: no signatures"));
    assert!(refused("a\n\tb\n\n").starts_with("line 2: a control character"));
    assert!(
        refused(&NOTE.replace("\u{2014}", "-")).starts_with("line 3: not a line of a signature")
    );
    assert!(refused(&NOTE.replace("foo U", "foo+ U")).starts_with("line 3: not the name"));
    assert!(refused(&NOTE.replace("Q2=", "Q3=").replace("aQM=", "aQN=")).contains("base64"));
    let many =
        NOTE.to_owned() + &NOTE.lines().nth(2).map(|line| format!("{line}\n")).unwrap().repeat(100);
    assert!(refused(&many).starts_with("line 103: too many"));
}

#[test]
fn one_wrong_signature_of_a_known_key_refuses_the_note() {
    let note = Note::parse(NOTE.as_bytes()).unwrap();
    let mut wrong = note.signatures()[0].clone();
    wrong.bytes[9] ^= 1;
    let line = format!("{wrong}\n");
    let both = Note::parse((NOTE.to_owned() + &line).as_bytes()).unwrap();
    assert_eq!(both.verify(&key()), Err(NoteError::BadSignature { key: KEY.to_owned() }));
    assert_eq!(note.with(wrong).signatures().len(), 1, "in place of the one by the same key");
}

#[test]
fn a_verifier_key_that_was_changed_is_refused() {
    let refused = |text: &str| text.parse::<VerifierKey>().unwrap_err();
    assert_eq!(refused("example.com/foo"), KeyError::Form);
    assert_eq!(refused(&KEY.replace("foo", "fop")), KeyError::Id);
    assert_eq!(refused(&KEY.replace("530d", "530D")), KeyError::Id, "only as it is printed");
    assert_eq!(refused(&KEY.replace("example", "exam ple")), KeyError::Name);
    let small_order = format!("a+00000000+{}", BASE64.encode([&[1], [0; 32].as_slice()].concat()));
    assert_eq!(refused(&small_order), KeyError::Public);
    assert_eq!(refused("a+00000000+BgAA"), KeyError::Algorithm(6));
}

#[test]
fn a_cosignature_holds_its_time_and_text() {
    let witness = WitnessSigner::new("witness.example/w1", &Seed::new([9; 32])).unwrap();
    let note = Note::new(
        "signpost.example/ledger\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n".to_owned(),
    );
    let note = note.unwrap();
    let cosigned = note.clone().with(witness.cosign(&note, 1_700_000_000).unwrap());
    let cosigned = Note::parse(cosigned.to_string().as_bytes()).unwrap();
    let key: VerifierKey = witness.verifier().to_string().parse().unwrap();
    assert_eq!(key.algorithm(), Algorithm::Cosignature);
    assert_eq!(cosigned.verify(&key), Ok(Some(1_700_000_000)));

    let mut later = cosigned.signatures()[0].clone();
    later.bytes[7] += 1;
    assert!(note.clone().with(later).verify(&key).is_err(), "the time is signed");
    assert_eq!(witness.cosign(&note, 1 << 63), None);
    let log = LogSigner::new("witness.example/w1", &Seed::new([9; 32])).unwrap();
    assert!(note.clone().with(log.sign(&note)).verify(&key).is_err(), "no log's signature counts");
}

#[test]
fn a_checkpoint_is_read_strictly() {
    let signer = LogSigner::new("signpost.example/ledger", &Seed::new([3; 32])).unwrap();
    let open = |text: &str| {
        let note = Note::new(text.to_owned()).unwrap();
        let note = note.clone().with(signer.sign(&note));
        Checkpoint::open(note.to_string().as_bytes(), signer.verifier()).map(|(read, _)| read)
    };
    let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let text = format!("signpost.example/ledger\n0\n{root}\n");
    let read = open(&text).unwrap();
    assert_eq!((read.size, read.root), (0, crate::tree::hash::Hash::of_nothing()));
    assert_eq!(read.to_string(), text);
    assert_eq!(open(&format!("{text}more\n")).unwrap(), read, "further lines are opaque");

    let refused = |text: String| open(&text).unwrap_err().to_string();
    assert!(refused(text.replace("\n0\n", "\n00\n")).starts_with("line 2:"));
    assert!(refused(text.replace("\n0\n", "\n+1\n")).starts_with("line 2:"));
    assert!(refused(text.replace("47DE", "47D")).starts_with("line 3:"));
    assert!(refused(text.replace("ledger", "other")).starts_with("line 1:"));
    assert!(refused("signpost.example/ledger\n".to_owned()).starts_with("line 2:"));
    assert!(
        refused(format!("{text}\nmore\n")).starts_with("line 4: a checkpoint has no empty line")
    );
}

#[test]
fn secrets_do_not_print() {
    let seed = Seed::new([1; 32]);
    assert_eq!(format!("{seed:?}"), "Seed");
    let signer = LogSigner::new("a", &seed).unwrap();
    assert_eq!(format!("{signer:?}"), format!("LogSigner({})", signer.verifier()));
}
