//! The tokens of users, revoked once the service is closed. Where each token is stays to be reconciled.

use std::num::NonZeroUsize;

use super::super::Directory;
use crate::closing::CLOSERS;
use crate::commit::{Commit, Effect, Precondition, Write};
use crate::permit::Permit;
use crate::record::{Kind, Record, RecordKey, Scope, Stored};
use crate::refusal::Refusal;
use crate::register::{Standing, TokenRecord};
use crate::store::StoreError;
use crate::terms::{Action, Outcome};

/// How many tokens one entry revokes at most.
const PAGE: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

impl Directory {
    /// Revokes the tokens of all who do not run the closing, some with each entry, which counts them;
    /// gives how many. Nothing before the closing is on record, and nothing once it was done. A token
    /// that changes meanwhile is met again at the next call.
    pub async fn revoke_tokens_of_users(&self) -> Result<u32, Refusal> {
        let Some((version, mut found)) = self.decommissioning_now().await? else { return Ok(0) };
        if found.closed_at.is_none() || found.tokens_revoked {
            return Ok(0);
        }
        let (mut total, mut after) = (0, None);
        loop {
            let page = self.store.scan(&Scope::Kind(Kind::Token), after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            total += self.revoke(page).await?;
            if is_last {
                break;
            }
        }
        found.note_entries(version);
        found.tokens_revoked = true;
        let rests_on = vec![Precondition::At(RecordKey::Decommissioning, version)];
        self.record_of_closing(Action::RevokeTokens, 0, found, (rests_on, Vec::new())).await?;
        Ok(total)
    }

    /// Revokes those of these tokens that are users' and not revoked yet.
    async fn revoke(&self, page: Vec<Stored>) -> Result<u32, Refusal> {
        let (mut rests_on, mut writes) = (Vec::new(), Vec::new());
        for Stored { version, record } in page {
            let Record::Token(token) = record else { return Err(StoreError::Damaged.into()) };
            if token.standing == Standing::Revoked || self.runs_the_closing(&token).await? {
                continue;
            }
            rests_on.push(Precondition::At(RecordKey::Token(token.hash), version));
            let revoked = TokenRecord { standing: Standing::Revoked, ..token };
            writes.push(Write::Put(Record::Token(revoked)));
        }
        let count = u32::try_from(writes.len()).unwrap_or(u32::MAX);
        if count > 0 {
            let policy = self.policy.digest();
            let permit = Permit::of_service(Action::RevokeTokens, None, policy, rests_on);
            let effect = Effect { count, writes, ..Effect::new(Outcome::Done) };
            self.commit(Commit::permitted(permit, effect)).await?;
        }
        Ok(count)
    }

    /// Whether the holder's role is one of those that run the closing.
    async fn runs_the_closing(&self, token: &TokenRecord) -> Result<bool, StoreError> {
        let person = self.store.read(&RecordKey::Person(token.person)).await?;
        // A person whom a purge took leaves the token behind.
        let Some(person) = person else { return Ok(false) };
        let Record::Person(person) = person.record else { return Err(StoreError::Damaged) };
        let group = self.store.read(&RecordKey::Group(person.group)).await?;
        let group = group.ok_or(StoreError::Damaged)?;
        let Record::Group(group) = group.record else { return Err(StoreError::Damaged) };
        Ok(CLOSERS.contains(&group.role))
    }
}
