//! Who is in the way: looked at from a second connection, while ours waits.

use std::time::Duration;

use crate::event::Blocker;

use super::bind::{Value, bind};
use super::connect::Pool;
use super::message::Row;

const BLOCKERS: &str = include_str!("../../sql/locks/blockers.sql");

/// A second, lazily made connection that only looks.
pub struct Watcher {
    pool: Pool,
}

impl Watcher {
    /// Returns a watcher on a pool of one connection; nothing is connected before the first look.
    pub fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// Returns the sessions that the backend running a statement with `mark` waits for. Empty if it waits for nobody, or if the
    /// look itself failed: a look is a courtesy and never fails a run.
    pub async fn blockers(&self, mark: &str) -> Vec<Blocker> {
        let Ok(query) = bind(BLOCKERS, &[Value::Text(&format!("/* {mark} %"))]) else {
            return Vec::new();
        };
        let rows = self.pool.ask(&query).await.unwrap_or_default();
        rows.into_iter().map(read).collect()
    }
}

fn read(row: Row) -> Blocker {
    let mut columns = row.into_iter();
    let mut next = || columns.next().flatten();
    let pid: Option<i32> = next().and_then(|pid| pid.parse().ok());
    Blocker {
        // pg_blocking_pids reports a prepared transaction as process 0.
        pid: pid.filter(|pid| *pid != 0),
        role: next(),
        application: next(),
        client: next(),
        state: next(),
        since: next()
            .and_then(|milliseconds| milliseconds.parse().ok())
            .map(Duration::from_millis),
        wants: next(),
    }
}
