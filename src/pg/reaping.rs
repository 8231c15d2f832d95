//! What `reap-idle` needs of a server beyond looking and ending: everybody in a database, whether the ledger can be told, and the one
//! statement that does it all inside the server.

use std::time::Duration;

use crate::activity::{Backend, NamePattern, Rule};

use super::activity::{LookError, backends, text_array, unreadable};
use super::bind::{NulByte, Value, bind, statement};
use super::connect::Session;

const SESSIONS: &str = include_str!("../../sql/locks/sessions.sql");
const CAN_RECORD: &str = include_str!("../../sql/reap/can_record.sql");
const DATABASES: &str = include_str!("../../sql/reap/databases.sql");
const END_IDLE: &str = include_str!("../../sql/reap/end_idle.sql");

/// Whether an event can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// It can.
    Possible,
    /// There is no ledger.
    NoLedger,
    /// The server is a standby.
    Standby,
    /// Transactions are read-only.
    ReadOnly,
    /// The role may not.
    Privilege,
}

/// Whom the one statement ends.
#[derive(Clone, Copy, Debug)]
pub struct Meant<'a> {
    /// The age, and who is protected.
    pub rule: &'a Rule,
    /// These roles only, if there are some.
    pub roles: &'a [NamePattern],
    /// These applications only, if there are some.
    pub applications: &'a [NamePattern],
    /// Only whom somebody waits for.
    pub only_blocking: bool,
    /// So many at most.
    pub limit: Option<usize>,
}

/// Returns every session of this database but our own, the longest in its state first, and its prepared transactions. What a session holds
/// is told of those that are idle in a transaction.
///
/// # Locks
/// None that anybody could wait for. `session` must be outside a transaction, in which `pg_stat_activity` stands still.
///
/// # Privileges
/// None; what sessions of other roles do is hidden without `pg_read_all_stats`, and then told as such.
///
/// # Errors
/// [`LookError`].
pub async fn sessions(session: &Session) -> Result<Vec<Backend>, LookError> {
    backends(session.rows(statement(SESSIONS)).await?)
}

/// Returns whether an event can be written to the ledger of this database.
///
/// # Errors
/// [`LookError`].
pub async fn can_record(session: &Session) -> Result<Recording, LookError> {
    let rows = session.rows(statement(CAN_RECORD)).await?;
    match rows.first().and_then(|row| row.first()).and_then(Option::as_deref) {
        Some("ok") => Ok(Recording::Possible),
        Some("no ledger") => Ok(Recording::NoLedger),
        Some("standby") => Ok(Recording::Standby),
        Some("read-only") => Ok(Recording::ReadOnly),
        Some("privilege") => Ok(Recording::Privilege),
        other => Err(unreadable(format!("{other:?}"))),
    }
}

/// Returns the databases of the server that the role may connect to.
///
/// # Errors
/// [`LookError`].
pub async fn databases(session: &Session) -> Result<Vec<String>, LookError> {
    let rows = session.rows(statement(DATABASES)).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| row.into_iter().next().flatten())
        .collect())
}

/// Returns the statement that ends all of them by itself, for a scheduler inside the server.
///
/// # Privileges
/// For whoever runs it: `pg_read_all_stats` and `pg_signal_backend`.
///
/// # Errors
/// [`NulByte`].
pub fn end_idle_statement(meant: &Meant<'_>) -> Result<String, NulByte> {
    let array = |patterns: &[NamePattern]| text_array(patterns.iter().map(like));
    let only = |patterns: &[NamePattern]| (!patterns.is_empty()).then(|| array(patterns));
    let (protect_roles, protect_applications) = (
        array(&meant.rule.protect_roles),
        array(&meant.rule.protect_applications),
    );
    let (roles, applications) = (only(meant.roles), only(meant.applications));
    let limit = meant.limit.map(|limit| limit.to_string());
    bind(
        END_IDLE,
        &[
            Value::Integer(whole_seconds(meant.rule.older_than)),
            Value::Text(&protect_roles),
            Value::Text(&protect_applications),
            Value::Optional(roles.as_deref()),
            Value::Optional(applications.as_deref()),
            Value::Boolean(meant.only_blocking),
            // A limit of null is none.
            Value::Query(limit.as_deref().unwrap_or("null")),
        ],
    )
}

/// More than this is subtracted from no moment of the server's.
const LONGEST_SECONDS: u64 = 100 * 365 * 86_400;

/// Rounded up: an age is never made younger.
fn whole_seconds(age: Duration) -> i64 {
    let seconds = age.as_secs().min(LONGEST_SECONDS) + u64::from(age.subsec_nanos() > 0);
    seconds.cast_signed()
}

/// Returns a pattern as LIKE has it.
fn like(pattern: &NamePattern) -> String {
    let mut text = String::new();
    for c in pattern.to_string().chars() {
        match c {
            '*' => text.push('%'),
            '%' | '_' | '\\' => text.extend(['\\', c]),
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_the_same_to_the_server() {
        let cases = [
            ("app", "app"),
            ("admin_*", "admin\\_%"),
            ("100%\\", "100\\%\\\\"),
            ("*", "%"),
        ];
        for (pattern, expected) in cases {
            assert_eq!(like(&NamePattern::new(pattern)), expected);
        }
    }

    #[test]
    fn an_age_is_rounded_up() {
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
        assert_eq!(whole_seconds(Duration::from_secs(3)), 3);
        assert_eq!(whole_seconds(Duration::MAX), 3_153_600_001);
    }
}
