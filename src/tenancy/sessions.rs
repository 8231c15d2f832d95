//! What `[tenancy]` says of sessions: whom one logs in as, and what is said at its start.

use serde::Deserialize;

use crate::script::{TokenKind, tokens};

use super::read::TenancyError;

/// What stands for the tenant in a statement of a session.
pub const TENANT: &str = "{tenant}";
/// What stands for the user.
pub const USER: &str = "{user}";

/// How the application's sessions begin, as far as the configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Whom it logs in as.
    pub login: Option<String>,
    /// What it says, with [`TENANT`] and [`USER`] where those belong.
    pub session: Vec<String>,
    /// Whole sessions, where tenants differ in more than one value.
    pub each: Vec<TenantSession>,
}

/// The session of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantSession {
    /// The value of the tenant column whose rows it owns.
    pub tenant: String,
    /// Whom it logs in as; if nothing is said, as the others.
    pub login: Option<String>,
    /// What it says.
    pub session: Vec<String>,
}

/// Returns what the table `[tenancy]` says of sessions. Its other keys are not looked at.
///
/// # Errors
/// [`TenancyError`], with the key: one session alone, and a placeholder where no value can be put.
pub fn sessions(table: &toml::Table) -> Result<Sessions, TenancyError> {
    let login = read::<String>(table, "login")?;
    let session = read::<Vec<String>>(table, "session")?.unwrap_or_default();
    let each = read::<Vec<TenantSession>>(table, "sessions")?.unwrap_or_default();
    if each.len() == 1 {
        return Err(wrong("sessions", "one tenant can reach nobody: write a second one"));
    }
    let mut tenants: Vec<&str> = each.iter().map(|one| one.tenant.as_str()).collect();
    tenants.sort_unstable();
    tenants.dedup();
    if tenants.len() < each.len() {
        return Err(wrong("sessions", "two of them are of the same tenant"));
    }
    for statement in session.iter().chain(each.iter().flat_map(|one| &one.session)) {
        placeholders(statement)?;
    }
    Ok(Sessions { login, session, each })
}

fn read<'de, T: Deserialize<'de>>(table: &toml::Table, key: &str) -> Result<Option<T>, TenancyError> {
    let Some(value) = table.get(key) else { return Ok(None) };
    let read = value.clone().try_into::<T>();
    read.map(Some).map_err(|error| wrong(key, error.message()))
}

/// A value can be put into a plain string, or where a whole string would stand; nowhere else could it be quoted.
fn placeholders(statement: &str) -> Result<(), TenancyError> {
    let mut open = 0;
    for token in tokens(statement) {
        let text = token.span.slice(statement);
        if ![TENANT, USER].iter().any(|name| text.contains(name)) {
            // Outside of strings `{` is a token of its own.
            open += usize::from(text == "{");
            continue;
        }
        if token.kind != TokenKind::String || !text.starts_with('\'') {
            return Err(wrong(
                "session",
                &format!(
                    "in `{statement}` a placeholder stands where its value cannot be quoted: write it in plain quotes, as in '{TENANT}'"
                ),
            ));
        }
    }
    let bare = [TENANT, USER]
        .iter()
        .map(|name| statement.matches(name).count())
        .sum::<usize>();
    if open > 0 && bare > 0 {
        return Err(wrong(
            "session",
            &format!("in `{statement}` write the placeholder in plain quotes, as in '{TENANT}'"),
        ));
    }
    Ok(())
}

fn wrong(key: &str, reason: &str) -> TenancyError {
    TenancyError {
        key: key.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Sessions, TenancyError> {
        sessions(&toml::from_str(text).unwrap())
    }

    #[test]
    fn what_is_said_of_sessions_is_read() {
        let one = of("login = 'gate'\nsession = [\"set role app\", \"select set_config('app.t', '{tenant}', false)\"]")
            .unwrap();
        assert_eq!((one.login.as_deref(), one.session.len()), (Some("gate"), 2));
        let each =
            of("[[sessions]]\ntenant = '1'\nsession = []\n[[sessions]]\ntenant = '2'\nsession = [\"set role b\"]")
                .unwrap();
        assert_eq!(each.each[1].session, ["set role b"]);
        assert_eq!(of("").unwrap(), Sessions::default());
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for (text, words) in [
            ("session = 'x'", "sequence"),
            ("[[sessions]]\ntenant = '1'\nsession = []", "a second one"),
            ("session = [\"set app.t = {tenant}\"]", "plain quotes"),
            (
                "session = [\"select set_config('a.b', E'{tenant}', true)\"]",
                "plain quotes",
            ),
            ("session = [\"select $${tenant}$$\"]", "plain quotes"),
            ("[[sessions]]\ntenant = '1'\nsessoin = []", "sessoin"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.reason.contains(words), "{text}: {error}");
        }
    }
}
