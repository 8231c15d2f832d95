//! Reads the catalog: a picture of every object as text, which is the same wherever the same files were applied.

mod assemble;
mod grants;
mod last_written;
mod queries;
mod shared;

pub use last_written::{LastWritten, last_written};
pub(super) use queries::reading;

use assemble::Assembly;

use crate::catalog::Snapshot;

use super::connect::Session;
use super::message::{MessageError, Row};

/// How often the catalog is read again when an object goes away under the reader's sessions.
const ATTEMPTS: usize = 3;

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A relation that has to be read is locked in ACCESS EXCLUSIVE mode, for longer than five seconds.
    #[error(
        "the catalog cannot be read: {message}; another session holds a lock on what a view or an index is made of"
    )]
    Blocked {
        /// The server's words.
        message: String,
    },
    /// The server refused, or the connection is gone.
    #[error("the catalog cannot be read: {0}")]
    Message(#[from] MessageError),
    /// A row that this version cannot read.
    #[error("the catalog holds what this version of rlsctl cannot read: {what}")]
    Unreadable {
        /// What is wrong with it.
        what: String,
    },
}

/// How many sessions read the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// The one that asks, with one message: best where there is little.
    One,
    /// A second one helps where it can, for as long as it takes. Best where the server's own functions, which write the definitions, are
    /// at work for longer than it takes to connect.
    Two,
}

/// Returns every object of the database that migrations can make, each with its definition. One message, one transaction, which
/// reads only; with [`Sessions::Two`] seven at most, and a second session with the same settings, which sees the same.
///
/// `server_version` is `server_version_num`, as in 150018. Not told are what belongs to an extension, to schema `rlsctl` or to the
/// system, what is data (a sequence's value, gathered statistics), what belongs to the cluster (roles, the database's own settings
/// and grants), and each single partition. Values that may be secret are left out or hashed.
///
/// # Locks
/// ACCESS SHARE on relations while the server writes the definition of a view, an index or a rule on them; waits five seconds for it.
///
/// # Privileges
/// CONNECT. What a role cannot see is not asked for.
///
/// # Errors
/// [`CatalogError`].
pub async fn snapshot(session: &Session, server_version: u32, sessions: Sessions) -> Result<Snapshot, CatalogError> {
    let (_, snapshot) = read(session, server_version / 10000, sessions, &[], usize::MAX).await?;
    Ok(snapshot)
}

/// Returns a snapshot, and the rows of a statement that is sent in the same message; they have `width` columns, which is not
/// what the snapshot's own rows have.
pub(super) async fn snapshot_and(
    session: &Session,
    server_version: u32,
    sessions: Sessions,
    also: &str,
    width: usize,
) -> Result<(Vec<Row>, Snapshot), CatalogError> {
    read(session, server_version / 10000, sessions, &[also], width).await
}

async fn read(
    session: &Session,
    major: u32,
    sessions: Sessions,
    also: &[&str],
    width: usize,
) -> Result<(Vec<Row>, Snapshot), CatalogError> {
    let mut attempt = 1;
    loop {
        let another = session.another().filter(|_| sessions == Sessions::Two);
        let read = match another {
            Some(another) => shared::read(session, another, major, also).await,
            None => alone(session, major, also, width).await,
        };
        let error = match read {
            Ok((found, assembly)) => return Ok((found, assembly.finish()?)),
            Err(error) => error,
        };
        let Some(sqlstate) = error.sqlstate().map(str::to_owned) else {
            return Err(error.into());
        };
        session.message("rollback").await.result?;
        match sqlstate.as_str() {
            "55P03" => {
                return Err(CatalogError::Blocked {
                    message: error.to_string(),
                });
            }
            // The server's own functions look at the catalog as it is now, not as our snapshot has it: what was dropped meanwhile is
            // an object that does not exist, or a lookup that failed.
            "XX000" | "42P01" | "42704" | "42883" | "3F000" if attempt < ATTEMPTS => attempt += 1,
            _ => return Err(error.into()),
        }
    }
}

async fn alone(
    session: &Session,
    major: u32,
    also: &[&str],
    width: usize,
) -> Result<(Vec<Row>, Assembly), MessageError> {
    let (mut found, mut assembly) = (Vec::new(), Assembly::new(major));
    let on_row = |row: Row| {
        if row.len() == width {
            found.push(row);
        } else {
            assembly.take(row);
        }
    };
    let answer = session.message_with(&queries::message(major, also), on_row).await;
    answer.result.map(|()| (found, assembly))
}
