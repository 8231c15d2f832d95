//! `[audit]`: findings that are allowed.

use std::path::Path;

use jiff::civil::Date;

use crate::activity::NamePattern;
use crate::audit::{Allow, rules};

use super::file::{AllowFile, AuditFile, ConfigError};

/// Returns what is allowed.
///
/// # Errors
/// [`ConfigError`] where an entry has no reason, names no code that there is, or ends on no day.
pub fn allows(path: &Path, file: &AuditFile) -> Result<Vec<Allow>, ConfigError> {
    file.allow.iter().map(|entry| allow(path, entry)).collect()
}

fn allow(path: &Path, entry: &AllowFile) -> Result<Allow, ConfigError> {
    let wrong = |key: &str, reason: String| ConfigError::Value {
        path: path.to_owned(),
        key: format!("audit.allow.{key}"),
        reason,
    };
    if entry.reason.trim().is_empty() {
        return Err(wrong(
            "reason",
            "is empty: say why, for whoever reads it later".to_owned(),
        ));
    }
    let code = NamePattern::new(&entry.code);
    let mut known = rules().flat_map(|rule| rule.codes);
    if !known.any(|known| code.matches(known)) {
        let suggestion =
            nearest(&entry.code).map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"));
        return Err(wrong(
            "code",
            format!("`{}` is no code of `audit`{suggestion}", entry.code),
        ));
    }
    let until = entry.until.as_ref().map(|day| match day.date {
        Some(date) if day.time.is_none() => {
            let parts = (
                i16::try_from(date.year),
                i8::try_from(date.month),
                i8::try_from(date.day),
            );
            match parts {
                (Ok(year), Ok(month), Ok(day)) => Date::new(year, month, day).ok(),
                _ => None,
            }
        }
        _ => None,
    });
    let until = match until {
        Some(None) => return Err(wrong("until", "must be a day, as in until = 2027-01-31".to_owned())),
        Some(Some(date)) => Some(date),
        None => None,
    };
    Ok(Allow {
        code,
        object: NamePattern::new(&entry.object),
        reason: entry.reason.clone(),
        until,
    })
}

fn nearest(code: &str) -> Option<&'static str> {
    rules()
        .flat_map(|rule| rule.codes)
        .copied()
        .map(|known| (strsim::jaro_winkler(code, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::File;

    fn read(toml: &str) -> Result<Vec<Allow>, String> {
        let path = Path::new("rlsctl.toml");
        let file = File::parse(path, toml).map_err(|error| error.to_string())?;
        allows(path, &file.audit).map_err(|error| error.to_string())
    }

    #[test]
    fn an_entry_has_a_code_an_object_a_reason_and_mostly_a_day() {
        let toml = "[[audit.allow]]\ncode = 'leak.view'\nobject = 'public.*'\nreason = 'r'\nuntil = 2027-01-31\n";
        let allows = read(toml).unwrap();
        assert_eq!(allows[0].until, Some(jiff::civil::date(2027, 1, 31)));
        assert!(allows[0].object.matches("public.x"));
        for (entry, said) in [
            (
                "code = 'leak.veiw'\nobject = 'a'\nreason = 'r'",
                "did you mean `leak.view`?",
            ),
            (
                "code = 'leak.view'\nobject = 'a'\nreason = ' '",
                "reason in rlsctl.toml: is empty",
            ),
            ("code = 'leak.view'\nobject = 'a'", "missing field `reason`"),
            (
                "code = 'leak.view'\nobject = 'a'\nreason = 'r'\nuntil = 07:32:00",
                "must be a day",
            ),
            (
                "code = 'leak.view'\nobject = 'a'\nreason = 'r'\nuntill = 2027-01-31",
                "unknown field",
            ),
        ] {
            let error = read(&format!("[[audit.allow]]\n{entry}\n")).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }
}
