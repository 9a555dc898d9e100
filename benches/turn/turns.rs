//! Turns of a store that is idle, and of one that is asked.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use signpost::clock::SystemClock;
use signpost_core::store::Clock;
use signpost_core::turn::{Compaction, Generations};
use signpost_embedded::store::EmbeddedStore;

use crate::asker::{Asker, CHILDREN};
use crate::county::{self, County};
use crate::drive::{Length, Turns, drive};
use crate::plain::Plain;
use crate::stretch::Stretch;

/// How many questions are in flight, with a turn and without.
const IN_FLIGHT: usize = 64;

/// An open store that is turned again and again, an asker it knows, and the plain copy.
#[derive(Debug)]
pub(crate) struct Bench {
    store: Arc<EmbeddedStore>,
    asker: Arc<Asker>,
    plain: Plain,
}

/// A plain copy, a turn alone, questions alone, and both together.
#[derive(Debug)]
pub(crate) struct Round {
    /// Records a second.
    pub(crate) plain: f64,
    pub(crate) idle: TurnTimes,
    pub(crate) asks_alone: Asks,
    pub(crate) loaded: TurnTimes,
    pub(crate) asks_during: Asks,
    /// The longest time without an answer of those that the switch was in.
    pub(crate) switch_pause: Duration,
}

/// How long a turn took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TurnTimes {
    carried: u64,
    pub(crate) prepare: Duration,
    pub(crate) switch: Duration,
    pub(crate) destroy: Duration,
    switch_begun: Instant,
}

/// Questions, and when their workers came for the next one: at the start, and with each answer.
#[derive(Debug)]
pub(crate) struct Asks {
    pub(crate) stretch: Stretch,
    at: Vec<Instant>,
}

impl Bench {
    /// Opens a county's store in this process.
    pub(crate) async fn open(county: &County) -> anyhow::Result<Self> {
        let folder = county.path("");
        let options = county::options(&folder)?;
        let plain = Plain::of(county, options.index_cache_bytes)?;
        let store = Arc::new(EmbeddedStore::open(&options)?.store);
        let asker = Arc::new(Asker::start(&store, &folder, county.known).await?);
        let bench = Self { store, asker, plain };
        let each_once = Length { time: Duration::from_mins(1), work_max: CHILDREN };
        bench.asks(Turns::over(each_once)).await?;
        Ok(bench)
    }

    /// Measures each once.
    pub(crate) async fn round(&self, length: Length) -> anyhow::Result<Round> {
        let plain = self.plain.copy()?;
        let idle = self.turn().await?;
        let asks_alone = self.asks(Turns::over(length)).await?;

        let ended = Arc::new(AtomicBool::new(false));
        let (number, asked_on) = (AtomicUsize::new(0), Arc::clone(&ended));
        let next = move || {
            let goes_on = !asked_on.load(Ordering::Relaxed);
            goes_on.then(|| number.fetch_add(1, Ordering::Relaxed))
        };
        let turn = async {
            let turned = self.turn().await;
            ended.store(true, Ordering::Relaxed);
            turned
        };
        let (asks_during, loaded) = tokio::join!(self.asks(next), turn);
        let (asks_during, loaded) = (asks_during?, loaded?);
        let switched = loaded.switch_begun + loaded.switch;
        let switch_pause = asks_during.longest_gap_within(loaded.switch_begun, switched);
        Ok(Round { plain, idle, asks_alone, loaded, asks_during, switch_pause })
    }

    /// Closes the store in good order.
    pub(crate) async fn close(&self) -> anyhow::Result<()> {
        Ok(self.store.close().await?)
    }

    async fn turn(&self) -> anyhow::Result<TurnTimes> {
        let begun = Instant::now();
        let prepared = self.store.prepare(Arc::new(Compaction { now: SystemClock.now() })).await?;
        let switch_begun = Instant::now();
        self.store.switch(prepared.generation).await?;
        let switched = Instant::now();
        self.store.destroy(prepared.generation - 1).await?;
        Ok(TurnTimes {
            carried: prepared.carried,
            prepare: switch_begun - begun,
            switch: switched - switch_begun,
            destroy: switched.elapsed(),
            switch_begun,
        })
    }

    async fn asks(
        &self,
        next: impl Fn() -> Option<usize> + Send + Sync + 'static,
    ) -> anyhow::Result<Asks> {
        let at = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&at);
        let next = move || {
            let mut at = noted.lock().unwrap_or_else(PoisonError::into_inner);
            at.push(Instant::now());
            next()
        };
        let asker = Arc::clone(&self.asker);
        let ask = move |_, number| {
            let asker = Arc::clone(&asker);
            async move { asker.ask(number).await }
        };
        let stretch = drive(IN_FLIGHT, next, ask).await?;
        let at = std::mem::take(&mut *at.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Asks { stretch, at })
    }
}

impl TurnTimes {
    /// Records a second over the whole turn.
    #[expect(clippy::cast_precision_loss, reason = "records are not counted beyond 2^52")]
    pub(crate) fn rate(&self) -> f64 {
        self.carried as f64 / (self.prepare + self.switch + self.destroy).as_secs_f64()
    }
}

impl Asks {
    /// The longest time without an answer.
    pub(crate) fn longest_gap(&self) -> Duration {
        self.longest(|_, _| true)
    }

    /// The longest time without an answer of those that overlap with this time.
    fn longest_gap_within(&self, from: Instant, to: Instant) -> Duration {
        self.longest(|answered, next| next >= from && answered <= to)
    }

    /// They were noted under a lock, and so in their order.
    fn longest(&self, counts: impl Fn(Instant, Instant) -> bool) -> Duration {
        let gaps = self.at.array_windows().filter(|[answered, next]| counts(*answered, *next));
        gaps.map(|[answered, next]| *next - *answered).max().unwrap_or_default()
    }
}
