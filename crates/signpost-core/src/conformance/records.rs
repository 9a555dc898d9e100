//! Records: what was put is read, replaced, removed.

use super::samples::{commit, every_kind, flag, head_key, put_head, replay};
use super::{Fixture, limit};
use crate::commit::Write;
use crate::id::Receipt;
use crate::record::{RecordKey, Stored};

/// What was put is read, at the receipt's version.
pub async fn what_was_put_is_read(fixture: &Fixture) {
    let record = flag(1, 1);
    let receipt = fixture.commit(commit(vec![Write::Put(record.clone())])).await;
    let stored = fixture.read(&record.key()).await;
    assert_eq!(stored, Some(Stored { version: receipt, record }));
}

/// A record that was never put is none, also beside others of its child.
pub async fn what_was_never_put_is_not_there(fixture: &Fixture) {
    for record in every_kind() {
        assert_eq!(fixture.read(&record.key()).await, None);
    }
    fixture.commit(commit(vec![Write::Put(flag(1, 1))])).await;
    assert_eq!(fixture.read(&head_key(1)).await, None);
    assert_eq!(fixture.read(&flag(1, 2).key()).await, None);
    assert_eq!(fixture.read(&flag(2, 1).key()).await, None);
}

/// Every kind of record comes back as it was put.
pub async fn every_kind_of_record_survives(fixture: &Fixture) {
    let records = every_kind();
    for record in &records {
        fixture.commit(commit(vec![Write::Put(record.clone())])).await;
    }
    for (index, record) in (0..).zip(records) {
        let stored = fixture.read(&record.key()).await;
        assert_eq!(stored, Some(Stored { version: Receipt(index), record }));
    }
}

/// One commit may write many records; all have its version.
pub async fn all_records_of_a_commit_have_its_receipt_as_version(fixture: &Fixture) {
    fixture.commit(commit(Vec::new())).await;
    let records = every_kind();
    let writes = records.iter().cloned().map(Write::Put).collect();
    let receipt = fixture.commit(commit(writes)).await;
    assert_eq!(receipt, Receipt(1));
    for record in records {
        let stored = fixture.read(&record.key()).await;
        assert_eq!(stored, Some(Stored { version: receipt, record }));
    }
}

/// A put takes the place of the record of its key, and of no other.
pub async fn a_put_replaces(fixture: &Fixture) {
    let first = fixture.commit(commit(vec![put_head(1), put_head(2)])).await;
    let second = fixture.commit(commit(vec![put_head(1)])).await;
    let version = async |number| fixture.read(&head_key(number)).await.map(|s| s.version);
    assert_eq!(version(1).await, Some(second));
    assert_eq!(version(2).await, Some(first));
}

/// A removed record is gone from reads and scans.
pub async fn a_removed_record_is_gone(fixture: &Fixture) {
    let record = flag(1, 1);
    fixture.commit(commit(vec![Write::Put(record.clone()), put_head(1)])).await;
    fixture.commit(commit(vec![Write::Remove(record.key())])).await;
    assert_eq!(fixture.read(&record.key()).await, None);
    let scanned = fixture.store.scan(&record.key().scope(), None, limit(9)).await;
    let keys: Vec<RecordKey> =
        scanned.expect("the child is scanned").iter().map(|stored| stored.record.key()).collect();
    assert_eq!(keys, [head_key(1)]);
}

/// A removal of nothing is a commit like every other.
pub async fn removing_what_is_not_there_changes_nothing(fixture: &Fixture) {
    let receipt = fixture.commit(commit(vec![Write::Remove(head_key(1))])).await;
    assert_eq!(receipt, Receipt(0));
    assert_eq!(fixture.read(&head_key(1)).await, None);
}

/// A record may come back after its removal, at a new version.
pub async fn a_removed_record_can_be_put_again(fixture: &Fixture) {
    fixture.commit(commit(vec![put_head(1)])).await;
    fixture.commit(commit(vec![Write::Remove(head_key(1))])).await;
    let receipt = fixture.commit(commit(vec![put_head(1)])).await;
    assert_eq!(fixture.read(&head_key(1)).await.map(|stored| stored.version), Some(receipt));
}

/// The later of two writes of one key in one commit counts.
pub async fn the_writes_of_a_commit_apply_in_order(fixture: &Fixture) {
    let writes =
        vec![put_head(1), Write::Remove(head_key(1)), Write::Remove(head_key(2)), put_head(2)];
    let receipt = fixture.commit(commit(writes)).await;
    assert_eq!(fixture.read(&head_key(1)).await, None);
    assert_eq!(fixture.read(&head_key(2)).await.map(|stored| stored.version), Some(receipt));
}

/// As soon as a commit is acknowledged, every reader finds it, whatever else is going on.
pub async fn whoever_holds_a_receipt_finds_its_effects(fixture: &Fixture) {
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..32 {
        let fixture = fixture.clone();
        writers.spawn(async move {
            let record = replay(number);
            let receipt = fixture.commit(commit(vec![Write::Put(record.clone())])).await;
            let stored = fixture.read(&record.key()).await;
            assert_eq!(stored, Some(Stored { version: receipt, record }));
            let from = fixture.store.entries(receipt, limit(1)).await;
            assert_eq!(from.expect("the entry is read").len(), 1);
        });
    }
    writers.join_all().await;
}
