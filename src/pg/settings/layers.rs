//! The layers of given values, and how a value is read out of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::environment::Environment;
use super::error::{Origin, SettingsError};
use super::keyvalue::{self, Given};
use super::keyword::{Keyword, nearest};
use super::service::{self, ServiceFiles};
use super::url;

/// What was given for each keyword by the layer that counts.
///
/// It has no `Debug`: one of the values is the password.
pub(super) struct Layers(BTreeMap<Keyword, Given>);

impl Layers {
    /// Reads all layers: the connection string over the service file over the environment, which is libpq's order.
    pub(super) fn read(
        dsn: Option<&str>,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Result<Self, SettingsError> {
        let mut layers = Self(BTreeMap::new());
        if let Some(dsn) = dsn {
            // Within one connection string the last of two counts.
            for given in connection_string(dsn.trim(), warnings)? {
                layers.0.insert(given.keyword, given);
            }
        }
        if let Some(service) = layers.or_variable(Keyword::Service, environment)? {
            let files = layers.service_files(environment)?;
            layers.fill(service::find(&service, &files, warnings)?);
        }
        layers.fill(variables(environment)?);
        layers.refuse_nul()?;
        Ok(layers)
    }

    /// Adds the values whose keywords no layer above has.
    fn fill(&mut self, below: Vec<Given>) {
        for given in below {
            self.0.entry(given.keyword).or_insert(given);
        }
    }

    fn or_variable(&self, keyword: Keyword, environment: &Environment) -> Result<Option<String>, SettingsError> {
        if let Some(given) = self.0.get(&keyword) {
            return Ok(Some(given.value.clone()).filter(|value| !value.is_empty()));
        }
        let variable = match keyword.variable() {
            Some(name) => environment.get(name)?,
            None => None,
        };
        Ok(variable.filter(|value| !value.is_empty()).map(str::to_owned))
    }

    fn service_files(&self, environment: &Environment) -> Result<ServiceFiles, SettingsError> {
        let named = self.or_variable(Keyword::Servicefile, environment)?;
        let own_is_named = named.is_some();
        let system = match environment.get("PGSYSCONFDIR")? {
            Some(directory) => vec![PathBuf::from(directory)],
            None => environment.system_directories.clone(),
        };
        Ok(ServiceFiles {
            own: named
                .map(PathBuf::from)
                .or_else(|| Some(environment.home.as_ref()?.join(".pg_service.conf"))),
            own_is_named,
            system: system
                .into_iter()
                .map(|directory| directory.join("pg_service.conf"))
                .collect(),
        })
    }

    /// Refuses a NUL byte anywhere: it would end the value early in what is sent to the server.
    fn refuse_nul(&self) -> Result<(), SettingsError> {
        match self.0.values().find(|given| given.value.contains('\0')) {
            None => Ok(()),
            Some(given) => Err(SettingsError::Value {
                keyword: given.keyword,
                origin: given.origin.clone(),
                value: None,
                expected: "a text without NUL bytes".to_owned(),
            }),
        }
    }

    /// Returns what was given for a keyword; an empty value hides the layers below and counts as the default.
    pub(super) fn get(&self, keyword: Keyword) -> Option<&Given> {
        self.0.get(&keyword).filter(|given| !given.value.is_empty())
    }

    /// Returns the value of a keyword as text.
    pub(super) fn text(&self, keyword: Keyword) -> Option<&str> {
        self.get(keyword).map(|given| given.value.as_str())
    }

    /// Returns the value of a keyword that has a closed list of values.
    pub(super) fn choice<T: Copy>(&self, keyword: Keyword, choices: &[(&str, T)]) -> Result<Option<T>, SettingsError> {
        let Some(given) = self.get(keyword) else {
            return Ok(None);
        };
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == given.value) {
            return Ok(Some(*value));
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let mut expected = match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        };
        if given.may_be_shown
            && let Some(meant) = nearest(&given.value, names.into_iter())
        {
            expected = format!("{expected} (did you mean {meant}?)");
        }
        Err(given.refused(expected))
    }

    /// Returns the value of a keyword that is a whole number. Blanks around it are allowed, as in libpq.
    pub(super) fn number(&self, keyword: Keyword) -> Result<Option<i32>, SettingsError> {
        match self.get(keyword) {
            None => Ok(None),
            Some(given) => match given.value.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(given.refused("a whole number")),
            },
        }
    }

    /// Returns the value of a keyword that is a length of time, given the length of its unit. Zero and less are no value.
    pub(super) fn duration(&self, keyword: Keyword, unit: Duration) -> Result<Option<Duration>, SettingsError> {
        let number = self.number(keyword)?;
        Ok(number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| *number > 0)
            .map(|number| unit * number))
    }

    /// Refuses a keyword unless it has one of the harmless values.
    pub(super) fn refuse(
        &self,
        keyword: Keyword,
        harmless: &[&str],
        reason: &'static str,
    ) -> Result<(), SettingsError> {
        match self.get(keyword) {
            Some(given) if !harmless.contains(&given.value.as_str()) => Err(SettingsError::Unsupported {
                keyword,
                origin: given.origin.clone(),
                reason,
            }),
            _ => Ok(()),
        }
    }
}

impl Given {
    /// Returns the error for a value which the keyword does not take.
    pub(super) fn refused(&self, expected: impl Into<String>) -> SettingsError {
        SettingsError::Value {
            keyword: self.keyword,
            origin: self.origin.clone(),
            value: self.may_be_shown.then(|| self.value.clone()),
            expected: expected.into(),
        }
    }
}

/// Reads a URL, a key-value string, or a bare database name, by libpq's rule for telling them apart.
fn connection_string(text: &str, warnings: &mut Vec<String>) -> Result<Vec<Given>, SettingsError> {
    if let Some(rest) = url::without_scheme(text) {
        return url::parse(rest, warnings);
    }
    if let Some(problem) = foreign_url(text) {
        return Err(SettingsError::Form { problem });
    }
    if text.contains('=') || text.is_empty() {
        return keyvalue::parse(text, warnings);
    }
    if text.contains(['/', ':', '@']) || text.contains(|c: char| c.is_whitespace()) {
        // libpq would take it for the name of a database, fail, and print it, password and all.
        return Err(SettingsError::Form {
            problem: "the connection string is neither a URL (postgresql://user@host/db), nor keywords (host=... dbname=...), nor a database name"
                .to_owned(),
        });
    }
    Ok(vec![Given {
        keyword: Keyword::Dbname,
        value: text.to_owned(),
        origin: Origin::ConnectionString,
        may_be_shown: false,
    }])
}

/// Says what is wrong with a URL of another scheme. Shows the scheme only if it cannot be anything else.
fn foreign_url(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once("://")?;
    // A colon within it may as well be the one before a password, except where Java's kind of URL has it.
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .strip_prefix("jdbc:")
            .unwrap_or(scheme)
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if !is_scheme {
        return None;
    }
    let is_postgres = scheme.to_ascii_lowercase().contains("postgres");
    let cure = if is_postgres {
        "write the part before :// as postgresql, without the name of a driver"
    } else {
        "expected postgresql:// or postgres://"
    };
    Some(format!(
        "connection URLs that begin with {scheme}:// are not Postgres' own; {cure}"
    ))
}

fn variables(environment: &Environment) -> Result<Vec<Given>, SettingsError> {
    let mut found = Vec::new();
    for keyword in Keyword::all() {
        let Some(name) = keyword.variable() else {
            continue;
        };
        if let Some(value) = environment.get(name)? {
            found.push(Given {
                keyword,
                value: value.to_owned(),
                origin: Origin::Variable(name),
                may_be_shown: !keyword.is_secret(),
            });
        }
    }
    // The name of sslmode before it had more than two values; libpq still reads it.
    if let Some(value) = environment.get("PGREQUIRESSL")?
        && value.starts_with('1')
        && !found.iter().any(|given| given.keyword == Keyword::Sslmode)
    {
        found.push(Given {
            keyword: Keyword::Sslmode,
            value: "require".to_owned(),
            origin: Origin::Variable("PGREQUIRESSL"),
            may_be_shown: true,
        });
    }
    Ok(found)
}
