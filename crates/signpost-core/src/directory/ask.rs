//! "Is anyone else working with this child?"

use super::child::{Child, distinct_flags, is_shielded, load_all};
use super::{Directory, Presented};
use crate::commit::{Commit, Effect};
use crate::flag::{ContactFlag, Hours};
use crate::id::{OrganisationId, Receipt, TeamId};
use crate::permit::Permit;
use crate::policy::Cell;
use crate::purge::Taken;
use crate::quota::Counted;
use crate::record::{Record, RecordKey};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::release::{Release, Signpost, TeamName, Visible};
use crate::store::StoreError;
use crate::subject::Subject;
use crate::terms::{Action, Namespace, Purpose, Relationship};
use crate::text::Phone;

/// A question about one child.
#[derive(Clone, Debug)]
pub struct Question {
    /// The child.
    pub subject: Subject,
    /// Why it is asked.
    pub purpose: Purpose,
    /// What the asker claims to be to the child.
    pub relationship: Relationship,
}

/// An answer. That it names no contact is no evidence that nobody is involved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What may be shown, one line per involvement.
    pub signposts: Vec<Signpost>,
    /// Whether a further service is reached through the broker.
    pub further_service: bool,
    /// The kinds of number that were searched, in the order asked.
    pub searched: Vec<Namespace>,
    /// The entry of this answer.
    pub receipt: Receipt,
}

impl Directory {
    /// Answers one question. `action` tells a single question from one of a caseload.
    pub async fn ask(
        &self,
        presented: &Presented,
        question: &Result<Question, Invalid>,
        action: Action,
    ) -> Result<Answer, Refusal> {
        retry_contended!(self.ask_once(presented, question, action))
    }

    /// Whether this person may ask about a caseload at all: looked at before the first question,
    /// and again at each. A refusal stands on record; leave alone does not, since nothing is told.
    pub async fn may_ask_many(&self, presented: &Presented) -> Result<(), Refusal> {
        let identity = self.identify(presented).await?;
        self.granted(identity.authorise(Action::AskMany, self.today())).await?;
        Ok(())
    }

    async fn ask_once(
        &self,
        presented: &Presented,
        question: &Result<Question, Invalid>,
        action: Action,
    ) -> Result<Answer, Refusal> {
        let today = self.today();
        let identity = self.identify(presented).await?;
        let permit = self.granted(identity.authorise(action, today)).await?;
        let question = match question {
            Ok(question) => question,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        let Question { subject, purpose, relationship } = question;
        let allowed = identity.group.purposes.contains(purpose);
        let cell = self.policy.cell(identity.group.role, *purpose).filter(|_| allowed);
        let Some(cell) = cell else {
            let denial = permit.deny_question(Some(*purpose), Some(*relationship), Reason::Purpose);
            return Err(self.refuse(denial).await);
        };
        let counted = match self.count_use(&identity, subject) {
            Ok(counted) => counted,
            Err(spent) => {
                let (purpose, reason) = (Some(*purpose), Reason::Budget(spent));
                let denial = permit.deny_question(purpose, Some(*relationship), reason);
                return Err(self.refuse(denial).await);
            }
        };
        let own = (identity.organisation.id, identity.group.team);
        self.answer(permit, question, &cell, (own, &identity.frozen), counted).await
    }

    /// Answers a question that is permitted and counted. The flags of `own`, an organisation and
    /// its team, are never "someone else"; what is `frozen` is not there.
    pub(super) async fn answer(
        &self,
        permit: Permit,
        question: &Question,
        cell: &Cell<'_>,
        (own, frozen): ((OrganisationId, TeamId), &Taken),
        mut counted: Counted,
    ) -> Result<Answer, Refusal> {
        let Question { subject, purpose, relationship } = question;
        let children = load_all(&*self.store, frozen, subject.pseudonyms()).await?;
        let shielded = |flag: &_| is_shielded(&children, flag);
        let own = |flag: &ContactFlag| (flag.provenance.owner, flag.team) == own;
        let flags = distinct_flags(&children);
        let release = Release::decide(flags.into_iter(), own, cell, shielded, self.today());
        let signposts = self.signposts(&release.visible).await?;

        let effect = Effect {
            purpose: Some(*purpose),
            relationship: Some(*relationship),
            released: release.levels(),
            count: release.shielded_lines,
            opening: Some(self.opening(subject)),
            // An answer that comes after a shield in the ledger was given under that shield.
            preconditions: children.iter().map(Child::unchanged).collect(),
            ..Effect::new(release.outcome())
        };
        let commit = Commit::permitted(permit, effect);
        let receipt = self.commit_counted(commit, &mut counted).await?;
        Ok(Answer {
            signposts,
            further_service: release.further_service,
            searched: subject.pseudonyms().iter().map(|named| named.namespace).collect(),
            receipt,
        })
    }

    /// Adds what the register knows of the teams. Nothing is read where nothing is released, so
    /// that every "nobody" reads as much as every other.
    async fn signposts(&self, visible: &[Visible<'_>]) -> Result<Vec<Signpost>, StoreError> {
        let mut signposts = Vec::with_capacity(visible.len());
        for one in visible {
            let team = if one.needs_team() { Some(self.team_contact(one).await?) } else { None };
            signposts.push(one.signpost(team));
        }
        Ok(signposts)
    }

    async fn team_contact(
        &self,
        visible: &Visible<'_>,
    ) -> Result<(TeamName, Phone, Hours), StoreError> {
        let team = self.store.read(&RecordKey::Team(visible.flag.team)).await?;
        let owner = RecordKey::Organisation(visible.flag.provenance.owner);
        let owner = self.store.read(&owner).await?;
        match (team.map(|stored| stored.record), owner.map(|stored| stored.record)) {
            (Some(Record::Team(team)), Some(Record::Organisation(organisation))) => {
                let name = TeamName { team: team.name, organisation: organisation.name };
                Ok((name, team.duty_phone, team.hours))
            }
            _ => Err(StoreError::Damaged),
        }
    }
}
