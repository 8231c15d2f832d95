//! What is known of tables that are observed.

use std::time::Duration;

use serde_json::{Value, json};

use crate::duration::human_duration;
use crate::retrofit::{Denied, Observation, TablePlan};

use super::text::{DIM, GOOD, WARNING, printable};

/// Returns what is known of a table; nothing for one that is not observed.
pub(super) fn of<'a>(table: &TablePlan, observed: &'a [Observation]) -> Option<&'a Observation> {
    let name = table.name.to_string();
    let found = observed.iter().find(|observation| observation.table == name);
    found.filter(|_| table.is_observed)
}

/// Returns it for machines; ages in seconds.
pub(super) fn observed_json(observation: &Observation) -> Value {
    let seconds = |age: Option<Duration>| age.map(|age| age.as_secs());
    let denied = |denied: &Denied| {
        json!({
            "command": denied.command,
            "role": denied.role,
            "application": denied.application,
            "count": denied.count,
            "without_tenant": denied.without_tenant,
            "last_seconds": seconds(denied.last),
        })
    };
    json!({
        "seconds": seconds(observation.observed),
        "quiet_seconds": seconds(observation.quiet()),
        "is_lost": observation.is_lost,
        "count": observation.count(),
        "denied": observation.denied.iter().map(denied).collect::<Vec<_>>(),
    })
}

/// Returns it for people: since when, and a line for each counter that shows anything.
pub(super) fn observed_text(observation: Option<&Observation>) -> String {
    let Some(observation) = observation else {
        return format!("{WARNING}observed, and its counters are gone{WARNING:#}");
    };
    if observation.is_lost {
        return format!("{WARNING}observed, and what it counted was lost{WARNING:#}");
    }
    let age = observation
        .observed
        .map_or_else(String::new, |age| format!(" for {}", human_duration(age)));
    if observation.denied.is_empty() {
        return format!("observed{age}: {GOOD}nothing would have been denied{GOOD:#}");
    }
    let mut text = format!(
        "observed{age}: {WARNING}counted {} times what would have been denied{WARNING:#}",
        observation.count()
    );
    for denied in &observation.denied {
        let last = denied
            .last
            .map_or_else(String::new, |age| format!(", last {} ago", human_duration(age)));
        text.push_str(&format!("\n    {}{DIM}{last}{DIM:#}", printable(&denied.told())));
    }
    text
}
