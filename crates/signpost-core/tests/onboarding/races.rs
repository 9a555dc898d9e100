//! What others change between a decision and its commit, many at once, and what is sent twice.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use signpost_core::anchor::Position;
use signpost_core::commit::{Commit, Write};
use signpost_core::directory::onboarding::{
    Approve, IssueCode, MovePerson, Propose, Recertify, RecordConditions, RemovePerson, RenewToken,
    SuspendPerson,
};
use signpost_core::entry::{Entry, Opening};
use signpost_core::id::Receipt;
use signpost_core::record::{Record, RecordKey, Registered, Scope, Stored};
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::register::{
    Enrolment, EnrolmentState, Group, Lapse, Members, Person, PersonStanding, Proposal,
    ProposalState, ProposedChange, Standing, TokenRecord,
};
use signpost_core::store::{CommitError, Lookup, Store, StoreError};
use signpost_core::terms::{Purpose, Role};
use signpost_core::testing::put_records;
use signpost_core::turn::Generations;
use tokio::sync::Barrier;

use crate::fixture::*;

/// Expects that what is decided on this record being otherwise is refused, and that nothing but the
/// record is other than before.
async fn assert_overtaken<T: std::fmt::Debug>(
    scene: &Scene,
    meanwhile: Record,
    call: impl Future<Output = Result<T, Refusal>>,
    expected: Reason,
) {
    let others = |all: Vec<Stored>| -> Vec<Stored> {
        all.into_iter().filter(|stored| stored.record.key() != meanwhile.key()).collect()
    };
    let before = others(scene.everything().await);
    let entries = scene.entries().await.len();
    scene.between.before_commit.lock().unwrap().push(meanwhile.clone());
    match call.await {
        Err(Refusal::Refused { reason, receipt }) => {
            assert_eq!(reason, expected);
            assert_eq!(receipt, Receipt(entries as u64 + 1), "behind the other's");
        }
        other => panic!("expected {expected:?}, found {other:?}"),
    }
    assert_eq!(scene.record(meanwhile.key()).await, Some(meanwhile.clone()));
    assert_eq!(others(scene.everything().await), before);
}

#[tokio::test]
async fn an_administrator_suspended_before_the_commit_changes_nothing() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let person = scene.invite(group, 31).await;
    let suspended =
        Person { standing: PersonStanding::Suspended, ..scene.person(ADA.person).await };
    let meanwhile = || Record::Person(suspended.clone());
    let active = scene.person(ADA.person).await;
    let invite = scene.try_invite(group, vec![scene.invitation(32)]);
    assert_overtaken(&scene, meanwhile(), invite, Reason::Suspended).await;
    scene.put(Record::Person(active.clone())).await;
    let remove = ask_for!(scene, ADA, RemovePerson { person });
    assert_overtaken(&scene, meanwhile(), remove, Reason::Suspended).await;
    scene.put(Record::Person(active.clone())).await;
    let change = ProposedChange::OpenGroup(new_group(NORTHFIELD, Role::Dsl));
    let propose = ask_for!(scene, ADA, Propose { change });
    assert_overtaken(&scene, meanwhile(), propose, Reason::Suspended).await;
    scene.put(Record::Person(active)).await;
    let token = TokenRecord { standing: Standing::Suspended, ..scene.held(ADA).await };
    let remove = ask_for!(scene, ADA, RemovePerson { person });
    assert_overtaken(&scene, Record::Token(token), remove, Reason::Suspended).await;
}

#[tokio::test]
async fn whoever_is_suspended_before_the_commit_neither_enrols_nor_renews_nor_asks() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let invited = scene.person(scene.invite(group, 31).await).await;
    let suspended = Person { standing: PersonStanding::Suspended, ..invited };
    let redeem = scene.redeem(NORTHFIELD, 31, 31);
    assert_overtaken(&scene, Record::Person(suspended), redeem, Reason::Suspended).await;

    let holder = scene.enrol(group, 32).await;
    let active = scene.person(holder.person).await;
    let suspended = Person { standing: PersonStanding::Suspended, ..active.clone() };
    let renew = ask_for!(scene, holder, RenewToken { token: token(33).hash() });
    let meanwhile = Record::Person(suspended.clone());
    assert_overtaken(&scene, meanwhile, renew, Reason::Suspended).await;
    scene.put(Record::Person(active.clone())).await;
    let ask = scene.ask(holder, Purpose::S47Enquiry);
    assert_overtaken(&scene, Record::Person(suspended), ask, Reason::Suspended).await;
    let lapsed = Person { recertified_on: jiff::civil::date(2026, 1, 1), ..active.clone() };
    scene.put(Record::Person(active)).await;
    let ask = scene.ask(holder, Purpose::S47Enquiry);
    let expected = Reason::Lapsed(Lapse::Recertification);
    assert_overtaken(&scene, Record::Person(lapsed), ask, expected).await;
}

#[tokio::test]
async fn what_a_change_rests_on_must_still_be_so_at_its_commit() {
    let scene = Scene::new().await;
    let id = scene.social_workers().await;
    let group = scene.group(id).await;
    let full = Record::Group(Group { members_max: 0, ..group.clone() });
    let invite = scene.try_invite(id, vec![scene.invitation(31)]);
    assert_overtaken(&scene, full, invite, Reason::GroupFull).await;
    scene.put(Record::Group(group.clone())).await;

    let members = scene.members(id).await;
    let people = vec![ABE.person; 3];
    let taken = Record::Members(Members { people, ..members.clone() });
    let invite = scene.try_invite(id, vec![scene.invitation(31)]);
    assert_overtaken(&scene, taken, invite, Reason::GroupFull).await;
    scene.put(Record::Members(members)).await;

    let person = scene.invite(id, 31).await;
    let sponsored = Record::Group(Group { sponsor: Some(ABE.person), ..group });
    let recertify = ask_for!(scene, SOL, Recertify { person });
    assert_overtaken(&scene, sponsored, recertify, Reason::NotSponsor).await;

    let enrolment = scene.enrolment(code(31).hash()).await;
    let state = EnrolmentState::Redeemed(token(32).hash());
    let redeemed = Record::Enrolment(Enrolment { state, ..enrolment });
    let redeem = scene.redeem(NORTHFIELD, 31, 31);
    assert_overtaken(&scene, redeemed, redeem, Reason::CodeUsed).await;

    let change = ProposedChange::OpenGroup(new_group(NORTHFIELD, Role::Dsl));
    let proposal = scene.propose(ADA, change).await;
    let found = scene.proposal(proposal).await;
    let withdrawn = Record::Proposal(Proposal { state: ProposalState::Withdrawn, ..found.clone() });
    let approve = ask_for!(scene, ABE, Approve { proposal });
    let waits = Reason::WrongState("the proposal no longer waits");
    assert_overtaken(&scene, withdrawn, approve, waits).await;
    scene.put(Record::Proposal(found)).await;

    let first = scene.person(ADA.person).await;
    let suspended = Record::Person(Person { standing: PersonStanding::Suspended, ..first });
    let approve = ask_for!(scene, ABE, Approve { proposal });
    let gone = Reason::WrongState("whoever proposed it is no administrator any more");
    assert_overtaken(&scene, suspended, approve, gone).await;
}

/// Runs these at once: each has decided before the first of them commits.
async fn at_once<T, F>(
    scene: &Scene,
    calls: impl ExactSizeIterator<Item = F>,
) -> Vec<Result<T, Refusal>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Refusal>> + Send + 'static,
{
    scene.between.let_meet(calls.len());
    let mut all = tokio::task::JoinSet::new();
    for call in calls {
        all.spawn(call);
    }
    all.join_all().await
}

fn done<T>(results: &[Result<T, Refusal>]) -> usize {
    results.iter().filter(|result| result.is_ok()).count()
}

fn assert_others<T: std::fmt::Debug>(results: &[Result<T, Refusal>], expected: &Reason) {
    for result in results.iter().filter(|result| result.is_err()) {
        let refused = matches!(result, Err(Refusal::Refused { reason, .. }) if reason == expected);
        assert!(refused, "expected {expected:?}, found {result:?}");
    }
}

#[tokio::test]
async fn the_last_place_of_a_group_is_taken_once() {
    let scene = Arc::new(Scene::new().await);
    let group = scene.social_workers().await;
    scene.invite(group, 31).await;
    scene.invite(group, 32).await;
    let other = scene.social_workers().await;
    let person = scene.invite(other, 33).await;
    let calls = [ADA, ABE, AVA, of_role(Role::AdminOnboarding)].into_iter().enumerate();
    let calls = calls.map(|(index, who)| {
        let scene = scene.clone();
        async move {
            if index == 3 {
                return ask_for!(scene, who, MovePerson { person, group }).await;
            }
            let people = vec![scene.invitation(40 + u8::try_from(index).unwrap())];
            let invite = signpost_core::directory::onboarding::InvitePeople {
                request: scene.request(),
                group,
                people,
                dry_run: false,
            };
            scene.onboard(who, invite).await
        }
    });
    let results = at_once(&scene, calls).await;
    assert_eq!(done(&results), 1);
    assert_others(&results, &Reason::GroupFull);
    assert_eq!(scene.members(group).await.people.len(), 3);
}

#[tokio::test]
async fn a_code_redeemed_by_many_at_once_is_redeemed_once() {
    let scene = Arc::new(Scene::new().await);
    let group = scene.social_workers().await;
    scene.invite(group, 31).await;
    let calls = (31..36).map(|number| {
        let scene = scene.clone();
        async move { scene.redeem(NORTHFIELD, 31, number).await }
    });
    let results = at_once(&scene, calls).await;
    assert_eq!(done(&results), 1);
    assert_others(&results, &Reason::CodeUsed);
    assert_eq!(scene.custodies(org(NORTHFIELD)).await.issued, 21);
}

#[tokio::test]
async fn one_staff_reference_is_claimed_once() {
    let scene = Arc::new(Scene::new().await);
    let group = scene.social_workers().await;
    let calls = [ADA, ABE, AVA].into_iter().map(|who| {
        let scene = scene.clone();
        async move {
            let mut invitation = scene.invitation(31);
            invitation.code = code(40 + who.token).hash();
            let invite = signpost_core::directory::onboarding::InvitePeople {
                request: scene.request(),
                group,
                people: vec![invitation],
                dry_run: false,
            };
            scene.onboard(who, invite).await
        }
    });
    let results = at_once(&scene, calls).await;
    assert_eq!(done(&results), 1);
    assert_others(&results, &Reason::AlreadyRegistered("staff reference"));
}

#[tokio::test]
async fn a_proposal_is_approved_by_one_of_two() {
    let scene = Arc::new(Scene::new().await);
    let change = ProposedChange::OpenGroup(new_group(NORTHFIELD, Role::Dsl));
    let proposal = scene.propose(ADA, change).await;
    let calls = [ABE, AVA].into_iter().map(|who| {
        let scene = scene.clone();
        async move { ask_for!(scene, who, Approve { proposal }).await }
    });
    let results = at_once(&scene, calls).await;
    assert_eq!(done(&results), 1);
    assert_others(&results, &Reason::WrongState("the proposal no longer waits"));
}

#[tokio::test]
async fn two_first_uses_of_a_day_at_once_are_both_answered_and_written_once() {
    let scene = Arc::new(Scene::new().await);
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    scene.clock.step_days(1);
    scene.between.take_writes();
    let calls = (0..3).map(|_| {
        let scene = scene.clone();
        async move { scene.ask(holder, Purpose::S47Enquiry).await }
    });
    assert_eq!(done(&at_once(&scene, calls).await), 3);
    let writes = scene.between.take_writes().concat();
    assert_eq!(writes.len(), 1);
}

#[tokio::test]
async fn the_same_again_gives_the_first_result_and_no_new_entry() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let people = vec![scene.invitation(31), scene.invitation(32)];
    let invite = signpost_core::directory::onboarding::InvitePeople {
        request: scene.request(),
        group,
        people,
        dry_run: false,
    };
    let first = scene.onboard(ADA, invite.clone()).await.unwrap();
    assert_eq!(first.result, Registered::People(2));
    let person = scene.claimed_by(NORTHFIELD, 31).await.unwrap();
    let issue = IssueCode { request: scene.request(), person, code: code(33).hash() };
    let issued = scene.onboard(ADA, issue.clone()).await.unwrap();
    let change = ProposedChange::OpenGroup(new_group(NORTHFIELD, Role::Dsl));
    let propose = Propose { request: scene.request(), change };
    let proposed = scene.onboard(ADA, propose.clone()).await.unwrap();
    let Registered::Proposal(proposal) = proposed.result else { panic!("{proposed:?}") };
    let approve = Approve { request: scene.request(), proposal };
    let approved = scene.onboard(ABE, approve.clone()).await.unwrap();
    let remove = RemovePerson { request: scene.request(), person };
    let removed = scene.onboard(ADA, remove.clone()).await.unwrap();

    let before = (scene.everything().await, scene.entries().await.len());
    assert_eq!(scene.onboard(ADA, invite.clone()).await, Ok(first));
    assert_eq!(scene.onboard(ADA, issue).await, Ok(issued));
    assert_eq!(scene.onboard(ADA, propose).await, Ok(proposed));
    assert_eq!(scene.onboard(ABE, approve).await, Ok(approved));
    assert_eq!(scene.onboard(ADA, remove.clone()).await, Ok(removed));
    assert_eq!((scene.everything().await, scene.entries().await.len()), before);

    let mut other = invite.clone();
    other.people.pop();
    scene.assert_refused(scene.onboard(ADA, other), Reason::RequestIdReused).await;
    let request = remove.request;
    let other = SuspendPerson { request, person: AVA.person };
    scene.assert_refused(scene.onboard(ADA, other), Reason::RequestIdReused).await;
    let anothers = scene.onboard(ABE, invite).await.unwrap_err();
    assert!(matches!(anothers, Refusal::Refused { .. }), "an id is its own person's: {anothers:?}");
}

#[tokio::test]
async fn a_refused_change_leaves_its_id_unused() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let person = scene.invite(group, 31).await;
    let tomorrow = scene.today().tomorrow().unwrap();
    let mut record =
        RecordConditions { request: scene.request(), person, conditions: conditions(tomorrow) };
    scene.assert_invalid(scene.onboard(ADA, record.clone()), "conditions.vetting_on").await;
    record.conditions = conditions(scene.today());
    scene.onboard(ADA, record).await.unwrap();
}

/// Looks at every commit, and puts records of somebody else's before the next one.
#[derive(Debug)]
pub(crate) struct Between {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) before_commit: Mutex<Vec<Record>>,
    /// How many commits are still to wait for one another, and where.
    meeting: Mutex<Option<(usize, Arc<Barrier>)>>,
    writes: Mutex<Vec<Vec<Write>>>,
}

impl Between {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            before_commit: Mutex::default(),
            meeting: Mutex::default(),
            writes: Mutex::default(),
        }
    }

    /// Lets the next commits, so many of them, begin when all have come.
    pub(crate) fn let_meet(&self, commits: usize) {
        let barrier = Arc::new(Barrier::new(commits));
        *self.meeting.lock().unwrap() = Some((commits, barrier));
    }

    fn meeting(&self) -> Option<Arc<Barrier>> {
        let mut meeting = self.meeting.lock().unwrap();
        let (left, barrier) = meeting.as_mut().filter(|(left, _)| *left > 0)?;
        *left -= 1;
        Some(barrier.clone())
    }

    /// What each commit wrote since this was last asked.
    pub(crate) fn take_writes(&self) -> Vec<Vec<Write>> {
        std::mem::take(&mut *self.writes.lock().unwrap())
    }
}

#[async_trait]
impl Store for Between {
    fn read<'s>(&'s self, key: &'s RecordKey) -> Lookup<'s, Option<Stored>> {
        self.inner.read(key)
    }

    fn scan<'s>(
        &'s self,
        scope: &'s Scope,
        after: Option<&'s RecordKey>,
        limit: NonZeroUsize,
    ) -> Lookup<'s, Vec<Stored>> {
        self.inner.scan(scope, after, limit)
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        if let Some(meeting) = self.meeting() {
            meeting.wait().await;
        }
        let records = std::mem::take(&mut *self.before_commit.lock().unwrap());
        if !records.is_empty() {
            put_records(&*self.inner, records).await?;
        }
        let writes = commit.writes().to_vec();
        let receipt = self.inner.commit(commit).await?;
        self.writes.lock().unwrap().push(writes);
        Ok(receipt)
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
