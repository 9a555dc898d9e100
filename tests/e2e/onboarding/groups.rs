//! Limited groups: proposed, approved by a different name, filled up to their cap, and ended.

use std::collections::BTreeSet;

use jiff::ToSpan;
use signpost::entropy::SystemEntropy;
use signpost_core::entry::Entry;
use signpost_core::terms::{Action, Outcome};
use signpost_core::token::EnrolmentCode;
use signpost_proto::v1;
use signpost_proto::v1::propose_access_request::Change;

use super::{Eastmoor, Scene, reason};
use crate::harness::{Administrators, date, invitation, redeem, request_id};

#[tokio::test(flavor = "multi_thread")]
async fn two_administrators_let_a_group_of_three_in_and_one_suspends_on_an_open_connection() {
    let scene = Scene::new().await;
    let Eastmoor { team, system, .. } = scene.eastmoor(300).await;
    let by = &scene.by;
    let proposal = by.propose(by.group(&team, 3)).await.unwrap();
    let alone =
        v1::ApproveAccessRequest { request_id: request_id(), proposal_id: proposal.clone() };
    assert_eq!(reason(by.first.approve_access(alone).await), "DENIED_SAME_NAME");
    assert!(by.groups(&team.organisation_id).await.is_empty());
    by.approve(proposal.clone()).await.unwrap();
    assert_eq!(reason(by.approve(proposal).await), "WRONG_STATE", "it is done once");

    let group = by.groups(&team.organisation_id).await.swap_remove(0);
    let invited = by.invite(&group.group_id, &["E1", "E2", "E3"]).await.unwrap();
    assert_eq!(reason(by.invite(&group.group_id, &["E4"]).await), "GROUP_FULL");
    assert_eq!(by.groups(&team.organisation_id).await[0].members, 3);

    let token = redeem(&system, &invited[0].code).await.unwrap();
    let worker = system.with_token(&token.to_text());
    assert_eq!(scene.ask(&worker).await, None);
    let person_id = invited[0].person_id.clone();
    let suspend =
        v1::SuspendPersonRequest { request_id: request_id(), person_id: person_id.clone() };
    by.first.suspend_person(suspend).await.unwrap();
    assert_eq!(scene.ask(&worker).await.as_deref(), Some("DENIED_SUSPENDED"));
    let resume = v1::ResumePersonRequest { request_id: request_id(), person_id };
    by.first.resume_person(resume).await.unwrap();
    assert_eq!(scene.ask(&worker).await, None);
    let standings: Vec<_> =
        by.people(&group.group_id).await.iter().map(v1::Person::standing).collect();
    let (active, invited) = (v1::PersonStanding::Active, v1::PersonStanding::Invited);
    assert_eq!(standings, [active, invited, invited]);

    let ledger = scene.service.ledger().await;
    let full = ledger.requests().filter(|entry| entry.outcome() == Outcome::GroupFull);
    assert_eq!(full.map(Entry::action).collect::<Vec<_>>(), [Action::InvitePeople]);
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_administrators_at_once_do_not_both_get_the_last_place() {
    let scene = Scene::new().await;
    let team = scene.northfield().await;
    let by = &scene.by;
    let other = Administrators { first: by.second.clone(), ..by.clone() };
    for round in 0..5 {
        let group = by.open(by.group(&team, 1)).await;
        let staff = [format!("A-{round}"), format!("B-{round}")];
        let [one, two] = staff.each_ref().map(|staff| [staff.as_str()]);
        let (one, two) =
            tokio::join!(by.invite(&group.group_id, &one), other.invite(&group.group_id, &two),);
        let (won, lost) = if one.is_ok() { (one, two) } else { (two, one) };
        assert!(won.is_ok());
        assert_eq!(reason(lost), "GROUP_FULL");
        assert_eq!(by.people(&group.group_id).await.len(), 1);
    }
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_are_invited_in_one_call_and_a_look_alone_writes_nothing() {
    let scene = Scene::new().await;
    let team = scene.northfield().await;
    let by = &scene.by;
    let group = by.open(by.group(&team, 500)).await;
    let each = (0..500).map(|number| {
        let code = EnrolmentCode::new(SystemEntropy.bytes());
        invitation(&format!("{number:0>64}"), &code, by.today)
    });
    let mut request = v1::InvitePeopleRequest {
        request_id: request_id(),
        group_id: group.group_id.clone(),
        people: each.collect(),
        validate_only: true,
    };
    let looked = by.first.invite_people(request.clone()).await.unwrap();
    assert_eq!(looked.people, 500);
    assert!(by.people(&group.group_id).await.is_empty());
    request.request_id = request_id();
    request.validate_only = false;
    let invited = by.first.invite_people(request.clone()).await.unwrap();
    assert_eq!(by.first.invite_people(request.clone()).await.unwrap(), invited, "a repeat");
    assert_eq!(by.people(&group.group_id).await.len(), 500);
    request.people.push(request.people[0].clone());
    assert_eq!(reason(by.first.invite_people(request).await), "REQUEST_ID_REUSED");
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_widened_by_two_names_and_narrowed_by_one() {
    let scene = Scene::new().await;
    let team = scene.northfield().await;
    let by = &scene.by;
    let system = scene.northfield_system();
    let worker = scene.worker(by.group(&team, 1), &system, "W1").await;
    let group = worker.group;
    let widening = v1::GroupWidening {
        group_id: group.group_id.clone(),
        version: group.version,
        members_max: 2,
        valid_until: group.valid_until,
        purposes: group.purposes.clone(),
        sponsor_id: String::new(),
    };
    let wider = by.propose_change(Some(Change::WidenGroup(widening.clone()))).await.unwrap();
    let outdated = by.propose_change(Some(Change::WidenGroup(widening))).await.unwrap();
    by.approve(wider.clone()).await.unwrap();
    assert_eq!(reason(by.approve(outdated.clone()).await), "OUTDATED");
    by.invite(&group.group_id, &["W2"]).await.unwrap();

    let narrow = |members_max, until| v1::NarrowGroupRequest {
        request_id: request_id(),
        group_id: group.group_id.clone(),
        members_max,
        valid_until: Some(until),
        purposes: group.purposes.clone(),
    };
    assert_eq!(reason(by.first.narrow_group(narrow(3, scene.day(1))).await), "WRONG_STATE");
    assert_eq!(scene.ask(&worker.caller).await, None);
    by.first.narrow_group(narrow(2, scene.day(-1))).await.unwrap();
    assert_eq!(scene.ask(&worker.caller).await.as_deref(), Some("DENIED_EXPIRED"));

    let withdraw =
        v1::WithdrawProposalRequest { request_id: request_id(), proposal_id: outdated.clone() };
    by.second.withdraw_proposal(withdraw).await.unwrap();
    let all = by.first.list_proposals(v1::ListProposalsRequest::default()).await.unwrap();
    let state = |id: &str| {
        let found = all.proposals.iter().find(|one| one.proposal_id == id);
        found.expect("it is listed").state()
    };
    assert_eq!(state(&wider), v1::ProposalState::Approved);
    assert_eq!(state(&outdated), v1::ProposalState::Withdrawn);
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_follows_another_until_everything_was_listed_once() {
    let scene = Scene::new().await;
    scene.eastmoor(300).await;
    let mut request = v1::ListOrganisationsRequest { page_size: 1, page_token: String::new() };
    let mut names = BTreeSet::new();
    for page in 1.. {
        let listed = scene.by.first.list_organisations(request.clone()).await.unwrap();
        assert!(listed.organisations.len() <= 1);
        for organisation in listed.organisations {
            assert!(names.insert(organisation.name), "listed twice");
        }
        request.page_token = listed.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
        assert!(page < 10, "there is an end");
    }
    let expected = [
        "Ashgrove Hospice",
        "Development",
        "Eastmoor Trust",
        "Northfield Council",
        "Southmoor Trust",
        "Westbury School",
    ];
    assert!(names.iter().map(String::as_str).eq(expected), "{names:?}");
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_id_gives_the_first_result_and_another_request_under_it_is_refused() {
    let scene = Scene::new().await;
    let by = &scene.by;
    let organisation = scene.organisation("RXE", 300);
    let first = by.first.register_organisation(organisation.clone()).await.unwrap();
    assert_eq!(by.first.register_organisation(organisation.clone()).await.unwrap(), first);
    let mut other = organisation;
    other.name = "Another Trust".to_owned();
    assert_eq!(reason(by.first.register_organisation(other.clone()).await), "REQUEST_ID_REUSED");
    other.request_id = request_id();
    assert_eq!(reason(by.first.register_organisation(other).await), "ALREADY_REGISTERED");

    let team = scene.northfield().await;
    let proposal_id = by.propose(by.group(&team, 1)).await.unwrap();
    let approve = v1::ApproveAccessRequest { request_id: request_id(), proposal_id };
    let approved = by.second.approve_access(approve.clone()).await.unwrap();
    assert_eq!(by.second.approve_access(approve).await.unwrap(), approved);
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_that_is_changed_is_shown_as_it_is_and_a_proposal_waits_14_days() {
    let scene = Scene::new().await;
    let Eastmoor { team, .. } = scene.eastmoor(300).await;
    let by = &scene.by;
    let change = v1::ChangeTeamRequest {
        request_id: request_id(),
        team_id: team.team_id.clone(),
        name: "Children's Ward".to_owned(),
        duty_phone: team.duty_phone.clone(),
    };
    by.first.change_team(change).await.unwrap();
    assert_eq!(by.team(&team.organisation_id).await.name, "Children's Ward");
    let late = by.propose(by.group(&team, 1)).await.unwrap();
    scene.service.world.clock().step_days(15);
    assert_eq!(reason(by.approve(late.clone()).await), "WRONG_STATE");
    let all = by.first.list_proposals(v1::ListProposalsRequest::default()).await.unwrap();
    let late = all.proposals.iter().find(|one| one.proposal_id == late).unwrap();
    assert_eq!(late.state(), v1::ProposalState::Expired);
    let past = date(by.today.saturating_add(10.days()));
    let over = v1::Group { valid_until: Some(past), ..by.group(&team, 1) };
    assert_eq!(reason(by.propose(over).await), "INVALID");
    scene.service.stop().await;
}
