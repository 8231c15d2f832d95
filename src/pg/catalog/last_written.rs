//! When the catalog's rows about an object were last written, and whose it is.

use std::collections::BTreeMap;

use crate::catalog::ObjectId;
use crate::pg::bind::{NulByte, Value, bind};
use crate::pg::connect::Session;
use crate::pg::message::Row;
use crate::script::without_newer_quotes;

use super::queries;

const LAST_WRITTEN: &str = include_str!("../../../sql/catalog/last_written.sql");

/// What the server can tell of an object beside its definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastWritten {
    /// Who owns it: Postgres keeps no author.
    pub owner: String,
    /// When its rows were last written, in UTC. `None` unless the server keeps the times of commits (`track_commit_timestamp`), and still
    /// has this one.
    pub at: Option<String>,
}

/// Returns what the server can tell of `objects`, of those that are there. One message; nothing is sent for no objects.
///
/// Not told are the rarer kinds, such as operators and text search, and those whose rows only a superuser may read, such as
/// subscriptions. This is beside the point of whoever asks: what fails is not told, and is no error.
///
/// A row is also written by what is no change of the definition, such as VACUUM FULL. The time of a commit is kept for a row that was
/// frozen too, until VACUUM removes the transaction from `pg_commit_ts`; see `TransactionIdGetCommitTsData` in `commit_ts.c`, which
/// returns nothing for one that is older.
pub async fn last_written(
    session: &Session,
    server_version: u32,
    objects: &[ObjectId],
) -> BTreeMap<ObjectId, LastWritten> {
    let Ok(query) = query(objects) else {
        return BTreeMap::new();
    };
    if objects.is_empty() {
        return BTreeMap::new();
    }
    let Ok(rows) = session.rows(&queries::alone(server_version / 10000, &query)).await else {
        // Out of the transaction that failed; if this fails too, whoever asks next is told why.
        let _ = session.message("rollback").await;
        return BTreeMap::new();
    };
    rows.into_iter().filter_map(read).collect()
}

fn query(objects: &[ObjectId]) -> Result<String, NulByte> {
    let names: Vec<String> = objects.iter().map(ToString::to_string).collect();
    bind(LAST_WRITTEN, &[Value::Text(&serde_json::json!(names).to_string())])
}

fn read(row: Row) -> Option<(ObjectId, LastWritten)> {
    let [kind, identity, owner, at] = <[Option<String>; 4]>::try_from(row).ok()?;
    let id = ObjectId::new(kind?.parse().ok()?, without_newer_quotes(&identity?));
    Some((id, LastWritten { owner: owner?, at }))
}
