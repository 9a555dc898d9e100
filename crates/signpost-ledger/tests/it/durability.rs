//! The power is cut before and after every operation of a log's life, syncs fail, and space ends.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use signpost_embedded::disk::volatile::{VolatileDisk, When};
use signpost_ledger::error::LedgerError;
use signpost_ledger::log::Log;

use crate::support::{create, entry, feed, log_with, open, signer, verify};
use crate::volatile::Volatile;

/// The last operations of [`live`]: what was outgrown is removed, if it can be.
const REMOVALS: u64 = 2;

/// A checkpoint, entries that none covers, a restart that feeds them again, and a checkpoint.
fn live(
    directory: &Path,
    disk: &VolatileDisk,
    mut signed: impl FnMut(String),
) -> Result<(), LedgerError> {
    let disk = || Arc::new(Volatile(disk.clone()));
    let mut log = Log::create(disk(), directory, signer())?;
    append(&mut log, 10)?;
    signed(log.checkpoint()?.to_string());
    append(&mut log, 300)?;
    let mut log = Log::open(disk(), directory, signer())?;
    append(&mut log, 260)?;
    signed(log.checkpoint()?.to_string());
    Ok(())
}

fn append(log: &mut Log, size: u64) -> Result<(), LedgerError> {
    (log.size()..size).try_for_each(|index| log.append(index, &entry(index)))
}

/// Opens what is left, compares it with the last checkpoint that was given out, and goes on.
fn look(directory: &Path, last: Option<&str>) {
    let mut log = match open(directory) {
        Err(LedgerError::Io { .. }) if last.is_none() => create(directory),
        opened => opened.unwrap(),
    };
    if let Some(last) = last {
        verify(directory, Some(last)).unwrap();
    }
    feed(&mut log, 300);
    log.checkpoint().unwrap();
    verify(directory, last).unwrap();
}

fn power_is_cut(seed: Option<u64>, sides: &[When]) {
    let whole = tempfile::tempdir().unwrap();
    let disk = VolatileDisk::new();
    live(&whole.path().join("log"), &disk, |_| {}).unwrap();
    let operations = disk.faults().count();
    assert!(operations > 80, "{operations}");
    for at in 0..operations {
        for when in sides {
            let place = tempfile::tempdir().unwrap();
            let directory = place.path().join("log");
            let disk = VolatileDisk::new();
            if let Some(seed) = seed {
                disk.faults().write_back(seed + at);
            }
            disk.faults().die(at, *when);
            let mut last = None;
            let lived = live(&directory, &disk, |note| last = Some(note));
            let is_signed = at + 1 + REMOVALS >= operations;
            assert!(lived.is_err() || is_signed, "operation {at} of {operations}");
            drop(disk);
            look(&directory, last.as_deref());
        }
    }
}

#[test]
fn a_power_cut_at_any_operation_loses_no_checkpoint_that_was_given_out() {
    power_is_cut(None, &[When::Before, When::After]);
}

#[test]
fn a_power_cut_that_tears_what_was_not_synced_loses_none_either() {
    power_is_cut(Some(1), &[When::After]);
}

#[test]
fn a_failed_sync_ends_the_log_for_good() {
    let places = ["tile/entries/000.new", "tile/0", "tile", "log", "checkpoint.new"];
    for (place, nth) in places.map(|place| (place, 1)).into_iter().chain([("log", 2)]) {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().join("log");
        let disk = VolatileDisk::new();
        let mut log = Log::create(Arc::new(Volatile(disk.clone())), &directory, signer()).unwrap();
        let before = log.note().clone();
        disk.faults().fail_sync(move |path| path.ends_with(place), nth);
        let failed = append(&mut log, 300).and_then(|()| log.checkpoint().map(|_| ())).unwrap_err();
        assert!(failed.is_final(), "{place}: {failed}");
        assert_eq!(*log.note(), before, "{place}: nothing was given out");
        assert!(log.checkpoint().unwrap_err().is_final());
        assert!(log.append(log.size(), b"more").unwrap_err().is_final());
        drop((log, disk));
        look(&directory, Some(&before.to_string()));
    }
}

#[test]
fn a_full_disk_is_no_end() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("log");
    let disk = VolatileDisk::new();
    let mut log = Log::create(Arc::new(Volatile(disk.clone())), &directory, signer()).unwrap();
    for left in [0, 100, 40_000, 70_000] {
        disk.faults().no_space(left);
        let size = log.size() + 600;
        let full = append(&mut log, size).and_then(|()| log.checkpoint().map(|_| ())).unwrap_err();
        assert!(matches!(full, LedgerError::Full { .. }), "{full}");
        disk.faults().space_again();
        append(&mut log, size).unwrap();
        log.checkpoint().unwrap();
    }
    let last = log.note().to_string();
    drop((log, disk));
    verify(&directory, Some(&last)).unwrap();
}

#[test]
fn a_directory_or_checkpoint_of_somebody_elses_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let (ours, aside) = (place.path().join("log"), place.path().join("aside"));
    let refused = |log: &mut Log| {
        feed(log, log.size() + 1);
        let refused = log.checkpoint().unwrap_err();
        assert!(matches!(refused, LedgerError::Lost { .. }), "{refused}");
    };
    let mut log = log_with(&ours, &[], 10);
    fs::rename(&ours, &aside).unwrap();
    log_with(&ours, &[], 20);
    refused(&mut log);

    let mut first = open(&ours).unwrap();
    let mut second = open(&ours).unwrap();
    feed(&mut second, 21);
    let note = second.checkpoint().unwrap().to_string();
    refused(&mut first);
    assert_eq!(fs::read_to_string(ours.join("checkpoint")).unwrap(), note, "the second's stays");

    fs::remove_file(ours.join("checkpoint")).unwrap();
    refused(&mut second);
}

#[test]
fn what_is_damaged_at_the_right_edge_is_not_opened() {
    let place = tempfile::tempdir().unwrap();
    for file in ["tile/0/002.p/188", "tile/1/000.p/2", "tile/entries/002.p/188", "checkpoint"] {
        let directory = place.path().join(file.replace('/', "-"));
        log_with(&directory, &[], 700);
        let path = directory.join(file);
        let bytes = fs::read(&path).unwrap();
        for change in 0..3 {
            let mut changed = bytes.clone();
            match change {
                0 => changed[40] ^= 1,
                1 => changed.truncate(bytes.len() - 1),
                _ => changed.clear(),
            }
            fs::write(&path, changed).unwrap();
            let refused = open(&directory).unwrap_err().to_string();
            assert!(refused.contains(directory.to_str().unwrap()), "{file}, {change}: {refused}");
            assert!(!refused.contains(['\\', '\n']), "{refused}");
        }
        fs::write(&path, bytes).unwrap();
        open(&directory).unwrap();
    }
}
