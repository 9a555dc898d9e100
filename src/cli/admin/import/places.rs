//! Whether there are places for all rows, before anybody is invited.

use std::collections::{BTreeMap, BTreeSet};

use signpost_client::{Client, ClientError};
use signpost_proto::v1;

use super::report::{Rejected, Report};
use super::rows::{Row, twice};

/// Looks at the groups that the rows name, and gives the rows that find a place; what is wrong with
/// the others is in the report. Others may take places meanwhile: the service has the last word.
pub(super) async fn check<'r>(
    client: &Client,
    rows: &'r [Row],
    report: &mut Report,
) -> Result<Vec<&'r Row>, ClientError> {
    let mut groups: BTreeMap<&str, Option<v1::Group>> =
        rows.iter().map(|row| (row.group.as_str(), None)).collect();
    let organisations = client.list_organisations().await?;
    report.receipts.extend(organisations.receipts);
    for organisation in organisations.items {
        if groups.values().all(Option::is_some) {
            break;
        }
        let listed = client.list_groups(&organisation.organisation_id).await?;
        report.receipts.extend(listed.receipts);
        for group in listed.items {
            if let Some(found) = groups.get_mut(group.group_id.as_str()) {
                *found = Some(group);
            }
        }
    }
    let rejected = without_place(rows, &groups);
    let lines: BTreeSet<usize> = rejected.iter().map(|one| one.line).collect();
    report.rejected.extend(rejected);
    Ok(rows.iter().filter(|row| !lines.contains(&row.line)).collect())
}

/// The rows of groups that are not there, those that find their group full, and those whose staff
/// reference another group of the organisation takes.
fn without_place(rows: &[Row], groups: &BTreeMap<&str, Option<v1::Group>>) -> Vec<Rejected> {
    let mut rejected = Vec::new();
    let mut taken: BTreeMap<&str, u32> = BTreeMap::new();
    for row in rows {
        let Some(group) = &groups[row.group.as_str()] else {
            rejected.push(Rejected { line: row.line, reason: "there is no such group".to_owned() });
            continue;
        };
        let taken = taken.entry(&row.group).or_insert(group.members);
        if *taken >= group.members_max {
            let places = group.members_max.saturating_sub(group.members);
            let reason = format!("the group is full: it had {places} places left");
            rejected.push(Rejected { line: row.line, reason });
        } else {
            *taken += 1;
        }
    }
    rejected.extend(twice(rows, |row| {
        groups[row.group.as_str()].as_ref().map_or(&row.group, |group| &group.organisation_id)
    }));
    rejected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_no_place_is_told_by_line() {
        let row = |line: usize, group: &str, staff: &str| Row {
            line,
            group: group.to_owned(),
            staff_reference: staff.to_owned(),
            conditions: v1::Conditions::default(),
            recipient: None,
        };
        let group = |organisation: &str, members| {
            Some(v1::Group {
                organisation_id: organisation.to_owned(),
                members_max: 3,
                members,
                ..v1::Group::default()
            })
        };
        let groups = BTreeMap::from([
            ("wide", group("north", 0)),
            ("narrow", group("north", 2)),
            ("other", group("south", 0)),
            ("none", None),
        ]);
        let rows = [
            row(2, "narrow", "A"),
            row(3, "wide", "B"),
            row(4, "narrow", "C"),
            row(5, "other", "B"),
            row(6, "none", "D"),
            row(7, "wide", "A"),
        ];
        let mut rejected = without_place(&rows, &groups);
        rejected.sort();
        let told: Vec<String> =
            rejected.iter().map(|one| format!("{}: {}", one.line, one.reason)).collect();
        assert_eq!(
            told,
            [
                "4: the group is full: it had 1 places left",
                "6: there is no such group",
                "7: staff_reference stands in line 2 too",
            ]
        );
    }
}
