use super::*;
use crate::commit::{Effect, Precondition, Write};
use crate::id::PolicyDigest;
use crate::memory::MemoryStore;
use crate::permit::Permit;
use crate::record::{Kind, Record};
use crate::register::ServiceState;
use crate::terms::{Action, Outcome};
use crate::testing::ManualClock;

const ONE: NonZeroUsize = NonZeroUsize::MIN;

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(Arc::new(ManualClock::default())))
}

fn put_service() -> Commit {
    let state = ServiceState {
        policy: PolicyDigest::new([1; 32]),
        policy_since: None,
        evaluation_keys: Vec::new(),
        frozen: Vec::new(),
        last_certificate: None,
        closing: None,
    };
    let absent =
        vec![Precondition::Absent(RecordKey::Token(crate::token::Token::new([1; 32]).hash()))];
    let permit = Permit::of_service(Action::FirstLight, None, state.policy, absent);
    let writes = vec![Write::Put(Record::Service(state))];
    Commit::permitted(permit, Effect { writes, ..Effect::new(Outcome::Done) })
}

async fn is_there(store: &dyn Store) -> bool {
    store.read(&RecordKey::Service).await.unwrap().is_some()
}

#[tokio::test]
async fn it_works_until_it_is_told_otherwise() {
    let inner = memory();
    let faulty = FaultyStore::new(inner.clone());
    crate::conformance::records::every_kind_of_record_survives(&crate::conformance::Fixture {
        store: Arc::new(faulty),
        clock: Arc::default(),
    })
    .await;
}

#[tokio::test]
async fn a_refused_commit_is_not_done() {
    let inner = memory();
    let faulty = FaultyStore::new(inner.clone());
    faulty.fail(Call::Commit, 0, Fault::Refuses);
    assert_eq!(faulty.commit(put_service()).await, Err(StoreError::Unavailable.into()));
    assert!(!is_there(&*inner).await);
    assert_eq!(faulty.commit(put_service()).await, Ok(Receipt(0)), "only one call was to fail");
}

#[tokio::test]
async fn a_commit_may_be_done_and_fail_nevertheless() {
    let inner = memory();
    let faulty = FaultyStore::new(inner.clone());
    faulty.fail(Call::Commit, 1, Fault::DoesItAndFails);
    faulty.commit(put_service()).await.unwrap();
    assert_eq!(faulty.commit(put_service()).await, Err(StoreError::Indeterminate.into()));
    assert_eq!(inner.entries(Receipt(0), NonZeroUsize::MAX).await.unwrap().len(), 2);
    assert!(is_there(&faulty).await);
}

#[tokio::test]
async fn the_dead_do_nothing_more() {
    let inner = memory();
    let faulty = FaultyStore::new(inner.clone());
    faulty.commit(put_service()).await.unwrap();
    faulty.fail(Call::Read, 0, Fault::Dies);
    let died = StoreError::Indeterminate;
    assert_eq!(faulty.read(&RecordKey::Service).await, Err(died));
    assert_eq!(faulty.read(&RecordKey::Service).await, Err(died));
    assert_eq!(faulty.scan(&Scope::Kind(Kind::Service), None, ONE).await, Err(died));
    assert_eq!(faulty.commit(put_service()).await, Err(died.into()));
    assert_eq!(faulty.entries(Receipt(0), ONE).await, Err(died));
    assert_eq!(faulty.openings(Receipt(0), ONE).await, Err(died));
    assert!(is_there(&*inner).await);
    assert_eq!(inner.entries(Receipt(0), NonZeroUsize::MAX).await.unwrap().len(), 1);
}

#[tokio::test]
async fn every_call_can_be_told_to_fail() {
    let faulty = FaultyStore::new(memory());
    for call in [Call::Read, Call::Scan, Call::Commit, Call::Entries, Call::Openings] {
        faulty.fail(call, 0, Fault::Refuses);
    }
    let refused = StoreError::Unavailable;
    assert_eq!(faulty.read(&RecordKey::Service).await, Err(refused));
    assert_eq!(faulty.scan(&Scope::Kind(Kind::Service), None, ONE).await, Err(refused));
    assert_eq!(faulty.commit(put_service()).await, Err(refused.into()));
    assert_eq!(faulty.entries(Receipt(0), ONE).await, Err(refused));
    assert_eq!(faulty.openings(Receipt(0), ONE).await, Err(refused));
    assert_eq!(faulty.calls(Call::Commit), 1);
}

#[tokio::test]
async fn one_seed_gives_one_sequence_of_faults() {
    let rates =
        FaultRates { refuses_per_mille: 200, does_it_and_fails_per_mille: 200, dies_per_mille: 1 };
    let run = async |seed| {
        let faulty = FaultyStore::by_chance(memory(), seed, rates);
        let mut outcomes = Vec::new();
        for _ in 0..200 {
            outcomes.push(faulty.commit(put_service()).await.map(|_| ()));
        }
        outcomes
    };
    let first = run(1).await;
    assert_eq!(first, run(1).await);
    assert_ne!(first, run(2).await);
    assert!(first.contains(&Ok(())));
    assert!(first.contains(&Err(StoreError::Unavailable.into())));
    assert!(first.contains(&Err(StoreError::Indeterminate.into())));
}

#[tokio::test]
async fn counts_are_of_what_was_asked_since() {
    let counting = CountingStore::new(memory());
    counting.commit(put_service()).await.unwrap();
    counting.read(&RecordKey::Service).await.unwrap();
    counting.scan(&Scope::Kind(Kind::Service), None, ONE).await.unwrap();
    let once = Counts { reads: 1, scans: 1, commits: 1, preconditions: 1, writes: 1, openings: 0 };
    assert_eq!(counting.take(), once);
    assert_eq!(counting.take(), Counts::default());
}
