//! Steps that run outside a transaction: claimed, finished, given back.

use crate::migration::Version;

use super::bind::{NulByte, Value, bind, statement};
use super::connect::Session;
use super::message::MessageError;

const CLAIM: &str = include_str!("../../sql/ledger/step_claim.sql");
const FINISH: &str = include_str!("../../sql/ledger/step_finish.sql");
const RELEASE: &str = include_str!("../../sql/ledger/step_release.sql");
const INSERT: &str = include_str!("../../sql/ledger/step_insert.sql");
const INDEXES_OF_TABLE: &str = include_str!("../../sql/locks/indexes_of_table.sql");
const INVALID_INDEXES: &str = include_str!("../../sql/locks/invalid_indexes.sql");

/// One step of one migration.
#[derive(Clone, Debug)]
pub struct StepKey<'a> {
    /// The migration.
    pub version: &'a Version,
    /// The step, from 1.
    pub number: usize,
    /// Its tag and object.
    pub object: &'a str,
    /// sha256 of its text, in hex.
    pub checksum: &'a str,
    /// The run that works on it.
    pub runner: &'a str,
}

/// Which indexes to remember at a claim.
#[derive(Clone, Debug)]
pub enum Remember {
    /// None.
    Nothing,
    /// Those of a table, as it is written in the statement.
    IndexesOf(String),
    /// All INVALID ones of the database.
    InvalidIndexes,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The step is ours, and nobody has tried it before.
    Fresh {
        /// The indexes that are there now.
        indexes_before: String,
    },
    /// The step is ours; whoever claimed it before is gone, and may have left something.
    Resumed {
        /// The indexes that were there at the first claim.
        indexes_before: String,
    },
    /// The step is done.
    Finished,
    /// Another runner is at it.
    Busy {
        /// The backend that claimed it.
        pid: Option<i32>,
    },
}

fn number(key: &StepKey<'_>) -> i64 {
    i64::try_from(key.number).expect("a file has fewer statements than bytes")
}

/// Claims a step.
///
/// # Errors
/// [`MessageError`].
pub async fn claim(session: &Session, key: &StepKey<'_>, remember: &Remember) -> Result<Claim, MessageError> {
    let version = key.version.to_string();
    let remembered = sendable(match remember {
        Remember::Nothing => Ok("'{}'::oid[]".to_owned()),
        Remember::IndexesOf(table) => bind(INDEXES_OF_TABLE, &[Value::Text(table)]),
        Remember::InvalidIndexes => Ok(statement(INVALID_INDEXES).to_owned()),
    })?;
    let values = [
        Value::Text(&version),
        Value::Integer(number(key)),
        Value::Text(key.object),
        Value::Text(key.checksum),
        Value::Text(key.runner),
        Value::Query(&remembered),
    ];
    let query = sendable(bind(CLAIM, &values))?;
    let rows = session.rows(&query).await?;
    let row = rows.first().cloned().unwrap_or_default();
    let column = |n: usize| row.get(n).cloned().flatten();
    let indexes_before = column(2).unwrap_or_default();
    Ok(match column(0).as_deref() {
        Some("claimed") => Claim::Fresh { indexes_before },
        Some("resumed") => Claim::Resumed { indexes_before },
        Some("finished") => Claim::Finished,
        _ => Claim::Busy {
            pid: column(1).and_then(|pid| pid.parse().ok()),
        },
    })
}

fn sendable(bound: Result<String, NulByte>) -> Result<String, MessageError> {
    bound.map_err(|error| MessageError::Lost {
        reason: error.to_string(),
    })
}

/// Returns the statement that marks a claimed step as done.
///
/// # Errors
/// [`NulByte`].
pub fn finish_statement(key: &StepKey<'_>) -> Result<String, NulByte> {
    own_row(FINISH, key)
}

/// Gives a claim back.
///
/// # Errors
/// [`MessageError`].
pub async fn release(session: &Session, key: &StepKey<'_>) -> Result<(), MessageError> {
    session.rows(&sendable(own_row(RELEASE, key))?).await.map(|_| ())
}

fn own_row(sql: &'static str, key: &StepKey<'_>) -> Result<String, NulByte> {
    let version = key.version.to_string();
    bind(
        sql,
        &[
            Value::Text(&version),
            Value::Integer(number(key)),
            Value::Text(key.runner),
        ],
    )
}

/// Returns the statement that records a step which runs inside a transaction; it comes first in that transaction.
///
/// # Errors
/// [`NulByte`].
pub fn insert_statement(key: &StepKey<'_>) -> Result<String, NulByte> {
    let version = key.version.to_string();
    bind(
        INSERT,
        &[
            Value::Text(&version),
            Value::Integer(number(key)),
            Value::Text(key.object),
            Value::Text(key.checksum),
            Value::Text(key.runner),
        ],
    )
}
