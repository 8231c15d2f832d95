//! From what was typed, exported and written down to what the program needs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::activity::Rule;
use crate::audit::Allow;
use crate::duration::parse_duration;
use crate::ledger::Mirror;
use crate::migration::Layout;

use super::audit;
use super::file::{ConfigError, File, TargetFile};
use super::reap;
use super::url::{ExpandError, expand, has_literal_password};
use super::variables::unknown_variables;

/// What was typed.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// Whether the file named by `--config` is the one that is to be written, and need not be there.
    pub config_is_new: bool,
    /// `--target`.
    pub target: Option<String>,
    /// `--database-url`.
    pub database_url: Option<String>,
    /// `--dir`.
    pub dir: Option<PathBuf>,
    /// `--statement-timeout`.
    pub statement_timeout: Option<String>,
    /// `--lock-wait`.
    pub lock_wait: Option<String>,
    /// For how long a session must have been idle in its transaction to be ended: the flag's name and its value.
    pub older_than: Option<(&'static str, String)>,
}

/// The database to work on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its name in `rlsctl.toml`, if it has one.
    pub name: Option<String>,
    /// A connection string; `None` leaves everything to `PG*` and the defaults.
    pub url: Option<String>,
    /// Where that was found, for messages.
    pub origin: String,
    /// The tool whose ledger is kept in step.
    pub mirror: Option<Mirror>,
    /// Whether people depend on it.
    pub production: bool,
}

/// How long things may take, and how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long one statement may run inside a transaction.
    pub statement_timeout: Duration,
    /// How long one migration may try to get its locks.
    pub lock_wait: Duration,
    /// How many tables are locked in one transaction, 1 to 8.
    pub tables_per_batch: usize,
    /// How many existing tables a file may alter that has no sections.
    pub tables_per_migration: usize,
    /// How far behind a replica may be before rounds of a repeated file wait for it; 0 for however far.
    pub replica_lag: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            statement_timeout: Duration::from_secs(55),
            lock_wait: Duration::from_secs(60),
            tables_per_batch: 8,
            tables_per_migration: 5,
            replica_lag: Duration::from_secs(10),
        }
    }
}

/// Everything, resolved.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file that was read, if any.
    pub path: Option<PathBuf>,
    /// The file that was named, whether it is there or not.
    pub named: Option<PathBuf>,
    /// Where the project is: the file's folder, or the current one. Empty for the current one.
    pub root: PathBuf,
    /// The migrations folder, if one was named.
    pub dir: Option<PathBuf>,
    /// The layout, unless it is to be found out.
    pub layout: Option<Layout>,
    /// How long things may take.
    pub limits: Limits,
    /// Which sessions may be ended.
    pub reap: Rule,
    /// Findings of `audit` that are allowed.
    pub allows: Vec<Allow>,
    /// What a person should know: a password in the file, for instance.
    pub warnings: Vec<String>,
    file: File,
    flags: Flags,
    environment: BTreeMap<String, String>,
}

/// The variables that say which database is meant; the others say how to get in.
const CHOOSING: [&str; 4] = ["PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE"];

/// The file's name.
pub const FILE_NAME: &str = "rlsctl.toml";

impl Config {
    /// Returns `[tenancy]` as it is written; empty if it is not there.
    pub fn tenancy(&self) -> &toml::Table {
        &self.file.tenancy
    }

    /// Returns the configuration for a command run in `cwd`.
    ///
    /// The file is `--config`, `RLSCTL_CONFIG`, or `rlsctl.toml` here or in a folder above, up to the root of the git checkout.
    ///
    /// # Errors
    /// Any [`ConfigError`] except those about targets, which only commands that connect can have.
    pub fn resolve(flags: Flags, environment: BTreeMap<String, String>, cwd: &Path) -> Result<Self, ConfigError> {
        // A variable that is set to nothing, as CI systems do for secrets that are not there, is not set.
        let environment: BTreeMap<String, String> =
            environment.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let named = flags
            .config
            .clone()
            .or_else(|| environment.get("RLSCTL_CONFIG").map(PathBuf::from));
        let path = match &named {
            Some(named) if flags.config_is_new && !cwd.join(named).exists() => None,
            Some(named) => Some(named.clone()),
            None => find_upwards(cwd),
        };
        let file = match &path {
            Some(path) => File::read(path, cwd)?,
            None => File::default(),
        };
        let origin = path.clone().unwrap_or_else(|| PathBuf::from(FILE_NAME));
        let root = path
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""))
            .to_owned();
        let dir = flags
            .dir
            .clone()
            .or_else(|| environment.get("RLSCTL_DIR").map(PathBuf::from))
            .or_else(|| file.migrations.dir.as_ref().map(|dir| root.join(dir)));
        check_tables(&origin, &file)?;
        let mut config = Self {
            layout: layout(&origin, file.migrations.layout.as_deref())?,
            limits: limits(&origin, &file, &flags, &environment)?,
            reap: reap::rule(&origin, &file.reap, flags.older_than.as_ref())?,
            allows: audit::allows(&origin, &file.audit)?,
            warnings: unknown_variables(&environment),
            path,
            named,
            root,
            dir,
            file,
            flags,
            environment,
        };
        config.warnings.extend(config.literal_passwords());
        Ok(config)
    }

    /// Returns the names of the targets in the file.
    pub fn target_names(&self) -> Vec<String> {
        self.file.targets.keys().cloned().collect()
    }

    /// Returns the database to work on.
    ///
    /// `--database-url` and `--target` come first, then `RLSCTL_TARGET`, `RLSCTL_DATABASE_URL`, `DATABASE_URL` and `PG*`, then the only
    /// target of the file. Several targets and none chosen is an error: nothing is guessed.
    ///
    /// # Errors
    /// [`ConfigError::NoSuchTarget`], [`ConfigError::ChooseTarget`], [`ConfigError::MissingVariable`].
    pub fn target(&self) -> Result<Target, ConfigError> {
        if let Some(url) = &self.flags.database_url {
            return Ok(unnamed(url, "--database-url"));
        }
        if let Some(name) = self
            .flags
            .target
            .as_ref()
            .or_else(|| self.environment.get("RLSCTL_TARGET"))
        {
            return self.named(name);
        }
        for variable in ["RLSCTL_DATABASE_URL", "DATABASE_URL"] {
            if let Some(url) = self.environment.get(variable) {
                return Ok(unnamed(url, variable));
            }
        }
        if CHOOSING.iter().any(|name| self.environment.contains_key(*name)) || self.file.targets.is_empty() {
            return Ok(Target {
                origin: "PG* and defaults".to_owned(),
                ..Target::default()
            });
        }
        let mut names = self.file.targets.keys();
        match (names.next(), names.next()) {
            (Some(only), None) => self.named(only),
            _ => Err(ConfigError::ChooseTarget {
                known: self.target_names(),
            }),
        }
    }

    /// Returns the database that the file has under `name`.
    ///
    /// # Errors
    /// [`ConfigError::NoSuchTarget`], [`ConfigError::MissingVariable`].
    pub fn named(&self, name: &str) -> Result<Target, ConfigError> {
        let target = self.file.targets.get(name).ok_or_else(|| ConfigError::NoSuchTarget {
            name: name.to_owned(),
            known: self.target_names(),
        })?;
        Ok(Target {
            name: Some(name.to_owned()),
            url: Some(self.expand(name, target)?),
            origin: format!("targets.{name}"),
            // It was checked when the file was read.
            mirror: target.mirror.as_deref().and_then(|tool| tool.parse().ok()),
            production: target.production,
        })
    }

    /// Replaces each `${NAME}`. A variable that is empty counts as not set: an empty URL would mean some default database.
    fn expand(&self, name: &str, target: &TargetFile) -> Result<String, ConfigError> {
        let path = || self.path.clone().unwrap_or_default();
        let url = expand(&target.url, |variable| self.environment.get(variable).cloned());
        let url = url.map_err(|error| match error {
            ExpandError::Missing { name: variable } => ConfigError::MissingVariable {
                path: path(),
                target: name.to_owned(),
                name: variable,
            },
            ExpandError::Unclosed => ConfigError::Value {
                path: path(),
                key: format!("targets.{name}.url"),
                reason: error.to_string(),
            },
        })?;
        if url.trim().is_empty() {
            return Err(ConfigError::Value {
                path: path(),
                key: format!("targets.{name}.url"),
                reason: "is empty; leave the target out to use PG* and the defaults".to_owned(),
            });
        }
        Ok(url)
    }

    fn literal_passwords(&self) -> Vec<String> {
        let shown = self.path.as_deref().unwrap_or(Path::new(FILE_NAME)).display();
        let with_password = self
            .file
            .targets
            .iter()
            .filter(|(_, target)| has_literal_password(&target.url));
        with_password
            .map(|(name, _)| {
                format!("targets.{name}.url in {shown} holds a password; write `${{NAME}}` there and export the variable, or use ~/.pgpass")
            })
            .collect()
    }
}

fn unnamed(url: &str, origin: &str) -> Target {
    Target {
        url: Some(url.to_owned()),
        origin: origin.to_owned(),
        ..Target::default()
    }
}

/// Looks for the file in the current folder and above, up to the root of the checkout. Here, its path is as short as a person would write it.
fn find_upwards(cwd: &Path) -> Option<PathBuf> {
    for folder in cwd.ancestors() {
        let candidate = folder.join(FILE_NAME);
        if candidate.is_file() {
            let is_here = folder == cwd;
            return Some(if is_here { PathBuf::from(FILE_NAME) } else { candidate });
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    None
}

fn layout(path: &Path, name: Option<&str>) -> Result<Option<Layout>, ConfigError> {
    match name {
        None | Some("auto") => Ok(None),
        Some(name) => Layout::from_str(name).map(Some).map_err(|reason| ConfigError::Value {
            path: path.to_owned(),
            key: "migrations.layout".to_owned(),
            reason: reason.to_string(),
        }),
    }
}

fn check_tables(path: &Path, file: &File) -> Result<(), ConfigError> {
    let wrong = |key: &str, reason: &str| ConfigError::Value {
        path: path.to_owned(),
        key: key.to_owned(),
        reason: reason.to_owned(),
    };
    if file
        .limits
        .tables_per_batch
        .is_some_and(|tables| !(1..=8).contains(&tables))
    {
        return Err(wrong("limits.tables_per_batch", "must be from 1 to 8"));
    }
    for (name, target) in &file.targets {
        if let Some(Err(error)) = target.mirror.as_deref().map(str::parse::<Mirror>) {
            return Err(wrong(&format!("targets.{name}.mirror"), &error.to_string()));
        }
    }
    if file.limits.tables_per_migration == Some(0) {
        return Err(wrong("limits.tables_per_migration", "must be at least 1"));
    }
    Ok(())
}

fn limits(
    path: &Path,
    file: &File,
    flags: &Flags,
    environment: &BTreeMap<String, String>,
) -> Result<Limits, ConfigError> {
    let defaults = Limits::default();
    let pick = |flag: Option<&String>, key: &str, written: Option<&String>, default: Duration| {
        let variable = format!("RLSCTL_{}", key.to_uppercase());
        if let Some(text) = flag {
            let name = format!("--{}", key.replace('_', "-"));
            return parse_duration(text).map_err(|reason| ConfigError::Setting { name, reason });
        }
        if let Some(text) = environment.get(&variable) {
            return parse_duration(text).map_err(|reason| ConfigError::Setting { name: variable, reason });
        }
        written.map_or(Ok(default), |text| {
            parse_duration(text).map_err(|reason| ConfigError::Value {
                path: path.to_owned(),
                key: format!("limits.{key}"),
                reason,
            })
        })
    };
    Ok(Limits {
        statement_timeout: pick(
            flags.statement_timeout.as_ref(),
            "statement_timeout",
            file.limits.statement_timeout.as_ref(),
            defaults.statement_timeout,
        )?,
        lock_wait: pick(
            flags.lock_wait.as_ref(),
            "lock_wait",
            file.limits.lock_wait.as_ref(),
            defaults.lock_wait,
        )?,
        tables_per_batch: file
            .limits
            .tables_per_batch
            .map_or(defaults.tables_per_batch, usize::from),
        tables_per_migration: file
            .limits
            .tables_per_migration
            .map_or(defaults.tables_per_migration, |tables| tables as usize),
        replica_lag: pick(
            None,
            "replica_lag",
            file.limits.replica_lag.as_ref(),
            defaults.replica_lag,
        )?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn config(toml: &str, flags: Flags, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE_NAME), toml).unwrap();
        Config::resolve(flags, environment(pairs), folder.path())
    }

    const TWO: &str = "[targets.local]\nurl = 'postgres://l'\n[targets.prod]\nurl = '${PROD}'\n";

    #[test]
    fn a_target_is_chosen_and_never_guessed() {
        let flag = |target: &str| Flags {
            target: Some(target.to_owned()),
            ..Flags::default()
        };
        let chosen = config(TWO, flag("prod"), &[("PROD", "postgres://p"), ("DATABASE_URL", "x")]).unwrap();
        assert_eq!(chosen.target().unwrap().url.as_deref(), Some("postgres://p"));
        let missing = config(TWO, flag("prod"), &[]).unwrap().target();
        assert!(matches!(missing, Err(ConfigError::MissingVariable { ref name, .. }) if name == "PROD"));
        let unknown = config(TWO, flag("stage"), &[]).unwrap().target();
        assert!(matches!(unknown, Err(ConfigError::NoSuchTarget { ref known, .. }) if known.len() == 2));
        let none = config(TWO, Flags::default(), &[]).unwrap().target();
        assert!(matches!(none, Err(ConfigError::ChooseTarget { .. })));
        let env = config(TWO, Flags::default(), &[("DATABASE_URL", "postgres://e")]).unwrap();
        assert_eq!(env.target().unwrap().origin, "DATABASE_URL");
        let pg = config(TWO, Flags::default(), &[("PGHOST", "h")]).unwrap();
        assert_eq!(pg.target().unwrap().url, None);
        let only = config("[targets.a]\nurl = 'postgres://a'\n", Flags::default(), &[]).unwrap();
        assert_eq!(only.target().unwrap().name.as_deref(), Some("a"));
    }

    #[test]
    fn limits_come_from_the_flag_then_the_environment_then_the_file() {
        let toml = "[limits]\nlock_wait = '3s'\nstatement_timeout = '4s'\n";
        let flags = Flags {
            lock_wait: Some("1s".to_owned()),
            ..Flags::default()
        };
        let resolved = config(
            toml,
            flags,
            &[("RLSCTL_LOCK_WAIT", "2s"), ("RLSCTL_STATEMENT_TIMEOUT", "5s")],
        )
        .unwrap();
        assert_eq!(resolved.limits.lock_wait, Duration::from_secs(1));
        assert_eq!(resolved.limits.statement_timeout, Duration::from_secs(5));
        let resolved = config(toml, Flags::default(), &[]).unwrap();
        assert_eq!(resolved.limits.lock_wait, Duration::from_secs(3));
        for broken in [
            "[limits]\nlock_wait = '5'\n",
            "[limits]\ntables_per_batch = 9\n",
            "[migrations]\nlayout = 'rails'\n",
        ] {
            assert!(
                matches!(config(broken, Flags::default(), &[]), Err(ConfigError::Value { .. })),
                "{broken}"
            );
        }
    }

    #[test]
    fn a_literal_password_is_warned_about_and_not_shown() {
        let toml = "[targets.a]\nurl = 'postgres://u:geheim@h/d'\n[targets.b]\nurl = 'postgres://u:${PW}@h/d'\n[targets.c]\nurl = \"host=h password='geheim'\"\n";
        let warnings = config(toml, Flags::default(), &[]).unwrap().warnings;
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings.iter().all(|warning| !warning.contains("geheim")));
    }

    #[test]
    fn the_file_is_found_above_up_to_the_checkout() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(folder.path().join(FILE_NAME), "[migrations]\ndir = 'm'\n").unwrap();
        let found = Config::resolve(Flags::default(), BTreeMap::new(), &deep).unwrap();
        assert_eq!(found.dir, Some(folder.path().join("m")));
        std::fs::create_dir(folder.path().join("a/.git")).unwrap();
        let found = Config::resolve(Flags::default(), BTreeMap::new(), &deep).unwrap();
        assert_eq!(found.path, None);
    }
}
