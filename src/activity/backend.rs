//! A backend, and what it holds and waits for.

use std::fmt;
use std::time::Duration;

use crate::event::Blocker;
use crate::script::LockMode;

use super::relation::{Oid, Relation};
use super::rule::Spared;
use super::state::SessionState;

/// A backend's process id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub i32);

impl fmt::Display for Pid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A moment of the server's clock to the microsecond, as ISO 8601 in UTC: what tells two sessions with one process id apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerTime(pub String);

impl fmt::Display for ServerTime {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

/// What a backend is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It serves a client.
    Client,
    /// It vacuums or analyzes a table by itself.
    Autovacuum {
        /// It must not be interrupted: the table's transaction ids are running out.
        wraparound: bool,
    },
    /// It sends changes to a replica.
    Walsender,
    /// A transaction that was prepared for two-phase commit: nobody serves it, and it holds its locks until it is ended by its name.
    Prepared {
        /// Its name.
        gid: String,
    },
    /// Another process of the server, by its name there.
    Other(String),
    /// We may not see what it is.
    Hidden,
}

/// Whether we may end a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// We may.
    Allowed,
    /// It is a superuser's, and we are none.
    Superuser,
    /// It is another role's, and we are not a member of `pg_signal_backend`.
    NotGranted,
}

/// A lock on a relation that a backend holds or waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// On what.
    pub relation: Relation,
    /// How strong.
    pub mode: LockMode,
    /// Whether it has it; else it waits for it.
    pub granted: bool,
}

/// A backend at one moment, as far as we may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Its process id; a prepared transaction has none.
    pub pid: Option<Pid>,
    /// What it is.
    pub kind: Kind,
    /// The role it is logged in as.
    pub role: Option<String>,
    /// Its `application_name`, if it has one.
    pub application: Option<String>,
    /// Its client's address, if it came over TCP.
    pub client: Option<String>,
    /// The database it is connected to.
    pub database: Option<String>,
    /// When it started.
    pub backend_start: Option<ServerTime>,
    /// When its transaction began.
    pub xact_start: Option<ServerTime>,
    /// What it is doing; `None` if we may not see that.
    pub state: Option<SessionState>,
    /// For how long it has been doing that.
    pub in_state: Option<Duration>,
    /// How long its transaction has been open.
    pub in_transaction: Option<Duration>,
    /// Its last statement, as long as the server keeps it.
    pub query: Option<String>,
    /// Whether its transaction keeps an old picture of the database.
    pub has_snapshot: bool,
    /// Whether we may end it.
    pub signal: Signal,
    /// What it holds and waits for, of what was looked at.
    pub locks: Vec<Held>,
}

impl Backend {
    /// Returns the locks that it holds and that conflict with `mode` on a relation.
    pub fn holds_against(&self, relation: Oid, mode: LockMode) -> impl Iterator<Item = &Held> {
        let held = self.locks.iter().filter(|held| held.granted);
        held.filter(move |held| held.relation.oid == relation && held.mode.conflicts(mode))
    }

    /// Returns it as reports tell of it.
    pub fn as_blocker(&self, wants: Option<String>, spared: Option<&Spared>) -> Blocker {
        let gid = match &self.kind {
            Kind::Prepared { gid } => Some(gid.clone()),
            _ => None,
        };
        Blocker {
            pid: self.pid.map(|pid| pid.0),
            role: self.role.clone(),
            application: self.application.clone(),
            client: self.client.clone(),
            state: self.state.map(|state| state.to_string()),
            since: self.in_state.or(self.in_transaction),
            wants,
            gid,
            spared: spared.map(ToString::to_string),
            missing: spared.and_then(Spared::missing_role),
        }
    }

    /// Whether it holds, or waits in front of us for, what conflicts with `mode` on a relation.
    pub fn is_before(&self, relation: Oid, mode: LockMode) -> bool {
        let mut locks = self.locks.iter();
        locks.any(|held| held.relation.oid == relation && held.mode.conflicts(mode))
    }
}
