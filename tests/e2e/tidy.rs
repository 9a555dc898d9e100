//! Rules about the repository itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::harness::{Binary, World};

const LINES_MAX: usize = 500;
const FOLDER_FILES_MAX: usize = 12;

#[test]
fn no_source_file_is_over_500_lines_and_no_folder_over_12_files() {
    let mut wrong = Vec::new();
    for source in sources() {
        let lines = read(&source).lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("{}: {lines} lines", source.display()));
        }
    }
    let folders: BTreeSet<PathBuf> =
        sources().iter().map(|source| source.parent().unwrap().to_owned()).collect();
    for folder in folders.iter().filter(|folder| folder.ends_with("tests/e2e")) {
        let entries = std::fs::read_dir(folder).unwrap();
        let files = entries.filter(|entry| entry.as_ref().unwrap().path().is_file()).count();
        if files > FOLDER_FILES_MAX {
            wrong.push(format!("{}: {files} files", folder.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_module_says_in_its_first_line_what_it_is() {
    // A module of tests beside its module needs no word.
    let modules = sources().into_iter().filter(|source| !source.ends_with("tests.rs"));
    let modules = modules.filter(|source| {
        !source.components().any(|part| part.as_os_str() == "tests") || source.starts_with(tests())
    });
    let silent: Vec<PathBuf> = modules.filter(|source| !read(source).starts_with("//! ")).collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn no_test_is_switched_off_and_none_waits_for_a_time() {
    // In two parts, so that this file is not found by itself.
    for banned in [concat!("#[ig", "nore"), concat!("thread::sl", "eep")] {
        let found: Vec<PathBuf> =
            sources().into_iter().filter(|source| read(source).contains(banned)).collect();
        assert!(found.is_empty(), "{banned}: {found:#?}");
    }
}

#[test]
fn the_commands_of_the_readme_are_marked_and_exist() {
    let readme = read(&root().join("README.md"));
    let command = |mark: &str| {
        let after = readme.split_once(mark).unwrap_or_else(|| panic!("{mark} is missing")).1;
        let block = after.split_once("```sh\n").unwrap().1.split_once("\n```").unwrap().0;
        assert!(after.trim_start().starts_with("```sh"), "{mark} stands right above its command");
        block.to_owned()
    };
    assert_eq!(command("<!-- test command -->"), "cargo test --workspace --locked");
    let main = command("<!-- main command -->");
    let (cargo, arguments) = main.split_once(" -- ").unwrap();
    assert!(cargo.starts_with("cargo run --release"), "{main}");

    let world = World::new();
    let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
    arguments.push("--help");
    let help = Binary::output(&world, &arguments, &[]);
    assert!(help.status.success(), "{main} is no command: {help:?}");
    assert!(root().join("Cargo.lock").exists(), "--locked needs it");
}

#[test]
fn every_file_that_the_readme_points_to_exists() {
    let readme = read(&root().join("README.md"));
    let targets = readme.split("](").skip(1).map(|rest| rest.split_once(')').unwrap().0);
    let missing: Vec<&str> = targets
        .filter(|target| !target.starts_with("http") && !root().join(target).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn tests() -> PathBuf {
    root().join("tests")
}

/// Every Rust file of ours.
fn sources() -> Vec<PathBuf> {
    let mut sources = Vec::new();
    for folder in ["src", "tests", "benches", "crates"] {
        collect(&root().join(folder), &mut sources);
    }
    assert!(sources.len() > 50);
    sources
}

fn collect(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") {
                collect(&path, sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}
