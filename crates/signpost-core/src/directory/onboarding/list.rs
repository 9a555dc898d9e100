//! What the register holds, for administrators: every look at it is on record.

use std::num::NonZeroUsize;

use super::change::{Declined, present};
use super::{Directory, detail};
use crate::commit::{Commit, Effect};
use crate::directory::Presented;
use crate::directory::replay::Written;
use crate::id::{GroupId, OrganisationId, PersonId, ProposalId, SystemId, TeamId};
use crate::permit::Permit;
use crate::record::{Kind, Record, RecordKey, Scope, Stored};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::StoreError;
use crate::terms::{Action, Outcome};

const SCAN_PAGE: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// A look at the register.
#[derive(Clone, Debug)]
pub struct ListRegister {
    /// What is listed.
    pub listing: Listing,
    /// The id of the last record of the page before; none for the first page. It grants nothing.
    pub after: Option<[u8; 16]>,
    /// The most records of a page: 1 to 500. People, tokens, certificates and custodies come as a
    /// whole.
    pub limit: usize,
}

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// The organisations.
    Organisations,
    /// An organisation's teams.
    Teams(OrganisationId),
    /// An organisation's systems.
    Systems(OrganisationId),
    /// The certificates that were ever admitted for a system.
    Certificates(SystemId),
    /// An organisation's access groups, each followed by its members' ids.
    Groups(OrganisationId),
    /// The members of a group.
    People(GroupId),
    /// The tokens that were issued to a person.
    Tokens(PersonId),
    /// The proposals, whatever became of them.
    Proposals,
    /// Where an organisation's tokens are.
    Custodies(OrganisationId),
}

/// A page of the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The records, in the order of the store.
    pub records: Vec<Stored>,
    /// The id to go on after, if there is more.
    pub next: Option<[u8; 16]>,
}

impl Directory {
    /// Lists a part of the register.
    pub async fn list_register(
        &self,
        presented: &Presented,
        request: &Result<ListRegister, Invalid>,
    ) -> Result<Written<Listed>, Refusal> {
        retry_contended!(self.list_register_once(presented, request))
    }

    async fn list_register_once(
        &self,
        presented: &Presented,
        request: &Result<ListRegister, Invalid>,
    ) -> Result<Written<Listed>, Refusal> {
        let identity = self.identify(presented).await?;
        let permit = identity.authorise(Action::ListRegister, self.today());
        let mut permit = self.granted(permit).await?;
        let request = match request {
            Ok(request) => request,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        let listed = match self.list(&mut permit, request).await {
            Ok(listed) => listed,
            Err(Declined::Refused(reason)) => return Err(self.refuse(permit.deny(reason)).await),
            Err(Declined::Store(error)) => return Err(error.into()),
        };
        let effect = Effect {
            detail: request.listing.detail(),
            count: u32::try_from(listed.records.len()).unwrap_or(u32::MAX),
            ..Effect::new(Outcome::Done)
        };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        Ok(Written { result: listed, receipt })
    }

    async fn list(&self, permit: &mut Permit, request: &ListRegister) -> Result<Listed, Declined> {
        match request.listing {
            Listing::People(group) => self.list_people(permit, group).await,
            Listing::Tokens(person) => self.list_tokens(permit, person).await,
            Listing::Certificates(system) => self.list_certificates(permit, system).await,
            Listing::Custodies(organisation) => {
                let custodies = RecordKey::Custodies(organisation);
                match self.store.read(&custodies).await? {
                    Some(stored) => Ok(Listed { records: vec![stored], next: None }),
                    None => Err(Reason::Unknown("organisation").into()),
                }
            }
            Listing::Teams(organisation)
            | Listing::Systems(organisation)
            | Listing::Groups(organisation) => {
                if self.organisation(permit, organisation).await?.is_none() {
                    return Err(Reason::Unknown("organisation").into());
                }
                Ok(self.list_kind(request).await?)
            }
            Listing::Organisations | Listing::Proposals => Ok(self.list_kind(request).await?),
        }
    }

    async fn list_certificates(
        &self,
        permit: &mut Permit,
        system: SystemId,
    ) -> Result<Listed, Declined> {
        if self.system(permit, system).await?.is_none() {
            return Err(Reason::Unknown("system").into());
        }
        let scope = Scope::Kind(Kind::Certificate);
        let (mut records, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.scan(&scope, after.as_ref(), SCAN_PAGE).await?;
            let is_last = page.len() < SCAN_PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            records.extend(page.into_iter().filter(
                |stored| matches!(&stored.record, Record::Certificate(one) if one.system == system),
            ));
            if is_last {
                return Ok(Listed { records, next: None });
            }
        }
    }

    /// The records of a kind that belong to the listing: a page of them.
    async fn list_kind(&self, request: &ListRegister) -> Result<Listed, StoreError> {
        let scope = Scope::Kind(request.listing.kind());
        let mut after = request.after.map(|id| request.listing.key(id));
        let mut found: Vec<([u8; 16], Stored)> = Vec::new();
        loop {
            let page = self.store.scan(&scope, after.as_ref(), SCAN_PAGE).await?;
            let is_last = page.len() < SCAN_PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            for stored in page {
                let Some(id) = request.listing.id_within(&stored.record) else { continue };
                if found.len() == request.limit {
                    let next = found.last().map(|(id, _)| *id);
                    return self.with_members(found, next).await;
                }
                found.push((id, stored));
            }
            if is_last {
                return self.with_members(found, None).await;
            }
        }
    }

    /// Puts behind each group who is in it.
    async fn with_members(
        &self,
        found: Vec<([u8; 16], Stored)>,
        next: Option<[u8; 16]>,
    ) -> Result<Listed, StoreError> {
        let mut records = Vec::with_capacity(found.len());
        for (_, stored) in found {
            let group =
                if let Record::Group(group) = &stored.record { Some(group.id) } else { None };
            records.push(stored);
            if let Some(group) = group {
                records.push(present(self.store.read(&RecordKey::Members(group)).await?)?);
            }
        }
        Ok(Listed { records, next })
    }

    async fn list_people(&self, permit: &mut Permit, group: GroupId) -> Result<Listed, Declined> {
        let Some(members) = self.members_of(permit, group).await? else {
            return Err(Reason::Unknown("group").into());
        };
        let mut records = Vec::with_capacity(members.people.len());
        for person in members.people {
            records.push(present(self.store.read(&RecordKey::Person(person)).await?)?);
        }
        Ok(Listed { records, next: None })
    }

    async fn list_tokens(&self, permit: &mut Permit, person: PersonId) -> Result<Listed, Declined> {
        let Some(person) = self.person(permit, person).await? else {
            return Err(Reason::Unknown("person").into());
        };
        let mut records = Vec::with_capacity(person.tokens.len());
        for held in person.tokens {
            records.push(present(self.store.read(&RecordKey::Token(held.hash)).await?)?);
        }
        Ok(Listed { records, next: None })
    }
}

impl Listing {
    fn kind(self) -> Kind {
        match self {
            Self::Organisations => Kind::Organisation,
            Self::Teams(_) => Kind::Team,
            Self::Systems(_) => Kind::System,
            Self::Certificates(_) => Kind::Certificate,
            Self::Groups(_) => Kind::Group,
            Self::People(_) => Kind::Person,
            Self::Tokens(_) => Kind::Token,
            Self::Proposals => Kind::Proposal,
            Self::Custodies(_) => Kind::Custodies,
        }
    }

    /// The key of the record of this id; a listing that comes as a whole has no second page, and
    /// none of its keys is ever asked for.
    fn key(self, id: [u8; 16]) -> RecordKey {
        match self {
            Self::Organisations | Self::Custodies(_) => {
                RecordKey::Organisation(OrganisationId::new(id))
            }
            Self::Teams(_) => RecordKey::Team(TeamId::new(id)),
            Self::Systems(_) | Self::Certificates(_) => RecordKey::System(SystemId::new(id)),
            Self::Groups(_) => RecordKey::Group(GroupId::new(id)),
            Self::People(_) | Self::Tokens(_) => RecordKey::Person(PersonId::new(id)),
            Self::Proposals => RecordKey::Proposal(ProposalId::new(id)),
        }
    }

    /// The id of a record that belongs to the listing.
    fn id_within(self, record: &Record) -> Option<[u8; 16]> {
        let of_organisation =
            |of: OrganisationId| self.organisation().is_none_or(|organisation| organisation == of);
        let (id, belongs) = match record {
            Record::Organisation(one) => (*one.id.as_bytes(), self == Self::Organisations),
            Record::Proposal(one) => (*one.id.as_bytes(), self == Self::Proposals),
            Record::Team(one) => (*one.id.as_bytes(), of_organisation(one.organisation)),
            Record::System(one) => (*one.id.as_bytes(), of_organisation(one.organisation)),
            Record::Group(one) => (*one.id.as_bytes(), of_organisation(one.organisation)),
            Record::Head(_)
            | Record::Flag(_)
            | Record::Replay(_)
            | Record::Lift(_)
            | Record::Certificate(_)
            | Record::Person(_)
            | Record::Token(_)
            | Record::Service(_)
            | Record::ClockDoubt(_)
            | Record::Members(_)
            | Record::Claim(_)
            | Record::Custodies(_)
            | Record::Enrolment(_)
            | Record::Alert(_)
            | Record::Canary(_)
            | Record::AlertMark(_)
            | Record::Purge(_)
            | Record::PurgeAnnex(_)
            | Record::Hold(_)
            | Record::MarkerKey(_)
            | Record::Suppression(_)
            | Record::PurgeQuota(_)
            | Record::PurgeRun(_)
            | Record::PurgeCertificate(_)
            | Record::History(_)
            | Record::AccessReview(_)
            | Record::StandingOrder(_)
            | Record::Decommissioning(_) => return None,
        };
        belongs.then_some(id)
    }

    /// The organisation whose records are listed.
    fn organisation(self) -> Option<OrganisationId> {
        match self {
            Self::Teams(of) | Self::Systems(of) | Self::Groups(of) | Self::Custodies(of) => {
                Some(of)
            }
            Self::Organisations
            | Self::Proposals
            | Self::People(_)
            | Self::Tokens(_)
            | Self::Certificates(_) => None,
        }
    }

    /// What was looked at: the kind's code, and in the last 16 bytes whose.
    fn detail(self) -> [u8; 32] {
        let mut kind = [0; 16];
        kind[0] = self.kind() as u8;
        let of = match self {
            Self::Organisations | Self::Proposals => None,
            Self::Teams(of) | Self::Systems(of) | Self::Groups(of) | Self::Custodies(of) => {
                Some(*of.as_bytes())
            }
            Self::Certificates(of) => Some(*of.as_bytes()),
            Self::People(of) => Some(*of.as_bytes()),
            Self::Tokens(of) => Some(*of.as_bytes()),
        };
        detail(&kind, of.as_ref())
    }
}
