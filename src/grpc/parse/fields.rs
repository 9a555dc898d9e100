//! The fields of a request as they are checked: each once, every wrong one named.

use jiff::civil::Date;
use signpost_core::flag::Hours;
use signpost_core::refusal::{Invalid, Violation};
use signpost_core::text::TextError;
use signpost_proto::v1;
use signpost_pseudonym::identifier::looks_like_identifier;

/// Collects what is wrong, so that a client is told all of it at once.
#[derive(Debug, Default)]
pub(in crate::grpc) struct Fields {
    violations: Vec<Violation>,
}

/// Reads a request: all of it, or what is wrong with each field.
pub(in crate::grpc) fn read<T>(parse: impl FnOnce(&mut Fields) -> Option<T>) -> Result<T, Invalid> {
    let mut fields = Fields::default();
    match parse(&mut fields) {
        Some(parsed) if fields.violations.is_empty() => Ok(parsed),
        _ => Err(Invalid { violations: fields.violations }),
    }
}

impl Fields {
    /// How many fields were wrong so far.
    pub(in crate::grpc) fn wrong_so_far(&self) -> usize {
        self.violations.len()
    }

    pub(in crate::grpc) fn wrong<T>(
        &mut self,
        field: &str,
        problem: impl Into<String>,
    ) -> Option<T> {
        self.violations.push(Violation { field: field.to_owned(), problem: problem.into() });
        None
    }

    pub(in crate::grpc) fn missing<T>(&mut self, field: &str) -> Option<T> {
        self.wrong(field, MISSING)
    }

    pub(in crate::grpc) fn kept<T, E: std::fmt::Display>(
        &mut self,
        field: &str,
        parsed: Result<T, E>,
    ) -> Option<T> {
        parsed.map_or_else(|error| self.wrong(field, error.to_string()), Some)
    }

    pub(in crate::grpc) fn term<T>(
        &mut self,
        field: &str,
        code: i32,
        from: fn(u8) -> Option<T>,
    ) -> Option<T> {
        match known_term(code, from) {
            Ok(value) => Some(value),
            Err(problem) => self.wrong(field, problem),
        }
    }

    pub(in crate::grpc) fn uuid(&mut self, field: &str, text: &str) -> Option<[u8; 16]> {
        match uuid::Uuid::try_parse(text) {
            Ok(uuid) if text.len() == 36 => Some(uuid.into_bytes()),
            _ => self
                .wrong(field, "must be a UUID of 36 characters, such as one that uuidgen prints"),
        }
    }

    /// A text of its alphabet and length, that no identifier of a child could be.
    pub(in crate::grpc) fn text<T: TryFrom<String, Error = TextError>>(
        &mut self,
        field: &str,
        text: String,
    ) -> Option<T> {
        let parsed = if looks_like_identifier(text.trim_start_matches('+')) {
            Err(TextError::Identifier)
        } else {
            T::try_from(text)
        };
        self.kept(field, parsed)
    }

    pub(in crate::grpc) fn date(&mut self, field: &str, wire: Option<&v1::Date>) -> Option<Date> {
        let Some(wire) = wire else { return self.missing(field) };
        let year = i16::try_from(wire.year).ok().filter(|year| (1900..=2200).contains(year));
        let (month, day) = (i8::try_from(wire.month).ok(), i8::try_from(wire.day).ok());
        let date = year.zip(month).zip(day);
        match date.and_then(|((year, month), day)| Date::new(year, month, day).ok()) {
            Some(date) => Some(date),
            None => self.wrong(field, "is no day of the calendar between 1900 and 2200"),
        }
    }

    /// A day that may be left out. A wrong one is noted, and gives none like a missing one.
    pub(in crate::grpc) fn optional_date(
        &mut self,
        field: &str,
        wire: Option<&v1::Date>,
    ) -> Option<Date> {
        wire.and_then(|wire| self.date(field, Some(wire)))
    }

    pub(in crate::grpc) fn hours(&mut self, field: &str, wire: Option<v1::Hours>) -> Option<Hours> {
        let Some(wire) = wire else { return self.missing(field) };
        let small = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
        let days = u8::try_from(wire.days).unwrap_or(u8::MAX);
        let hours = Hours::new(days, small(wire.opens_minute), small(wire.closes_minute));
        self.kept(field, hours)
    }
}

/// The value of this code, or what is wrong with it.
pub(in crate::grpc) fn known_term<T>(
    code: i32,
    from: fn(u8) -> Option<T>,
) -> Result<T, &'static str> {
    match u8::try_from(code).ok().and_then(from) {
        Some(value) => Ok(value),
        None if code == 0 => Err(MISSING),
        None => Err("is not a value this server knows"),
    }
}

const MISSING: &str = "is missing";
