//! A snapshot of what the process' surroundings say about connecting.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use super::error::SettingsError;

/// The surroundings that settings are resolved in: `PG*`, the home directory, the operating system's user name.
///
/// A value, so that tests and callers can hand in their own; [`Environment::from_process`] takes the process' own. `Debug`
/// shows the names of the variables, never their values, because one of them is `PGPASSWORD`.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
    /// The home directory, under which libpq's files are looked for.
    pub home: Option<PathBuf>,
    /// The name of the operating system's user, which is the default role.
    pub os_user: Option<String>,
    /// The directories in which a server's socket is looked for when no host is given.
    pub socket_directories: Vec<PathBuf>,
    /// The directories which may hold the system-wide `pg_service.conf` when `PGSYSCONFDIR` is not set.
    pub system_directories: Vec<PathBuf>,
}

impl Environment {
    /// Returns an environment in which nothing is set and no directory is looked at.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Takes the process' own: every variable that begins with `PG`, the home directory, and the user's name.
    ///
    /// As libpq does, the user is the one the process runs as (`geteuid`), not `$USER`, which survives `su` and `sudo`;
    /// `$USER` is used where the user database has no entry, as in containers that run under a bare number.
    pub fn from_process() -> Self {
        let variables: BTreeMap<String, OsString> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(name, _)| name.starts_with("PG"))
            .collect();
        let os_user = whoami::username()
            .ok()
            .filter(|name| !name.is_empty())
            .or_else(|| std::env::var_os("USER")?.into_string().ok());
        Self {
            variables,
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            os_user,
            // Debian's directory first: it is what both Debian's and the PGDG's packages are built with.
            socket_directories: vec!["/var/run/postgresql".into(), "/tmp".into()],
            system_directories: vec!["/etc/postgresql-common".into(), "/etc/sysconfig/pgsql".into()],
        }
    }

    /// Returns the environment with one variable set.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Returns the value of a variable if it is set.
    ///
    /// # Errors
    ///
    /// [`SettingsError::VariableEncoding`] if the value is not UTF-8.
    pub(super) fn get(&self, name: &'static str) -> Result<Option<&str>, SettingsError> {
        match self.variables.get(name) {
            None => Ok(None),
            Some(value) => match value.to_str() {
                Some(text) => Ok(Some(text)),
                None => Err(SettingsError::VariableEncoding { name }),
            },
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("home", &self.home)
            .field("os_user", &self.os_user)
            .field("socket_directories", &self.socket_directories)
            .field("system_directories", &self.system_directories)
            .finish()
    }
}
