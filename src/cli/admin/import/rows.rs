//! Reading the rows: every one is looked at, and what is wrong with each is told by its line.

use std::collections::BTreeMap;

use signpost_core::text::StaffReference;
use signpost_proto::v1;
use uuid::Uuid;

use super::super::super::render::values::{parse_date, wire_date};
use super::report::Rejected;
use crate::seal::Recipient;

const STAFF: &str = "staff_reference";
const DAYS: [&str; 4] =
    ["vetting_on", "barred_list_checked_on", "training_on", "agreement_signed_on"];
const RECIPIENT: &str = "recipient";
const GROUP: &str = "group";

/// One person to be invited.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its line in the file, counted from 1.
    pub(super) line: usize,
    /// The group into which the person is invited.
    pub(super) group: String,
    /// What the organisation calls the person.
    pub(super) staff_reference: String,
    /// What was checked of the person.
    pub(super) conditions: v1::Conditions,
    /// To whom the code is sealed.
    pub(super) recipient: Option<Recipient>,
}

/// What holds for rows that say nothing else.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Otherwise<'o> {
    /// The group.
    pub(super) group: Option<Uuid>,
    /// To whom codes are sealed.
    pub(super) recipient: Option<&'o Recipient>,
}

/// Reads the whole file.
pub(super) fn parse(text: &str, otherwise: Otherwise<'_>) -> Result<Vec<Row>, Vec<Rejected>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let mut lines = lines.filter(|(_, line)| !line.trim().is_empty());
    let Some((first, header)) = lines.next() else {
        return Err(vec![rejected(1, "the file is empty")]);
    };
    let header = Header::parse(header).and_then(|header| header.with_groups(otherwise));
    let header = header.map_err(|reason| vec![rejected(first, reason)])?;
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for (line, text) in lines {
        match header.row(line, text, otherwise) {
            Ok(row) => rows.push(row),
            Err(reasons) => {
                wrong.extend(reasons.into_iter().map(|reason| rejected(line, reason)));
            }
        }
    }
    wrong.extend(twice(&rows, |row| &row.group));
    if rows.is_empty() && wrong.is_empty() {
        wrong.push(rejected(first, "no rows follow"));
    }
    wrong.sort();
    if wrong.is_empty() { Ok(rows) } else { Err(wrong) }
}

fn rejected(line: usize, reason: impl Into<String>) -> Rejected {
    Rejected { line, reason: reason.into() }
}

/// Rows whose staff reference stands in an earlier row too that is of the same.
pub(super) fn twice<'r>(rows: &'r [Row], of: impl Fn(&'r Row) -> &'r str) -> Vec<Rejected> {
    let (mut first_lines, mut found) = (BTreeMap::new(), Vec::new());
    for row in rows {
        let first = *first_lines.entry((of(row), &row.staff_reference)).or_insert(row.line);
        if first != row.line {
            let reason = format!("{STAFF} stands in line {first} too");
            found.push(rejected(row.line, reason));
        }
    }
    found
}

/// Which column holds what.
struct Header(Vec<String>);

impl Header {
    fn parse(line: &str) -> Result<Self, String> {
        let names: Vec<String> = cells(line).ok_or(QUOTES)?;
        let known = |name: &str| [STAFF, RECIPIENT, GROUP].contains(&name) || DAYS.contains(&name);
        for (index, name) in names.iter().enumerate() {
            if !known(name) {
                // It may be a row: nothing of it is repeated.
                return Err(format!("column {} of the first line has no known name", index + 1));
            }
            if names[..index].contains(name) {
                return Err(format!("the column {name} stands there twice"));
            }
        }
        match [STAFF].iter().chain(&DAYS).find(|needed| !names.iter().any(|name| name == *needed)) {
            Some(missing) => Err(format!("the column {missing} is missing")),
            None => Ok(Self(names)),
        }
    }

    /// Every row has a group, by its column or otherwise.
    fn with_groups(self, otherwise: Otherwise<'_>) -> Result<Self, String> {
        if otherwise.group.is_none() && !self.0.iter().any(|name| name == GROUP) {
            return Err(NO_GROUP.to_owned());
        }
        Ok(self)
    }

    /// The row of a line, or all that is wrong with it.
    fn row(&self, line: usize, text: &str, otherwise: Otherwise<'_>) -> Result<Row, Vec<String>> {
        let cells = cells(text).ok_or_else(|| vec![QUOTES.to_owned()])?;
        if cells.len() != self.0.len() {
            return Err(vec![format!("has {} columns and not {}", cells.len(), self.0.len())]);
        }
        let cell = |name: &str| {
            let index = self.0.iter().position(|column| column == name)?;
            Some(cells[index].as_str())
        };
        let mut wrong = Vec::new();
        let staff = StaffReference::try_from(cell(STAFF).unwrap_or_default().to_owned());
        if let Err(problem) = &staff {
            wrong.push(format!("{STAFF} {problem}"));
        }
        let days = DAYS.map(|name| {
            let day = cell(name).and_then(parse_date);
            if day.is_none() {
                wrong.push(format!("{name} must be a day such as 2026-01-05"));
            }
            day.map(wire_date)
        });
        let own = |name| cell(name).filter(|text| !text.is_empty());
        let group = own(GROUP).map_or(otherwise.group, |text| Uuid::try_parse(text).ok());
        if group.is_none() {
            wrong.push(format!("{GROUP} must be the id of a group"));
        }
        let recipient = match own(RECIPIENT) {
            None => otherwise.recipient.cloned(),
            Some(text) => {
                let key = Recipient::parse(text);
                if key.is_none() {
                    wrong.push(format!("{RECIPIENT} must be a public key of age (age1...)"));
                }
                key
            }
        };
        let [vetting_on, barred_list_checked_on, training_on, agreement_signed_on] = days;
        match (staff, group) {
            (Ok(staff), Some(group)) if wrong.is_empty() => Ok(Row {
                line,
                group: group.to_string(),
                staff_reference: staff.into(),
                conditions: v1::Conditions {
                    vetting_on,
                    barred_list_checked_on,
                    training_on,
                    agreement_signed_on,
                },
                recipient,
            }),
            _ => Err(wrong),
        }
    }
}

const NO_GROUP: &str = "the column group is missing, and no --group is given";

const QUOTES: &str = "has quotation marks that do not stand round a whole value";

/// The values of a line, without the quotation marks that spreadsheets put round them. No value
/// that can be right holds a comma or a quotation mark.
fn cells(line: &str) -> Option<Vec<String>> {
    line.split(',').map(|cell| unquoted(cell.trim())).collect()
}

fn unquoted(cell: &str) -> Option<String> {
    let inner = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).unwrap_or(cell);
    (!inner.contains('"')).then(|| inner.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "staff_reference,vetting_on,barred_list_checked_on,training_on,agreement_signed_on";

    /// All in one group, and no code sealed.
    const IN_ONE: Otherwise<'_> = Otherwise { group: Some(Uuid::from_u128(5)), recipient: None };

    fn lines(text: &str) -> Vec<String> {
        let rejected = parse(text, IN_ONE).unwrap_err();
        rejected.iter().map(|one| format!("{}: {}", one.line, one.reason)).collect()
    }

    #[test]
    fn rows_are_read_as_spreadsheets_write_them() {
        let text = format!(
            "\u{feff}{HEADER}\r\n\
             NC-0101,2026-01-12,2026-01-13,2026-02-03,2026-02-04\r\n\r\n\
             \"NC/0102\", 2026-01-12 ,\"2026-01-13\",2026-02-03,2026-02-04\r\n"
        );
        let rows = parse(&text, IN_ONE).unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].line, rows[0].staff_reference.as_str()), (2, "NC-0101"));
        assert_eq!((rows[1].line, rows[1].staff_reference.as_str()), (4, "NC/0102"));
        let checked = rows[0].conditions;
        assert_eq!(checked.vetting_on, Some(v1::Date { year: 2026, month: 1, day: 12 }));
        assert_eq!(checked.barred_list_checked_on.unwrap().day, 13);
        assert_eq!(checked.training_on.unwrap().day, 3);
        assert_eq!(checked.agreement_signed_on.unwrap().day, 4);
        assert_eq!(rows[1].conditions, checked);
    }

    #[test]
    fn columns_may_stand_in_any_order() {
        let text = "training_on,agreement_signed_on,vetting_on,barred_list_checked_on,\
                    staff_reference\n2026-02-03,2026-02-04,2026-01-12,2026-01-13,A";
        let rows = parse(text, IN_ONE).unwrap();
        assert_eq!(rows[0].staff_reference, "A");
        assert_eq!(rows[0].conditions.barred_list_checked_on.unwrap().day, 13);
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_by_line_and_without_what_was_written() {
        let text = format!(
            "{HEADER}\n\
             A,2026-01-12,2026-01-12,2026-02-03,2026-02-03\n\
             secret name,12/01/2026,2026-01-12,2026-02-30,2026-02-03\n\
             B,2026-01-12\n\
             C\"D,2026-01-12,2026-01-12,2026-02-03,2026-02-03\n\
             A,2026-01-12,2026-01-12,2026-02-03,2026-02-03\n"
        );
        let found = lines(&text);
        assert_eq!(
            found,
            [
                "3: staff_reference may only hold A to Z, a to z, 0 to 9 and ._:/-",
                "3: training_on must be a day such as 2026-01-05",
                "3: vetting_on must be a day such as 2026-01-05",
                "4: has 2 columns and not 5",
                "5: has quotation marks that do not stand round a whole value",
                "6: staff_reference stands in line 2 too",
            ]
        );
        assert!(!found.concat().contains("secret"));
    }

    #[test]
    fn the_first_line_must_name_the_columns() {
        assert_eq!(lines(""), ["1: the file is empty"]);
        assert_eq!(lines(HEADER), ["1: no rows follow"]);
        let row = "NC-0101,2026-01-12,2026-01-12,2026-02-03,2026-02-03";
        assert_eq!(lines(row), ["1: column 1 of the first line has no known name"]);
        assert_eq!(lines("vetting_on"), ["1: the column staff_reference is missing"]);
        assert_eq!(lines("vetting_on,vetting_on"), ["1: the column vetting_on stands there twice"]);
    }

    #[test]
    fn a_row_may_name_a_recipient_of_its_own() {
        let key = age::x25519::Identity::generate().to_public().to_string();
        let row = "A,2026-01-12,2026-01-12,2026-02-03,2026-02-03";
        let rows = parse(&format!("{HEADER},recipient\n{row},{key}\n"), IN_ONE).unwrap();
        assert!(rows[0].recipient.is_some());
        let empty = format!("{HEADER},recipient\n{row},\n");
        assert!(parse(&empty, IN_ONE).unwrap()[0].recipient.is_none());
        let everybody = Recipient::parse(&key);
        let sealed = Otherwise { recipient: everybody.as_ref(), ..IN_ONE };
        assert!(parse(&empty, sealed).unwrap()[0].recipient.is_some());
        let wrong = lines(&format!("{HEADER},recipient\n{row},age1wrong\n"));
        assert_eq!(wrong, ["2: recipient must be a public key of age (age1...)"]);
    }

    #[test]
    fn a_row_may_name_a_group_of_its_own() {
        let [one, other] = [6, 7].map(|id| Uuid::from_u128(id).to_string());
        let row = |staff: &str, group: &str| {
            format!("{staff},2026-01-12,2026-01-12,2026-02-03,2026-02-03,{group}\n")
        };
        let header = format!("{HEADER},group\n");
        let text = [header.clone(), row("A", &one), row("A", &other), row("B", &one)].concat();
        let nobodys = Otherwise::default();
        let groups = parse(&text, nobodys).unwrap().into_iter().map(|row| row.group);
        assert!(groups.eq([one.clone(), other, one.clone()]));
        let text = [header, row("A", &one), row("A", &one), row("B", ""), row("C", "x")].concat();
        let rejected = parse(&text, nobodys).unwrap_err().into_iter();
        let told: Vec<String> =
            rejected.map(|one| format!("{}: {}", one.line, one.reason)).collect();
        assert_eq!(
            told,
            [
                "3: staff_reference stands in line 2 too",
                "4: group must be the id of a group",
                "5: group must be the id of a group",
            ]
        );
        assert_eq!(parse(HEADER, nobodys).unwrap_err()[0].reason, NO_GROUP);
    }
}
