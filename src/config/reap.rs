//! `[reap]`: which sessions may be ended.

use std::path::Path;
use std::time::Duration;

use crate::activity::{NamePattern, Rule};
use crate::duration::parse_duration;

use super::file::{ConfigError, ReapFile};

/// How long a session has to be idle in its transaction if nobody says otherwise. Long enough for every job that a person still waits for.
const OLDER_THAN: Duration = Duration::from_secs(24 * 3600);
/// The shortest age: below it a session that is merely slow would look like a dead one.
const SHORTEST: Duration = Duration::from_secs(1);

/// Returns the rule of the file; `flag` is the age that was typed, and its name.
///
/// # Errors
/// [`ConfigError`] where the age is no duration or shorter than a second.
pub fn rule(path: &Path, file: &ReapFile, flag: Option<&(&'static str, String)>) -> Result<Rule, ConfigError> {
    let older_than = match (flag, &file.older_than) {
        (Some((name, text)), _) => age(text).map_err(|reason| ConfigError::Setting {
            name: (*name).to_owned(),
            reason,
        })?,
        (None, Some(text)) => age(text).map_err(|reason| ConfigError::Value {
            path: path.to_owned(),
            key: "reap.older_than".to_owned(),
            reason,
        })?,
        (None, None) => OLDER_THAN,
    };
    let patterns = |names: &[String]| names.iter().map(NamePattern::new).collect();
    Ok(Rule {
        older_than,
        protect_roles: patterns(&file.protect_roles),
        protect_applications: patterns(&file.protect_applications),
    })
}

fn age(text: &str) -> Result<Duration, String> {
    let age = parse_duration(text)?;
    if age < SHORTEST {
        return Err(format!(
            "`{text}` would end sessions that are at work: at least a second"
        ));
    }
    Ok(age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_comes_before_the_file() {
        let file = ReapFile {
            older_than: Some("2h".to_owned()),
            protect_roles: vec!["a*".to_owned()],
            ..ReapFile::default()
        };
        let path = Path::new("rlsctl.toml");
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let found = rule(path, &file, None).unwrap();
        assert_eq!((found.older_than, found.protect_roles.len()), (hours(2), 1));
        let typed = rule(path, &file, Some(&("--older-than", "3h".to_owned()))).unwrap();
        assert_eq!(typed.older_than, hours(3));
        assert_eq!(rule(path, &ReapFile::default(), None).unwrap().older_than, hours(24));
        for text in ["0", "999ms", "soon"] {
            let error = rule(path, &file, Some(&("--older-than", text.to_owned()))).unwrap_err();
            assert!(matches!(error, ConfigError::Setting { .. }), "{error}");
        }
    }
}
