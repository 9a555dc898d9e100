//! How results are shown: as text a practitioner reads, or as JSON with stable names.

mod answer;
pub mod fields;
pub mod hours;
mod json;
pub mod terms;
pub mod values;

use std::io::{Write, stdout};

use anyhow::Context;
use clap::ValueEnum;
use serde::Serialize;
use signpost_proto::v1;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Text to be read.
    #[default]
    Table,
    /// JSON; what is not shown is left out.
    Json,
}

/// Prints an answer.
pub fn print_answer(answer: &v1::Answer, output: Output) -> anyhow::Result<()> {
    print(output, || answer::text(answer), &json::Answer::from(answer))
}

/// Prints the result of a write: one line of text, or its fields.
pub fn print_written(line: &str, written: &Written, output: Output) -> anyhow::Result<()> {
    print(output, || format!("{line}\nReceipt: {}", written.receipt), written)
}

/// What is told of a write.
#[derive(Debug, Default, Serialize)]
pub struct Written {
    /// The flag's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_id: Option<String>,
    /// How far a lifting or a confirmation is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<&'static str>,
    /// The id that the second name needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lift_id: Option<String>,
    /// The ledger entry of the write.
    pub receipt: u64,
}

pub(super) fn print(
    output: Output,
    text: impl FnOnce() -> String,
    json: &impl Serialize,
) -> anyhow::Result<()> {
    let text = match output {
        Output::Table => text(),
        Output::Json => serde_json::to_string_pretty(json).context("cannot write as JSON")?,
    };
    writeln!(stdout().lock(), "{text}").context("cannot write to standard output")
}

/// A day as `2026-01-05`.
pub(super) fn date(date: v1::Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
}

/// A terminal obeys control characters; whoever sent them, they are not shown.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_leaves_out_what_it_has_not() {
        let written =
            Written { contact_id: Some("c".to_owned()), receipt: 9, ..Written::default() };
        let json = serde_json::to_string(&written).unwrap();
        assert_eq!(json, r#"{"contact_id":"c","receipt":9}"#);
    }
}
