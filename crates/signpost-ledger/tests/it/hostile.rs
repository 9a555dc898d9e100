//! A copy may hold anything: nothing of it is waited for, and nothing is read without end.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::net::UnixListener;

use signpost_ledger::disk::{Disk as _, OsDisk};
use signpost_ledger::verify::VerifyError;

use crate::support::{log_with, verify};

const FILES: [&str; 3] = ["checkpoint", "tile/0/000.p/5", "tile/entries/000.p/5"];

fn kind(error: &VerifyError) -> ErrorKind {
    let VerifyError::Io { source, .. } = error else { panic!("{error}") };
    source.kind()
}

#[test]
fn a_file_that_is_longer_than_any_is_not_read_to_its_end() {
    for name in FILES {
        let place = tempfile::tempdir().unwrap();
        log_with(place.path(), &[], 5);
        let path = place.path().join(name);
        // Far more than there is memory; on the disk it is nothing.
        File::options().write(true).open(&path).unwrap().set_len(1 << 42).unwrap();
        let error = verify(place.path(), None).unwrap_err();
        assert_eq!(kind(&error), ErrorKind::FileTooLarge, "{name}: {error}");
        assert_eq!(OsDisk.read(&path).unwrap_err().kind(), ErrorKind::FileTooLarge, "{name}");
    }
}

#[test]
fn what_is_no_regular_file_is_not_opened() {
    for name in FILES {
        let place = tempfile::tempdir().unwrap();
        log_with(place.path(), &[], 5);
        let path = place.path().join(name);
        fs::remove_file(&path).unwrap();
        let _listening = UnixListener::bind(&path).unwrap();
        let error = verify(place.path(), None).unwrap_err();
        assert_eq!(kind(&error), ErrorKind::InvalidInput, "{name}: {error}");
        assert_eq!(OsDisk.read(&path).unwrap_err().kind(), ErrorKind::InvalidInput, "{name}");
    }
}
