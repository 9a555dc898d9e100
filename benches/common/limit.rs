//! A limit on a figure of a run, and whether the median reached it.

use serde_json::{Value, json};

use crate::figures::Quartiles;

/// What a figure has to come to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) limit: f64,
    pub(crate) at_least: bool,
}

impl Limit {
    /// A line of text, and the same as JSON.
    pub(crate) fn told(self, name: &str, found: Quartiles, decimals: usize) -> (String, Value) {
        let Self { limit, at_least } = self;
        let reached = if at_least { found.median >= limit } else { found.median <= limit };
        let (sign, word) =
            (if at_least { ">=" } else { "<=" }, if reached { "reached" } else { "NOT reached" });
        let line = format!("{name}: {} (target {sign} {limit}): {word}", found.text(decimals));
        let json = json!({
            "name": name, "limit": limit, "at_least": at_least, "found": found.json(),
            "reached": reached,
        });
        (line, json)
    }
}
