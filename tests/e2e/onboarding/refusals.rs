//! Malformed requests of onboarding: each wrong field named, none of their values told, all on
//! record.

use std::fmt::Debug;
use std::future::Future;

use signpost_core::terms::{Action, Outcome};
use signpost_proto::v1;
use signpost_proto::v1::propose_access_request::Change;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{Scene, duty_phone};
use crate::harness::{conditions, request_id};

/// What no field takes, and what must not come back.
const TEXT: &str = "Johnny Northfield? 12 Mill Lane";
/// A valid number in a range that is nobody's, and how people write it.
const IDENTIFIERS: [&str; 3] = ["9990000018", "999 000 0018", "B801200005001"];

/// Makes something wrong of a well-formed message.
type Bend<M> = fn(&mut M, &str);

/// That this call is refused for these fields alone, says none of the values, and is on record.
async fn assert_wrong<T: Debug>(
    scene: &Scene,
    action: Action,
    fields: &[&str],
    value: &str,
    call: impl Future<Output = Result<T, Status>>,
) {
    let status = call.await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument, "{fields:?}: {status:?}");
    let details = status.get_error_details();
    let wrong = &details.bad_request().unwrap().field_violations;
    let found: Vec<&str> = wrong.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(found, fields);
    let told = format!("{status:?}{details:?}{}", String::from_utf8_lossy(status.details()));
    assert!(value.len() < 5 || !told.contains(value), "{fields:?}: the value comes back");
    let receipt = details.error_info().unwrap().metadata["receipt"].parse().unwrap();
    let ledger = scene.service.ledger().await;
    let entry = ledger.at(receipt);
    assert_eq!((entry.action(), entry.outcome()), (action, Outcome::Invalid));
}

/// Bends a well-formed message in each of these ways, and makes the call with it.
macro_rules! each_is_wrong {
    ($scene:expr, $action:ident, $call:ident, $message:ident, $good:expr, $cases:expr) => {
        let cases: &[(&str, &str, Bend<v1::$message>)] = &$cases;
        for (field, value, bend) in cases {
            let mut bent = $good;
            bend(&mut bent, value);
            let call = $scene.by.first.$call(bent);
            assert_wrong(&$scene, Action::$action, &[field], value, call).await;
        }
    };
}

const NO_DAY: Option<v1::Date> = Some(v1::Date { year: 2026, month: 2, day: 30 });
const AHEAD: Option<v1::Date> = Some(v1::Date { year: 2026, month: 6, day: 16 });
const LONG_AGO: Option<v1::Date> = Some(v1::Date { year: 2023, month: 6, day: 14 });

fn group(request: &mut v1::ProposeAccessRequest) -> &mut v1::Group {
    let Some(Change::OpenGroup(group)) = &mut request.change else { unreachable!() };
    group
}

fn checked(request: &mut v1::InvitePeopleRequest) -> &mut v1::Conditions {
    request.people[1].conditions.as_mut().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn organisations_teams_and_systems_name_each_wrong_field() {
    let scene = Scene::new().await;
    let good = scene.organisation("RXE", 300);
    each_is_wrong!(
        scene,
        RegisterOrganisation,
        register_organisation,
        RegisterOrganisationRequest,
        good.clone(),
        [
            ("request_id", TEXT, |r, v| {
                r.request_id = v.into();
            }),
            ("kind", "", |r, _| r.kind = 0),
            ("kind", "", |r, _| r.kind = 10),
            ("code_scheme", "", |r, _| r.code_scheme = 4),
            ("code", TEXT, |r, v| r.code = v.into()),
            ("code", IDENTIFIERS[0], |r, v| r.code = v.into()),
            ("code", "RXELOWERrxe", |r, v| r.code = v.into()),
            ("code", "RXE12345", |r, v| {
                r.code = v.into();
                r.code_scheme = v1::CodeScheme::Urn.into();
            }),
            ("name", TEXT, |r, v| r.name = v.into()),
            ("name", IDENTIFIERS[1], |r, v| r.name = v.into()),
            ("name", IDENTIFIERS[2], |r, v| r.name = v.into()),
            ("area", "E1000000X", |r, v| r.area = v.into()),
            ("authority", "", |r, _| r.authority = 6),
            ("authority_until", "", |r, _| r.authority_until = None),
            ("authority_until", "", |r, _| r.authority_until = NO_DAY),
            ("authority_until", "", |r, _| {
                r.authority_until = Some(v1::Date { year: 2026, month: 6, day: 14 });
            }),
        ]
    );
    let team = v1::AddTeamRequest {
        request_id: request_id(),
        organisation_id: request_id(),
        name: "Ward".to_owned(),
        duty_phone: Some(duty_phone()),
    };
    each_is_wrong!(
        scene,
        AddTeam,
        add_team,
        AddTeamRequest,
        team.clone(),
        [
            ("organisation_id", TEXT, |r, v| {
                r.organisation_id = v.into();
            }),
            ("name", IDENTIFIERS[0], |r, v| r.name = v.into()),
            ("duty_phone", "", |r, _| r.duty_phone = None),
            ("duty_phone.phone", TEXT, |r, v| r.duty_phone.as_mut().unwrap().phone = v.into()),
            ("duty_phone.phone", "+9990000018", |r, v| {
                r.duty_phone.as_mut().unwrap().phone = v.into();
            }),
            ("duty_phone.hours", "", |r, _| r.duty_phone.as_mut().unwrap().hours = None),
        ]
    );
    let system = v1::RegisterSystemRequest { name: TEXT.to_owned(), ..Default::default() };
    let fields = ["request_id", "organisation_id", "name"];
    let call = scene.by.first.register_system(system);
    assert_wrong(&scene, Action::RegisterSystem, &fields, TEXT, call).await;
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn proposals_and_groups_name_each_wrong_field() {
    let scene = Scene::new().await;
    let team = scene.northfield().await;
    let good = v1::ProposeAccessRequest {
        request_id: request_id(),
        change: Some(Change::OpenGroup(scene.by.group(&team, 3))),
    };
    each_is_wrong!(
        scene,
        ProposeAccess,
        propose_access,
        ProposeAccessRequest,
        good.clone(),
        [
            ("change", "", |r, _| r.change = None),
            ("open_group.group_id", "", |r, _| group(r).group_id = request_id()),
            ("open_group.version", "", |r, _| group(r).version = 1),
            ("open_group.members", "", |r, _| group(r).members = 1),
            ("open_group.organisation_id", TEXT, |r, v| group(r).organisation_id = v.into()),
            ("open_group.team_id", TEXT, |r, v| group(r).team_id = v.into()),
            ("open_group.role", "", |r, _| group(r).role = 17),
            ("open_group.purposes[1]", "", |r, _| group(r).purposes[1] = 14),
            ("open_group.purposes", "", |r, _| group(r).purposes.clear()),
            ("open_group.purposes", "", |r, _| group(r).purposes[1] = group(r).purposes[0]),
            ("open_group.members_max", "", |r, _| group(r).members_max = 0),
            ("open_group.members_max", "", |r, _| group(r).members_max = 501),
            ("open_group.valid_from", "", |r, _| group(r).valid_from = NO_DAY),
            ("open_group.valid_until", "", |r, _| group(r).valid_until = None),
            ("open_group.valid_until", "", |r, _| group(r).valid_until =
                group(r).valid_from.map(|day| v1::Date { year: day.year - 1, ..day })),
            ("open_group.sponsor_id", TEXT, |r, v| group(r).sponsor_id = v.into()),
            ("open_group.sponsor_id", "", |r, _| group(r).sponsor_id = request_id()),
        ]
    );
    let widening = Change::WidenGroup(v1::GroupWidening {
        group_id: TEXT.to_owned(),
        purposes: vec![99],
        sponsor_id: TEXT.to_owned(),
        ..Default::default()
    });
    let fields = ["group_id", "valid_until", "purposes[0]", "sponsor_id"];
    let fields = fields.map(|field| format!("widen_group.{field}"));
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let request = v1::ProposeAccessRequest { change: Some(widening), ..good.clone() };
    let call = scene.by.first.propose_access(request);
    assert_wrong(&scene, Action::ProposeAccess, &fields, TEXT, call).await;
    let extension = Change::ExtendAuthority(v1::AuthorityExtension::default());
    let fields = ["organisation_id", "authority", "authority_until"];
    let fields = fields.map(|field| format!("extend_authority.{field}"));
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let request = v1::ProposeAccessRequest { change: Some(extension), ..good };
    let call = scene.by.first.propose_access(request);
    assert_wrong(&scene, Action::ProposeAccess, &fields, "", call).await;
    let narrow = v1::NarrowGroupRequest { purposes: vec![0], ..Default::default() };
    let fields = ["request_id", "group_id", "valid_until", "purposes[0]"];
    let call = scene.by.first.narrow_group(narrow);
    assert_wrong(&scene, Action::NarrowGroup, &fields, "", call).await;
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_codes_and_tokens_name_each_wrong_field() {
    let scene = Scene::new().await;
    let team = scene.northfield().await;
    let group = scene.by.open(scene.by.group(&team, 3)).await;
    let one = |staff: &str, byte| v1::Invitation {
        staff_reference: staff.to_owned(),
        conditions: Some(conditions(scene.by.today)),
        code_hash: vec![byte; 32],
    };
    let good = v1::InvitePeopleRequest {
        request_id: request_id(),
        group_id: group.group_id,
        people: vec![one("S1", 1), one("S2", 2)],
        validate_only: false,
    };
    each_is_wrong!(
        scene,
        InvitePeople,
        invite_people,
        InvitePeopleRequest,
        good.clone(),
        [
            ("group_id", TEXT, |r, v| r.group_id = v.into()),
            ("people", "", |r, _| r.people.clear()),
            ("people", "", |r, _| r.people = vec![r.people[0].clone(); 501]),
            ("people[1]", "", |r, _| r.people[1].staff_reference = "S1".to_owned()),
            ("people[1]", "", |r, _| r.people[1].code_hash = vec![1; 32]),
            ("people[1].staff_reference", TEXT, |r, v| r.people[1].staff_reference = v.into()),
            ("people[0].staff_reference", IDENTIFIERS[0], |r, v| {
                r.people[0].staff_reference = v.into();
            }),
            ("people[0].staff_reference", IDENTIFIERS[2], |r, v| {
                r.people[0].staff_reference = v.into();
            }),
            ("people[1].code_hash", "", |r, _| r.people[1].code_hash.truncate(31)),
            ("people[1].conditions", "", |r, _| r.people[1].conditions = None),
            ("people[1].conditions.vetting_on", "", |r, _| checked(r).vetting_on = LONG_AGO),
            ("people[1].conditions.vetting_on", "", |r, _| checked(r).vetting_on = None),
            ("people[1].conditions.barred_list_checked_on", "", |r, _| {
                checked(r).barred_list_checked_on = AHEAD;
            }),
            ("people[1].conditions.training_on", "", |r, _| checked(r).training_on = AHEAD),
            ("people[1].conditions.agreement_signed_on", "", |r, _| {
                checked(r).agreement_signed_on = NO_DAY;
            }),
        ]
    );
    let by = &scene.by.first;
    let custody = v1::RecordCustodyRequest {
        request_id: TEXT.to_owned(),
        person_id: TEXT.to_owned(),
        token_id: TEXT.to_owned(),
        custody: 5,
    };
    let fields = ["request_id", "person_id", "token_id", "custody"];
    let call = by.record_custody(custody);
    assert_wrong(&scene, Action::RecordCustody, &fields, TEXT, call).await;
    let redeem = v1::RedeemCodeRequest { code: TEXT.to_owned(), token_hash: vec![1; 33] };
    let call = by.redeem_code(redeem);
    assert_wrong(&scene, Action::RedeemCode, &["code", "token_hash"], TEXT, call).await;
    let revoke = v1::RevokeCertificateRequest { request_id: request_id(), fingerprint: vec![] };
    let call = by.revoke_certificate(revoke);
    assert_wrong(&scene, Action::RevokeCertificate, &["fingerprint"], "", call).await;
    scene.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_name_each_wrong_field() {
    let scene = Scene::new().await;
    let request = v1::ListGroupsRequest {
        organisation_id: TEXT.to_owned(),
        page_size: 501,
        page_token: TEXT.to_owned(),
    };
    let fields = ["organisation_id", "page_size", "page_token"];
    let call = scene.by.first.list_groups(request);
    assert_wrong(&scene, Action::ListRegister, &fields, TEXT, call).await;
    let request = v1::ListPeopleRequest { group_id: TEXT.to_owned() };
    let call = scene.by.first.list_people(request);
    assert_wrong(&scene, Action::ListRegister, &["group_id"], TEXT, call).await;
    scene.service.stop().await;
}

/// Makes each call with an empty message, and says which fields it must name.
macro_rules! empty_is_wrong {
    ($scene:expr, $($call:ident($message:ident) at $action:ident names $fields:expr;)+) => {$(
        let call = $scene.by.first.$call(v1::$message::default());
        assert_wrong(&$scene, Action::$action, &$fields, "", call).await;
    )+};
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_message_names_every_field_that_it_lacks() {
    let scene = Scene::new().await;
    let person = ["request_id", "person_id"];
    let token = ["request_id", "person_id", "token_id"];
    empty_is_wrong! {
        scene,
        change_team(ChangeTeamRequest) at ChangeTeam
            names ["request_id", "team_id", "name", "duty_phone"];
        suspend_system(SuspendSystemRequest) at SuspendSystem names ["request_id", "system_id"];
        resume_system(ResumeSystemRequest) at ResumeSystem names ["request_id", "system_id"];
        admit_certificate(AdmitCertificateRequest) at AdmitCertificate
            names ["request_id", "system_id", "presented"];
        revoke_certificate(RevokeCertificateRequest) at RevokeCertificate
            names ["request_id", "fingerprint"];
        renew_certificate(RenewCertificateRequest) at RenewCertificate names ["certificate_request"];
        propose_access(ProposeAccessRequest) at ProposeAccess names ["request_id", "change"];
        approve_access(ApproveAccessRequest) at ApproveAccess names ["request_id", "proposal_id"];
        withdraw_proposal(WithdrawProposalRequest) at WithdrawProposal
            names ["request_id", "proposal_id"];
        record_conditions(RecordConditionsRequest) at RecordConditions
            names ["request_id", "person_id", "conditions"];
        recertify(RecertifyRequest) at Recertify names person;
        suspend_person(SuspendPersonRequest) at SuspendPerson names person;
        resume_person(ResumePersonRequest) at ResumePerson names person;
        remove_person(RemovePersonRequest) at RemovePerson names person;
        move_person(MovePersonRequest) at MovePerson
            names ["request_id", "person_id", "group_id"];
        issue_code(IssueCodeRequest) at IssueCode names ["request_id", "person_id", "code_hash"];
        redeem_code(RedeemCodeRequest) at RedeemCode names ["code", "token_hash"];
        renew_token(RenewTokenRequest) at RenewToken names ["request_id", "token_hash"];
        suspend_token(SuspendTokenRequest) at SuspendToken names token;
        resume_token(ResumeTokenRequest) at ResumeToken names token;
        list_teams(ListTeamsRequest) at ListRegister names ["organisation_id"];
        list_systems(ListSystemsRequest) at ListRegister names ["organisation_id"];
        list_certificates(ListCertificatesRequest) at ListRegister names ["system_id"];
        list_tokens(ListTokensRequest) at ListRegister names ["person_id"];
        get_custodies(GetCustodiesRequest) at ListRegister names ["organisation_id"];
    }
    scene.service.stop().await;
}
