//! The log beside a tree that is written down as RFC 6962 defines it, and another's proofs.

use std::path::Path;
use std::sync::LazyLock;

use ct_merkle::{ConsistencyProof as OtherConsistency, InclusionProof as OtherInclusion, RootHash};
use proptest::prelude::*;
use sha2::digest::Output;
use sha2::{Digest as _, Sha256};
use signpost_ledger::log::Log;
use signpost_ledger::log::reader::Reader;
use signpost_ledger::tree::hash::Hash;
use signpost_ledger::tree::proof::{ConsistencyProof, InclusionProof, ProofError};

use crate::support::{create, entry, feed, open, verify};

const SIZE_MAX: u64 = 2000;

/// What happens to a log.
#[derive(Clone, Debug)]
enum Step {
    Append(u64),
    Checkpoint,
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1..400_u64).prop_map(Step::Append),
        3 => Just(Step::Checkpoint),
        2 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..14)
}

/// The hashes of all entries that a log of these tests can have.
static LEAVES: LazyLock<Vec<[u8; 32]>> = LazyLock::new(|| {
    let leaf = |entry| Sha256::new().chain_update([0]).chain_update(entry).finalize().into();
    (0..SIZE_MAX).map(entry).map(leaf).collect()
});

/// MTH of RFC 6962, section 2.1, word for word, over the hashes of the entries.
fn root_of(entries: &[[u8; 32]]) -> [u8; 32] {
    match entries {
        [] => Sha256::digest([]).into(),
        [entry] => *entry,
        _ => {
            let (left, right) = entries.split_at(split(entries.len()));
            let hash = Sha256::new().chain_update([1]).chain_update(root_of(left));
            hash.chain_update(root_of(right)).finalize().into()
        }
    }
}

/// PATH of RFC 6962, section 2.1.1.
fn path_of(index: usize, entries: &[[u8; 32]]) -> Vec<[u8; 32]> {
    if entries.len() == 1 {
        return Vec::new();
    }
    let (left, right) = entries.split_at(split(entries.len()));
    let (mut path, beside) = if index < left.len() {
        (path_of(index, left), root_of(right))
    } else {
        (path_of(index - left.len(), right), root_of(left))
    };
    path.push(beside);
    path
}

/// SUBPROOF of RFC 6962, section 2.1.2.
fn subproof_of(old: usize, entries: &[[u8; 32]], is_known: bool) -> Vec<[u8; 32]> {
    if old == entries.len() {
        return if is_known { Vec::new() } else { vec![root_of(entries)] };
    }
    let (left, right) = entries.split_at(split(entries.len()));
    let (mut path, beside) = if old <= left.len() {
        (subproof_of(old, left, is_known), root_of(right))
    } else {
        (subproof_of(old - left.len(), right, false), root_of(left))
    };
    path.push(beside);
    path
}

/// The largest power of two below a number above 1.
fn split(len: usize) -> usize {
    len.next_power_of_two() / 2
}

fn entries(size: u64) -> &'static [[u8; 32]] {
    &LEAVES[..usize::try_from(size).unwrap()]
}

fn bytes(path: &[Hash]) -> Vec<[u8; 32]> {
    path.iter().map(|hash| *hash.as_bytes()).collect()
}

fn digest(hash: &Hash) -> Output<Sha256> {
    Output::<Sha256>::from(*hash.as_bytes())
}

fn digests(path: &[Hash]) -> Vec<Output<Sha256>> {
    path.iter().map(digest).collect()
}

fn others_root(root: &Hash, size: u64) -> RootHash<Sha256> {
    RootHash::new(digest(root), size)
}

/// Compares the answers about the entries of an index and a size with the model's.
fn compare(reader: &Reader, index: u64, size: u64) {
    let (whole, part) = (entries(reader.checkpoint().size), entries(size));
    let (root, newest) = (reader.root(size).unwrap(), reader.checkpoint().root);
    assert_eq!(*root.as_bytes(), root_of(part));
    if index < size {
        let proof = reader.inclusion(index, size).unwrap();
        assert_eq!(bytes(&proof.path), path_of(usize::try_from(index).unwrap(), part));
        proof.verify(&Hash::of_entry(&entry(index)), &root).unwrap();
        let other = OtherInclusion::from_digests(digests(&proof.path).iter());
        others_root(&root, size).verify_inclusion(&entry(index), index, &other).unwrap();
        let wrong = proof.verify(&Hash::of_entry(&entry(index + 1)), &root);
        assert_eq!(wrong, Err(ProofError::Root));
        assert_eq!(reader.entry(index).unwrap(), entry(index));
    }
    let proof = reader.consistency(size, reader.checkpoint().size).unwrap();
    proof.verify(&root, &newest).unwrap();
    if size > 0 {
        assert_eq!(bytes(&proof.path), subproof_of(part.len(), whole, true));
        let other = OtherConsistency::from_digests(digests(&proof.path).iter());
        let new = others_root(&newest, reader.checkpoint().size);
        new.verify_consistency(&others_root(&root, size), &other).unwrap();
        assert!(proof.path.is_empty() || proof.verify(&newest, &root).is_err());
    }
}

/// Does these steps, and looks after each checkpoint and restart.
fn live(directory: &Path, steps: &[Step], pick: u64) -> Log {
    let mut log = create(directory);
    let mut signed = 0;
    for step in steps {
        match step {
            Step::Append(count) => {
                let size = (log.size() + count).min(SIZE_MAX);
                feed(&mut log, size);
                assert_eq!(*log.root().as_bytes(), root_of(entries(size)));
            }
            Step::Checkpoint => {
                let before = log.note().to_string();
                log.checkpoint().unwrap();
                signed = log.size();
                let verified = verify(directory, Some(&before)).unwrap();
                assert_eq!(verified.checkpoint, *log.reader().checkpoint());
                compare(&log.reader(), pick % signed.max(1), pick % (signed + 1));
                compare(&log.reader(), signed.saturating_sub(1), signed);
            }
            Step::Reopen => {
                log = open(directory).unwrap();
                assert_eq!(log.size(), signed);
                verify(directory, None).unwrap();
            }
        }
    }
    log
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_log_is_as_the_definition_says_whatever_happens_to_it(steps in steps(), pick in any::<u64>()) {
        let directory = tempfile::tempdir().unwrap();
        let mut log = live(directory.path(), &steps, pick);
        let size = log.size();
        log.checkpoint().unwrap();
        let root = log.root();
        let export: Vec<_> = log.reader().export(0..size).map(Result::unwrap).collect();
        prop_assert_eq!(export.len() as u64, size);
        for (proven, index) in export.iter().zip(0..) {
            prop_assert_eq!(proven.proof.index, index);
            prop_assert_eq!(&proven.entry, &entry(index));
            proven.proof.verify(&Hash::of_entry(&proven.entry), &root).unwrap();
        }
    }

    #[test]
    fn no_proof_of_any_shape_is_more_than_refused(
        index in any::<u64>(), size in any::<u64>(), len in 0..70_usize,
    ) {
        let path = vec![Hash::of_nothing(); len];
        let (one, other) = (Hash::of_entry(b"one"), Hash::of_entry(b"other"));
        let inclusion = InclusionProof { index, size, path: path.clone() };
        prop_assert!(inclusion.verify(&one, &other).is_err());
        let consistency = ConsistencyProof { old_size: index, new_size: size, path };
        prop_assert!(consistency.verify(&one, &other).is_err());
    }
}

#[test]
fn every_index_and_size_of_a_small_log_is_as_the_definition_says() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = create(directory.path());
    feed(&mut log, 21);
    log.checkpoint().unwrap();
    for size in 0..=21 {
        for index in 0..size.max(1) {
            compare(&log.reader(), index, size);
        }
    }
}
