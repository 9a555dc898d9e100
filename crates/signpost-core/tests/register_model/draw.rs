//! What is drawn at random: the operations, and what befalls them.

use proptest::prelude::*;
use signpost_core::faulty::Fault;
use signpost_core::terms::{Custody, Purpose, Role};

use super::ops::{Asks, By, Mishap, Op, Row, Step, USED};

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fault = prop::sample::select(vec![Fault::Refuses, Fault::DoesItAndFails, Fault::Dies]);
    let after = prop_oneof![5 => 0..3_u64, 1 => 3..60_u64];
    let mishap =
        prop_oneof![1 => fault.prop_map(Mishap::Fault), 1 => after.prop_map(Mishap::PowerCut)];
    let step = (op(), prop::option::weighted(0.2, mishap));
    prop::collection::vec(step.prop_map(|(op, mishap)| Step { op, mishap }), 1..80)
}

fn op() -> BoxedStrategy<Op> {
    let at_once =
        (change(), change()).prop_map(|(one, other)| Op::AtOnce(Box::new(one), Box::new(other)));
    // Two at once about the same group: the last place is among them.
    let last_place =
        (admin(), admin(), drawn(), row(), row()).prop_map(|(one, other, group, first, second)| {
            let invite =
                |by, row| Box::new(Op::Invite { by, group, people: vec![row], dry_run: false });
            Op::AtOnce(invite(one, first), invite(other, second))
        });
    prop_oneof![
        30 => change(),
        6 => ask(),
        3 => prop_oneof![6 => 1..15_i64, 1 => 15..70_i64].prop_map(Op::Days),
        1 => recover(),
        1 => Just(Op::Restart),
        1 => Just(Op::Turn),
        3 => at_once,
        2 => last_place,
    ]
    .boxed()
}

/// Boxed: together the strategies are too large for a stack.
fn change() -> BoxedStrategy<Op> {
    prop_oneof![8 => access(), 12 => about_people(), 9 => about_tokens(), 4 => connections()]
        .boxed()
}

fn drawn() -> impl Strategy<Value = u16> {
    0..256_u16
}

fn admin() -> impl Strategy<Value = By> {
    prop_oneof![8 => (0..3_u16).prop_map(By::Admin), 1 => drawn().prop_map(By::Anyone)]
}

/// 0 is drawn now and then.
fn seldom_used() -> impl Strategy<Value = u16> {
    prop_oneof![1 => Just(USED), 9 => Just(1)]
}

fn row() -> impl Strategy<Value = Row> {
    let vetted = prop_oneof![20 => 0..900_i64, 3 => 1_000..1_110_i64, 1 => -2..0_i64];
    (0..20_u16, seldom_used(), vetted).prop_map(|(staff, code, vetted_days_ago)| Row {
        staff,
        code,
        vetted_days_ago,
    })
}

fn asks() -> impl Strategy<Value = Asks> {
    let seldom = prop::sample::select(vec![Asks::One, Asks::Nothing, Asks::Wrong]);
    prop_oneof![4 => Just(Asks::All), 2 => seldom]
}

fn access() -> BoxedStrategy<Op> {
    let places = || prop_oneof![12 => 1..8_u32, 1 => Just(0), 1 => Just(501)];
    let days = || prop_oneof![6 => 20..400_i64, 1 => -3..20_i64];
    let sponsor = || prop::option::weighted(0.7, drawn());
    let roles = vec![
        Role::SocialWorker,
        Role::SocialWorkManager,
        Role::NamedNurseDoctor,
        Role::Dsl,
        Role::AdminOnboarding,
        Role::Auditor,
    ];
    let group = (1..3_u8, prop::sample::select(roles), asks(), places(), days(), sponsor());
    let open =
        (admin(), group).prop_map(|(by, (organisation, role, purposes, places, days, sponsor))| {
            Op::Open { by, name: 0, group: 0, organisation, role, purposes, places, days, sponsor }
        });
    let base = prop_oneof![1 => Just(0), 9 => Just(1)];
    let widening = (drawn(), base, asks(), places(), days(), sponsor());
    let widen =
        (admin(), widening).prop_map(|(by, (group, base, purposes, places, days, sponsor))| {
            Op::Widen { by, name: 0, group, base, purposes, places, days, sponsor }
        });
    let narrow = (admin(), drawn(), asks(), places(), days()).prop_map(
        |(by, group, purposes, places, days)| Op::Narrow { by, group, purposes, places, days },
    );
    let approve = (admin(), drawn()).prop_map(|(by, proposal)| Op::Approve { by, proposal });
    let withdraw = (admin(), drawn()).prop_map(|(by, proposal)| Op::Withdraw { by, proposal });
    prop_oneof![4 => open, 3 => widen, 8 => approve, 1 => withdraw, 1 => narrow].boxed()
}

fn about_people() -> BoxedStrategy<Op> {
    let invite = (
        admin(),
        drawn(),
        prop_oneof![12 => 1..3_usize, 1 => 3..5_usize, 1 => Just(0)]
            .prop_flat_map(|rows| prop::collection::vec(row(), rows)),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(by, group, people, dry_run)| Op::Invite { by, group, people, dry_run });
    let recorded = (admin(), drawn(), row()).prop_map(|(by, person, row)| Op::Conditions {
        by,
        person,
        vetted_days_ago: row.vetted_days_ago,
    });
    let moved =
        (admin(), drawn(), drawn()).prop_map(|(by, person, group)| Op::Move { by, person, group });
    let suspend = (admin(), drawn()).prop_map(|(by, person)| Op::Suspend { by, person });
    let resume = (admin(), drawn()).prop_map(|(by, person)| Op::Resume { by, person });
    let remove = (admin(), drawn()).prop_map(|(by, person)| Op::Remove { by, person });
    let sponsor = prop_oneof![3 => Just(By::Sponsor), 1 => drawn().prop_map(By::Anyone)];
    let recertify = (sponsor, drawn()).prop_map(|(by, person)| Op::Recertify { by, person });
    prop_oneof![
        6 => invite,
        2 => recorded,
        3 => moved,
        1 => suspend,
        3 => resume,
        1 => remove,
        3 => recertify,
    ]
    .boxed()
}

fn about_tokens() -> BoxedStrategy<Op> {
    let issue = (admin(), drawn(), seldom_used()).prop_map(|(by, person, code)| Op::IssueCode {
        by,
        person,
        code,
    });
    let over = prop_oneof![1 => Just(0_u16), 15 => Just(1)];
    let redeem = (drawn(), seldom_used(), over).prop_map(|(code, token, over)| Op::Redeem {
        code,
        token,
        over,
    });
    let renew =
        (drawn(), seldom_used()).prop_map(|(by, token)| Op::Renew { by: By::Anyone(by), token });
    let custody = (admin(), drawn(), prop::sample::select(Custody::ALL))
        .prop_map(|(by, token, custody)| Op::Custody { by, token, custody });
    let suspend = (admin(), drawn()).prop_map(|(by, token)| Op::SuspendToken { by, token });
    let resume = (admin(), drawn()).prop_map(|(by, token)| Op::ResumeToken { by, token });
    prop_oneof![3 => issue, 7 => redeem, 2 => renew, 3 => custody, 1 => suspend, 2 => resume]
        .boxed()
}

/// What lets an organisation connect, or no longer.
fn connections() -> BoxedStrategy<Op> {
    let days = || prop_oneof![6 => 20..400_i64, 1 => -3..20_i64];
    let base = prop_oneof![1 => Just(0), 9 => Just(1)];
    // Mostly not of the organisation whose people administer.
    let organisation = prop_oneof![1 => Just(1_u8), 8 => Just(2)];
    let extend =
        (admin(), organisation, base, days()).prop_map(|(by, organisation, base, days)| {
            Op::Extend { by, name: 0, organisation, base, days }
        });
    let admit = (admin(), drawn(), seldom_used(), days())
        .prop_map(|(by, system, certificate, days)| Op::Admit { by, system, certificate, days });
    let issue = (admin(), drawn(), seldom_used()).prop_map(|(by, system, certificate)| Op::Issue {
        by,
        system,
        certificate,
    });
    let next =
        (drawn(), seldom_used()).prop_map(|(over, certificate)| Op::Next { over, certificate });
    let revoke = (admin(), drawn()).prop_map(|(by, certificate)| Op::Revoke { by, certificate });
    let suspend = (admin(), drawn()).prop_map(|(by, system)| Op::SuspendSystem { by, system });
    let resume = (admin(), drawn()).prop_map(|(by, system)| Op::ResumeSystem { by, system });
    prop_oneof![
        4 => extend,
        3 => admit,
        2 => issue,
        4 => next,
        3 => revoke,
        1 => suspend,
        2 => resume,
    ]
    .boxed()
}

fn recover() -> BoxedStrategy<Op> {
    let organisation = prop_oneof![8 => Just(1_u8), 1 => Just(2)];
    let people = prop_oneof![12 => Just(2_usize), 1 => Just(1)]
        .prop_flat_map(|rows| prop::collection::vec(row(), rows));
    let system = prop::option::weighted(0.7, seldom_used());
    let lost = prop::collection::vec(drawn(), 0..4);
    let days = prop_oneof![6 => 20..400_i64, 1 => -3..20_i64];
    (organisation, people, system, lost, days)
        .prop_map(|(organisation, people, system, lost, days)| Op::Recover {
            organisation,
            group: 0,
            people,
            system,
            lost,
            days,
        })
        .boxed()
}

fn ask() -> BoxedStrategy<Op> {
    let purposes = vec![Purpose::S47Enquiry, Purpose::CaseReview, Purpose::EmergencyCareAttendance];
    (drawn(), prop::sample::select(purposes))
        .prop_map(|(by, purpose)| Op::Ask { by: By::Anyone(by), purpose })
        .boxed()
}
