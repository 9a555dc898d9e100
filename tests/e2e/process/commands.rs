//! Many people let in from a file, codes redeemed and tokens renewed, by the real binary.

use std::fmt::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use jiff::ToSpan;
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use signpost::secret_file;
use signpost_core::token::EnrolmentCode;

use super::walkthrough::{all, profile};
use crate::harness::{Binary, OWN_AUTHORITY, World};

const HEADER: &str =
    "staff_reference,vetting_on,barred_list_checked_on,training_on,agreement_signed_on,recipient";

/// A running service with a new council, whose group has places for 200.
struct Council {
    world: World,
    _binary: Binary,
    organisation: String,
    team: String,
    group: String,
}

impl Council {
    /// Registered and let in by the command line; its certificate is signed by the service's own
    /// authority.
    async fn let_in() -> Self {
        let world = Binary::initialised();
        let binary = Binary::serve(&world, &OWN_AUTHORITY).await;
        let address = binary.address.to_string();
        profile(&world, "first", "northfield", "tokens/ADMIN_ONBOARDING.token", &address);
        profile(&world, "second", "northfield", "tokens/second-administrator.token", &address);
        profile(&world, "me", "ashby", "me.token", &address);
        let key = KeyPair::generate().unwrap();
        secret_file::create(&world.path("pki/ashby.key"), &key.serialize_pem()).unwrap();
        let request = CertificateParams::default().serialize_request(&key).unwrap();
        std::fs::write(world.path("ashby.csr"), request.pem().unwrap()).unwrap();

        let [organisation, team, group] = [const { String::new() }; 3];
        let council = Self { world, _binary: binary, organisation, team, group };
        let until = council.world.today().saturating_add(300.days()).to_string();
        let organisation = council.id(
            "organisation_id",
            &format!(
                "organisation register --kind local-authority --code-scheme gss --code E10000002 \
                 --name Ashby --area E10000002 --legal-authority children-act-2004-s16la \
                 --authority-until {until}"
            ),
        );
        let at = format!("--organisation {organisation}");
        let hours = ["--hours", "Mon-Fri 09:00-17:00"];
        let team =
            format!("admin team add --profile first.toml {at} --name T --phone +441632960100");
        let team = council.json(&[&words(&team)[..], &hours].concat(), 0);
        let team = team["team_id"].as_str().unwrap().to_owned();
        let system = council.id("system_id", &format!("system register {at} --name S"));
        let signed = council.change(&format!(
            "certificate admit --system {system} --request ashby.csr --out pki/ashby.pem"
        ));
        assert_eq!(signed["fingerprint"].as_str().unwrap().len(), 64);
        let council = Self { organisation, team, ..council };
        let group = council.open_group(200);
        Self { group, ..council }
    }

    /// A group of its team, by two names, of which no other may have as many places.
    fn open_group(&self, members_max: u32) -> String {
        let Self { organisation, team, .. } = self;
        let until = self.world.today().saturating_add(300.days());
        let proposal = self.id(
            "proposal_id",
            &format!(
                "group propose --organisation {organisation} --team {team} --role social-worker \
                 --purpose s47-enquiry --members-max {members_max} --valid-until {until}"
            ),
        );
        let approve = format!("admin proposal approve --profile second.toml --proposal {proposal}");
        self.json(&words(&approve), 0);
        let groups = self.change(&format!("group list --organisation {organisation}"));
        let mut groups = groups["groups"].as_array().unwrap().iter();
        let group = groups.find(|group| group["members_max"] == members_max).unwrap();
        group["group_id"].as_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = tokio::task::block_in_place(|| Binary::output(&self.world, arguments, &[]));
        assert!(!all(&output).contains("sgnp_") && !all(&output).contains("sgne_"));
        output
    }

    fn json(&self, arguments: &[&str], code: i32) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", all(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What the first administrator does.
    fn change(&self, command: &str) -> Value {
        self.json(&words(&format!("admin {command} --profile first.toml")), 0)
    }

    fn id(&self, name: &str, command: &str) -> String {
        self.change(command)[name].as_str().unwrap().to_owned()
    }

    /// An import of these rows.
    fn import(&self, rows: &str, codes: &str, code: i32) -> Value {
        std::fs::write(self.world.path("people.csv"), format!("{HEADER}\n{rows}")).unwrap();
        let group = &self.group;
        let import =
            format!("admin import people.csv --profile first.toml --group {group} --codes {codes}");
        self.json(&words(&import), code)
    }

    /// So many rows, from `AC-000` on.
    fn rows(&self, count: usize) -> String {
        (0..count).map(|number| self.row(&format!("AC-{number:03}"), "")).collect()
    }

    fn row(&self, staff_reference: &str, recipient: &str) -> String {
        let today = self.world.today();
        format!("{staff_reference},{today},{today},{today},{today},{recipient}\n")
    }

    /// Invites one person, whose code is in a file of this name, and gives the person's id.
    fn invite(&self, staff_reference: &str) -> String {
        self.import(&self.row(staff_reference, ""), "codes", 0);
        let group = &self.group;
        let people = self.change(&format!("person list --group {group}"));
        let people = people["people"].as_array().unwrap().clone();
        let person = people.iter().find(|one| one["staff_reference"] == staff_reference).unwrap();
        person["person_id"].as_str().unwrap().to_owned()
    }

    fn enrol(&self, code_file: &str, token_file: &str) -> Output {
        let enrol = ["enrol", "--profile", "me.toml", "--code-file", code_file];
        self.run(&[&enrol[..], &["--token-file", token_file]].concat())
    }

    fn renew(&self) -> Output {
        self.run(&["token", "renew", "--profile", "me.toml"])
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.world.path(name)).unwrap()
    }

    /// The exit code of a question.
    fn asks(&self) -> Option<i32> {
        let ask = "ask --profile me.toml --nhs 9990000018 --purpose s47-enquiry \
                   --relationship allocated-case";
        self.run(&words(ask)).status.code()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_invited_from_a_file_and_each_has_a_code_of_their_own() {
    let council = Council::let_in().await;
    let rows = (0..150).fold(String::new(), |mut rows, number| {
        write!(rows, "{}", council.row(&format!("AC/{number:03}"), "")).unwrap();
        rows
    });
    let report = council.import(&rows, "codes", 0);
    assert_eq!((&report["invited"], &report["checked"]), (&150.into(), &150.into()));
    // Looked at and sent; before that the organisations, and the groups of some.
    assert!(report["receipts"].as_array().unwrap().len() > 3, "{report}");
    let mode = |path: &str| {
        let metadata = std::fs::metadata(council.world.path(path)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!((mode("codes"), mode("codes/AC%2F000.code")), (0o700, 0o600));
    let files = std::fs::read_dir(council.world.path("codes")).unwrap();
    let codes: std::collections::BTreeSet<String> =
        files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    assert_eq!(codes.len(), 150);

    // What the service refuses is told by its line, and nobody of the file is invited.
    let tomorrow = council.world.today().saturating_add(2.days()).to_string();
    let today = council.world.today().to_string();
    let late = council.row("NEW-2", "").replacen(&today, &tomorrow, 1);
    let rows = [council.row("NEW-1", ""), council.row("AC/007", ""), late].concat();
    let report = council.import(&rows, "more", 1);
    assert_eq!(report["invited"], 0);
    let lines = report["rejected"].as_array().unwrap();
    assert_eq!((&lines[0]["line"], &lines[1]["line"]), (&3.into(), &4.into()), "{report}");
    assert!(lines[0]["reason"].as_str().unwrap().contains("registered already"), "{report}");
    assert!(lines[1]["reason"].as_str().unwrap().contains("vetting_on"), "{report}");
    assert!(!council.world.path("more").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_too_small_is_found_before_anybody_is_invited() {
    let council = Council::let_in().await;
    let report = council.import(&council.rows(250), "codes", 1);
    assert_eq!((&report["invited"], &report["checked"]), (&0.into(), &200.into()));
    let rejected = report["rejected"].as_array().unwrap();
    assert_eq!((rejected.len(), &rejected[0]["line"]), (50, &202.into()), "{report}");
    assert!(rejected[0]["reason"].as_str().unwrap().contains("200 places"), "{report}");
    assert!(!council.world.path("codes").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_cut_short_has_invited_nobody_of_the_group() {
    let council = Council::let_in().await;
    let codes = council.world.path("codes");
    std::fs::create_dir(&codes).unwrap();
    // Leads nowhere, so that it is met only when the code of this person is written.
    std::os::unix::fs::symlink("nowhere", codes.join("AC-120.code")).unwrap();
    let report = council.import(&council.rows(150), "codes", 64);
    assert_eq!((&report["invited"], &report["checked"]), (&0.into(), &150.into()));
    let files = std::fs::read_dir(codes).unwrap();
    assert_eq!(files.count(), 1, "the codes of those who were not invited are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_may_be_of_many_groups() {
    let council = Council::let_in().await;
    let (one, other) = (&council.group, council.open_group(2));
    let today = council.world.today();
    let row =
        |staff: &str, group: &str| format!("{staff},{today},{today},{today},{today},,{group}\n");
    let header = format!("{HEADER},group\n");
    let import = |rows: &[String], code| {
        std::fs::write(council.world.path("people.csv"), header.clone() + &rows.concat()).unwrap();
        council.json(&words("admin import people.csv --profile first.toml --codes codes"), code)
    };
    let three = [row("A", &other), row("B", one), row("C", &other), row("D", &other)];
    let report = import(&three, 1);
    assert_eq!((&report["invited"], &report["rejected"][0]["line"]), (&0.into(), &5.into()));
    assert_eq!(import(&three[..3], 0)["invited"], 3);
    for code in [format!("{other}/A"), format!("{one}/B"), format!("{other}/C")] {
        assert!(council.world.path(&format!("codes/{code}.code")).exists(), "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_code_is_its_holders_and_a_code_is_good_once() {
    let council = Council::let_in().await;
    let key = age::x25519::Identity::generate();
    council.import(&council.row("AC-1", &key.to_public().to_string()), "codes", 0);
    let sealed = std::fs::read(council.world.path("codes/AC-1.code.age")).unwrap();
    let code = String::from_utf8(age::decrypt(&key, &sealed).unwrap()).unwrap();
    assert!(EnrolmentCode::parse(&code).is_ok());
    secret_file::create(&council.world.path("my.code"), &code).unwrap();

    let enrolled = council.enrol("my.code", "me.token");
    assert!(enrolled.status.success(), "{}", all(&enrolled));
    let token = council.read("me.token");
    assert_eq!(council.asks(), Some(0));
    let again = council.enrol("my.code", "me.token");
    assert!(again.status.success(), "{}", all(&again));
    assert_eq!(council.read("me.token"), token, "the same token, for a lost answer");

    let other = council.enrol("my.code", "other.token");
    assert_eq!(other.status.code(), Some(1));
    assert!(all(&other).contains("redeemed before"), "{}", all(&other));
    assert!(!council.world.path("other.token").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_was_cut_short_is_ended_by_the_next_run() {
    let council = Council::let_in().await;
    let person = council.invite("AC-1");
    assert!(council.enrol("codes/AC-1.code", "me.token").status.success());
    let first = council.read("me.token");

    // Cut short before the service was asked: the old one is good, the next one is taken then.
    let waiting = signpost_core::token::Token::new([9; 32]).to_text();
    secret_file::create(&council.world.path("me.token.next"), &waiting).unwrap();
    assert_eq!(council.asks(), Some(0));
    let renewed = council.renew();
    assert!(renewed.status.success(), "{}", all(&renewed));
    assert_eq!(council.read("me.token"), *waiting);
    assert_eq!(council.asks(), Some(0));

    // Cut short after the service had renewed it, before the file was replaced.
    std::fs::rename(council.world.path("me.token"), council.world.path("me.token.next")).unwrap();
    secret_file::create(&council.world.path("me.token"), &first).unwrap();
    assert_eq!(council.asks(), Some(1), "the old one is destroyed");
    let renewed = council.renew();
    assert!(renewed.status.success(), "{}", all(&renewed));
    assert_eq!(council.read("me.token"), *waiting);
    assert!(!council.world.path("me.token.next").exists());
    assert_eq!(council.asks(), Some(0));

    // One that is refused leaves both, and the same again is safe.
    council.change(&format!("person suspend --person {person}"));
    let refused = council.renew();
    assert_eq!(refused.status.code(), Some(1), "{}", all(&refused));
    assert!(all(&refused).contains("suspended"), "{}", all(&refused));
    assert_eq!(council.read("me.token"), *waiting);
    let next = council.read("me.token.next");
    council.change(&format!("person resume --person {person}"));
    assert!(council.renew().status.success());
    assert_eq!(council.read("me.token"), next);
    let tokens = council.change(&format!("token list --person {person}"));
    let standing = |index: usize| tokens["tokens"][index]["standing"].as_str().unwrap().to_owned();
    assert_eq!([0, 1, 2].map(standing), ["REVOKED", "REVOKED", "ACTIVE"]);
}

fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}
