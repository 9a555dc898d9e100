//! Every kind of alteration of every file of a small log, and what finds it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use signpost_ledger::note::signer::{LogSigner, Seed};
use signpost_ledger::verify::VerifyError;

use crate::answers::files;
use crate::support::{create, entry, feed, log_with, open, verify};

const SIZE: u64 = 700;
const ENTRY: usize = 2 + 256;

/// What is altered, how, and which errors find it. "nothing" is right where it stands: an earlier
/// checkpoint's partial file, or the end of a log that the caller kept no later checkpoint of.
const TABLE: &str = "\
checkpoint: cut: checkpoint
checkpoint: flipped: checkpoint
checkpoint: lengthened: checkpoint
checkpoint: of another key: checkpoint
checkpoint: removed: missing
bundle: an entry changed: tile
bundle: an entry inserted: tile
bundle: an entry removed: tile
bundle: an entry repeated: tile
bundle: cut: bundle
bundle: flipped: entry, tile
bundle: lengthened: bundle
bundle: removed: missing
bundle: swapped with another: tile
bundle: two entries swapped: tile
earlier bundle: cut: tile
earlier bundle: flipped: tile
earlier bundle: lengthened: tile
earlier bundle: removed: nothing
tile: cut: tile
tile: flipped: tile
tile: lengthened: tile
tile: removed: missing
tile: swapped with another: tile
earlier tile: cut: tile
earlier tile: flipped: tile
earlier tile: lengthened: tile
earlier tile: removed: nothing
log: older copy of everything: nothing, with the later checkpoint older
log: rewritten and signed again: nothing, with the later checkpoint rewritten
log: rewritten but for its checkpoint: root
log: tail and checkpoint taken back: nothing, with the later checkpoint older
log: tail removed: missing
";

#[test]
fn every_alteration_is_found_and_its_place_named() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("log");
    log_with(&directory, &[300, 650], SIZE);
    let mut table = Table::default();
    for file in files(&directory) {
        alter(&directory, &file, &mut table);
    }
    alter_whole(place.path(), &directory, &mut table);
    let verified = verify(&directory, None).unwrap();
    assert_eq!((verified.files, verified.uncovered), (10, 0), "all is as it was");
    assert_eq!(table.to_string(), TABLE);
}

/// What was found, by what was altered and how.
#[derive(Default)]
struct Table(BTreeMap<(usize, String), BTreeSet<String>>);

const SUBJECTS: [&str; 6] =
    ["checkpoint", "bundle", "earlier bundle", "tile", "earlier tile", "log"];

impl Table {
    fn note(&mut self, subject: &str, how: &str, found: &str) {
        let place = SUBJECTS.iter().position(|one| *one == subject).unwrap();
        self.0.entry((place, how.to_owned())).or_default().insert(found.to_owned());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for ((subject, how), found) in &self.0 {
            let found: Vec<&str> = found.iter().map(String::as_str).collect();
            writeln!(f, "{}: {how}: {}", SUBJECTS[*subject], found.join(", "))?;
        }
        Ok(())
    }
}

fn subject(file: &str) -> &'static str {
    let earlier = ["/138", "/1"].iter().any(|end| file.ends_with(end));
    match (file.starts_with("tile/entries"), earlier) {
        _ if file == "checkpoint" => "checkpoint",
        (true, false) => "bundle",
        (true, true) => "earlier bundle",
        (false, false) => "tile",
        (false, true) => "earlier tile",
    }
}

/// Alters one file in every way that the bytes of a file can be, one after another.
fn alter(directory: &Path, file: &str, table: &mut Table) {
    let (subject, path) = (subject(file), directory.join(file));
    let whole = fs::read(&path).unwrap();
    let mut look = |how: &str, bytes: Option<Vec<u8>>, first: Option<u64>| {
        match bytes {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let found = found(directory, file, first);
        table.note(subject, how, &found);
        fs::write(&path, &whole).unwrap();
    };
    let first = subject.contains("bundle").then(|| file.contains("/001")).map(u64::from);
    let first = first.map(|second| if file.contains("/002") { 512 } else { second * 256 });
    for (place, bit) in (0..whole.len()).step_by(1 + whole.len() / 61).zip((0..8).cycle()) {
        let mut bytes = whole.clone();
        bytes[place] ^= 1 << bit;
        look("flipped", Some(bytes), first.map(|first| first + (place / ENTRY) as u64));
    }
    for len in [0, 1, whole.len() / 2, whole.len() - 1] {
        look("cut", Some(whole[..len].to_vec()), None);
    }
    look("lengthened", Some([&whole[..], &[0]].concat()), None);
    look("lengthened", Some([&whole[..], &whole[..]].concat()), None);
    look("removed", None, None);
    if subject == "bundle" {
        for (how, bytes, place) in entries_altered(&whole) {
            look(how, Some(bytes), first.map(|first| first + place));
        }
    }
    if file.ends_with("/000") || file.ends_with("/001") {
        let other = directory
            .join(file.replace("/000", "/00x").replace("/001", "/000").replace("/00x", "/001"));
        let others = fs::read(&other).unwrap();
        fs::write(&other, &whole).unwrap();
        look("swapped with another", Some(others.clone()), None);
        fs::write(&other, others).unwrap();
    }
    if subject == "checkpoint" {
        let stranger = LogSigner::new("signpost.example/ledger", &Seed::new([1; 32])).unwrap();
        let note = signpost_ledger::note::Note::parse(&whole).unwrap();
        let line = stranger.sign(&note);
        let note = signpost_ledger::note::Note::new(note.text().to_owned()).unwrap().with(line);
        look("of another key", Some(note.to_string().into_bytes()), None);
    }
}

/// A bundle's bytes after each way to alter its entries, and the first entry that it concerns.
fn entries_altered(whole: &[u8]) -> Vec<(&'static str, Vec<u8>, u64)> {
    let entries: Vec<&[u8]> = whole.chunks(ENTRY).collect();
    let last = entries.len() - 1;
    let mut altered = Vec::new();
    for place in [0, 1, 100, last - 1] {
        let at = place as u64;
        let mut swapped = entries.clone();
        swapped.swap(place, place + 1);
        altered.push(("two entries swapped", swapped.concat(), at));
        let mut removed = entries.clone();
        removed.remove(place);
        altered.push(("an entry removed", removed.concat(), at));
        let mut inserted = entries.clone();
        inserted.insert(place, entries[last]);
        altered.push(("an entry inserted", inserted.concat(), at));
        let mut repeated = entries.clone();
        repeated[place + 1] = entries[place];
        altered.push(("an entry repeated", repeated.concat(), at + 1));
        let mut changed = whole.to_vec();
        changed[place * ENTRY + 150] ^= 0x10;
        altered.push(("an entry changed", changed, at));
    }
    altered
}

/// What finds it; the file must be named, or for an entry, its index.
fn found(directory: &Path, file: &str, first: Option<u64>) -> String {
    let Err(error) = verify(directory, None) else { return "nothing".to_owned() };
    let (name, index) = match &error {
        VerifyError::Checkpoint { .. } => ("checkpoint", None),
        VerifyError::Io { .. } => ("missing", None),
        VerifyError::Bundle { index, .. } => ("bundle", Some(*index)),
        VerifyError::Entry { index, .. } => ("entry", Some(*index)),
        VerifyError::Tile { index, .. } => ("tile", Some(*index)),
        VerifyError::Root { .. } => ("root", None),
        VerifyError::Since { .. } | VerifyError::Older { .. } | VerifyError::Rewritten { .. } => {
            panic!("{file}: {error}")
        }
    };
    assert!(!error.to_string().contains(['\\', '\n']), "{file}: {error}");
    let is_named = error.to_string().contains(file);
    assert!(is_named || index.is_some(), "{file}: {error}");
    if let (Some(first), Some(index)) = (first, index) {
        assert_eq!(index, first, "{file}: {error}");
    }
    name.to_owned()
}

/// Alterations that leave every file in good order.
fn alter_whole(place: &Path, directory: &Path, table: &mut Table) {
    let later = fs::read_to_string(directory.join("checkpoint")).unwrap();
    let mut look = |how: &str, directory: &Path| {
        let mut found = match verify(directory, None) {
            Ok(_) => "nothing".to_owned(),
            Err(VerifyError::Root { .. }) => "root".to_owned(),
            Err(VerifyError::Io { .. }) => "missing".to_owned(),
            Err(error) => panic!("{how}: {error}"),
        };
        if found == "nothing" {
            let with = match verify(directory, Some(&later)).unwrap_err() {
                VerifyError::Older { since: SIZE, .. } => "older",
                VerifyError::Rewritten { since: SIZE } => "rewritten",
                error => panic!("{how}: {error}"),
            };
            write!(found, ", with the later checkpoint {with}").unwrap();
        }
        table.note("log", how, &found);
    };
    let older = place.join("older");
    log_with(&older, &[], 300);
    look("older copy of everything", &older);

    let rewritten = place.join("rewritten");
    let mut log = create(&rewritten);
    feed(&mut log, 123);
    let mut changed = entry(123);
    changed[200] ^= 1;
    log.append(123, &changed).unwrap();
    feed(&mut log, SIZE);
    log.checkpoint().unwrap();
    look("rewritten and signed again", &rewritten);
    fs::write(rewritten.join("checkpoint"), &later).unwrap();
    look("rewritten but for its checkpoint", &rewritten);

    let tail = place.join("tail");
    let earlier = log_with(&tail, &[], 650).note().to_string();
    let mut log = open(&tail).unwrap();
    feed(&mut log, SIZE);
    log.checkpoint().unwrap();
    fs::write(tail.join("checkpoint"), earlier).unwrap();
    assert_eq!(
        verify(&tail, None).unwrap().uncovered,
        2,
        "the last bundle and its tile are there still"
    );
    for file in ["tile/0/002.p/188", "tile/entries/002.p/188"] {
        fs::remove_file(tail.join(file)).unwrap();
    }
    look("tail and checkpoint taken back", &tail);
    fs::write(tail.join("checkpoint"), &later).unwrap();
    look("tail removed", &tail);
}
