//! The closing of the service as it runs: at its instant put on record, and then what follows it.

use std::time::Duration;

use signpost_core::directory::Directory;
use signpost_core::refusal::Refusal;
use tokio::sync::watch;

use crate::ledger::keeper::Shelf;
use crate::watch::wait_until_set;

/// How often it is looked whether the closing has come. Nobody is answered meanwhile: each decision
/// looks at the time by itself.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// Closes the service when that is due, until it stops.
pub(crate) async fn each_second(
    directory: Directory,
    shelf: Shelf,
    stopped: watch::Receiver<bool>,
) {
    let looking = async {
        loop {
            if let Err(error) = look(&directory, &shelf).await {
                tracing::error!(%error, "the closing did not come a step on: it is tried again");
            }
            tokio::time::sleep(LOOKED_AT_EVERY).await;
        }
    };
    tokio::select! {
        () = wait_until_set(stopped) => {}
        () = looking => {}
    }
}

/// Takes every step that is due. Each is on record by itself, and none twice.
async fn look(directory: &Directory, shelf: &Shelf) -> Result<(), Refusal> {
    if directory.close_when_due().await?.is_some() {
        tracing::warn!("the service is closed: nobody is answered any more");
    }
    let revoked = directory.revoke_tokens_of_users().await?;
    if revoked > 0 {
        tracing::info!(revoked, "the tokens of all users are revoked");
    }
    let Some(closing) = directory.closing_without_figures().await? else { return Ok(()) };
    let published = shelf.covering(closing.0).await?;
    let checkpoint = published.reader.checkpoint();
    directory.record_closing_figures(checkpoint.size, *checkpoint.root.as_bytes()).await?;
    tracing::info!(entries = checkpoint.size, "what there was at the closing is on record");
    Ok(())
}
