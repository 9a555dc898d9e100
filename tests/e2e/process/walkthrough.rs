//! The walk-through of docs/onboarding.md, word for word, by the real binary.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Output;

use jiff::ToSpan;

use crate::harness::{Binary, OWN_AUTHORITY, World, eventually};

/// A certificate of the county's authority that names no system of the register yet.
const ASHBY: &str = "unregistered";

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_through_of_the_document_goes_as_it_says() {
    let world = county();
    let binary = Binary::serve(&world, &OWN_AUTHORITY).await;
    let address = binary.address.to_string();
    profile(&world, "first", "northfield", "tokens/ADMIN_ONBOARDING.token", &address);
    profile(&world, "second", "northfield", "tokens/second-administrator.token", &address);
    for name in ["me", "officer", "broker"] {
        profile(&world, name, ASHBY, &format!("{name}.token"), &address);
    }

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/onboarding.md");
    let document = std::fs::read_to_string(path).unwrap();
    let mut told = Told::new(&world);
    let mut commands = 0;
    for block in blocks(&document) {
        let (expected, printed) = match block.mark.split_once(' ') {
            None if block.mark == "done" => (0, ""),
            None if block.mark == "people.csv" => {
                std::fs::write(world.path(block.mark), told.fill(block.text)).unwrap();
                continue;
            }
            Some(("refused", reason)) => (1, refusal(reason)),
            Some(("shows", kind)) => {
                told.listen(&shown(&world, &words(block.text)[1..], kind).await);
                continue;
            }
            _ => panic!("unknown mark {}", block.mark),
        };
        for line in block.text.replace("\\\n", " ").lines() {
            let words = words(&told.fill(line));
            assert_eq!(words[0], "signpost", "{line}");
            let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
            let output = tokio::task::block_in_place(|| Binary::output(&world, &arguments, &[]));
            assert_eq!(output.status.code(), Some(expected), "{line}: {}", all(&output));
            assert!(all(&output).contains(printed), "{line}: {}", all(&output));
            assert!(!all(&output).contains("sgnp_") && !all(&output).contains("sgne_"), "{line}");
            told.listen(&String::from_utf8(output.stdout).unwrap());
            commands += 1;
        }
    }
    assert!(commands > 20, "{commands}");
    assert!(!world.path("me.token.next").exists());
}

/// What a command prints once it lists this kind too, which the service comes to by itself.
async fn shown(world: &World, arguments: &[String], kind: &str) -> String {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    eventually(kind, || async {
        let output = tokio::task::block_in_place(|| Binary::output(world, &arguments, &[]));
        assert!(output.status.success(), "{arguments:?}: {}", all(&output));
        Some(String::from_utf8(output.stdout).unwrap()).filter(|printed| printed.contains(kind))
    })
    .await
}

/// What is printed where the service refuses for this reason: any other refusal, or no service at
/// all, has the same exit code.
fn refusal(reason: &str) -> &'static str {
    match reason {
        "DENIED_SAME_NAME" => "a second, different person must give their name (on record as",
        "GROUP_FULL" => "the group has as many members as it may have (on record as",
        "DENIED_SUSPENDED" => "your access is suspended: ask your onboarding administrator (on",
        other => panic!("what is printed for {other} must be said here"),
    }
}

/// A county by this machine's clock, and Ashby's certificate.
fn county() -> World {
    let world = Binary::initialised();
    std::fs::copy(world.path(&format!("pki/{ASHBY}.pem")), world.path("ashby-system.pem")).unwrap();
    world
}

pub(super) fn profile(world: &World, name: &str, system: &str, token: &str, address: &str) {
    let profile = format!(
        "address = \"https://{address}\"\nserver_name = \"localhost\"\n\
         authority = \"pki/authority.pem\"\ncertificate = \"pki/{system}.pem\"\n\
         key = \"pki/{system}.key\"\ntoken = \"{token}\"\n"
    );
    std::fs::write(world.path(&format!("{name}.toml")), profile).unwrap();
}

/// A marked block of the document.
struct Block<'d> {
    mark: &'d str,
    text: &'d str,
}

fn blocks(document: &str) -> impl Iterator<Item = Block<'_>> {
    document.split("<!-- walk-through: ").skip(1).map(|rest| {
        let (mark, rest) = rest.split_once(" -->\n```").expect("a block stands below its mark");
        let (_, rest) = rest.split_once('\n').expect("a block has lines");
        let (text, _) = rest.split_once("\n```").expect("a block ends");
        Block { mark, text }
    })
}

/// What was printed so far, to put ids in their places.
struct Told {
    /// `<proposal>`: the last one printed.
    last: BTreeMap<String, String>,
    /// `<person of AC-0101>`: the one in a line with this word.
    rows: Vec<Row>,
}

/// One id in a line of a listing.
struct Row {
    /// What the column says it is of.
    name: String,
    id: String,
    line: Vec<String>,
}

impl Told {
    fn new(world: &World) -> Self {
        let today = world.today();
        let in_a_year = today.saturating_add(1.year());
        let days = [("today", today), ("in a year", in_a_year)];
        let last = days.map(|(name, day)| (name.to_owned(), day.to_string()));
        Self { last: last.into(), rows: Vec::new() }
    }

    /// Takes `Proposal: id` of a change, and of a listing the first column, `proposal_id`, and
    /// every other that is an id.
    fn listen(&mut self, printed: &str) {
        let mut columns: Vec<String> = Vec::new();
        for line in printed.lines() {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            match &words[..] {
                [label, id] if label.ends_with(':') => {
                    let name = label.trim_end_matches(':').to_lowercase();
                    self.last.insert(name, id.clone());
                }
                [first, ..] if first.ends_with("_id") => columns.clone_from(&words),
                [id, ..] => {
                    if let Some(name) = columns.first().and_then(|name| name.strip_suffix("_id")) {
                        self.last.insert(name.to_owned(), id.clone());
                    }
                    for (name, id) in columns.iter().zip(&words) {
                        if let Some(name) = name.strip_suffix("_id") {
                            let (name, id) = (name.to_owned(), id.clone());
                            self.rows.push(Row { name, id, line: words.clone() });
                        }
                    }
                }
                [] => {}
            }
        }
    }

    fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        while let Some((before, rest)) = filled.split_once('<') {
            let (name, after) = rest.split_once('>').unwrap();
            let value = match name.split_once(" of ") {
                None => self.last.get(name).cloned(),
                Some((kind, word)) => self.row(kind, word),
            };
            let value = value.unwrap_or_else(|| panic!("nothing printed <{name}> before"));
            filled = format!("{before}{value}{after}");
        }
        filled
    }

    fn row(&self, kind: &str, word: &str) -> Option<String> {
        let fits = |row: &&Row| row.name == kind && row.line.iter().any(|found| found == word);
        self.rows.iter().rev().find(fits).map(|row| row.id.clone())
    }
}

/// The words of a command, as a shell splits them: at spaces, but for those in quotation marks.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    let words = parts.flat_map(|(index, part)| match index % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}

pub(super) fn all(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
}
