//! Looks at who holds what and who waits for whom.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::activity::{Backend, Held, Kind, Oid, Pid, Relation, ServerTime, SessionState, Signal};
use crate::script::{LockMode, RelationName};

use super::bind::{NulByte, Value, bind};
use super::connect::Session;
use super::ident::IdentError;
use super::message::{MessageError, Row};

const AROUND: &str = include_str!("../../sql/locks/around.sql");
const WAITING: &str = include_str!("../../sql/locks/waiting.sql");
const RELATIONS: &str = include_str!("../../sql/locks/relations.sql");

/// Why nothing could be seen.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The server refused, or the connection is gone.
    #[error("who holds which lock cannot be seen: {0}")]
    Message(#[from] MessageError),
    /// The server told what this version cannot read.
    #[error("who holds which lock cannot be read: {0}")]
    Unreadable(String),
}

impl From<NulByte> for LookError {
    fn from(error: NulByte) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl From<IdentError> for LookError {
    fn from(error: IdentError) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// Whom to look for.
#[derive(Clone, Debug, Default)]
pub struct Around<'a> {
    /// Everybody with a lock on one of these.
    pub relations: &'a [Oid],
    /// These, whatever they hold.
    pub pids: &'a [Pid],
    /// The prepared transactions that these transaction ids are.
    pub transactions: &'a [String],
    /// Of these relations only the locks of `pids` are told.
    pub held_by_pids: &'a [Oid],
}

/// What a backend waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The kind of lock, as `pg_locks.locktype` has it: `relation`, `virtualxid`, `transactionid`, `tuple`.
    pub locktype: String,
    /// The relation, if it is one of a relation.
    pub relation: Option<Oid>,
    /// The mode, if it is one of a relation.
    pub mode: Option<LockMode>,
    /// The transactions that are waited for.
    pub transactions: Vec<String>,
    /// The processes in the way; a prepared transaction is none.
    pub blocking: Vec<Pid>,
    /// How far a CREATE INDEX has come, in the server's words.
    pub phase: Option<String>,
    /// If it waits for a transaction: the tables that it has locked itself, one of which is why.
    pub tables: Vec<Oid>,
}

impl Waiting {
    /// Whether it waits for a row, which is kept by a transaction and by no lock that `pg_locks` shows.
    pub fn is_for_a_row(&self) -> bool {
        matches!(self.locktype.as_str(), "transactionid" | "tuple")
    }

    /// Whether those who come to the table now wait behind it, be it only to write.
    pub fn keeps_others_waiting(&self) -> bool {
        self.locktype == "relation" && self.mode.is_some_and(|mode| mode >= LockMode::Share)
    }
}

/// Returns everybody asked for, except this session itself. One message outside a transaction: inside one, `pg_stat_activity` stands still.
///
/// # Locks
/// None that anybody could wait for.
///
/// # Privileges
/// None; what sessions of other roles do is hidden without `pg_read_all_stats`, and then told as such.
///
/// # Errors
/// [`LookError`].
pub async fn around(session: &Session, around: &Around<'_>) -> Result<Vec<Backend>, LookError> {
    let relations = array(around.relations);
    let pids = array(around.pids);
    let transactions = array(around.transactions);
    let held_by_pids = array(around.held_by_pids);
    let values = [
        Value::Text(&relations),
        Value::Text(&pids),
        Value::Text(&transactions),
        Value::Text(&held_by_pids),
    ];
    let rows = session.rows(&bind(AROUND, &values)?).await?;
    backends(rows)
}

/// Returns what the backend that runs the statement with `mark` waits for; nothing if it does not wait.
///
/// # Errors
/// [`LookError`].
pub async fn waiting(session: &Session, mark: &str) -> Result<Option<Waiting>, LookError> {
    let rows = session
        .rows(&bind(WAITING, &[Value::Text(&format!("/* {mark} %"))])?)
        .await?;
    let Some(row) = rows.into_iter().next() else {
        return Ok(None);
    };
    let Ok([locktype, relation, mode, transactions, blocking, phase, tables]) = <[Option<String>; 7]>::try_from(row)
    else {
        return Err(unreadable("a wait of another width"));
    };
    // pg_blocking_pids tells a prepared transaction as process 0.
    let blocking = numbers(blocking.as_deref()).filter(|pid| *pid != 0);
    let transactions = transactions.unwrap_or_default();
    Ok(Some(Waiting {
        locktype: locktype.unwrap_or_default(),
        relation: relation.and_then(|oid| oid.parse().ok()).map(Oid),
        mode: mode.and_then(|mode| LockMode::try_from(mode.as_str()).ok()),
        transactions: transactions.split_whitespace().map(str::to_owned).collect(),
        blocking: blocking.map(Pid).collect(),
        phase,
        tables: numbers(tables.as_deref()).map(Oid).collect(),
    }))
}

/// Reads numbers with blanks between them.
fn numbers<T: std::str::FromStr>(text: Option<&str>) -> impl Iterator<Item = T> {
    let words = text.unwrap_or_default().split_whitespace();
    words.filter_map(|word| word.parse().ok())
}

/// Returns the relations that these names mean to the session, in their places; an index stands for its table. `None` where a name means
/// nothing, and for what `LOCK TABLE` does not take.
///
/// # Privileges
/// USAGE on their schemas; a name that may not be looked up means nothing.
///
/// # Errors
/// [`LookError`].
pub async fn relations(session: &Session, names: &[RelationName]) -> Result<Vec<Option<Relation>>, LookError> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    relations_as_written(session, &names).await
}

/// Does the same for names as a person writes them: folded to lower case unless they are quoted, with or without a schema.
///
/// # Privileges
/// USAGE on their schemas.
///
/// # Errors
/// [`LookError`]; also for what is written so that it can be no name.
pub async fn relations_as_written(session: &Session, names: &[String]) -> Result<Vec<Option<Relation>>, LookError> {
    let names_array = text_array(names.iter().cloned());
    let rows = session.rows(&bind(RELATIONS, &[Value::Text(&names_array)])?).await?;
    let mut found = vec![None; names.len()];
    for row in rows {
        let Ok([Some(place), Some(oid), Some(schema), Some(name), Some(kind)]) = <[Option<String>; 5]>::try_from(row)
        else {
            return Err(unreadable("a relation without a name"));
        };
        let place: usize = place.parse().map_err(|_| unreadable("a place"))?;
        let oid = Oid(oid.parse().map_err(|_| unreadable("an oid"))?);
        if matches!(kind.as_str(), "r" | "p" | "f")
            && let Some(slot) = found.get_mut(place - 1)
        {
            let name = RelationName::qualified(schema, name);
            *slot = Some(Relation { oid, name });
        }
    }
    Ok(found)
}

/// Returns an array as the server reads it.
pub(super) fn array<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    format!("{{{}}}", items.join(","))
}

/// Returns an array of texts as the server reads it.
pub(super) fn text_array(items: impl Iterator<Item = String>) -> String {
    let quoted = items.map(|item| format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\"")));
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

/// Reads the rows of `around.sql`, and of any other file with its columns.
pub(super) fn backends(rows: Vec<Row>) -> Result<Vec<Backend>, LookError> {
    let mut order: Vec<String> = Vec::new();
    let mut found: BTreeMap<String, Backend> = BTreeMap::new();
    for row in rows {
        let (key, backend, held) = backend(row)?;
        let known = found.entry(key.clone()).or_insert_with(|| {
            order.push(key);
            backend
        });
        known.locks.extend(held);
    }
    Ok(order.iter().filter_map(|key| found.remove(key)).collect())
}

fn backend(row: Row) -> Result<(String, Backend, Option<Held>), LookError> {
    let Ok(
        [
            pid,
            kind,
            gid,
            role,
            application,
            client,
            database,
            backend_start,
            xact_start,
            state,
            in_state,
            in_transaction,
            query,
            has_snapshot,
            signal,
            relation,
            schema,
            name,
            mode,
            granted,
        ],
    ) = <[Option<String>; 20]>::try_from(row)
    else {
        return Err(unreadable("a backend of another width"));
    };
    let pid: Option<i32> = number(pid.as_deref())?;
    let key = pid.map_or_else(|| gid.clone().unwrap_or_default(), |pid| pid.to_string());
    let kind = match (pid, gid) {
        (None, gid) => Kind::Prepared {
            gid: gid.unwrap_or_default(),
        },
        (Some(_), _) => backend_kind(kind.as_deref(), query.as_deref()),
    };
    let held = match (relation, schema, name, mode) {
        (Some(oid), Some(schema), Some(name), Some(mode)) => LockMode::try_from(mode.as_str()).ok().map(|mode| Held {
            relation: Relation {
                oid: Oid(oid.parse().unwrap_or_default()),
                name: RelationName::qualified(schema, name),
            },
            mode,
            granted: granted.as_deref() == Some("t"),
        }),
        _ => None,
    };
    let state = state.as_deref().and_then(|state| SessionState::try_from(state).ok());
    let backend = Backend {
        pid: pid.map(Pid),
        kind,
        role,
        application,
        client,
        database,
        backend_start: backend_start.map(ServerTime),
        xact_start: xact_start.map(ServerTime),
        state,
        in_state: milliseconds(in_state.as_deref())?,
        in_transaction: milliseconds(in_transaction.as_deref())?,
        query,
        has_snapshot: has_snapshot.as_deref() == Some("t"),
        signal: match signal.as_deref() {
            Some("superuser") => Signal::Superuser,
            Some("not granted") => Signal::NotGranted,
            _ => Signal::Allowed,
        },
        locks: Vec::new(),
    };
    Ok((key, backend, held))
}

fn backend_kind(kind: Option<&str>, query: Option<&str>) -> Kind {
    match kind {
        None => Kind::Hidden,
        Some("client backend") => Kind::Client,
        Some("walsender") => Kind::Walsender,
        Some("autovacuum worker") => Kind::Autovacuum {
            wraparound: query.is_some_and(|query| query.contains("(to prevent wraparound)")),
        },
        Some(other) => Kind::Other(other.to_owned()),
    }
}

pub(super) fn number<T: std::str::FromStr>(text: Option<&str>) -> Result<Option<T>, LookError> {
    text.map(|text| text.parse().map_err(|_| unreadable(format!("the number {text}"))))
        .transpose()
}

/// A clock that was set back makes an age negative: none at all then.
pub(super) fn milliseconds(text: Option<&str>) -> Result<Option<Duration>, LookError> {
    let number: Option<i64> = number(text)?;
    Ok(number.map(|number| Duration::from_millis(number.try_into().unwrap_or(0))))
}

pub(super) fn unreadable(what: impl Into<String>) -> LookError {
    LookError::Unreadable(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_quoted() {
        assert_eq!(array(&[Oid(1), Oid(2)]), "{1,2}");
        let names = [
            RelationName::new("A \"b\""),
            RelationName::qualified("s", "back\\slash"),
        ];
        let text = text_array(names.iter().map(ToString::to_string));
        assert_eq!(text, r#"{"\"A \"\"b\"\"\"","s.\"back\\slash\""}"#);
    }
}
