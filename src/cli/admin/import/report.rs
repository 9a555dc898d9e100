//! What became of the rows.

use serde::Serialize;

use crate::exit::{Exit, Failure};

/// A row that cannot be taken, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct Rejected {
    /// Its line in the file, counted from 1.
    pub(super) line: usize,
    /// Why: never with anything of what the row holds.
    pub(super) reason: String,
}

/// What became of the rows.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// How many the service looked at and would take.
    pub(super) checked: usize,
    /// How many were invited.
    pub(super) invited: usize,
    /// The rows that cannot be taken, by their lines.
    pub(super) rejected: Vec<Rejected>,
    /// The ledger entry of each call that was granted.
    pub(super) receipts: Vec<u64>,
}

impl Report {
    /// A line for each rejected row, and one of the rest.
    pub(super) fn text(&self) -> String {
        let lines = self.rejected.iter().map(|one| format!("line {}: {}", one.line, one.reason));
        let Self { checked, invited, rejected, .. } = self;
        let end = if !rejected.is_empty() {
            format!("Nobody was invited. Rejected: {}", rejected.len())
        } else if *invited > 0 {
            format!("Invited: {invited}. Hand each code's file to its person.")
        } else {
            format!("All {checked} can be invited. Nobody was.")
        };
        lines.chain([end]).collect::<Vec<_>>().join("\n")
    }

    /// The failure of a run that rejected rows.
    pub(super) fn failure(&self, exit: Exit) -> Failure {
        let count = self.rejected.len();
        Failure::new(exit, format!("{count} rejected; nobody was invited"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rejected_row_has_its_line() {
        let rejected = vec![
            Rejected { line: 3, reason: "vetting_on must be a day".to_owned() },
            Rejected { line: 9, reason: "is registered already".to_owned() },
        ];
        let report = Report { checked: 7, rejected, ..Report::default() };
        assert_eq!(
            report.text(),
            "line 3: vetting_on must be a day\nline 9: is registered already\n\
             Nobody was invited. Rejected: 2"
        );
        assert_eq!(report.failure(Exit::Config).to_string(), "2 rejected; nobody was invited");
        let report = Report { checked: 7, ..Report::default() };
        assert_eq!(report.text(), "All 7 can be invited. Nobody was.");
        let report = Report { checked: 7, invited: 7, ..Report::default() };
        assert_eq!(report.text(), "Invited: 7. Hand each code's file to its person.");
    }
}
