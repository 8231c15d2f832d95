//! The ledger's texts, the one way in which a row changes after it was written, and whether one is still being written.

use std::collections::BTreeMap;

use crate::activity::Pid;
use crate::migration::{Checksum, TokenChecksum, Version};

use super::bind::{NulByte, Value, bind};
use super::connect::Session;
use super::ident::Ident;
use super::ledger_store::{LedgerError, Look};

const TEXTS: &str = include_str!("../../sql/ledger/texts.sql");
const STILL_RUNNING: &str = include_str!("../../sql/ledger/still_running.sql");
const ACCEPT: &str = include_str!("../../sql/ledger/accept.sql");

/// A row as it is to be.
#[derive(Clone, Copy, Debug)]
pub struct Accepted<'a> {
    /// The migration.
    pub version: &'a Version,
    /// The checksum that the row has now; if it has another one, nothing is changed.
    pub before: &'a Checksum,
    /// The checksum of the file.
    pub checksum: &'a Checksum,
    /// Its token checksum.
    pub token_checksum: &'a TokenChecksum,
    /// Its text.
    pub sql: &'a str,
    /// Its name behind the version.
    pub name: &'a str,
    /// Why, in a person's words.
    pub reason: &'a str,
}

fn privilege(look: &Look) -> LedgerError {
    let role = Ident::new(&look.acting_role).map_or_else(|_| look.acting_role.clone(), |role| role.to_string());
    LedgerError::Privilege {
        role: look.acting_role.clone(),
        action: "write to the ledger".to_owned(),
        grant: format!("GRANT SELECT, UPDATE ON rlsctl.ledger TO {role}; GRANT INSERT ON rlsctl.event TO {role};"),
    }
}

fn unreadable(error: &NulByte) -> LedgerError {
    LedgerError::Unreadable {
        what: error.to_string(),
    }
}

/// Returns the texts of `versions` as they were applied; `None` for a row that kept none.
///
/// # Errors
/// [`LedgerError`].
///
/// # Privileges
/// USAGE on schema rlsctl, SELECT on rlsctl.ledger.
pub async fn texts(session: &Session, versions: &[Version]) -> Result<BTreeMap<Version, Option<String>>, LedgerError> {
    let versions: Vec<&str> = versions.iter().map(Version::as_str).collect();
    let query =
        bind(TEXTS, &[Value::Text(&serde_json::json!(versions).to_string())]).map_err(|error| unreadable(&error))?;
    let mut texts = BTreeMap::new();
    for mut row in session.rows(&query).await? {
        let sql = row.pop().flatten();
        let version = row.pop().flatten().unwrap_or_default();
        let version = Version::parse(&version).map_err(|_| LedgerError::Unreadable {
            what: "a version".to_owned(),
        })?;
        texts.insert(version, sql);
    }
    Ok(texts)
}

/// What has become of the backend of a connection that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostBackend {
    /// Whether a statement of the run is still running, in it or in another one.
    pub is_running: bool,
    /// Whether it is still there. It may not have read its last message yet; behind a pooler it stays.
    pub is_there: bool,
    /// The backend that answers now.
    pub pid: Pid,
}

/// Returns what has become of the backend `pid`, in which statements of `runner` ran, and whose client is gone or lost.
///
/// # Errors
/// [`LedgerError`].
pub async fn still_running(session: &Session, runner: &str, pid: Pid) -> Result<LostBackend, LedgerError> {
    let values = [
        Value::Text(&format!("/* rlsctl {runner} %")),
        Value::Integer(pid.0.into()),
    ];
    let query = bind(STILL_RUNNING, &values).map_err(|error| unreadable(&error))?;
    let rows = session.rows(&query).await?;
    let cell = |at: usize| rows.first().and_then(|row| row.get(at)?.as_deref());
    let now = cell(2).and_then(|pid| pid.parse().ok());
    Ok(LostBackend {
        is_running: cell(0) == Some("t"),
        is_there: cell(1) == Some("t"),
        pid: now.map(Pid).ok_or_else(|| LedgerError::Unreadable {
            what: "the process id".to_owned(),
        })?,
    })
}

/// Writes the checksum of an edited file into its row, and what was there before into the event log, in one statement. Returns whether
/// the row was still as it was.
///
/// # Errors
/// [`LedgerError`].
///
/// # Privileges
/// USAGE on schema rlsctl, SELECT and UPDATE on rlsctl.ledger, INSERT on rlsctl.event.
pub async fn accept(session: &Session, look: &Look, accepted: Accepted<'_>) -> Result<bool, LedgerError> {
    let [version, before, checksum, tokens] = [
        accepted.version.to_string(),
        accepted.before.to_string(),
        accepted.checksum.to_string(),
        accepted.token_checksum.to_string(),
    ];
    let values = [
        Value::Text(&version),
        Value::Text(&before),
        Value::Text(&checksum),
        Value::Text(&tokens),
        Value::Text(accepted.sql),
        Value::Text(accepted.name),
        Value::Text(env!("CARGO_PKG_VERSION")),
        Value::Text(accepted.reason),
    ];
    let rows = session
        .rows(&bind(ACCEPT, &values).map_err(|error| unreadable(&error))?)
        .await;
    let rows = rows.map_err(|error| match error.sqlstate() {
        Some("42501") => privilege(look),
        _ => error.into(),
    })?;
    Ok(rows.first().and_then(|row| row.first()?.as_deref()) == Some("1"))
}
