//! Weekly hours as people write them: `Mon-Fri 09:00-17:00`.

use signpost_proto::v1;

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MINUTES_MAX: u32 = 24 * 60;
/// How many days in a row are written as a range.
const RANGE_DAYS_MIN: usize = 3;

/// What [`parse`] takes, for messages.
pub const EXPECTED: &str = "hours such as \"Mon-Fri 09:00-17:00\" or \"Mon-Thu,Sat 08:30-24:00\"";

/// Reads days, a space, and the times of opening and closing.
#[must_use]
pub fn parse(text: &str) -> Option<v1::Hours> {
    let (days, times) = text.trim().split_once(' ')?;
    let (opens, closes) = times.trim().split_once('-')?;
    let (opens_minute, closes_minute) = (minute(opens)?, minute(closes)?);
    let days = days.split(',').try_fold(0, |all, part| Some(all | self::days(part)?))?;
    (opens_minute < closes_minute).then_some(v1::Hours { days, opens_minute, closes_minute })
}

/// Writes what [`parse`] reads.
#[must_use]
pub fn format(hours: v1::Hours) -> String {
    let (opens, closes) = (hours.opens_minute, hours.closes_minute);
    format!("{} {}-{}", format_days(hours.days), format_minute(opens), format_minute(closes))
}

/// The bits of a day, or of a range of days within one week.
fn days(part: &str) -> Option<u32> {
    let index = |name: &str| DAYS.iter().position(|day| day.eq_ignore_ascii_case(name));
    let (first, last) = match part.split_once('-') {
        Some((first, last)) => (index(first)?, index(last)?),
        None => (index(part)?, index(part)?),
    };
    (first <= last).then(|| (first..=last).map(|day| 1 << day).sum())
}

fn format_days(bits: u32) -> String {
    let given: Vec<usize> = (0..DAYS.len()).filter(|day| bits & (1 << day) != 0).collect();
    let parts: Vec<String> = given
        .chunk_by(|day, next| day + 1 == *next)
        .map(|run| match run {
            [first, .., last] if run.len() >= RANGE_DAYS_MIN => {
                format!("{}-{}", DAYS[*first], DAYS[*last])
            }
            _ => run.iter().map(|day| DAYS[*day]).collect::<Vec<_>>().join(","),
        })
        .collect();
    parts.join(",")
}

/// The minute of the day of `09:00`; `24:00` is its end.
fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let two_digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hour) || !two_digits(minute) {
        return None;
    }
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let total = hour * 60 + minute;
    (minute < 60 && total <= MINUTES_MAX).then_some(total)
}

fn format_minute(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read_as_people_write_them() {
        let office = v1::Hours { days: 0b1_1111, opens_minute: 540, closes_minute: 1020 };
        for text in
            ["Mon-Fri 09:00-17:00", "mon,tue,wed,thu,fri 09:00-17:00", " Mon-Fri  09:00-17:00"]
        {
            assert_eq!(parse(text), Some(office), "{text}");
        }
        let always = v1::Hours { days: 0b111_1111, opens_minute: 0, closes_minute: 1440 };
        assert_eq!(parse("Mon-Sun 00:00-24:00"), Some(always));
        let some = v1::Hours { days: 0b010_0101, opens_minute: 510, closes_minute: 511 };
        assert_eq!(parse("Mon,Wed,Sat 08:30-08:31"), Some(some));
    }

    #[test]
    fn what_is_no_hours_is_refused() {
        for text in [
            "",
            "Mon-Fri",
            "09:00-17:00",
            "Fri-Mon 09:00-17:00",
            "Mon-Fri 17:00-09:00",
            "Mon-Fri 09:00-09:00",
            "Mon-Fri 9:00-17:00",
            "Mon-Fri 09:60-17:00",
            "Mon-Fri 09:00-24:01",
            "Mon-Fri 09:00-+7:00",
            "Mon-Fri 09:00-17:00 h",
            "Mond-Fri 09:00-17:00",
            ", 09:00-17:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_set_of_days_survives_the_round_trip() {
        for days in 1..128 {
            for (opens_minute, closes_minute) in [(0, 1), (539, 1020), (1439, 1440)] {
                let hours = v1::Hours { days, opens_minute, closes_minute };
                assert_eq!(parse(&format(hours)), Some(hours), "{}", format(hours));
            }
        }
    }

    #[test]
    fn two_days_are_listed_and_three_are_a_range() {
        assert_eq!(format_days(0b110_0000), "Sat,Sun");
        assert_eq!(format_days(0b000_1111), "Mon-Thu");
        assert_eq!(format_days(0b101_0111), "Mon-Wed,Fri,Sun");
    }
}
