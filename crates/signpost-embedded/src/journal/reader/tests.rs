//! Journals made by hand, frame by frame: what is read of them, and what is refused.

use super::*;
use crate::disk::os::OsDisk;
use crate::ledger::EntryChain;

/// The journal of a first generation, in a directory of its own.
struct Made {
    directory: tempfile::TempDir,
}

/// The start of a file of it, which goes on after this frame.
fn header(file: u64, after: FrameId) -> FileHeader {
    FileHeader { generation: 1, file, after, tracer: [7; 32] }
}

fn first_file() -> FileHeader {
    header(1, FrameId::NONE)
}

/// A frame that carries nothing.
fn frame(number: u64, first_entry: u64, previous: &[u8; 32]) -> (Vec<u8>, FrameId) {
    Body::default().encode(number, first_entry, previous).unwrap()
}

/// As many frames as there is place for, each after the one before it.
fn chain<const N: usize>() -> [(Vec<u8>, FrameId); N] {
    let mut last = first_file().before_first();
    [(); N].map(|()| {
        let (bytes, id) = frame(last.number + 1, 0, &last.hash);
        last = id;
        (bytes, id)
    })
}

impl Made {
    /// Of files of these numbers, each its header and what follows.
    fn of(files: &[(FileHeader, Vec<u8>)]) -> Self {
        let made = Self { directory: tempfile::tempdir().unwrap() };
        std::fs::create_dir(made.layout().generation(1)).unwrap();
        for (header, frames) in files {
            let bytes = [header.encode(), frames.clone()].concat();
            std::fs::write(made.path(header.file), bytes).unwrap();
        }
        made
    }

    fn layout(&self) -> Layout {
        Layout::new(self.directory.path())
    }

    fn path(&self, file: u64) -> PathBuf {
        self.layout().journal(1, file)
    }

    fn read(&self) -> Result<JournalReader, OpenError> {
        let current = Current {
            generation: 1,
            fill: first_file().before_first(),
            first_entry: 0,
            last_ms: 0,
            segment: 0,
            slots_used: 0,
            chain: EntryChain::BEFORE_FIRST,
            left: FrameId::NONE,
            short: Arc::default(),
        };
        JournalReader::open(&OsDisk, &self.layout(), &current)
    }

    /// The file and the offset at which it is found to be damaged.
    fn damage<T: std::fmt::Debug>(&self, read: Result<T, OpenError>) -> (u64, u64) {
        let error = read.unwrap_err();
        let OpenError::Damaged { path, offset, .. } = &error else { panic!("{error}") };
        let file = (1..9).find(|file| self.path(*file) == *path);
        (file.unwrap_or_else(|| panic!("{error}")), *offset)
    }
}

/// What follows the first file's header: the end of the good frames, after so many of them.
fn end_after(good: u64, rest: Vec<u8>) -> End {
    let mut reader = Made::of(&[(first_file(), rest)]).read().unwrap();
    for number in 1..=good {
        assert_eq!(reader.next_frame().unwrap().unwrap().id.number, number);
    }
    assert!(reader.next_frame().unwrap().is_none());
    reader.end().unwrap()
}

#[test]
fn frames_are_read_over_all_files_and_again_from_any_of_them() {
    let [one, two, three] = chain();
    let ids = [one.1, two.1, three.1];
    let made = Made::of(&[
        (first_file(), [one.0, two.0].concat()),
        (header(2, ids[1]), Vec::new()),
        (header(3, ids[1]), three.0),
    ]);
    let file_len = |file| std::fs::metadata(made.path(file)).unwrap().len();
    let mut reader = made.read().unwrap();
    assert_eq!(reader.total_len(), file_len(1) + file_len(2) + file_len(3));
    assert_eq!(reader.last_file_after(), ids[1]);
    let mut positions = Vec::new();
    for id in ids {
        positions.push(reader.position());
        assert_eq!(reader.next_frame().unwrap().unwrap().id, id);
    }
    assert!(reader.next_frame().unwrap().is_none());
    assert_eq!((reader.end().unwrap(), reader.path()), (End::Clean, &made.path(3)));
    assert_eq!(positions.iter().map(|at| at.file).collect::<Vec<_>>(), [1, 1, 3]);
    for (index, at) in positions.into_iter().enumerate() {
        let files_behind: u64 = (at.file + 1..=3).map(file_len).sum();
        assert_eq!(reader.len_from(at), file_len(at.file) - at.offset + files_behind);
        reader.resume(at);
        assert_eq!(reader.position(), at);
        for id in &ids[index..] {
            assert_eq!(reader.next_frame().unwrap().unwrap().id, *id);
        }
        assert!(reader.next_frame().unwrap().is_none());
    }
}

#[test]
fn a_journal_that_lacks_a_file_is_refused() {
    let [(bytes, id)] = chain();
    let none = Made::of(&[]);
    assert_eq!(none.damage(none.read()), (1, 0));
    let no_first = Made::of(&[(header(2, id), Vec::new())]);
    assert_eq!(no_first.damage(no_first.read()), (1, 0));
    let no_second = Made::of(&[(first_file(), bytes), (header(3, id), Vec::new())]);
    assert_eq!(no_second.damage(no_second.read()), (2, 0));
}

/// What the earlier file holds behind the frame that the later one goes on after was never trusted.
#[test]
fn a_frame_is_broken_where_the_later_file_goes_on_behind_it_and_nowhere_else() {
    let [(one, first), (mut two, second)] = chain();
    let second_at = (FileHeader::LEN + one.len()) as u64;
    two[70] ^= 1;
    let frames = [one, two].concat();
    let broken = Made::of(&[(first_file(), frames.clone()), (header(2, second), Vec::new())]);
    let mut reader = broken.read().unwrap();
    assert_eq!(reader.next_frame().unwrap().unwrap().id, first);
    assert_eq!(broken.damage(reader.next_frame()), (1, second_at));

    let left = Made::of(&[(first_file(), frames), (header(2, first), Vec::new())]);
    let mut reader = left.read().unwrap();
    assert_eq!(reader.next_frame().unwrap().unwrap().id, first);
    assert!(reader.next_frame().unwrap().is_none());
    assert_eq!((reader.end().unwrap(), reader.path()), (End::Clean, &left.path(2)));
}

/// Its number, the frame it names and its first entry must all be those that come next. A whole
/// frame that is in the place of the next one and is not it is no torn tail.
#[test]
fn a_whole_frame_that_does_not_follow_in_all_is_damage() {
    let before = first_file().before_first().hash;
    for (number, first_entry, previous) in
        [(2, 0, before), (0, 0, before), (1, 0, [9; 32]), (1, 1, before)]
    {
        assert_eq!(end_after(0, frame(number, first_entry, &previous).0), End::Damaged);
    }
    assert_eq!(end_after(1, frame(1, 0, &before).0), End::Clean);
}

#[test]
fn behind_a_torn_frame_only_a_later_one_is_damage() {
    let torn = vec![0xA5; 300];
    for (number, end) in [(0, End::Torn), (1, End::Torn), (2, End::Damaged), (9, End::Damaged)] {
        let behind = frame(number, 0, &[9; 32]).0;
        assert_eq!(end_after(0, [&torn[..], &behind].concat()), end, "frame {number}");
        let cut = &behind[..behind.len() - 1];
        assert_eq!(end_after(0, [&torn[..], cut].concat()), End::Torn, "frame {number}, cut");
    }
}

/// The search goes through the rest window by window, and what lies across two windows counts too.
#[test]
fn a_later_frame_is_found_however_far_behind() {
    let later = frame(2, 0, &[9; 32]).0;
    let far = READ_BUFFER_LEN;
    for behind in [1, 67, 68, far - 4, far - 3, far - 2, far - 1, far, far + 1, 2 * far + 9] {
        let rest = [vec![0xA5; behind], later.clone()].concat();
        assert_eq!(end_after(0, rest), End::Damaged, "{behind} bytes behind");
    }
}
