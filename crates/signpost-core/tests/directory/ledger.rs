use signpost_core::directory::{EntryFilter, ListEntries};
use signpost_core::entry::Entry;
use signpost_core::id::Receipt;
use signpost_core::refusal::{Invalid, Refusal};
use signpost_core::terms::{Action, Outcome, Purpose};

use crate::fixture::*;

/// As the directory has it.
const LOOKED_AT_MAX: u64 = 65_536;

fn list(filter: EntryFilter) -> ListEntries {
    ListEntries { filter, from: None, limit: 500 }
}

impl Scene {
    /// The indexes that a page has, and where the next one begins.
    async fn page(&self, request: ListEntries) -> (Vec<u64>, Option<u64>) {
        let listed = self.directory.list_entries(&ANDY.presented(), &Ok(request)).await.unwrap();
        let entries = self.entries().await;
        assert_eq!(listed.receipt.0, entries.len() as u64 - 1, "the look is the last entry");
        let own = entries.last().unwrap();
        assert_eq!((own.action(), own.outcome()), (Action::ListEntries, Outcome::Done));
        assert_eq!(own.count() as usize, listed.result.entries.len());
        for (index, entry) in &listed.result.entries {
            assert_eq!(entries[usize::try_from(index.0).unwrap()], *entry);
        }
        let indexes = listed.result.entries.iter().map(|(index, _)| index.0).collect();
        (indexes, listed.result.next.map(|next| next.0))
    }
}

/// First light, then a question a minute by two people.
async fn asked() -> Scene {
    let scene = Scene::new().await;
    for who in [NORA, SUE, NORA, SUE] {
        scene.clock.step_by(jiff::SignedDuration::from_mins(1));
        scene.ask(who, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    }
    scene
}

#[tokio::test]
async fn a_filter_lists_what_fits_all_of_it() {
    let scene = asked().await;
    let entries = scene.entries().await;
    let at = |index: usize| entries[index].time_ms();
    let every = |fits: &dyn Fn(&Entry) -> bool| -> Vec<u64> {
        (0..).zip(&entries).filter(|(_, entry)| fits(entry)).map(|(index, _)| index).collect()
    };
    let last = entries.len() - 1;
    let none = EntryFilter::default();
    for (filter, expected) in [
        (
            EntryFilter { action: Some(Action::Ask), ..none.clone() },
            every(&|it| it.action() == Action::Ask),
        ),
        (
            EntryFilter { actor: Some(NORA.actor()), ..none.clone() },
            every(&|it| it.actor() == Some(NORA.actor())),
        ),
        (
            EntryFilter { organisation: Some(organisation(2).id), ..none.clone() },
            every(&|it| it.organisation() == Some(organisation(2).id)),
        ),
        (
            EntryFilter { outcome: Some(Outcome::NoVisibleContact), ..none.clone() },
            every(&|it| it.outcome() == Outcome::NoVisibleContact),
        ),
        (
            EntryFilter { since_ms: at(last - 1), until_ms: Some(at(last)), ..none.clone() },
            vec![last as u64 - 1],
        ),
        (EntryFilter { since_ms: at(last) + 1, ..none.clone() }, vec![]),
        (EntryFilter { until_ms: Some(at(0)), ..none.clone() }, vec![]),
    ] {
        let until_ms = filter.until_ms.or(Some(at(last) + 1));
        let (found, next) = scene.page(list(EntryFilter { until_ms, ..filter.clone() })).await;
        assert_eq!((found, next), (expected, None), "{filter:?}");
        scene.clock.step_by(jiff::SignedDuration::from_mins(1));
    }
}

#[tokio::test]
async fn pages_list_each_entry_once() {
    let scene = asked().await;
    let all = scene.entries().await.len() as u64;
    let (mut found, mut from) = (Vec::new(), Some(0));
    while let Some(next) = from.filter(|_| (found.len() as u64) < all) {
        let request =
            ListEntries { from: Some(Receipt(next)), limit: 2, ..list(EntryFilter::default()) };
        let (page, next) = scene.page(request).await;
        assert!(page.len() <= 2);
        found.extend(page);
        from = next;
    }
    assert_eq!(found[..usize::try_from(all).unwrap()], (0..all).collect::<Vec<_>>());
    let beyond = ListEntries { from: Some(Receipt(u64::MAX)), ..list(EntryFilter::default()) };
    assert_eq!(scene.page(beyond).await, (vec![], None));
}

#[tokio::test]
async fn a_call_looks_at_so_many_entries_and_says_where_to_go_on() {
    let scene = Scene::new().await;
    scene.fill(LOOKED_AT_MAX).await;
    scene.ask(NORA, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    let asks = EntryFilter { action: Some(Action::Ask), ..EntryFilter::default() };
    let (found, next) = scene.page(list(asks.clone())).await;
    assert_eq!((found, next), (vec![], Some(LOOKED_AT_MAX)));
    let from = next.map(Receipt);
    let (found, next) = scene.page(ListEntries { from, ..list(asks) }).await;
    assert_eq!((found, next), (vec![LOOKED_AT_MAX + 1], None));
}

/// Auditors and privacy officers read the tree, off the record; whoever else tries is on record.
#[tokio::test]
async fn leave_to_read_the_tree_makes_no_entry_and_a_refusal_does() {
    let scene = Scene::new().await;
    let before = scene.entries().await.len();
    let read =
        async |who: Who, asked| scene.directory.may_read_ledger(&who.presented(), asked).await;
    assert_eq!(read(ANDY, Ok(7)).await, Ok(7));
    assert_eq!(scene.entries().await.len(), before);
    for (who, asked, outcome) in [
        (ANDY, Err(Invalid::field("index", "is wrong")), Outcome::Invalid),
        (NORA, Ok(7), Outcome::DeniedRole),
        (NORA, Err(Invalid::field("index", "is wrong")), Outcome::DeniedRole),
    ] {
        let refusal = read(who, asked).await.unwrap_err();
        let Refusal::Refused { receipt, .. } = refusal else { panic!("{refusal}") };
        let entries = scene.entries().await;
        let entry = &entries[usize::try_from(receipt.0).unwrap()];
        assert_eq!((entry.action(), entry.outcome()), (Action::ReadLedger, outcome));
    }
}
