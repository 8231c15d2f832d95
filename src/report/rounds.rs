//! Repeated migrations, as they go on.

use std::fmt::Write as _;
use std::time::Duration;

use crate::duration::human_duration;
use crate::event::Event;

use super::text::{DIM, WARNING, count, printable};

/// Returns what happens in or between two rounds, as a line.
pub(super) fn line(event: &Event) -> String {
    match event {
        Event::Rounds { version, .. } => format!("{DIM}{version}{DIM:#} {}", far(event)),
        Event::WaitedFor { version } => {
            format!("{WARNING}resting{WARNING:#} {version} after this round: somebody waits for it")
        }
        Event::Lagging {
            version,
            replica,
            lag,
            limit,
        } => format!(
            "{WARNING}waiting{WARNING:#} {version} between two rounds: replica {} is {} behind, limits.replica_lag is {}",
            printable(replica),
            human_duration(*lag),
            human_duration(*limit)
        ),
        _ => String::new(),
    }
}

/// Returns how far a repeated migration has come.
pub(super) fn far(event: &Event) -> String {
    let Event::Rounds {
        rounds,
        rows,
        left,
        since,
        finished,
        ..
    } = event
    else {
        return String::new();
    };
    let mut text = format!("{}, {}", many(*rounds, "round"), many(*rows, "row"));
    let per_second = u64::try_from(u128::from(*rows) * 1000 / since.as_millis().max(1)).unwrap_or(u64::MAX);
    let mut add = |what: String| write!(text, "{what}").expect("a String can be written to");
    if *rows > 0 {
        add(format!(", {per_second} rows/s"));
    }
    if let Some(left) = left.filter(|left| *left > 0 && !*finished) {
        let time = left
            .checked_div(per_second)
            .map(|seconds| format!(", {}", human_duration(Duration::from_secs(seconds))));
        add(format!("; at most about {left} left{}", time.unwrap_or_default()));
    }
    text
}

fn many(number: u64, what: &str) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), what)
}
