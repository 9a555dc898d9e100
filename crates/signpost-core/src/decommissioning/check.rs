//! What a plan must say of itself, whatever the register says.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::ClosingPlan;
use crate::refusal::{Invalid, Violation};
use crate::terms::{CopyKind, NilReturn};

impl ClosingPlan {
    /// The most regions: 152 local authorities have children's services, and some room.
    pub const REGIONS_MAX: usize = 200;

    /// The most tasks: some of each region's own, and the national ones.
    pub const TASKS_MAX: usize = 2_000;

    /// The most entries of the inventory of copies.
    pub const COPIES_MAX: usize = 2_000;

    /// What is wrong with the plan at this time, all of it.
    pub fn check(&self, now: Timestamp) -> Result<(), Invalid> {
        let mut violations = Vec::new();
        let mut expect = |holds: bool, field: &str, problem: &str| {
            if !holds {
                violations.push(Violation { field: field.to_owned(), problem: problem.to_owned() });
            }
        };
        let day = TimeZone::UTC.to_datetime(self.closes_at).date();
        expect(self.closes_at > now, "closes_ms", "must be later than now");
        expect(self.closes_at.subsec_nanosecond() == 0, "closes_ms", "must be a whole second");
        expect(self.announced_on <= day, "announced_on", "must not be later than the closing day");
        let regions = 1..=Self::REGIONS_MAX;
        expect(regions.contains(&self.regions.len()), "regions", "must be 1 to 200");
        let ordered =
            self.regions.windows(2).all(|pair| pair[0].organisation < pair[1].organisation);
        expect(ordered, "regions", "must name each organisation once, in order of their ids");
        let tasks = 1..=Self::TASKS_MAX;
        expect(tasks.contains(&self.tasks.len()), "tasks", "must be 1 to 2000");
        let is_repeated = |(index, task): (usize, &super::PlannedTask)| {
            let mut before = self.tasks[..index].iter();
            before.any(|one| (one.title, one.owner) == (task.title, task.owner))
        };
        let repeated = self.tasks.iter().take(Self::TASKS_MAX).enumerate().any(is_repeated);
        expect(!repeated, "tasks", "must give no owner the same task twice");
        let returned = self.returns.iter().map(|(what, _)| *what);
        let complete = returned.eq(NilReturn::ALL.iter().copied());
        expect(
            complete,
            "returns",
            "must declare HOLDS, ARCHIVES and INQUIRIES, each once and in this order",
        );
        let has = |kind: &CopyKind| self.copies.iter().any(|copies| copies.kind == *kind);
        let accounted = CopyKind::ALL.iter().all(has);
        let problem =
            "must account for every kind: BACKUP, REPLICA, EXPORT, CASE_SYSTEM, SUPPLIER and LOG";
        expect(accounted, "copies", problem);
        expect(self.copies.len() <= Self::COPIES_MAX, "copies", "must be 2000 at most");
        if violations.is_empty() { Ok(()) } else { Err(Invalid { violations }) }
    }
}
