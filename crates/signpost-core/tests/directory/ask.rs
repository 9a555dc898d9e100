use jiff::civil::date;
use signpost_core::id::FlagId;
use signpost_core::policy::Level;
use signpost_core::refusal::Reason;
use signpost_core::release::{CurrentOrPrevious, Details, Signpost, TeamName, Years};
use signpost_core::terms::{
    Action, InvolvementStatus, Namespace, Outcome, Purpose, Relationship, Role, Sensitivity,
    ServiceType,
};
use signpost_core::testing::put_records;

use crate::fixture::*;

/// All that level FULL says of Nora's flag.
fn full() -> Signpost {
    let details = details();
    Signpost {
        involvement: CurrentOrPrevious::Current,
        service_type: Some(ServiceType::HealthVisiting),
        team: Some(TeamName { team: text("Team 11"), organisation: text("Northfield Council") }),
        duty: Some((text("+441632960011"), hours())),
        route: Some(details.route),
        years: None,
        details: Some(Details {
            status: InvolvementStatus::Active,
            lead_practitioner: true,
            assessment_held: false,
            started: details.started,
            ended: None,
            confirmed_on: details.confirmed_on,
            disclosure_basis: details.disclosure_basis,
            subject_informed: details.subject_informed,
            disputed: false,
        }),
    }
}

fn bare() -> Signpost {
    Signpost {
        involvement: CurrentOrPrevious::Current,
        service_type: None,
        team: None,
        duty: None,
        route: None,
        years: None,
        details: None,
    }
}

/// What is left of a full line at each level.
fn at(level: Level) -> Signpost {
    let full = full();
    let years = Some(Years { started: 2020, ended: None });
    match level {
        Level::Nothing | Level::FurtherService => panic!("no line"),
        Level::ServiceTypeYears => Signpost { service_type: full.service_type, years, ..bare() },
        Level::ServiceTypeTeamYears => {
            Signpost { service_type: full.service_type, team: full.team, years, ..bare() }
        }
        Level::Team => Signpost { team: full.team, ..bare() },
        Level::DutyPhone => Signpost { duty: full.duty, ..bare() },
        Level::TeamAndDutyPhone => Signpost { team: full.team, duty: full.duty, ..bare() },
        Level::TeamAndPhone => Signpost { team: full.team, route: full.route, ..bare() },
        Level::Full => full,
    }
}

#[tokio::test]
async fn another_team_of_the_same_organisation_is_someone_else_and_ones_own_is_not() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1]), details()).await;
    assert_eq!(scene.lines(NORA, &child(&[1])).await, 0, "her own flag");
    assert_eq!(scene.lines(NED, &child(&[1])).await, 0, "the flag of his own team");
    assert_eq!(scene.lines(MASHA, &child(&[1])).await, 1, "another team of the same council");
    assert_eq!(scene.lines(SAM, &child(&[1])).await, 1, "another council");
    assert_eq!(scene.lines(SAM, &child(&[2])).await, 0, "another child");
}

#[tokio::test]
async fn an_answer_says_all_that_its_level_releases() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1]), details()).await;
    let answer = scene.ask(SAM, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    assert_eq!(answer.signposts, [full()]);
    assert!(!answer.further_service);
    let entry = scene.entry(answer.receipt).await;
    assert_eq!(entry.action(), Action::Ask);
    assert_eq!(entry.outcome(), Outcome::Released);
    assert_eq!(entry.actor(), Some(SAM.actor()));
    assert_eq!(entry.role(), Some(Role::SocialWorker));
    assert_eq!(entry.purpose(), Some(Purpose::S47Enquiry));
    assert_eq!(entry.released(), Level::Full.bit());
    let openings = scene.store.openings(answer.receipt, NO_LIMIT).await.unwrap();
    assert_eq!(openings.len(), 1);
    assert_eq!(*openings[0].1.subject(), child(&[1]));
    assert_eq!(openings[0].1.commitment(), entry.commitment());
}

#[tokio::test]
async fn a_flag_is_found_by_each_of_its_pseudonyms_and_once_by_both() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1, 101]), details()).await;
    assert_eq!(scene.lines(SAM, &child(&[1])).await, 1);
    assert_eq!(scene.lines(SAM, &child(&[101])).await, 1);
    let both = child(&[101, 1]);
    let answer = scene.ask(SAM, Purpose::S47Enquiry, &both).await.unwrap();
    assert_eq!(answer.signposts.len(), 1);
    assert_eq!(answer.searched, [Namespace::Upn, Namespace::Nhs]);
}

#[tokio::test]
async fn each_sensitivity_in_each_row_is_released_as_the_matrix_says() {
    let [standard, restricted, existence, hidden] =
        [[1], [2], [3], [4]].map(|number| child(&number));
    let scene = Scene::new().await;
    scene.record(NORA, &standard, details()).await;
    scene.record(NORA, &restricted, of(Sensitivity::Restricted)).await;
    scene.record(NORA, &existence, of(Sensitivity::SensitiveExistence)).await;
    scene.record(NORA, &hidden, of(Sensitivity::Hidden)).await;

    let rows = [
        (SAM, Purpose::S47Enquiry, [Level::Full, Level::TeamAndDutyPhone, Level::FurtherService]),
        (PAUL, Purpose::TransferIn, [Level::Full, Level::TeamAndDutyPhone, Level::FurtherService]),
        (
            EDDIE,
            Purpose::EmergencyCareAttendance,
            [Level::TeamAndPhone, Level::DutyPhone, Level::Nothing],
        ),
        (NINA, Purpose::MissingChild, [Level::TeamAndPhone, Level::DutyPhone, Level::Nothing]),
        (ELLA, Purpose::EarlyHelpAssessment, [Level::Team, Level::Nothing, Level::Nothing]),
        (YUSUF, Purpose::TransferIn, [Level::Team, Level::Nothing, Level::Nothing]),
        (
            NINA,
            Purpose::ChildDeathReview,
            [Level::ServiceTypeTeamYears, Level::ServiceTypeYears, Level::Nothing],
        ),
        (
            SUE,
            Purpose::CaseReview,
            [Level::ServiceTypeTeamYears, Level::ServiceTypeYears, Level::Nothing],
        ),
    ];
    for (who, purpose, [on_standard, on_restricted, on_existence]) in rows {
        for (child, level) in [
            (&standard, on_standard),
            (&restricted, on_restricted),
            (&existence, on_existence),
            (&hidden, Level::Nothing),
        ] {
            let answer = scene.ask(who, purpose, child).await.unwrap();
            let (lines, outcome) = match level {
                Level::Nothing => (vec![], Outcome::NoVisibleContact),
                Level::FurtherService => (vec![], Outcome::BrokerRequired),
                Level::Full => (vec![full()], Outcome::Released),
                level => (vec![at(level)], Outcome::ReleasedPartial),
            };
            assert_eq!(answer.signposts, lines, "{who:?} for {purpose:?}");
            assert_eq!(answer.further_service, level == Level::FurtherService);
            let entry = scene.entry(answer.receipt).await;
            assert_eq!((entry.outcome(), entry.released()), (outcome, level.bit()));
        }
    }
}

#[tokio::test]
async fn an_answer_of_many_flags_is_in_order_and_its_entry_has_all_levels() {
    let scene = Scene::new().await;
    let child = child(&[1]);
    let started = |day| details_with(|details| details.started = day);
    scene.record(NORA, &child, started(date(2021, 1, 1))).await;
    scene.record(EDDIE, &child, started(date(2024, 1, 1))).await;
    scene
        .record(
            MASHA,
            &child,
            details_with(|details| {
                details.started = date(2025, 1, 1);
                details.ended = Some(date(2026, 1, 1));
                details.sensitivity = Sensitivity::Restricted;
            }),
        )
        .await;
    scene.record(PAUL, &child, of(Sensitivity::SensitiveExistence)).await;
    scene.record(ELLA, &child, of(Sensitivity::Hidden)).await;

    let answer = scene.ask(SAM, Purpose::S47Enquiry, &child).await.unwrap();
    let teams: Vec<String> = answer
        .signposts
        .iter()
        .map(|line| line.team.as_ref().unwrap().team.as_str().to_owned())
        .collect();
    assert_eq!(teams, ["Team 31", "Team 11", "Team 12"], "current first, the latest first");
    assert!(answer.further_service);
    let entry = scene.entry(answer.receipt).await;
    assert_eq!(entry.outcome(), Outcome::ReleasedPartial);
    let levels = [Level::Full, Level::TeamAndDutyPhone, Level::FurtherService];
    assert_eq!(entry.released(), levels.iter().fold(0, |bits, level| bits | level.bit()));
}

/// Where only years may be seen, or nothing of when, the order does not tell the day either.
#[tokio::test]
async fn lines_are_in_the_order_of_their_days_only_where_those_may_be_seen() {
    let scene = Scene::new().await;
    let child = child(&[1]);
    let mut flags = Vec::new();
    for (who, year) in [(NORA, 2022), (MASHA, 2025), (EDDIE, 2021), (PAUL, 2024), (ELLA, 2023)] {
        let started = details_with(|details| details.started = date(year, 1, 1));
        let flag = scene.record(who, &child, started).await;
        flags.push((flag, year, format!("Team {}", who.team)));
    }
    let mut teams_shown = Vec::new();
    for (who, purpose) in [(SAM, Purpose::S47Enquiry), (YUSUF, Purpose::TransferIn)] {
        let lines = scene.ask(who, purpose, &child).await.unwrap().signposts;
        let team = |line: Signpost| line.team.unwrap().team.as_str().to_owned();
        teams_shown.push(lines.into_iter().map(team).collect::<Vec<_>>());
    }
    let mut teams_sorted = Vec::new();
    flags.sort_by_key(|(_, year, _)| std::cmp::Reverse(*year));
    teams_sorted.push(flags.iter().map(|(.., team)| team.clone()).collect::<Vec<_>>());
    flags.sort_by_key(|(flag, ..)| *flag);
    teams_sorted.push(flags.iter().map(|(.., team)| team.clone()).collect::<Vec<_>>());
    assert_eq!(teams_shown, teams_sorted, "by their days, and by their ids");
}

#[tokio::test]
async fn an_ended_involvement_grows_coarser_with_age_and_goes() {
    let scene = Scene::new().await;
    let child = child(&[1]);
    scene.record(NORA, &child, ended(date(2026, 6, 14))).await;
    let ask = async |purpose| scene.ask(SUE, purpose, &child).await.unwrap().signposts;

    let line = &ask(Purpose::S47Enquiry).await[0];
    assert_eq!(line.involvement, CurrentOrPrevious::Previous);
    assert_eq!(line.details.as_ref().unwrap().ended, Some(date(2026, 6, 14)));
    assert_eq!(ask(Purpose::S17Assessment).await.len(), 1);
    assert_eq!(scene.ask(ELLA, Purpose::TransferIn, &child).await.unwrap().signposts, []);

    scene.clock.step_days(364); // 14 June 2027: 12 months on
    assert!(ask(Purpose::S47Enquiry).await[0].details.is_some());
    scene.clock.step_days(1);
    let years = Some(Years { started: 2020, ended: Some(2026) });
    let coarse = Signpost {
        involvement: CurrentOrPrevious::Previous,
        years,
        ..at(Level::ServiceTypeTeamYears)
    };
    assert_eq!(ask(Purpose::S47Enquiry).await, std::slice::from_ref(&coarse));
    assert_eq!(ask(Purpose::CaseReview).await, std::slice::from_ref(&coarse));
    assert_eq!(ask(Purpose::S17Assessment).await, []);

    scene.clock.step_days(5 * 365 + 1); // 14 June 2032: 6 years on
    assert_eq!(scene.today(), date(2032, 6, 14));
    assert_eq!(ask(Purpose::ChildDeathReview).await, [coarse]);
    scene.clock.step_days(1);
    assert_eq!(ask(Purpose::ChildDeathReview).await, []);
}

#[tokio::test]
async fn what_is_erroneous_or_kept_no_longer_is_not_answered() {
    let scene = Scene::new().await;
    let child = child(&[1]);
    scene.record(NORA, &child, details_with(|details| details.in_error = true)).await;
    let until = scene.today().tomorrow().unwrap();
    scene.record(PAUL, &child, details_with(|details| details.retain_until = Some(until))).await;
    scene.clock.step_days(1);
    assert_eq!(scene.lines(SAM, &child).await, 1, "kept on its last day");
    scene.clock.step_days(1);
    scene.assert_nothing(SAM, &child).await;
}

#[tokio::test]
async fn a_child_with_more_flags_than_a_page_is_answered_and_written_whole() {
    let scene = Scene::new().await;
    put_records(&*scene.store, (1..=600).map(|id| flag(1, id, Sensitivity::Standard)))
        .await
        .unwrap();
    assert_eq!(scene.lines(SAM, &child(&[1])).await, 600);
    scene.record(PAUL, &child(&[1]), details()).await;
    assert_eq!(scene.lines(SAM, &child(&[1])).await, 601);
    for number in [1, 300, 600] {
        let flag = FlagId::new(u128::to_be_bytes(number));
        scene.end(NORA, &child(&[1]), flag, scene.today()).await.unwrap();
    }
    scene.shield(SUE, &child(&[1])).await.unwrap();
    scene.assert_nothing(SAM, &child(&[1])).await;
}

#[tokio::test]
async fn a_question_of_a_caseload_is_told_apart_in_the_ledger() {
    let scene = Scene::new().await;
    let question = question(Purpose::S47Enquiry, &child(&[1]));
    let asked = scene.directory.ask(&SAM.presented(), &Ok(question), Action::AskMany).await;
    assert_eq!(scene.entry(asked.unwrap().receipt).await.action(), Action::AskMany);
}

#[tokio::test]
async fn the_same_question_again_is_not_linked_by_its_entry() {
    let scene = Scene::new().await;
    let first = scene.ask(SAM, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    let second = scene.ask(SAM, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    let commitments = [scene.entry(first.receipt).await, scene.entry(second.receipt).await]
        .map(|e| e.commitment());
    assert_ne!(commitments[0], commitments[1]);
}

#[tokio::test]
async fn the_entry_of_a_question_says_why_it_was_asked() {
    let scene = Scene::new().await;
    let answer = scene.ask(SAM, Purpose::S47Enquiry, &child(&[1])).await.unwrap();
    let entry = scene.entry(answer.receipt).await;
    assert_eq!(entry.purpose(), Some(Purpose::S47Enquiry));
    assert_eq!(entry.as_bytes()[6], Relationship::AllocatedCase.code());
}

/// Before the first question of a caseload: leave is not on record, a refusal is.
#[tokio::test]
async fn who_may_not_ask_is_refused_a_caseload_before_its_first_question() {
    let scene = Scene::new().await;
    let before = scene.entries().await.len();
    scene.directory.may_ask_many(&SAM.presented()).await.unwrap();
    assert_eq!(scene.entries().await.len(), before);
    let presented = DORA.presented();
    let refused = scene.directory.may_ask_many(&presented);
    scene.assert_refused_next(refused, Reason::Role).await;
}
