//! A witness of ledgers, as a process of its own: it cosigns checkpoints over HTTP.
//!
//! It should run where those who run the service have no say. What it keeps and checks is in
//! [`signpost_ledger::witness`]; here are its directory, its socket and its answers.

pub(crate) mod http;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use signpost_core::store::Clock;
use signpost_ledger::disk::OsDisk;
use signpost_ledger::error::LedgerError;
use signpost_ledger::note::Signature;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::note::signer::WitnessSigner;
use signpost_ledger::witness::request::Request;
use signpost_ledger::witness::{Refused, Witness};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::exit::{Exit, Failure};
use crate::seed_file;
use crate::server::with_sources;
use crate::watch::wait_until_set;

/// The most connections at once; the next waits until one ends.
const CONNECTIONS_MAX: usize = 64;
/// How long a request may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may last: whoever does not read their answer keeps nobody else out.
const LASTS_AT_MOST: Duration = Duration::from_secs(30);
/// How long those in progress have to end when the witness stops.
const DRAINS_WITHIN: Duration = Duration::from_secs(5);

/// Who a witness is, and what it keeps where.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its key's name, such as `witness.example/w1`.
    pub name: String,
    /// The file of its seed.
    pub key: PathBuf,
    /// Its directory, which is its own.
    pub directory: PathBuf,
}

/// A witness that is ready to serve.
#[derive(Debug)]
pub struct Server {
    desk: Arc<Desk>,
    _lock: File,
}

/// What requests come to.
#[derive(Debug)]
struct Desk {
    witness: Mutex<Witness>,
    clock: Arc<dyn Clock>,
    /// Set once the witness can keep nothing more.
    lost: watch::Sender<bool>,
}

impl Identity {
    /// Makes the directory and a new key, and gives the public key. What is there is refused.
    pub fn create(&self) -> Result<VerifierKey, Failure> {
        let cannot = |error| {
            let directory = self.directory.display();
            Failure::config(format!("cannot make the directory {directory}: {error}"))
        };
        seed_file::create(&self.key)?;
        std::fs::create_dir(&self.directory).map_err(cannot)?;
        self.signer().map(|signer| signer.verifier().clone())
    }

    fn signer(&self) -> Result<WitnessSigner, Failure> {
        WitnessSigner::new(&self.name, &seed_file::read(&self.key)?)
            .map_err(|error| Failure::config(format!("the witness's name: {error}")))
    }
}

impl Server {
    /// Opens the directory for these logs; no other process may have it open.
    pub fn prepare(
        identity: &Identity,
        logs: Vec<VerifierKey>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let signer = identity.signer()?;
        let lock = lock(&identity.directory)?;
        let witness = Witness::open(Arc::new(OsDisk), &identity.directory, signer, logs);
        let witness = witness.map_err(|error| {
            let exit = if let LedgerError::Checkpoint { .. } = error {
                Exit::Sealed
            } else {
                Exit::Unavailable
            };
            Failure::new(exit, with_sources(&error))
        })?;
        let lost = watch::Sender::new(false);
        let desk = Arc::new(Desk { witness: Mutex::new(witness), clock, lost });
        Ok(Self { desk, _lock: lock })
    }

    /// Serves until `stop`, or until it can keep nothing more.
    pub async fn run(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Failure> {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let stopping = watch::Sender::new(false);
        let accept = async {
            loop {
                let place = Arc::clone(&places).acquire_owned().await;
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let (desk, stopped) = (Arc::clone(&self.desk), stopping.subscribe());
                        tokio::spawn(async move {
                            serve(desk, stream, stopped, LASTS_AT_MOST).await;
                            drop(place);
                        });
                    }
                    // Of this one connection, or for want of descriptors: the next may come.
                    Err(error) => {
                        tracing::warn!(%error, "a connection was not accepted");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        };
        let is_lost = tokio::select! {
            () = stop => false,
            () = wait_until_set(self.desk.lost.subscribe()) => true,
            () = accept => false,
        };
        stopping.send_replace(true);
        let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
        let _ended_or_late = tokio::time::timeout(DRAINS_WITHIN, places.acquire_many(all)).await;
        if is_lost {
            let problem = "the witness cannot keep what it cosigns; see the log, and the disk";
            return Err(Failure::new(Exit::StoreFailed, problem));
        }
        Ok(())
    }
}

impl Desk {
    /// The note that was cosigned last of the log of this name.
    fn kept(&self, name: &str) -> Option<Vec<u8>> {
        let witness = self.witness.lock().unwrap_or_else(PoisonError::into_inner);
        witness.kept(name).map(<[u8]>::to_vec)
    }

    /// Reads, checks, keeps and cosigns. It waits for the disk.
    fn add_checkpoint(&self, body: &[u8]) -> Result<Signature, Refused> {
        let request = Request::parse(body)?;
        let mut witness = self.witness.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock, so that the times of cosignatures are in the order of their sizes.
        let time = u64::try_from(self.clock.now().as_second()).unwrap_or(0);
        let cosigned = witness.add_checkpoint(request, time);
        if let Err(Refused::NotKept(error)) = &cosigned {
            tracing::error!(problem = with_sources(error), "a checkpoint was not kept");
            if error.is_final() {
                self.lost.send_replace(true);
            }
        }
        cosigned
    }
}

/// Answers one request: who asks again has the next connection.
async fn serve(
    desk: Arc<Desk>,
    stream: impl AsyncRead + AsyncWrite + Unpin,
    stopped: watch::Receiver<bool>,
    lasts_at_most: Duration,
) {
    let answer = service_fn(move |request| http::answer(Arc::clone(&desk), request));
    let mut connection = http1::Builder::new();
    connection.timer(TokioTimer::new()).header_read_timeout(ARRIVES_WITHIN);
    connection.max_buf_size(16 << 10).keep_alive(false);
    let mut connection = std::pin::pin!(connection.serve_connection(TokioIo::new(stream), answer));
    let served = async {
        tokio::select! {
            ended = connection.as_mut() => ended,
            () = wait_until_set(stopped) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    match tokio::time::timeout(lasts_at_most, served).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended early"),
        Err(_late) => tracing::debug!("a connection took too long"),
    }
}

/// One process at a time: two would cosign two histories.
fn lock(directory: &Path) -> Result<File, Failure> {
    let path = directory.join("lock");
    let cannot = |error: std::io::Error| {
        Failure::config(format!(
            "cannot use {}: {error}; signpost witness create makes a \
             directory for a witness",
            path.display()
        ))
    };
    let file = File::options().create(true).append(true).open(&path).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let problem = format!("another witness uses {}", directory.display());
            Err(Failure::new(Exit::Locked, problem))
        }
        Err(TryLockError::Error(error)) => Err(cannot(error)),
    }
}

#[cfg(test)]
mod tests;
