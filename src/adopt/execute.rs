//! The executor: one transaction, in which the other ledger is read and ours is written.

use std::time::Duration;

use serde_json::{Value, json};

use crate::ledger::PeerTable;
use crate::pg::peers::{self, PeerError};
use crate::pg::{Look, Session};

use super::lock;
use super::plan::Plan;
use super::rows::{self, Said};

/// Begins the transaction and returns what the other ledger says.
///
/// # Locks
/// With `lock_wait`: SHARE on the other ledger, where the role may take it, and the advisory lock under which the other tool migrates;
/// both until [`write()`] or [`peers::rollback`]. Without, none.
///
/// # Errors
/// [`PeerError`]; nothing is open then.
pub async fn open(
    session: &Session,
    look: &Look,
    table: &PeerTable,
    lock_wait: Option<Duration>,
) -> Result<Said, PeerError> {
    let reading = match lock_wait {
        None => peers::begin_read_only(session).await,
        Some(wait) => peers::begin(session, table, lock::key(table, &look.database), wait).await,
    };
    let rows = match reading {
        Ok(()) => peers::rows(session, look, table).await,
        Err(error) => Err(error),
    };
    match rows {
        Ok(rows) => Ok(rows::read(table, &rows)),
        Err(error) => {
            peers::rollback(session).await?;
            Err(error)
        }
    }
}

/// Writes what was planned, and commits.
///
/// # Errors
/// [`PeerError`]; nothing is written then.
///
/// # Privileges
/// CREATE on the database where there is no ledger yet; INSERT on its tables.
pub async fn write(session: &Session, look: &Look, plan: &Plan, git_commit: Option<&str>) -> Result<(), PeerError> {
    let columns: Vec<&Value> = plan.rows.iter().map(|row| &row.columns).collect();
    let mut events = vec![json!({ "version": null, "detail": summary(plan) })];
    events.extend(
        plan.rows
            .iter()
            .map(|row| json!({ "version": row.version.to_string(), "detail": row.detail(&plan.table) })),
    );
    let written = peers::write(session, look, &json!(columns), &json!(events), git_commit).await;
    if written.is_err() {
        peers::rollback(session).await?;
    }
    written
}

fn summary(plan: &Plan) -> Value {
    json!({
        "tool": plan.table.peer.name(),
        "ledger": plan.table.to_string(),
        "adopted": plan.rows.len(),
        "verified": plan.verified(),
        "pending": plan.pending.len(),
        "head": plan.head.to_string(),
    })
}
