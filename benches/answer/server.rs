//! The server of a run: the real one with an empty call beside ours, in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::Context;
use signpost::clock::SystemClock;
use signpost::config::Config;
use signpost::server::Server;
use signpost::{process, telemetry};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::service::RoutesBuilder;

use crate::county::County;
use crate::empty::EmptyServer;

/// What this executable is told to be the server by.
pub(crate) const SERVE: &str = "serve";

/// A running server; dropped, it stops and is waited for.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl ServerProcess {
    /// Starts it and waits until it listens.
    pub(crate) fn start(county: &County) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(SERVE)
            .arg(county.path("signpost.toml"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("it has a standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim_end().parse().context("the server did not start")?;
        Ok(Self { child, address })
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        if let Err(error) = self.child.wait() {
            eprintln!("the server was not waited for: {error}");
        }
    }
}

/// Serves as `signpost serve` does, until standard input ends; prints where.
pub(crate) async fn serve(config: &Path) -> anyhow::Result<()> {
    let config = Config::load(config, std::iter::empty())?;
    telemetry::init(&config.log);
    process::protect_memory();
    let listen = config.server.listen;
    let server = Server::prepare(config, Arc::new(SystemClock)).await?;
    let listener = TcpListener::bind(listen).await?;
    println!("{}", listener.local_addr()?);
    let mut routes = RoutesBuilder::default();
    routes.add_service(EmptyServer);
    Ok(server.run_with(listener, input_ends(), routes).await?)
}

/// Ends with standard input: when the client closes it, and also when the client is gone.
fn input_ends() -> impl Future<Output = ()> {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let _nothing_comes = std::io::stdin().read_to_end(&mut Vec::new());
        ended.send(())
    });
    async move {
        let _ended_either_way = end.await;
    }
}
