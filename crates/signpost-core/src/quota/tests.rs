//! Quotas, by a hand-moved time.

use proptest::prelude::*;

use super::*;
use crate::subject::{EvaluationKeyId, NamedPseudonym, Pseudonym};
use crate::terms::Namespace;
use crate::testing::SeededEntropy;

const NOON_MS: u64 = 20_000 * DAY_MS + DAY_MS / 2;

const SMALL: Quota = Quota { burst: 3, day: 5, children_a_day: 2 };

fn meter(person: Quota, organisation: Quota) -> Arc<Meter> {
    let quotas = Quotas { person, organisation };
    Arc::new(Meter::new(quotas, Arc::new(SeededEntropy::new(1))))
}

fn child(numbers: &[u8]) -> Subject {
    let named = numbers.iter().map(|number| NamedPseudonym {
        namespace: if *number < 100 { Namespace::Nhs } else { Namespace::Upn },
        key: EvaluationKeyId(1),
        pseudonym: Pseudonym::new([*number; 64]),
    });
    Subject::try_from(named.collect::<Vec<_>>()).unwrap()
}

fn by(person: u8, subject: &Subject, now_ms: u64) -> Use<'_> {
    let organisation = OrganisationId::new([9; 16]);
    Use { actor: ActorId::new([person; 16]), organisation, subject, now_ms }
}

/// Counts one and keeps it.
fn kept(meter: &Arc<Meter>, one: Use<'_>) -> Result<(), (Whose, What, u32)> {
    match meter.count(one) {
        Ok(mut counted) => {
            counted.keep();
            Ok(())
        }
        Err(spent) => Err((spent.whose, spent.what, spent.again_in_secs)),
    }
}

#[test]
fn a_burst_is_spent_and_grows_back_one_by_one() {
    let meter = meter(SMALL, Quotas::NONE.organisation);
    let one = child(&[1]);
    for _ in 0..3 {
        assert_eq!(kept(&meter, by(1, &one, NOON_MS)), Ok(()));
    }
    assert_eq!(kept(&meter, by(1, &one, NOON_MS)), Err((Whose::Person, What::Burst, 20)));
    assert_eq!(kept(&meter, by(2, &one, NOON_MS)), Ok(()), "each person has a burst of their own");
    assert_eq!(kept(&meter, by(1, &one, NOON_MS + 20_000)), Ok(()));
    assert_eq!(kept(&meter, by(1, &one, NOON_MS + 20_000)), Err((Whose::Person, What::Burst, 20)));
}

#[test]
fn a_day_and_its_children_are_spent_until_midnight() {
    let meter = meter(SMALL, Quotas::NONE.organisation);
    let at = |minutes: u64| NOON_MS + minutes * 60_000;
    assert_eq!(kept(&meter, by(1, &child(&[1]), at(0))), Ok(()));
    assert_eq!(kept(&meter, by(1, &child(&[2, 102]), at(1))), Ok(()));
    let noon_to_midnight = 12 * 60 * 60;
    let spent = Err((Whose::Person, What::Children, noon_to_midnight - 120));
    assert_eq!(kept(&meter, by(1, &child(&[3]), at(2))), spent);
    assert_eq!(kept(&meter, by(1, &child(&[102]), at(3))), Ok(()), "the same child by its UPN");
    assert_eq!(kept(&meter, by(1, &child(&[1]), at(4))), Ok(()));
    assert_eq!(kept(&meter, by(1, &child(&[2]), at(5))), Ok(()));
    let spent = Err((Whose::Person, What::Day, noon_to_midnight - 360));
    assert_eq!(kept(&meter, by(1, &child(&[1]), at(6))), spent);
    assert_eq!(kept(&meter, by(1, &child(&[3]), at(12 * 60))), Ok(()), "a new day");
}

#[test]
fn children_that_are_chained_into_one_are_counted_each() {
    let meter = meter(SMALL, Quotas::NONE.organisation);
    assert_eq!(kept(&meter, by(1, &child(&[1, 101]), NOON_MS)), Ok(()));
    assert_eq!(kept(&meter, by(1, &child(&[2, 101]), NOON_MS)), Ok(()));
    let third = kept(&meter, by(1, &child(&[2, 102]), NOON_MS));
    assert!(matches!(third, Err((Whose::Person, What::Children, _))));
}

#[test]
fn what_an_organisation_has_spent_none_of_its_people_has() {
    let meter = meter(Quotas::NONE.person, Quota { children_a_day: 9, ..SMALL });
    for person in 1..=3 {
        assert_eq!(kept(&meter, by(person, &child(&[1]), NOON_MS)), Ok(()));
    }
    let spent = Err((Whose::Organisation, What::Burst, 20));
    assert_eq!(kept(&meter, by(4, &child(&[1]), NOON_MS)), spent);
}

/// Else a colleague would learn by a refusal, or by one that does not come, whom others have named.
#[test]
fn what_is_left_of_an_organisations_children_tells_nobody_whom_a_colleague_named() {
    let meter = meter(Quotas::NONE.person, Quota { burst: 100, day: 100, children_a_day: 3 });
    assert_eq!(kept(&meter, by(1, &child(&[1]), NOON_MS)), Ok(()));
    assert_eq!(kept(&meter, by(2, &child(&[1]), NOON_MS)), Ok(()));
    assert_eq!(kept(&meter, by(2, &child(&[2]), NOON_MS)), Ok(()));
    let spent = Err((Whose::Organisation, What::Children, 12 * 60 * 60));
    assert_eq!(kept(&meter, by(1, &child(&[2]), NOON_MS)), spent, "whom a colleague named");
    assert_eq!(kept(&meter, by(1, &child(&[3]), NOON_MS)), spent, "whom nobody did");
    for (person, number) in [(1, 1), (2, 1), (2, 2)] {
        assert_eq!(kept(&meter, by(person, &child(&[number]), NOON_MS)), Ok(()), "one's own");
    }
}

#[test]
fn what_is_not_kept_is_given_back_but_for_the_child_who_was_named() {
    let meter = meter(SMALL, SMALL);
    for _ in 0..50 {
        drop(meter.count(by(1, &child(&[1]), NOON_MS)).unwrap());
    }
    let mut counted = meter.count(by(1, &child(&[1]), NOON_MS)).unwrap();
    counted.keep();
    counted.release();
    drop(counted);
    // A request that is given up while another about the same child is let through frees no place.
    let given_up = meter.count(by(1, &child(&[2]), NOON_MS)).unwrap();
    assert_eq!(kept(&meter, by(1, &child(&[2]), NOON_MS)), Ok(()));
    drop(given_up);
    let third = kept(&meter, by(1, &child(&[3]), NOON_MS));
    assert!(matches!(third, Err((Whose::Person, What::Children, _))));
}

#[test]
fn a_new_day_drops_the_keys_of_the_day_before() {
    let meter = meter(SMALL, SMALL);
    let key = |meter: &Meter| {
        let used = meter.lock();
        *used.named[&ActorId::new([1; 16])].key
    };
    kept(&meter, by(1, &child(&[1]), NOON_MS)).unwrap();
    let before = key(&meter);
    kept(&meter, by(2, &child(&[1]), NOON_MS + DAY_MS)).unwrap();
    assert!(!meter.lock().named.contains_key(&ActorId::new([1; 16])));
    kept(&meter, by(1, &child(&[1]), NOON_MS + DAY_MS)).unwrap();
    assert_ne!(key(&meter), before);
}

#[test]
fn a_request_from_before_midnight_does_not_bring_the_day_before_back() {
    let meter = meter(SMALL, Quotas::NONE.organisation);
    for number in 1..=2 {
        kept(&meter, by(1, &child(&[number]), NOON_MS + DAY_MS)).unwrap();
    }
    let late = kept(&meter, by(1, &child(&[3]), NOON_MS));
    assert!(matches!(late, Err((Whose::Person, What::Children, _))));
    let third = kept(&meter, by(1, &child(&[3]), NOON_MS + DAY_MS));
    assert!(matches!(third, Err((Whose::Person, What::Children, _))));
}

proptest! {
    /// However they come, no more is let through than the quota says: compared with a plain list.
    #[test]
    fn no_more_is_let_through_than_the_quotas_say(
        uses in prop::collection::vec((0_u8..3, 1_u8..6, 0_u64..40_000, any::<bool>()), 1..120),
    ) {
        let meter = meter(SMALL, Quota { burst: 5, day: 9, children_a_day: 4 });
        let mut now_ms = NOON_MS;
        let mut let_through: Vec<(u8, u8, u64)> = Vec::new();
        for (person, number, later_ms, is_kept) in uses {
            now_ms += later_ms;
            if let Ok(mut counted) = meter.count(by(person, &child(&[number]), now_ms))
                && is_kept
            {
                counted.keep();
                let_through.push((person, number, now_ms));
            }
        }
        let within = |of: &dyn Fn(u8) -> bool, quota: Quota| {
            let mine: Vec<_> = let_through.iter().filter(|one| of(one.0)).collect();
            for (index, first) in mine.iter().enumerate() {
                let day = mine.iter().filter(|one| one.2 / DAY_MS == first.2 / DAY_MS);
                let children: BTreeSet<u8> = day.clone().map(|one| one.1).collect();
                prop_assert!(day.count() <= quota.day as usize);
                prop_assert!(children.len() <= quota.children_a_day as usize);
                // In any minute: a burst, and what grew back meanwhile.
                let minute = mine[index..].iter().filter(|one| one.2 < first.2 + 60_000);
                prop_assert!(minute.count() <= 2 * quota.burst as usize);
            }
            Ok(())
        };
        for person in 0..3 {
            within(&|one| one == person, SMALL)?;
        }
        within(&|_| true, Quota { burst: 5, day: 9, children_a_day: 4 })?;
    }
}
