//! Figures that can be published, from and to the wire.

use signpost_core::directory::{GetFigures, PublishedMonths};
use signpost_core::figures::{Figure, Figures, Month};
use signpost_core::refusal::Invalid;
use signpost_core::terms::{OrganisationKind, Outcome, Purpose};
use signpost_proto::v1;

use crate::grpc::parse::{Fields, read};

/// The most months of one request.
const MONTHS_MAX: usize = 120;

/// A page token: a month, and how far it was looked in it.
const TOKEN_DIGITS: (usize, usize) = (6, 16);

impl Fields {
    fn month(&mut self, field: &str, wire: Option<v1::Month>) -> Option<Month> {
        let Some(v1::Month { year, month }) = wire else { return self.missing(field) };
        let read = || Month::new(year.try_into().ok()?, month.try_into().ok()?);
        match read() {
            Some(month) => Some(month),
            None => self.wrong(field, "must be a month of the years 1970 to 2200"),
        }
    }

    /// The month to go on with; where the page before ended in it, the service knows.
    fn month_of_page(&mut self, field: &str, token: &str) -> Option<Month> {
        let (digits, index) = TOKEN_DIGITS;
        let is_token =
            token.len() == digits + index && token.bytes().all(|b| b.is_ascii_hexdigit());
        let read = || {
            let number: u32 = token.get(..digits)?.parse().ok().filter(|_| is_token)?;
            Month::new((number / 100).try_into().ok()?, (number % 100).try_into().ok()?)
        };
        match read() {
            Some(month) => Some(month),
            None => self.wrong(field, "must be a next_page_token of the page before"),
        }
    }
}

pub(super) fn parse(wire: &v1::GetFiguresRequest) -> Result<GetFigures, Invalid> {
    read(|fields| {
        let first = fields.month("from", wire.from);
        let until = fields.month("until", wire.until);
        let from = if wire.page_token.is_empty() {
            first
        } else {
            fields.month_of_page("page_token", &wire.page_token)
        };
        let (first, until, from) = (first?, until?, from?);
        let mut months = std::iter::successors(Some(first), |month| Some(month.next()));
        if first > until || months.nth(MONTHS_MAX).is_some_and(|beyond| beyond <= until) {
            return fields
                .wrong("until", "must not be before from, and at most 120 months are given");
        }
        if from < first || from > until {
            return fields.wrong("page_token", "must be a next_page_token of the page before");
        }
        Some(GetFigures { from, until })
    })
}

pub(super) fn render(published: &PublishedMonths, receipt: u64) -> v1::GetFiguresResponse {
    let next_page_token = published.next.map_or_else(String::new, |(month, index)| {
        format!("{:04}{:02}{:016x}", month.year(), month.number(), index.0)
    });
    let months = published.months.iter().map(|(month, figures)| of_month(*month, figures));
    v1::GetFiguresResponse { months: months.collect(), next_page_token, receipt }
}

fn of_month(month: Month, figures: &Figures) -> v1::MonthFigures {
    let access = |figure: &Figure<Purpose>| v1::Figure {
        purpose: figure.of.map_or(0, Purpose::code).into(),
        ..of_kind(figure.kind, figure.number)
    };
    let refusal = |figure: &Figure<Outcome>| v1::Figure {
        reason: figure.of.map_or(0, Outcome::code).into(),
        ..of_kind(figure.kind, figure.number)
    };
    v1::MonthFigures {
        month: Some(v1::Month { year: month.year().into(), month: month.number().into() }),
        accesses: figures.accesses.iter().map(access).collect(),
        refusals: figures.refusals.iter().map(refusal).collect(),
    }
}

fn of_kind(kind: Option<OrganisationKind>, number: Option<u64>) -> v1::Figure {
    let kind = kind.map_or(0, OrganisationKind::code).into();
    v1::Figure { kind, number, ..v1::Figure::default() }
}
