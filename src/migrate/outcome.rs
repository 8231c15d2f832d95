//! How a run ended, as values.

use std::path::PathBuf;
use std::time::Duration;

use crate::event::Blocker;
use crate::exit::{Excerpt, ServerError, Signal};
use crate::migration::{Head, Version};

/// A migration that this run applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Its version.
    pub version: Version,
    /// Its name.
    pub name: String,
    /// How long it took, as seen from here.
    pub duration: Duration,
    /// Whether it is a baseline that was only recorded.
    pub recorded: bool,
}

/// How far a repeated file has come in this run.
#[derive(Clone, Debug)]
pub struct Repeated {
    /// Its version.
    pub version: Version,
    /// How many rounds have changed rows, each committed.
    pub rounds: u64,
    /// How many rows they have changed.
    pub rows: u64,
}

/// What a run did.
#[derive(Debug)]
pub struct Outcome {
    /// What it applied, in order.
    pub applied: Vec<Applied>,
    /// What another runner applied meanwhile.
    pub elsewhere: Vec<Version>,
    /// The sessions that were ended because they stood in the way.
    pub ended: Vec<Blocker>,
    /// The repeated files that it was at, finished or not.
    pub repeated: Vec<Repeated>,
    /// What is still pending.
    pub pending: Vec<Version>,
    /// How many migrations the ledger has now.
    pub total: usize,
    /// The head now.
    pub head: Head,
    /// Why it stopped before its end, if it did.
    pub stopped: Option<RunError>,
}

/// Where in a migration an error is.
#[derive(Clone, Debug)]
pub struct Place {
    /// The migration's version.
    pub version: Version,
    /// Its file.
    pub path: PathBuf,
    /// The line, if it is known.
    pub excerpt: Option<Excerpt>,
    /// Said instead of a line: `at COMMIT`, for a deferred constraint.
    pub moment: Option<&'static str>,
}

/// What is left of the migration that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remains {
    /// How many of its steps are done and stay done.
    pub steps_done: usize,
    /// How many steps it has; 1 for one that runs whole, 0 for one that runs in rounds, whose number nobody knows.
    pub steps: usize,
    /// INVALID indexes that could not be dropped.
    pub invalid: Vec<String>,
    /// The statement that finishes a detach which is pending.
    pub pending: Option<String>,
}

impl Remains {
    /// Whether nothing of it is left.
    pub fn is_nothing(&self) -> bool {
        self.steps_done == 0 && self.invalid.is_empty() && self.pending.is_none()
    }
}

impl RunError {
    /// Returns the migration concerned, if one is.
    pub fn version(&self) -> Option<&Version> {
        match self {
            Self::Statement { place, .. } => Some(&place.version),
            Self::Interrupted { version, .. } => version.as_ref(),
            Self::Blocked { version, .. }
            | Self::Lost { version, .. }
            | Self::FileChanged { version, .. }
            | Self::OtherContent { version, .. }
            | Self::UnknownStep { version, .. }
            | Self::Endless { version, .. }
            | Self::Ledger { version, .. } => Some(version),
        }
    }

    /// Names the tables that were not to be had, if that is what it is about.
    #[must_use]
    pub(super) fn about(mut self, found: Vec<String>) -> Self {
        if let Self::Blocked { tables, .. } = &mut self {
            *tables = found;
        }
        self
    }

    /// Returns the word under which it is kept in `rlsctl.event`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Blocked { .. } => "blocked",
            Self::Lost { .. } => "connection lost",
            Self::Interrupted { .. } => "interrupted",
            _ => "failed",
        }
    }
}

/// Returns `in 2.0 s`.
fn within(waited: Duration) -> String {
    if waited < Duration::from_millis(50) {
        return "at once".to_owned();
    }
    format!("in {:.1} s", waited.as_secs_f64())
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The server refused a statement.
    #[error("migration {} failed: {}", place.version, server.message)]
    Statement {
        /// Where.
        place: Box<Place>,
        /// The server's words.
        server: Box<ServerError>,
        /// What is left of it.
        remains: Remains,
    },
    /// The locks were not to be had in time.
    #[error("migration {version} is blocked: its locks were not to be had {}", within(*waited))]
    Blocked {
        /// The migration.
        version: Version,
        /// Its file.
        path: PathBuf,
        /// For how long it was tried.
        waited: Duration,
        /// How often.
        attempts: u32,
        /// Who was in the way at the last look.
        blockers: Vec<Blocker>,
        /// The tables that were not to be had, as far as known.
        tables: Vec<String>,
        /// What is left of it.
        remains: Remains,
    },
    /// The connection was lost while a migration ran.
    #[error("the connection was lost while migration {version} ran")]
    Lost {
        /// The migration.
        version: Version,
        /// Its file.
        path: PathBuf,
        /// The driver's words.
        reason: String,
        /// `Some(false)`: looked afterwards, and it is not applied. `None`: the server did not come back.
        applied: Option<bool>,
        /// Whether it runs in steps, some of which may be done.
        stepwise: bool,
    },
    /// A person or the system asked us to stop.
    #[error("interrupted")]
    Interrupted {
        /// By which signal.
        signal: Signal,
        /// The migration that was running and is rolled back, if one was.
        version: Option<Version>,
        /// What is left of it.
        remains: Remains,
    },
    /// The file is not the one that was checked.
    #[error("migration {version} cannot be read again: {reason}")]
    FileChanged {
        /// The migration.
        version: Version,
        /// Its file.
        path: PathBuf,
        /// What is different.
        reason: String,
    },
    /// Another runner applied something else under the same version.
    #[error("another runner has just applied migration {version} with other content")]
    OtherContent {
        /// The migration.
        version: Version,
        /// Our file.
        path: PathBuf,
    },
    /// An earlier run was cut off in a statement whose effect cannot be seen in the catalog.
    #[error(
        "migration {version} was cut off in step {number} ({object}), and whether that took effect cannot be told from the catalog"
    )]
    UnknownStep {
        /// The migration.
        version: Version,
        /// Its file and the statement.
        place: Box<Place>,
        /// The step.
        number: usize,
        /// Its tag.
        object: String,
    },
    /// A repeated file has had as many rounds as it allows, and still changes rows.
    #[error("migration {version} still changes rows after {rounds} rounds, and says `at most {rounds} rounds`")]
    Endless {
        /// The migration.
        version: Version,
        /// Its file.
        path: PathBuf,
        /// How many.
        rounds: u64,
    },
    /// The role may not write the ledger.
    #[error("the ledger cannot be written: {}", server.message)]
    Ledger {
        /// The migration about to run.
        version: Version,
        /// The server's words.
        server: Box<ServerError>,
    },
}
