//! The witness: it cosigns one history of a log, whatever it is shown, and however often it dies.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use signpost_embedded::disk::volatile::{VolatileDisk, When};
use signpost_ledger::error::LedgerError;
use signpost_ledger::log::Log;
use signpost_ledger::log::reader::Reader;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::key::KeyId;
use signpost_ledger::note::signer::{LogSigner, Seed};
use signpost_ledger::note::{NOTE_LEN_MAX, Note, SIGNATURES_MAX, Signature};
use signpost_ledger::tree::hash::Hash;
use signpost_ledger::witness::request::Request;
use signpost_ledger::witness::{Refused, Witness, name_of};

use crate::support::{Unsynced, create, entry, key, signer, witness};
use crate::volatile::Volatile;

const TIME: u64 = 1_700_000_000;
const SIZE: u64 = 40;
/// From here on the two histories differ.
const FORK: u64 = 20;

/// Two histories of one log, which begin alike.
struct Histories {
    _place: tempfile::TempDir,
    readers: [Reader; 2],
}

impl Histories {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let readers = ["a", "b"].map(|name| {
            let mut log = create(&place.path().join(name));
            append(&mut log, name);
            log.checkpoint().unwrap();
            log.reader()
        });
        Self { _place: place, readers }
    }

    fn root(&self, history: usize, size: u64) -> Hash {
        self.readers[history].root(size).unwrap()
    }

    /// The log's word for a history at this size, with its proof from another size on.
    fn request(&self, history: usize, old_size: u64, size: u64) -> Request {
        let proof = self.readers[history].consistency(old_size.min(size), size).unwrap();
        Request { old_size, path: proof.path, note: self.note(history, size) }
    }

    fn note(&self, history: usize, size: u64) -> Note {
        let origin = key().name().to_owned();
        let root = self.root(history, size);
        let note = Note::new(Checkpoint { origin, size, root }.to_string()).unwrap();
        let signature = signer().sign(&note);
        note.with(signature)
    }
}

fn append(log: &mut Log, name: &str) {
    for index in 0..SIZE {
        let mut entry = entry(index);
        if index >= FORK {
            entry[255] = name.as_bytes()[0];
        }
        log.append(index, &entry).unwrap();
    }
}

fn open(directory: &Path) -> Result<Witness, LedgerError> {
    Witness::open(Arc::new(Unsynced::default()), directory, witness(), vec![key()])
}

fn kept(witness: &Witness) -> Note {
    Note::parse(witness.kept(&name_of(key().name())).unwrap()).unwrap()
}

/// That the signature is the witness's own, of this note at this time.
fn assert_cosigned(note: &Note, signature: &Signature) {
    let cosigned = note.clone().with(signature.clone());
    assert_eq!(cosigned.verify(witness().verifier()).unwrap(), Some(TIME));
}

#[test]
fn what_holds_all_of_the_last_is_cosigned_across_restarts() {
    let histories = Histories::new();
    let place = tempfile::tempdir().unwrap();
    for (old, new) in [(0, 3), (3, 3), (3, 17), (17, 32), (32, SIZE)] {
        let mut witness = open(place.path()).unwrap();
        let signature = witness.add_checkpoint(histories.request(0, old, new), TIME).unwrap();
        assert_cosigned(&histories.note(0, new), &signature);
    }
}

#[test]
fn a_request_comes_back_as_it_was_sent() {
    let histories = Histories::new();
    for (old, new) in [(0, 3), (3, 17), (17, SIZE)] {
        let request = histories.request(0, old, new);
        assert_eq!(Request::parse(request.to_string().as_bytes()).unwrap(), request);
    }
}

#[test]
fn what_is_no_request_is_refused() {
    let histories = Histories::new();
    let good = histories.request(0, 3, 17).to_string();
    let hash = good.lines().nth(1).unwrap().to_owned();
    let many = format!("{hash}\n").repeat(62);
    let bad = [
        String::new(),
        good.replacen("old 3", "old 03", 1),
        good.replacen("old 3", "old -3", 1),
        good.replacen("old 3", "new 3", 1),
        good.replacen("old 3", "old 18446744073709551616", 1),
        good.replacen(&hash, &hash[1..], 1),
        good.replacen(&hash, &format!("{many}{hash}"), 1),
        good.replacen("\n\n", "\n", 1),
        good.split_once("\n\n").unwrap().0.to_owned() + "\n\n",
    ];
    for bad in bad {
        let refused = Request::parse(bad.as_bytes()).unwrap_err();
        assert!(matches!(refused, Refused::Malformed(_) | Refused::Note(_)), "{refused:?}: {bad}");
    }
    assert!(Request::parse(&[0xff; 100]).is_err());
    assert!(Request::parse(&vec![b'x'; 1 << 20]).is_err());
}

#[test]
fn each_reason_for_a_refusal_is_told_and_changes_nothing() {
    let histories = Histories::new();
    let place = tempfile::tempdir().unwrap();
    let mut witness = open(place.path()).unwrap();
    witness.add_checkpoint(histories.request(0, 0, 25), TIME).unwrap();
    let before = fs::read_dir(place.path()).unwrap().map(|one| fs::read(one.unwrap().path()));
    let before: Vec<_> = before.map(Result::unwrap).collect();
    let mut refused = |request| witness.add_checkpoint(request, TIME).unwrap_err();

    let stranger = LogSigner::new("signpost.example/other", &Seed::new([7; 32])).unwrap();
    let text = histories.note(0, 30).text().replace("ledger", "other");
    let note = Note::new(text).unwrap();
    let note = note.clone().with(stranger.sign(&note));
    let unknown = Request { note, ..histories.request(0, 25, 30) };
    assert!(matches!(refused(unknown), Refused::UnknownLog));

    let liar = LogSigner::new(key().name(), &Seed::new([9; 32])).unwrap();
    let note = Note::new(histories.note(0, 30).text().to_owned()).unwrap();
    let note = note.clone().with(liar.sign(&note));
    let forged = Request { note, ..histories.request(0, 25, 30) };
    assert!(matches!(refused(forged), Refused::NotSigned(_)));

    assert!(matches!(refused(histories.request(0, 26, 25)), Refused::Backwards));
    assert!(matches!(refused(histories.request(0, 0, 30)), Refused::OtherSize { latest: 25 }));
    assert!(matches!(refused(histories.request(0, 20, 30)), Refused::OtherSize { latest: 25 }));
    assert!(matches!(refused(histories.request(1, 25, 25)), Refused::OtherRoot { size: 25 }));
    assert!(matches!(refused(histories.request(1, 25, 30)), Refused::NotConsistent(_)));
    let mut cut = histories.request(0, 25, 30);
    cut.path.pop();
    assert!(matches!(refused(cut), Refused::NotConsistent(_)));

    let after = fs::read_dir(place.path()).unwrap().map(|one| fs::read(one.unwrap().path()));
    assert_eq!(after.map(Result::unwrap).collect::<Vec<_>>(), before);
    witness.add_checkpoint(histories.request(0, 25, 30), TIME).unwrap();
}

#[test]
fn the_last_one_is_cosigned_anew_and_costs_no_write() {
    let histories = Histories::new();
    let place = tempfile::tempdir().unwrap();
    let disk = VolatileDisk::new();
    let volatile = Arc::new(Volatile(disk.clone()));
    let mut witness = Witness::open(volatile, place.path(), witness(), vec![key()]).unwrap();
    witness.add_checkpoint(histories.request(0, 0, 10), TIME - 1).unwrap();
    let (written, kept) = (disk.faults().count(), kept(&witness));
    for _ in 0..3 {
        let signature = witness.add_checkpoint(histories.request(0, 10, 10), TIME).unwrap();
        assert_cosigned(&histories.note(0, 10), &signature);
    }
    assert_eq!((disk.faults().count(), self::kept(&witness)), (written, kept.clone()));

    // The log's further word is another text, which nobody has cosigned.
    let mut request = histories.request(0, 10, 10);
    let note = Note::new(format!("{}more\n", request.note.text())).unwrap();
    let signature = signer().sign(&note);
    request.note = note.with(signature);
    witness.add_checkpoint(request.clone(), TIME).unwrap();
    assert_eq!(self::kept(&witness).text(), request.note.text());
}

/// Anybody can add lines to a note that the log signed, up to what can be read.
#[test]
fn lines_of_others_are_cosigned_with_the_note_and_not_kept() {
    let histories = Histories::new();
    let place = tempfile::tempdir().unwrap();
    let line = |number: usize, bytes| Signature {
        name: format!("stranger{number}.example"),
        id: KeyId([7; 4]),
        bytes: vec![7; bytes],
    };
    let many = (1..SIGNATURES_MAX).map(|number| line(number, 64)).collect();
    // Almost what fits: three bytes of the line are four in the note.
    let room = NOTE_LEN_MAX - histories.note(0, 20).to_string().len() - 64;
    let long = vec![line(1, room / 4 * 3 - 4)];
    for (old, new, lines) in [(0, 10, many), (10, 20, long)] {
        let mut request = histories.request(0, old, new);
        request.note = lines.into_iter().fold(request.note, Note::with);
        let request = Request::parse(request.to_string().as_bytes()).unwrap();
        let mut witness = open(place.path()).unwrap();
        let signature = witness.add_checkpoint(request, TIME).unwrap();
        assert_cosigned(&histories.note(0, new), &signature);
        assert_eq!(kept(&witness), histories.note(0, new).with(signature));
    }
    open(place.path()).unwrap().add_checkpoint(histories.request(0, 20, 30), TIME).unwrap();
}

/// The log's own word may be so long that ours does not fit behind it.
#[test]
fn a_note_that_could_not_be_read_again_is_not_cosigned() {
    let histories = Histories::new();
    let place = tempfile::tempdir().unwrap();
    let mut witness = open(place.path()).unwrap();
    let request = histories.request(0, 0, 10);
    let short = request.note.text().to_owned();
    let room = NOTE_LEN_MAX - request.note.to_string().len() - 10;
    let note = Note::new(format!("{short}{}\n", "x".repeat(room))).unwrap();
    let signature = signer().sign(&note);
    let request = Request { note: note.with(signature), ..request };
    let request = Request::parse(request.to_string().as_bytes()).unwrap();
    let refused = witness.add_checkpoint(request, TIME).unwrap_err();
    assert!(matches!(refused, Refused::Note(_)), "{refused:?}");
    open(place.path()).unwrap().add_checkpoint(histories.request(0, 0, 10), TIME).unwrap();
}

#[test]
fn what_it_did_not_write_itself_is_not_relied_on() {
    let histories = Histories::new();
    let place = tempfile::tempdir().unwrap();
    let mut witness = open(place.path()).unwrap();
    witness.add_checkpoint(histories.request(0, 0, 10), TIME).unwrap();
    let file = fs::read_dir(place.path()).unwrap().next().unwrap().unwrap().path();
    let older = fs::read(&file).unwrap();
    witness.add_checkpoint(histories.request(0, 10, 20), TIME).unwrap();

    fs::write(&file, older).unwrap();
    let refused = witness.add_checkpoint(histories.request(0, 20, 30), TIME).unwrap_err();
    assert!(matches!(refused, Refused::NotKept(LedgerError::Lost { .. })), "{refused:?}");
    let refused = witness.add_checkpoint(histories.request(0, 20, 30), TIME).unwrap_err();
    assert!(matches!(refused, Refused::NotKept(LedgerError::Lost { .. })), "and no more");

    // The log's own note, which the witness never cosigned.
    fs::write(&file, histories.note(1, 30).to_string()).unwrap();
    assert!(matches!(open(place.path()), Err(LedgerError::Checkpoint { .. })));
    assert!(matches!(open(&place.path().join("gone")), Err(LedgerError::Io { .. })));
}

#[test]
fn a_cosignature_that_was_given_out_outlives_every_power_cut() {
    let histories = Histories::new();
    let live = |directory: &Path, disk: &VolatileDisk| {
        let disk = Arc::new(Volatile(disk.clone()));
        let mut given = 0;
        let lived =
            Witness::open(disk, directory, witness(), vec![key()]).and_then(|mut witness| {
                for (old, new) in [(0, 10), (10, 30)] {
                    match witness.add_checkpoint(histories.request(0, old, new), TIME) {
                        Ok(_) => given = new,
                        Err(Refused::NotKept(error)) => return Err(error),
                        Err(other) => panic!("{other:?}"),
                    }
                }
                Ok(())
            });
        (given, lived)
    };
    let whole = tempfile::tempdir().unwrap();
    let disk = VolatileDisk::new();
    live(whole.path(), &disk).1.unwrap();
    let operations = disk.faults().count();
    assert!(operations >= 8, "{operations}");
    for at in 0..operations {
        for when in [When::Before, When::After] {
            let place = tempfile::tempdir().unwrap();
            let disk = VolatileDisk::new();
            disk.faults().die(at, when);
            let (given, _) = live(place.path(), &disk);
            drop(disk);
            let mut left = open(place.path()).unwrap();
            // A fork from below what was cosigned is refused, whatever is said of it.
            if given > FORK {
                for old in 0..=given {
                    assert!(left.add_checkpoint(histories.request(1, old, SIZE), TIME).is_err());
                }
            }
            let going_on = [0, 10, 30].into_iter().filter(|old| *old >= given);
            let taken = going_on
                .filter(|old| left.add_checkpoint(histories.request(0, *old, SIZE), TIME).is_ok());
            assert_eq!(taken.count(), 1, "operation {at}, {given} was cosigned");
        }
    }
}

#[test]
fn a_failed_sync_ends_it_and_a_full_disk_does_not() {
    let histories = Histories::new();
    let place = tempfile::tempdir().unwrap();
    let disk = VolatileDisk::new();
    let volatile = Arc::new(Volatile(disk.clone()));
    let mut witness = Witness::open(volatile, place.path(), witness(), vec![key()]).unwrap();
    disk.faults().no_space(0);
    let refused = witness.add_checkpoint(histories.request(0, 0, 10), TIME).unwrap_err();
    assert!(matches!(refused, Refused::NotKept(LedgerError::Full { .. })), "{refused:?}");
    disk.faults().space_again();
    witness.add_checkpoint(histories.request(0, 0, 10), TIME).unwrap();

    disk.faults().fail_sync(|_| true, 1);
    for _ in 0..2 {
        let refused = witness.add_checkpoint(histories.request(0, 10, 20), TIME).unwrap_err();
        assert!(matches!(refused, Refused::NotKept(LedgerError::Lost { .. })), "{refused:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// It cosigns exactly what holds all of the last, whichever history it is shown.
    #[test]
    fn it_cosigns_one_history(
        steps in prop::collection::vec((0..2_usize, prop::option::of(0..=SIZE), 0..=SIZE, any::<bool>()), 1..30)
    ) {
        let histories = Histories::new();
        let place = tempfile::tempdir().unwrap();
        let mut witness = open(place.path()).unwrap();
        let mut latest = (0, histories.root(0, 0));
        for (history, old, size, restart) in steps {
            if restart {
                witness = open(place.path()).unwrap();
            }
            let old = old.unwrap_or(latest.0);
            let holds = size >= old && histories.root(history, old) == latest.1;
            let taken = witness.add_checkpoint(histories.request(history, old, size), TIME).is_ok();
            prop_assert_eq!(taken, old == latest.0 && holds, "{} {} {}", history, old, size);
            if taken {
                latest = (size, histories.root(history, size));
            }
        }
    }
}
