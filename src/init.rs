//! First light, once, and what comes in its place where nobody can let anybody in any more.
//!
//! What is made is removed again if the whole does not come to its end: nothing half done is left.

mod bootstrap;
mod made;
mod operator;
mod papers;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use signpost_core::directory::Directory;
use signpost_core::directory::onboarding::{FirstLight, Invitation, Recovery, RecoveryError};
use signpost_core::policy::Policy;
use signpost_core::refusal::{Invalid, Reason};
use signpost_core::store::{Clock, StoreError};
use signpost_core::text::StaffReference;
use signpost_embedded::disk::os::OsDisk;
use signpost_embedded::keyring::SoftwareKeyring;
use signpost_embedded::options::Options;
use signpost_embedded::store::EmbeddedStore;
use signpost_pseudonym::oprf::{EvaluationKey, EvaluationKeyId, EvaluationKeys};

use crate::code_file::{NewCode, file_name};
use crate::config::{Config, Ledger};
use crate::entropy::SystemEntropy;
use crate::exit::{Exit, Failure};
use crate::server::{Server, policy, with_sources};
use crate::{evaluation, ledger, seed_file};

pub use bootstrap::{Administrators, Initialised, initialise, request_id};

use made::Made;
use operator::{Administrator, OperatorFile};

/// What two administrators are handed.
#[derive(Debug)]
pub struct Handed {
    /// One code each.
    pub codes: Vec<HandedCode>,
    /// The certificate and the key of a new system for them.
    pub system: Option<(PathBuf, PathBuf)>,
}

/// The file of an enrolment code.
#[derive(Debug)]
pub struct HandedCode {
    /// Whose it is.
    pub staff_reference: String,
    /// Where it is.
    pub file: PathBuf,
    /// Whether only the holder of a private key can open it.
    pub is_sealed: bool,
}

/// Makes all that the configuration names and is not there yet, and the register: the operator, one
/// system of it, and two administrators who are invited. A store that is there is refused.
pub async fn first_light(
    config: &Config,
    operator: &Path,
    out: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Handed, Failure> {
    let policy = policy(config)?;
    let operator = OperatorFile::load(operator)?;
    let mut made = Made::default();
    let done = begin(config, &policy, operator, out, clock, &mut made).await;
    if done.is_err() {
        made.remove();
    }
    done
}

async fn begin(
    config: &Config,
    policy: &Policy,
    operator: OperatorFile,
    out: &Path,
    clock: Arc<dyn Clock>,
    made: &mut Made,
) -> Result<Handed, Failure> {
    let now = clock.now();
    for directory in [&config.store.data, &config.store.keyring, &config.ledger.directory] {
        made::check_unused(directory)?;
    }
    let own_authority = papers::make(config, &operator.server_names, now, made)?;
    made.folder(out)?;
    let papers = papers::system(config, &operator, own_authority.as_ref(), out, now, made)?;
    let Some(papers) = papers else {
        let problem = "names no certificate, and there is no [authority] to sign one";
        return Err(Failure::config(format!("the operator's file {problem}")));
    };
    let (invitations, codes) = invite(&operator.administrator, out, made)?;
    let (known, entropy) = (operator.operator()?, SystemEntropy);
    let light = FirstLight::of_operator(known, papers.system, &invitations, now, &entropy);
    let light = light.map_err(|reason| refused(&reason))?;
    let (options, keys) = make_store(config, clock, made)?;
    let light = light.with_evaluation_keys(evaluation::fingerprints(&keys));
    let store = light_up(&options, policy, light).await?;
    close(&store).await?;
    Ok(Handed { codes, system: papers.files })
}

/// Where no two administrators can let somebody in, invites two, in the store of a service that is
/// stopped. Those whose tokens are lost cannot act, whatever is on record.
pub async fn recover(
    config: Config,
    operator: &Path,
    tokens_lost: &[StaffReference],
    out: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Handed, Failure> {
    let operator = OperatorFile::load(operator)?;
    let own_authority = crate::server::own_authority(&config)?;
    let server = Server::prepare(config.clone(), clock).await?;
    let directory = server.directory().clone();
    let mut made = Made::default();
    let prepare = |made: &mut Made| {
        made.folder(out)?;
        let now = directory.now();
        let papers = papers::system(&config, &operator, own_authority.as_ref(), out, now, made)?;
        let (administrators, codes) = invite(&operator.administrator, out, made)?;
        let (system, files) = papers.map(|papers| (papers.system, papers.files)).unzip();
        let known = operator.operator()?.organisation;
        let recovery = Recovery {
            scheme: known.scheme,
            code: known.code,
            authority: known.authority,
            authority_until: known.authority_until,
            administrators,
            system,
            tokens_lost: tokens_lost.to_vec(),
        };
        Ok((recovery, Handed { codes, system: files.flatten() }))
    };
    let recovered = match prepare(&mut made) {
        Ok((recovery, handed)) => match directory.recover_administrators(&recovery).await {
            Ok(_) => Ok(handed),
            Err(error) => Err(not_recovered(error, &mut made)),
        },
        Err(failure) => Err(failure),
    };
    if recovered.is_err() {
        made.remove();
    }
    drop(directory);
    let closed = server.close_unserved().await;
    let handed = recovered?;
    closed.map(|()| handed)
}

/// Why nobody was recovered. Where it may have been done all the same, what was made stays.
fn not_recovered(error: RecoveryError, made: &mut Made) -> Failure {
    match error {
        RecoveryError::NotNeeded(_) => Failure::new(Exit::Refused, error.to_string()),
        RecoveryError::Refused(reason) => refused(&reason),
        RecoveryError::Store(StoreError::Indeterminate) => {
            *made = Made::default();
            Failure::new(Exit::StoreFailed, format!("{error}; keep the codes, and try them"))
        }
        RecoveryError::Store(_) => Failure::new(Exit::StoreFailed, error.to_string()),
    }
}

/// A code for each administrator, in a file, and what the register is given of it.
fn invite(
    administrators: &[Administrator],
    out: &Path,
    made: &mut Made,
) -> Result<(Vec<Invitation>, Vec<HandedCode>), Failure> {
    let (mut invitations, mut codes) = (Vec::new(), Vec::new());
    for administrator in administrators {
        let recipient = administrator.recipient()?;
        let staff_reference = administrator.staff_reference.as_str().to_owned();
        let file = out.join(file_name(&staff_reference, recipient.is_some()));
        made.file(&file)?;
        let code = NewCode::write(&file, recipient.as_ref())?;
        invitations.push(administrator.invitation(code.code_hash()));
        codes.push(HandedCode { staff_reference, file, is_sealed: recipient.is_some() });
    }
    Ok((invitations, codes))
}

/// Makes keyring, data directory and, where there is none, the evaluation key.
fn make_store(
    config: &Config,
    clock: Arc<dyn Clock>,
    made: &mut Made,
) -> Result<(Options, EvaluationKeys), Failure> {
    for directory in [&config.store.data, &config.store.keyring, &config.ledger.directory] {
        made::check_unused(directory)?;
    }
    let keyring = SoftwareKeyring::create(&config.store.keyring)
        .map_err(|error| Failure::config(with_sources(&error)))?;
    made.made_directory(&config.store.keyring);
    let options = Options::new(&config.store.data, Arc::new(keyring), clock);
    EmbeddedStore::create(&options).map_err(|error| Failure::config(with_sources(&error)))?;
    made.made_directory(&config.store.data);
    if !config.pseudonymiser.keys.exists() {
        let key = EvaluationKey::generate(EvaluationKeyId(1), &mut rand_core::OsRng);
        made.secret(&config.pseudonymiser.keys, &EvaluationKeys::new(key).to_text())?;
    }
    let keys = evaluation::read(&config.pseudonymiser.keys)?;
    make_ledger(config, made)?;
    Ok((options, keys))
}

/// Makes the ledger's tree and, where there is none, the key that signs it.
fn make_ledger(config: &Config, made: &mut Made) -> Result<(), Failure> {
    let Ledger { directory, key, .. } = &config.ledger;
    if !key.exists() {
        made.secret(key, &seed_file::new())?;
    }
    ledger::create(Arc::new(OsDisk), &config.ledger)?;
    made.made_directory(directory);
    Ok(())
}

/// Opens the new store and writes what onboarding begins with.
async fn light_up(
    options: &Options,
    policy: &Policy,
    light: FirstLight,
) -> Result<EmbeddedStore, Failure> {
    let store = EmbeddedStore::open(options).map_err(|error| Failure::config(with_sources(&error)));
    let store = store?.store;
    let begun = Directory::first_light(&store, policy, light).await;
    begun.map_err(|error| Failure::config(with_sources(&error)))?;
    Ok(store)
}

async fn close(store: &EmbeddedStore) -> Result<(), Failure> {
    store.close().await.map_err(|error| Failure::new(Exit::StoreFailed, error.to_string()))
}

fn refused(reason: &Reason) -> Failure {
    let Reason::Invalid(invalid) = reason else { return Failure::config(reason.to_string()) };
    Failure::config(format!("the operator's file: {}", spelt_out(invalid)))
}

/// Each field that is wrong, and what is wrong with it.
fn spelt_out(invalid: &Invalid) -> String {
    let problems = invalid.violations.iter().map(|one| format!("{} {}", one.field, one.problem));
    problems.collect::<Vec<_>>().join("; ")
}
