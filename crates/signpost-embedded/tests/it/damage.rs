//! A store that was left in a bad state is opened whole, or not at all.

mod aged;
mod cases;
mod index;
mod matrix;
mod older;
mod openings;

use std::path::Path;
use std::sync::Arc;

use signpost_core::id::Receipt;
use signpost_core::store::Store;
use signpost_core::testing::ManualClock;
use signpost_embedded::error::OpenError;
use signpost_embedded::store::EmbeddedStore;

use crate::support::{Place, copy, put_back, remove};
use crate::twin::ALL;
use crate::world::{World, first_light};

/// A closed store of five frames, a copy of it, and then one frame more with an opening.
struct Grown {
    place: Place,
    /// The copy, of data directory and keyring.
    before: std::path::PathBuf,
    /// Where the sixth frame starts in the journal.
    last_frame_at: u64,
}

const ENTRIES_BEFORE: usize = 5;

async fn grown() -> Grown {
    let clock = Arc::new(ManualClock::default());
    let place = Place::create(clock.clone());
    std::fs::copy(place.mark(), place.directory.path().join("first-mark")).unwrap();
    let store = Arc::new(place.open().store);
    first_light(&*store).await;
    let mut world = World::start(store.clone(), clock.clone()).await;
    for child in 0..2 {
        world.record(child, 0).await;
        world.ask(child).await;
    }
    store.close().await.unwrap();
    let before = place.directory.path().join("before");
    copy(place.data(), &before.join("data"));
    copy(&place.options.mark_dir, &before.join("keyring"));
    let last_frame_at = std::fs::metadata(place.journal()).unwrap().len();

    let store = Arc::new(place.open().store);
    World::start(store.clone(), clock).await.ask(1).await;
    store.close().await.unwrap();
    Grown { place, before, last_frame_at }
}

impl Grown {
    /// Puts all but the journal back to before the last frame: no witness knows of it.
    fn forget_last_frame(&self) {
        for part in ["generation-0000000001/index", "ledger", "openings"] {
            put_back(&self.before.join("data").join(part), &self.place.data().join(part));
        }
        put_back(&self.before.join("keyring/high-water-mark"), &self.place.mark());
    }

    /// Removes all but the journal and the keys: there is no witness at all, for the mark is back
    /// to the one that names no frame.
    fn forget_everything(&self) {
        remove(&self.place.index(1));
        put_back(&self.place.directory.path().join("first-mark"), &self.place.mark());
        for part in ["ledger", "openings"] {
            for file in crate::support::files(&self.place.data().join(part)) {
                if file.extension().is_none() {
                    remove(&file);
                }
            }
        }
    }

    fn refusal(&self) -> String {
        refusal(&self.place)
    }
}

fn refusal(place: &Place) -> String {
    match EmbeddedStore::open(&place.options) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn a_torn_tail_that_nobody_has_seen_whole_is_cut_off() {
    let grown = grown().await;
    let journal = std::fs::read(grown.place.journal()).unwrap();
    let start = usize::try_from(grown.last_frame_at).unwrap();
    for end in [start + 1, start + 67, start + 68, start + 300, journal.len() - 1] {
        grown.forget_last_frame();
        std::fs::write(grown.place.journal(), &journal[..end]).unwrap();
        let opened = grown.place.open();
        assert_eq!(opened.cut_bytes, (end - start) as u64);
        assert!(!opened.rebuilt_index);
        let entries = opened.store.entries(Receipt(0), ALL).await.unwrap();
        assert_eq!(entries.len(), ENTRIES_BEFORE);
        opened.store.close().await.unwrap();
        let len = std::fs::metadata(grown.place.journal()).unwrap().len();
        assert_eq!(len, grown.last_frame_at);
    }
}

#[tokio::test]
async fn a_whole_last_frame_that_nobody_has_seen_is_kept() {
    let grown = grown().await;
    grown.forget_last_frame();
    let opened = grown.place.open();
    assert_eq!((opened.cut_bytes, opened.rebuilt_index), (0, false));
    let entries = opened.store.entries(Receipt(0), ALL).await.unwrap();
    assert_eq!(entries.len(), ENTRIES_BEFORE + 1);
    let openings = opened.store.openings(Receipt(5), ALL).await.unwrap();
    assert_eq!(openings.len(), 1, "it was drained again");
    opened.store.close().await.unwrap();
}

/// Each witness alone is enough; so is each on a journal that ends cleanly, one frame short.
#[tokio::test]
async fn a_tail_that_one_witness_has_seen_whole_is_never_cut() {
    let grown = grown().await;
    let journal = std::fs::read(grown.place.journal()).unwrap();
    let after = grown.place.directory.path().join("after");
    copy(grown.place.data(), &after.join("data"));
    copy(&grown.place.options.mark_dir, &after.join("keyring"));
    let start = usize::try_from(grown.last_frame_at).unwrap();
    let data = grown.place.data();
    let witnesses = [
        ("data/generation-0000000001/index", grown.place.index(1), "the index"),
        ("data/ledger", data.join("ledger"), "the ledger"),
        ("data/openings", data.join("openings"), "the openings' own files"),
        ("keyring/high-water-mark", grown.place.mark(), "the high-water mark"),
    ];
    for (copied, place, witness) in witnesses {
        for end in [start, start + 1, journal.len() - 1] {
            grown.forget_last_frame();
            put_back(&after.join(copied), &place);
            std::fs::write(grown.place.journal(), &journal[..end]).unwrap();
            let refusal = grown.refusal();
            let expected =
                format!("journal-0000000001 ends at offset {start} with frame 5, but {witness}");
            assert!(refusal.contains(&expected), "{refusal}");
            let len = std::fs::metadata(grown.place.journal()).unwrap().len();
            assert_eq!(len, end as u64, "nothing was changed");
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_in_the_journal_is_refused() {
    let grown = grown().await;
    let journal = std::fs::read(grown.place.journal()).unwrap();
    for at in (0..journal.len()).step_by(211) {
        let mut flipped = journal.clone();
        flipped[at] ^= 1 << (at % 8);
        std::fs::write(grown.place.journal(), &flipped).unwrap();
        let refusal = grown.refusal();
        assert!(refusal.contains("journal"), "{refusal}");
        assert!(refusal.contains("offset"), "{refusal}");
    }
    std::fs::write(grown.place.journal(), &journal).unwrap();
    grown.place.open().store.close().await.unwrap();
}

/// Even where nothing else is left to tell: a whole frame behind a broken one shows that it is no
/// tail.
#[tokio::test]
async fn damage_before_the_tail_is_refused_without_any_witness() {
    let grown = grown().await;
    grown.forget_everything();
    let journal = std::fs::read(grown.place.journal()).unwrap();
    let last_frame_at = usize::try_from(grown.last_frame_at).unwrap();
    for at in (132..last_frame_at).step_by(173) {
        let mut flipped = journal.clone();
        flipped[at] ^= 0x10;
        std::fs::write(grown.place.journal(), &flipped).unwrap();
        let error = EmbeddedStore::open(&grown.place.options).unwrap_err();
        let OpenError::Damaged { path, offset, .. } = &error else { panic!("{error}") };
        assert_eq!(*path, grown.place.journal());
        let offset = usize::try_from(*offset).unwrap();
        assert!(offset <= at && journal[offset..].starts_with(b"SGNF"), "{error}");
    }
}

/// Each frame is whole, and not the one that belongs there: whatever was taken out, put in twice or
/// put elsewhere, nothing is cut off and nothing is served.
#[tokio::test]
async fn whole_frames_in_a_wrong_order_are_refused_without_any_witness() {
    let grown = grown().await;
    grown.forget_everything();
    let journal = std::fs::read(grown.place.journal()).unwrap();
    let magic = |at: &usize| journal[*at..].starts_with(b"SGNF");
    let starts: Vec<usize> = (0..journal.len()).filter(magic).collect();
    let ends = starts[1..].iter().copied().chain([journal.len()]);
    let frames: Vec<&[u8]> =
        starts.iter().zip(ends).map(|(start, end)| &journal[*start..end]).collect();
    assert_eq!(frames.len(), ENTRIES_BEFORE + 1);
    for at in 0..frames.len() - 1 {
        let (mut missing, mut twice, mut swapped) =
            (frames.clone(), frames.clone(), frames.clone());
        missing.remove(at);
        twice.insert(at, frames[at]);
        swapped.swap(at, at + 1);
        for (order, first_wrong) in [(missing, at), (twice, at + 1), (swapped, at)] {
            let bytes = [&journal[..starts[0]], &order.concat()].concat();
            std::fs::write(grown.place.journal(), bytes).unwrap();
            let error = EmbeddedStore::open(&grown.place.options).unwrap_err();
            let OpenError::Damaged { offset, .. } = error else { panic!("{error}") };
            let before: usize = order[..first_wrong].iter().map(|frame| frame.len()).sum();
            assert_eq!(offset, (starts[0] + before) as u64, "the first frame that does not fit");
        }
    }
    std::fs::write(grown.place.journal(), &journal).unwrap();
    grown.place.open().store.close().await.unwrap();
}

#[tokio::test]
async fn a_changed_or_missing_ledger_entry_is_refused() {
    let grown = grown().await;
    let path = grown.place.data().join("ledger/entries-0000000000");
    let entries = std::fs::read(&path).unwrap();
    let mut changed = entries.clone();
    changed[256 + 40] ^= 1;
    std::fs::write(&path, changed).unwrap();
    let refusal = grown.refusal();
    assert!(refusal.contains("entries-0000000000 is damaged at offset 256"), "{refusal}");
    std::fs::write(&path, &entries[..300]).unwrap();
    let refusal = grown.refusal();
    assert!(refusal.contains("entries-0000000000 is damaged at offset 256"), "{refusal}");
}

#[tokio::test]
async fn an_index_that_is_missing_or_garbage_is_built_anew() {
    let grown = grown().await;
    let index = grown.place.index(1);
    let spoil_files: [fn(&Path); 4] = [
        |path| std::fs::write(path, b"").unwrap(),
        |path| std::fs::write(path, vec![0xA5; 70_000]).unwrap(),
        |path| {
            let bytes = std::fs::read(path).unwrap();
            std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        },
        |path| {
            let mut bytes = std::fs::read(path).unwrap();
            for byte in bytes.iter_mut().step_by(97) {
                *byte ^= 0xFF;
            }
            std::fs::write(path, bytes).unwrap();
        },
    ];
    remove(&index);
    let mut answers = vec![all(&grown.place, true).await];
    for spoil in spoil_files {
        for file in crate::support::files(&index) {
            spoil(&file);
        }
        answers.push(all(&grown.place, true).await);
    }
    put_back(&grown.before.join("data/generation-0000000001/index"), &index);
    answers.push(all(&grown.place, false).await);
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]));
}

/// Opens, reads the children's records, and closes.
async fn all(place: &Place, rebuilt: bool) -> Vec<Vec<signpost_core::record::Stored>> {
    let opened = place.open();
    assert_eq!(opened.rebuilt_index, rebuilt);
    let mut found = Vec::new();
    for child in 0..2 {
        let scope = signpost_core::record::Scope::Child(crate::world::pseudonym(child));
        found.push(opened.store.scan(&scope, None, ALL).await.unwrap());
        assert_eq!(found.last().unwrap().len(), 2, "a head and a flag");
    }
    opened.store.close().await.unwrap();
    found
}

#[tokio::test]
async fn an_older_mark_is_no_harm_and_another_journals_mark_is_refused() {
    let grown = grown().await;
    put_back(&grown.before.join("keyring/high-water-mark"), &grown.place.mark());
    grown.place.open().store.close().await.unwrap();

    let other = self::grown().await;
    put_back(&other.place.mark(), &grown.place.mark());
    let refusal = grown.refusal();
    assert!(refusal.contains("not the journal that the high-water mark"), "{refusal}");
}
