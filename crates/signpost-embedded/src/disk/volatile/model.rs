//! Random operations beside a plain model, then a power cut: what is left is what was synced, and
//! where pieces are written early, nothing but pieces of what was written.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::durable;

#[derive(Clone, Debug)]
enum Step {
    Create(usize),
    Write { file: usize, offset: usize, len: usize, byte: u8 },
    SetLen { file: usize, len: usize },
    Allocate { file: usize, len: usize },
    Sync(usize),
    FailSync(usize),
    Rename { from: usize, to: usize },
    Remove(usize),
    SyncDirectory,
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn step() -> impl Strategy<Value = Step> {
    let file = 0..NAMES.len();
    let len = 0..2500_usize;
    prop_oneof![
        2 => file.clone().prop_map(Step::Create),
        6 => (file.clone(), len.clone(), len.clone(), 1..=u8::MAX)
            .prop_map(|(file, offset, len, byte)| Step::Write { file, offset, len, byte }),
        1 => (file.clone(), len.clone()).prop_map(|(file, len)| Step::SetLen { file, len }),
        1 => (file.clone(), len).prop_map(|(file, len)| Step::Allocate { file, len }),
        3 => file.clone().prop_map(Step::Sync),
        1 => file.clone().prop_map(Step::FailSync),
        2 => (file.clone(), file.clone()).prop_map(|(from, to)| Step::Rename { from, to }),
        1 => file.prop_map(Step::Remove),
        2 => Just(Step::SyncDirectory),
    ]
}

/// A file: as it reads, and what a sync may make of it. There is more than one course only where a
/// sync has failed and pieces are written early: the first is the one without pieces.
#[derive(Clone, Debug)]
struct File {
    now: Vec<u8>,
    courses: Vec<Course>,
}

/// A content to be synced, and all that it was since the last sync, that first.
#[derive(Clone, Debug, PartialEq)]
struct Course {
    now: Vec<u8>,
    since_sync: Vec<Vec<u8>>,
}

/// All files by number, and their names: as they are last, and since the last sync before.
struct Model {
    files: Vec<File>,
    names: Vec<BTreeMap<&'static str, usize>>,
}

impl File {
    fn new() -> Self {
        Self { now: Vec::new(), courses: vec![Course::synced(Vec::new())] }
    }

    fn change(&mut self, change: impl Fn(&mut Vec<u8>)) {
        change(&mut self.now);
        for course in &mut self.courses {
            change(&mut course.now);
            course.since_sync.push(course.now.clone());
        }
    }

    fn sync(&mut self) {
        for course in std::mem::take(&mut self.courses) {
            let synced = Course::synced(course.now);
            if !self.courses.contains(&synced) {
                self.courses.push(synced);
            }
        }
    }

    /// A sync has failed: a later one leaves of each byte what was there at some time since the
    /// last one, and without pieces what was there then.
    fn lose(&mut self) {
        for course in std::mem::take(&mut self.courses) {
            let shortest = course.since_sync.iter().map(Vec::len).min().unwrap();
            let mut without_pieces = course.since_sync[0].clone();
            without_pieces.truncate(shortest);
            for mut now in [vec![without_pieces], course.since_sync.clone()].concat() {
                now.resize(self.now.len(), 0);
                let since_sync = [&course.since_sync[..], &[now.clone()]].concat();
                self.courses.push(Course { now, since_sync });
            }
        }
    }

    /// What a power cut leaves without pieces.
    fn durable(&self) -> &[u8] {
        &self.courses[0].since_sync[0]
    }

    /// Whether a power cut may leave this, where pieces are written early.
    fn may_leave(&self, found: &[u8]) -> bool {
        let contents = || self.courses.iter().flat_map(|course| &course.since_sync);
        let shortest = contents().map(Vec::len).min().unwrap();
        let longest = contents().map(Vec::len).max().unwrap();
        let byte_fits = |(at, byte): (usize, &u8)| {
            contents().any(|content| *content.get(at).unwrap_or(&0) == *byte)
        };
        (shortest..=longest).contains(&found.len()) && found.iter().enumerate().all(byte_fits)
    }
}

impl Course {
    fn synced(now: Vec<u8>) -> Self {
        Self { since_sync: vec![now.clone()], now }
    }
}

impl Model {
    fn named(&mut self, name: usize) -> Option<&mut File> {
        let number = *self.names.last()?.get(NAMES[name])?;
        self.files.get_mut(number)
    }

    fn rename(&mut self, change: impl FnOnce(&mut BTreeMap<&'static str, usize>)) {
        let mut names = self.names.last().unwrap().clone();
        change(&mut names);
        self.names.push(names);
    }

    /// Takes a step here and on the disk; both agree on whether there is such a file.
    fn step(&mut self, disk: &VolatileDisk, directory: &Path, step: &Step) {
        let path = |name: usize| directory.join(NAMES[name]);
        let open = |name: usize| disk.open(&path(name));
        match *step {
            Step::Create(name) => {
                disk.open_or_create(&path(name)).unwrap();
                if self.named(name).is_none() {
                    let number = self.files.len();
                    self.files.push(File::new());
                    self.rename(|names| _ = names.insert(NAMES[name], number));
                }
            }
            Step::Write { file, offset, len, byte } => {
                let Some(model) = self.named(file) else { return assert!(open(file).is_err()) };
                open(file).unwrap().write_all_at(&vec![byte; len], offset as u64).unwrap();
                model.change(|content| {
                    if len > 0 {
                        content.resize(content.len().max(offset + len), 0);
                        content[offset..offset + len].fill(byte);
                    }
                });
            }
            Step::SetLen { file, len } => {
                let Some(model) = self.named(file) else { return };
                open(file).unwrap().set_len(len as u64).unwrap();
                model.change(|content| content.resize(len, 0));
            }
            Step::Allocate { file, len } => {
                let Some(model) = self.named(file) else { return };
                open(file).unwrap().allocate(len as u64).unwrap();
                model.change(|content| content.resize(content.len().max(len), 0));
            }
            Step::Sync(file) => {
                let Some(model) = self.named(file) else { return };
                open(file).unwrap().sync_data().unwrap();
                model.sync();
            }
            Step::FailSync(file) => {
                let Some(model) = self.named(file) else { return };
                disk.faults().fail_sync(|_| true, 1);
                open(file).unwrap().sync_all().unwrap_err();
                model.lose();
            }
            Step::Rename { from, to } => {
                let Some(number) = self.names.last().unwrap().get(NAMES[from]).copied() else {
                    return assert!(disk.rename(&path(from), &path(to)).is_err());
                };
                disk.rename(&path(from), &path(to)).unwrap();
                self.rename(|names| {
                    names.remove(NAMES[from]);
                    names.insert(NAMES[to], number);
                });
            }
            Step::Remove(name) => {
                let is_there = self.named(name).is_some();
                assert_eq!(disk.remove_file(&path(name)).is_ok(), is_there);
                self.rename(|names| _ = names.remove(NAMES[name]));
            }
            Step::SyncDirectory => {
                disk.sync_directory(directory).unwrap();
                self.names.drain(..self.names.len() - 1);
            }
        }
    }

    /// Compares all that is read through the disk.
    fn compare(&self, disk: &VolatileDisk, directory: &Path) {
        let names = self.names.last().unwrap();
        let expected: Vec<_> = names.keys().map(|name| directory.join(name)).collect();
        assert_eq!(disk.list(directory).unwrap(), expected);
        for (name, number) in names {
            let path = directory.join(name);
            let content = &self.files[*number].now;
            assert_eq!(disk.status(&path).unwrap().len, content.len() as u64);
            assert!(durable::read(disk, &path).unwrap() == *content, "{name}");
        }
    }

    /// Whether the real disk may look so after a power cut.
    fn may_leave(&self, found: &BTreeMap<String, Vec<u8>>, pieces: bool) -> bool {
        let names = if pieces { &self.names[..] } else { &self.names[..1] };
        names.iter().any(|names| {
            names.len() == found.len()
                && names.iter().all(|(name, number)| {
                    let file = &self.files[*number];
                    let found = found.get(*name);
                    found.is_some_and(|found| {
                        if pieces { file.may_leave(found) } else { found == file.durable() }
                    })
                })
        })
    }
}

fn run(steps: &[Step], seed: Option<u64>) {
    let directory = tempfile::tempdir().unwrap();
    let disk = VolatileDisk::new();
    let faults = disk.faults();
    if let Some(seed) = seed {
        faults.write_back(seed);
    }
    let mut model = Model { files: Vec::new(), names: vec![BTreeMap::new()] };
    for step in steps {
        model.step(&disk, directory.path(), step);
        model.compare(&disk, directory.path());
    }
    faults.cut_power();
    let found = std::fs::read_dir(directory.path()).unwrap().map(|item| {
        let path = item.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(path).unwrap())
    });
    assert!(model.may_leave(&found.collect(), seed.is_some()), "the disk holds something else");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_power_cut_leaves_what_was_synced(steps in prop::collection::vec(step(), 1..50)) {
        run(&steps, None);
    }

    #[test]
    fn what_is_written_early_is_pieces_of_what_was_written(
        steps in prop::collection::vec(step(), 1..50),
        seed in any::<u64>(),
    ) {
        run(&steps, Some(seed));
    }
}
