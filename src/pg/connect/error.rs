//! The error of connecting: every attempt with its own reason.

use std::fmt;

use super::advice;
use super::failure::Failure;
use crate::pg::settings::Settings;

/// One attempt and why it failed.
#[derive(Debug)]
pub struct Attempt {
    /// The host and port, or the path of the socket.
    pub endpoint: String,
    /// The address, where it is not the host itself.
    pub address: Option<String>,
    /// Whether the handshake of TLS was begun.
    pub over_tls: bool,
    /// Why it failed.
    pub failure: Failure,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.endpoint)?;
        if let Some(address) = &self.address {
            write!(f, " ({address})")?;
        }
        if self.over_tls {
            f.write_str(" over TLS")?;
        }
        write!(f, ": {}", self.failure)
    }
}

/// No session came about.
///
/// `Display` is one line with all attempts in it; [`ConnectError::attempts`] has them one by one. No password is in it.
#[derive(Debug)]
pub struct ConnectError {
    attempts: Vec<Attempt>,
    database: String,
    user: String,
    had_password: bool,
}

impl ConnectError {
    pub(super) fn new(attempts: Vec<Attempt>, settings: &Settings) -> Self {
        Self {
            attempts,
            database: settings.dbname.clone(),
            user: settings.user.clone(),
            had_password: settings
                .hosts
                .iter()
                .any(|endpoint| settings.password_for(endpoint).is_some()),
        }
    }

    /// Returns what was tried, in order; never empty.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Returns the failure that ended the search: the last one.
    pub fn failure(&self) -> Option<&Failure> {
        self.attempts.last().map(|attempt| &attempt.failure)
    }

    /// Returns the database that was wanted.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Returns the role that was to be used.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Returns what to check or do, most likely first, as sentences in the imperative.
    pub fn advice(&self) -> Vec<String> {
        advice::for_error(self)
    }

    pub(super) fn had_password(&self) -> bool {
        self.had_password
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "could not connect to database \"{}\" as \"{}\"",
            self.database, self.user
        )?;
        for (number, attempt) in self.attempts.iter().enumerate() {
            let separator = if number == 0 { ": " } else { "; " };
            write!(f, "{separator}{attempt}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConnectError {
    /// Returns what is behind the last failure: its own words are in the line already.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.failure().and_then(std::error::Error::source)
    }
}
