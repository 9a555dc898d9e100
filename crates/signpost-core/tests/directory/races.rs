//! What others change between a decision and its commit.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::date;
use signpost_core::anchor::Position;
use signpost_core::commit::Commit;
use signpost_core::entry::{Entry, Opening};
use signpost_core::id::{BodyDigest, FlagId, PersonId, Receipt, SystemId};
use signpost_core::quota::{Spent, What, Whose};
use signpost_core::record::{
    ChildHead, Lift, Record, RecordKey, Replay, ReplayKey, ReplayResult, Scope, Shield, Stored,
};
use signpost_core::refusal::Reason;
use signpost_core::register::{Person, PersonStanding, Standing, TokenRecord};
use signpost_core::store::{CommitError, Lookup, Store, StoreError};
use signpost_core::terms::{Action, Purpose, Sensitivity, ShieldKind};
use signpost_core::testing::put_records;
use signpost_core::turn::Generations;

use crate::fixture::*;

/// Somebody else gets in between: records are put just before the next commit, or before one of
/// the scans to come.
#[derive(Debug)]
struct Between {
    inner: Arc<dyn Store>,
    records: Mutex<Vec<Record>>,
    before_scan: Mutex<Option<(usize, Vec<Record>)>>,
}

#[async_trait]
impl Store for Between {
    fn read<'s>(&'s self, key: &'s RecordKey) -> Lookup<'s, Option<Stored>> {
        Lookup::to_come(async move { self.inner.read(key).await })
    }

    fn scan<'s>(
        &'s self,
        scope: &'s Scope,
        after: Option<&'s RecordKey>,
        limit: NonZeroUsize,
    ) -> Lookup<'s, Vec<Stored>> {
        Lookup::to_come(async move {
            let records = {
                let mut before_scan = self.before_scan.lock().unwrap();
                match before_scan.take() {
                    Some((0, records)) => records,
                    Some((scans, records)) => {
                        *before_scan = Some((scans - 1, records));
                        Vec::new()
                    }
                    None => Vec::new(),
                }
            };
            if !records.is_empty() {
                put_records(&*self.inner, records).await.unwrap();
            }
            self.inner.scan(scope, after, limit).await
        })
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let records = std::mem::take(&mut *self.records.lock().unwrap());
        if !records.is_empty() {
            put_records(&*self.inner, records).await.unwrap();
        }
        self.inner.commit(commit).await
    }

    async fn entries(&self, from: Receipt, limit: NonZeroUsize) -> Result<Vec<Entry>, StoreError> {
        self.inner.entries(from, limit).await
    }

    async fn openings(
        &self,
        from: Receipt,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Receipt, Opening)>, StoreError> {
        self.inner.openings(from, limit).await
    }

    async fn position(&self) -> Result<Position, StoreError> {
        self.inner.position().await
    }

    fn generations(&self) -> &dyn Generations {
        self.inner.generations()
    }
}

async fn between() -> (Scene, Arc<Between>) {
    let mut made = None;
    let scene = Scene::over(|inner| {
        let between =
            Arc::new(Between { inner, records: Mutex::default(), before_scan: Mutex::default() });
        made = Some(between.clone());
        between
    })
    .await;
    (scene, made.unwrap())
}

#[tokio::test]
async fn who_is_suspended_between_leave_and_commit_gets_no_answer() {
    let suspensions = [
        Record::Person(Person { standing: PersonStanding::Suspended, ..SAM.person() }),
        Record::Token(TokenRecord { standing: Standing::Suspended, ..SAM.token() }),
    ];
    for suspension in suspensions {
        let (scene, between) = between().await;
        let named = child(&[1]);
        scene.record(NORA, &named, details()).await;
        let before = scene.entries().await.len();
        between.records.lock().unwrap().push(suspension.clone());
        let asked = scene.ask(SAM, Purpose::S47Enquiry, &named).await;
        scene.assert_refused(before + 1, asked, Reason::Suspended).await;

        let record = scene.try_record(SAM, scene.contact(&child(&[2]), details()));
        scene.assert_refused_next(record, Reason::Suspended).await;
    }
}

#[tokio::test]
async fn a_shield_between_question_and_answer_counts() {
    let (scene, between) = between().await;
    let named = child(&[1]);
    scene.record(NORA, &named, details()).await;
    between.records.lock().unwrap().push(shielded_head(1));
    scene.assert_nothing(SAM, &named).await;
}

#[tokio::test]
async fn a_shield_between_reading_and_recording_is_spread() {
    let (scene, between) = between().await;
    between.records.lock().unwrap().push(shielded_head(1));
    scene.record(NORA, &child(&[1, 2]), details()).await;
    scene.assert_nothing(SAM, &child(&[2])).await;
}

fn shielded_head(number: u8) -> Record {
    let shield = Shield {
        kind: ShieldKind::Shielded,
        review_due: date(2026, 7, 1),
        set_by: SUE.actor(),
        set_on: Vec::new(),
    };
    let pseudonym = child(&[number]).pseudonyms()[0].pseudonym.clone();
    Record::Head(ChildHead { pseudonym, shields: vec![shield] })
}

/// 600 flags are three pages. Whichever of them others write between, none is shown as it was.
#[tokio::test]
async fn pages_of_one_child_are_never_of_two_moments() {
    for number in 1..=6 {
        for scans in 0..4 {
            let (scene, between) = between().await;
            let flags = |sensitivity| (1..=600).map(move |id| flag(number, id, sensitivity));
            put_records(&*scene.store, flags(Sensitivity::Standard)).await.unwrap();
            scene.record(PAUL, &child(&[number]), of(Sensitivity::Hidden)).await;
            assert_eq!(scene.lines(SAM, &child(&[number])).await, 600);
            let mut all: Vec<Record> = flags(Sensitivity::Hidden).collect();
            let pseudonym = child(&[number]).pseudonyms()[0].pseudonym.clone();
            all.push(Record::Head(ChildHead { pseudonym, shields: Vec::new() }));
            *between.before_scan.lock().unwrap() = Some((scans, all));
            assert_eq!(scene.lines(SAM, &child(&[number])).await, 0, "before scan {scans}");
        }
    }
}

#[tokio::test]
async fn a_lifting_that_runs_out_before_its_commit_does_not_complete() {
    let (scene, between) = between().await;
    let named = child(&[1]);
    scene.record(NORA, &named, details()).await;
    scene.shield(SUE, &named).await.unwrap();
    let id = scene.begin_lift(SUE, &named).await;
    let before = scene.entries().await.len();
    between.records.lock().unwrap().push(Record::Lift(Lift {
        id,
        subject: named.clone(),
        proposer: PersonId::new([SUE.id; 16]),
        until: Timestamp::UNIX_EPOCH,
    }));
    let lifted = scene.lift(MONA, &named, Some(id)).await;
    scene.assert_refused(before + 1, lifted, Reason::NotFound).await;
    scene.assert_nothing(SAM, &named).await;
}

#[tokio::test]
async fn a_request_id_used_before_the_commit_is_used() {
    let (scene, between) = between().await;
    let contact = scene.contact(&child(&[1]), details());
    let before = scene.entries().await.len();
    between.records.lock().unwrap().push(Record::Replay(Replay {
        key: ReplayKey {
            system: SystemId::new([NORA.organisation; 16]),
            person: PersonId::new([NORA.id; 16]),
            request: contact.request,
        },
        body: BodyDigest::new([0; 32]),
        result: ReplayResult::Flag(FlagId::new([1; 16])),
        subject: Some(child(&[2])),
        until: Timestamp::MAX,
    }));
    let recorded = scene.try_record(NORA, contact).await;
    scene.assert_refused(before + 1, recorded, Reason::RequestIdReused).await;
    assert_eq!(scene.lines(SAM, &child(&[1])).await, 0);
}

#[tokio::test]
async fn points_are_spent_once_however_often_it_is_decided() {
    let (scene, between) = between().await;
    between.records.lock().unwrap().push(Record::Group(SAM.group()));
    let spent = std::sync::atomic::AtomicU32::new(0);
    let presented = SAM.presented();
    let leave = scene
        .directory
        .permit_evaluation(&presented, &Ok(3), |_, points| {
            spent.fetch_add(points, std::sync::atomic::Ordering::Relaxed);
            true
        })
        .await
        .unwrap();
    assert_eq!(spent.into_inner(), 3);
    let entry = scene.entry(leave.receipt).await;
    assert_eq!((entry.action(), entry.count()), (Action::Evaluate, 3));
    let none_left = scene.directory.permit_evaluation(&presented, &Ok(3), |_, _| false);
    let spent = Spent { whose: Whose::Person, what: What::Points, again_in_secs: 60 };
    scene.assert_refused_next(none_left, Reason::Budget(spent)).await;
}
