//! What a plan covers, against a plain model that works with numbers where the core has pseudonyms.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use signpost_core::flag::{ContactFlag, Involvement, Provenance};
use signpost_core::id::{
    ActorId, BodyDigest, FlagId, HoldId, LiftId, OrganisationId, PersonId, PurgeDigest, PurgeId,
    Receipt, SystemId, TeamId,
};
use signpost_core::purge::{
    Coverage, Covered, Held, LegalHold, PlanNonce, PurgeMode, PurgePlan, PurgeScope, Reach,
};
use signpost_core::record::{
    ChildHead, FirstName, FlagCopy, Lift, Record, Replay, ReplayKey, ReplayResult, Shield,
};
use signpost_core::subject::Subject;
use signpost_core::terms::{
    HoldGround, PurgeAuthority, PurgeReason, PurgeState, Sensitivity, ShieldKind,
};

use crate::fixture::*;

const BY: Date = date(2026, 6, 1);
const CUT_OFF: u64 = 50;
/// Shorter than what may be kept, so that both ends are met with.
const VISIBLE_MONTHS: u32 = 24;

/// A record about children, in numbers.
#[derive(Clone, Debug)]
enum Thing {
    Head { under: u8, set_on: Vec<u8> },
    Flag { under: u8, subject: Vec<u8>, owner: u8, system: u8, ended: Option<Date>, retain: Date },
    Replay { subject: Vec<u8>, system: u8, until: Date },
    Lift { subject: Vec<u8>, until: Date },
}

#[derive(Clone, Debug)]
enum Of {
    Child(Vec<u8>),
    Organisation(u8),
    System(u8),
    Person,
    Expired,
    All,
}

#[derive(Clone, Debug, PartialEq)]
enum Fate {
    Stays,
    Goes,
    Empty,
    /// A head with its shield set on these.
    SetOn(Vec<u8>),
}

#[derive(Clone, Debug)]
struct Holds {
    child: Option<u8>,
    organisation: Option<u8>,
}

/// The rule, told as plainly as it can be.
fn model(of: &Of, holds: &Holds, version: u64, thing: &Thing) -> Fate {
    if version > CUT_OFF {
        return Fate::Stays;
    }
    let named = match thing {
        Thing::Head { under, .. } => vec![*under],
        Thing::Flag { subject, .. }
        | Thing::Replay { subject, .. }
        | Thing::Lift { subject, .. } => subject.clone(),
    };
    if holds.child.is_some_and(|held| named.contains(&held)) {
        return Fate::Stays;
    }
    let when = |goes: bool| if goes { Fate::Goes } else { Fate::Stays };
    match (thing, of) {
        (Thing::Flag { owner, .. }, _) if holds.organisation == Some(*owner) => Fate::Stays,
        (_, Of::All) => Fate::Goes,
        (Thing::Head { under, set_on }, Of::Child(purged)) => {
            if purged.contains(under) {
                return Fate::Goes;
            }
            if set_on.is_empty() {
                return Fate::Empty;
            }
            let left: Vec<u8> = set_on.iter().copied().filter(|on| !purged.contains(on)).collect();
            match left.len() {
                same if same == set_on.len() => Fate::Stays,
                0 => Fate::SetOn(vec![*under]),
                _ => Fate::SetOn(left),
            }
        }
        (_, Of::Child(purged)) => when(named.iter().any(|number| purged.contains(number))),
        (Thing::Head { set_on, .. }, Of::Organisation(_) | Of::System(_) | Of::Expired)
            if set_on.is_empty() =>
        {
            Fate::Empty
        }
        (Thing::Flag { owner, .. }, Of::Organisation(one)) => when(owner == one),
        (Thing::Flag { system, .. } | Thing::Replay { system, .. }, Of::System(one)) => {
            when(system == one)
        }
        // Systems 1 and 6 are Northfield's, every other organisation has the one of its number.
        (Thing::Replay { system, .. }, Of::Organisation(one)) => {
            when(system == one || (*one == 1 && *system == 6))
        }
        (Thing::Flag { ended, retain, .. }, Of::Expired) => {
            // Two years before the day by which all is expired.
            when(*retain < BY || ended.is_some_and(|ended| ended < date(2024, 6, 1)))
        }
        (Thing::Replay { until, .. } | Thing::Lift { until, .. }, Of::Expired) => {
            when(*until <= BY)
        }
        // Whose replay it is stands in its key: here it is never the purged person's.
        (_, Of::Person)
        | (Thing::Head { .. }, Of::Organisation(_) | Of::System(_) | Of::Expired)
        | (Thing::Lift { .. }, Of::Organisation(_) | Of::System(_)) => Fate::Stays,
    }
}

fn record(thing: &Thing) -> Record {
    let pseudonym = |number: u8| child(&[number]).pseudonyms()[0].pseudonym.clone();
    match thing {
        Thing::Head { under, set_on } => {
            let shield = Shield {
                kind: ShieldKind::Shielded,
                review_due: LAST_DAY,
                set_by: ActorId::new([1; 16]),
                set_on: set_on.iter().copied().map(pseudonym).collect(),
            };
            let shields = if set_on.is_empty() { Vec::new() } else { vec![shield] };
            Record::Head(ChildHead { pseudonym: pseudonym(*under), shields })
        }
        Thing::Flag { under, subject, owner, system, ended, retain } => {
            let details = details_with(|details| {
                details.started = date(2010, 1, 1);
                details.ended = *ended;
                details.sensitivity = Sensitivity::Standard;
                details.retain_until = Some(*retain);
            });
            let provenance = Provenance {
                owner: OrganisationId::new([*owner; 16]),
                source_system: SystemId::new([*system; 16]),
                feed: None,
                source_reference: text("CASE-1"),
            };
            let flag = ContactFlag {
                id: FlagId::new([9; 16]),
                subject: child(subject),
                team: TeamId::new([11; 16]),
                involvement: Involvement::new(details, date(2026, 6, 15)).unwrap(),
                provenance,
            };
            Record::Flag(FlagCopy { under: pseudonym(*under), flag: flag.into() })
        }
        Thing::Replay { subject, system, until } => Record::Replay(Replay {
            key: ReplayKey {
                system: SystemId::new([*system; 16]),
                person: PersonId::new([1; 16]),
                request: request(1),
            },
            body: BodyDigest::new([0; 32]),
            result: ReplayResult::ShieldSet,
            subject: Some(child(subject)),
            until: midnight(*until),
        }),
        Thing::Lift { subject, until } => Record::Lift(Lift {
            id: LiftId::new([1; 16]),
            subject: child(subject),
            proposer: PersonId::new([1; 16]),
            until: midnight(*until),
        }),
    }
}

fn fate(covered: Option<Covered>) -> Fate {
    match covered {
        None => Fate::Stays,
        Some(Covered::Goes) => Fate::Goes,
        Some(Covered::Empty) => Fate::Empty,
        Some(Covered::Changed(Record::Head(head))) => {
            Fate::SetOn(head.shields[0].set_on.iter().map(|one| one.as_bytes()[0]).collect())
        }
        Some(Covered::Changed(other)) => panic!("no other record of these is changed: {other:?}"),
    }
}

pub(crate) fn plan_of(scope: PurgeScope) -> PurgePlan {
    let systems = match &scope {
        PurgeScope::Organisation(id) if *id == OrganisationId::new([1; 16]) => {
            vec![SystemId::new([1; 16]), SystemId::new([6; 16])]
        }
        PurgeScope::Organisation(id) => vec![SystemId::new(*id.as_bytes())],
        PurgeScope::System(id) => vec![*id],
        _ => Vec::new(),
    };
    let at = Timestamp::constant(1_781_524_800, 0);
    PurgePlan {
        id: PurgeId::new([1; 16]),
        scope,
        reach: Reach { systems, visible_months: VISIBLE_MONTHS, openings_below: None },
        authority: PurgeAuthority::CourtOrder,
        reason: PurgeReason::Exercise,
        case: text("DPO-2026-1"),
        nonce: PlanNonce::new([2; 32]),
        cut_off: Receipt(CUT_OFF),
        digest: PurgeDigest::new([0; 32]),
        planner: PersonId::new([17; 16]),
        approvals: Vec::new(),
        planned_in: Some(Receipt(CUT_OFF + 1)),
        planned_at: at,
        not_before: None,
        expires: at,
        cancelled: None,
        state: PurgeState::Approved,
        order: None,
    }
}

fn plan(of: &Of) -> PurgePlan {
    plan_of(match of {
        Of::Child(numbers) => {
            PurgeScope::Child { subject: Some(child(numbers)), mode: PurgeMode::Forget }
        }
        Of::Organisation(id) => PurgeScope::Organisation(OrganisationId::new([*id; 16])),
        Of::System(id) => PurgeScope::System(SystemId::new([*id; 16])),
        Of::Person => PurgeScope::Person(PersonId::new([17; 16])),
        Of::Expired => PurgeScope::Expired { by: BY },
        Of::All => PurgeScope::All,
    })
}

pub(crate) fn standing(held: Held) -> LegalHold {
    let name = |id| FirstName { person: PersonId::new([id; 16]), until: Timestamp::MAX };
    LegalHold {
        id: HoldId::new([1; 16]),
        held,
        ground: HoldGround::CourtOrder,
        case: text("LEG-2026-1"),
        first: name(14),
        second: Some(PersonId::new([18; 16])),
        lifting: None,
        lifted_by: None,
    }
}

fn holds_of(holds: &Holds) -> Vec<LegalHold> {
    let held = |number: u8| standing(Held::Child(Some(child(&[number]))));
    let of = |id: u8| standing(Held::Organisation(OrganisationId::new([id; 16])));
    let lifted = standing(Held::Child(Some(child(&[1, 2, 3]))))
        .lifted((PersonId::new([14; 16]), PersonId::new([18; 16])));
    let mut waits = standing(Held::Child(Some(child(&[1, 2, 3]))));
    waits.second = None;
    let others = [lifted, waits];
    holds.child.map(held).into_iter().chain(holds.organisation.map(of)).chain(others).collect()
}

fn midnight(day: Date) -> Timestamp {
    day.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp()
}

fn subjects() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::subsequence(vec![1, 2, 3, 4], 1..=3)
}

fn days() -> impl Strategy<Value = Date> {
    prop::sample::select(vec![
        date(2019, 1, 1),
        date(2024, 5, 31),
        date(2024, 6, 1),
        date(2026, 5, 31),
        date(2026, 6, 1),
        date(2026, 6, 2),
    ])
}

fn things() -> impl Strategy<Value = Thing> {
    let flag = (
        (subjects(), any::<prop::sample::Index>(), 1..=2_u8),
        (prop::sample::select(vec![1_u8, 2, 6]), prop::option::of(days()), days()),
    );
    prop_oneof![
        (1..=4_u8, prop::sample::subsequence(vec![1, 2, 3, 4], 0..=3))
            .prop_map(|(under, set_on)| Thing::Head { under, set_on }),
        flag.prop_map(|((subject, under, owner), (system, ended, retain))| Thing::Flag {
            under: *under.get(&subject),
            subject,
            owner,
            system,
            ended,
            // As long as it may be kept, or until one of the days, whichever is earlier.
            retain: retain.min(ended.unwrap_or(BY).saturating_add(jiff::Span::new().years(6))),
        }),
        (subjects(), prop::sample::select(vec![1_u8, 2, 6]), days())
            .prop_map(|(subject, system, until)| Thing::Replay { subject, system, until }),
        (subjects(), days()).prop_map(|(subject, until)| Thing::Lift { subject, until }),
    ]
}

fn scopes() -> impl Strategy<Value = Of> {
    prop_oneof![
        4 => subjects().prop_map(Of::Child),
        2 => (1..=2_u8).prop_map(Of::Organisation),
        2 => prop::sample::select(vec![1_u8, 2, 6]).prop_map(Of::System),
        1 => Just(Of::Person),
        2 => Just(Of::Expired),
        1 => Just(Of::All),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_plan_covers_what_the_plain_rule_says(
        of in scopes(),
        things in prop::collection::vec((things(), 40..60_u64), 1..20),
        child in prop::option::weighted(0.3, 1..=4_u8),
        organisation in prop::option::weighted(0.3, 1..=2_u8),
    ) {
        let holds = Holds { child, organisation };
        let coverage = Coverage::new(&plan(&of), &holds_of(&holds)).unwrap();
        for (thing, version) in things {
            let covered = coverage.covers(Receipt(version), &record(&thing));
            prop_assert_eq!(fate(covered), model(&of, &holds, version, &thing), "{:?}", thing);
        }
    }
}

#[test]
fn a_person_who_left_is_known_by_ids_alone() {
    use signpost_core::register::{Claim, PersonStanding};
    let mut person = NORA.person();
    person.standing = PersonStanding::Removed;
    let coverage = Coverage::new(&plan_of(PurgeScope::Person(person.id)), &[]).unwrap();
    let covered = coverage.covers(Receipt(1), &Record::Person(person.clone()));
    let Some(Covered::Changed(Record::Person(left))) = covered else { panic!("{covered:?}") };
    assert_eq!((left.id, left.actor, left.group), (person.id, person.actor, person.group));
    assert!(left.staff.as_str().starts_with("purged-0101"));
    assert_eq!(left.conditions.vetting_on, Date::ZERO);
    assert_eq!(coverage.covers(Receipt(1), &Record::Person(left)), None, "once is enough");
    let claim = |who: Who| {
        let person = who.person();
        Record::Claim(Claim::Staff(person.organisation, person.staff, person.id))
    };
    assert_eq!(coverage.covers(Receipt(1), &claim(NORA)), Some(Covered::Goes));
    assert_eq!(coverage.covers(Receipt(1), &claim(NED)), None);
    assert_eq!(coverage.covers(Receipt(1), &Record::Person(NED.person())), None);
    assert_eq!(coverage.covers(Receipt(1), &Record::Token(NORA.token())), None, "it is accounted");
    let held = standing(Held::Organisation(person.organisation));
    let coverage = Coverage::new(&plan_of(PurgeScope::Person(person.id)), &[held]).unwrap();
    assert_eq!(coverage.covers(Receipt(1), &Record::Person(person)), None, "held back");
}

#[test]
fn all_leaves_people_who_may_act_able_to_and_nameless() {
    let coverage = Coverage::new(&plan_of(PurgeScope::All), &[]).unwrap();
    let covered = coverage.covers(Receipt(1), &Record::Person(OLGA.person()));
    let Some(Covered::Changed(Record::Person(left))) = covered else { panic!("{covered:?}") };
    assert_eq!(left.conditions, CONDITIONS);
    assert_ne!(left.staff, OLGA.person().staff);
}

#[test]
fn a_plan_that_is_over_keeps_no_child_and_covers_nothing() {
    let scope = PurgeScope::Child { subject: Some(child(&[1])), mode: PurgeMode::Forget };
    let mut over = plan_of(scope);
    over.state = PurgeState::Certified;
    assert!(Coverage::new(&over.clone().without_child(), &[]).is_none());
    let expired = Coverage::new(&plan_of(PurgeScope::Expired { by: BY }), &[]).unwrap();
    let covered = expired.covers(Receipt(1), &Record::Purge(Box::new(over.clone())));
    let without = over.clone().without_child();
    assert_eq!(covered, Some(Covered::Changed(Record::Purge(Box::new(without.clone())))));
    assert_eq!(expired.covers(Receipt(1), &Record::Purge(Box::new(without))), None);
    over.state = PurgeState::Frozen;
    assert_eq!(expired.covers(Receipt(1), &Record::Purge(Box::new(over))), None, "it runs");
}

#[test]
fn the_openings_of_a_child_go_with_its_plans_own() {
    let scope = PurgeScope::Child { subject: Some(child(&[1])), mode: PurgeMode::Forget };
    let coverage = Coverage::new(&plan_of(scope.clone()), &[]).unwrap();
    let covers = |at: u64, named: &Subject| coverage.covers_opening(Receipt(at), named);
    assert!(covers(CUT_OFF, &child(&[1, 2])) && covers(CUT_OFF + 1, &child(&[1])));
    assert!(!covers(CUT_OFF + 2, &child(&[1])) && !covers(1, &child(&[2])));
    let held = Coverage::new(&plan_of(scope), &[standing(Held::Child(Some(child(&[1, 3]))))]);
    assert!(!held.unwrap().covers_opening(Receipt(1), &child(&[1])));
}

#[test]
fn a_digest_is_of_everything_that_is_approved() {
    let child_of = |numbers: &[u8], mode| PurgeScope::Child { subject: Some(child(numbers)), mode };
    let digest = |scope: PurgeScope| plan_of(scope).compute_digest().unwrap();
    let forget = PurgeMode::Forget;
    assert_eq!(digest(child_of(&[1, 2], forget)), digest(child_of(&[2, 1], forget)), "sorted");
    let until = |year| PurgeMode::Suppress { until: date(year, 6, 1) };
    let mut digests = vec![
        digest(child_of(&[1, 2], forget)),
        digest(child_of(&[1], forget)),
        digest(child_of(&[1], until(2040))),
        digest(child_of(&[1], until(2041))),
        digest(PurgeScope::Organisation(OrganisationId::new([1; 16]))),
        digest(PurgeScope::Organisation(OrganisationId::new([2; 16]))),
        digest(PurgeScope::System(SystemId::new([1; 16]))),
        digest(PurgeScope::Person(PersonId::new([1; 16]))),
        digest(PurgeScope::Expired { by: BY }),
        digest(PurgeScope::Expired { by: BY.tomorrow().unwrap() }),
        digest(PurgeScope::All),
    ];
    let changes: [fn(&mut PurgePlan); 6] = [
        |plan| plan.nonce = PlanNonce::new([3; 32]),
        |plan| plan.cut_off = Receipt(CUT_OFF + 1),
        |plan| plan.authority = PurgeAuthority::ClosureDirection,
        |plan| plan.reason = PurgeReason::ServiceCloses,
        |plan| plan.case = text("DPO-2026-2"),
        |plan| plan.id = PurgeId::new([2; 16]),
    ];
    for change in changes {
        let mut plan = plan_of(PurgeScope::All);
        change(&mut plan);
        digests.push(plan.compute_digest().unwrap());
    }
    let all = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), all, "no two plans have one digest");
}
