//! What administrators and practitioners type, as far as it needs no service.

use std::os::unix::fs::PermissionsExt;

use signpost::secret_file;
use signpost_core::token::{EnrolmentCode, Token};

use super::{all, write_profile};
use crate::harness::{Binary, Service, World};

const HEADER: &str =
    "staff_reference,vetting_on,barred_list_checked_on,training_on,agreement_signed_on";
const SOME_ID: &str = "0190b2a4-7c1e-7000-8000-000000000005";

#[test]
fn every_row_that_cannot_be_read_is_told_by_its_line_before_anything_is_sent() {
    let world = World::new();
    let rows = "\
        AC-0101,2026-01-12,2026-01-12,2026-02-03,2026-02-03\n\
        Jo Bloggs,2026-01-12,12/01/2026,2026-02-03,2026-02-03\n\
        AC-0103,2026-01-12\n\
        AC-0101,2026-01-12,2026-01-12,2026-02-03,2026-02-03\n";
    std::fs::write(world.path("people.csv"), format!("{HEADER}\n{rows}")).unwrap();
    let import = ["admin", "import", "people.csv", "--group", SOME_ID, "--codes", "codes"];
    let told = Binary::output(&world, &import, &[]);
    assert_eq!(told.status.code(), Some(64), "{}", all(&told));
    let text = String::from_utf8(told.stdout.clone()).unwrap();
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "line 3: barred_list_checked_on must be a day such as 2026-01-05",
            "line 3: staff_reference may only hold A to Z, a to z, 0 to 9 and ._:/-",
            "line 4: has 2 columns and not 5",
            "line 5: staff_reference stands in line 2 too",
            "Nobody was invited. Rejected: 4",
        ]
    );
    assert!(!all(&told).contains("Bloggs") && !all(&told).contains('\u{1b}'), "{}", all(&told));
    assert!(!world.path("codes").exists());

    let told = Binary::output(&world, &[&import[..], &["--output", "json"]].concat(), &[]);
    assert_eq!(told.status.code(), Some(64));
    let report: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(report["invited"], 0);
    assert_eq!(report["rejected"].as_array().unwrap().len(), 4);
    assert_eq!(report["rejected"][2]["line"], 4);
}

#[test]
fn the_policy_is_shown_without_a_service() {
    let world = World::new();
    let shown = Binary::output(&world, &["policy", "show"], &[]);
    assert!(shown.status.success(), "{}", all(&shown));
    let text = all(&shown);
    assert!(text.contains("In force since: unknown") && text.contains("\nSOCIAL_WORKER\n"));

    let told = Binary::output(&world, &["policy", "show", "--output", "json"], &[]);
    let built_in: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(built_in["policy"], "built-in");

    let file = signpost_core::policy::DEFAULT.replace("recent_months = 12", "recent_months = 6");
    std::fs::write(world.path("policy.toml"), file).unwrap();
    let show = ["policy", "show", "--config", "signpost.toml", "--output", "json"];
    let told = Binary::output(&world, &show, &[("POLICY__FILE", "policy.toml")]);
    let own: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert!(own["policy"].as_str().unwrap().ends_with("policy.toml"));
    assert_ne!(own["policy_digest"], built_in["policy_digest"]);

    assert_eq!(own["in_force_since"], serde_json::Value::Null, "there is no store yet");

    let missing = Binary::output(&world, &["policy", "show", "--config", "none.toml"], &[]);
    assert_eq!(missing.status.code(), Some(64));
}

#[tokio::test(flavor = "multi_thread")]
async fn since_when_a_policy_is_in_force_is_read_from_a_stopped_services_store() {
    let world = World::new();
    world.initialise().await;
    let show = ["policy", "show", "--config", "signpost.toml"];
    let told = Binary::output(&world, &show, &[]);
    let since = "In force since: 2026-06-15T12:00:00Z (ledger entry 0)";
    assert!(told.status.success() && all(&told).contains(since), "{}", all(&told));
    let told = Binary::output(&world, &[&show[..], &["--output", "json"]].concat(), &[]);
    let json: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(json["in_force_since"], "2026-06-15T12:00:00Z");

    let service = Service::serve(world, &[]).await;
    let told = Binary::output(&service.world, &show, &[]);
    assert!(told.status.success() && all(&told).contains("unknown ("), "{}", all(&told));
    service.stop().await;
}

#[test]
fn what_is_typed_in_the_wrong_place_is_refused_and_not_repeated() {
    let world = World::new();
    let token = Token::new([7; 32]).to_text();
    let wrong: [&[&str]; 8] = [
        &["admin", "person", "suspend", "--person", &token],
        &["admin", "person", "list", "--group", &token],
        &["admin", "token", "suspend", "--person", SOME_ID, "--token", &token],
        &["admin", "import", "people.csv", "--group", SOME_ID],
        &["admin", "import", "people.csv", "--group", SOME_ID, "--dry-run", "--recipient", &token],
        &["admin", "certificate", "admit", "--system", SOME_ID],
        &["admin", "certificate", "admit", "--system", SOME_ID, "--request", "a.csr"],
        &["enrol", "--profile", "me.toml"],
    ];
    for command in wrong {
        let refused = Binary::output(&world, command, &[]);
        assert_eq!(refused.status.code(), Some(64), "{command:?}: {}", all(&refused));
        assert!(!all(&refused).contains("sgnp_"), "{}", all(&refused));
    }
}

#[test]
fn without_a_service_no_token_and_no_code_is_left_behind() {
    let world = World::new();
    write_profile(&world, "127.0.0.1:1");
    let code = EnrolmentCode::new([5; 16]).to_text();
    secret_file::create(&world.path("mine.code"), &code).unwrap();
    let enrol =
        ["enrol", "--profile", "me.toml", "--code-file", "mine.code", "--token-file", "mine.token"];
    let refused = Binary::output(&world, &enrol, &[]);
    assert_eq!(refused.status.code(), Some(1), "{}", all(&refused));
    assert!(all(&refused).contains("cannot be reached"), "{}", all(&refused));
    assert!(!world.path("mine.token").exists(), "nothing was sent");

    secret_file::create(&world.path("mine.token"), &Token::new([7; 32]).to_text()).unwrap();
    let renew = ["token", "renew", "--profile", "me.toml", "--token-file", "mine.token"];
    let refused = Binary::output(&world, &renew, &[]);
    assert_eq!(refused.status.code(), Some(1), "{}", all(&refused));
    assert!(!world.path("mine.token.next").exists());

    let invite = [
        "admin",
        "person",
        "invite",
        "--profile",
        "me.toml",
        "--token-file",
        "mine.token",
        "--group",
        SOME_ID,
        "--staff-reference",
        "AC-0101",
        "--vetting-on",
        "2026-01-12",
        "--barred-list-checked-on",
        "2026-01-12",
        "--training-on",
        "2026-02-03",
        "--agreement-signed-on",
        "2026-02-03",
        "--code-file",
        "new.code",
    ];
    let refused = Binary::output(&world, &invite, &[]);
    assert_eq!(refused.status.code(), Some(1), "{}", all(&refused));
    assert!(!world.path("new.code").exists());
}

#[test]
fn a_code_that_is_wrong_or_open_to_others_is_refused_and_not_repeated() {
    let world = World::new();
    write_profile(&world, "127.0.0.1:1");
    let code = EnrolmentCode::new([5; 16]).to_text();
    let file = world.path("mine.code");
    secret_file::create(&file, &code.replace("05", "06")).unwrap();
    let enrol = ["enrol", "--profile", "me.toml", "--code-file", "mine.code"];
    let refused = Binary::output(&world, &enrol, &[]);
    assert_eq!(refused.status.code(), Some(64), "{}", all(&refused));
    assert!(all(&refused).contains("not an enrolment code"), "{}", all(&refused));
    assert!(!all(&refused).contains("0606"), "{}", all(&refused));
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let refused = Binary::output(&world, &enrol, &[]);
    assert_eq!(refused.status.code(), Some(64));
    assert!(all(&refused).contains("chmod 600"), "{}", all(&refused));
}
