//! Which accesses are left out of a history until somebody has reviewed them, and what names them.

use std::collections::BTreeMap;

use super::access::{Access, OnBehalfOf, is_question};
use crate::directory::Directory;
use crate::directory::child::{Child, load_all};
use crate::directory::onboarding::Identified;
use crate::directory::onboarding::change::Declined;
use crate::directory::write::Leave;
use crate::entry::Entry;
use crate::flag::ContactFlag;
use crate::id::{ActorId, OrganisationId, Receipt, TeamId};
use crate::permit::Permit;
use crate::policy::Level;
use crate::purge::Taken;
use crate::register::Organisation;
use crate::store::StoreError;
use crate::subject::Subject;
use crate::terms::{OrganisationKind, Purpose, Role, Sensitivity, WithheldBecause};

/// What is needed to tell of accesses to one child, read once for a page of them.
#[derive(Debug)]
pub(super) struct Known {
    children: Vec<Child>,
    organisations: BTreeMap<OrganisationId, Option<Organisation>>,
    named: BTreeMap<ActorId, Option<Identified>>,
}

/// Who looked, or on whose behalf it was: as far as it decides what may be told.
struct Looker {
    role: Option<Role>,
    kind: Option<OrganisationKind>,
    place: Option<(OrganisationId, TeamId)>,
}

impl Directory {
    /// What is known of the child and of who asked, for these entries. What is committed will rest on
    /// it: a shield that is set meanwhile is seen.
    pub(super) async fn known(
        &self,
        permit: &mut Permit,
        subject: &Subject,
        entries: impl Iterator<Item = &Entry> + Send,
    ) -> Result<Known, StoreError> {
        // What is being purged still protects the child: its shields count until they are gone.
        let children = load_all(&*self.store, &Taken::default(), subject.pseudonyms()).await?;
        for child in &children {
            permit.rest_on(child.unchanged());
        }
        let (mut organisations, mut named) = (BTreeMap::new(), BTreeMap::new());
        for entry in entries {
            if let Some(id) = entry.organisation()
                && !organisations.contains_key(&id)
            {
                organisations.insert(id, self.organisation(permit, id).await?);
            }
            if let Some(actor) = entry.on_behalf_of()
                && !named.contains_key(&actor)
            {
                named.insert(actor, self.named_actor(permit, actor).await?);
            }
        }
        Ok(Known { children, organisations, named })
    }

    async fn named_actor(
        &self,
        permit: &mut Permit,
        actor: ActorId,
    ) -> Result<Option<Identified>, StoreError> {
        match self.identified(permit, actor).await {
            Ok(identified) => Ok(Some(identified)),
            Err(Declined::Refused(_)) => Ok(None),
            Err(Declined::Store(error)) => Err(error),
        }
    }

    /// Why this access is left out until it is reviewed; nothing where it is told without one.
    pub(super) async fn withheld_because(
        &self,
        leave: &mut Leave,
        subject: &Subject,
        entry: &Entry,
    ) -> Result<Vec<WithheldBecause>, StoreError> {
        let known = self.known(&mut leave.permit, subject, [entry].into_iter()).await?;
        Ok(known.withheld_because(entry))
    }
}

impl Known {
    /// Why this access is left out until it is reviewed; nothing where it is told without one. Only
    /// what the register and the child's flags hold decides; what they cannot tell is left out.
    pub(super) fn withheld_because(&self, entry: &Entry) -> Vec<WithheldBecause> {
        let (lookers, is_known) = self.lookers(entry);
        let is_police = lookers.iter().any(|one| {
            one.role == Some(Role::PolicePpu) || one.kind == Some(OrganisationKind::PoliceForce)
        });
        let is_police = is_police || entry.purpose() == Some(Purpose::PoliceProtectionS46);
        let is_sensitive = lookers.iter().any(|one| self.is_sensitive_service(one));
        // Who asks tells where a child is.
        let is_shielded = self.children.iter().any(|child| !child.shields.is_empty());
        let reasons = [
            (WithheldBecause::S47Enquiry, entry.purpose() == Some(Purpose::S47Enquiry)),
            (WithheldBecause::Police, is_police),
            (WithheldBecause::SensitiveService, is_sensitive),
            (WithheldBecause::ShieldedChild, is_shielded),
            (WithheldBecause::Unclassified, !is_known || !is_question(entry)),
        ];
        reasons.into_iter().filter_map(|(because, holds)| holds.then_some(because)).collect()
    }

    /// What the history tells of this access.
    pub(super) fn access(&self, at: Receipt, entry: &Entry) -> Access {
        let on_behalf_of = entry.on_behalf_of().map(|actor| {
            let named = self.named.get(&actor).and_then(Option::as_ref);
            OnBehalfOf {
                organisation: named.map(|named| named.organisation.name.clone()),
                role: named.map(|named| named.group.role),
            }
        });
        let bits = entry.released();
        Access {
            entry: at,
            time_ms: entry.time_ms(),
            organisation: self.organisation_of(entry).map(|one| one.name.clone()),
            role: entry.role(),
            purpose: entry.purpose(),
            outcome: entry.outcome(),
            released: Level::ALL.into_iter().filter(|level| bits & level.bit() != 0).collect(),
            on_behalf_of,
        }
    }

    /// Who looked, and on whose behalf; and whether the register still has all of them.
    fn lookers(&self, entry: &Entry) -> (Vec<Looker>, bool) {
        let organisation = self.organisation_of(entry);
        let mut is_known = organisation.is_some();
        let mut lookers = vec![Looker {
            role: entry.role(),
            kind: organisation.map(|one| one.kind),
            place: entry.organisation().zip(entry.team()),
        }];
        if let Some(actor) = entry.on_behalf_of() {
            match self.named.get(&actor).and_then(Option::as_ref) {
                None => is_known = false,
                Some(named) => lookers.push(Looker {
                    role: Some(named.group.role),
                    kind: Some(named.organisation.kind),
                    place: Some((named.organisation.id, named.group.team)),
                }),
            }
        }
        (lookers, is_known)
    }

    fn organisation_of(&self, entry: &Entry) -> Option<&Organisation> {
        self.organisations.get(&entry.organisation()?)?.as_ref()
    }

    /// The register does not hold what a team's service is. A voluntary organisation may be a refuge,
    /// and a team that has a sensitive or hidden flag on this child is a sensitive service.
    fn is_sensitive_service(&self, looker: &Looker) -> bool {
        let mut flags = self.children.iter().flat_map(|child| &child.flags);
        looker.kind == Some(OrganisationKind::VoluntaryOrganisation)
            || flags.any(|flag| {
                looker.place == Some((flag.provenance.owner, flag.team)) && is_sensitive(flag)
            })
    }
}

fn is_sensitive(flag: &ContactFlag) -> bool {
    let details = flag.involvement.details();
    let is_open = matches!(details.sensitivity, Sensitivity::Standard | Sensitivity::Restricted);
    details.service_type.is_sensitive() || !is_open
}
