//! `signpost demo`: the real service with fictional data, and a story told through the real client.

mod setting;
mod story;

use std::sync::Arc;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::clock::SystemClock;
use crate::config::{Config, Log, LogFormat, LogLevel};
use crate::server::Server;
use crate::{init, process, telemetry};
use setting::Setting;

/// Prints a line; a reader that went away ends the demo as any error does, and in good order.
macro_rules! say {
    ($($line:tt)*) => {
        std::io::Write::write_fmt(
            &mut std::io::stdout(),
            format_args!("{}\n", format_args!($($line)*)),
        )?
    };
}
use say;

/// Tells the story; unless `once`, leaves the service running until it is told to stop. All files
/// lie in a directory of their own and are removed at the end.
pub async fn run(once: bool) -> anyhow::Result<()> {
    telemetry::init(&Log { format: LogFormat::Text, level: LogLevel::Warn });
    let stop = process::stop_signal()?;
    let folder = tempfile::Builder::new().prefix("signpost-demo-").tempdir()?;
    let listener = TcpListener::bind("127.0.0.1:0").await.context("no free port")?;
    let address = listener.local_addr()?;
    let clock = Arc::new(SystemClock);
    let setting = Setting::make(folder.path(), address.port())?;

    let config = Config::load(&setting.config, std::iter::empty())?;
    let loaded = init::initialise(&config, &setting.bootstrap, clock.clone()).await?;
    say!(
        "A service with {} organisations, {} access groups and {} people, all fictional, on {address}.\n",
        loaded.organisations,
        loaded.groups,
        loaded.people
    );
    let server = Server::prepare(config, clock).await?;
    let ledger = server.store();
    let (stop_server, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.run(listener, async move {
        // Dropped or sent, it is the end.
        stopped.await.ok();
    }));

    let told = async {
        story::tell(&setting, &*ledger).await?;
        if !once {
            say!("{}\nThe service runs until Ctrl-C.", setting.commands());
            stop.await;
        }
        anyhow::Ok(())
    };
    let told = told.await;
    drop(ledger);
    stop_server.send(()).ok();
    serving.await??;
    told
}
