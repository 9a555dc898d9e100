//! The data directory itself: who may open it, and what its files tell.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use signpost_core::testing::ManualClock;
use signpost_embedded::error::{CreateError, OpenError};
use signpost_embedded::keyring::{KeyError, SoftwareKeyring};
use signpost_embedded::store::EmbeddedStore;

use crate::support::{Place, files, options};
use crate::world::{TEXTS, World, first_light, pseudonym};

fn place() -> Place {
    Place::create(Arc::new(ManualClock::default()))
}

/// A closed store that has held a record of most kinds, and openings.
async fn used() -> Place {
    let clock = Arc::new(ManualClock::default());
    let mut place = Place::create(clock.clone());
    place.options.segment_openings_max = 2;
    let store = Arc::new(place.open().store);
    first_light(&*store).await;
    let mut world = World::start(store.clone(), clock).await;
    for child in 0..4 {
        world.record(child, child).await;
        world.ask(child).await;
        world.shield_and_lift(child).await;
    }
    store.close().await.unwrap();
    place
}

#[test]
fn a_format_that_this_build_does_not_know_is_refused_by_name() {
    let place = place();
    std::fs::write(place.data().join("FORMAT"), "signpost-data 4\n").unwrap();
    let error = EmbeddedStore::open(&place.options).unwrap_err();
    assert!(matches!(error, OpenError::UnknownFormat { .. }));
    let message = error.to_string();
    assert!(message.contains("\"signpost-data 4\""), "{message}");
    assert!(message.contains("\"signpost-data 5\""), "{message}");
    std::fs::remove_file(place.data().join("FORMAT")).unwrap();
    let error = EmbeddedStore::open(&place.options).unwrap_err();
    assert!(matches!(error, OpenError::NotADataDirectory { .. }));
}

#[tokio::test]
async fn a_second_opener_is_refused_until_the_first_has_closed() {
    let place = place();
    let first = place.open().store;
    let error = EmbeddedStore::open(&place.options).unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    first.close().await.unwrap();
    let second = place.open().store;
    drop(second);
    place.open().store.close().await.unwrap();
}

#[test]
fn a_directory_that_holds_anything_is_not_made_into_a_store() {
    let place = place();
    let error = EmbeddedStore::create(&place.options).unwrap_err();
    assert!(matches!(error, CreateError::NotEmpty { .. }));
}

#[tokio::test]
async fn a_keyring_serves_one_store() {
    let used = used().await;
    let mut second = used.options.clone();
    second.data_dir = used.directory.path().join("second");
    let error = EmbeddedStore::create(&second).unwrap_err();
    assert!(matches!(error, CreateError::KeyringInUse { .. }));
}

#[test]
fn a_keyring_inside_the_data_directory_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let mut options = options(directory.path(), clock);
    options.data_dir = directory.path().join("data");
    EmbeddedStore::create(&options).unwrap();
    let inside = SoftwareKeyring::create(&options.data_dir.join("keyring")).unwrap();
    options.mark_dir = inside.directory().to_owned();
    let error = EmbeddedStore::open(&options).unwrap_err();
    assert!(matches!(error, OpenError::KeyringInside { .. }));
}

#[tokio::test]
async fn every_file_and_directory_is_ours_alone() {
    let used = used().await;
    let root = used.directory.path();
    // The engine makes its own files as it likes; the directories above keep others out.
    let index = used.index(1);
    let ours = files(root).into_iter().filter(|path| !path.starts_with(&index));
    for path in ours {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }
    for directory in ["data", "data/generation-0000000001", "data/ledger", "data/openings"] {
        let mode = std::fs::metadata(root.join(directory)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{directory}");
    }
}

#[test]
fn a_keyring_that_others_can_read_is_refused() {
    let place = place();
    let mode = Permissions::from_mode(0o755);
    std::fs::set_permissions(&place.options.mark_dir, mode).unwrap();
    let error = SoftwareKeyring::open(&place.options.mark_dir).unwrap_err();
    assert!(matches!(error, KeyError::DirectoryNotPrivate { .. }));
}

#[test]
fn a_key_that_others_can_read_opens_nothing() {
    let place = place();
    let keys = files(&place.options.mark_dir);
    let keys = keys.iter().filter(|file| {
        file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("key-"))
    });
    let mut seen = 0;
    for key in keys {
        std::fs::set_permissions(key, Permissions::from_mode(0o644)).unwrap();
        let error = EmbeddedStore::open(&place.options).unwrap_err();
        let OpenError::Key { source, .. } = error else { panic!("{error}") };
        let KeyError::FileNotPrivate { path } = source else { panic!("{source}") };
        assert_eq!(path, *key);
        std::fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
        seen += 1;
    }
    assert!(seen > 0, "there is a key to try");
    EmbeddedStore::open(&place.options).unwrap();
}

/// A planted control value is found first: a search that finds nothing proves nothing.
#[tokio::test]
async fn no_file_shows_a_pseudonym_or_what_a_record_says() {
    let used = used().await;
    let planted = used.data().join("ledger/planted");
    for needle in needles() {
        std::fs::write(&planted, [b"before", &needle[..], b"behind"].concat()).unwrap();
        assert!(shows(&used, &needle), "the control value is found");
        std::fs::remove_file(&planted).unwrap();
        assert!(!shows(&used, &needle), "{}", String::from_utf8_lossy(&needle));
    }
}

fn needles() -> Vec<Vec<u8>> {
    let texts = TEXTS.iter().map(|text| text.as_bytes().to_vec());
    let pseudonyms = (0..4).flat_map(|child| {
        let pseudonym = pseudonym(child);
        let (first, second) = pseudonym.as_bytes().split_at(32);
        [first.to_vec(), second.to_vec()]
    });
    texts.chain(pseudonyms).collect()
}

fn shows(place: &Place, needle: &[u8]) -> bool {
    files(place.directory.path()).iter().any(|path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}
