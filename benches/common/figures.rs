//! The figures of many rounds: quantiles, the median and the quartiles.

use serde_json::{Value, json};

/// Median and quartiles of one figure over all rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quartiles {
    /// A quarter of the rounds had less.
    pub(crate) lower: f64,
    /// Half of the rounds had less.
    pub(crate) median: f64,
    /// Three quarters of the rounds had less.
    pub(crate) upper: f64,
}

impl Quartiles {
    /// Of at least one figure.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Self { lower: pick(&sorted, 0.25), median: pick(&sorted, 0.5), upper: pick(&sorted, 0.75) }
    }

    /// As `median [lower .. upper]`.
    pub(crate) fn text(self, decimals: usize) -> String {
        let Self { lower, median, upper } = self;
        format!("{median:.decimals$} [{lower:.decimals$} .. {upper:.decimals$}]")
    }

    pub(crate) fn json(self) -> Value {
        let round = |figure: f64| (figure * 1000.0).round() / 1000.0;
        json!([round(self.lower), round(self.median), round(self.upper)])
    }
}

/// The sample at a quantile: always one that was measured, never one between two.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to their count")]
pub(crate) fn pick(sorted: &[f64], quantile: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((as_float(last) * quantile).round() as usize).copied().unwrap_or(f64::NAN)
}

/// A count as a figure to divide with.
#[expect(clippy::cast_precision_loss, reason = "nothing is counted beyond 2^52 here")]
pub(crate) fn as_float(count: usize) -> f64 {
    count as f64
}
