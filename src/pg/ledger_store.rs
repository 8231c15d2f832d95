//! The ledger on the server: looked at, created, upgraded, written.

use std::time::Duration;

use crate::activity::Pid;
use crate::ledger::{Entry, PeerTable};
use crate::migration::{Checksum, Head, Version};

use super::bind::{NulByte, Value, bind, statement};
use super::catalog::Sessions;
use super::connect::Session;
use super::message::{MessageError, Row};
use super::peers;

/// The format this binary writes: the number of upgrade files.
pub const FORMAT: usize = UPGRADES.len();

/// The numbered files that create and upgrade schema `rlsctl`, the first for an empty database.
const UPGRADES: [&str; 2] = [
    include_str!("../../sql/ledger/0001_ledger.sql"),
    include_str!("../../sql/ledger/0002_schema_mark.sql"),
];

/// The advisory lock under which the ledger is made, while there is no table yet: the first eight bytes of sha256("rlsctl").
const CREATION_KEY: i64 = i64::from_be_bytes([0xc7, 0x27, 0xc5, 0xb2, 0xbd, 0x60, 0x9a, 0x64]);

const LOOK_SERVER: &str = include_str!("../../sql/ledger/look_server.sql");
const NO_OTHER: &str = include_str!("../../sql/ledger/no_other.sql");
const LOOK: &str = include_str!("../../sql/ledger/look.sql");
const ENTRIES: &str = include_str!("../../sql/ledger/entries.sql");
const STEPS: &str = include_str!("../../sql/ledger/steps.sql");
const INSERT: &str = include_str!("../../sql/ledger/insert.sql");
const EVENT: &str = include_str!("../../sql/ledger/event.sql");
const DURATIONS: &str = include_str!("../../sql/ledger/durations.sql");
const APPLIED_CHECKSUM: &str = include_str!("../../sql/ledger/applied_checksum.sql");

/// What is known about the server, the role and the ledger before anything runs.
#[derive(Clone, Debug)]
pub struct Look {
    /// `server_version_num`, as in 150018.
    pub server_version: u32,
    /// The database's name.
    pub database: String,
    /// The role that is logged in.
    pub session_role: String,
    /// The role that acts.
    pub acting_role: String,
    /// Whether the server is a standby.
    pub in_recovery: bool,
    /// Whether transactions are read-only by default.
    pub read_only: bool,
    /// Whether role or database give this session a `lock_timeout` or a `statement_timeout` of their own.
    pub has_timeouts: bool,
    /// The backend that answered.
    pub backend: Pid,
    /// How long a session waits for a lock before the server looks for a deadlock.
    pub deadlock_timeout: Duration,
    /// How many bytes the list of all relations takes.
    pub pg_class_bytes: u64,
    /// Where ours is not there, and that was asked: tables that are another tool's ledger.
    pub other_ledgers: Vec<PeerTable>,
    /// Our ledger, if it is there.
    pub ledger: Option<LedgerLook>,
}

/// The list of about a thousand relations with their indexes; an empty database has 14 pages.
const MANY_RELATIONS: u64 = 32 * 8192;

impl Look {
    /// Returns how many sessions read the catalog in the least time.
    pub fn sessions(&self) -> Sessions {
        if self.pg_class_bytes < MANY_RELATIONS {
            Sessions::One
        } else {
            Sessions::Two
        }
    }
}

/// What is known about the ledger.
#[derive(Clone, Debug)]
pub struct LedgerLook {
    /// Its format.
    pub format: usize,
    /// How many migrations are applied.
    pub applied: usize,
    /// The head over them.
    pub head: Head,
    /// Whether a migration outside a transaction is half applied.
    pub unfinished: bool,
    /// Whether another tool's ledger may be there too: one was adopted, or a table has the name of one.
    pub beside: bool,
}

/// A step of a migration that is not yet in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRow {
    /// The migration.
    pub version: Version,
    /// The step, from 1.
    pub number: usize,
    /// Its tag and object.
    pub object: String,
    /// sha256 of its text.
    pub checksum: String,
    /// Whether it is done.
    pub finished: bool,
}

/// Why the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another tool's ledger is there, and none of ours.
    #[error("the database has another tool's ledger and none of rlsctl")]
    Others,
    /// The server refused, or the connection is gone.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The role lacks a privilege.
    #[error("role {role} may not {action}")]
    Privilege {
        /// The role.
        role: String,
        /// What it tried.
        action: String,
        /// The statement that mends it.
        grant: String,
    },
    /// A newer rlsctl has been here.
    #[error("the ledger has format {found}, and this rlsctl knows formats up to {FORMAT}")]
    Newer {
        /// The format on the server.
        found: usize,
    },
    /// A row that this version cannot read.
    #[error("the ledger holds a row that cannot be read: {what}")]
    Unreadable {
        /// What is wrong with it.
        what: String,
    },
}

fn unreadable(what: impl Into<String>) -> LedgerError {
    LedgerError::Unreadable { what: what.into() }
}

fn text(row: &Row, column: usize) -> Result<&str, LedgerError> {
    row.get(column)
        .and_then(Option::as_deref)
        .ok_or_else(|| unreadable(format!("column {} is null", column + 1)))
}

/// Looks at the server, the role and the ledger in one round trip; changes nothing.
///
/// # Errors
/// [`LedgerError`]; a ledger that is not there is not an error.
pub async fn look(session: &Session) -> Result<Look, LedgerError> {
    let answer = session.message(&format!("{};\n{LOOK}", statement(LOOK_SERVER))).await;
    let Some((server, ours)) = answer.rows.split_first() else {
        answer.result?;
        return Err(unreadable("the server sent no row"));
    };
    let mut look = read_server(server)?;
    if let Err(error) = answer.result {
        return match error.sqlstate() {
            // No schema, or no table: no ledger yet.
            Some("3F000" | "42P01") if ours.is_empty() => Ok(look),
            Some("42501") => Err(LedgerError::Privilege {
                action: "read the ledger in schema rlsctl".to_owned(),
                grant: read_grant(&look.acting_role),
                role: look.acting_role,
            }),
            _ => match ours.first().map(format) {
                // A newer format may have other columns; its number says so more clearly than the missing column.
                Some(Ok(found)) if found > FORMAT => Err(LedgerError::Newer { found }),
                _ => Err(error.into()),
            },
        };
    }
    let (Some(meta), Some(ledger), Some(beside)) = (ours.first(), ours.get(1), ours.get(2)) else {
        return Err(unreadable("rlsctl.meta has no row"));
    };
    let format = format(meta)?;
    if format > FORMAT {
        return Err(LedgerError::Newer { found: format });
    }
    look.ledger = Some(LedgerLook {
        format,
        applied: text(ledger, 0)?.parse().map_err(|_| unreadable("the count"))?,
        head: text(ledger, 1)?.parse().map_err(|_| unreadable("the head"))?,
        unfinished: text(ledger, 2)? == "t",
        beside: text(beside, 0)? == "t",
    });
    Ok(look)
}

fn format(row: &Row) -> Result<usize, LedgerError> {
    text(row, 0)?.parse().map_err(|_| unreadable("rlsctl.meta.format"))
}

fn read_grant(role: &str) -> String {
    let role = super::ident::Ident::new(role).map_or_else(|_| role.to_owned(), |role| role.to_string());
    format!(
        "GRANT USAGE ON SCHEMA rlsctl TO {role}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rlsctl TO {role};"
    )
}

fn read_server(row: &Row) -> Result<Look, LedgerError> {
    Ok(Look {
        server_version: text(row, 0)?.parse().map_err(|_| unreadable("server_version_num"))?,
        database: text(row, 1)?.to_owned(),
        session_role: text(row, 2)?.to_owned(),
        acting_role: text(row, 3)?.to_owned(),
        in_recovery: text(row, 4)? == "t",
        read_only: text(row, 5)? == "on",
        has_timeouts: text(row, 6)? != "0" || text(row, 7)? != "0",
        backend: Pid(text(row, 9)?.parse().map_err(|_| unreadable("the process id"))?),
        deadlock_timeout: Duration::from_millis(text(row, 8)?.parse().map_err(|_| unreadable("deadlock_timeout"))?),
        pg_class_bytes: text(row, 10)?.parse().map_err(|_| unreadable("the size of pg_class"))?,
        other_ledgers: Vec::new(),
        ledger: None,
    })
}

/// Looks for other tools' ledgers, where ours is not there. One message there, none elsewhere: to look for them by their columns takes the
/// server longer than all else that a run without work asks of it.
///
/// # Errors
/// [`LedgerError`].
pub async fn look_for_others(session: &Session, look: &mut Look) -> Result<(), LedgerError> {
    if look.ledger.is_none() {
        let found = peers::find(session).await?;
        look.other_ledgers = found.into_iter().filter(|table| table.certain).collect();
    }
    Ok(())
}

/// Creates schema `rlsctl`, or brings it to the format this binary writes. Safe with a second runner at the same moment.
///
/// # Errors
/// [`LedgerError::Privilege`] names the GRANT; [`LedgerError::Others`] where `beside_others` is not wanted and another tool's ledger is there,
/// in which case nothing is made; [`LedgerError::Message`].
///
/// # Privileges
/// CREATE on the database for a new ledger; owner of schema `rlsctl` for an upgrade.
pub async fn bring_up_to_date(session: &Session, look: &Look, beside_others: bool) -> Result<(), LedgerError> {
    let found = look.ledger.as_ref().map_or(0, |ledger| ledger.format);
    if found == FORMAT {
        return Ok(());
    }
    let guard = if found == 0 && !beside_others {
        no_other()
    } else {
        String::new()
    };
    let message = format!("begin; {guard}{}commit", upgrade_statements(found));
    let answer = session.message(&message).await;
    let Err(error) = answer.result else {
        return Ok(());
    };
    session.message("rollback").await.result?;
    match error.sqlstate() {
        // Schema or relation exists already: another runner was faster. It held the lock until it had committed.
        Some("42P06" | "42P07" | "23505") => Ok(()),
        Some("42501") => Err(privilege(look)),
        Some("22012") if found == 0 => Err(LedgerError::Others),
        _ => Err(error.into()),
    }
}

/// Returns what fails where another tool's ledger is there.
fn no_other() -> String {
    let guard = bind(NO_OTHER, &[Value::Query(peers::find_statement())]).expect("our own query holds no NUL byte");
    format!("{guard};\n")
}

/// Returns why the ledger could be neither made nor upgraded nor written, and the statement that mends it.
pub(super) fn privilege(look: &Look) -> LedgerError {
    let found = look.ledger.as_ref().map_or(0, |ledger| ledger.format);
    let quoted = |name: &str| super::ident::Ident::new(name).map_or_else(|_| name.to_owned(), |name| name.to_string());
    let (role, database) = (quoted(&look.acting_role), quoted(&look.database));
    let (action, grant) = if found == 0 {
        (
            "create the ledger (schema rlsctl)",
            format!("GRANT CREATE ON DATABASE {database} TO {role};"),
        )
    } else if found < FORMAT {
        ("upgrade the ledger", format!("ALTER SCHEMA rlsctl OWNER TO {role};"))
    } else {
        ("write to the ledger in schema rlsctl", read_grant(&look.acting_role))
    };
    LedgerError::Privilege {
        role: look.acting_role.clone(),
        action: action.to_owned(),
        grant,
    }
}

/// Returns the statements that bring a ledger of format `found` up to date, 0 being none, for a transaction that is open; nothing if it
/// is.
pub(super) fn upgrade_statements(found: usize) -> String {
    if found == FORMAT {
        return String::new();
    }
    let mut message = format!("select pg_catalog.pg_advisory_xact_lock({CREATION_KEY});\n");
    for upgrade in &UPGRADES[found..] {
        message.push_str(statement(upgrade));
        message.push_str(";\n");
    }
    let record = if found == 0 {
        bind(
            "insert into rlsctl.meta (format, upgraded_by) values ($1, $2)",
            &meta_values(),
        )
    } else {
        bind(
            "update rlsctl.meta set format = $1, upgraded_by = $2, upgraded_at = pg_catalog.clock_timestamp()",
            &meta_values(),
        )
    };
    message.push_str(&record.expect("a version number holds no NUL byte"));
    message.push_str(";\n");
    message
}

fn meta_values() -> [Value<'static>; 2] {
    let format = i64::try_from(FORMAT).expect("a handful of files");
    [Value::Integer(format), Value::Text(env!("CARGO_PKG_VERSION"))]
}

/// Returns the ledger's rows in version order, without their text.
///
/// # Errors
/// [`LedgerError`].
pub async fn entries(session: &Session) -> Result<Vec<Entry>, LedgerError> {
    let rows = session.rows(statement(ENTRIES)).await?;
    rows.iter().map(read_entry).collect()
}

fn read_entry(row: &Row) -> Result<Entry, LedgerError> {
    let version = text(row, 0)?;
    let wrong = |column: &str| unreadable(format!("{column} of version {version}"));
    Ok(Entry {
        version: Version::parse(version).map_err(|_| wrong("version"))?,
        name: text(row, 1)?.to_owned(),
        checksum: text(row, 2)?.parse().map_err(|_| wrong("checksum"))?,
        token_checksum: text(row, 3)?.parse().map_err(|_| wrong("token_checksum"))?,
        origin: text(row, 4)?.parse().map_err(|_| wrong("origin"))?,
        applied_at: text(row, 5)?.to_owned(),
        applied_by: text(row, 6)?.to_owned(),
        transactional: text(row, 7)? == "t",
        git_commit: row.get(8).and_then(Clone::clone),
    })
}

/// Returns the steps of migrations that are half applied.
///
/// # Errors
/// [`LedgerError`].
pub async fn steps(session: &Session) -> Result<Vec<StepRow>, LedgerError> {
    let rows = session.rows(statement(STEPS)).await?;
    let read = |row: &Row| {
        Ok(StepRow {
            version: Version::parse(text(row, 0)?).map_err(|_| unreadable("a step's version"))?,
            number: text(row, 1)?.parse().map_err(|_| unreadable("a step's number"))?,
            object: text(row, 2)?.to_owned(),
            checksum: text(row, 3)?.to_owned(),
            finished: text(row, 4)? == "t",
        })
    };
    rows.iter().map(read).collect()
}

/// Returns the checksum under which a version is applied, if it is.
///
/// # Errors
/// [`LedgerError`].
pub async fn applied_checksum(session: &Session, version: &Version) -> Result<Option<Checksum>, LedgerError> {
    let version = version.to_string();
    let query = bind(APPLIED_CHECKSUM, &[Value::Text(&version)]).map_err(|error| unreadable(error.to_string()))?;
    let rows = session.rows(&query).await?;
    rows.first()
        .map(|row| text(row, 0)?.parse().map_err(|_| unreadable("a checksum")))
        .transpose()
}

/// Returns the statement that writes a migration's row; `values` are those of `sql/ledger/insert.sql`, in its order.
///
/// # Locks
/// The row is also what keeps runners apart: a second one that writes the row of the same version waits in the primary key until the
/// first has committed, and then fails with 23505, or has rolled back. A lock of its own would cost a tenth of what the row costs again.
///
/// # Errors
/// [`NulByte`].
pub fn row_statement(values: &[Value<'_>; 10]) -> Result<String, NulByte> {
    bind(INSERT, values)
}

/// Returns the statement that writes how long each migration took; `None` for no migration.
pub fn durations_statement<'a>(durations: impl IntoIterator<Item = (&'a Version, Duration)>) -> Option<String> {
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
    let all: serde_json::Map<String, serde_json::Value> = durations
        .into_iter()
        .map(|(version, duration)| (version.to_string(), milliseconds(duration).into()))
        .collect();
    let all = (!all.is_empty()).then(|| serde_json::Value::Object(all).to_string())?;
    // Versions hold no NUL byte: they are in the ledger.
    bind(DURATIONS, &[Value::Text(&all)]).ok()
}

/// Appends to the event log.
///
/// # Errors
/// [`LedgerError`].
pub async fn write_event(
    session: &Session,
    kind: &str,
    version: Option<&Version>,
    detail: &serde_json::Value,
) -> Result<(), LedgerError> {
    let insert = event_statement(kind, version, detail).map_err(|error| unreadable(error.to_string()))?;
    session.rows(&insert).await?;
    Ok(())
}

/// Returns the statement that appends to the event log, for a transaction that writes more.
///
/// # Errors
/// [`NulByte`].
pub fn event_statement(kind: &str, version: Option<&Version>, detail: &serde_json::Value) -> Result<String, NulByte> {
    // jsonb has no NUL either; a server message cannot hold one, a file name cannot, and a statement was checked.
    let (version, detail) = (version.map(ToString::to_string), detail.to_string());
    let values = [
        Value::Text(kind),
        Value::Optional(version.as_deref()),
        Value::Text(env!("CARGO_PKG_VERSION")),
        Value::Text(&detail),
    ];
    bind(EVENT, &values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upgrade_runs_only_the_files_that_are_missing() {
        let fresh = upgrade_statements(0);
        assert!(fresh.contains("create schema rlsctl") && fresh.contains("rlsctl.schema_mark"));
        assert!(fresh.contains("insert into rlsctl.meta"));
        let second = upgrade_statements(1);
        assert!(!second.contains("create schema rlsctl") && second.contains("rlsctl.schema_mark"));
        assert!(second.contains("update rlsctl.meta"));
    }
}
