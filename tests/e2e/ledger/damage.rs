//! What finds which alteration of the ledger's files: the table of docs/ledger.md, made by doing it.
//!
//! Each file of a real ledger is altered in every way, one after another. Then it is verified, with
//! and without a checkpoint that was kept, shown to a witness that has cosigned what was there
//! before, and a service is started on it. Which files and entries are named when verifying finds
//! it, the tests of `signpost-ledger` hold.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use signpost::seed_file;
use signpost::server::Server;
use signpost_core::entry::Entry;
use signpost_ledger::disk::OsDisk;
use signpost_ledger::log::Log;
use signpost_ledger::log::reader::Reader;
use signpost_ledger::note::Note;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::note::signer::{LogSigner, Seed, WitnessSigner};
use signpost_ledger::verify::Verification;
use signpost_ledger::verify::entries::EntryRules;
use signpost_ledger::witness::Witness;
use signpost_ledger::witness::request::Request;

use super::{PARTS, checkpoint, copy, lived};
use crate::harness::{World, reopened};

const DOCUMENT: &str = include_str!("../../../docs/ledger.md");

/// An entry in a bundle: its length in two bytes, and itself.
const IN_BUNDLE: usize = 2 + Entry::LEN;

/// Two bundles and two tiles of the lowest level are full.
const QUESTIONS: usize = 520;

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_what_finds_which_alteration_is_that_of_the_document() {
    let mut scene = Scene::new().await;
    for file in files(&scene.world.path("ledger")) {
        scene.alter(&file).await;
    }
    assert_eq!(scene.found().await, [false; 4], "all is as it was");
    scene.alter_whole().await;

    let expected = scene.table();
    let section =
        DOCUMENT.split("\n## ").find(|part| part.starts_with("What finds which")).unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|'));
    let written: Vec<&str> = rows.take_while(|line| !line.is_empty()).collect();
    let is_same = expected.lines().eq(written.iter().copied());
    assert!(is_same, "the table of docs/ledger.md should be:\n\n{expected}");
}

/// Who finds an alteration: verifying; verifying with the checkpoint that was kept; a witness that has
/// cosigned that checkpoint; a start of the service.
type Found = [bool; 4];

/// What is altered, in the order of the table's rows.
const SUBJECTS: [&str; 6] = [
    "the checkpoint",
    "a bundle of entries",
    "a tile of hashes",
    "a partial bundle of an earlier checkpoint",
    "a partial tile of an earlier checkpoint",
    "the ledger",
];

/// A county that was served twice, its ledger as it is and as it was in between, and what was found.
struct Scene {
    world: World,
    key: VerifierKey,
    kept: Checkpoint,
    note: Vec<u8>,
    table: BTreeMap<(usize, String), Found>,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new();
        world.initialise().await;
        let world = lived(world, QUESTIONS).await;
        for part in PARTS {
            copy(&world.path(part), &world.path(&format!("older-{part}")));
        }
        let world = lived(world, 3).await;
        let key = signpost::ledger::verifier(&world.config(&[]).ledger).unwrap();
        let (kept, note) = checkpoint(&world);
        copy(&world.path("ledger"), &world.path("honest"));
        Self { world, key, kept, note, table: BTreeMap::new() }
    }

    fn table(&self) -> String {
        let mut lines = vec![
            "| altered | how | verify | verify --since | witness | start |".to_owned(),
            "|---|---|---|---|---|---|".to_owned(),
        ];
        let word = |found| if found { "yes" } else { "-" };
        for ((subject, how), found) in &self.table {
            let by = found.map(word).join(" | ");
            lines.push(format!("| {} | {how} | {by} |", SUBJECTS[*subject]));
        }
        lines.join("\n")
    }

    /// Notes who finds what now lies there. Every way to do the same must be found by the same.
    async fn look(&mut self, subject: &str, how: &str) {
        let found = self.found().await;
        let place = SUBJECTS.iter().position(|one| *one == subject).unwrap();
        let before = *self.table.entry((place, how.to_owned())).or_insert(found);
        assert_eq!(before, found, "{subject}, {how}");
    }

    async fn found(&self) -> Found {
        let directory = self.world.path("ledger");
        [
            self.is_found_by_verifying(&directory, None),
            self.is_found_by_verifying(&directory, Some(&self.note)),
            self.is_refused_by_a_witness(&directory),
            self.is_refused_by_a_start().await,
        ]
    }

    fn is_found_by_verifying(&self, directory: &Path, since: Option<&[u8]>) -> bool {
        let mut rules = EntryRules::default();
        let mut verification = Verification::new(directory, &self.key);
        if let Some(since) = since {
            verification = verification.since(since);
        }
        verification.run(|_, entry| rules.check(entry), |_, _| {}).is_err()
    }

    /// Whether a witness that has cosigned what was there before refuses the checkpoint that is there
    /// now, with the proof that is to be had from the files. Where there is no checkpoint, it is
    /// asked nothing.
    fn is_refused_by_a_witness(&self, directory: &Path) -> bool {
        let Ok(note) = fs::read(directory.join("checkpoint")) else { return false };
        let place = tempfile::tempdir().unwrap();
        let signer = WitnessSigner::new("witness.example", &Seed::new([8; 32])).unwrap();
        let logs = vec![self.key.clone()];
        let mut witness = Witness::open(Arc::new(OsDisk), place.path(), signer, logs).unwrap();
        let first = Request { old_size: 0, path: vec![], note: Note::parse(&self.note).unwrap() };
        witness.add_checkpoint(first, 1_700_000_000).unwrap();

        let size = self.kept.size;
        let proven = Checkpoint::open(&note, &self.key).ok().and_then(|(checkpoint, _)| {
            let reader = Reader::new(Arc::new(OsDisk), directory.to_owned(), checkpoint.clone());
            Some(reader.consistency(size, checkpoint.size).ok()?.path)
        });
        let asked = Note::parse(&note).map(|note| Request {
            old_size: size,
            path: proven.unwrap_or_default(),
            note,
        });
        asked.is_err()
            || asked.is_ok_and(|asked| witness.add_checkpoint(asked, 1_700_000_001).is_err())
    }

    async fn is_refused_by_a_start(&self) -> bool {
        match Server::prepare(self.world.config(&[]), self.world.clock()).await {
            Ok(server) => {
                server.close_unserved().await.unwrap();
                false
            }
            Err(failure) => {
                assert_eq!(failure.exit, signpost::exit::Exit::Sealed, "{failure}");
                true
            }
        }
    }

    /// Alters one file in every way that it can be.
    async fn alter(&mut self, file: &str) {
        let path = self.world.path("ledger").join(file);
        let whole = fs::read(&path).unwrap();
        let subject = subject(file, self.kept.size);
        for (how, bytes) in altered(&whole, subject) {
            fs::write(&path, bytes).unwrap();
            self.look(subject, how).await;
        }
        fs::remove_file(&path).unwrap();
        self.look(subject, "removed").await;
        fs::write(&path, &whole).unwrap();
        if subject == SUBJECTS[0] {
            self.alter_checkpoint(&path).await;
            fs::write(&path, &whole).unwrap();
        } else if file.ends_with("/000") {
            let other = path.with_file_name("001");
            let others = fs::read(&other).unwrap();
            fs::write(&path, &others).unwrap();
            fs::write(&other, &whole).unwrap();
            self.look(subject, "swapped with another").await;
            fs::write(&path, &whole).unwrap();
            fs::write(&other, others).unwrap();
        }
    }

    async fn alter_checkpoint(&mut self, path: &Path) {
        let stranger = LogSigner::new(self.key.name(), &Seed::new([1; 32])).unwrap();
        let text = Note::new(Note::parse(&self.note).unwrap().text().to_owned()).unwrap();
        let signature = stranger.sign(&text);
        fs::write(path, text.with(signature).to_string()).unwrap();
        self.look(SUBJECTS[0], "signed by another key").await;
        fs::copy(self.world.path("older-ledger/checkpoint"), path).unwrap();
        self.look(SUBJECTS[0], "an earlier one put back").await;
    }

    /// Alterations that leave every file in good order, or all but one.
    async fn alter_whole(&mut self) {
        let mut entries = reopened(&self.world).await.0;
        entries.truncate(usize::try_from(self.kept.size).unwrap());
        for kind in ["0", "entries"] {
            let last = last_partial(kind, self.kept.size);
            fs::remove_file(self.world.path("ledger").join(last)).unwrap();
        }
        self.look(SUBJECTS[5], "its last files removed").await;

        self.put_back("ledger");
        self.look(SUBJECTS[5], "an older copy put back, beside today's store").await;

        let rewritten = |bytes: &mut [u8; Entry::LEN], index| {
            bytes[200] ^= u8::from(index == 123);
        };
        self.put_made(&entries, rewritten);
        self.look(SUBJECTS[5], "rewritten and signed again").await;
        fs::write(self.world.path("ledger/checkpoint"), &self.note).unwrap();
        self.look(SUBJECTS[5], "rewritten but for its checkpoint").await;

        // Of one more entry: two auditors have each been given a checkpoint and its proofs.
        let longer = [&entries[..], &entries[entries.len() - 1..]].concat();
        self.put_made(&longer, |bytes, index| bytes[200] ^= u8::from(index >= 400));
        self.look(SUBJECTS[5], "two histories shown to two auditors").await;

        for part in PARTS {
            self.put_back(part);
        }
        self.look(SUBJECTS[5], "older copies of it, the store and the keyring put back").await;
    }

    fn put_back(&self, part: &str) {
        fs::remove_dir_all(self.world.path(part)).unwrap();
        copy(&self.world.path(&format!("older-{part}")), &self.world.path(part));
    }

    /// Makes the ledger anew, by its own key, of entries that are changed.
    fn put_made(&self, entries: &[Entry], change: impl Fn(&mut [u8; Entry::LEN], usize)) {
        let directory = self.world.path("ledger");
        fs::remove_dir_all(&directory).unwrap();
        let seed = seed_file::read(&self.world.path("ledger.key")).unwrap();
        let signer = LogSigner::new(self.key.name(), &seed).unwrap();
        let mut log = Log::create(Arc::new(OsDisk), &directory, signer).unwrap();
        for (index, entry) in entries.iter().enumerate() {
            let mut bytes = *entry.as_bytes();
            change(&mut bytes, index);
            log.append(index as u64, &bytes).unwrap();
        }
        log.checkpoint().unwrap();
    }
}

/// The file of the last tile or bundle of a tree of this size.
fn last_partial(kind: &str, size: u64) -> String {
    format!("tile/{kind}/{:03}.p/{}", size / 256, size % 256)
}

/// What a file is. The last tiles and bundles are what a partial form of the tree's size holds.
fn subject(file: &str, size: u64) -> &'static str {
    let is_of_an_earlier_one = match (file.split_once(".p/"), file.starts_with("tile/1")) {
        (None, _) => false,
        (Some((_, width)), true) => width != (size / 256).to_string(),
        (Some((_, width)), false) => width != (size % 256).to_string(),
    };
    match (file.starts_with("tile/entries"), is_of_an_earlier_one) {
        _ if file == "checkpoint" => SUBJECTS[0],
        (true, false) => SUBJECTS[1],
        (false, false) => SUBJECTS[2],
        (true, true) => SUBJECTS[3],
        (false, true) => SUBJECTS[4],
    }
}

/// The ways to alter a file's bytes.
fn altered(whole: &[u8], subject: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut altered = Vec::new();
    for place in [0, whole.len() / 2, whole.len() - 2] {
        let mut bytes = whole.to_vec();
        bytes[place] ^= 1;
        altered.push(("a bit flipped", bytes));
    }
    for len in [0, whole.len() / 2, whole.len() - 1] {
        altered.push(("cut", whole[..len].to_vec()));
    }
    altered.push(("lengthened", [whole, &[0]].concat()));
    if subject != SUBJECTS[1] {
        return altered;
    }
    let entries: Vec<&[u8]> = whole.chunks(IN_BUNDLE).collect();
    let last = entries.len() - 1;
    for place in [0, last / 2] {
        let mut swapped = entries.clone();
        swapped.swap(place, last);
        altered.push(("two entries swapped", swapped.concat()));
        let mut removed = entries.clone();
        removed.remove(place);
        altered.push(("an entry removed", removed.concat()));
        let mut inserted = entries.clone();
        inserted.insert(place, entries[last]);
        altered.push(("an entry inserted", inserted.concat()));
        let mut changed = whole.to_vec();
        // Of the commitment: it is an entry still.
        changed[place * IN_BUNDLE + 2 + 180] ^= 1;
        altered.push(("an entry changed", changed));
    }
    altered
}

/// The files of a ledger, by their paths in it.
fn files(directory: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut left: Vec<PathBuf> = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for found in fs::read_dir(next).unwrap() {
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
