//! The verifier must not share what it verifies.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_verifier_uses_nothing_of_the_logs_but_notes() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files: Vec<PathBuf> = fs::read_dir(source.join("verify"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .chain([source.join("verify.rs")])
        .collect();
    files.sort();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        for line in fs::read_to_string(&file).unwrap().lines() {
            let used = line.split_once("crate::").filter(|_| !line.trim_start().starts_with("//"));
            let allowed = used.is_none_or(|(_, used)| used.starts_with("note::"));
            assert!(allowed, "{}: {line}", file.display());
            let beside = line.contains("super::super") || line.contains("signpost_");
            assert!(!beside || line.trim_start().starts_with("//"), "{}: {line}", file.display());
        }
    }
}
