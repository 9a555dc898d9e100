//! Values that are typed: each with one form, and never repeated in a message.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command, Error};
use jiff::Timestamp;
use jiff::civil::Date;
use signpost_core::register::MEMBERS_MAX;
use signpost_core::text::{CaseReference, StaffReference};
use signpost_proto::v1;
use uuid::Uuid;

use super::hours;

/// Reads a day as `2026-01-05`.
pub const DATE: Quiet<Date> = Quiet { parse: parse_date, expected: "a day such as 2026-01-05" };

/// Reads a moment as `2026-01-05T12:00:00Z`.
pub const TIME: Quiet<Timestamp> =
    Quiet { parse: |text| text.parse().ok(), expected: "a time such as 2026-01-05T12:00:00Z" };

/// Reads an id.
pub const UUID: Quiet<Uuid> =
    Quiet { parse: |text| Uuid::parse_str(text).ok(), expected: "an id (UUID) as it was given" };

/// Reads a telephone number.
pub const PHONE: Quiet<String> =
    Quiet { parse: parse_phone, expected: "a telephone number such as +441632960001" };

/// Reads weekly hours.
pub const HOURS: Quiet<v1::Hours> = Quiet { parse: hours::parse, expected: hours::EXPECTED };

/// Reads the reference of a case file.
pub const CASE: Quiet<CaseReference> = Quiet {
    parse: |text| CaseReference::try_from(text.to_owned()).ok(),
    expected: "2 to 4 capitals, a year and 1 to 5 digits, such as DPO-2026-00042",
};

/// Reads the digest of a purge's plan.
pub const DIGEST: Quiet<[u8; 32]> = Quiet {
    parse: |text| {
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).ok().map(|()| digest)
    },
    expected: "the 64 hex digits that `signpost purge show` prints",
};

/// Reads how many members a group may have.
pub const MEMBERS: Quiet<u32> = Quiet {
    parse: |text| text.parse().ok().filter(|count| (1..=MEMBERS_MAX).contains(count)),
    expected: "a number from 1 to 500",
};

/// Reads what an organisation calls a person.
pub const STAFF: Quiet<StaffReference> = Quiet {
    parse: |text| StaffReference::try_from(text.to_owned()).ok(),
    expected: "1 to 64 letters, digits and ._:/- without spaces",
};

const PHONE_DIGITS_MIN: usize = 7;
const PHONE_DIGITS_MAX: usize = 15;

/// Reads a value by a function. What was typed is not repeated.
#[derive(Clone, Debug)]
pub struct Quiet<T> {
    /// Reads it.
    pub parse: fn(&str) -> Option<T>,
    /// What it takes, for the message.
    pub expected: &'static str,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Quiet<T> {
    type Value = T;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<T, Error> {
        value.to_str().and_then(self.parse).ok_or_else(|| refuse(cmd, arg, self.expected))
    }
}

/// The error that says what is taken, and nothing of what was typed.
pub(super) fn refuse(cmd: &Command, arg: Option<&Arg>, expected: &str) -> Error {
    let name = arg.and_then(Arg::get_long).unwrap_or("value");
    Error::raw(ErrorKind::ValueValidation, format!("--{name} takes {expected}\n")).with_cmd(cmd)
}

/// A day as the contract writes it.
#[must_use]
pub fn wire_date(date: Date) -> v1::Date {
    v1::Date { year: date.year().into(), month: date.month().into(), day: date.day().into() }
}

/// The parser of dates also takes times and other forms; a day is only this.
pub(in crate::cli) fn parse_date(text: &str) -> Option<Date> {
    const LENGTH: usize = "2026-01-05".len();
    (text.len() == LENGTH).then(|| text.parse().ok()).flatten()
}

/// A plus and 7 to 15 digits, the first not 0 (E.164). Spaces are left out.
fn parse_phone(text: &str) -> Option<String> {
    let phone = text.replace(' ', "");
    let digits = phone.strip_prefix('+')?;
    let fits = (PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    fits.then_some(phone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_form() {
        let day = parse_date("2026-01-05").unwrap();
        assert_eq!(wire_date(day), v1::Date { year: 2026, month: 1, day: 5 });
        for wrong in ["2026-02-30", "2026-1-5", "05/01/2026", "2026-01-05T00:00", "20260105", ""] {
            assert_eq!(parse_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_telephone_number_is_international() {
        assert_eq!(parse_phone("+44 1632 960001").as_deref(), Some("+441632960001"));
        for wrong in ["01632960001", "+0441632960001", "+441632", "+44163296000x", ""] {
            assert_eq!(parse_phone(wrong), None, "{wrong}");
        }
    }
}
