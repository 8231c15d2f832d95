//! Service files (manual, "The Connection Service File").

use std::io;
use std::path::{Path, PathBuf};

use super::error::{Origin, SettingsError};
use super::foreign::{Lookup, look_up};
use super::keyvalue::Given;
use super::keyword::Keyword;

/// The files which may define a service, in the order they are looked at.
pub(super) struct ServiceFiles {
    /// The user's own; must exist if it was named on purpose.
    pub(super) own: Option<PathBuf>,
    /// Whether the user's own was named on purpose.
    pub(super) own_is_named: bool,
    /// The system-wide ones, of which the first that exists counts.
    pub(super) system: Vec<PathBuf>,
}

/// Returns the settings of a service.
///
/// # Errors
///
/// [`SettingsError::ServiceNotFound`], or what is wrong with the files.
pub(super) fn find(
    service: &str,
    files: &ServiceFiles,
    warnings: &mut Vec<String>,
) -> Result<Vec<Given>, SettingsError> {
    let mut looked_in = Vec::new();
    let system = files.system.iter().find(|path| path.exists());
    for path in files.own.iter().chain(system) {
        let is_named = files.own_is_named && Some(path) == files.own.as_ref();
        let Some(content) = read(path, is_named)? else {
            continue;
        };
        if let Some(found) = section(&content, path, service, warnings)? {
            return Ok(found);
        }
        looked_in.push(path.clone());
    }
    Err(SettingsError::ServiceNotFound {
        service: service.to_owned(),
        looked_in,
    })
}

fn read(path: &Path, must_exist: bool) -> Result<Option<String>, SettingsError> {
    match std::fs::read_to_string(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if !must_exist && error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SettingsError::File {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Reads the section of one service, or nothing if the file has none. Of two lines with one keyword the first counts.
fn section(
    content: &str,
    path: &Path,
    service: &str,
    warnings: &mut Vec<String>,
) -> Result<Option<Vec<Given>>, SettingsError> {
    let mut found: Option<Vec<Given>> = None;
    for (number, line) in (1..).zip(content.split('\n')) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if header.strip_suffix(']') == Some(service) {
                found = Some(Vec::new());
            }
            continue;
        }
        if let Some(found) = &mut found {
            let origin = Origin::ServiceFile {
                path: path.to_owned(),
                line: number,
            };
            found.extend(setting(line, origin, warnings)?);
        }
    }
    Ok(found)
}

fn setting(line: &str, origin: Origin, warnings: &mut Vec<String>) -> Result<Option<Given>, SettingsError> {
    let refused = |problem| match &origin {
        Origin::ServiceFile { path, line } => SettingsError::ServiceFile {
            path: path.clone(),
            line: *line,
            problem,
        },
        Origin::ConnectionString | Origin::Variable(_) => SettingsError::Form {
            problem: problem.to_owned(),
        },
    };
    if line.starts_with("ldap") {
        return Err(refused("services from LDAP are not supported"));
    }
    let Some((name, value)) = line.split_once('=') else {
        return Err(refused("expected keyword=value"));
    };
    match look_up(name.trim_end(), value, &origin, true, warnings)? {
        Lookup::PassedOver => Ok(None),
        Lookup::Known(Keyword::Service | Keyword::Servicefile) => {
            Err(refused("a service may not name another service"))
        }
        Lookup::Known(keyword) => Ok(Some(Given {
            keyword,
            value: value.trim_start().to_owned(),
            origin,
            may_be_shown: !keyword.is_secret(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(content: &str) -> Result<Option<Vec<(&'static str, String)>>, String> {
        section(content, Path::new("services"), "app", &mut Vec::new())
            .map(|found| {
                found.map(|found| {
                    found
                        .into_iter()
                        .map(|given| (given.keyword.name(), given.value))
                        .collect()
                })
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_wanted_section_is_read() {
        let content =
            "# services\n[other]\nhost=o\nnonsense\n\n[app]\r\nhost=h\r\n  port=1 \n# c\npassword=a b\n[app]\nhost=i\n";
        let expected = [("host", "h"), ("port", "1"), ("password", "a b")]
            .map(|(name, value)| (name, value.to_owned()))
            .to_vec();
        assert_eq!(pairs(content), Ok(Some(expected)));
        assert_eq!(pairs("[other]\nhost=o"), Ok(None));
        assert_eq!(pairs(""), Ok(None));
    }

    #[test]
    fn mistakes_name_their_line() {
        for (content, words) in [
            ("[app]\n\nnonsense", "services:3: expected keyword=value"),
            ("[app]\nservice=b", "services:2: a service may not name another service"),
            ("[app]\nldap://x", "services:2: services from LDAP"),
            (
                "[app]\nhots=b",
                "unknown connection keyword \"hots\" in services:2; did you mean host?",
            ),
        ] {
            let message = pairs(content).expect_err(content);
            assert!(message.contains(words), "{message}");
        }
    }
}
