//! The marks of the catalog in the ledger: the newest read, a new one written.

use serde_json::Value as Json;

use crate::catalog::{FORMAT, Mark, MarkError, Snapshot};
use crate::migration::Head;

use super::bind::{Value, bind, statement};
use super::catalog::{CatalogError, snapshot_and};
use super::connect::Session;
use super::ledger_store::{LedgerError, Look};
use super::message::Row;

const NEWEST: &str = include_str!("../../sql/ledger/newest_mark.sql");
/// How many columns it has.
const NEWEST_COLUMNS: usize = 6;
const PIECE: &str = include_str!("../../sql/ledger/mark_piece.sql");
const WRITE: &str = include_str!("../../sql/ledger/write_mark.sql");
/// How long a piece of the definitions may be in bytes: that of some thousand tables.
const PIECE_BYTES: usize = 512 * 1024;

/// What it means that a mark could not be written behind something that is committed; the reason comes after it.
pub const NOT_WRITTEN: &str =
    "the schema mark was not written, so `rlsctl drift-check` cannot see what changes by hand from here";

/// A mark as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMark {
    /// The ledger's head when it was taken.
    pub head: Head,
    /// The hash of each object.
    pub mark: Mark,
    /// The definitions, which a row loses when a newer one is written.
    pub definitions: Option<Snapshot>,
    /// The format of its definitions: only that of [`crate::catalog::FORMAT`] can be compared with a new snapshot.
    pub format: i64,
    /// When it was taken, as the server writes it.
    pub taken_at: String,
}

/// Returns the newest mark, if there is one. One message.
///
/// # Privileges
/// USAGE on schema `rlsctl`, SELECT on its tables.
///
/// # Errors
/// [`LedgerError`]; [`LedgerError::Unreadable`] also where the fingerprint is not that of the hashes.
pub async fn newest(session: &Session) -> Result<Option<StoredMark>, LedgerError> {
    let rows = session.rows(statement(NEWEST)).await?;
    rows.first().map(read).transpose()
}

/// Returns the newest mark and the catalog as it is, in one picture of the database. As many messages as the catalog needs.
///
/// # Locks
/// Those of [`catalog::snapshot`](super::catalog::snapshot).
///
/// # Privileges
/// USAGE on schema `rlsctl`, SELECT on `rlsctl.schema_mark`.
///
/// # Errors
/// [`CatalogError`].
pub async fn newest_and_now(session: &Session, look: &Look) -> Result<(Option<StoredMark>, Snapshot), CatalogError> {
    let (rows, now) = snapshot_and(
        session,
        look.server_version,
        look.sessions(),
        statement(NEWEST),
        NEWEST_COLUMNS,
    )
    .await?;
    let stored = rows.first().map(read).transpose();
    let stored = stored.map_err(|error| CatalogError::Unreadable {
        what: error.to_string(),
    })?;
    Ok((stored, now))
}

fn read(row: &Row) -> Result<StoredMark, LedgerError> {
    let wrong = |column: &str| LedgerError::Unreadable {
        what: format!("{column} of the newest schema mark"),
    };
    let cell = |at: usize| row.get(at).and_then(Option::as_deref);
    let json = |text: &str| serde_json::from_str::<Json>(text).ok();
    let mark = cell(2).and_then(json).map(|value| Mark::from_json(&value));
    let mark = mark.and_then(Result::ok).ok_or_else(|| wrong("objects"))?;
    if cell(1) != Some(mark.fingerprint.to_string().as_str()) {
        return Err(wrong("fingerprint"));
    }
    let definitions = |text: &str| -> Option<Result<Snapshot, MarkError>> { Some(Snapshot::from_json(&json(text)?)) };
    let definitions = match cell(3) {
        Some(text) => Some(
            definitions(text)
                .and_then(Result::ok)
                .ok_or_else(|| wrong("definitions"))?,
        ),
        None => None,
    };
    Ok(StoredMark {
        head: cell(0)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| wrong("head"))?,
        mark,
        definitions,
        format: cell(5)
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| wrong("format"))?,
        taken_at: cell(4).ok_or_else(|| wrong("taken_at"))?.to_owned(),
    })
}

/// Writes a mark and carries out `also`, in one transaction, and removes the definitions of older marks.
///
/// The schema of thousands of tables is megabytes long, and driver and server would each hold it several times over: it is handed over in
/// pieces, which wait in settings of the transaction, and the server makes the hashes of it. One message where one piece is enough.
///
/// # Privileges
/// USAGE on schema `rlsctl`; INSERT, SELECT and UPDATE on `rlsctl.schema_mark`; those of `also`.
///
/// # Errors
/// [`LedgerError`]; nothing is written then.
pub async fn write(session: &Session, head: &Head, snapshot: Snapshot, also: &[String]) -> Result<(), LedgerError> {
    let written = write_in_pieces(session, head, snapshot, also).await;
    if written.is_err() {
        // Where the connection is gone, so is the transaction.
        let _ = session.message("rollback").await;
    }
    written
}

async fn write_in_pieces(
    session: &Session,
    head: &Head,
    snapshot: Snapshot,
    also: &[String],
) -> Result<(), LedgerError> {
    let (head, fingerprint) = (head.to_string(), snapshot.fingerprint().to_string());
    let mut pieces = snapshot.into_json_pieces(PIECE_BYTES).peekable();
    let mut message = String::from("begin");
    let mut number = 0;
    while let Some(piece) = pieces.next() {
        number += 1;
        push(
            &mut message,
            &bound(PIECE, &[Value::Integer(number), Value::Text(&piece)])?,
        );
        if pieces.peek().is_some() {
            session.message(&message).await.result?;
            message.clear();
        }
    }
    let values = [
        Value::Text(&head),
        Value::Text(&fingerprint),
        Value::Integer(number),
        Value::Integer(FORMAT),
    ];
    push(&mut message, &bound(WRITE, &values)?);
    for statement in also {
        push(&mut message, statement);
    }
    push(&mut message, "commit");
    session.message(&message).await.result?;
    Ok(())
}

fn bound(sql: &'static str, values: &[Value<'_>]) -> Result<String, LedgerError> {
    bind(sql, values).map_err(|error| LedgerError::Unreadable {
        what: error.to_string(),
    })
}

fn push(message: &mut String, statement: &str) {
    message.push_str(";\n");
    message.push_str(statement);
}
