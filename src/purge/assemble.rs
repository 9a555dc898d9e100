//! A purge's certificate, put together from what is on record, what the store said of each step, and
//! what the operator declared.

use std::path::PathBuf;

use signpost_core::directory::{PurgeFacts, StepTaken};
use signpost_core::purge::{LeftBehind, PurgeMode, PurgeScope, SearchSummary};
use signpost_core::record::RecordKind;
use signpost_core::search::SoughtKind;
use signpost_core::store::StoreError;
use signpost_core::terms::{PurgeState, ScopeKind};
use signpost_core::turn::KeyDestroyed;
use uuid::Uuid;

use super::{PurgeError, trimming};
use crate::certificate::body::{
    Certificate, Copy, FORM, Files, Hold, Key, Medium, Openings, Purge, Records, Residual, Roots,
    Sanitisation, Search, Service, StandingOrder, Step,
};
use crate::config;
use crate::ledger::keeper::{Published, Shelf};

/// What the operator declared.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    ledger: String,
    data: PathBuf,
    copies: Vec<Copy>,
    medium: Medium,
}

impl Setting {
    pub(crate) fn of(config: &config::Config) -> Self {
        Self {
            ledger: config.ledger.origin.clone(),
            data: config.store.data.clone(),
            copies: config.purge.copy.clone(),
            medium: config.purge.medium.clone(),
        }
    }
}

/// The certificate of a purge that was searched for.
pub(super) async fn certificate(
    facts: &PurgeFacts,
    setting: &Setting,
    shelf: &Shelf,
) -> Result<Certificate, PurgeError> {
    let run = &facts.run;
    let damaged = || PurgeError::Step(StoreError::Damaged.into());
    let (left, destroyed) = (run.left.as_ref().ok_or_else(damaged)?, run.destroyed.as_ref());
    let destroyed = destroyed.ok_or_else(damaged)?;
    let erased = run.erased.as_ref().ok_or_else(damaged)?;
    let searched = run.searched.ok_or_else(damaged)?;
    let tree = Tree::covering(facts, shelf).await?;
    // What was found of one child, or not, is not to be told by what was destroyed for it.
    let is_child = facts.plan.scope.kind() == ScopeKind::Child;
    let erased_keys = if is_child { &[][..] } else { &erased.keys };
    let records = left.kinds.iter().map(|(kind, passed)| Records {
        kind: kind_name(*kind),
        stayed: passed.carried,
        went: passed.left,
    });
    let openings = Openings { erased: erased.openings, segments: erased.segments };
    let more = if is_child { (0, 0) } else { (erased.files, erased.bytes) };
    Ok(Certificate {
        form: FORM.to_owned(),
        ledger: setting.ledger.clone(),
        purge: purge(facts),
        steps: facts.steps.iter().map(step).collect(),
        before: tree.roots(tree.before, &destroyed.ended).await?,
        after: tree.roots(tree.after, &destroyed.followed).await?,
        records: (!is_child).then(|| records.collect()),
        openings: (!is_child).then_some(openings),
        keys: destroyed.keys.iter().chain(erased_keys).map(key).collect(),
        files: Files { removed: destroyed.files + more.0, bytes: destroyed.bytes + more.1 },
        searched_before: search(left, left.searched, is_child),
        searched_after: search(left, searched, is_child),
        trimming: trimming::seen(&setting.data),
        copies: setting.copies.clone(),
        holds: facts.holds.iter().map(hold).collect(),
        residual: residual(facts),
        sanitisation: sanitisation(setting),
        service: service(),
        previous: facts.previous.map(hex::encode),
    })
}

/// The ledger's tree, once it covers every step.
struct Tree {
    published: Published,
    before: u64,
    after: u64,
}

impl Tree {
    async fn covering(facts: &PurgeFacts, shelf: &Shelf) -> Result<Self, PurgeError> {
        let size_at = |state| {
            let step = facts.steps.iter().find(|step| step.state == state);
            step.map(|step| step.entry.0 + 1).ok_or(PurgeError::NotCovered)
        };
        let (before, after) = (size_at(PurgeState::Frozen)?, size_at(PurgeState::Scanned)?);
        let mut published = shelf.last();
        if published.reader.checkpoint().size < after {
            published = shelf.fresh().await;
        }
        if published.reader.checkpoint().size < after {
            return Err(PurgeError::NotCovered);
        }
        Ok(Self { published, before, after })
    }

    async fn roots(
        &self,
        size: u64,
        store: &signpost_core::anchor::Position,
    ) -> Result<Roots, PurgeError> {
        let reader = self.published.reader.clone();
        let read = tokio::task::spawn_blocking(move || reader.root(size)).await;
        let root = read.map_err(|_ended| PurgeError::NotCovered)??;
        Ok(Roots {
            ledger_size: size,
            ledger_root: root.to_string(),
            generation: store.generation,
            frame: store.frame,
            frame_hash: hex::encode(store.hash),
        })
    }
}

fn purge(facts: &PurgeFacts) -> Purge {
    let plan = &facts.plan;
    let (of, mode) = match &plan.scope {
        PurgeScope::Child { mode: PurgeMode::Forget, .. } => (None, Some("FORGET".to_owned())),
        PurgeScope::Child { mode: PurgeMode::Suppress { until }, .. } => {
            (None, Some(format!("SUPPRESS until {until}")))
        }
        PurgeScope::Organisation(id) => (Some(uuid(id.as_bytes())), None),
        PurgeScope::System(id) => (Some(uuid(id.as_bytes())), None),
        PurgeScope::Person(id) => (Some(uuid(id.as_bytes())), None),
        PurgeScope::Expired { by } => (Some(by.to_string()), None),
        PurgeScope::All => (None, None),
    };
    Purge {
        id: uuid(plan.id.as_bytes()),
        scope: plan.scope.kind().name().to_owned(),
        of,
        mode,
        legal_authority: plan.authority.name().to_owned(),
        reason: plan.reason.name().to_owned(),
        case_reference: plan.case.as_str().to_owned(),
        digest: hex::encode(plan.digest.as_bytes()),
        cut_off: plan.cut_off.0,
        openings_below: plan.reach.openings_below.map(|below| below.0),
        standing_order: plan.order.map(|order| StandingOrder {
            id: uuid(order.id.as_bytes()),
            digest: hex::encode(order.digest.as_bytes()),
        }),
    }
}

fn step(step: &StepTaken) -> Step {
    Step {
        state: step.state.name().to_owned(),
        at: step.at.to_string(),
        entry: step.entry.0,
        by: step.by.map(|actor| uuid(actor.as_bytes())),
    }
}

fn key(key: &KeyDestroyed) -> Key {
    Key {
        id: hex::encode(key.key),
        custody: key.custody.clone(),
        method: key.method.clone(),
        file_system: Some(key.file_system.clone()).filter(|system| !system.is_empty()),
    }
}

/// Of one child, only what every generation has is told: that there were values and openings to search
/// for would tell that the child was known.
fn search(left: &LeftBehind, summary: SearchSummary, is_child: bool) -> Search {
    let told = if is_child { &left.sought[left.of_openings..] } else { &left.sought };
    let count = |what| told.iter().filter(|one| one.what == what).count() as u64;
    let (tracers, keys) = (count(SoughtKind::Tracer), count(SoughtKind::Key));
    let all = left.sought.len() as u64;
    // Either all were found or none, else the run would not have gone on.
    let found = match summary.found {
        found if found == all && is_child => tracers + keys,
        found => found,
    };
    let sealed_values = (!is_child).then(|| count(SoughtKind::Sealed));
    let (files, bytes) = (summary.files, summary.bytes);
    Search { files, bytes, tracers, keys, sealed_values, found }
}

fn hold(hold: &signpost_core::purge::LegalHold) -> Hold {
    Hold { id: uuid(hold.id.as_bytes()), case_reference: hold.case.as_str().to_owned() }
}

fn residual(facts: &PurgeFacts) -> Vec<Residual> {
    let left = |what: &str, why: &str| Residual { what: what.to_owned(), why: why.to_owned() };
    let mut residual = vec![
        left(
            "the ledger's entries",
            "the record of who asked and what was changed; without their openings they lead to no child",
        ),
        left("the plan, without the child", "who answers for the purge, and on what ground"),
        left("this certificate", "the evidence of the purge"),
    ];
    match &facts.plan.scope {
        PurgeScope::Child { mode: PurgeMode::Suppress { until }, .. } => {
            let why = format!(
                "a keyed marker to each pseudonym, by which later writes are discarded, until {until}"
            );
            residual.push(left("markers of the suppression", &why));
        }
        PurgeScope::Child { mode: PurgeMode::Forget, .. } | PurgeScope::Expired { .. } => {}
        PurgeScope::Organisation(_) | PurgeScope::System(_) => residual.push(left(
            "the register's entries of the organisation, its teams, systems and tokens",
            "tokens are reconciled against them",
        )),
        PurgeScope::Person(_) | PurgeScope::All => residual.push(left(
            "ids of people and tokens, and where each token is",
            "tokens issued are the sum of those returned, destroyed and lost",
        )),
    }
    residual
}

fn sanitisation(setting: &Setting) -> Sanitisation {
    Sanitisation {
        medium: setting.medium.clone(),
        description:
            "PURGE by cryptographic erase, of what was always sealed; the medium stays in use"
                .to_owned(),
        method: "keys overwritten, synced and unlinked; files of the generation removed; openings \
                 rewritten under new keys"
            .to_owned(),
        tool: program(),
        verification:
            "every file of data directory and keyring was searched, before and afterwards"
                .to_owned(),
    }
}

fn service() -> Service {
    Service {
        program: program(),
        pseudonymiser:
            "in the process of the service: whoever stole its key could make pseudonyms of \
                        guessed identifiers"
                .to_owned(),
        time: "service time: the machine's clock, never behind the last entry; a step ahead is \
               confirmed by two people before anything is destroyed"
            .to_owned(),
    }
}

fn program() -> String {
    format!("signpost {}", env!("CARGO_PKG_VERSION"))
}

fn kind_name(kind: RecordKind) -> String {
    match kind {
        RecordKind::Head => "ChildHead".to_owned(),
        RecordKind::Flag => "FlagCopy".to_owned(),
        RecordKind::Of(kind) => format!("{kind:?}"),
    }
}

fn uuid(bytes: &[u8; 16]) -> String {
    Uuid::from_bytes(*bytes).to_string()
}
