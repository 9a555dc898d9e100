//! People, what was checked of them, their enrolment codes and their tokens.

use signpost_core::directory::onboarding::{
    Invitation, InvitePeople, IssueCode, MovePerson, Recertify, RecordConditions, RecordCustody,
    Redeem, RemovePerson, RenewToken, ResumePerson, ResumeToken, SuspendPerson, SuspendToken,
};
use signpost_core::refusal::Invalid;
use signpost_core::register::Conditions;
use signpost_core::terms::Custody;
use signpost_core::token::{CodeHash, EnrolmentCode, TokenHash};
use signpost_proto::v1;
use zeroize::Zeroizing;

use crate::grpc::parse::{Fields, read};

pub(in super::super) fn invite_people(
    wire: &v1::InvitePeopleRequest,
) -> Result<InvitePeople, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let group = fields.group("group_id", &wire.group_id);
        // How many there may be is the directory's to say.
        let each = wire.people.iter().enumerate();
        let people: Vec<_> = each.map(|(row, one)| fields.invitation(row, one)).collect();
        let people: Option<Vec<_>> = people.into_iter().collect();
        let dry_run = wire.validate_only;
        Some(InvitePeople { request: request?, group: group?, people: people?, dry_run })
    })
}

pub(in super::super) fn record_conditions(
    wire: &v1::RecordConditionsRequest,
) -> Result<RecordConditions, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let person = fields.person("person_id", &wire.person_id);
        let conditions = fields.conditions("conditions", wire.conditions.as_ref());
        Some(RecordConditions { request: request?, person: person?, conditions: conditions? })
    })
}

/// Declares the requests that name a person and nothing else.
macro_rules! about_a_person {
    ($($name:ident($wire:ident) => $request:ident;)+) => {$(
        pub(in super::super) fn $name(wire: &v1::$wire) -> Result<$request, Invalid> {
            read(|fields| {
                let request = fields.request(&wire.request_id);
                let person = fields.person("person_id", &wire.person_id);
                Some($request { request: request?, person: person? })
            })
        }
    )+};
}

about_a_person! {
    recertify(RecertifyRequest) => Recertify;
    suspend_person(SuspendPersonRequest) => SuspendPerson;
    resume_person(ResumePersonRequest) => ResumePerson;
    remove_person(RemovePersonRequest) => RemovePerson;
}

pub(in super::super) fn move_person(wire: &v1::MovePersonRequest) -> Result<MovePerson, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let person = fields.person("person_id", &wire.person_id);
        let group = fields.group("group_id", &wire.group_id);
        Some(MovePerson { request: request?, person: person?, group: group? })
    })
}

pub(in super::super) fn issue_code(wire: &v1::IssueCodeRequest) -> Result<IssueCode, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let person = fields.person("person_id", &wire.person_id);
        let code = fields.digest("code_hash", &wire.code_hash).map(CodeHash::new);
        Some(IssueCode { request: request?, person: person?, code: code? })
    })
}

pub(in super::super) fn redeem_code(wire: v1::RedeemCodeRequest) -> Result<Redeem, Invalid> {
    let text = Zeroizing::new(wire.code);
    read(|fields| {
        let code = fields.kept("code", EnrolmentCode::parse(&text));
        let token = fields.digest("token_hash", &wire.token_hash).map(TokenHash::new);
        Some(Redeem { code: code?, token: token? })
    })
}

pub(in super::super) fn renew_token(wire: &v1::RenewTokenRequest) -> Result<RenewToken, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let token = fields.digest("token_hash", &wire.token_hash).map(TokenHash::new);
        Some(RenewToken { request: request?, token: token? })
    })
}

/// Declares the requests that name a person's token and nothing else.
macro_rules! about_a_token {
    ($($name:ident($wire:ident) => $request:ident;)+) => {$(
        pub(in super::super) fn $name(wire: &v1::$wire) -> Result<$request, Invalid> {
            read(|fields| {
                let request = fields.request(&wire.request_id);
                let person = fields.person("person_id", &wire.person_id);
                let token = fields.token("token_id", &wire.token_id);
                Some($request { request: request?, person: person?, token: token? })
            })
        }
    )+};
}

about_a_token! {
    suspend_token(SuspendTokenRequest) => SuspendToken;
    resume_token(ResumeTokenRequest) => ResumeToken;
}

pub(in super::super) fn record_custody(
    wire: &v1::RecordCustodyRequest,
) -> Result<RecordCustody, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let person = fields.person("person_id", &wire.person_id);
        let token = fields.token("token_id", &wire.token_id);
        let custody = fields.term("custody", wire.custody, Custody::from_code);
        let (request, person) = (request?, person?);
        Some(RecordCustody { request, person, token: token?, custody: custody? })
    })
}

impl Fields {
    fn invitation(&mut self, row: usize, wire: &v1::Invitation) -> Option<Invitation> {
        let at = format!("people[{row}]");
        let staff = self.text(&format!("{at}.staff_reference"), wire.staff_reference.clone());
        let conditions = self.conditions(&format!("{at}.conditions"), wire.conditions.as_ref());
        let code = self.digest(&format!("{at}.code_hash"), &wire.code_hash).map(CodeHash::new);
        Some(Invitation { staff: staff?, conditions: conditions?, code: code? })
    }

    fn conditions(&mut self, at: &str, wire: Option<&v1::Conditions>) -> Option<Conditions> {
        let Some(wire) = wire else { return self.missing(at) };
        let mut day =
            |name: &str, day: &Option<v1::Date>| self.date(&format!("{at}.{name}"), day.as_ref());
        let vetting_on = day("vetting_on", &wire.vetting_on);
        let barred_list_checked_on = day("barred_list_checked_on", &wire.barred_list_checked_on);
        let training_on = day("training_on", &wire.training_on);
        let agreement_signed_on = day("agreement_signed_on", &wire.agreement_signed_on);
        Some(Conditions {
            vetting_on: vetting_on?,
            barred_list_checked_on: barred_list_checked_on?,
            training_on: training_on?,
            agreement_signed_on: agreement_signed_on?,
        })
    }
}
