//! Reads the counters.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::pg::bind::statement;
use crate::pg::ident::QualifiedName;
use crate::pg::{MessageError, Session};

use super::counter::{Counter, SCHEMA};
use super::quiet::{Denied, Observation};

const COUNTS: &str = include_str!("../../../sql/retrofit/observe_counts.sql");

/// Returns what is known of each table that has counters, by name. Changes nothing, not even a counter.
///
/// # Locks
/// ACCESS SHARE on the relations that say since when tables are observed.
///
/// # Privileges
/// SELECT on those, which the role that applied them has.
///
/// # Errors
/// What the server says.
pub async fn observations(session: &Session) -> Result<Vec<Observation>, MessageError> {
    let mut found: BTreeMap<String, Observation> = BTreeMap::new();
    let mut since: Vec<(String, String)> = Vec::new();
    for row in session.rows(statement(COUNTS)).await? {
        let text = |at: usize| row.get(at).and_then(Option::as_deref);
        let number = |at: usize| text(at).and_then(|text| text.parse::<u64>().ok());
        let (Some(name), Some(counter)) = (text(0), text(1).and_then(Counter::read)) else {
            continue;
        };
        let observation = found.entry(counter.table.clone()).or_insert_with(|| Observation {
            table: counter.table.clone(),
            ..Observation::default()
        });
        let Some(command) = counter.command else {
            since.push((counter.table, name.to_owned()));
            continue;
        };
        // The file that made it has read one of its two rows.
        let (Some(scans), Some(rows)) = (number(2).filter(|scans| *scans > 0), number(3)) else {
            observation.is_lost = true;
            continue;
        };
        if scans == 1 {
            continue;
        }
        observation.denied.push(Denied {
            command,
            role: counter.role,
            application: counter.application,
            count: scans - 1,
            without_tenant: rows.saturating_sub(scans).min(scans - 1),
            last: number(4).map(Duration::from_secs),
        });
    }
    for (table, age) in ages(session, &since).await? {
        if let Some(observation) = found.get_mut(&table) {
            observation.observed = Some(age);
        }
    }
    Ok(found.into_values().collect())
}

async fn ages(session: &Session, since: &[(String, String)]) -> Result<Vec<(String, Duration)>, MessageError> {
    let asked: Vec<String> = since
        .iter()
        .enumerate()
        .filter_map(|(at, (_, name))| {
            let relation = QualifiedName::new(SCHEMA, name.as_str()).ok()?;
            Some(format!(
                "select {at}, pg_catalog.date_part('epoch', pg_catalog.now() - since)::pg_catalog.int8 from {relation}"
            ))
        })
        .collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let rows = session.rows(&asked.join(" union all ")).await?;
    let ages = rows.iter().filter_map(|row| {
        let at: usize = row.first()?.as_deref()?.parse().ok()?;
        let age: u64 = row.get(1)?.as_deref()?.parse().ok()?;
        Some((since.get(at)?.0.clone(), Duration::from_secs(age)))
    });
    Ok(ages.collect())
}
