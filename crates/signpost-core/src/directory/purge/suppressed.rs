//! Children whose writes are discarded: looked for at every write about a child, and how a purge makes
//! one of them.

use jiff::tz::TimeZone;

use super::super::Directory;
use super::super::write::Leave;
use super::plan::first_day_after;
use crate::commit::{Precondition, Write};
use crate::flag::ContactFlag;
use crate::id::{FlagId, PurgeId};
use crate::permit::Permit;
use crate::purge::{MarkerKey, PurgeMode, PurgePlan, PurgeScope, Recording, suppress};
use crate::record::{Record, RecordKey};
use crate::store::StoreError;
use crate::subject::Subject;

/// A child whose writes are discarded.
pub(in crate::directory) struct Suppressed {
    key: MarkerKey,
    purge: PurgeId,
}

impl Directory {
    /// Whether writes about this child are discarded. The commit will rest on what was found, so that
    /// no write slips in beside a suppression.
    pub(in crate::directory) async fn suppression(
        &self,
        permit: &mut Permit,
        subject: &Subject,
    ) -> Result<Option<Suppressed>, StoreError> {
        let key = match self.look_up(permit, RecordKey::MarkerKey).await? {
            None => return Ok(None),
            Some((_, Record::MarkerKey(key))) => key,
            Some(_) => return Err(StoreError::Damaged),
        };
        let mut purge = None;
        for named in subject.pseudonyms() {
            let found = self.suppression_at(permit, key.marker(&named.pseudonym)).await?;
            purge = purge.or(found.filter(|one| one.until > self.now()).map(|one| one.purge));
        }
        Ok(purge.map(|purge| Suppressed { key, purge }))
    }

    /// The id that a recording is answered with which is discarded.
    pub(in crate::directory) async fn discarded_flag(
        &self,
        permit: &mut Permit,
        flag: &ContactFlag,
    ) -> Result<Option<FlagId>, StoreError> {
        let Some(Suppressed { key, purge }) = self.suppression(permit, &flag.subject).await? else {
            return Ok(None);
        };
        let recording = Recording {
            owner: flag.provenance.owner,
            team: flag.team,
            system: flag.provenance.source_system,
            reference: &flag.provenance.source_reference,
        };
        Ok(Some(key.flag_id(purge, recording)))
    }

    /// Whether this team was answered with this id for a recording that was discarded.
    pub(in crate::directory) async fn was_discarded(
        &self,
        leave: &mut Leave,
        subject: &Subject,
        flag: FlagId,
    ) -> Result<bool, StoreError> {
        let whose = (leave.identity.organisation.id, leave.identity.group.team);
        let suppressed = self.suppression(&mut leave.permit, subject).await?;
        Ok(suppressed.is_some_and(|Suppressed { key, purge }| key.gave(purge, whose, flag)))
    }

    /// What a run of these plans must write so that later writes about their children are discarded, and
    /// what that rests on; nothing where they suppress nobody.
    pub async fn suppression_writes(
        &self,
        plans: impl Iterator<Item = &PurgePlan> + Send,
    ) -> Result<(Vec<Precondition>, Vec<Write>), StoreError> {
        let stored = self.store.read(&RecordKey::MarkerKey).await?;
        let version = stored.as_ref().map(|stored| stored.version);
        let mut key = match stored.map(|stored| stored.record) {
            None => None,
            Some(Record::MarkerKey(key)) => Some(key),
            Some(_) => return Err(StoreError::Damaged),
        };
        let mut writes = Vec::new();
        for plan in plans {
            let PurgeScope::Child { subject: Some(subject), mode: PurgeMode::Suppress { until } } =
                &plan.scope
            else {
                continue;
            };
            let end = first_day_after(*until).to_zoned(TimeZone::UTC);
            let end = end.map_err(|_| StoreError::Damaged)?.timestamp();
            for record in suppress(subject, plan.id, end, key.take(), self.random()) {
                // All are made with one key, which is kept for as long as the last of them.
                if let Record::MarkerKey(made) = record {
                    key = Some(made);
                } else {
                    writes.push(Write::Put(record));
                }
            }
        }
        match key {
            Some(key) if !writes.is_empty() => {
                writes.push(Write::Put(Record::MarkerKey(key)));
                let rests_on = Precondition::unchanged(RecordKey::MarkerKey, version);
                Ok((vec![rests_on], writes))
            }
            _ => Ok((Vec::new(), Vec::new())),
        }
    }
}
