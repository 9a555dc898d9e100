use std::fmt::Write;

use jiff::civil::date;

use super::*;
use crate::permit::PRACTITIONERS;

const TODAY: Date = date(2026, 6, 15);
const RECENT: Date = date(2025, 12, 1);
const PAST: Date = date(2023, 1, 1);
const BEYOND: Date = date(2019, 1, 1);

#[test]
fn the_whole_matrix_is_as_the_hand_written_table_has_it() {
    let policy = Policy::default();
    let mut rendered = Vec::new();
    for role in Role::ALL {
        let before = rendered.len();
        for purpose in Purpose::ALL {
            if let Some(cell) = policy.cell(*role, *purpose) {
                rendered.push(format!("{} {}{}", role.name(), purpose.name(), columns(&cell)));
            }
        }
        if rendered.len() == before {
            rendered.push(format!("{} | denied", role.name()));
        }
    }
    for role in Role::ALL {
        for purpose in Purpose::ALL {
            if let Some(cell) = policy.brokered_cell(*role, *purpose) {
                let asked = format!("BROKER for {} {}", role.name(), purpose.name());
                rendered.push(format!("{asked}{}", columns(&cell)));
            }
        }
    }
    let golden = include_str!("golden.txt").lines();
    let golden = golden.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let golden: Vec<String> =
        golden.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for (rendered, golden) in rendered.iter().zip(&golden) {
        assert_eq!(rendered, golden);
    }
    assert_eq!(rendered.len(), golden.len());
}

#[test]
fn a_shield_hides_every_age_from_all_but_a_broker_and_changes_nothing_for_one() {
    let policy = Policy::default();
    let ages = [None, Some(RECENT), Some(PAST), Some(BEYOND)];
    for role in Role::ALL {
        for purpose in Purpose::ALL {
            for (sensitivity, ended) in
                Sensitivity::ALL.iter().flat_map(|&s| ages.iter().map(move |&ended| (s, ended)))
            {
                if let Some(cell) = policy.cell(*role, *purpose) {
                    assert_eq!(cell.level(sensitivity, ended, true, TODAY), Level::Nothing);
                }
                if let Some(cell) = policy.brokered_cell(*role, *purpose) {
                    let open = cell.level(sensitivity, ended, false, TODAY);
                    assert_eq!(cell.level(sensitivity, ended, true, TODAY), open);
                }
            }
        }
    }
}

/// Columns of [`Cell::level`] in the order of the hand-written table.
fn columns(cell: &Cell<'_>) -> String {
    let mut line = String::new();
    let columns = [
        (None, false),
        (Some(RECENT), false),
        (Some(PAST), false),
        (Some(BEYOND), false),
        (None, true),
    ];
    for (ended, shielded) in columns {
        line.push_str(" |");
        for sensitivity in Sensitivity::ALL {
            let level = cell.level(*sensitivity, ended, shielded, TODAY);
            write!(line, " {}", short(level)).unwrap();
        }
    }
    line
}

fn short(level: Level) -> &'static str {
    match level {
        Level::Nothing => "-",
        Level::FurtherService => "FS",
        Level::ServiceTypeYears => "SY",
        Level::ServiceTypeTeamYears => "STY",
        Level::Team => "T",
        Level::DutyPhone => "DP",
        Level::TeamAndDutyPhone => "TD",
        Level::TeamAndPhone => "TP",
        Level::Full => "F",
    }
}

#[track_caller]
fn assert_last_day(ended: Date, last: Date, on: Level, after: Level) {
    let policy = Policy::default();
    let cell = policy.cell(Role::SocialWorker, Purpose::S47Enquiry).unwrap();
    let level = |today| cell.level(Sensitivity::Standard, Some(ended), false, today);
    assert_eq!(level(last), on, "on the last day");
    assert_eq!(level(last.tomorrow().unwrap()), after, "on the day after");
}

#[test]
fn recent_is_to_the_day_twelve_months_on() {
    let (on, after) = (Level::Full, Level::ServiceTypeTeamYears);
    assert_last_day(date(2025, 6, 15), date(2026, 6, 15), on, after);
    assert_last_day(date(2024, 2, 29), date(2025, 2, 28), on, after);
    assert_last_day(date(2023, 2, 28), date(2024, 2, 28), on, after);
    assert_last_day(date(2025, 12, 31), date(2026, 12, 31), on, after);
}

#[test]
fn past_is_to_the_day_six_years_on() {
    let (on, after) = (Level::ServiceTypeTeamYears, Level::Nothing);
    assert_last_day(date(2020, 6, 15), date(2026, 6, 15), on, after);
    assert_last_day(date(2020, 2, 29), date(2026, 2, 28), on, after);
    assert_last_day(date(2018, 2, 28), date(2024, 2, 28), on, after);
}

#[test]
fn the_ends_of_the_calendar_are_no_error() {
    let policy = Policy::default();
    let cell = policy.cell(Role::SocialWorker, Purpose::S47Enquiry).unwrap();
    let level = |ended, today| cell.level(Sensitivity::Standard, Some(ended), false, today);
    assert_eq!(level(Date::MIN, Date::MAX), Level::Nothing);
    assert_eq!(level(Date::MAX, Date::MAX), Level::Full);
}

/// The built-in policy with one text in place of another.
fn changed(from: &str, to: &str) -> Result<Policy, PolicyError> {
    assert!(DEFAULT.contains(from), "{from} does not stand in the policy");
    Policy::parse(&DEFAULT.replacen(from, to, 1))
}

#[test]
fn a_policy_that_lets_others_than_practitioners_ask_is_refused() {
    for role in Role::ALL.iter().filter(|role| !PRACTITIONERS.contains(role)) {
        let refused = changed("\"POLICE_PPU\"", &format!("\"POLICE_PPU\", \"{}\"", role.name()));
        let expected = PolicyError::MayNotAsk { row: "statutory".to_owned(), role: *role };
        assert_eq!(refused, Err(expected));
    }
}

#[test]
fn a_policy_for_purposes_that_are_not_asked_for_is_refused() {
    for purpose in [Purpose::SubjectAccess, Purpose::DataQuality, Purpose::AuditInvestigation] {
        let refused = changed("\"MASH_TRIAGE\"", &format!("\"{}\"", purpose.name()));
        assert_eq!(refused, Err(PolicyError::NotAsked { row: "statutory".to_owned(), purpose }));
    }
}

#[test]
fn a_policy_with_two_rows_for_one_question_is_refused() {
    let refused = changed(
        r#"roles = ["EARLY_HELP_WORKER", "YOUTH_JUSTICE_WORKER"]"#,
        r#"roles = ["EARLY_HELP_WORKER", "POLICE_PPU"]"#,
    );
    let expected = PolicyError::Ambiguous {
        row: "early help".to_owned(),
        role: Role::PolicePpu,
        purpose: Purpose::TransferIn,
    };
    assert_eq!(refused, Err(expected));
}

#[test]
fn a_policy_with_an_unknown_name_is_refused() {
    let unknown = |row: &str, name: &str, what| {
        Err(PolicyError::UnknownName { row: row.to_owned(), name: name.to_owned(), what })
    };
    assert_eq!(changed("\"POLICE_PPU\"", "\"POLICE\""), unknown("statutory", "POLICE", "role"));
    assert_eq!(
        changed("\"MASH_TRIAGE\"", "\"CURIOSITY\""),
        unknown("statutory", "CURIOSITY", "purpose")
    );
    assert_eq!(
        changed("standard = \"TEAM\"", "standard = \"ALL\""),
        unknown("early help", "ALL", "level")
    );
    assert_eq!(
        changed("sensitive_existence = \"FULL\"", "sensitive_existence = \"full\""),
        unknown("broker", "full", "level")
    );
    assert_eq!(
        changed("past_purposes = [\"S47_ENQUIRY\"", "past_purposes = [\"S48\""),
        unknown("ended", "S48", "purpose")
    );
}

#[test]
fn a_policy_of_another_form_is_refused() {
    assert_eq!(changed("format = 1", "format = 2"), Err(PolicyError::Format(2)));
    let forms = [
        ("format = 1", ""),
        ("format = 1", "format = 1\nformat = 1"),
        ("format = 1", "format = one"),
        ("standard = \"TEAM\"", "standard = \"TEAM\"\nhidden = \"FULL\""),
        ("[broker]", "[broker]\nhidden = \"FULL\""),
        ("[ended]", "[ended]\nafterwards = true"),
        ("ended = true", ""),
        ("ended = true", "ended = \"true\""),
        ("[broker]", "[brokers]"),
        ("shielded_child = true", ""),
        ("[[row]]", "[[row]"),
    ];
    for (from, to) in forms {
        assert!(matches!(changed(from, to), Err(PolicyError::Form(_))), "{from} -> {to}");
    }
    assert!(matches!(Policy::parse(""), Err(PolicyError::Form(_))));
    let Err(PolicyError::Form(told)) = Policy::parse("format = 1\nformat = 2\n") else { panic!() };
    assert!(told.contains("line 2") && told.contains("duplicate key"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn a_policy_with_a_past_that_is_too_long_is_refused() {
    assert_eq!(changed("past_years = 6", "past_years = 7"), Err(PolicyError::Ended));
    assert_eq!(changed("past_years = 6", "past_years = 4294967295"), Err(PolicyError::Ended));
    assert_eq!(changed("recent_months = 12", "recent_months = 73"), Err(PolicyError::Ended));
    assert!(changed("recent_months = 12", "recent_months = 72").is_ok());
}

#[test]
fn the_digest_is_of_the_files_bytes() {
    let policy = Policy::default();
    assert_eq!(policy.digest().as_bytes(), blake3::hash(DEFAULT.as_bytes()).as_bytes());
    let commented = Policy::parse(&format!("{DEFAULT}#\n")).unwrap();
    assert_ne!(policy.digest(), commented.digest(), "a comment is a change too");
    assert_eq!(policy.rows, commented.rows);
}

/// BLAKE3 of this text, by another implementation's bindings.
#[test]
fn the_digest_is_that_of_another_blake3() {
    let text = "format = 1\nrow = []\n\
        broker = { standard = \"FULL\", restricted = \"FULL\", sensitive_existence = \"FULL\", \
        shielded_child = false }\n\
        ended = { recent_months = 0, past_years = 0, past_purposes = [] }\n";
    let digest = Policy::parse(text).unwrap().digest();
    assert_eq!(
        hex::encode(digest.as_bytes()),
        "18124b2b3051d8b4d0b40a4c9447f4edf64bbbdbe6b995a230e745f8bfca1bd3"
    );
}

#[test]
fn each_level_but_nothing_has_a_bit_of_its_own() {
    let bits: Vec<u8> = Level::ALL.iter().map(|level| level.bit()).collect();
    assert_eq!(bits.iter().map(|bit| bit.count_ones()).sum::<u32>(), 8);
    assert_eq!(bits.iter().fold(0, |all, bit| all | bit), u8::MAX);
    assert_eq!(Level::Nothing.bit(), 0);
}
