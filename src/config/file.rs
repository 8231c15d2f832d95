//! `rlsctl.toml` as it is written. Unknown keys are errors with a suggestion.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Where the migrations are.
    #[serde(default)]
    pub migrations: MigrationsFile,
    /// The databases, by name.
    #[serde(default)]
    pub targets: BTreeMap<String, TargetFile>,
    /// How long and how much.
    #[serde(default)]
    pub limits: LimitsFile,
    /// Which sessions may be ended.
    #[serde(default)]
    pub reap: ReapFile,
    /// What `audit` may pass over.
    #[serde(default)]
    pub audit: AuditFile,
    /// Belongs to the tenancy model, which reads it itself.
    #[serde(default)]
    pub tenancy: toml::Table,
}

/// `[migrations]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationsFile {
    /// The folder, relative to the file.
    pub dir: Option<PathBuf>,
    /// `auto` or the name of a layout.
    pub layout: Option<String>,
}

/// `[targets.NAME]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// A connection string; `${NAME}` stands for an environment variable.
    pub url: String,
    /// The tool whose ledger is kept in step.
    pub mirror: Option<String>,
    /// Whether people depend on it: what only tries something out asks first.
    #[serde(default)]
    pub production: bool,
}

/// `[limits]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsFile {
    /// How long one statement may run.
    pub statement_timeout: Option<String>,
    /// How long a migration may try to get its locks.
    pub lock_wait: Option<String>,
    /// How many tables are locked in one transaction, 1 to 8.
    pub tables_per_batch: Option<u8>,
    /// How many existing tables a file may alter.
    pub tables_per_migration: Option<u32>,
    /// How far behind a replica may be before a repeated file waits for it.
    pub replica_lag: Option<String>,
}

/// `[reap]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReapFile {
    /// Idle in a transaction for at least this long.
    pub older_than: Option<String>,
    /// Roles whose sessions are never ended; `*` stands for anything.
    #[serde(default)]
    pub protect_roles: Vec<String>,
    /// Applications whose sessions are never ended; `*` stands for anything.
    #[serde(default)]
    pub protect_applications: Vec<String>,
}

/// `[audit]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditFile {
    /// Findings that are allowed.
    #[serde(default)]
    pub allow: Vec<AllowFile>,
}

/// `[[audit.allow]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowFile {
    /// The code; `*` stands for anything.
    pub code: String,
    /// The object; `*` stands for anything.
    pub object: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub until: Option<toml::value::Datetime>,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named by `--config` is not there, or cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML, or not ours.
    #[error("{path}:{line}:{column}: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// The parser's words, without any text of the file: the line may hold a password.
        reason: String,
        /// The nearest known key.
        suggestion: Option<String>,
    },
    /// A value that means nothing.
    #[error("{key} in {path}: {reason}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key, dotted.
        key: String,
        /// What is wrong with the value; never the value of a URL.
        reason: String,
    },
    /// A flag or an environment variable that means nothing.
    #[error("{name}: {reason}")]
    Setting {
        /// The flag or the variable.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// `${NAME}` without such a variable.
    #[error("targets.{target}.url in {path} needs the environment variable {name}, which is not set or empty")]
    MissingVariable {
        /// The file.
        path: PathBuf,
        /// The target.
        target: String,
        /// The variable.
        name: String,
    },
    /// `--target` with a name that is not there.
    #[error("there is no target `{name}`{}", known_targets(known))]
    NoSuchTarget {
        /// What was asked for.
        name: String,
        /// What is there.
        known: Vec<String>,
    },
    /// Several targets and none chosen.
    #[error("the configuration has several targets and none was chosen{}", known_targets(known))]
    ChooseTarget {
        /// What is there.
        known: Vec<String>,
    },
}

fn known_targets(known: &[String]) -> String {
    if known.is_empty() {
        return ": the configuration names none".to_owned();
    }
    format!(": {}", known.join(", "))
}

impl File {
    /// Returns the file's content; a relative path is one below `cwd`.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] and [`ConfigError::Invalid`].
    pub fn read(path: &Path, cwd: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(cwd.join(path)).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Returns what `text` says; `path` is only for the error.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let (line, column) = place(text, error.span().map_or(0, |span| span.start));
            ConfigError::Invalid {
                path: path.to_owned(),
                line,
                column,
                reason: without_values(error.message()),
                suggestion: suggestion(error.message()),
            }
        })
    }
}

/// Returns line and column, in characters from 1, of a byte of the file.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    (line, before[start..].chars().count() + 1)
}

/// Returns the parser's message without the values it quotes, such as `string "postgres://user:password@host"`.
fn without_values(message: &str) -> String {
    let one_line = message.trim().replace('\n', ", ");
    match (one_line.find('"'), one_line.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}...{}", &one_line[..first], &one_line[last + 1..])
        }
        _ => one_line,
    }
}

/// Returns the known key that is nearest to the unknown one in serde's message.
fn suggestion(message: &str) -> Option<String> {
    let rest = message.strip_prefix("unknown field `")?;
    let (unknown, rest) = rest.split_once('`')?;
    rest.split('`')
        .skip(1)
        .step_by(2)
        .map(|known| (strsim::jaro_winkler(unknown, known), known))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_the_place_and_never_the_line() {
        let cases = [
            ("[targets.a]\nurl = postgres://u:geheim@h/d\n", 2),
            ("[targets]\nprod = 'postgres://u:geheim@h/d'\n", 2),
            ("\n\ntargets = 'postgres://u:geheim@h/d'\n", 3),
            ("[targets.a]\nurl = 'postgres://u:geheim@h/d\n", 2),
            ("[targets.a]\nurl = ['postgres://u:geheim@h/d']\n", 2),
            ("[targets.a]\nurl = 'postgres://u:geheim@h/d'\nurl = 'x'\n", 3),
        ];
        for (text, expected) in cases {
            let error = File::parse(Path::new("rlsctl.toml"), text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("geheim"), "{error:?}");
            let ConfigError::Invalid { line, .. } = error else {
                panic!("{error:?}")
            };
            assert_eq!(line, expected, "{text}");
        }
    }

    #[test]
    fn an_unknown_key_is_an_error_with_a_suggestion() {
        let error = File::parse(Path::new("rlsctl.toml"), "[migrations]\ndirr = 'x'\n").unwrap_err();
        let ConfigError::Invalid { suggestion, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(suggestion.as_deref(), Some("dir"));
    }

    #[test]
    fn a_key_that_is_like_no_other_has_no_suggestion() {
        let error = File::parse(Path::new("rlsctl.toml"), "zzz = 1\n").unwrap_err();
        assert!(
            matches!(error, ConfigError::Invalid { suggestion: None, .. }),
            "{error:?}"
        );
    }
}
