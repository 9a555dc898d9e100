//! The real binary as a process of its own, for what only a process shows.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};

use rustix::process::{Pid, Signal, kill_process};
use signpost::clock::SystemClock;
use signpost_core::store::Clock;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;

use super::{Caller, NORTHFIELD, PATIENCE, World, channel, eventually};

/// A running `signpost serve`, killed with its value.
#[derive(Debug)]
pub(crate) struct Binary {
    pub(crate) address: SocketAddr,
    child: Child,
    log: PathBuf,
}

impl Binary {
    /// A county by this machine's clock, initialised by the binary itself.
    pub(crate) fn initialised() -> World {
        let world = World::at(SystemClock.now());
        let done = Self::output(&world, &["init", "--bootstrap", "bootstrap.toml"], &[]);
        assert!(done.status.success(), "{done:?}");
        world
    }

    /// Runs `signpost serve` until health says SERVING.
    pub(crate) async fn serve(world: &World, overrides: &[(&str, &str)]) -> Self {
        Self::serve_by(world, Self::command(world, &["serve"], overrides)).await
    }

    /// Runs a process that serves, as `signpost serve` does and says, until health says SERVING.
    pub(crate) async fn serve_by(world: &World, mut command: Command) -> Self {
        let binary = Self::listening(world, &mut command).await;
        let system = binary.system(world, Some(NORTHFIELD));
        eventually("SERVING", || {
            let mut health = system.health();
            async move {
                let checked = health.check(HealthCheckRequest::default()).await.ok()?;
                (checked.into_inner().status() == ServingStatus::Serving).then_some(())
            }
        })
        .await;
        binary
    }

    /// Runs `signpost witness serve` with these arguments until it listens.
    pub(crate) async fn witness(world: &World, arguments: &[&str]) -> Self {
        let arguments = [&["witness", "serve"], arguments].concat();
        Self::listening(world, &mut Self::command(world, &arguments, &[])).await
    }

    async fn listening(world: &World, command: &mut Command) -> Self {
        let log = world.path(&format!("stderr-{}", super::request_id()));
        let stderr = File::create(&log).unwrap();
        let child = command.stderr(stderr).spawn().unwrap();
        // Killed with the value, whatever is waited for in vain.
        let unspecified = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut binary = Self { address: unspecified, child, log };
        binary.address = eventually("the address it listens on", || {
            let found = address_in(&binary.log());
            async move { found }
        })
        .await;
        binary
    }

    /// Runs a command of the binary to its end; one that does not end is killed.
    pub(crate) fn output(world: &World, arguments: &[&str], overrides: &[(&str, &str)]) -> Output {
        let mut command = Self::command(world, arguments, overrides);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let id = child.id();
        let (ended, waiting) = mpsc::channel::<()>();
        let guard = std::thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                send(id, Signal::KILL);
            }
        });
        let output = child.wait_with_output().unwrap();
        drop(ended);
        guard.join().unwrap();
        output
    }

    fn command(world: &World, arguments: &[&str], overrides: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_signpost"));
        command.args(arguments).current_dir(world.path("")).env_clear().stdin(Stdio::null());
        for (key, value) in overrides {
            command.env(format!("SIGNPOST__{key}"), value);
        }
        command
    }

    /// A person over a connection of their own.
    pub(crate) fn person(&self, world: &World, label: &str) -> Caller {
        let member = World::members().iter().find(|member| member.label == label);
        let system = member.expect("one of the members").system;
        self.system(world, Some(system)).with_token(&world.token(label))
    }

    /// Whoever has this certificate, over a connection of their own.
    pub(crate) fn system(&self, world: &World, certificate: Option<&str>) -> Caller {
        Caller::new(channel(self.address, world.tls(certificate)), None)
    }

    /// All that it wrote to standard error so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        send(self.child.id(), signal);
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        eventually("its end", || {
            let ended = self.child.try_wait().unwrap();
            async move { ended }
        })
        .await
    }
}

/// A server that can be killed: the binary as it is, and whatever else serves a county's folder.
pub(crate) trait Victim: Sized {
    /// Serves until it is killed or stopped; panics if it does not come to serve.
    async fn start(world: &World) -> Self;

    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// Kills it in the middle of whatever it does.
    async fn kill(self);

    /// Stops it in good order; panics if it ends in another.
    async fn stop(self);
}

/// So that a few seconds' work turns the store.
pub(crate) const TURNS_OFTEN: (&str, &str) = ("STORE__TURN_AFTER_BYTES", "300000");

impl Victim for Binary {
    async fn start(world: &World) -> Self {
        // It is also killed in the middle of turns.
        Self::serve(world, &[TURNS_OFTEN]).await
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn kill(mut self) {
        self.signal(Signal::KILL);
        assert_eq!(self.ended().await.code(), None, "{}", self.log());
    }

    async fn stop(mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.ended().await.code(), Some(0), "{}", self.log());
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn send(process: u32, signal: Signal) {
    let id = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    kill_process(id, signal).unwrap();
}

/// The address in the log line that names it, as text or as JSON.
fn address_in(log: &str) -> Option<SocketAddr> {
    let names = |line: &&str| line.contains("listening") || line.contains("witnessing");
    let line = log.lines().find(names)?;
    let from = line.find("127.0.0.1:")?;
    let rest = &line[from..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && !".:".contains(c)).unwrap_or(rest.len());
    rest[..end].parse().ok()
}
