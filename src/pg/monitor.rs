//! A second connection, which looks at who is in the way and ends the dead, while the first one works.
//!
//! It is never inside a transaction, in which `pg_stat_activity` would stand still.

use serde_json::Value as Json;

use crate::activity::{Backend, Held, Oid};
use crate::migration::Version;
use crate::script::LockMode;

use super::activity::{self, Around, LookError, Waiting};
use super::ending::{Ended, Ending, end};
use super::ledger_store;
use super::settings::Settings;
use super::watcher::Watcher;

/// What our waiting backend waits for, and who is in its way.
#[derive(Clone, Debug)]
pub struct Obstacle {
    /// What it waits for.
    pub waiting: Waiting,
    /// Who is in the way.
    pub backends: Vec<Backend>,
}

impl Obstacle {
    /// Returns what one of them holds or awaits of what we wait for. Who has a row of a table has a lock on the table, too: one that is good
    /// for more than reading.
    pub fn share_of<'a>(&self, backend: &'a Backend) -> impl Iterator<Item = &'a Held> {
        let locks = backend.locks.iter();
        locks.filter(move |held| {
            let is_strong = held.mode >= LockMode::RowShare || !self.waiting.is_for_a_row();
            let is_near = is_strong && self.waiting.tables.contains(&held.relation.oid);
            is_near || self.waiting.relation == Some(held.relation.oid)
        })
    }

    /// Returns the names of the tables that this is about, as far as one of those in the way has a lock on them.
    pub fn tables(&self) -> Vec<String> {
        let held = self.backends.iter().flat_map(|backend| self.share_of(backend));
        let mut tables: Vec<String> = held.map(|held| held.relation.to_string()).collect();
        tables.sort_unstable();
        tables.dedup();
        tables
    }
}

/// The second connection. It is made at the first look, and again when it was lost.
pub struct Monitor {
    watcher: Watcher,
}

impl Monitor {
    /// Returns a monitor that is not connected yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            watcher: Watcher::new(settings),
        }
    }

    /// Returns everybody who holds or awaits a lock on one of `relations`.
    ///
    /// # Errors
    /// [`LookError`].
    pub async fn around(&mut self, relations: &[Oid]) -> Result<Vec<Backend>, LookError> {
        let wanted = Around {
            relations,
            ..Around::default()
        };
        activity::around(self.watcher.session().await?, &wanted).await
    }

    /// Returns what the backend that runs the statement with `mark` waits for; nothing if it does not wait. The statement is `about` these
    /// relations, also while it has let go of them and waits for transactions.
    ///
    /// # Errors
    /// [`LookError`].
    pub async fn obstacle(&mut self, mark: &str, about: &[Oid]) -> Result<Option<Obstacle>, LookError> {
        let session = self.watcher.session().await?;
        let Some(mut waiting) = activity::waiting(session, mark).await? else {
            return Ok(None);
        };
        if waiting.locktype == "virtualxid" {
            waiting.tables.extend_from_slice(about);
        }
        let relations: Vec<Oid> = waiting.relation.into_iter().collect();
        let wanted = Around {
            relations: &relations,
            pids: &waiting.blocking,
            transactions: &waiting.transactions,
            held_by_pids: &waiting.tables,
        };
        let mut backends = activity::around(session, &wanted).await?;
        // Of those who have a lock on the relation only some are in the way; a prepared transaction has no process to tell by.
        backends.retain(|backend| backend.pid.is_none_or(|pid| waiting.blocking.contains(&pid)));
        Ok(Some(Obstacle { waiting, backends }))
    }

    /// Ends a session, as [`end`] says.
    ///
    /// # Errors
    /// [`LookError`].
    pub async fn end(&mut self, ending: &Ending<'_>) -> Result<Ended, LookError> {
        end(self.watcher.session().await?, ending).await
    }

    /// Writes an event at once, whatever becomes of the migration.
    ///
    /// # Errors
    /// [`LookError`].
    pub async fn record(&mut self, kind: &str, version: Option<&Version>, detail: &Json) -> Result<(), LookError> {
        let session = self.watcher.session().await?;
        let written = ledger_store::write_event(session, kind, version, detail).await;
        written.map_err(|error| LookError::Unreadable(error.to_string()))
    }
}
