//! Sending the rows: all are looked at by the service before any is invited.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use signpost_client::error::Refused;
use signpost_client::write::request_id;
use signpost_client::{Client, ClientError};
use signpost_proto::v1;

use super::super::codes::{NewCode, file_name, hash_of_none, remove, settle};
use super::report::{Rejected, Report};
use super::rows::Row;
use crate::exit::{Exit, Failure};
use crate::progress::Rows;

/// The most people that one request names: as many as a group may have, so that all of a group are
/// invited, or nobody of it.
const CHUNK: usize = 500;

/// The reasons that are one row's and not the whole request's.
const OF_ONE_ROW: [&str; 2] = ["INVALID", "ALREADY_REGISTERED"];

/// How the rows are sent.
pub(super) struct Import<'c> {
    pub(super) client: &'c Client,
}

impl Import<'_> {
    /// Lets the service look at every row; what it would refuse is in the report.
    pub(super) async fn check(&self, rows: &[&Row], report: &mut Report) -> anyhow::Result<()> {
        let bar = Rows::begin("Looking", rows.len());
        check(rows, report, &bar, async |rows| {
            let people = rows.iter().map(|row| invitation(row, hash_of_none())).collect();
            Ok(self.client.invite_people(request(rows, people, true)).await?.receipt)
        })
        .await?;
        Ok(())
    }

    /// Invites all of them, so many at a time; each code is in its file before it is sent.
    pub(super) async fn invite(
        &self,
        rows: &[Row],
        folder: &Path,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let chunks = chunks(rows);
        let folders = folders(&chunks, folder);
        let files = rows.iter().map(|row| file_of(row, &folders[row.group.as_str()]));
        if let Some(there) = files.into_iter().find(|file| file.exists()) {
            let problem = "is there already; name a folder without the codes of these people";
            return Err(Failure::config(format!("{} {problem}", there.display())).into());
        }
        make_private(folder)?;
        let bar = Rows::begin("Inviting", rows.len());
        for chunk in &chunks {
            let folder = &folders[chunk[0].group.as_str()];
            make_private(folder)?;
            let done = self.invite_chunk(chunk, folder).await;
            let receipt = done.map_err(|error| so_far(&error, chunk, report.invited))?;
            report.receipts.push(receipt);
            report.invited += chunk.len();
            bar.advance(chunk.len());
        }
        Ok(())
    }

    async fn invite_chunk(&self, rows: &[&Row], folder: &Path) -> anyhow::Result<u64> {
        let mut codes = Vec::with_capacity(rows.len());
        for row in rows {
            match NewCode::write(&file_of(row, folder), row.recipient.as_ref()) {
                Ok(code) => codes.push(code),
                Err(failure) => {
                    remove(&codes);
                    return Err(failure.into());
                }
            }
        }
        let people =
            rows.iter().zip(&codes).map(|(row, code)| invitation(row, code.hash())).collect();
        let answer = self.client.invite_people(request(rows, people, false)).await;
        Ok(settle(&codes, answer)?.receipt)
    }
}

/// The rows in the order of their groups, so many at a time: each chunk is of one group.
fn chunks<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Vec<Vec<&'r Row>> {
    let mut groups: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        groups.entry(&row.group).or_default().push(row);
    }
    groups.values().flat_map(|rows| rows.chunks(CHUNK)).map(<[&Row]>::to_vec).collect()
}

/// Where the codes of each group go: a folder of its own where there are several, for two people of
/// different organisations may have one staff reference.
fn folders<'r>(chunks: &[Vec<&'r Row>], folder: &Path) -> BTreeMap<&'r str, PathBuf> {
    let groups: BTreeSet<&str> = chunks.iter().map(|chunk| chunk[0].group.as_str()).collect();
    let is_one = groups.len() == 1;
    let of = |group| if is_one { folder.to_owned() } else { folder.join(group) };
    groups.iter().map(|group| (*group, of(group))).collect()
}

/// An invitation of these rows, all of one group.
fn request(
    rows: &[&Row],
    people: Vec<v1::Invitation>,
    validate_only: bool,
) -> v1::InvitePeopleRequest {
    let group_id = rows[0].group.clone();
    v1::InvitePeopleRequest { request_id: request_id(), group_id, people, validate_only }
}

fn file_of(row: &Row, folder: &Path) -> PathBuf {
    folder.join(file_name(&row.staff_reference, row.recipient.is_some()))
}

fn invitation(row: &Row, code_hash: Vec<u8>) -> v1::Invitation {
    v1::Invitation {
        staff_reference: row.staff_reference.clone(),
        conditions: Some(row.conditions),
        code_hash,
    }
}

/// Looks at all rows by `send`. A refusal that names rows takes them out, and the rest is looked at
/// again; one that does not is looked for by halves. What is no row's own ends it.
async fn check(
    rows: &[&Row],
    report: &mut Report,
    bar: &Rows,
    mut send: impl AsyncFnMut(&[&Row]) -> Result<u64, ClientError>,
) -> Result<(), ClientError> {
    let mut waiting = chunks(rows.iter().copied());
    waiting.reverse();
    while let Some(chunk) = waiting.pop() {
        let refused = match send(&chunk).await {
            Ok(receipt) => {
                report.receipts.push(receipt);
                report.checked += chunk.len();
                bar.advance(chunk.len());
                continue;
            }
            Err(ClientError::Refused(refused)) if OF_ONE_ROW.contains(&&*refused.reason) => refused,
            Err(error) => return Err(error),
        };
        let named = named_rows(&refused, chunk.len());
        if !named.is_empty() {
            let (wrong, rest): (Vec<_>, Vec<_>) =
                chunk.iter().enumerate().partition(|(index, _)| named.contains_key(index));
            for (index, row) in wrong {
                report.rejected.push(Rejected { line: row.line, reason: named[&index].clone() });
                bar.advance(1);
            }
            if !rest.is_empty() {
                waiting.push(rest.into_iter().map(|(_, row)| *row).collect());
            }
        } else if let [row] = chunk[..] {
            report.rejected.push(Rejected { line: row.line, reason: sentence(&refused) });
            bar.advance(1);
        } else {
            let (first, second) = chunk.split_at(chunk.len() / 2);
            waiting.extend([second.to_vec(), first.to_vec()]);
        }
    }
    Ok(())
}

/// What is wrong with each row that a refusal names: `people[3].conditions.vetting_on` is the
/// fourth's.
fn named_rows(refused: &Refused, rows: usize) -> BTreeMap<usize, String> {
    let mut named: BTreeMap<usize, String> = BTreeMap::new();
    for violation in &refused.violations {
        let index = violation.field.strip_prefix("people[").and_then(|rest| rest.split_once(']'));
        let Some((index, field)) = index else { continue };
        let Some(index) = index.parse().ok().filter(|index| *index < rows) else { continue };
        let field = field.trim_start_matches('.').trim_start_matches("conditions.");
        let problem = format!("{field} {}", violation.problem).trim_start().to_owned();
        let reason = named.entry(index).or_default();
        let separator = if reason.is_empty() { "" } else { "; " };
        *reason = format!("{reason}{separator}{problem}");
    }
    named
}

/// The refusal without its receipt, which is the whole request's.
fn sentence(refused: &Refused) -> String {
    Refused { receipt: None, ..refused.clone() }.to_string()
}

/// An error in the middle, and how far it had come.
fn so_far(error: &anyhow::Error, chunk: &[&Row], invited: usize) -> Failure {
    let exit = error.downcast_ref::<Failure>().map_or(Exit::Refused, |failure| failure.exit);
    let from = chunk.first().map_or(0, |row| row.line);
    Failure::new(
        exit,
        format!(
            "{error:#}; {invited} were invited before, this is about those from line {from} on"
        ),
    )
}

/// Makes the folder, for its owner alone; one that is there is taken as it is.
fn make_private(folder: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(folder)
        .map_err(|error| Failure::config(format!("cannot create {}: {error}", folder.display())))
}

#[cfg(test)]
mod tests {
    use signpost_client::error::Violation;

    use super::*;

    fn rows(count: usize) -> Vec<Row> {
        let row = |line| Row {
            line,
            group: "one".to_owned(),
            staff_reference: format!("NC-{line}"),
            conditions: v1::Conditions::default(),
            recipient: None,
        };
        (2..count + 2).map(row).collect()
    }

    fn refused(reason: &str, violations: &[(&str, &str)]) -> ClientError {
        let violation = |(field, problem): &(&str, &str)| Violation {
            field: (*field).to_owned(),
            problem: (*problem).to_owned(),
        };
        ClientError::Refused(Box::new(Refused {
            code: tonic::Code::InvalidArgument,
            reason: reason.to_owned(),
            message: "this staff reference is registered already".to_owned(),
            violations: violations.iter().map(violation).collect(),
            retry_after: None,
            receipt: Some(1),
            after_no_answer: false,
        }))
    }

    /// Looks at `count` rows, of which the service knows some already and dislikes others.
    async fn run(count: usize, known: &[usize], disliked: &[usize]) -> (Report, usize) {
        let (rows, mut report, mut calls) = (rows(count), Report::default(), 0);
        let bar = Rows::begin("Looking", count);
        let rows: Vec<&Row> = rows.iter().collect();
        check(&rows, &mut report, &bar, async |sent: &[&Row]| {
            calls += 1;
            assert!(!sent.is_empty() && sent.len() <= CHUNK);
            if let Some(index) = sent.iter().position(|row| disliked.contains(&row.line)) {
                let field = format!("people[{index}].conditions.vetting_on");
                return Err(refused("INVALID", &[(&field, "must not lie ahead")]));
            }
            if sent.iter().any(|row| known.contains(&row.line)) {
                return Err(refused("ALREADY_REGISTERED", &[]));
            }
            Ok(7)
        })
        .await
        .unwrap();
        report.rejected.sort();
        (report, calls)
    }

    #[tokio::test]
    async fn many_rows_go_in_chunks() {
        let (report, calls) = run(1250, &[], &[]).await;
        assert_eq!((report.checked, calls, report.receipts.len()), (1250, 3, 3));
        assert!(report.rejected.is_empty());
    }

    #[test]
    fn a_chunk_is_of_one_group_and_several_groups_have_folders_of_their_own() {
        let mut rows = rows(1250);
        let folder = Path::new("codes");
        assert_eq!(folders(&chunks(&rows), folder), BTreeMap::from([("one", folder.into())]));
        for row in rows.iter_mut().step_by(2) {
            row.group = "other".to_owned();
        }
        let chunks = chunks(&rows);
        let lengths: Vec<usize> = chunks.iter().map(Vec::len).collect();
        assert_eq!(lengths, [500, 125, 500, 125]);
        assert!(chunks.iter().all(|chunk| chunk.iter().all(|row| row.group == chunk[0].group)));
        let expected = [("one", "codes/one".into()), ("other", "codes/other".into())];
        assert_eq!(folders(&chunks, folder), BTreeMap::from(expected));
    }

    #[tokio::test]
    async fn every_row_that_the_service_refuses_is_found_by_its_line() {
        let (report, calls) = run(250, &[3, 120, 121], &[40, 251]).await;
        let lines: Vec<usize> = report.rejected.iter().map(|one| one.line).collect();
        assert_eq!(lines, [3, 40, 120, 121, 251]);
        assert_eq!(report.rejected[1].reason, "vetting_on must not lie ahead");
        assert_eq!(report.rejected[0].reason, "this staff reference is registered already");
        assert_eq!(report.checked, 245);
        assert!(calls < 60, "{calls}");
    }

    #[tokio::test]
    async fn what_is_no_rows_own_ends_it() {
        let (rows, mut report) = (rows(3), Report::default());
        let bar = Rows::begin("Looking", 3);
        let full = async |_: &[&Row]| Err(refused("GROUP_FULL", &[]));
        let rows: Vec<&Row> = rows.iter().collect();
        let error = check(&rows, &mut report, &bar, full).await.unwrap_err();
        assert!(matches!(error, ClientError::Refused(refused) if refused.reason == "GROUP_FULL"));
        assert!(report.rejected.is_empty());
    }

    #[test]
    fn a_refusal_names_rows_by_their_index() {
        let error = refused(
            "INVALID",
            &[
                ("people[1].conditions.training_on", "must not lie ahead"),
                ("people[1]", "has a staff reference or code of a row before it"),
                ("people[9]", "is beyond them"),
                ("group_id", "must be an id"),
            ],
        );
        let ClientError::Refused(refused) = error else { panic!("not refused") };
        let named = named_rows(&refused, 3);
        assert_eq!(named.len(), 1);
        assert_eq!(
            named[&1],
            "training_on must not lie ahead; has a staff reference or code of a row before it"
        );
    }
}
