//! `ledger figures`: what can be published, as a table, as JSON, or as CSV.

use std::io::Write;

use anyhow::Context;
use clap::Args;
use signpost_client::onboarding::Listed;
use signpost_core::figures::Month;
use signpost_proto::v1;

use crate::cli::profile::ConnectionArgs;
use crate::cli::render::Output;
use crate::cli::render::fields::{Fields, Shown, print_listed};
use crate::cli::render::terms::name_of;
use crate::cli::render::values::Quiet;

/// What stands for all kinds, purposes or reasons together.
const ALL: &str = "ALL";
/// What stands for a number that is not given.
const WITHHELD: &str = "WITHHELD";

/// Reads a month as `2026-01`.
const MONTH: Quiet<Month> = Quiet { parse: parse_month, expected: "a month such as 2026-01" };

/// `signpost ledger figures`
///
/// Small numbers are withheld, and others that would give one back. What is not listed is 0.
#[derive(Debug, Args)]
pub(super) struct FiguresCommand {
    /// The first month
    #[arg(long, value_name = "MONTH", value_parser = MONTH)]
    from: Month,
    /// The last month, which must be over
    #[arg(long, value_name = "MONTH", value_parser = MONTH)]
    until: Month,
    /// As comma-separated values, to be published
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// One number, with the month and the table that it is of.
#[derive(Debug)]
struct Row {
    month: String,
    table: &'static str,
    kind: &'static str,
    of: &'static str,
    number: Option<u64>,
}

impl FiguresCommand {
    pub(super) async fn run(self, output: Output) -> anyhow::Result<()> {
        let client = self.connection.connect().await?;
        let given = client.figures(wire_month(self.from), wire_month(self.until)).await?;
        let items: Vec<Row> = given.items.iter().flat_map(rows).collect();
        if self.csv {
            print_csv(&items)
        } else {
            print_listed(&Listed { items, receipts: given.receipts }, output)
        }
    }
}

fn print_csv(rows: &[Row]) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let failed = "cannot write to standard output";
    writeln!(out, "month,table,organisation_kind,purpose_or_reason,number").context(failed)?;
    for Row { month, table, kind, of, number } in rows {
        let number = number.map_or_else(|| WITHHELD.to_owned(), |number| number.to_string());
        writeln!(out, "{month},{table},{kind},{of},{number}").context(failed)?;
    }
    out.flush().context(failed)
}

fn rows(figures: &v1::MonthFigures) -> Vec<Row> {
    let month = figures.month.unwrap_or_default();
    let month = format!("{:04}-{:02}", month.year, month.month);
    let row = |table, of: Option<&'static str>, figure: &v1::Figure| Row {
        month: month.clone(),
        table,
        kind: name_of::<v1::OrganisationKind>(figure.kind).unwrap_or(ALL),
        of: of.unwrap_or(ALL),
        number: figure.number,
    };
    let accesses = figures.accesses.iter();
    let accesses = accesses.map(|it| row("ACCESSES", name_of::<v1::Purpose>(it.purpose), it));
    let refusals = figures.refusals.iter();
    let refusals = refusals.map(|it| row("REFUSALS", name_of::<v1::Outcome>(it.reason), it));
    accesses.chain(refusals).collect()
}

impl Shown for Row {
    const MANY: &'static str = "figures";

    fn fields(&self) -> Fields {
        let fields = Fields::default()
            .text("month", &self.month)
            .text("table", self.table)
            .text("organisation_kind", self.kind)
            .text("purpose_or_reason", self.of);
        match self.number {
            Some(number) => fields.number("number", number),
            None => fields.text("number", WITHHELD),
        }
    }
}

fn wire_month(month: Month) -> v1::Month {
    v1::Month { year: month.year().into(), month: month.number().into() }
}

fn parse_month(text: &str) -> Option<Month> {
    let (year, month) = text.split_once('-')?;
    let has_form = year.len() == 4
        && month.len() == 2
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    Month::new(year.parse().ok().filter(|_| has_form)?, month.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_one_form() {
        assert_eq!(parse_month("2026-01"), Month::new(2026, 1));
        for wrong in ["2026-1", "2026-13", "2026-00", "26-01", "2026-01-01", "2026-+1", "", "2026"]
        {
            assert_eq!(parse_month(wrong), None, "{wrong}");
        }
    }
}
