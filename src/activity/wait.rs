//! Who waits for whom.

use std::fmt;
use std::time::Duration;

use crate::script::LockMode;

use super::backend::{Backend, Kind, Pid};
use super::relation::Relation;

/// Somebody who can hold a lock.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// A backend.
    Backend(Pid),
    /// A prepared transaction, by its name.
    Prepared(String),
}

impl Party {
    /// Returns who a backend is to those that wait.
    pub fn of(backend: &Backend) -> Option<Self> {
        match (&backend.kind, backend.pid) {
            (Kind::Prepared { gid }, _) => Some(Self::Prepared(gid.clone())),
            (_, Some(pid)) => Some(Self::Backend(pid)),
            (_, None) => None,
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backend(pid) => write!(formatter, "{pid}"),
            Self::Prepared(gid) => write!(formatter, "`{gid}`"),
        }
    }
}

/// What is waited for (manual, `pg_locks.locktype`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// A relation.
    Relation,
    /// The end of a transaction that changed a row; the relation is known if the row was there before.
    Row,
    /// The end of whoever works in a transaction that began earlier, as CREATE INDEX CONCURRENTLY does.
    OlderTransaction,
    /// An advisory lock, by its key.
    Advisory(String),
    /// Another thing, by the server's word for it.
    Other(String),
}

/// A backend that waits for a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// Who waits.
    pub pid: Pid,
    /// The database it is connected to.
    pub database: Option<String>,
    /// For what.
    pub awaited: Awaited,
    /// The relation that it is about, if one is known.
    pub relation: Option<Relation>,
    /// How strong a lock it wants.
    pub mode: Option<LockMode>,
    /// For how long already.
    pub since: Option<Duration>,
    /// Who is in the way: holders, and those who wait in front of it for a lock that conflicts.
    pub blocking: Vec<Party>,
    /// The transaction that it waits for, if it is one.
    pub transaction: Option<String>,
    /// How far a CREATE INDEX has come, in the server's words.
    pub phase: Option<String>,
}
