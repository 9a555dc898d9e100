//! What a reader answers, what it costs, and what it refuses; and cosigning.

use std::path::Path;
use std::sync::Arc;

use signpost_ledger::error::LedgerError;
use signpost_ledger::log::Log;
use signpost_ledger::log::reader::Reader;
use signpost_ledger::note::NoteError;
use signpost_ledger::note::signer::{LogSigner, Seed};
use signpost_ledger::verify::{Verification, VerifyError};

use crate::support::{Unsynced, create, entry, feed, key, log_with, open, signer, verify, witness};

#[test]
fn an_answer_reads_two_tiles_a_level_at_most() {
    let directory = tempfile::tempdir().unwrap();
    let log = log_with(directory.path(), &[], 70_000);
    let disk = Arc::new(Unsynced::default());
    let checkpoint = log.reader().checkpoint().clone();
    let reader = Reader::new(Arc::clone(&disk) as _, directory.path().to_owned(), checkpoint);
    let mut before = 0;
    let mut cost = || std::mem::replace(&mut before, disk.reads()).abs_diff(disk.reads());
    for index in [0, 255, 256, 40_000, 65_535, 65_536, 69_999] {
        reader.inclusion(index, 70_000).unwrap();
        assert!(cost() <= 2 * 3, "inclusion of {index}");
        reader.root(index).unwrap();
        assert!(cost() <= 3, "root of {index}");
        reader.consistency(index, 70_000).unwrap();
        assert!(cost() <= 2 * 3, "consistency from {index}");
        reader.inclusion(index / 2, index / 2 + 1).unwrap();
        assert!(cost() <= 2 * 3, "inclusion in a tree of {index} / 2");
    }
    reader.export(60_000..60_512).for_each(|proven| assert!(proven.is_ok()));
    assert!(cost() <= 3 + 3 + 3, "bundles, tiles beside them, the right edge");
    verify(directory.path(), None).unwrap();
}

#[test]
fn appending_reads_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(Unsynced::default());
    let signer = signer();
    let mut log = Log::create(Arc::clone(&disk) as _, directory.path(), signer).unwrap();
    feed(&mut log, 1000);
    assert_eq!(disk.reads(), 0);
    log.checkpoint().unwrap();
    assert_eq!(disk.reads(), 1, "the checkpoint is looked at before it is replaced");
}

#[test]
fn the_files_are_those_of_the_specification() {
    let directory = tempfile::tempdir().unwrap();
    log_with(directory.path(), &[300], 700);
    let mut files = files(directory.path());
    files.sort();
    assert_eq!(
        files,
        [
            "checkpoint",
            "tile/0/000",
            "tile/0/001",
            "tile/0/002.p/188",
            "tile/1/000.p/1",
            "tile/1/000.p/2",
            "tile/entries/000",
            "tile/entries/001",
            "tile/entries/002.p/188",
        ],
        "001.p is gone since 001 is full; 000.p/1 was part of a checkpoint"
    );
    let bundle = std::fs::read(directory.path().join("tile/entries/000")).unwrap();
    assert_eq!(bundle.len(), 256 * (2 + 256));
    assert_eq!((&bundle[..2], &bundle[2..258]), (&[1, 0][..], &entry(0)[..]));
}

#[test]
fn what_is_not_covered_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = log_with(directory.path(), &[], 300);
    feed(&mut log, 600);
    let reader = log.reader();
    let beyond = |error| matches!(error, LedgerError::Beyond { .. });
    assert!(beyond(reader.inclusion(300, 300).unwrap_err()));
    assert!(beyond(reader.inclusion(0, 301).unwrap_err()));
    assert!(beyond(reader.root(301).unwrap_err()));
    assert!(beyond(reader.consistency(301, 300).unwrap_err()));
    assert!(beyond(reader.entry(300).unwrap_err()), "though its bundle is written");
    assert!(beyond(reader.export(299..301).nth(1).unwrap().unwrap_err()));
    assert_eq!(reader.export(299..900).count(), 2, "nothing after an error");
}

#[test]
fn entries_are_taken_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = create(directory.path());
    feed(&mut log, 3);
    for given in [0, 2, 4] {
        let refused = log.append(given, b"entry").unwrap_err();
        assert!(matches!(refused, LedgerError::OutOfOrder { expected: 3, .. }), "{refused}");
    }
    let refused = log.append(3, &vec![0; 65_536]).unwrap_err();
    assert!(matches!(refused, LedgerError::TooLong { index: 3, len: 65_536 }));
    log.append(3, &vec![0; 65_535]).unwrap();
    log.append(4, &[]).unwrap();
    log.checkpoint().unwrap();
    let log = open(directory.path()).unwrap();
    assert_eq!(log.reader().entry(3).unwrap().len(), 65_535);
    assert!(log.reader().entry(4).unwrap().is_empty());
}

#[test]
fn a_log_is_made_once_and_opened_by_its_own_key() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("inner");
    assert!(matches!(open(&place).unwrap_err(), LedgerError::Io { .. }));
    create(&place);
    let disk = Arc::new(Unsynced::default());
    let again = Log::create(disk, &place, signer());
    assert!(matches!(again.unwrap_err(), LedgerError::AlreadyThere { .. }));
    let other = Seed::new([1; 32]);
    let other = LogSigner::new("signpost.example/ledger", &other).unwrap();
    let refused = Log::open(Arc::new(Unsynced::default()), &place, other);
    assert!(matches!(refused.unwrap_err(), LedgerError::Checkpoint { .. }));
    assert_eq!(open(&place).unwrap().size(), 0);
}

#[test]
fn a_checkpoint_carries_its_witnesses_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = log_with(directory.path(), &[], 10);
    let witnesses = [witness().verifier().clone()];
    let key = key();
    let verified = || {
        Verification::new(directory.path(), &key)
            .witnesses(&witnesses)
            .run(|_, _| Ok(()), |_, _| {})
    };
    assert!(matches!(
        verified().unwrap_err(),
        VerifyError::Checkpoint { source: NoteError::NotSigned { .. }, .. }
    ));

    let cosignature = witness().cosign(log.note(), 1_700_000_000).unwrap();
    let mut wrong = cosignature.clone();
    wrong.bytes[20] ^= 1;
    let refused = log.add_cosignature(&witnesses[0], wrong).unwrap_err();
    assert!(matches!(refused, LedgerError::Checkpoint { .. }));
    log.add_cosignature(&witnesses[0], cosignature.clone()).unwrap();
    assert_eq!(log.checkpoint().unwrap().signatures().len(), 2, "no new one without new entries");
    assert_eq!(verified().unwrap().cosigned, [Some(1_700_000_000)]);

    let mut in_the_logs_name = log.note().signatures()[0].clone();
    in_the_logs_name.bytes[0] ^= 1;
    let refused = log.add_cosignature(&witnesses[0], in_the_logs_name).unwrap_err();
    assert!(matches!(refused, LedgerError::Checkpoint { .. }));

    let mut log = open(directory.path()).unwrap();
    assert_eq!(log.note().signatures().len(), 2);
    feed(&mut log, 11);
    log.checkpoint().unwrap();
    let late = log.add_cosignature(&witnesses[0], cosignature).unwrap_err();
    assert!(matches!(late, LedgerError::Checkpoint { .. }), "it is of the checkpoint before");
    assert_eq!(log.note().signatures().len(), 1);
}

/// The files of a directory, by their paths in it.
pub(crate) fn files(directory: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for found in std::fs::read_dir(next).unwrap() {
            let path = found.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                files.push(path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files
}
