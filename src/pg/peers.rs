//! Other tools' ledgers on the server: found, read, and ours written beside them.

use std::time::Duration;

use serde_json::Value as Json;

use crate::ledger::PeerTable;
use crate::migration::Version;

use super::bind::{Value, bind, statement};
use super::connect::Session;
use super::ident::{Ident, IdentError, QualifiedName};
use super::ledger_store::{self, LedgerError, Look};
use super::message::{MessageError, Row};

const FIND: &str = include_str!("../../sql/adopt/find.sql");
/// How many columns it has.
const FIND_COLUMNS: usize = 4;
const LOCK_TABLE: &str = include_str!("../../sql/adopt/lock_table.sql");
const ROWS: &str = include_str!("../../sql/adopt/rows.sql");
const ADOPTED: &str = include_str!("../../sql/adopt/adopted.sql");
const INSERT_ROWS: &str = include_str!("../../sql/adopt/insert_rows.sql");
const INSERT_EVENTS: &str = include_str!("../../sql/adopt/insert_events.sql");

/// Why another ledger cannot be read, or ours not be written.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The ledger cannot be used, or the server refused.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Row-level security hides rows of the other ledger from this role, or might.
    #[error("role {role} may not see all rows of {table}: it has row-level security")]
    Hidden {
        /// The role.
        role: String,
        /// The other ledger.
        table: String,
    },
    /// The other tool is at work.
    #[error("{table} is in use: {reason}")]
    Busy {
        /// The other ledger.
        table: String,
        /// How that was seen.
        reason: String,
    },
    /// Another rlsctl wrote the same rows, or made the ledger, at the same moment.
    #[error("another rlsctl wrote to the ledger at the same moment")]
    Raced,
}

impl From<MessageError> for PeerError {
    fn from(error: MessageError) -> Self {
        Self::Ledger(error.into())
    }
}

impl From<IdentError> for PeerError {
    fn from(error: IdentError) -> Self {
        unreadable(error.to_string())
    }
}

fn unreadable(what: impl Into<String>) -> PeerError {
    PeerError::Ledger(LedgerError::Unreadable { what: what.into() })
}

/// Returns all tables that are other tools' ledgers, by their columns; those of Supabase's own services are left out.
///
/// # Errors
/// [`MessageError`].
pub async fn find(session: &Session) -> Result<Vec<PeerTable>, MessageError> {
    let rows = session.rows(statement(FIND)).await?;
    Ok(rows.iter().filter_map(read_table).collect())
}

/// Returns the statement that finds them.
pub(super) fn find_statement() -> &'static str {
    statement(FIND)
}

/// A row of a tool that is not known cannot come: the statement names them all, and a test compares.
pub(super) fn read_table(row: &Row) -> Option<PeerTable> {
    let text = |column: usize| row.get(column)?.as_deref();
    Some(PeerTable {
        schema: text(0)?.to_owned(),
        table: text(1)?.to_owned(),
        peer: text(2)?.parse().ok()?,
        certain: text(3)? == "t",
    })
}

fn quoted(table: &PeerTable) -> Result<String, PeerError> {
    Ok(QualifiedName::new(&table.schema, &table.table)?.to_string())
}

/// Begins a transaction that only reads: one snapshot for all that follows.
///
/// # Errors
/// [`PeerError`].
pub async fn begin_read_only(session: &Session) -> Result<(), PeerError> {
    let begin = "begin isolation level repeatable read read only; set local row_security = off";
    session.message(begin).await.result?;
    Ok(())
}

/// Begins the transaction in which the other ledger is read and ours is written.
///
/// # Locks
/// SHARE on the other ledger, before the first snapshot, so that its tool can add no row until we are through; a role that may not take
/// it goes without. Then the other tool's own advisory lock, if it has one, without waiting; a look at it comes first, so that nobody
/// waits for a table that a long migration holds. Both until the transaction ends.
///
/// # Errors
/// [`PeerError::Busy`] after `wait`; the transaction may still be open.
pub async fn begin(session: &Session, table: &PeerTable, key: Option<i64>, wait: Duration) -> Result<(), PeerError> {
    take_advisory(session, table, key).await?;
    let wait = wait.as_millis().max(1);
    let begin =
        format!("begin isolation level repeatable read; set local lock_timeout = {wait}; set local row_security = off");
    let name = quoted(table)?;
    let lock = bind(LOCK_TABLE, &[Value::Query(&name)]).map_err(|error| unreadable(error.to_string()))?;
    let answer = session.message(&format!("{begin}; {lock}")).await;
    if let Err(error) = answer.result {
        match error.sqlstate() {
            Some("55P03") => {
                return Err(busy(table, "somebody is writing to it".to_owned()));
            }
            Some("42501") => {
                session.message(&format!("rollback; {begin}")).await.result?;
            }
            _ => return Err(error.into()),
        }
    }
    take_advisory(session, table, key).await
}

/// Takes the other tool's advisory lock until the transaction ends; outside of one, that is at once.
async fn take_advisory(session: &Session, table: &PeerTable, key: Option<i64>) -> Result<(), PeerError> {
    let Some(key) = key else {
        return Ok(());
    };
    let rows = session
        .rows(&format!("select pg_catalog.pg_try_advisory_xact_lock({key})"))
        .await?;
    let is_ours = rows.first().and_then(|row| row.first()?.as_deref()) == Some("t");
    if is_ours {
        Ok(())
    } else {
        let reason = format!("{} holds the advisory lock under which it migrates ({key})", table.peer);
        Err(busy(table, reason))
    }
}

fn busy(table: &PeerTable, reason: String) -> PeerError {
    PeerError::Busy {
        table: table.to_string(),
        reason,
    }
}

/// Returns the rows of another ledger, each as a JSON object.
///
/// # Errors
/// [`LedgerError::Privilege`] names the GRANT; [`PeerError::Hidden`].
pub async fn rows(session: &Session, look: &Look, table: &PeerTable) -> Result<Vec<Json>, PeerError> {
    let rows = session.rows(&rows_query(table)?).await;
    read_rows(table, rows.map_err(|error| not_read(look, table, error))?)
}

fn rows_query(table: &PeerTable) -> Result<String, PeerError> {
    let name = quoted(table)?;
    bind(ROWS, &[Value::Query(&name)]).map_err(|error| unreadable(error.to_string()))
}

fn read_rows(table: &PeerTable, rows: Vec<Row>) -> Result<Vec<Json>, PeerError> {
    let texts = rows.into_iter().filter_map(|mut row| row.pop()?);
    texts
        .map(|text| serde_json::from_str(&text).map_err(|error| unreadable(format!("a row of {table}: {error}"))))
        .collect()
}

/// Returns why another ledger was not read.
fn not_read(look: &Look, table: &PeerTable, error: MessageError) -> PeerError {
    match error.server() {
        Some(server) if server.sqlstate == "42501" && server.message.contains("row-level security") => {
            PeerError::Hidden {
                role: look.acting_role.clone(),
                table: table.to_string(),
            }
        }
        Some(server) if server.sqlstate == "42501" => {
            quoted(table).map_or_else(|error| error, |name| read_privilege(look, table, &name))
        }
        Some(server) if server.sqlstate == "55P03" => busy(table, "somebody has locked it".to_owned()),
        _ => error.into(),
    }
}

fn read_privilege(look: &Look, table: &PeerTable, name: &str) -> PeerError {
    let ident = |name: &str| Ident::new(name).map_or_else(|_| name.to_owned(), |ident| ident.to_string());
    let (role, schema) = (ident(&look.acting_role), ident(&table.schema));
    PeerError::Ledger(LedgerError::Privilege {
        role: look.acting_role.clone(),
        action: format!("read {table}"),
        grant: format!("GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON {name} TO {role};"),
    })
}

/// What was adopted from another ledger before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// The ledger, as schema.table.
    pub ledger: String,
    /// Which of its rows, as it calls them, under the version of which file.
    pub rows: Vec<(String, Version)>,
    /// The newest version that was applied by its mark.
    pub mark: Option<Version>,
}

/// Returns what was adopted before, a ledger each.
///
/// # Privileges
/// USAGE on schema `rlsctl`, SELECT on `rlsctl.event`.
///
/// # Errors
/// [`PeerError`].
pub async fn adopted(session: &Session) -> Result<Vec<Adopted>, PeerError> {
    let rows = session.rows(statement(ADOPTED)).await?;
    Ok(read_adopted(&rows))
}

fn read_adopted(rows: &[Row]) -> Vec<Adopted> {
    let mut all: Vec<Adopted> = Vec::new();
    for row in rows {
        let text = |column: usize| row.get(column).and_then(Option::as_deref);
        let ledger = text(0).unwrap_or_default();
        if all.last().is_none_or(|last| last.ledger != ledger) {
            all.push(Adopted {
                ledger: ledger.to_owned(),
                ..Adopted::default()
            });
        }
        let version = text(2).and_then(|version| Version::parse(version).ok());
        let (Some(adopted), Some(version)) = (all.last_mut(), version) else {
            continue;
        };
        match text(1) {
            Some(label) => adopted.rows.push((label.to_owned(), version)),
            None => adopted.mark = adopted.mark.take().max(Some(version)),
        }
    }
    all
}

/// Returns the other ledgers that are beside ours, and what was adopted before. One message.
///
/// # Privileges
/// USAGE on schema `rlsctl`, SELECT on `rlsctl.event`.
///
/// # Errors
/// [`PeerError`].
pub async fn beside(session: &Session) -> Result<(Vec<PeerTable>, Vec<Adopted>), PeerError> {
    let both = format!("{};\n{}", find_statement(), statement(ADOPTED));
    let rows = session.rows(&both).await?;
    let (tables, adopted): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.len() == FIND_COLUMNS);
    Ok((tables.iter().filter_map(read_table).collect(), read_adopted(&adopted)))
}

/// Returns the rows of another ledger as they are now, in a transaction of their own. One message.
///
/// # Locks
/// ACCESS SHARE on it, waited for as long as `wait`.
///
/// # Errors
/// Those of [`rows`]; [`PeerError::Busy`].
pub async fn rows_now(
    session: &Session,
    look: &Look,
    table: &PeerTable,
    wait: Duration,
) -> Result<Vec<Json>, PeerError> {
    let wait = wait.as_millis().max(1);
    let query = rows_query(table)?;
    let message =
        format!("begin read only; set local lock_timeout = {wait}; set local row_security = off; {query}; rollback");
    let answer = session.message(&message).await;
    if let Err(error) = answer.result {
        rollback(session).await?;
        return Err(not_read(look, table, error));
    }
    read_rows(table, answer.rows)
}

/// Writes rows and events, making our ledger first if it is not there, and commits.
///
/// # Errors
/// [`LedgerError::Privilege`] names the GRANT; [`PeerError::Raced`]. The transaction is still open then, and void.
pub async fn write(
    session: &Session,
    look: &Look,
    rows: &Json,
    events: &Json,
    git_commit: Option<&str>,
) -> Result<(), PeerError> {
    let version = Value::Text(env!("CARGO_PKG_VERSION"));
    let (rows, events) = (rows.to_string(), events.to_string());
    let nul = |error: super::bind::NulByte| unreadable(error.to_string());
    let rows = bind(INSERT_ROWS, &[Value::Text(&rows), version, Value::Optional(git_commit)]).map_err(nul)?;
    let events = bind(INSERT_EVENTS, &[Value::Text(&events), version]).map_err(nul)?;
    let upgrade = ledger_store::upgrade_statements(look.ledger.as_ref().map_or(0, |ledger| ledger.format));
    let message = format!("{upgrade}{rows};\n{events};\ncommit");
    let Err(error) = session.message(&message).await.result else {
        return Ok(());
    };
    Err(match error.sqlstate() {
        Some("42P06" | "42P07" | "23505" | "40001") => PeerError::Raced,
        Some("42501") => PeerError::Ledger(ledger_store::privilege(look)),
        _ => error.into(),
    })
}

/// Ends the transaction; nothing of it remains.
///
/// # Errors
/// The connection is gone.
pub async fn rollback(session: &Session) -> Result<(), PeerError> {
    session.message("rollback").await.result?;
    Ok(())
}
