//! Looks at everybody who waits for a lock.

use crate::activity::{Awaited, Oid, Party, Pid, Relation, Wait};
use crate::script::{LockMode, RelationName};

use super::activity::{LookError, milliseconds, number, unreadable};
use super::bind::statement;
use super::connect::Session;
use super::ident::Ident;
use super::message::Row;

const WAITS: &str = include_str!("../../sql/locks/waits.sql");
const PLACE: &str =
    "select pg_catalog.current_database(), current_user, pg_catalog.pg_has_role('pg_read_all_stats', 'usage')";

/// Where we are, and whether we see others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The database as the server calls it; a pooler may have another name for it.
    pub database: String,
    /// The role that acts, as it is written in a GRANT.
    pub role: String,
    /// Whether what other roles do can be seen.
    pub sees_others: bool,
}

/// Returns where we are.
///
/// # Errors
/// [`LookError`].
pub async fn place(session: &Session) -> Result<Place, LookError> {
    let rows = session.rows(PLACE).await?;
    match rows.into_iter().next().as_deref() {
        Some([Some(database), Some(role), sees]) => Ok(Place {
            database: database.clone(),
            role: Ident::new(role)?.to_string(),
            sees_others: sees.as_deref() == Some("t"),
        }),
        _ => Err(unreadable("where we are")),
    }
}

/// Returns everybody who waits for a lock, in any database of the server, the longest first.
///
/// # Locks
/// None; the server's lock tables are looked at for as long as `pg_blocking_pids` takes.
///
/// # Privileges
/// None.
///
/// # Errors
/// [`LookError`].
pub async fn waits(session: &Session) -> Result<Vec<Wait>, LookError> {
    let rows = session.rows(statement(WAITS)).await?;
    rows.into_iter().map(wait).collect()
}

fn wait(row: Row) -> Result<Wait, LookError> {
    let Ok(
        [
            pid,
            database,
            locktype,
            relation,
            schema,
            name,
            mode,
            waited,
            blocking,
            prepared,
            transaction,
            advisory,
            phase,
        ],
    ) = <[Option<String>; 13]>::try_from(row)
    else {
        return Err(unreadable("a wait of another width"));
    };
    let mode = mode.and_then(|mode| LockMode::try_from(mode.as_str()).ok());
    let relation = match (number(relation.as_deref())?, schema, name) {
        (Some(oid), Some(schema), Some(name)) => Some(Relation {
            oid: Oid(oid),
            name: RelationName::qualified(schema, name),
        }),
        _ => None,
    };
    let awaited = match locktype.as_deref().unwrap_or_default() {
        "relation" => Awaited::Relation,
        "transactionid" | "tuple" => Awaited::Row,
        "virtualxid" => Awaited::OlderTransaction,
        "advisory" => Awaited::Advisory(advisory.unwrap_or_default()),
        other => Awaited::Other(other.to_owned()),
    };
    let mut parties: Vec<Party> = blocking
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .filter(|pid| *pid != 0)
        .map(|pid| Party::Backend(Pid(pid)))
        .collect();
    parties.extend(in_the_way(prepared.as_deref(), mode)?.into_iter().map(Party::Prepared));
    parties.sort();
    parties.dedup();
    Ok(Wait {
        pid: Pid(number(pid.as_deref())?.ok_or_else(|| unreadable("a wait without a process"))?),
        database,
        awaited,
        relation,
        mode,
        since: milliseconds(waited.as_deref())?,
        blocking: parties,
        transaction,
        phase,
    })
}

/// Returns the prepared transactions whose lock on the same thing conflicts with the one that is wanted.
fn in_the_way(prepared: Option<&str>, wanted: Option<LockMode>) -> Result<Vec<String>, LookError> {
    let Some(prepared) = prepared else {
        return Ok(Vec::new());
    };
    let held: Vec<(String, String)> =
        serde_json::from_str(prepared).map_err(|_| unreadable("prepared transactions in the way"))?;
    let conflicts = |mode: &str| match (wanted, LockMode::try_from(mode)) {
        (Some(wanted), Ok(mode)) => wanted.conflicts(mode),
        _ => true,
    };
    let held = held.into_iter().filter(|(_, mode)| conflicts(mode));
    Ok(held.map(|(gid, _)| gid).collect())
}
