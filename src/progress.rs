//! How far a long work is: a bar on a terminal, a line of the log every tenth elsewhere.

use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use signpost_embedded::progress::Progress;

/// Works shorter than this are over before anybody could read of them.
const WORTH_TELLING: u64 = 64 << 20;

/// How many rows of a list are done: a bar where standard error is a terminal, nothing elsewhere.
#[derive(Debug)]
pub struct Rows(ProgressBar);

impl Rows {
    /// Begins with no row done.
    #[must_use]
    pub fn begin(what: &'static str, rows: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(rows as u64), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what);
        Self(bar)
    }

    /// So many more are done.
    pub fn advance(&self, rows: usize) {
        self.0.inc(rows as u64);
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Tells whoever waits on standard error.
#[derive(Debug, Default)]
pub struct Bar(Mutex<Option<Work>>);

#[derive(Debug)]
struct Work {
    bar: ProgressBar,
    what: &'static str,
    tenths_told: u64,
}

impl Bar {
    fn with(&self, tell: impl FnOnce(&mut Work)) {
        if let Some(work) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            tell(work);
        }
    }
}

impl Progress for Bar {
    fn begin(&self, what: &'static str, bytes: u64) {
        if bytes < WORTH_TELLING {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        let style = "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {eta}";
        let style =
            ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.set_message(what);
        let work = Work { bar, what, tenths_told: 0 };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(work);
    }

    fn advance(&self, bytes: u64) {
        self.with(|Work { bar, what, tenths_told }| {
            bar.inc(bytes);
            let tenths = bar.position() * 10 / bar.length().unwrap_or(u64::MAX).max(1);
            if bar.is_hidden() && tenths > *tenths_told {
                *tenths_told = tenths;
                tracing::info!(percent = tenths * 10, "{what}");
            }
        });
    }

    fn end(&self) {
        self.with(|work| work.bar.finish_and_clear());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
