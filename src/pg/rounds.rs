//! What is looked at between the rounds of a repeated migration, on a connection of its own.

use std::time::Duration;

use crate::script::RelationName;

use super::activity::{LookError, milliseconds, unreadable};
use super::bind::{Value, bind, statement};
use super::connect::Session;
use super::message::{MessageError, Row};
use super::settings::Settings;
use super::watcher::Watcher;

const REPLICAS: &str = include_str!("../../sql/repeat/replicas.sql");
const WAITERS: &str = include_str!("../../sql/repeat/waiters.sql");
const ESTIMATE: &str = include_str!("../../sql/repeat/estimate.sql");

/// How far behind the replicas are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replicas {
    /// Whether there are some whose lag this role may not see.
    pub hidden: bool,
    /// The one that is furthest behind in replaying, and how far; `None` if none is behind.
    pub furthest: Option<(String, Duration)>,
}

/// A connection that looks; it is made at the first look, and again when it was lost. It is never inside a transaction.
pub struct Lookout {
    watcher: Watcher,
}

impl Lookout {
    /// Returns one that is not connected yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            watcher: Watcher::new(settings),
        }
    }

    /// Returns how far behind the replicas are. Needs `pg_monitor` or `pg_read_all_stats`, or does not see it.
    ///
    /// # Errors
    /// [`LookError`].
    pub async fn replicas(&mut self) -> Result<Replicas, LookError> {
        let rows = self.watcher.session().await?.rows(statement(REPLICAS)).await?;
        let row = rows.first().ok_or_else(|| unreadable("replicas without a row"))?;
        let column = |number: usize| row.get(number).and_then(Option::as_deref);
        let name = column(2).unwrap_or_default().to_owned();
        Ok(Replicas {
            hidden: column(0) == Some("t"),
            furthest: milliseconds(column(1))?.map(|lag| (name, lag)),
        })
    }

    /// Says whether somebody waits for a lock of the backend that runs the statement with `mark`.
    ///
    /// # Errors
    /// [`LookError`].
    pub async fn is_waited_for(&mut self, mark: &str) -> Result<bool, LookError> {
        let pattern = format!("/* {mark} */%");
        let query = bound(bind(WAITERS, &[Value::Text(&pattern)]))?;
        let rows = self.watcher.session().await?.rows(&query).await?;
        Ok(first(&rows) == Some("t"))
    }
}

/// Returns about how many rows a table has, as ANALYZE has last counted; `None` where it never has. Takes no lock on the table.
///
/// # Errors
/// [`MessageError`].
pub async fn estimate(session: &Session, table: &RelationName) -> Result<Option<u64>, MessageError> {
    let query = bound(bind(ESTIMATE, &[Value::Text(&table.to_string())]))?;
    let rows = session.rows(&query).await?;
    Ok(first(&rows).and_then(|number| number.parse().ok()))
}

fn first(rows: &[Row]) -> Option<&str> {
    rows.first()?.first()?.as_deref()
}

fn bound(bound: Result<String, super::bind::NulByte>) -> Result<String, MessageError> {
    bound.map_err(|error| MessageError::Lost {
        reason: error.to_string(),
    })
}
