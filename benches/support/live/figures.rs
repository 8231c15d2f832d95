//! What an application's statements tell about how it fared.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::load::Sample;
use super::schema::TABLES;

/// How an application fared.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    /// Statements that were issued.
    pub(crate) statements: usize,
    /// Those that failed, by SQLSTATE.
    pub(crate) errors: BTreeMap<String, usize>,
    /// For each table the longest time in which it had a statement pending and completed none.
    pub(crate) stalls: Vec<Duration>,
    /// When each of these ended, since the beginning.
    pub(crate) ends: Vec<Duration>,
    /// The latency that one statement in a hundred exceeds.
    pub(crate) p99: Duration,
    /// The longest latency.
    pub(crate) longest: Duration,
    sorted: Vec<Duration>,
}

impl Figures {
    /// Counts what was issued since a moment.
    pub(crate) fn of(samples: &[Sample], since: Instant) -> Self {
        let samples: Vec<&Sample> = samples.iter().filter(|it| it.intended >= since).collect();
        let mut sorted: Vec<Duration> = samples.iter().map(|it| it.done - it.intended).collect();
        sorted.sort_unstable();
        let mut errors = BTreeMap::new();
        for code in samples.iter().filter_map(|it| it.error.clone()) {
            *errors.entry(code).or_default() += 1;
        }
        let (stalls, ends) = (0..TABLES)
            .map(|table| longest_stall(since, samples.iter().filter(|it| it.table == table)))
            .unzip();
        Self {
            statements: samples.len(),
            errors,
            stalls,
            ends,
            p99: sorted.get(sorted.len() * 99 / 100).copied().unwrap_or_default(),
            longest: sorted.last().copied().unwrap_or_default(),
            sorted,
        }
    }

    /// Returns how many statements failed.
    pub(crate) fn failed(&self) -> usize {
        self.errors.values().sum()
    }

    /// Returns the longest stall of all tables but one, which may be none.
    pub(crate) fn stall_without(&self, table: usize) -> Duration {
        let others = self.stalls.iter().enumerate().filter(|(number, _)| *number != table);
        others.map(|(_, stall)| *stall).max().unwrap_or_default()
    }

    /// Returns the longest stall of any table.
    pub(crate) fn stall(&self) -> Duration {
        self.stall_without(TABLES)
    }

    /// Returns the tables that stood still the longest, worst first.
    pub(crate) fn worst(&self) -> Vec<usize> {
        let mut tables: Vec<usize> = (0..TABLES).collect();
        tables.sort_by_key(|&table| std::cmp::Reverse(self.stalls[table]));
        tables
    }

    /// Returns the seconds that statements took beyond `usual`, all together.
    pub(crate) fn lost(&self, usual: Duration) -> Duration {
        self.sorted.iter().map(|it| it.saturating_sub(usual)).sum()
    }
}

/// Walks through what happened to one table: a stall lasts while something is pending, and ends when anything comes back, were
/// it an error. Returns the longest, and when it ended.
fn longest_stall<'run>(beginning: Instant, samples: impl Iterator<Item = &'run &'run Sample>) -> (Duration, Duration) {
    let mut events: Vec<(Instant, bool)> = samples.flat_map(|it| [(it.intended, false), (it.done, true)]).collect();
    events.sort_unstable();
    let mut pending = 0_usize;
    let mut since = None;
    let mut longest = (Duration::ZERO, Duration::ZERO);
    for (at, is_done) in events {
        if is_done {
            let stall = since.map_or(Duration::ZERO, |since| at - since);
            longest = longest.max((stall, at - beginning));
            pending -= 1;
            since = (pending > 0).then_some(at);
        } else {
            pending += 1;
            since = since.or(Some(at));
        }
    }
    longest
}

/// Milliseconds as a person reads them.
pub(crate) fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 {
        format!("{milliseconds:.1}")
    } else {
        format!("{milliseconds:.0}")
    }
}
