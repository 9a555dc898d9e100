//! The layers, in one process: bare appends, commits of an entry alone, and questions.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use signpost_core::testing::put_records;
use signpost_embedded::store::EmbeddedStore;

use crate::asker::{Asker, CHILDREN};
use crate::county::{self, County};
use crate::drive::{Length, Turns, drive};
use crate::figures::as_float;
use crate::machine::append_durably;
use crate::stretch::Stretch;

/// What is in flight together; 1 is a lone one.
pub(crate) const IN_FLIGHT: [usize; 3] = [1, 64, 256];

/// An open store, and an asker it knows.
#[derive(Debug)]
pub(crate) struct Layers {
    store: Arc<EmbeddedStore>,
    asker: Arc<Asker>,
    journal: PathBuf,
    /// Where bare appends go.
    bare: File,
    /// As long as the journal's frame of a lone entry.
    frame_bytes: usize,
}

/// All layers right behind each other.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) bare: Stretch,
    /// By [`IN_FLIGHT`].
    pub(crate) commits: Vec<Stretch>,
    /// By [`IN_FLIGHT`], each with the journal's bytes for one.
    pub(crate) asks: Vec<(Stretch, f64)>,
}

impl Layers {
    /// Opens a county's store in this process.
    pub(crate) async fn open(county: &County) -> anyhow::Result<Self> {
        let folder = county.path("");
        let store = Arc::new(EmbeddedStore::open(&county::options(&folder)?)?.store);
        let asker = Asker::start(&store, &folder, county.known).await?;
        let mut layers = Self {
            store,
            asker: Arc::new(asker),
            journal: county.path("data/generation-0000000001/journal-0000000001"),
            bare: tempfile::tempfile_in(county.path(""))?,
            frame_bytes: 0,
        };
        let before = layers.journal_bytes()?;
        put_records(&*layers.store, []).await?;
        layers.frame_bytes = usize::try_from(layers.journal_bytes()? - before)?;
        let each_once = Length { time: Duration::from_mins(1), work_max: CHILDREN };
        layers.asks(IN_FLIGHT[2], each_once).await?;
        Ok(layers)
    }

    /// Measures each layer once.
    pub(crate) async fn round(&self, length: Length) -> anyhow::Result<Round> {
        let bare = self.bare_appends(length)?;
        let (mut commits, mut asks) = (Vec::new(), Vec::new());
        for in_flight in IN_FLIGHT {
            commits.push(self.commits(in_flight, length).await?);
        }
        for in_flight in IN_FLIGHT {
            let before = self.journal_bytes()?;
            let stretch = self.asks(in_flight, length).await?;
            let bytes = usize::try_from(self.journal_bytes()? - before)?;
            let each = as_float(bytes) / as_float(stretch.count().max(1));
            asks.push((stretch, each));
        }
        Ok(Round { bare, commits, asks })
    }

    /// Closes the store in good order.
    pub(crate) async fn close(&self) -> anyhow::Result<()> {
        Ok(self.store.close().await?)
    }

    fn bare_appends(&self, length: Length) -> anyhow::Result<Stretch> {
        let (begun, turns, mut samples) = (Instant::now(), Turns::begin(length), Vec::new());
        while turns.next().is_some() {
            samples.push(append_durably(&self.bare, self.frame_bytes)?);
        }
        Ok(Stretch::new(begun.elapsed(), samples))
    }

    async fn commits(&self, in_flight: usize, length: Length) -> anyhow::Result<Stretch> {
        let store = Arc::clone(&self.store);
        let commit = move |_, _| {
            let store = Arc::clone(&store);
            async move { Ok(put_records(&*store, []).await.map(|_receipt| ())?) }
        };
        drive(in_flight, Turns::over(length), commit).await
    }

    async fn asks(&self, in_flight: usize, length: Length) -> anyhow::Result<Stretch> {
        let asker = Arc::clone(&self.asker);
        let ask = move |_, number| {
            let asker = Arc::clone(&asker);
            async move { asker.ask(number).await }
        };
        drive(in_flight, Turns::over(length), ask).await
    }

    fn journal_bytes(&self) -> anyhow::Result<u64> {
        Ok(std::fs::metadata(&self.journal)?.len())
    }
}
