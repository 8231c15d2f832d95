//! What can be wrong with connection settings. No variant can hold a password.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::keyword::Keyword;

/// Where a setting was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The URL or key-value string handed in.
    ConnectionString,
    /// An environment variable.
    Variable(&'static str),
    /// A line of a service file, counted from one.
    ServiceFile {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectionString => f.write_str("the connection string"),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::ServiceFile { path, line } => write!(f, "{}:{line}", path.display()),
        }
    }
}

/// Why no settings could be made.
///
/// Values appear only for keywords that hold no secret and only if they were read where no piece of a mangled password can
/// have ended up.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The text is neither a URL nor a key-value string nor a database name.
    #[error("{problem}")]
    Form {
        /// What it is, and how it should be written.
        problem: String,
    },
    /// The URL cannot be taken apart.
    #[error("invalid connection URL: {problem}")]
    Url {
        /// What is wrong with it, in words that quote nothing from it.
        problem: &'static str,
    },
    /// A part of the URL is not percent-encoded correctly.
    #[error("invalid percent-encoding in the {part} of the connection URL: {problem}")]
    PercentEncoding {
        /// The part, as a reader of URLs calls it.
        part: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The key-value string cannot be taken apart.
    #[error("invalid connection string at character {position}: {problem}")]
    KeyValue {
        /// Counted from one.
        position: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// A keyword which libpq does not know.
    #[error(
        "unknown connection keyword {} in {origin}{}",
        .keyword.as_deref().map_or_else(|| "(not shown, it follows a password)".to_owned(), |name| format!("\"{name}\"")),
        .advice.as_deref().map_or_else(String::new, |advice| format!("; {advice}"))
    )]
    UnknownKeyword {
        /// The word; absent where it could be a piece of a password.
        keyword: Option<String>,
        /// Where it was read.
        origin: Origin,
        /// What to write instead.
        advice: Option<String>,
    },
    /// A value which the keyword does not take.
    #[error(
        "invalid value {}for {keyword} in {origin}: expected {expected}",
        .value.as_deref().map_or_else(String::new, |value| format!("\"{value}\" "))
    )]
    Value {
        /// The keyword.
        keyword: Keyword,
        /// Where it was read.
        origin: Origin,
        /// The value; absent if it may not be shown.
        value: Option<String>,
        /// What would have been right.
        expected: String,
    },
    /// A keyword which libpq knows and rlsctl cannot honour.
    #[error("{keyword} in {origin} cannot be honoured: {reason}")]
    Unsupported {
        /// The keyword.
        keyword: Keyword,
        /// Where it was read.
        origin: Origin,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// Settings each of which is fine, but not together.
    #[error("{0}")]
    Conflict(String),
    /// The numbers of hosts, addresses and ports do not go together.
    #[error("{given} {what} for {hosts} hosts: give one for each host{}", if *.what == "ports" { ", or one for all" } else { "" })]
    Count {
        /// `ports` or `host addresses`.
        what: &'static str,
        /// How many of them.
        given: usize,
        /// How many hosts.
        hosts: usize,
    },
    /// A variable whose value is not UTF-8.
    #[error("the value of the environment variable {name} is not UTF-8")]
    VariableEncoding {
        /// The variable.
        name: &'static str,
    },
    /// A file that was asked for cannot be read.
    #[error("could not read the service file {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A service file which cannot be taken apart.
    #[error("{}:{line}: {problem}", .path.display())]
    ServiceFile {
        /// The file.
        path: PathBuf,
        /// Counted from one.
        line: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// No service file defines the service.
    #[error("no service \"{service}\" in {}", list_files(.looked_in))]
    ServiceNotFound {
        /// The service that was asked for.
        service: String,
        /// The files that were there to be looked at.
        looked_in: Vec<PathBuf>,
    },
    /// Neither a user was given nor does the operating system name one.
    #[error(
        "no user is given, and the operating system has no name for the one this process runs as; set user= or PGUSER"
    )]
    NoUser,
}

fn list_files(paths: &[PathBuf]) -> String {
    if paths.is_empty() {
        return "any service file: there is neither ~/.pg_service.conf nor a system-wide one".to_owned();
    }
    let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    shown.join(" or ")
}
