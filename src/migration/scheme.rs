//! The version that a new migration gets: the next one by the scheme that a folder already follows.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::layout::Layout;
use super::version::Version;

/// How the versions of a folder are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// The time in UTC, in the format of `strftime`, with digits behind it for those that are finer than a second.
    Time { format: &'static str, fraction: Fraction },
    /// The number behind the newest one, as wide as that is written.
    Next,
}

/// What follows the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fraction {
    None,
    Milliseconds,
    Microseconds,
    /// Diesel's four digits, which are always zero.
    Zeros,
}

const SECONDS: &str = "%Y%m%d%H%M%S";

/// Returns the text of the version after `newest`: the current time where the newest version is one, else the next number.
///
/// It always sorts behind `newest`, also where that lies in the future. None is left behind the last day of 2099 where versions are
/// dates.
pub(super) fn after(newest: &Version, now: Timestamp) -> Option<String> {
    let text = newest.numbers();
    let by_time = match scheme(text) {
        Scheme::Time { format, fraction } => Some(stamp(format, fraction, now)),
        Scheme::Next => None,
    };
    let candidates = by_time.into_iter().chain([successor(text)]).chain(next_day(text));
    let sorts_last = |text: &String| Version::parse_numbers(text).is_ok_and(|version| version > *newest);
    candidates.into_iter().find(sorts_last)
}

/// Returns the version right behind another one, whatever the time is.
pub(super) fn following(version: &Version) -> Option<String> {
    let text = version.numbers();
    let sorts_last = |text: &String| Version::parse_numbers(text).is_ok_and(|next| next > *version);
    [successor(text)].into_iter().chain(next_day(text)).find(sorts_last)
}

/// Returns the day behind a date of eight digits: the next number may be no date, and then sorts before all that are.
fn next_day(text: &str) -> Option<String> {
    let date = jiff::civil::Date::strptime("%Y%m%d", text).ok()?;
    Some(date.tomorrow().ok()?.strftime("%Y%m%d").to_string())
}

/// Returns the first version of an empty folder, as the layout's own tool would write it.
pub(super) fn first(layout: Layout, now: Timestamp) -> String {
    match layout {
        Layout::Flyway | Layout::Refinery => "1".to_owned(),
        Layout::Graphile => "000001".to_owned(),
        Layout::Diesel => stamp(SECONDS, Fraction::Zeros, now),
        _ => stamp(SECONDS, Fraction::None, now),
    }
}

fn scheme(newest: &str) -> Scheme {
    let (format, fraction) = match newest.len() {
        _ if !is_time(newest) => return Scheme::Next,
        8 => ("%Y%m%d", Fraction::None),
        10 | 13 => (
            "%s",
            if newest.len() == 13 {
                Fraction::Milliseconds
            } else {
                Fraction::None
            },
        ),
        12 => ("%Y%m%d%H%M", Fraction::None),
        17 => (SECONDS, Fraction::Milliseconds),
        18 => (SECONDS, Fraction::Zeros),
        20 => (SECONDS, Fraction::Microseconds),
        _ => (SECONDS, Fraction::None),
    };
    Scheme::Time { format, fraction }
}

/// Tells whether a version is a time: written by the calendar, or seconds or milliseconds since 1970.
fn is_time(text: &str) -> bool {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    match text.len() {
        8 | 12 | 14 | 17 | 18 | 20 => ("1970".."2100").contains(&&text[..4]),
        // From 2001 until 2033, which is when seconds since 1970 have ten digits and begin with 1.
        10 | 13 => text.starts_with('1'),
        _ => false,
    }
}

fn stamp(format: &str, fraction: Fraction, now: Timestamp) -> String {
    let text = now.to_zoned(TimeZone::UTC).strftime(format).to_string();
    let nanoseconds = now.subsec_nanosecond().unsigned_abs();
    match fraction {
        Fraction::None => text,
        Fraction::Milliseconds => format!("{text}{:03}", nanoseconds / 1_000_000),
        Fraction::Microseconds => format!("{text}{:06}", nanoseconds / 1_000),
        Fraction::Zeros => format!("{text}0000"),
    }
}

/// Adds one to the last number of a version, in decimal and at any length; leading zeros keep the width.
fn successor(text: &str) -> String {
    let mut digits: Vec<u8> = text.bytes().collect();
    for at in (0..digits.len()).rev() {
        match digits[at] {
            b'9' => digits[at] = b'0',
            b'0'..=b'8' => {
                digits[at] += 1;
                return digits.into_iter().map(char::from).collect();
            }
            // A separator: every digit behind it was a nine.
            _ => {
                digits.insert(at + 1, b'1');
                return digits.into_iter().map(char::from).collect();
            }
        }
    }
    digits.insert(0, b'1');
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str, newest: &str) -> String {
        let newest = Version::parse(newest).unwrap();
        after(&newest, text.parse().unwrap()).unwrap_or_default()
    }

    #[test]
    fn follows_the_scheme_of_the_newest() {
        let now = "2026-11-21T07:08:09.012345Z";
        for (newest, expected) in [
            ("1", "2"),
            ("9", "10"),
            ("007", "008"),
            ("099", "100"),
            ("999", "1000"),
            ("1.9", "1.10"),
            ("1_2", "1_3"),
            ("0000", "0001"),
            ("20260101000000", "20261121070809"),
            ("20260101000000_init_3", "20261121070809"),
            ("20260101", "20261121"),
            ("202601010000", "202611210708"),
            ("20260101000000123", "20261121070809012"),
            ("202601010000000000", "202611210708090000"),
            ("20260101000000000001", "20261121070809012345"),
            ("1704067200", "1795244889"),
            ("1704067200000", "1795244889012"),
            ("20261121070809", "20261121070810"),
            ("20991231235959", "20991231235960"),
            ("20261121", "20261122"),
            ("20261231", "20270101"),
            ("20991231", ""),
            (
                "99999999999999999999999999999999999999999",
                "100000000000000000000000000000000000000000",
            ),
        ] {
            assert_eq!(at(now, newest), expected, "after {newest}");
        }
    }

    #[test]
    fn an_empty_folder_begins_as_its_tool_would() {
        let now = "2026-11-21T07:08:09Z".parse().unwrap();
        for (layout, expected) in [
            (Layout::Supabase, "20261121070809"),
            (Layout::Diesel, "202611210708090000"),
            (Layout::Flyway, "1"),
            (Layout::Graphile, "000001"),
        ] {
            assert_eq!(first(layout, now), expected);
        }
    }

    proptest! {
        #[test]
        fn the_next_version_sorts_last(newest in "(20(26|99)(01|12)31)?[0-9]{1,22}([._][0-9]{1,4}){0,2}", seconds in 0_i64..4_000_000_000) {
            let newest = Version::parse(&newest).unwrap();
            if let Some(text) = after(&newest, Timestamp::from_second(seconds).unwrap()) {
                prop_assert!(Version::parse(&text).unwrap() > newest, "{} after {}", text, newest);
            }
        }
    }
}
