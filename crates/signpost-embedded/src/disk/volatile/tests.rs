use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::*;
use crate::durable;

struct Place {
    directory: tempfile::TempDir,
    disk: VolatileDisk,
    faults: Faults,
}

fn place() -> Place {
    let disk = VolatileDisk::new();
    Place { directory: tempfile::tempdir().unwrap(), faults: disk.faults(), disk }
}

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file whose name is durable.
    fn file(&self, name: &str) -> Arc<dyn DiskFile> {
        durable::open_or_create(&self.disk, &self.path(name)).unwrap()
    }

    /// What a power cut would leave.
    fn durable(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.path(name)).ok()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        durable::read(&self.disk, &self.path(name)).unwrap()
    }
}

fn code(error: &io::Error) -> Option<i32> {
    error.raw_os_error()
}

#[test]
fn only_a_sync_writes_and_only_a_directorys_sync_names() {
    let place = place();
    let file = place.disk.open_or_create(&place.path("file")).unwrap();
    file.write_all_at(b"content", 0).unwrap();
    file.sync_all().unwrap();
    assert_eq!(place.durable("file"), None, "a name that was not synced is lost with its file");
    place.disk.sync_directory(place.directory.path()).unwrap();
    assert_eq!(place.durable("file").unwrap(), b"content");
    file.write_all_at(b"CONT", 0).unwrap();
    assert_eq!(place.durable("file").unwrap(), b"content");
    assert_eq!(place.read("file"), b"CONTent");
    assert_eq!(VolatileDisk::new().status(&place.path("file")).unwrap().len, 7, "another process");
    file.sync_data().unwrap();
    assert_eq!(place.durable("file").unwrap(), b"CONTent");
}

#[test]
fn a_rename_that_was_not_synced_leaves_the_old_content_under_the_old_name() {
    let place = place();
    durable::write_durably(&place.disk, &place.path("file"), b"old").unwrap();
    let old = place.disk.open(&place.path("file")).unwrap();
    let new = place.disk.open_or_create(&place.path("file.new")).unwrap();
    new.write_all_at(b"new", 0).unwrap();
    new.sync_all().unwrap();
    place.disk.rename(&place.path("file.new"), &place.path("file")).unwrap();
    assert_eq!(place.read("file"), b"new");
    assert_eq!(place.disk.status(&place.path("file")).unwrap(), new.status().unwrap());
    assert_ne!(old.status().unwrap().identity, new.status().unwrap().identity);
    assert_eq!(place.durable("file").unwrap(), b"old");
    place.disk.sync_directory(place.directory.path()).unwrap();
    assert_eq!(place.durable("file").unwrap(), b"new");
    assert_eq!(place.durable("file.new"), None);
}

#[test]
fn what_is_open_to_be_read_is_not_written() {
    let place = place();
    place.file("file");
    let file = place.disk.open_to_read(&place.path("file")).unwrap();
    assert_eq!(
        code(&file.write_all_at(b"content", 0).unwrap_err()),
        Some(Errno::BADF.raw_os_error())
    );
    let elsewhere = place.disk.rename(&place.path("file"), Path::new("/tmp/elsewhere"));
    assert_eq!(elsewhere.unwrap_err().kind(), io::ErrorKind::CrossesDevices);
}

/// Two durable writes are cut short before and after each of their operations.
#[test]
fn a_power_cut_at_any_operation_leaves_one_whole_content() {
    let write_twice = |place: &Place| {
        let write = |bytes| durable::write_durably(&place.disk, &place.path("file"), bytes).is_ok();
        u8::from(write(b"1")) + u8::from(write(b"2"))
    };
    let whole = place();
    whole.faults.record();
    assert_eq!(write_twice(&whole), 2);
    let operations = whole.faults.operations();
    assert_eq!(operations.len() as u64, whole.faults.count());
    let kinds: Vec<_> = operations[..6].iter().map(|operation| operation.kind).collect();
    let expected = {
        use OperationKind::{Create, Rename, SetLen, SyncAll, SyncDirectory, Write};
        [Create, SetLen, Write, SyncAll, Rename, SyncDirectory]
    };
    assert_eq!(kinds, expected);
    assert_eq!(operations[0].path, whole.path("file.new"));
    assert_eq!(operations[4].path, whole.path("file"));

    for (at, when) in
        (0..whole.faults.count()).flat_map(|at| [(at, When::Before), (at, When::After)])
    {
        for seed in [None, Some(at), Some(at + 100)] {
            let place = place();
            place.faults.die(at, when);
            if let Some(seed) = seed {
                place.faults.write_back(seed);
            }
            let acknowledged = write_twice(&place);
            let synced = at + u64::from(when == When::After);
            assert_eq!(u64::from(acknowledged), synced / 6, "{at} {when:?}");
            assert!(place.faults.is_off() && place.disk.list(place.directory.path()).is_err());
            let found = place.durable("file");
            let may_be: &[Option<&[u8]>] = match acknowledged {
                0 => &[None, Some(b"1")],
                1 => &[Some(b"1"), Some(b"2")],
                _ => &[Some(b"2")],
            };
            assert!(may_be.contains(&found.as_deref()), "{at} {when:?} {found:?}");
            assert!(seed.is_some() || found.as_deref() == may_be[0], "{at} {when:?} {found:?}");
        }
    }
}

#[test]
fn what_a_failed_sync_lost_is_read_and_only_written_when_it_is_written_again() {
    let place = place();
    let (file, other) = (place.file("file"), place.file("other"));
    file.write_all_at(b"durable", 0).unwrap();
    file.sync_data().unwrap();
    place.faults.fail_sync(|path| path.ends_with("file"), 2);
    other.sync_data().unwrap();
    file.sync_data().unwrap();
    file.write_all_at(b"LOST", 0).unwrap();
    file.write_all_at(b"LOST", 8).unwrap();
    assert_eq!(code(&file.sync_data().unwrap_err()), Some(Errno::IO.raw_os_error()));
    assert_eq!(place.durable("file").unwrap(), b"durable");
    assert_eq!(place.read("file"), b"LOSTble\0LOST");
    file.write_all_at(b"!", 12).unwrap();
    file.sync_data().unwrap();
    assert_eq!(place.read("file"), b"LOSTble\0LOST!");
    assert_eq!(place.durable("file").unwrap(), b"durable\0\0\0\0\0!");
    file.write_all_at(b"LOST", 0).unwrap();
    file.sync_data().unwrap();
    assert_eq!(place.durable("file").unwrap(), b"LOSTble\0\0\0\0\0!");
}

#[test]
fn a_failed_sync_of_a_directory_can_be_done_again() {
    let place = place();
    let directory = place.directory.path().to_owned();
    place.faults.fail_sync(move |path| path == directory, 1);
    place.disk.open_or_create(&place.path("file")).unwrap();
    place.disk.sync_directory(place.directory.path()).unwrap_err();
    assert_eq!(place.durable("file"), None);
    place.disk.sync_directory(place.directory.path()).unwrap();
    assert!(place.durable("file").is_some());
}

#[test]
fn files_grow_as_far_as_there_is_space_and_what_is_freed_is_there_again() {
    let no_space = Some(Errno::NOSPC.raw_os_error());
    let place = place();
    let (file, other) = (place.file("file"), place.file("other"));
    file.write_all_at(&[1; 100], 0).unwrap();
    place.faults.no_space(50);
    file.write_all_at(&[2; 100], 0).unwrap();
    file.write_all_at(&[3; 40], 100).unwrap();
    assert_eq!(code(&other.write_all_at(&[4; 11], 0).unwrap_err()), no_space);
    assert_eq!(place.read("other"), [4; 10]);
    assert_eq!(code(&other.write_all_at(&[4; 11], 50).unwrap_err()), no_space);
    assert_eq!(code(&other.allocate(20).unwrap_err()), no_space);
    assert_eq!(code(&other.set_len(20).unwrap_err()), no_space);
    assert_eq!(other.status().unwrap().len, 10);
    file.set_len(130).unwrap();
    other.allocate(20).unwrap();
    assert_eq!(code(&other.allocate(21).unwrap_err()), no_space);
    place.disk.remove_file(&place.path("file")).unwrap();
    other.write_all_at(&[5; 130], 20).unwrap();
    assert_eq!(code(&other.write_all_at(&[5], 150).unwrap_err()), no_space);
    place.faults.space_again();
    other.write_all_at(&[5; 1000], 150).unwrap();
}

#[test]
fn space_is_freed_by_what_is_replaced_and_by_whole_directories() {
    let place = place();
    let inner = place.path("inner");
    place.disk.create_directory(&inner).unwrap();
    place.faults.no_space(100);
    let write = |len| durable::write_durably(&place.disk, &inner.join("file"), &vec![1; len]);
    for _ in 0..3 {
        write(50).unwrap();
    }
    write(51).unwrap_err();
    place.disk.remove_directory(&inner).unwrap();
    assert!(place.disk.status(&inner).is_err() && place.disk.open(&inner.join("file")).is_err());
    place.disk.create_directory(&inner).unwrap();
    write(100).unwrap();
}

#[test]
fn a_slow_sync_waits_until_its_time_or_until_the_disk_is_fast_again() {
    let place = place();
    let file = place.file("file");
    let slowness = Duration::from_millis(30);
    place.faults.slow_sync(slowness);
    let started = Instant::now();
    file.sync_data().unwrap();
    assert!(started.elapsed() >= slowness);
    place.faults.slow_sync(Duration::MAX);
    let waiting = std::thread::spawn(move || file.sync_data());
    place.file_is_writable_meanwhile();
    place.faults.slow_sync(Duration::ZERO);
    waiting.join().unwrap().unwrap();
}

impl Place {
    fn file_is_writable_meanwhile(&self) {
        let file = self.disk.open(&self.path("file")).unwrap();
        file.write_all_at(b"meanwhile", 0).unwrap();
        assert_eq!(self.read("file"), b"meanwhile");
    }
}

#[test]
fn many_write_and_sync_at_once_and_all_that_was_synced_is_there_after_a_power_cut() {
    const WRITERS: u64 = 4;
    const LEN: usize = 700;
    let place = place();
    place.faults.write_back(1);
    let place = &place;
    let shared = place.file("shared");
    let shared = &*shared;
    // The power is cut some time after each has synced once, however late it is let run.
    let all_have_synced = &Barrier::new(usize::try_from(WRITERS).unwrap());
    let synced: Vec<u64> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                scope.spawn(move || {
                    let mut synced = 0;
                    loop {
                        let offset = (synced * WRITERS + writer) * LEN as u64;
                        let bytes = [u8::try_from(synced % 251).unwrap() + 1; LEN];
                        let mark = place.path(&format!("mark-{writer}"));
                        let done = shared
                            .write_all_at(&bytes, offset)
                            .and_then(|()| shared.sync_data())
                            .and_then(|()| durable::write_durably(&place.disk, &mark, &bytes));
                        if done.is_err() {
                            break synced;
                        }
                        synced += 1;
                        if synced == 1 && all_have_synced.wait().is_leader() {
                            place.faults.die(place.faults.count() + 2000, When::After);
                        }
                    }
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let found = place.durable("shared").unwrap();
    for (writer, synced) in (0..).zip(synced) {
        assert!(synced > 0);
        for round in 0..synced {
            let at = usize::try_from(round * WRITERS + writer).unwrap() * LEN;
            let byte = u8::try_from(round % 251).unwrap() + 1;
            assert!(found[at..at + LEN].iter().all(|found| *found == byte));
        }
        let mark = place.durable(&format!("mark-{writer}")).unwrap();
        let round = u64::from(mark[0]) - 1;
        assert!(
            mark.len() == LEN && round + 1 >= synced && mark.iter().all(|byte| *byte == mark[0])
        );
    }
}
