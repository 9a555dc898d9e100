//! The running service: everything is read and checked, then bound, served, drained, closed.

use std::error::Error;
use std::future::Future;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use signpost_core::clock::{AHEAD_MAX, ServiceClock};
use signpost_core::directory::{Directory, StartError};
use signpost_core::policy::Policy;
use signpost_core::store::{Clock, Store, StoreError};
use signpost_embedded::disk::Disk;
use signpost_embedded::disk::os::OsDisk;
use signpost_embedded::error::{Failure as StoreFailure, OpenError};
use signpost_embedded::keyring::SoftwareKeyring;
use signpost_embedded::options::Options;
use signpost_embedded::store::{EmbeddedStore, Opened};
use signpost_ledger::log::Log;
use signpost_pseudonym::oprf::EvaluationKeys;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::service::RoutesBuilder;
use tonic_health::ServingStatus;

use crate::admission::ClientAuthorities;
use crate::config::{Config, Limits};
use crate::entropy::SystemEntropy;
use crate::exit::{Exit, Failure};
use crate::issuer::OwnAuthority;
use crate::ledger::feed::Feed;
use crate::ledger::keeper::{Keeper, Keeping};
use crate::ledger::start::LastEntries;
use crate::ledger::witnesses::Witnesses;
use crate::progress::Bar;
use crate::purge::{Issuer, Purger};
use crate::watch::{ConditionWatch, Health};
use crate::{closing, evaluation, grpc, ledger, tls, turn, watch};

/// Our own answer to a request that takes too long comes before the transport's, which has no reason.
const UNANSWERED_AFTER: Duration = Duration::from_secs(1);

/// So often ledger and store are opened until neither changed meanwhile.
const OPENED_MAX: usize = 3;

/// A service that has read and checked everything it needs, and has its store open.
#[derive(Debug)]
pub struct Server {
    config: Config,
    tls: Arc<rustls::ServerConfig>,
    authorities: ClientAuthorities,
    keys: Arc<EvaluationKeys>,
    store: Arc<EmbeddedStore>,
    directory: Directory,
    feed: Feed,
    witnesses: Witnesses,
}

impl Server {
    /// Reads certificates, keys and policy, opens the store, and puts on record what changed.
    pub async fn prepare(config: Config, machine: Arc<dyn Clock>) -> Result<Self, Failure> {
        Self::prepare_on(Arc::new(OsDisk), config, machine).await
    }

    /// As [`Server::prepare`], with the store and its keyring on another disk than this machine's.
    pub async fn prepare_on(
        disk: Arc<dyn Disk>,
        config: Config,
        machine: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let clock = ServiceClock::from(Arc::clone(&machine));
        let service_time: Arc<dyn Clock> = Arc::new(clock.clone());
        let tls = tls::server_config(&config.server, Arc::clone(&service_time))?;
        let authorities = ClientAuthorities::read(&config.server)?;
        let own_authority = own_authority(&config)?;
        let keys = evaluation::read(&config.pseudonymiser.keys)?;
        let policy = policy(&config)?;
        let options = store_options(Arc::clone(&disk), &config, service_time)?;
        let mut witnesses =
            Witnesses::new(&config.ledger.witness, &ledger::verifier(&config.ledger)?)?;
        let (log, opened) = open_both(disk, &config, options).await?;
        let store = Arc::new(opened.store);
        let feed = Feed::new(Arc::clone(&store) as Arc<dyn Store>, log);
        witnesses.compare(&feed).await?;
        let directory = Directory::start(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::new(policy),
            clock,
            Arc::new(SystemEntropy),
        )
        .await
        .map_err(not_started)?;
        let directory = directory.limited_to(config.quotas.limits()).await;
        let directory = directory.map_err(|error| not_started(error.into()))?;
        let directory = directory.with_purge_rules(config.purge.rules());
        let directory = match own_authority {
            Some(authority) => directory.with_issuer(Arc::new(authority)),
            None => directory,
        };
        if directory.now().duration_since(machine.now()) > AHEAD_MAX {
            tracing::warn!("the machine's clock is behind the last entry; time goes on from there");
        }
        let held = directory.hold_evaluation_keys(&evaluation::fingerprints(&keys)).await;
        held.map_err(not_started)?;
        turn::finish_at_start(&directory).await?;
        if opened.cut_bytes > 0 {
            let recorded = directory.record_cut_tail(opened.cut_bytes).await;
            recorded.map_err(|error| Failure::new(Exit::StoreFailed, error.to_string()))?;
        }
        Ok(Self {
            config,
            tls,
            authorities,
            keys: Arc::new(keys),
            store,
            directory,
            feed,
            witnesses,
        })
    }

    /// The store, for whoever reads the ledger beside the service.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store) as Arc<dyn Store>
    }

    /// The rules over the store, for what is done while nothing is served.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Closes the store of a service that did not serve.
    pub async fn close_unserved(self) -> Result<(), Failure> {
        close(&self.store, None).await
    }

    /// Serves until `stop` ends or the store fails.
    pub async fn run(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Failure> {
        self.run_with(listener, stop, RoutesBuilder::default()).await
    }

    /// Serves as [`Server::run`] does, and further services over the same connections and limits:
    /// the benchmark measures an empty call beside ours.
    pub async fn run_with(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
        mut routes: RoutesBuilder,
    ) -> Result<(), Failure> {
        let (health, health_service) = tonic_health::server::health_reporter();
        let health = Health::new(health);
        let limits = self.config.limits.clone();
        let (keeper, checkpoints) = Keeper::new(self.directory.clone(), self.feed);
        let services = grpc::Services {
            directory: self.directory.clone(),
            keys: Arc::clone(&self.keys),
            authorities: self.authorities.clone(),
            shelf: checkpoints.clone(),
            certificates: Issuer::new(&self.config.ledger, checkpoints.clone())?,
        };
        routes.add_service(health_service);
        services.add_to(&mut routes, &limits);
        if self.config.server.reflection {
            tracing::warn!("reflection is on: for development only");
            routes.add_service(reflection()?);
        }
        health.set(ServingStatus::Serving).await;

        let (stopping, stopped) = tokio::sync::watch::channel(false);
        let connections =
            tls::accept(listener, Arc::clone(&self.tls), &limits, self.directory.clone());
        let signal = watch::wait_until_set(stopped.clone());
        let serving = transport(&limits)
            .add_routes(routes.routes())
            .serve_with_incoming_shutdown(connections, signal);
        let mut serving = tokio::spawn(serving);
        let looking = watch::each_second(self.directory.clone(), health.clone(), stopped.clone());
        let looking = tokio::spawn(looking);
        let alerting = tokio::spawn(watch::alerts(self.directory.clone(), stopped.clone()));
        let counting = tokio::spawn(watch::purges(self.directory.clone(), stopped.clone()));
        let (store, after) = (Arc::clone(&self.store), self.config.store.turn_after_bytes);
        let closing =
            closing::each_second(self.directory.clone(), checkpoints.clone(), stopped.clone());
        let closing = tokio::spawn(closing);
        let purger = Purger::new(self.directory.clone(), checkpoints.clone(), &self.config);
        let turning =
            turn::each_time(self.directory.clone(), store, after, purger, stopped.clone());
        let turning = tokio::spawn(turning);
        let witnessing = self.witnesses.follow(checkpoints, health.clone(), stopped);
        let mut witnessing = std::pin::pin!(witnessing);
        let mut keeping = Keeping::begin(keeper, health.clone());
        tracing::info!("serving");

        let condition = ConditionWatch::new(self.directory.clone(), health.clone());
        let failure = tokio::select! {
            () = stop => None,
            cause = failure_of(&self.store) => Some(failed(cause)),
            cause = keeping.failure() => Some(failed(cause)),
            Err(contradicted) = &mut witnessing => Some(contradicted),
            never = condition.follow(|| self.store.condition()) => match never {},
            ended = &mut serving => {
                tracing::error!(?ended, "the server ended by itself");
                Some(failed("the server ended by itself".to_owned()))
            }
        };
        health.set(ServingStatus::NotServing).await;
        stopping.send_replace(true);
        drain(&mut serving, limits.drain_time()).await;
        looking.await.ok();
        alerting.await.ok();
        counting.await.ok();
        turning.await.ok();
        closing.await.ok();
        // What was refused while requests in progress ended counts too, and the end of a stop that was
        // not yet on record.
        watch::record_all_refusals(&self.directory).await;
        condition.record_owed().await;
        // Nothing is written any more: the last checkpoint covers all.
        let not_signed = keeping.close().await;
        close(&self.store, failure.or(not_signed.map(failed))).await
    }
}

/// Opens the ledger's tree, and then the store, which must be the one that the tree was made of.
async fn open_both(
    disk: Arc<dyn Disk>,
    config: &Config,
    options: Options,
) -> Result<(Log, Opened), Failure> {
    for _ in 0..OPENED_MAX {
        let (disk, ledger, options) = (Arc::clone(&disk), config.ledger.clone(), options.clone());
        let open = move || {
            let before = ledger::open(Arc::clone(&disk), &ledger)?;
            let asked = LastEntries::read(&ledger.directory, &before)?.evidence();
            let options = Options { evidence: Some(asked), ..options };
            let opened = EmbeddedStore::open(&options).map_err(|error| sealed(&error))?;
            // From here on the store's lock is ours. A process that held it until then may have signed
            // more since the ledger was read.
            let log = ledger::open(disk, &ledger)?;
            let last = LastEntries::read(&ledger.directory, &log)?;
            Ok((log.note() == before.note(), log, last, opened))
        };
        let opened = tokio::task::spawn_blocking(open).await;
        let opened = opened.map_err(|error| {
            Failure::new(Exit::Bug, format!("opening ledger and store: {error}"))
        })?;
        let (is_as_before, log, last, opened) = opened?;
        if is_as_before {
            last.compare(&opened.store).await?;
            return Ok((log, opened));
        }
        close(&opened.store, None).await?;
    }
    let problem = "another process goes on writing to the ledger while it is opened";
    Err(Failure::new(Exit::Locked, problem))
}

/// Why nothing more is written until a start has looked.
fn failed(cause: String) -> Failure {
    Failure::new(Exit::StoreFailed, cause)
}

/// Gives requests in progress their time to end.
async fn drain<T>(serving: &mut JoinHandle<T>, patience: Duration) {
    if !serving.is_finished() && tokio::time::timeout(patience, &mut *serving).await.is_err() {
        tracing::warn!("requests in progress did not end in time");
        serving.abort();
    }
}

/// The store goes last.
async fn close(store: &EmbeddedStore, failure: Option<Failure>) -> Result<(), Failure> {
    let closed = store.close().await;
    if let Some(failure) = failure {
        return Err(failure);
    }
    closed.map_err(|error| failed(error.to_string()))?;
    tracing::info!("stopped");
    Ok(())
}

/// Where the configuration's store lies, and what opens it. How far opening it is, is told on
/// standard error.
pub fn store_options(
    disk: Arc<dyn Disk>,
    config: &Config,
    clock: Arc<dyn Clock>,
) -> Result<Options, Failure> {
    let keyring = SoftwareKeyring::open_on(Arc::clone(&disk), &config.store.keyring)
        .map_err(|error| Failure::new(Exit::Sealed, with_sources(&error)))?;
    let mut options = Options::new(&config.store.data, Arc::new(keyring), clock);
    options.disk = disk;
    options.progress = Arc::new(Bar::default());
    options.queue_commits_max = config.limits.store_queue_max as usize;
    Ok(options)
}

/// Reads and checks all that the configuration names, but the store. Gives the policy's digest in
/// hex.
pub fn check(config: &Config, clock: Arc<dyn Clock>) -> Result<String, Failure> {
    tls::server_config(&config.server, clock)?;
    own_authority(config)?;
    evaluation::read(&config.pseudonymiser.keys)?;
    Witnesses::new(&config.ledger.witness, &ledger::verifier(&config.ledger)?)?;
    let digest = policy(config)?.digest();
    Ok(hex::encode(digest.as_bytes()))
}

/// Reads the authority of the service's own, if it has one.
pub(crate) fn own_authority(config: &Config) -> Result<Option<OwnAuthority>, Failure> {
    let read = |authority| OwnAuthority::read(authority, &config.server);
    config.authority.as_ref().map(read).transpose()
}

/// Reads the configuration's policy, or takes the built-in one.
pub fn policy(config: &Config) -> Result<Policy, Failure> {
    let Some(path) = &config.policy.file else { return Ok(Policy::default()) };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::config(format!("cannot read {}: {error}", path.display())))?;
    Policy::parse(&text).map_err(|error| Failure::config(format!("{}: {error}", path.display())))
}

fn transport(limits: &Limits) -> tonic::transport::Server {
    tonic::transport::Server::builder()
        .timeout(limits.request_time() + UNANSWERED_AFTER)
        .concurrency_limit_per_connection(limits.connection_requests_max as usize)
        .max_concurrent_streams(limits.connection_requests_max)
        .http2_max_header_list_size(limits.header_bytes_max)
        .http2_max_pending_accept_reset_streams(Some(64))
        .http2_keepalive_interval(Some(Duration::from_mins(1)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .max_connection_age(Duration::from_secs(u64::from(limits.connection_seconds_max)))
        .max_connection_age_grace(limits.drain_time())
}

fn reflection() -> Result<
    tonic_reflection::server::v1::ServerReflectionServer<
        impl tonic_reflection::server::v1::ServerReflection,
    >,
    Failure,
> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(signpost_proto::DESCRIPTORS)
        .build_v1()
        .map_err(|error| Failure::new(Exit::Bug, error.to_string()))
}

/// Ends when the store has failed, with why.
async fn failure_of(store: &EmbeddedStore) -> String {
    let mut failed = store.failure();
    let cause: Option<StoreFailure> =
        failed.wait_for(Option::is_some).await.map_or(None, |cause| *cause);
    cause.map_or_else(|| "the store ended by itself".to_owned(), |cause| cause.to_string())
}

/// Why a store was not opened, and the exit code that goes with it.
pub(crate) fn sealed(error: &OpenError) -> Failure {
    let exit = match error {
        OpenError::InUse { .. } => Exit::Locked,
        OpenError::NotADataDirectory { .. } | OpenError::KeyringInside { .. } => Exit::Config,
        // Nothing is wrong with what is stored: with space, the same start works.
        OpenError::NoSpace { .. } => Exit::Unavailable,
        _ if lacks_space(error) => Exit::Unavailable,
        OpenError::UnknownFormat { .. }
        | OpenError::Key { .. }
        | OpenError::Damaged { .. }
        | OpenError::FramesMissing { .. }
        | OpenError::MarkMissing { .. }
        | OpenError::Index { .. }
        | OpenError::Io { .. } => Exit::Sealed,
    };
    Failure::new(exit, with_sources(error))
}

/// Whether a disk that is full is behind it.
fn lacks_space(error: &OpenError) -> bool {
    causes(error).any(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.is_some_and(|io| io.kind() == ErrorKind::StorageFull)
    })
}

/// An error and all that caused it, in one line.
pub(crate) fn with_sources(error: &(dyn Error + 'static)) -> String {
    let causes = causes(error).map(|cause| format!(": {cause}"));
    std::iter::once(error.to_string()).chain(causes).collect()
}

/// All that caused an error, the nearest first.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

fn not_started(error: StartError) -> Failure {
    match error {
        StartError::NotInitialised => {
            Failure::config("the store was never initialised; run signpost init")
        }
        StartError::AlreadyInitialised | StartError::EvaluationKey { .. } => {
            Failure::config(error.to_string())
        }
        // Nothing was done, for want of space most likely: the same start may work later.
        StartError::Store(StoreError::Unavailable | StoreError::Busy) => {
            Failure::new(Exit::Unavailable, error.to_string())
        }
        StartError::Store(StoreError::Indeterminate | StoreError::Damaged) => {
            Failure::new(Exit::StoreFailed, error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use signpost_embedded::keyring::KeyError;

    use super::*;

    #[test]
    fn a_start_that_lacks_nothing_but_space_is_not_called_sealed() {
        let path = || PathBuf::from("index");
        let io = |kind: ErrorKind| OpenError::Io { path: path(), source: kind.into() };
        assert_eq!(sealed(&OpenError::NoSpace { path: path() }).exit, Exit::Unavailable);
        assert_eq!(sealed(&io(ErrorKind::StorageFull)).exit, Exit::Unavailable);
        assert_eq!(sealed(&io(ErrorKind::NotFound)).exit, Exit::Sealed);
        let key = |kind: ErrorKind| {
            let source = KeyError::Io { path: path(), source: kind.into() };
            OpenError::Key { path: path(), source }
        };
        assert_eq!(sealed(&key(ErrorKind::StorageFull)).exit, Exit::Unavailable);
        assert_eq!(sealed(&key(ErrorKind::NotFound)).exit, Exit::Sealed);
        assert_eq!(not_started(StoreError::Unavailable.into()).exit, Exit::Unavailable);
        assert_eq!(not_started(StoreError::Indeterminate.into()).exit, Exit::StoreFailed);
    }
}
