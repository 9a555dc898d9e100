//! What this executable does as a child of its own: open the store and tell how that was, or write
//! to it until it is killed.

use std::io::{BufRead, BufReader, Lines};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use signpost_core::record::Scope;
use signpost_core::store::Store;
use signpost_core::subject::Pseudonym;
use signpost_core::testing::put_records;
use signpost_embedded::store::EmbeddedStore;

use crate::asker::Asker;
use crate::children::{ChildOf, FLAGS_EACH};
use crate::county::{self, County};
use crate::memory::memory;

/// What this executable is told to open the store by.
pub(crate) const OPEN: &str = "open";
/// What this executable is told to write to the store by.
pub(crate) const LOAD: &str = "load";

/// How many children are read once the store is open.
const READS: usize = 10_000;
/// How much is in flight until the kill.
const IN_FLIGHT: usize = 64;
/// One of so many commits writes a child's records anew; the others are answers.
const WRITES_ONE_OF: usize = 8;

/// How opening the store was, as a child of its own tells it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    /// How long it took.
    pub(crate) seconds: f64,
    pub(crate) rebuilt_index: bool,
    /// The most that was resident until it was open.
    pub(crate) peak_open_bytes: u64,
    /// Resident after reads of 10 000 children.
    pub(crate) resident_bytes: u64,
    /// The most that was resident at any time.
    pub(crate) peak_bytes: u64,
}

/// Opens a county's store in a process of its own, and closes it.
pub(crate) fn open(county: &County) -> anyhow::Result<Told> {
    let (mut child, mut lines) = spawn(OPEN, county)?;
    let told = lines.next().context("the store did not open")??;
    ensure!(child.wait()?.success(), "the store did not close");
    Ok(serde_json::from_str(&told)?)
}

/// Has a process of its own commit for this long, and kills it.
pub(crate) fn load_and_kill(county: &County, under_load: Duration) -> anyhow::Result<()> {
    let (mut child, mut lines) = spawn(LOAD, county)?;
    lines.next().context("the store did not open")??;
    let (ended, end) = mpsc::channel();
    // Its standard output ends with it.
    std::thread::spawn(move || ended.send(lines.next().is_none()));
    ensure!(end.recv_timeout(under_load).is_err(), "it ended before it was killed");
    child.kill()?;
    child.wait()?;
    Ok(())
}

fn spawn(task: &str, county: &County) -> anyhow::Result<(Child, Lines<BufReader<ChildStdout>>)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(task).arg(county.path("")).arg(county.known.to_string());
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let stdout = child.stdout.take().context("it has a standard output")?;
    Ok((child, BufReader::new(stdout).lines()))
}

/// Does as the child was told.
pub(crate) async fn run(task: &str, folder: &Path, known: usize) -> anyhow::Result<()> {
    if task == LOAD {
        load_until_killed(folder, known).await
    } else {
        open_and_tell(folder, known).await
    }
}

async fn open_and_tell(folder: &Path, known: usize) -> anyhow::Result<()> {
    let options = county::options(folder)?;
    let begun = Instant::now();
    let opened = EmbeddedStore::open(&options)?;
    let seconds = begun.elapsed().as_secs_f64();
    let peak_open_bytes = memory("VmHWM")?;
    let (store, rebuilt_index) = (opened.store, opened.rebuilt_index);
    let reads = READS.min(known);
    for number in 0..reads {
        // Over all of the index, not over what lies together.
        let child = ChildOf::Known(number * known / reads);
        let scope = Scope::Child(Pseudonym::new(child.pseudonym()));
        let found = store.scan(&scope, None, NonZeroUsize::MAX).await?;
        ensure!(found.len() == 1 + FLAGS_EACH, "{child:?}: {} records", found.len());
    }
    let (resident_bytes, peak_bytes) = (memory("VmRSS")?, memory("VmHWM")?);
    let told = Told { seconds, rebuilt_index, peak_open_bytes, resident_bytes, peak_bytes };
    println!("{}", serde_json::to_string(&told)?);
    Ok(store.close().await?)
}

async fn load_until_killed(folder: &Path, known: usize) -> anyhow::Result<()> {
    let store = Arc::new(EmbeddedStore::open(&county::options(folder)?)?.store);
    let asker = Asker::start(&store, folder, known).await?;
    println!("open");
    let commits = (0..usize::MAX).map(|number| {
        let (store, asker) = (&store, &asker);
        async move {
            if number.is_multiple_of(WRITES_ONE_OF) {
                let child = ChildOf::Known(number / WRITES_ONE_OF % known);
                put_records(&**store, child.records()).await?;
                return Ok(());
            }
            asker.ask(number).await
        }
    });
    futures::stream::iter(commits).buffer_unordered(IN_FLIGHT).try_collect().await
}
