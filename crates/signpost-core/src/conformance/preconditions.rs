//! Preconditions: what a commit rests on is checked when its turn comes.

use jiff::SignedDuration;

use super::samples::{
    commit, commit_before, commit_if, every_kind, flag, head_key, put_head, subject,
};
use super::{Fixture, NO_LIMIT};
use crate::commit::{Commit, Effect, Precondition, Write};
use crate::entry::{Nonce, Opening};
use crate::id::{PolicyDigest, Receipt};
use crate::permit::Permit;
use crate::record::Stored;
use crate::store::{Clock, CommitError};
use crate::terms::{Action, Outcome};

const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// More commits than one batch may wait for, on two worker threads.
const RIVALS: u16 = 64;

/// Absence holds where there is nothing.
pub async fn absent_holds_only_where_there_is_nothing(fixture: &Fixture) {
    let absent = || vec![Precondition::Absent(head_key(1))];
    fixture.commit(commit_if(absent(), vec![put_head(2)])).await;
    fixture.commit(commit_if(absent(), vec![put_head(1)])).await;
    fixture.fail(absent(), vec![put_head(2)]).await;
}

/// A version holds where the record is at that version, not before, not after, not elsewhere.
pub async fn at_holds_only_at_the_very_version(fixture: &Fixture) {
    let at = |number, version| vec![Precondition::At(head_key(number), Receipt(version))];
    fixture.fail(at(1, 0), Vec::new()).await;
    fixture.commit(commit(vec![put_head(1)])).await;
    fixture.commit(commit_if(at(1, 0), vec![put_head(1)])).await;
    fixture.fail(at(1, 0), vec![put_head(1)]).await;
    fixture.fail(at(1, 2), vec![put_head(1)]).await;
    fixture.fail(at(2, 1), vec![put_head(1)]).await;
    fixture.commit(commit_if(at(1, 1), Vec::new())).await;
}

/// One that fails among several is enough, wherever it stands.
pub async fn all_preconditions_must_hold(fixture: &Fixture) {
    fixture.commit(commit(vec![put_head(1)])).await;
    let holds = || Precondition::At(head_key(1), Receipt(0));
    let fails = || Precondition::Absent(head_key(1));
    fixture.fail(vec![holds(), fails()], vec![put_head(2)]).await;
    fixture.fail(vec![fails(), holds()], vec![put_head(2)]).await;
    let absent = Precondition::Absent(head_key(2));
    fixture.commit(commit_if(vec![holds(), absent, holds()], vec![put_head(2)])).await;
}

/// What a commit itself writes does not count for it.
pub async fn they_are_checked_before_the_commits_own_writes(fixture: &Fixture) {
    let absent = vec![Precondition::Absent(head_key(1))];
    fixture.commit(commit_if(absent, vec![put_head(1)])).await;
    let there = vec![Precondition::At(head_key(1), Receipt(0))];
    fixture.commit(commit_if(there, vec![Write::Remove(head_key(1))])).await;
    let own = vec![Precondition::At(head_key(1), Receipt(2))];
    fixture.fail(own, vec![put_head(1)]).await;
}

/// Removed is absent; what is put later under the same key is at a version never seen before.
pub async fn a_removed_record_is_absent_and_its_version_never_returns(fixture: &Fixture) {
    let old = || vec![Precondition::At(head_key(1), Receipt(0))];
    fixture.commit(commit(vec![put_head(1)])).await;
    fixture.commit(commit(vec![Write::Remove(head_key(1))])).await;
    fixture.fail(old(), Vec::new()).await;
    let absent = vec![Precondition::Absent(head_key(1))];
    fixture.commit(commit_if(absent, vec![put_head(1)])).await;
    fixture.fail(old(), Vec::new()).await;
}

/// A commit that fails leaves no record, no entry, no opening and no gap.
pub async fn a_failed_commit_has_no_effect(fixture: &Fixture) {
    fixture.commit(commit(vec![put_head(1), Write::Put(flag(1, 1))])).await;
    let before = fixture.read(&flag(1, 1).key()).await;
    let fails = vec![Precondition::Absent(head_key(1))];
    let permit = Permit::of_service(Action::CutTail, None, PolicyDigest::new([0; 32]), fails);
    let effect = Effect {
        opening: Some(Opening::new(Nonce::new([1; 32]), subject(&[1]))),
        writes: vec![put_head(2), put_head(1), Write::Remove(flag(1, 1).key())],
        ..Effect::new(Outcome::Done)
    };
    let failed = fixture.store.commit(Commit::permitted(permit, effect)).await;
    assert_eq!(failed, Err(CommitError::PreconditionFailed));

    assert_eq!(fixture.read(&head_key(2)).await, None);
    assert_eq!(fixture.read(&head_key(1)).await.map(|stored| stored.version), Some(Receipt(0)));
    assert_eq!(fixture.read(&flag(1, 1).key()).await, before);
    assert_eq!(fixture.entries().await.len(), 1);
    let openings = fixture.store.openings(Receipt(0), NO_LIMIT).await;
    assert_eq!(openings.expect("the openings are read"), []);
    assert_eq!(fixture.commit(commit(Vec::new())).await, Receipt(1));
}

/// Commits that wait together with one that fails are not touched by it.
pub async fn a_failed_commit_fails_alone(fixture: &Fixture) {
    fixture.commit(commit(vec![put_head(0)])).await;
    let mut waiting = tokio::task::JoinSet::new();
    for number in 1..=RIVALS {
        let store = fixture.store.clone();
        let rests_on = if number % 2 == 0 { head_key(number) } else { head_key(0) };
        let commit = commit_if(vec![Precondition::Absent(rests_on)], vec![put_head(number)]);
        waiting.spawn(async move { (number, store.commit(commit).await) });
    }
    for (number, outcome) in waiting.join_all().await {
        let version = fixture.read(&head_key(number)).await.map(|stored| stored.version);
        if number % 2 == 0 {
            assert_eq!(version, Some(outcome.expect("its precondition holds")));
        } else {
            assert_eq!((outcome, version), (Err(CommitError::PreconditionFailed), None));
        }
    }
    assert_eq!(fixture.entries().await.len(), 1 + usize::from(RIVALS) / 2);
}

/// Two writes that rest on one version of a record never both happen.
pub async fn of_many_commits_on_one_version_one_wins(fixture: &Fixture) {
    fixture.commit(commit(vec![put_head(1)])).await;
    expect_one_winner(fixture, &Precondition::At(head_key(1), Receipt(0))).await;
}

/// Two writes that rest on one absence never both happen.
pub async fn of_many_commits_on_one_absence_one_wins(fixture: &Fixture) {
    expect_one_winner(fixture, &Precondition::Absent(head_key(1))).await;
}

/// So it is with every kind of record, wherever a store keeps it: put, put again or removed.
pub async fn of_many_commits_on_a_record_of_any_kind_one_wins(fixture: &Fixture) {
    for record in every_kind() {
        let key = record.key();
        let put = |_| vec![Write::Put(record.clone())];
        let first = rivals(fixture, &Precondition::Absent(key.clone()), put).await;
        let second = rivals(fixture, &Precondition::At(key.clone(), first), put).await;
        assert_eq!(fixture.read(&key).await, Some(Stored { version: second, record }));
        let remove = |_| vec![Write::Remove(key.clone())];
        rivals(fixture, &Precondition::At(key.clone(), second), remove).await;
        assert_eq!(fixture.read(&key).await, None);
    }
}

async fn expect_one_winner(fixture: &Fixture, rests_on: &Precondition) {
    let writes = |number| vec![put_head(1), Write::Put(flag(1, number))];
    let won = rivals(fixture, rests_on, writes).await;
    let records = fixture.store.scan(&head_key(1).scope(), None, NO_LIMIT).await;
    let records = records.expect("the child is scanned");
    assert_eq!(records.len(), 2, "the head and the winner's flag");
    assert!(records.iter().all(|stored| stored.version == won));
}

/// Commits that wait together and rest on the same: one of them wins, and what it wrote makes all
/// others fail.
async fn rivals(
    fixture: &Fixture,
    rests_on: &Precondition,
    writes: impl Fn(u16) -> Vec<Write>,
) -> Receipt {
    let before = fixture.entries().await.len();
    let mut rivals = tokio::task::JoinSet::new();
    for number in 0..RIVALS {
        let store = fixture.store.clone();
        let commit = commit_if(vec![rests_on.clone()], writes(number));
        rivals.spawn(async move { store.commit(commit).await });
    }
    let outcomes = rivals.join_all().await;
    let won: Vec<Receipt> = outcomes.iter().filter_map(|outcome| outcome.ok()).collect();
    let lost = Err(CommitError::PreconditionFailed);
    assert_eq!(won.len(), 1, "exactly one of {RIVALS} wins");
    assert!(outcomes.iter().all(|outcome| outcome.is_ok() || *outcome == lost));
    assert_eq!(fixture.entries().await.len(), before + 1);
    won[0]
}

/// A commit that must come before a time fails where its entry would have that time, or a later one.
pub async fn what_must_come_before_a_time_is_never_late(fixture: &Fixture) {
    let end = fixture.clock.now() + SECOND;
    fixture.commit(commit_before(end, vec![put_head(1)])).await;
    fixture.clock.advance(SECOND);
    let late = fixture.store.commit(commit_before(end, vec![put_head(2)])).await;
    assert_eq!(late, Err(CommitError::PreconditionFailed));
    assert_eq!(fixture.read(&head_key(2)).await, None);
    // An entry that was stamped later than the clock is now: the next has that time too.
    fixture.clock.advance(SECOND);
    fixture.commit(commit(Vec::new())).await;
    fixture.clock.advance(-SECOND);
    let late = fixture.store.commit(commit_before(end + SECOND, vec![put_head(2)])).await;
    assert_eq!(late, Err(CommitError::PreconditionFailed));
    assert_eq!(fixture.entries().await.len(), 2, "nothing of them is on record");
}
