use proptest::prelude::*;

use super::withholding::{Place, SHOWN_FROM};
use super::*;

/// Who reads a published table, and finds out all that follows from it: that totals are sums, and that
/// what is withheld is not 0.
///
/// What they can find out of a number is the range of its values over all tables that have the shown
/// numbers. Rows and columns are the nodes of a network, and each number is a flow between its row and
/// its column, so that sums are what flows in and out. Tables with the same numbers shown differ by
/// circulations over what is withheld: how far a number may go is a largest flow, found by
/// augmenting paths (Ford and Fulkerson). The true table is where the search begins, and makes no
/// difference to the range.
struct Reader<'t> {
    table: &'t Totalled,
    withheld: &'t BTreeSet<Place>,
}

/// A node: a row or a column.
type Node = (bool, usize);

impl Reader<'_> {
    /// The least and the largest value that a withheld number may have; more than `enough` above what it
    /// is is not looked for.
    fn range(&self, place: Place, enough: u64) -> (u64, u64) {
        let number = self.table.number(place);
        let (from, to) = self.ends(place);
        let up = self.flow(place, to, from, enough);
        let down = self.flow(place, from, to, number - 1);
        (number - down, number + up)
    }

    /// Numbers of the body flow from their column to their row, and from there, as the row's total, to
    /// the column of totals; and so on round.
    fn ends(&self, (row, column): Place) -> (Node, Node) {
        let last = self.table.places().last().unwrap();
        let ends = ((false, column), (true, row));
        if (row == last.0) == (column == last.1) { ends } else { (ends.1, ends.0) }
    }

    /// How much more can flow from one node to another over all that is withheld but this place.
    fn flow(&self, but: Place, from: Node, to: Node, most: u64) -> u64 {
        let mut changed: BTreeMap<Place, i64> = BTreeMap::new();
        for flown in 0..most {
            let Some(path) = self.path(but, &changed, from, to) else { return flown };
            for (place, forward) in path {
                *changed.entry(place).or_default() += if forward { 1 } else { -1 };
            }
        }
        most
    }

    fn path(
        &self,
        but: Place,
        changed: &BTreeMap<Place, i64>,
        from: Node,
        to: Node,
    ) -> Option<Vec<(Place, bool)>> {
        let mut reached: BTreeMap<Node, Vec<(Place, bool)>> = BTreeMap::from([(from, vec![])]);
        let mut next = vec![from];
        while let Some(node) = next.pop() {
            for place in self.withheld.iter().filter(|place| **place != but) {
                let (start, end) = self.ends(*place);
                let now = self.table.number(*place).cast_signed()
                    + changed.get(place).copied().unwrap_or(0);
                let step = if start == node {
                    Some((end, true))
                } else if end == node && now > 1 {
                    Some((start, false))
                } else {
                    None
                };
                let Some((other, forward)) = step else { continue };
                if !reached.contains_key(&other) {
                    let path = [&reached[&node][..], &[(*place, forward)]].concat();
                    reached.insert(other, path);
                    next.push(other);
                }
            }
        }
        reached.remove(&to)
    }
}

/// What the reader must not find out.
fn hold(rows: Vec<Vec<u64>>) {
    let table = Totalled::new(rows);
    let withheld = withheld(&table);
    let reader = Reader { table: &table, withheld: &withheld };
    let end = table.places().last().unwrap();
    for place in table.places() {
        let number = table.number(place);
        if !(1..SHOWN_FROM).contains(&number) {
            continue;
        }
        assert!(withheld.contains(&place), "{number} at {place:?} is shown: {table:?}");
        let (least, most) = reader.range(place, 4);
        let is_total = place.0 == end.0 || place.1 == end.1;
        let is_hidden = if is_total { most >= number + 3 } else { least == 1 && most >= 4 };
        assert!(is_hidden, "{number} at {place:?} is {least} to {most}: {table:?}, {withheld:?}");
    }
}

#[test]
fn the_reader_finds_what_totals_give_back() {
    let table = Totalled::new(vec![vec![3, 40, 50], vec![60, 70, 80]]);
    let alone = BTreeSet::from([(0, 0)]);
    assert_eq!(Reader { table: &table, withheld: &alone }.range((0, 0), 50), (3, 3));
    let with_one_of_its_row = BTreeSet::from([(0, 0), (0, 1)]);
    let reader = Reader { table: &table, withheld: &with_one_of_its_row };
    assert_eq!(reader.range((0, 0), 50), (3, 3), "the columns give it back");
    let crossed = BTreeSet::from([(0, 0), (0, 1), (1, 0), (1, 1)]);
    assert_eq!(Reader { table: &table, withheld: &crossed }.range((0, 0), 50), (1, 42));

    // Two numbers of 2 and a total of 4 beside them: only 1 and 3, 2 and 2, 3 and 1.
    let table = Totalled::new(vec![vec![2, 2], vec![9, 9]]);
    let all_but_totals = BTreeSet::from([(0, 0), (0, 1), (1, 0), (1, 1)]);
    assert_eq!(Reader { table: &table, withheld: &all_but_totals }.range((0, 0), 50), (1, 3));
}

#[test]
fn a_small_number_takes_three_others_with_it_and_no_total_where_there_is_a_choice() {
    let table = Totalled::new(vec![vec![3, 40, 50], vec![60, 70, 80], vec![0, 8, 0]]);
    let expected = BTreeSet::from([(0, 0), (0, 1), (1, 0), (1, 1)]);
    assert_eq!(withheld(&table), expected);
    let table = Totalled::new(vec![vec![5, 40], vec![60, 70]]);
    assert_eq!(withheld(&table), BTreeSet::new(), "5 may be shown");
    let table = Totalled::new(vec![vec![2]]);
    assert_eq!(withheld(&table).len(), 4, "a number and its totals");
    assert_eq!(withheld(&Totalled::new(vec![])), BTreeSet::new());
    // Nothing beside it in its column: a row's total goes with it, the total of all stays.
    let table = Totalled::new(vec![vec![2, 0], vec![0, 70]]);
    assert!(withheld(&table).contains(&(0, 2)), "its row is nothing else");
    hold(vec![vec![2, 0], vec![0, 70]]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the numbers are, none of the small ones follows from what is shown.
    #[test]
    fn no_small_number_can_be_pinned_down(
        rows in (1_usize..5).prop_flat_map(|width| {
            let number = prop_oneof![Just(0), 1_u64..5, 1_u64..5, 5_u64..9, 9_u64..60];
            prop::collection::vec(prop::collection::vec(number, width), 1..5)
        })
    ) {
        hold(rows);
    }
}

fn entry(action: Action, outcome: Outcome, purpose: Option<Purpose>, count: u32) -> Entry {
    let mut bytes = [0; Entry::LEN];
    bytes[..2].copy_from_slice(&Entry::FORMAT.to_be_bytes());
    bytes[2] = action.code();
    bytes[3] = outcome.code();
    bytes[5] = purpose.map_or(0, Purpose::code);
    bytes[240..244].copy_from_slice(&count.to_be_bytes());
    Entry::try_from(&bytes[..]).unwrap()
}

fn shown<C>(kind: Option<OrganisationKind>, of: Option<C>, number: u64) -> Figure<C> {
    Figure { kind, of, number: Some(number) }
}

#[test]
fn answers_are_accesses_whatever_they_showed_and_refusals_are_counted_with_their_counts() {
    let (council, trust) = (OrganisationKind::LocalAuthority, OrganisationKind::NhsTrust);
    let s47 = Some(Purpose::S47Enquiry);
    let mut tally = MonthTally::default();
    for outcome in [
        Outcome::Released,
        Outcome::ReleasedPartial,
        Outcome::BrokerRequired,
        Outcome::NoVisibleContact,
    ] {
        for action in [Action::Ask, Action::AskMany, Action::AskAsBroker] {
            tally.count(&entry(action, outcome, s47, 0), council);
        }
    }
    for _ in 0..7 {
        tally.count(&entry(Action::Ask, Outcome::DeniedPurpose, s47, 0), council);
    }
    tally.count(&entry(Action::CountRefusals, Outcome::TokenUnknown, None, 30), trust);
    // Neither: a contact that was recorded, and the service's own word.
    tally.count(&entry(Action::RecordContact, Outcome::Done, None, 0), trust);
    tally.count(&entry(Action::Anchor, Outcome::Done, None, 9), trust);
    let Figures { accesses, refusals } = tally.figures();
    let expected = [
        shown(Some(council), s47, 12),
        shown(Some(council), None, 12),
        shown(None, s47, 12),
        shown(None, None, 12),
    ];
    assert_eq!(accesses, expected);
    let (purpose, token) = (Some(Outcome::DeniedPurpose), Some(Outcome::TokenUnknown));
    let expected = [
        shown(Some(council), purpose, 7),
        shown(Some(council), None, 7),
        shown(Some(trust), token, 30),
        shown(Some(trust), None, 30),
        shown(None, purpose, 7),
        shown(None, token, 30),
        shown(None, None, 37),
    ];
    assert_eq!(refusals, expected);
}

#[test]
fn a_small_number_is_there_without_its_value() {
    let mut tally = MonthTally::default();
    for (purpose, times) in [(Purpose::S47Enquiry, 3), (Purpose::MashTriage, 20)] {
        for kind in [OrganisationKind::LocalAuthority, OrganisationKind::PoliceForce] {
            for _ in 0..times {
                tally.count(&entry(Action::Ask, Outcome::Released, Some(purpose), 0), kind);
            }
        }
    }
    let accesses = tally.figures().accesses;
    let of = |kind, purpose| {
        let found = accesses.iter().find(|figure| (figure.kind, figure.of) == (kind, purpose));
        found.unwrap().number
    };
    let council = Some(OrganisationKind::LocalAuthority);
    assert_eq!(of(council, Some(Purpose::S47Enquiry)), None);
    assert_eq!(of(council, Some(Purpose::MashTriage)), None, "else its row's total gives it back");
    assert_eq!((of(council, None), of(None, None)), (Some(23), Some(46)));
}

#[test]
fn months_follow_each_other_and_begin_at_midnight() {
    let december = Month::new(2026, 12).unwrap();
    let january = december.next();
    assert_eq!((january.year(), january.number()), (2027, 1));
    assert_eq!(january.begins_ms() - december.begins_ms(), 31 * 24 * 3_600_000);
    assert_eq!(Month::new(1970, 1).unwrap().begins_ms(), 0);
    assert_eq!(Month::of(Date::constant(2026, 12, 31)), december);
    for (year, month) in [(2026, 0), (2026, 13), (1969, 1), (2201, 1)] {
        assert_eq!(Month::new(year, month), None);
    }
}
