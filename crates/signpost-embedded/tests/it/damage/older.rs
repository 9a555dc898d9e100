//! An older copy put back is noticed by what lies beside the keyring.

use std::num::NonZeroUsize;

use signpost_core::anchor::Anchor;
use signpost_core::id::Receipt;
use signpost_core::store::Store;
use signpost_embedded::error::OpenError;
use signpost_embedded::options::{LedgerEvidence, Options};
use signpost_embedded::store::EmbeddedStore;

use super::aged::{Aged, Outcome, in_full};
use crate::support::put_back;

fn refusal(aged: &Aged) -> OpenError {
    EmbeddedStore::open(&aged.place.options).unwrap_err()
}

#[tokio::test]
async fn a_data_directory_of_the_same_generation_is_refused() {
    let aged = Aged::grow().await;
    put_back(&aged.older.join("data"), aged.place.data());
    let error = refusal(&aged);
    let OpenError::FramesMissing { witness, .. } = &error else { panic!("{error}") };
    assert!(witness.contains("high-water mark"), "{error}");
}

#[tokio::test]
async fn a_data_directory_from_before_the_turn_is_refused() {
    let aged = Aged::grow().await;
    put_back(&aged.first.join("data"), aged.place.data());
    let error = refusal(&aged);
    let OpenError::Damaged { path, what, .. } = &error else { panic!("{error}") };
    assert_eq!(*path, aged.path("data/CURRENT"));
    assert!(what.contains("names a later generation"), "{error}");
}

/// Even beside an old mark: the key of its generation is destroyed.
#[tokio::test]
async fn one_from_before_the_turn_has_no_key_any_more() {
    let aged = Aged::grow().await;
    put_back(&aged.first.join("data"), aged.place.data());
    put_back(&aged.first.join("keyring/high-water-mark"), &aged.place.mark());
    let error = refusal(&aged);
    assert!(matches!(error, OpenError::Key { .. }), "{error}");
    let message = in_full(&error);
    assert!(message.contains("generation-0000000001/keys"), "{message}");
    assert!(message.contains("the key was destroyed, or this is another keyring"), "{message}");
}

/// One part alone: by the next part, for each is a witness of the others.
#[tokio::test]
async fn any_one_part_of_an_older_copy_is_refused_or_right() {
    let aged = Aged::grow().await;
    for part in ["ledger", "openings", "generation-0000000002", "CURRENT"] {
        let name = format!("data/{part}");
        put_back(&aged.older.join(&name), &aged.path(&name));
        match aged.look().await {
            Outcome::Refused(message) => {
                assert!(part != "CURRENT", "it was written once since: {message}");
                assert!(message.contains("restore it from the newest backup"), "{message}");
            }
            outcome => {
                assert_eq!(outcome, Outcome::Right { rebuilt_index: false }, "{part}");
                assert_eq!(part, "CURRENT");
            }
        }
        aged.restore();
    }
}

/// What is known and said in docs/durability.md: with an older keyring beside it, an older data
/// directory is a whole store, and nothing on this machine tells otherwise.
#[tokio::test]
async fn with_its_own_keyring_an_older_copy_opens() {
    let aged = Aged::grow().await;
    for part in ["data", "keyring"] {
        put_back(&aged.older.join(part), &aged.path(part));
    }
    EmbeddedStore::open(&aged.place.options).unwrap();
}

/// What the ledger's last checkpoint says of the store as it is.
async fn evidence(aged: &Aged) -> LedgerEvidence {
    let store = aged.place.open().store;
    let entries = store.entries(Receipt(0), NonZeroUsize::MAX).await.unwrap().len() as u64;
    let anchor = Anchor::of(&store.position().await.unwrap());
    store.close().await.unwrap();
    LedgerEvidence { entries, anchor: Some(anchor) }
}

/// But the ledger's tree, which lies elsewhere, does: by its size, and where an older copy went on
/// until it had as many entries, by the frame that its last anchor commits to.
#[tokio::test]
async fn an_older_copy_with_its_own_keyring_is_refused_by_what_the_ledger_saw() {
    let aged = Aged::grow().await;
    let evidence = evidence(&aged).await;
    let open = |evidence| {
        let options = Options { evidence: Some(evidence), ..aged.place.options.clone() };
        EmbeddedStore::open(&options).map(drop)
    };
    open(evidence).unwrap();
    for (part, copy) in ["data", "keyring"].map(|part| (part, aged.older.join(part))) {
        put_back(&copy, &aged.path(part));
    }
    let error = open(evidence).unwrap_err();
    let OpenError::FramesMissing { witness: by, .. } = &error else { panic!("{error}") };
    assert!(by.contains("ledger"), "{error}");

    let went_on = LedgerEvidence { entries: 0, ..evidence };
    let error = open(went_on).unwrap_err();
    let OpenError::Damaged { path, what, .. } = &error else { panic!("{error}") };
    assert!(path.starts_with(aged.place.data()) && what.contains("anchor"), "{error}");

    let later = evidence.anchor.map(|anchor| Anchor { generation: 3, ..anchor });
    let error = open(LedgerEvidence { entries: 0, anchor: later }).unwrap_err();
    assert!(error.to_string().contains("a later generation"), "{error}");

    let before_the_turn = evidence.anchor.map(|anchor| Anchor { generation: 1, ..anchor });
    open(LedgerEvidence { entries: 0, anchor: before_the_turn }).unwrap();
}
