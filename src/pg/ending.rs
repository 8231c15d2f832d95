//! Ends a session, if it still is what it was when we looked, and if nobody else of us is at it.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::activity::{Backend, Oid, Pid, ServerTime, Spared};
use crate::script::masked;

use super::activity::{LookError, array};
use super::bind::{Value, bind};
use super::connect::Session;
use super::message::MessageError;

const END: &str = include_str!("../../sql/locks/end_session.sql");
const IS_GONE: &str = include_str!("../../sql/locks/is_gone.sql");

/// How often we look whether its locks are gone. It takes 3 to 5 ms.
const POLL: Duration = Duration::from_millis(2);
/// How long we look. A backend in a system call that does not return may take longer; then it is not ours to wait for.
const GONE_LIMIT: Duration = Duration::from_secs(5);
/// Under this advisory lock and the process id, in the session's own database, one of us at a time ends a session: the first four bytes
/// of sha256("rlsctl end").
const CLAIM_KEY: i32 = 1_281_965_615;
/// Begins the transaction that holds the claim. Should we vanish in the middle of it, the server takes the claim back.
const BEGIN: &str = "begin isolation level read committed; set local idle_in_transaction_session_timeout = '15s'";
/// In a transaction `pg_stat_activity` stands still until it is told to be looked up again.
const LOOK_AGAIN: &str = "select pg_catalog.pg_stat_clear_snapshot()";
/// How much of a session's last query is kept, in characters.
const QUERY_CHARACTERS: usize = 300;

/// Which session, and what must still be so.
#[derive(Clone, Debug)]
pub struct Ending<'a> {
    /// The session.
    pub backend: &'a Backend,
    /// It must have been idle in its transaction for at least this long.
    pub older_than: Duration,
    /// It must hold one of these; whatever it holds, if `None`.
    pub holding: Option<&'a [Oid]>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is ended, and its locks are gone.
    Gone,
    /// It was told to end, and after five seconds it had not.
    Going,
    /// It was left alone.
    Spared(Spared),
}

/// Ends a session and waits until its locks are gone, five seconds at most.
///
/// The statement itself compares process id, start of the session, start of the transaction, state, age and locks, so that whoever has gone
/// on since the look is spared. Of several that want to end the same session at the same moment one does, and the others are told
/// [`Spared::Elsewhere`]: a session is counted once. `session` must be outside a transaction; this makes one of its own.
///
/// # Locks
/// A transaction's advisory lock on the process id, which nobody waits for. No snapshot is kept from statement to statement.
///
/// # Privileges
/// Membership in the session's role or in `pg_signal_backend`, `pg_read_all_stats`; sessions of superusers only by superusers.
///
/// # Errors
/// [`LookError`].
pub async fn end(session: &Session, ending: &Ending<'_>) -> Result<Ended, LookError> {
    let backend = ending.backend;
    let (Some(pid), Some(started)) = (backend.pid, &backend.backend_start) else {
        return Ok(Ended::Spared(Spared::Hidden));
    };
    // What is claimed is looked at afterwards: whoever had the claim before is done with it by then.
    let claim = format!(
        "{BEGIN}; select pg_catalog.pg_try_advisory_xact_lock({CLAIM_KEY}, {})",
        pid.0
    );
    let ended = match is_true(session, &claim).await {
        Ok(true) => claimed(session, ending, pid, started).await,
        Ok(false) => Ok(Ended::Spared(Spared::Elsewhere)),
        Err(error) => Err(error),
    };
    let over = session.rows("rollback").await;
    let ended = ended?;
    over?;
    Ok(ended)
}

async fn claimed(session: &Session, ending: &Ending<'_>, pid: Pid, started: &ServerTime) -> Result<Ended, LookError> {
    // The server forgets when a transaction began once it is aborted; whoever goes on is then told by state and age.
    let transaction = ending.backend.xact_start.as_ref().map(|time| time.0.as_str());
    let oids = array(ending.holding.unwrap_or_default());
    let values = [
        Value::Integer(pid.0.into()),
        Value::Text(&started.0),
        Value::Optional(transaction),
        Value::Integer(ending.older_than.as_millis().try_into().unwrap_or(i64::MAX)),
        Value::Boolean(ending.holding.is_some()),
        Value::Text(&oids),
    ];
    match is_true(session, &bind(END, &values)?).await {
        Ok(true) => {}
        Ok(false) => return Ok(Ended::Spared(Spared::Changed)),
        // Which it is that is missing, the role's membership or a superuser's power, we asked before; it has changed since.
        Err(LookError::Message(error)) if error.sqlstate() == Some("42501") => {
            return Ok(Ended::Spared(refused(&error)));
        }
        Err(error) => return Err(error),
    }
    let is_gone = bind(IS_GONE, &[Value::Integer(pid.0.into()), Value::Text(&started.0)])?;
    let is_gone = format!("{LOOK_AGAIN}; {is_gone}");
    let deadline = Instant::now() + GONE_LIMIT;
    while Instant::now() < deadline {
        if is_true(session, &is_gone).await? {
            return Ok(Ended::Gone);
        }
        sleep(POLL).await;
    }
    Ok(Ended::Going)
}

/// Whether the last row is a single `t`.
async fn is_true(session: &Session, sql: &str) -> Result<bool, LookError> {
    let rows = session.rows(sql).await?;
    Ok(rows.last().and_then(|row| row.first()).and_then(Option::as_deref) == Some("t"))
}

fn refused(error: &MessageError) -> Spared {
    // From 16 on the message is the same for both, and the detail says which.
    let detail = error.server().and_then(|server| server.detail.as_deref());
    let text = format!("{error} {}", detail.unwrap_or_default());
    if text.contains("superuser") || text.contains("SUPERUSER") {
        Spared::Superuser
    } else {
        Spared::NotGranted
    }
}

/// Returns what is kept in `rlsctl.event` of a session that was ended. Literals of its last query are masked: they may be anybody's data.
pub fn detail(backend: &Backend) -> serde_json::Value {
    let locks: Vec<String> = backend
        .locks
        .iter()
        .filter(|held| held.granted)
        .map(|held| format!("{} {}", held.relation, held.mode))
        .collect();
    json!({
        "pid": backend.pid.map(|pid| pid.0),
        "role": backend.role,
        "application": backend.application,
        "client": backend.client,
        "database": backend.database,
        "state": backend.state.map(crate::activity::SessionState::name),
        "backend_start": backend.backend_start.as_ref().map(|time| &time.0),
        "xact_start": backend.xact_start.as_ref().map(|time| &time.0),
        "idle_ms": backend.in_state.map(|idle| u64::try_from(idle.as_millis()).unwrap_or(u64::MAX)),
        "query": backend.query.as_deref().map(|query| masked(query, QUERY_CHARACTERS)),
        "locks": locks,
    })
}
