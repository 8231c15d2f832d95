//! Waiting before a statement begins that would leave something half done if it were given up.
//!
//! CREATE INDEX CONCURRENTLY and its relatives commit in between. Given up at the deadline they leave an INVALID index or a pending detach,
//! and while whoever was in the way is still there, that cannot be cleared away either. Who has been at the table for long will not be gone
//! soon: it is better to wait for him before than in the middle.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::activity::{Backend, Kind, Oid};
use crate::duration::human_duration;
use crate::event::{Blocker, Event};
use crate::pg::activity;
use crate::script::{LockMode, NonTransactional, ReindexTarget, RelationName};

use super::contest::judge;
use super::execute::Migrator;
use super::message::RESET;
use super::outcome::RunError;
use super::stepwise::Running;

/// Whose transaction has been open for this long will not be gone soon.
const OLD: Duration = Duration::from_secs(5);
/// How often we look whether he is gone.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How often we say who it is.
const SAY: Duration = Duration::from_secs(1);

impl Migrator<'_> {
    /// Waits for those who have held a table of the statement for long, and only for those: whoever comes meanwhile is waited for by the
    /// statement itself. The dead among them are ended.
    ///
    /// # Errors
    /// One of them is still there at the deadline, or we were asked to stop. Nothing was begun.
    pub(super) async fn wait_for_old_holders(
        &mut self,
        running: &Running<'_>,
        kind: &NonTransactional,
    ) -> Result<(), RunError> {
        let relations = self.tables_of(running, kind).await;
        if relations.is_empty() {
            return Ok(());
        }
        let (started, mut told_at) = (Instant::now(), Instant::now());
        let mut waited_for: Option<Vec<Backend>> = None;
        loop {
            let seen = self.look_around(&relations).await;
            let in_the_way = |backend: &Backend| match &waited_for {
                None => backend.in_transaction.is_some_and(|open| open >= OLD) && holds_up(backend, &relations, kind),
                Some(known) => known.iter().any(|known| is_the_same(known, backend)),
            };
            let left: Vec<Backend> = seen.into_iter().filter(in_the_way).collect();
            if left.is_empty() {
                return Ok(());
            }
            let version = &running.file.migration.version;
            for backend in &left {
                if judge(self.rule.as_ref(), backend).is_ok() {
                    self.end(backend, Some(&relations), version).await;
                }
            }
            let blockers = || left.iter().map(|backend| self.holder(backend)).collect::<Vec<_>>();
            if started.elapsed() >= running.plan.lock_wait {
                return Err(RunError::Blocked {
                    version: version.clone(),
                    path: running.file.migration.path.clone(),
                    waited: started.elapsed(),
                    attempts: 0,
                    blockers: blockers(),
                    tables: tables(&left),
                    remains: running.remains.clone(),
                });
            }
            if told_at.elapsed() >= SAY {
                told_at = Instant::now();
                self.listener.on(Event::Waiting {
                    version: version.to_string(),
                    waited: started.elapsed(),
                    blockers: blockers(),
                });
            }
            waited_for = Some(left);
            tokio::select! {
                () = sleep(LOOK_AGAIN) => {}
                signal = self.interrupt.requested() => return Err(RunError::Interrupted {
                    signal,
                    version: Some(version.clone()),
                    remains: running.remains.clone(),
                }),
            }
        }
    }

    /// Returns the tables of a statement that commits in between; none of another, and none where they cannot be found out.
    pub(super) async fn tables_of(&self, running: &Running<'_>, kind: &NonTransactional) -> Vec<Oid> {
        let names: Vec<RelationName> = match kind {
            NonTransactional::CreateIndex { table, .. } => vec![table.clone()],
            NonTransactional::DropIndex { indexes, .. } => indexes.clone(),
            NonTransactional::DetachPartition { parent, partition } => vec![parent.clone(), partition.clone()],
            NonTransactional::Reindex {
                target: ReindexTarget::Index(name) | ReindexTarget::Table(name),
                concurrently: true,
            } => vec![name.clone()],
            _ => return Vec::new(),
        };
        let Ok(has_set) = self.set_names(running).await else {
            return Vec::new();
        };
        let found = activity::relations(&self.session, &names).await.unwrap_or_default();
        if has_set {
            // If this fails, the connection is gone, and its settings with it.
            let _ = self.session.message(RESET).await;
        }
        found.into_iter().flatten().map(|relation| relation.oid).collect()
    }

    fn holder(&self, backend: &Backend) -> Blocker {
        let open = backend.in_transaction.unwrap_or_default();
        let wanted = format!(
            "its transaction on {}, open for {}, to end before anything is begun",
            tables(std::slice::from_ref(backend)).join(" and "),
            human_duration(open)
        );
        backend.as_blocker(Some(wanted), judge(self.rule.as_ref(), backend).err().as_ref())
    }
}

/// Whether a statement would wait for the end of a transaction. To make an index it waits for who writes, and for who reads the table with a
/// snapshot of before; the others wait for everybody who has a lock on it.
fn holds_up(backend: &Backend, relations: &[Oid], kind: &NonTransactional) -> bool {
    let makes_an_index = matches!(kind, NonTransactional::CreateIndex { .. });
    let any = |held: &LockMode| !makes_an_index || backend.has_snapshot || held.conflicts(LockMode::Share);
    let mut held = backend.locks.iter().filter(|held| held.granted);
    let is_ours = held.any(|held| relations.contains(&held.relation.oid) && any(&held.mode));
    // An autovacuum leaves when it is asked, and is asked by the statement.
    is_ours && !matches!(backend.kind, Kind::Autovacuum { wraparound: false })
}

fn is_the_same(one: &Backend, other: &Backend) -> bool {
    one.kind == other.kind
        && one.pid == other.pid
        && one.backend_start == other.backend_start
        && one.xact_start == other.xact_start
}

fn tables(backends: &[Backend]) -> Vec<String> {
    let held = backends.iter().flat_map(|backend| &backend.locks);
    let mut tables: Vec<String> = held.map(|held| held.relation.to_string()).collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}
