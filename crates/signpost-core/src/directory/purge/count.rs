//! The dry run: what a planned purge would take, counted by the service behind the plan's reply, so
//! that no reply waits for it or differs by it.

use std::num::NonZeroUsize;

use super::super::Directory;
use super::PAGE;
use crate::commit::{Commit, Effect, Precondition, Write};
use crate::flag::ContactFlag;
use crate::id::Receipt;
use crate::permit::Permit;
use crate::purge::{Coverage, Covered, PurgeAnnex, PurgePlan, Tally};
use crate::record::{Kind, Record, RecordKey, Scope, Stored};
use crate::refusal::Refusal;
use crate::store::StoreError;
use crate::subject::Subject;
use crate::terms::{Action, Outcome, PurgeState};

/// The kinds beside a child's own records that may name the child.
const NAMING_KINDS: [Kind; 5] =
    [Kind::Replay, Kind::Lift, Kind::Canary, Kind::History, Kind::AccessReview];

impl Directory {
    /// Counts what each planned purge would take that is not counted yet; gives how many were. One at a
    /// time; called once a second.
    pub async fn count_purges(&self) -> Result<usize, Refusal> {
        let mut counted = 0;
        for (version, plan) in self.uncounted().await? {
            counted += usize::from(self.count_purge(version, &plan).await?);
        }
        Ok(counted)
    }

    /// Every plan that waits to be counted.
    async fn uncounted(&self) -> Result<Vec<(Receipt, PurgePlan)>, StoreError> {
        let (mut plans, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.scan(&Scope::Kind(Kind::Purge), after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            for stored in page {
                let Record::Purge(plan) = stored.record else { return Err(StoreError::Damaged) };
                let waits = plan.state_at(self.now()) == PurgeState::Planned;
                let annex = RecordKey::PurgeAnnex(plan.id);
                if waits && self.store.read(&annex).await?.is_none() {
                    plans.push((stored.version, *plan));
                }
            }
            if is_last {
                return Ok(plans);
            }
        }
    }

    async fn count_purge(&self, version: Receipt, plan: &PurgePlan) -> Result<bool, Refusal> {
        let holds = self.standing_holds().await?;
        let Some(coverage) = Coverage::new(plan, &holds) else { return Ok(false) };
        let tally = match plan.scope.child() {
            Some(child) => self.tally_child(&coverage, child).await?,
            None => self.tally_all(&coverage).await?,
        };
        let annex = PurgeAnnex { purge: plan.id, counts: tally.into_counts() };
        let rests_on = vec![
            Precondition::At(RecordKey::Purge(plan.id), version),
            Precondition::Absent(RecordKey::PurgeAnnex(plan.id)),
        ];
        let policy = self.policy.digest();
        let permit = Permit::of_service(Action::CountPurge, None, policy, rests_on);
        // The entry says which purge was counted, and never how many records.
        let effect = Effect {
            detail: super::detail(plan.id.as_bytes(), Some(plan.digest.as_bytes())),
            writes: vec![Write::Put(Record::PurgeAnnex(annex))],
            ..Effect::new(Outcome::Done)
        };
        match self.commit(Commit::permitted(permit, effect)).await {
            Ok(_) => Ok(true),
            // The plan has changed meanwhile: if it still waits, it is counted the next time.
            Err(Refusal::Contended) => Ok(false),
            Err(refusal) => Err(refusal),
        }
    }

    /// One child's: its own records, and those of the kinds that may name it. The copies of its flags
    /// under other pseudonyms are counted and not read; a shield of the child on another's head is
    /// found by the run alone.
    async fn tally_child(&self, coverage: &Coverage, child: &Subject) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        let mut elsewhere = Elsewhere { child, flags: Vec::new() };
        for named in child.pseudonyms() {
            let scope = Scope::Child(named.pseudonym.clone());
            let mut found = |stored: &Stored, covered: &Covered| {
                tally.add(&stored.record, covered);
                elsewhere.add(&stored.record);
            };
            self.go_through(&scope, coverage, &mut found).await?;
        }
        for record in elsewhere.copies() {
            tally.add(&record, &Covered::Goes);
        }
        for kind in NAMING_KINDS {
            let mut found = |stored: &Stored, covered: &Covered| tally.add(&stored.record, covered);
            self.go_through(&Scope::Kind(kind), coverage, &mut found).await?;
        }
        Ok(tally)
    }

    /// All that there is, in one generation: in another it lies in another order.
    async fn tally_all(&self, coverage: &Coverage) -> Result<Tally, StoreError> {
        let generation = self.store.position().await?.generation;
        let mut tally = Tally::default();
        let mut found = |stored: &Stored, covered: &Covered| tally.add(&stored.record, covered);
        self.go_through(&Scope::Everything, coverage, &mut found).await?;
        if self.store.position().await?.generation != generation {
            return Err(StoreError::Busy);
        }
        Ok(tally)
    }

    async fn go_through(
        &self,
        scope: &Scope,
        coverage: &Coverage,
        found: &mut (impl FnMut(&Stored, &Covered) + Send),
    ) -> Result<(), StoreError> {
        const SIZE: NonZeroUsize = PAGE;
        let mut after = None;
        loop {
            let page = self.store.scan(scope, after.as_ref(), SIZE).await?;
            let is_last = page.len() < SIZE.get();
            after = page.last().map(|stored| stored.record.key());
            for stored in page {
                if let Some(covered) = coverage.covers(stored.version, &stored.record) {
                    found(&stored, &covered);
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

/// The flags of a child whose copies lie under other pseudonyms too.
struct Elsewhere<'c> {
    child: &'c Subject,
    flags: Vec<std::sync::Arc<ContactFlag>>,
}

impl Elsewhere<'_> {
    fn add(&mut self, record: &Record) {
        if let Record::Flag(copy) = record
            && self.flags.iter().all(|seen| seen.id != copy.flag.id)
        {
            self.flags.push(std::sync::Arc::clone(&copy.flag));
        }
    }

    /// A copy of each flag for each pseudonym that is not the child's own.
    fn copies(&self) -> impl Iterator<Item = Record> {
        let others = |flag: &std::sync::Arc<ContactFlag>| {
            let named = flag.subject.pseudonyms().iter();
            let others = named.filter(|one| !self.child.contains(&one.pseudonym));
            let copy = |one: &crate::subject::NamedPseudonym| {
                let under = one.pseudonym.clone();
                Record::Flag(crate::record::FlagCopy { under, flag: std::sync::Arc::clone(flag) })
            };
            others.map(copy).collect::<Vec<_>>()
        };
        self.flags.iter().flat_map(others)
    }
}
