//! Durations as people and Postgres write them.

use std::time::Duration;

/// Returns the duration that a text such as `200ms`, `55s`, `10min`, `24h` or `7d` stands for.
///
/// The units are Postgres' own (manual, section 20.1.1); a bare `0` is allowed, any other number needs its unit.
///
/// # Errors
/// Says what a duration looks like.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let expected = || format!("`{text}` is not a duration; write one as `200ms`, `55s`, `10min`, `24h` or `7d`");
    let number: u64 = number.parse().map_err(|_| expected())?;
    let milliseconds = match unit.trim() {
        "ms" => 1,
        "s" | "sec" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "" if number == 0 => 0,
        _ => return Err(expected()),
    };
    number
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
        .ok_or_else(expected)
}

/// Returns a duration as people say it: `3 ms`, `1.2 s`, `4 min`, `2 days`.
pub fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() == 0 => "<1 ms".to_owned(),
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => format!("{:.1} s", duration.as_secs_f64()),
        60..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        let cases = [
            ("0", 0),
            ("200ms", 200),
            ("55s", 55_000),
            ("10min", 600_000),
            ("10m", 600_000),
            ("24h", 86_400_000),
            (" 7 d ", 604_800_000),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "",
            "5",
            "s",
            "-1s",
            "1.5s",
            "5 fortnights",
            "99999999999999999999d",
            "9999999999999999d",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_as_people_say_them() {
        let cases = [
            (0, "<1 ms"),
            (3, "3 ms"),
            (1_250, "1.2 s"),
            (240_000, "4 min"),
            (7_200_000, "2 h"),
            (200_000_000, "2 days"),
        ];
        for (milliseconds, text) in cases {
            assert_eq!(human_duration(Duration::from_millis(milliseconds)), text);
        }
    }
}
