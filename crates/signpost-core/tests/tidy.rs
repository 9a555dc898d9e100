//! Rules about the code itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// What the core may depend on. One more is a decision, to be written down.
const DEPENDENCIES: [&str; 11] = [
    "async-trait",
    "blake3",
    "jiff",
    "postcard",
    "serde",
    "sha2",
    "subtle",
    "thiserror",
    "tokio",
    "toml",
    "zeroize",
];

/// What the core must not name: the time, the network, files, the environment, hidden randomness.
const BANNED: [&str; 12] = [
    "SystemTime",
    "std::time",
    "Instant",
    "Timestamp::now",
    "Zoned::now",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "HashMap",
    "HashSet",
    "getrandom",
];

const LINES_MAX: usize = 500;

#[test]
fn the_core_depends_on_what_is_listed_and_nothing_else() {
    let manifest = fs::read_to_string(Path::new(CRATE).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let dependencies: Vec<&str> =
        manifest["dependencies"].as_table().unwrap().keys().map(String::as_str).collect();
    assert_eq!(dependencies, DEPENDENCIES);
    let tokio = &manifest["dependencies"]["tokio"];
    assert_eq!(tokio["optional"].as_bool(), Some(true), "tokio is for the conformance suite");
    assert!(manifest.get("build-dependencies").is_none() && manifest.get("target").is_none());
    assert!(manifest["features"].get("default").is_none(), "the suite is never on by itself");
}

#[test]
fn the_core_names_no_clock_network_file_or_environment() {
    for path in rust_files(&Path::new(CRATE).join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        for word in BANNED {
            assert!(!text.contains(word), "{} names {word}", path.display());
        }
        let for_tests = ["conformance", "faulty", "testing"];
        let is_for_tests = path
            .iter()
            .any(|part| for_tests.contains(&part.to_str().unwrap().trim_end_matches(".rs")));
        assert!(is_for_tests || !text.contains("tokio::"), "{} names tokio", path.display());
    }
}

/// The feature holds what puts records past every permit.
#[test]
fn no_crate_is_shipped_with_the_test_suites_feature() {
    let root = Path::new(CRATE).join("../..");
    let mut manifests = vec![root.join("Cargo.toml")];
    let crates = fs::read_dir(root.join("crates")).unwrap();
    manifests.extend(crates.map(|folder| folder.unwrap().path().join("Cargo.toml")));
    for path in manifests {
        let Ok(manifest) = fs::read_to_string(&path) else { continue };
        let manifest: toml::Table = manifest.parse().unwrap();
        let dependencies = manifest.get("dependencies").and_then(|all| all.get("signpost-core"));
        let shared = manifest.get("workspace").and_then(|all| all.get("dependencies"));
        for found in [dependencies, shared.and_then(|all| all.get("signpost-core"))] {
            let text = found.map(ToString::to_string).unwrap_or_default();
            assert!(!text.contains("conformance"), "{} ships it", path.display());
        }
    }
}

#[test]
fn no_file_is_longer_than_five_hundred_lines() {
    let root = Path::new(CRATE).join("../..");
    let mut folders = vec![root.join("src")];
    folders
        .extend(fs::read_dir(root.join("crates")).unwrap().map(|c| c.unwrap().path().join("src")));
    for path in folders.iter().flat_map(|folder| rust_files(folder)) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines", path.display());
    }
}

#[test]
fn every_case_of_the_suite_is_run() {
    let folder = Path::new(CRATE).join("src/conformance");
    let list = fs::read_to_string(folder.with_extension("rs")).unwrap();
    let mut cases = 0;
    for path in rust_files(&folder) {
        for line in fs::read_to_string(path).unwrap().lines() {
            let Some(case) = line.strip_prefix("pub async fn ") else { continue };
            let name = case.split('(').next().unwrap();
            assert!(list.contains(&format!(" {name},\n")), "{name} is in no store's tests");
            cases += 1;
        }
    }
    assert!(cases > 30, "only {cases} cases were found");
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
