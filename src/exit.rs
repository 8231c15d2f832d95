//! How a run ends: the exit codes, and the failure that explains one.

use std::path::PathBuf;

use serde::Serialize;

/// The exit codes of rlsctl. They are interface: documented in `docs/exit-codes.md`, never renumbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done, nothing found.
    Done = 0,
    /// Findings: drift, a failed audit, a leak.
    Findings = 1,
    /// The command line was not understood.
    Usage = 2,
    /// Configuration, connection or privilege.
    Environment = 3,
    /// A lock was not to be had before the deadline; safe to run again.
    Blocked = 4,
    /// A migration failed and was rolled back; nothing of it remains.
    Failed = 5,
    /// Refused before anything ran.
    Refused = 6,
    /// Partly applied, which only happens outside a transaction.
    Partial = 7,
    /// A bug in rlsctl.
    Bug = 70,
    /// Hung up by SIGHUP.
    HungUp = 129,
    /// Interrupted by SIGINT.
    Interrupted = 130,
    /// Ended by SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// Every exit code, in order.
    pub const ALL: [Self; 12] = [
        Self::Done,
        Self::Findings,
        Self::Usage,
        Self::Environment,
        Self::Blocked,
        Self::Failed,
        Self::Refused,
        Self::Partial,
        Self::Bug,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// Returns the number handed to the shell.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Returns what the code means, in one sentence without a final period.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done, nothing found",
            Self::Findings => "findings (drift, failed audit, leak)",
            Self::Usage => "usage: the command line was not understood",
            Self::Environment => "configuration, connection or privilege",
            Self::Blocked => "blocked: a lock was not to be had before the deadline; safe to run again",
            Self::Failed => "a migration failed and was rolled back; nothing of it remains",
            Self::Refused => {
                "refused before anything ran: ledger mismatch, duplicate or unreadable files, a file that may not run as it is"
            }
            Self::Partial => {
                "partly applied (only possible where a file takes several transactions): says what is done, and how to go on"
            }
            Self::Bug => "a bug in rlsctl",
            Self::HungUp => "hung up (SIGHUP): the terminal is gone; what was running is rolled back",
            Self::Interrupted => "interrupted (SIGINT); what was running is rolled back",
            Self::Terminated => "terminated (SIGTERM); what was running is rolled back",
        }
    }
}

/// A request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal is gone.
    HangUp,
}

impl Signal {
    /// Returns the exit code of a run that was ended by it.
    pub fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
            Self::HangUp => Exit::HungUp,
        }
    }
}

/// A place in a file, with the line itself so that it can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The line's text, without its line end.
    pub text: String,
    /// How many characters are marked, at least 1.
    pub width: usize,
}

/// What the server said when it refused a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ServerError {
    /// Five characters, as in the manual's appendix A.
    pub sqlstate: String,
    /// The primary message.
    pub message: String,
    /// DETAIL, if any.
    pub detail: Option<String>,
    /// HINT, if any.
    pub hint: Option<String>,
    /// CONTEXT, if any.
    pub context: Option<String>,
}

/// Why a command did not reach its end, and what to do about it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What happened: a fragment that reads after `error: `.
    pub what: String,
    /// Why, from the outermost cause to the innermost.
    pub causes: Vec<String>,
    /// The server's own words.
    pub server: Option<ServerError>,
    /// Where in which file.
    pub excerpt: Option<Excerpt>,
    /// What is applied, what is not, whether the ledger is consistent.
    pub state: Vec<String>,
    /// What to do, each line an instruction.
    pub hints: Vec<String>,
}

impl Failure {
    /// Returns a failure without causes or hints.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self {
            exit,
            what: what.into(),
            causes: Vec::new(),
            server: None,
            excerpt: None,
            state: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Returns what happened and why, on one line.
    pub fn on_one_line(&self) -> String {
        let mut words = vec![self.what.as_str()];
        words.extend(self.causes.iter().map(String::as_str));
        words.join(": ").replace('\n', " ")
    }

    /// Adds a cause.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds an instruction.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a line about what is applied and what is not.
    #[must_use]
    pub fn state(mut self, line: impl Into<String>) -> Self {
        self.state.push(line.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 70, 129, 130, 143]);
        let document = include_str!("../docs/exit-codes.md");
        for exit in Exit::ALL {
            let row = format!("| {} | {} |", exit.code(), exit.meaning());
            assert!(document.contains(&row), "docs/exit-codes.md lacks: {row}");
        }
    }
}
