//! Nothing that lies in a file is missed, wherever it lies.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use signpost_core::search::{SoughtKind, Unwatched};

use super::*;

const BLOCK: usize = 64;

fn sought(bytes: &[u8]) -> Sought {
    Sought::of(SoughtKind::Sealed, bytes).unwrap()
}

fn search_in(root: &Path, sought: &[Sought]) -> Searched {
    search_by(root, sought, &Unwatched)
}

fn search_by(root: &Path, sought: &[Sought], progress: &dyn SearchProgress) -> Searched {
    let files = Mutex::new(Files::under(&[("data", root)]).unwrap());
    let needles = Needles::new(sought);
    Search { files, needles, progress, goes_on: &|_| true }.run(BLOCK).unwrap()
}

/// Bytes that hold no window twice.
fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut bytes);
    bytes
}

#[test]
fn it_is_found_at_every_place_of_a_file_over_every_border_of_blocks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let needle: Vec<u8> = (100..140).collect();
    for len in [40, 41, 63, 64, 65, 104, 200] {
        for at in 0..=len - needle.len() {
            let mut bytes = noise(len);
            bytes[at..at + needle.len()].copy_from_slice(&needle);
            std::fs::write(&path, bytes).unwrap();
            let searched = search_in(directory.path(), &[sought(&needle)]);
            let found = Found { sought: 0, file: "data/file".to_owned(), offset: at as u64 };
            assert_eq!(searched.found, [found], "{at} of {len}");
            assert_eq!((searched.files, searched.bytes, searched.hits), (1, len as u64, 1));
        }
    }
}

#[test]
fn what_is_cut_short_or_changed_is_not_found() {
    let directory = tempfile::tempdir().unwrap();
    let needle = noise(48);
    for cut in 0..48 {
        std::fs::write(directory.path().join("file"), &needle[..cut]).unwrap();
        assert_eq!(search_in(directory.path(), &[sought(&needle)]).hits, 0);
        let mut changed = needle.clone();
        changed[cut] ^= 1;
        std::fs::write(directory.path().join("file"), &changed).unwrap();
        assert_eq!(search_in(directory.path(), &[sought(&needle)]).hits, 0);
    }
}

/// Windows that lie over each other, several that begin alike, and of several lengths.
#[test]
fn every_one_of_many_is_found_as_often_as_it_is_there() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), [7; 100]).unwrap();
    let alike: Vec<u8> = [[7; 4].as_slice(), &noise(40)].concat();
    let inner = directory.path().join("inner/most");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::write(inner.join("file"), [&noise(500), &alike[..]].concat()).unwrap();
    let all = [sought(&[7; 24]), sought(&alike), sought(&[7; 30]), sought(&noise(64)[3..60])];
    let searched = search_in(directory.path(), &all);
    let places = |nth| searched.found.iter().filter(|found| found.sought == nth).count();
    assert_eq!(searched.hits, 77 + 1 + 71 + 1);
    assert_eq!([0, 1, 2, 3].map(places), [16, 1, 16, 1], "at most so many are told of each");
    assert!((0..4).all(|nth| searched.has_found(nth)));
    let told = searched.found.iter().find(|found| found.sought == 1).unwrap();
    assert_eq!((told.file.as_str(), told.offset), ("data/inner/most/file", 500));
}

#[test]
fn a_file_that_goes_meanwhile_is_no_error_and_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("stays"), noise(300)).unwrap();
    std::fs::write(directory.path().join("goes"), noise(300)).unwrap();
    std::os::unix::fs::symlink(directory.path(), directory.path().join("itself")).unwrap();
    let files = Mutex::new(Files::under(&[("data", directory.path())]).unwrap());
    std::fs::remove_file(directory.path().join("goes")).unwrap();
    let (needles, progress) = (Needles::new(&[]), &Unwatched);
    let searched = Search { files, needles, progress, goes_on: &|_| true }.run(BLOCK).unwrap();
    assert_eq!(searched.vanished, 2, "by its own name, and by way of the directory's other one");
    assert_eq!(searched.files, 2);
}

/// What has been added since the files were listed is behind their last block.
#[test]
fn a_file_that_grows_meanwhile_is_read_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, noise(100)).unwrap();
    let files = Mutex::new(Files::under(&[("data", directory.path())]).unwrap());
    let needle: Vec<u8> = (0..40).collect();
    std::fs::write(&path, [&noise(700), &needle[..]].concat()).unwrap();
    let all = [sought(&needle)];
    let (needles, progress) = (Needles::new(&all), &Unwatched);
    let searched = Search { files, needles, progress, goes_on: &|_| true }.run(BLOCK).unwrap();
    assert_eq!((searched.hits, searched.bytes), (1, 740));
}

#[derive(Debug, Default)]
struct Told(AtomicU64);

impl SearchProgress for Told {
    fn searched(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[test]
fn whoever_watches_is_told_of_every_byte() {
    let directory = tempfile::tempdir().unwrap();
    for (name, len) in [("empty", 0), ("one", 1), ("block", BLOCK), ("more", 5 * BLOCK + 1)] {
        std::fs::write(directory.path().join(name), noise(len)).unwrap();
    }
    let told = Told::default();
    let searched = search_by(directory.path(), &[sought(&[9; 24])], &told);
    assert_eq!(searched.files, 4);
    assert_eq!(searched.bytes, 6 * BLOCK as u64 + 2);
    assert_eq!(told.0.load(Ordering::Relaxed), searched.bytes);
}

/// By hand, for a figure: `cargo test --release -p signpost-embedded --lib -- --nocapture rate`.
#[test]
fn the_rate_of_a_search() {
    let directory = tempfile::tempdir().unwrap();
    let len = if cfg!(debug_assertions) { 1 << 20 } else { 1 << 30 };
    std::fs::write(directory.path().join("file"), noise(len)).unwrap();
    let all: Vec<Sought> =
        (0..4000_u32).map(|nth| sought(&[&nth.to_be_bytes()[..], &noise(28)].concat())).collect();
    let files = Mutex::new(Files::under(&[("data", directory.path())]).unwrap());
    let (needles, progress) = (Needles::new(&all), &Unwatched);
    let begun = Instant::now();
    let searched = Search { files, needles, progress, goes_on: &|_| true }.run(BLOCK_LEN).unwrap();
    assert_eq!((searched.hits, searched.bytes), (0, len as u64));
    println!("{} MB in {:?}", len >> 20, begun.elapsed());
}
