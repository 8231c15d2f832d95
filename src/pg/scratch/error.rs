//! What can go wrong around a throwaway server.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A folder that was looked at for the server's programs, and why it would not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where we looked, in words: a folder, or the setting that named it.
    pub tried: String,
    /// Why it was passed over.
    pub reason: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.tried, self.reason)
    }
}

/// Why a throwaway server could not be started or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScratchError {
    /// No folder with `initdb` and `postgres` was found, or the one that was asked for has none.
    #[error(
        "no PostgreSQL server programs (initdb and postgres, 13 or later) were found\n{}\n\
         install them (Debian, Ubuntu: apt-get install postgresql; Fedora, RHEL: dnf install postgresql-server; \
         Alpine: apk add postgresql; macOS: brew install postgresql), \
         or name their folder in RLSCTL_PG_BIN",
        listed(.looked_at)
    )]
    NoBinaries {
        /// Every place looked at, in order.
        looked_at: Vec<Place>,
    },
    /// We are root, which Postgres refuses to run as, and there is nobody to run it as instead.
    #[error("postgres refuses to run as root, and {passwd} names no other account to run it as")]
    NoAccount {
        /// The account file that was read.
        passwd: PathBuf,
    },
    /// No folder for temporary files is usable.
    #[error("no folder for a throwaway server{}\n{}", for_account(.account.as_deref()), listed(.looked_at))]
    NoBase {
        /// The account the server is to run as, when it is not our own.
        account: Option<String>,
        /// Every folder looked at.
        looked_at: Vec<Place>,
    },
    /// An option holds a character that can not be handed over.
    #[error("the {what} {value:?} may hold neither a line break nor a NUL byte")]
    Unprintable {
        /// Which option.
        what: &'static str,
        /// Its value.
        value: String,
    },
    /// A file that was to be placed into the data directory has a name that leads out of it.
    #[error("{name:?} is not the name of a file inside the data directory")]
    FileName {
        /// The name as given.
        name: String,
    },
    /// A program could not be started at all.
    #[error("cannot run {program}{}", for_account(.account.as_deref()))]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The account it was to run as, when it is not our own.
        account: Option<String>,
        /// What the system said.
        source: std::io::Error,
    },
    /// `initdb` or `pg_basebackup` failed.
    #[error("{program} failed ({status}){}\n{output}", for_account(.account.as_deref()))]
    Prepare {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The account it ran as, when it is not our own.
        account: Option<String>,
        /// All that it said.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("the throwaway server ended with status {status} before it was ready; the end of its log:\n{log}")]
    Exited {
        /// The exit status, as the shell counts it (128 + signal).
        status: String,
        /// The end of the server's log.
        log: String,
    },
    /// The server was not ready in time.
    #[error("the throwaway server was not ready after {waited:?} ({last}); the end of its log:\n{log}")]
    NotReady {
        /// How long was waited.
        waited: Duration,
        /// What the last attempt to connect met.
        last: String,
        /// The end of the server's log.
        log: String,
    },
    /// The guardian ended early or did not come up.
    #[error("the guardian of {directory} {what}")]
    Guardian {
        /// Its directory.
        directory: PathBuf,
        /// What happened.
        what: String,
    },
    /// Something of the server is left after all attempts to end it.
    #[error("the throwaway server in {directory} could not be removed: {what}")]
    Left {
        /// Its directory.
        directory: PathBuf,
        /// What is left.
        what: String,
    },
    /// A file operation failed; the message names the path.
    #[error(transparent)]
    File(#[from] std::io::Error),
}

fn listed(places: &[Place]) -> String {
    places
        .iter()
        .map(|place| format!("  {place}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn for_account(account: Option<&str>) -> String {
    account.map_or_else(String::new, |name| {
        format!(" as the account {name} (we are root, which postgres refuses to run as)")
    })
}
