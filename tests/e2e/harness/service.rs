//! The service in this process, on a free port of this machine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use signpost::exit::Failure;
use signpost::server::Server;
use signpost_core::store::Store;
use signpost_embedded::disk::Disk;
use signpost_embedded::disk::os::OsDisk;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

use super::{Administrators, Caller, Ledger, PATIENCE, World, channel};

/// A running service and its county.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) world: World,
    pub(crate) address: SocketAddr,
    store: Arc<dyn Store>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), Failure>>,
    channels: Mutex<BTreeMap<String, Channel>>,
}

impl Service {
    /// A fresh service with the usual limits.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// A fresh service with these keys of its configuration overridden.
    pub(crate) async fn start_with(overrides: &[(&str, &str)]) -> Self {
        let world = World::new();
        world.initialise().await;
        Self::serve(world, overrides).await
    }

    /// A service of a county that is initialised already.
    pub(crate) async fn serve(world: World, overrides: &[(&str, &str)]) -> Self {
        Self::serve_on(Arc::new(OsDisk), world, overrides).await
    }

    /// A service whose store lies on this disk.
    pub(crate) async fn serve_on(
        disk: Arc<dyn Disk>,
        world: World,
        overrides: &[(&str, &str)],
    ) -> Self {
        let (config, clock) = (world.config(overrides), world.clock());
        let server = Server::prepare_on(disk, config, clock).await.unwrap();
        let store = server.store();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(listener, async move {
            stopped.await.ok();
        }));
        let channels = Mutex::default();
        Self { world, address, store, stop, running, channels }
    }

    /// A person at their organisation's system.
    pub(crate) fn person(&self, label: &str) -> Caller {
        let member = World::members().iter().find(|member| member.label == label);
        let system = member.expect("one of the members").system;
        Caller::new(self.channel(Some(system)), Some(self.world.token(label)))
    }

    /// The two administrators of Northfield.
    pub(crate) fn administrators(&self) -> Administrators {
        Administrators {
            first: self.person("second-administrator"),
            second: self.person("ADMIN_ONBOARDING"),
            today: self.world.today(),
        }
    }

    /// Whoever has this certificate, or none.
    pub(crate) fn system(&self, certificate: Option<&str>) -> Caller {
        Caller::new(self.channel(certificate), None)
    }

    /// A person over a connection of their own.
    pub(crate) fn person_alone(&self, label: &str) -> Caller {
        let member = World::members().iter().find(|member| member.label == label);
        let tls = self.world.tls(Some(member.expect("one of the members").system));
        Caller::new(channel(self.address, tls), Some(self.world.token(label)))
    }

    /// The ledger as it is now.
    pub(crate) async fn ledger(&self) -> Ledger {
        Ledger::read(&*self.store).await
    }

    /// Stops it, and gives the county back.
    pub(crate) async fn stop(self) -> World {
        let (world, running) = self.begin_stop();
        running.await.unwrap().unwrap();
        world
    }

    /// Waits until it has ended by itself, and gives why.
    pub(crate) async fn failed(self) -> (World, Failure) {
        let Self { world, running, .. } = self;
        let ended = tokio::time::timeout(PATIENCE, running).await.unwrap();
        (world, ended.unwrap().unwrap_err())
    }

    /// Tells it to stop: it ends when what is in progress has ended.
    pub(crate) fn begin_stop(self) -> (World, JoinHandle<Result<(), Failure>>) {
        let Self { world, stop, running, .. } = self;
        stop.send(()).unwrap();
        (world, running)
    }

    fn channel(&self, certificate: Option<&str>) -> Channel {
        let name = certificate.unwrap_or_default().to_owned();
        let mut channels = self.channels.lock().unwrap();
        let new = || channel(self.address, self.world.tls(certificate));
        channels.entry(name).or_insert_with(new).clone()
    }
}
