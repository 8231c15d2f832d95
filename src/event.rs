//! What happens during a run, as it happens: the words in which executors speak.
//!
//! An executor prints nothing. It hands events to a [`Listener`]; `report` turns them into a progress bar, plain lines or nothing.

use std::path::PathBuf;
use std::time::Duration;

/// A session that stands between us and a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// Its backend's process id; `None` for a prepared transaction.
    pub pid: Option<i32>,
    /// The role it is logged in as, if we may see it.
    pub role: Option<String>,
    /// Its `application_name`, if any.
    pub application: Option<String>,
    /// Its client's address, if it came over TCP.
    pub client: Option<String>,
    /// `active`, `idle in transaction`, ...; if we may see it.
    pub state: Option<String>,
    /// How long it has been in that state.
    pub since: Option<Duration>,
    /// What we wait for: a relation and a lock mode, as far as known.
    pub wants: Option<String>,
    /// The name of a prepared transaction.
    pub gid: Option<String>,
    /// Why it was left alone, if that was decided.
    pub spared: Option<String>,
    /// The role of which we would have to be a member to judge or to end it.
    pub missing: Option<&'static str>,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Connected; printed before anything is written.
    Target {
        /// `host/db as role`.
        description: String,
    },
    /// The run begins.
    Started {
        /// How many migrations are pending.
        pending: usize,
    },
    /// A migration begins.
    Applying {
        /// Its version.
        version: String,
        /// Its name.
        name: String,
    },
    /// A step of a migration that runs outside a transaction begins.
    Step {
        /// The migration's version.
        version: String,
        /// The step, from 1.
        number: usize,
        /// How many steps the migration has.
        of: usize,
        /// What it is: the statement's tag and object.
        what: String,
    },
    /// Sections of a migration are committed, in one transaction.
    Sections {
        /// The migration's version.
        version: String,
        /// How many of its sections are done by now.
        done: usize,
        /// How many it has.
        of: usize,
        /// Which these are.
        what: Vec<String>,
    },
    /// A round of a repeated migration is committed, or its last one.
    Rounds {
        /// The migration's version.
        version: String,
        /// How many rounds have changed rows by now.
        rounds: u64,
        /// How many rows they have changed.
        rows: u64,
        /// About how many rows may be left at most, where that is known.
        left: Option<u64>,
        /// For how long it has been at it.
        since: Duration,
        /// Whether none is left.
        finished: bool,
    },
    /// Somebody waits for a round of a repeated migration, which will rest for a while after it.
    WaitedFor {
        /// The migration's version.
        version: String,
    },
    /// A replica is too far behind, and a repeated migration waits for it between two rounds.
    Lagging {
        /// The migration's version.
        version: String,
        /// The replica's `application_name`.
        replica: String,
        /// How far it is behind.
        lag: Duration,
        /// How far it may be.
        limit: Duration,
    },
    /// A migration is committed.
    Applied {
        /// Its version.
        version: String,
        /// Its name.
        name: String,
        /// From the first byte sent to the server's answer.
        duration: Duration,
    },
    /// Somebody else applied the migration while we were about to.
    AppliedElsewhere {
        /// Its version.
        version: String,
    },
    /// Still waiting for a lock.
    Waiting {
        /// The migration's version.
        version: String,
        /// For how long so far.
        waited: Duration,
        /// Who is in the way, as far as we may see.
        blockers: Vec<Blocker>,
    },
    /// A session that stood in the way and was dead is ended; its locks are gone.
    Ended {
        /// The migration's version.
        version: String,
        /// Who.
        blocker: Blocker,
    },
    /// Another runner is at a step that cannot run twice.
    WaitingForRunner {
        /// The migration's version.
        version: String,
        /// The backend that works, if known.
        pid: Option<i32>,
    },
    /// An attempt failed for a reason that passes; it will be made again.
    Retrying {
        /// The migration's version.
        version: String,
        /// SQLSTATE of the failed attempt.
        sqlstate: String,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// How long we pause.
        pause: Duration,
        /// Who was in the way at the last look.
        blockers: Vec<Blocker>,
    },
    /// The server said something.
    Notice {
        /// NOTICE, WARNING, ...
        severity: String,
        /// Its text.
        message: String,
    },
    /// Something a person should know; not an error.
    Note(String),
    /// Something a person should look at.
    Warning(String),
    /// An INVALID index that an earlier failure left was dropped.
    DroppedInvalidIndex {
        /// The index.
        index: String,
        /// The migration whose statement made it.
        version: String,
    },
    /// A file was written.
    Wrote {
        /// The file.
        path: PathBuf,
    },
    /// The run is over; a progress bar goes away.
    Finished,
}

/// Receives events as they happen.
pub trait Listener {
    /// Called once for each event, in order.
    fn on(&self, event: Event);
}
