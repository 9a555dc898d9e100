//! The same server in a process of its own, on a disk that forgets what was not synced: a kill of
//! that process is a power cut, and what it loses shows which syncs are missing.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;

use signpost::clock::SystemClock;
use signpost::entropy::SystemEntropy;
use signpost::server::Server;
use signpost::{process, telemetry};
use signpost_embedded::disk::volatile::VolatileDisk;
use tokio::net::TcpListener;

use super::{Burst, kill_and_compare, rounds};
use crate::harness::{Binary, TURNS_OFTEN, Victim, World};

const TEST: &str =
    "process::kill::forgetful::what_was_told_outlives_every_kill_on_a_disk_that_forgets";

/// Set in the process that serves: the folder of its county.
const FOLDER: &str = "SIGNPOST_KILL_FORGETFUL";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_outlives_every_kill_on_a_disk_that_forgets() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return serve(&World::of(folder.as_ref())).await;
    }
    assert!(Burst::told().is_none(), "clients are started by another name");
    kill_and_compare::<Forgetful>(&Binary::initialised(), rounds()).await;
}

/// A server that loses what was not synced when it is killed.
struct Forgetful(Binary);

impl Victim for Forgetful {
    async fn start(world: &World) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([TEST, "--exact", "--nocapture"]).current_dir(world.path(""));
        command.env(FOLDER, world.path("")).stdin(Stdio::null()).stdout(Stdio::null());
        Self(Binary::serve_by(world, command).await)
    }

    fn address(&self) -> SocketAddr {
        self.0.address()
    }

    async fn kill(self) {
        self.0.kill().await;
    }

    async fn stop(self) {
        self.0.stop().await;
    }
}

/// Serves as the binary does, until it is killed or told to stop. Pieces of what was not synced may
/// reach the real files, as a kernel may write them early.
async fn serve(world: &World) {
    let config = world.config(&[TURNS_OFTEN]);
    telemetry::init(&config.log);
    let disk = VolatileDisk::new();
    disk.faults().write_back(u64::from_be_bytes(SystemEntropy.bytes()));
    let stop = process::stop_signal().unwrap();
    let server = Server::prepare_on(Arc::new(disk), config, Arc::new(SystemClock)).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tracing::info!(target: "signpost", %address, "listening");
    server.run(listener, stop).await.unwrap();
}
