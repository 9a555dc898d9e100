//! The contract on [`Store`] and [`Generations`] as one small function per case, and a macro that runs them on a store.

pub mod erasing;
pub mod ledger;
pub mod preconditions;
pub mod records;
mod samples;
pub mod scans;
pub mod turns;

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::commit::{Commit, Precondition, Write};
use crate::entry::Entry;
use crate::id::Receipt;
use crate::record::{RecordKey, Stored};
use crate::store::{CommitError, Store};
use crate::testing::ManualClock;
use crate::turn::Generations;

/// A fresh, empty store and the clock by which it stamps entries.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
}

/// Declares a module with one test per case of the contract.
///
/// The second argument is an async function (or closure) that takes an `Arc<dyn Clock>` and gives
/// an empty store as `Arc<dyn Store>`, and with it whatever must outlive the test, such as a
/// temporary directory:
///
/// ```text
/// async fn open(clock: Arc<dyn Clock>) -> (Arc<dyn Store>, TempDir) { ... }
/// signpost_core::conformance_suite!(conformance, open);
/// ```
#[macro_export]
macro_rules! conformance_suite {
    (@tests ($open:expr) $($group:ident { $($case:ident,)+ })+) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let clock = std::sync::Arc::new($crate::testing::ManualClock::default());
                let (store, _kept) = ($open)(clock.clone()).await;
                let fixture = $crate::conformance::Fixture { store, clock };
                $crate::conformance::$group::$case(&fixture).await;
            }
        )+)+
    };
    ($module:ident, $open:expr) => {
        mod $module {
            use super::*;

            $crate::conformance_suite! {
                @tests ($open)
                records {
                    what_was_put_is_read,
                    what_was_never_put_is_not_there,
                    every_kind_of_record_survives,
                    all_records_of_a_commit_have_its_receipt_as_version,
                    a_put_replaces,
                    a_removed_record_is_gone,
                    removing_what_is_not_there_changes_nothing,
                    a_removed_record_can_be_put_again,
                    the_writes_of_a_commit_apply_in_order,
                    whoever_holds_a_receipt_finds_its_effects,
                }
                preconditions {
                    absent_holds_only_where_there_is_nothing,
                    at_holds_only_at_the_very_version,
                    all_preconditions_must_hold,
                    they_are_checked_before_the_commits_own_writes,
                    a_removed_record_is_absent_and_its_version_never_returns,
                    a_failed_commit_has_no_effect,
                    a_failed_commit_fails_alone,
                    of_many_commits_on_one_version_one_wins,
                    of_many_commits_on_one_absence_one_wins,
                    of_many_commits_on_a_record_of_any_kind_one_wins,
                    what_must_come_before_a_time_is_never_late,
                }
                scans {
                    an_empty_scope_has_no_records,
                    a_child_is_its_own_head_and_flags,
                    a_kind_is_all_its_records,
                    everything_is_every_record_once,
                    pages_visit_each_record_once,
                    a_scan_goes_on_behind_a_removed_record,
                    the_largest_limit_is_no_error,
                    a_child_may_have_hundreds_of_records,
                    a_scan_is_of_one_moment,
                }
                ledger {
                    receipts_count_from_zero,
                    entries_are_those_of_their_commits,
                    entries_come_in_order_from_any_index,
                    openings_come_in_order_from_any_index,
                    an_opening_fits_its_entry,
                    an_entry_has_the_time_of_the_clock,
                    the_time_of_entries_never_goes_back,
                    waiting_commits_each_get_a_receipt_of_their_own,
                    the_position_changes_with_every_commit_and_by_nothing_else,
                }
                turns {
                    every_kind_of_record_survives_a_turn,
                    what_is_left_behind_is_gone,
                    what_changes_during_a_turn_is_carried_over,
                    the_ledger_goes_on_through_a_turn,
                    a_compaction_leaves_only_what_has_had_its_time,
                    a_turn_has_one_order,
                    no_turn_begins_before_the_last_one_is_over,
                    what_is_left_behind_is_told_by_kind_and_by_version,
                }
                erasing {
                    an_erased_opening_is_gone_and_all_else_stays,
                    erasing_again_changes_nothing,
                    what_is_erased_is_told_until_it_is_on_record,
                    nothing_is_erased_that_a_journal_may_still_hold,
                    openings_go_on_behind_erased_ones,
                }
            }
        }
    };
}

/// A limit that no case reaches.
const NO_LIMIT: NonZeroUsize = NonZeroUsize::new(10_000).expect("not zero");

fn limit(most: usize) -> NonZeroUsize {
    NonZeroUsize::new(most).expect("cases ask for at least one")
}

impl Fixture {
    async fn commit(&self, commit: Commit) -> Receipt {
        self.store.commit(commit).await.expect("the commit is acknowledged")
    }

    /// Expects this commit to fail its preconditions.
    async fn fail(&self, preconditions: Vec<Precondition>, writes: Vec<Write>) {
        let commit = samples::commit_if(preconditions, writes);
        assert_eq!(self.store.commit(commit).await, Err(CommitError::PreconditionFailed));
    }

    async fn read(&self, key: &RecordKey) -> Option<Stored> {
        self.store.read(key).await.expect("the record is read")
    }

    fn generations(&self) -> &dyn Generations {
        self.store.generations()
    }

    async fn entries(&self) -> Vec<Entry> {
        self.store.entries(Receipt(0), NO_LIMIT).await.expect("the entries are read")
    }
}

#[cfg(test)]
mod tests {
    use super::Arc;
    use crate::memory::MemoryStore;
    use crate::store::{Clock, Store};

    fn open(clock: Arc<dyn Clock>) -> std::future::Ready<(Arc<dyn Store>, ())> {
        std::future::ready((Arc::new(MemoryStore::new(clock)), ()))
    }

    crate::conformance_suite!(memory, open);
}
