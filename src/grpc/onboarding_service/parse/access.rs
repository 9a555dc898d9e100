//! Proposals, their approval, and access groups.

use signpost_core::directory::onboarding::{Approve, NarrowGroup, Propose, Withdraw};
use signpost_core::id::{GroupId, PersonId, Receipt};
use signpost_core::refusal::Invalid;
use signpost_core::register::{AuthorityExtension, Group, GroupWidening, ProposedChange};
use signpost_core::terms::{LegalAuthority, Role};
use signpost_proto::v1;
use signpost_proto::v1::propose_access_request::Change;

use crate::grpc::parse::{Fields, read};

pub(in super::super) fn propose_access(
    wire: &v1::ProposeAccessRequest,
) -> Result<Propose, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let change = match &wire.change {
            None => fields.missing("change"),
            Some(Change::OpenGroup(group)) => {
                fields.new_group(group).map(ProposedChange::OpenGroup)
            }
            Some(Change::WidenGroup(widening)) => {
                fields.widening(widening).map(ProposedChange::WidenGroup)
            }
            Some(Change::ExtendAuthority(extension)) => {
                fields.extension(extension).map(ProposedChange::ExtendAuthority)
            }
        };
        Some(Propose { request: request?, change: change? })
    })
}

pub(in super::super) fn approve_access(
    wire: &v1::ApproveAccessRequest,
) -> Result<Approve, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let proposal = fields.proposal("proposal_id", &wire.proposal_id);
        Some(Approve { request: request?, proposal: proposal? })
    })
}

pub(in super::super) fn withdraw_proposal(
    wire: &v1::WithdrawProposalRequest,
) -> Result<Withdraw, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let proposal = fields.proposal("proposal_id", &wire.proposal_id);
        Some(Withdraw { request: request?, proposal: proposal? })
    })
}

pub(in super::super) fn narrow_group(
    wire: &v1::NarrowGroupRequest,
) -> Result<NarrowGroup, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let group = fields.group("group_id", &wire.group_id);
        let valid_until = fields.date("valid_until", wire.valid_until.as_ref());
        let purposes = fields.purposes("purposes", &wire.purposes);
        Some(NarrowGroup {
            request: request?,
            group: group?,
            members_max: wire.members_max,
            valid_until: valid_until?,
            purposes: purposes?,
        })
    })
}

impl Fields {
    fn new_group(&mut self, wire: &v1::Group) -> Option<Group> {
        for (field, is_empty) in [
            ("open_group.group_id", wire.group_id.is_empty()),
            ("open_group.version", wire.version == 0),
            ("open_group.members", wire.members == 0),
        ] {
            if !is_empty {
                self.wrong::<()>(field, "must be empty: the service gives it");
            }
        }
        let organisation = self.organisation("open_group.organisation_id", &wire.organisation_id);
        let team = self.team("open_group.team_id", &wire.team_id);
        let role = self.term("open_group.role", wire.role, Role::from_code);
        let purposes = self.purposes("open_group.purposes", &wire.purposes);
        let valid_from = self.date("open_group.valid_from", wire.valid_from.as_ref());
        let valid_until = self.date("open_group.valid_until", wire.valid_until.as_ref());
        let sponsor = self.sponsor("open_group.sponsor_id", &wire.sponsor_id);
        Some(Group {
            // The directory makes one.
            id: GroupId::new([0; 16]),
            organisation: organisation?,
            team: team?,
            role: role?,
            purposes: purposes?,
            members_max: wire.members_max,
            valid_from: valid_from?,
            valid_until: valid_until?,
            sponsor,
        })
    }

    fn widening(&mut self, wire: &v1::GroupWidening) -> Option<GroupWidening> {
        let group = self.group("widen_group.group_id", &wire.group_id);
        let valid_until = self.date("widen_group.valid_until", wire.valid_until.as_ref());
        let purposes = self.purposes("widen_group.purposes", &wire.purposes);
        let sponsor = self.sponsor("widen_group.sponsor_id", &wire.sponsor_id);
        Some(GroupWidening {
            group: group?,
            base: Receipt(wire.version),
            members_max: wire.members_max,
            valid_until: valid_until?,
            purposes: purposes?,
            sponsor,
        })
    }

    fn extension(&mut self, wire: &v1::AuthorityExtension) -> Option<AuthorityExtension> {
        let organisation =
            self.organisation("extend_authority.organisation_id", &wire.organisation_id);
        let field = "extend_authority.authority";
        let authority = self.term(field, wire.authority, LegalAuthority::from_code);
        let field = "extend_authority.authority_until";
        let until = self.date(field, wire.authority_until.as_ref());
        Some(AuthorityExtension {
            organisation: organisation?,
            base: Receipt(wire.version),
            authority: authority?,
            until: until?,
        })
    }

    /// A person that may be left out. A wrong id is noted, and gives none like a missing one.
    fn sponsor(&mut self, field: &str, text: &str) -> Option<PersonId> {
        if text.is_empty() { None } else { self.person(field, text) }
    }
}
