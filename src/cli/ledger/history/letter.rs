//! The letter: its words are the same whatever it lists, and whatever it leaves out.

mod words;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use signpost_client::history::History;
use signpost_proto::v1;

use crate::cli::render::printable;
use crate::cli::render::terms::name_of;

const WHAT_IT_LISTS: &str = "\
Signpost tells practitioners which services work, or have worked, with a child. It holds no names, no
addresses and no notes. This letter lists who asked it about the child you asked about, under the
numbers that you gave us: when, from which organisation, in which role, for which purpose, and how much
they were told. It does not name people.";

const WHAT_CAN_BE_DONE: &str = "\
If you think that somebody should not have asked, tell us when it was, and we will look into it. If you
are not content with this letter, you may ask us to look at it again, and complain to the Information
Commissioner.";

/// A letter: all of it but the accesses is fixed, or the case's.
#[derive(Debug, Serialize)]
pub(super) struct Letter {
    case_reference: String,
    as_of: String,
    accesses: Vec<Line>,
    statement: String,
    receipts: Vec<u64>,
}

/// One access.
#[derive(Debug, Serialize)]
struct Line {
    time: String,
    organisation: String,
    role: Option<&'static str>,
    purpose: Option<&'static str>,
    released: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<OnBehalfOf>,
    #[serde(skip)]
    text: String,
}

/// On whose behalf a broker asked.
#[derive(Debug, Serialize)]
struct OnBehalfOf {
    organisation: String,
    role: Option<&'static str>,
}

impl Letter {
    /// The letter of this history; none where a time in it is none.
    pub(super) fn of(history: &History) -> Option<Self> {
        let as_of = Timestamp::from_millisecond(history.as_of_ms).ok()?;
        let lines: Option<Vec<Line>> = history.accesses.iter().map(Line::of).collect();
        Some(Self {
            case_reference: printable(&history.case_reference),
            as_of: TimeZone::UTC.to_datetime(as_of).date().to_string(),
            accesses: lines?,
            statement: printable(&history.statement),
            receipts: history.receipts.clone(),
        })
    }

    /// The text, to be put on headed paper. Receipts are not part of it: they are the officer's.
    pub(super) fn text(&self) -> String {
        let mut text = format!(
            "Who asked about a child\n\nCase: {}\nAs of: {}\n\n{WHAT_IT_LISTS}\n\nThe list begins here.\n",
            self.case_reference, self.as_of
        );
        for line in &self.accesses {
            text.push_str(&line.text);
            text.push('\n');
        }
        text.push_str("The list ends here.\n\n");
        text.push_str(&self.statement);
        text.push_str("\n\n");
        text.push_str(WHAT_CAN_BE_DONE);
        text
    }
}

impl Line {
    fn of(access: &v1::Access) -> Option<Self> {
        let time = Timestamp::from_millisecond(access.time_ms).ok()?;
        let organisation = organisation(&access.organisation_name);
        let is_brokered =
            access.on_behalf_of_role != 0 || !access.on_behalf_of_organisation_name.is_empty();
        let on_behalf_of = is_brokered.then(|| OnBehalfOf {
            organisation: self::organisation(&access.on_behalf_of_organisation_name),
            role: name_of::<v1::Role>(access.on_behalf_of_role),
        });
        let mut line = Self {
            time: TimeZone::UTC.to_datetime(time).strftime("%Y-%m-%d %H:%M UTC").to_string(),
            organisation,
            role: name_of::<v1::Role>(access.role),
            purpose: name_of::<v1::Purpose>(access.purpose),
            released: access
                .released
                .iter()
                .filter_map(|n| name_of::<v1::ReleaseLevel>(*n))
                .collect(),
            on_behalf_of,
            text: String::new(),
        };
        line.text = line.words(access);
        Some(line)
    }

    fn words(&self, access: &v1::Access) -> String {
        let named = self.on_behalf_of.as_ref().map_or_else(String::new, |named| {
            let role = words::role(access.on_behalf_of_role);
            format!(", here on behalf of {role} of {}", named.organisation)
        });
        let told: Vec<&str> = access.released.iter().map(|level| words::released(*level)).collect();
        let told = if told.is_empty() { "nothing".to_owned() } else { told.join("; ") };
        let (role, purpose) = (words::role(access.role), words::purpose(access.purpose));
        format!(
            "- {}: {role} of {}{named}. Purpose: {purpose}. Told: {told}.",
            self.time, self.organisation
        )
    }
}

fn organisation(name: &str) -> String {
    if name.is_empty() {
        "an organisation that takes part no longer".to_owned()
    } else {
        printable(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(time_ms: i64) -> v1::Access {
        v1::Access {
            entry: 7,
            time_ms,
            organisation_name: "Northfield Council".to_owned(),
            role: v1::Role::SocialWorker.into(),
            purpose: v1::Purpose::S17Assessment.into(),
            outcome: v1::Outcome::ReleasedPartial.into(),
            released: vec![v1::ReleaseLevel::Full.into(), v1::ReleaseLevel::FurtherService.into()],
            ..v1::Access::default()
        }
    }

    fn history(accesses: Vec<v1::Access>) -> History {
        History {
            case_reference: "SAR-2026-0042".to_owned(),
            as_of_ms: 1_781_524_800_000,
            statement: "The fixed sentence.".to_owned(),
            accesses,
            receipts: vec![9],
        }
    }

    fn text(accesses: Vec<v1::Access>) -> String {
        Letter::of(&history(accesses)).unwrap().text()
    }

    const GOLDEN: &str = include_str!("letter/golden.txt");

    #[test]
    fn the_letter_reads_as_it_was_agreed() {
        let brokered = v1::Access {
            role: v1::Role::Broker.into(),
            released: Vec::new(),
            on_behalf_of_organisation_name: "Southmoor\u{1b}[2J Trust".to_owned(),
            on_behalf_of_role: v1::Role::NamedNurseDoctor.into(),
            ..access(1_781_528_400_000)
        };
        let gone = v1::Access {
            organisation_name: String::new(),
            purpose: 0,
            released: Vec::new(),
            ..access(1_781_532_000_000)
        };
        assert_eq!(text(vec![access(1_781_521_200_000), brokered, gone]) + "\n", GOLDEN);
    }

    /// Byte for byte: but for the lines of accesses no letter differs from another.
    #[test]
    fn letters_differ_in_their_lines_alone() {
        let without_lines = |letter: String| {
            let lines = letter.split('\n').filter(|line| !line.starts_with("- "));
            lines.collect::<Vec<_>>().join("\n")
        };
        let empty = text(Vec::new());
        assert_eq!(without_lines(empty.clone()), empty);
        let some: Vec<v1::Access> = (0..3).map(|hour| access(hour * 3_600_000)).collect();
        for count in 1..=3 {
            let letter = text(some[..count].to_vec());
            assert_eq!(letter.lines().count(), empty.lines().count() + count);
            assert_eq!(without_lines(letter), empty);
        }
    }

    #[test]
    fn json_has_the_same_names_whatever_is_listed() {
        let names = |accesses| {
            let json = serde_json::to_value(Letter::of(&history(accesses)).unwrap()).unwrap();
            json.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(names(Vec::new()), names(vec![access(0)]));
    }
}
