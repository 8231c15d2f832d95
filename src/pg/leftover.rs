//! What a statement that was cut off has left in the catalog.

use crate::script::{NonTransactional, RelationName};

use super::bind::{NulByte, Value, bind};
use super::connect::Session;
use super::message::MessageError;
use super::steps::Remember;

const NEW_INDEXES: &str = include_str!("../../sql/locks/new_indexes.sql");
const NEW_INVALID_INDEXES: &str = include_str!("../../sql/locks/new_invalid_indexes.sql");
const INDEX_STATE: &str = include_str!("../../sql/locks/index_state.sql");
const PARTITION_STATE: &str = include_str!("../../sql/locks/partition_state.sql");
const SHARED_OBJECT_EXISTS: &str = include_str!("../../sql/locks/shared_object_exists.sql");

/// What a statement that was cut off has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// Nothing that hinders it: run it again.
    Nothing,
    /// Its whole effect: it is done.
    Complete,
    /// INVALID indexes, quoted and qualified: drop them, then run it again.
    Invalid(Vec<String>),
    /// Indexes that were being dropped, quoted and qualified, and that are INVALID since: run it again.
    HalfDropped(Vec<String>),
    /// A detached-pending partition: this statement finishes it.
    Finish(String),
    /// It cannot be told from the catalog.
    Unknown,
}

impl Leftover {
    /// Returns the INVALID indexes.
    pub fn invalid(&self) -> &[String] {
        match self {
            Self::Invalid(indexes) | Self::HalfDropped(indexes) => indexes,
            _ => &[],
        }
    }

    /// Returns the statement that finishes what is pending.
    pub fn pending(&self) -> Option<&str> {
        match self {
            Self::Finish(statement) => Some(statement),
            _ => None,
        }
    }
}

/// Returns what is to be remembered before `statement` runs, so that [`look`] can tell ours from others'.
pub fn remember(statement: &NonTransactional) -> Remember {
    match statement {
        NonTransactional::CreateIndex { table, .. } => Remember::IndexesOf(table.to_string()),
        NonTransactional::Reindex { .. } => Remember::InvalidIndexes,
        _ => Remember::Nothing,
    }
}

/// Looks at the catalog for what an earlier attempt at `statement` has left.
///
/// # Errors
/// [`MessageError`].
pub async fn look(
    session: &Session,
    statement: &NonTransactional,
    indexes_before: &str,
) -> Result<Leftover, MessageError> {
    match statement {
        NonTransactional::CreateIndex { table, index, .. } => {
            let table = table.to_string();
            let values = [
                Value::Text(&table),
                Value::Optional(index.as_deref()),
                Value::Text(indexes_before),
            ];
            indexes(session, bind(NEW_INDEXES, &values)).await
        }
        NonTransactional::Reindex { .. } => {
            let query = bind(NEW_INVALID_INDEXES, &[Value::Text(indexes_before)]);
            indexes(session, query).await
        }
        NonTransactional::DropIndex { indexes, .. } => dropped(session, indexes).await,
        NonTransactional::DetachPartition { parent, partition } => detached(session, parent, partition).await,
        NonTransactional::CreateDatabase { name } => made(session, "database", name, true).await,
        NonTransactional::DropDatabase { name, .. } => made(session, "database", name, false).await,
        NonTransactional::CreateTablespace { name } => made(session, "tablespace", name, true).await,
        NonTransactional::DropTablespace { name, .. } => made(session, "tablespace", name, false).await,
        NonTransactional::CreateSubscription { name } => made(session, "subscription", name, true).await,
        NonTransactional::DropSubscription { name, .. } => made(session, "subscription", name, false).await,
        // The gid is gone in both cases: what had become of it is not to be seen.
        NonTransactional::CommitPrepared { .. } | NonTransactional::RollbackPrepared { .. } => Ok(Leftover::Unknown),
        // These do the same again.
        NonTransactional::Vacuum { .. }
        | NonTransactional::ClusterAll
        | NonTransactional::AlterSystem { .. }
        | NonTransactional::AlterDatabaseSetTablespace { .. }
        | NonTransactional::AlterSubscription { .. }
        | NonTransactional::DiscardAll => Ok(Leftover::Nothing),
    }
}

async fn rows(session: &Session, query: Result<String, NulByte>) -> Result<Vec<super::message::Row>, MessageError> {
    let query = query.map_err(|error| MessageError::Lost {
        reason: error.to_string(),
    })?;
    session.rows(&query).await
}

async fn indexes(session: &Session, query: Result<String, NulByte>) -> Result<Leftover, MessageError> {
    let rows = rows(session, query).await?;
    let (valid, invalid): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row[1].as_deref() == Some("t"));
    let invalid: Vec<String> = invalid.into_iter().filter_map(|mut row| row[0].take()).collect();
    Ok(match (valid.is_empty(), invalid.is_empty()) {
        (_, false) => Leftover::Invalid(invalid),
        (false, true) => Leftover::Complete,
        (true, true) => Leftover::Nothing,
    })
}

async fn dropped(session: &Session, indexes: &[RelationName]) -> Result<Leftover, MessageError> {
    let mut found = Leftover::Complete;
    for index in indexes {
        let name = index.to_string();
        let rows = rows(session, bind(INDEX_STATE, &[Value::Text(&name)])).await?;
        let Some(mut row) = rows.into_iter().next() else {
            continue;
        };
        found = match (found, row[0].take(), row[1].as_deref()) {
            (Leftover::HalfDropped(mut known), Some(name), Some("f")) => {
                known.push(name);
                Leftover::HalfDropped(known)
            }
            (_, Some(name), Some("f")) => Leftover::HalfDropped(vec![name]),
            (Leftover::Complete, _, _) => Leftover::Nothing,
            (found, _, _) => found,
        };
    }
    Ok(found)
}

async fn detached(
    session: &Session,
    parent: &RelationName,
    partition: &RelationName,
) -> Result<Leftover, MessageError> {
    let (parent, partition) = (parent.to_string(), partition.to_string());
    let query = bind(PARTITION_STATE, &[Value::Text(&parent), Value::Text(&partition)]);
    let rows = rows(session, query).await?;
    Ok(match rows.first().and_then(|row| row[0].as_deref()) {
        Some("attached") => Leftover::Nothing,
        Some("pending") => Leftover::Finish(format!("alter table {parent} detach partition {partition} finalize")),
        _ => Leftover::Complete,
    })
}

/// Whether an object that is one of its kind is already as the statement wants it.
async fn made(session: &Session, kind: &str, name: &str, wanted: bool) -> Result<Leftover, MessageError> {
    let exists = truth(
        &rows(
            session,
            bind(SHARED_OBJECT_EXISTS, &[Value::Text(kind), Value::Text(name)]),
        )
        .await?,
    );
    Ok(if exists == wanted {
        Leftover::Complete
    } else {
        Leftover::Nothing
    })
}

fn truth(rows: &[super::message::Row]) -> bool {
    rows.first().is_some_and(|row| row[0].as_deref() == Some("t"))
}
