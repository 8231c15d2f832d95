//! The `url` of a target as it is written: variables in it, and passwords that should not be.

/// Why a text cannot be expanded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpandError {
    /// A variable is not set.
    #[error("the environment variable {name} is not set or empty")]
    Missing {
        /// The variable.
        name: String,
    },
    /// `${` without its `}`.
    #[error("has a `${{` without its `}}`")]
    Unclosed,
}

/// Replaces each `${NAME}`. What a variable holds is not looked at again.
///
/// # Errors
/// [`ExpandError`].
pub(super) fn expand(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, ExpandError> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or(ExpandError::Unclosed)?;
        let value = variable(name).ok_or_else(|| ExpandError::Missing { name: name.to_owned() })?;
        expanded.push_str(before);
        expanded.push_str(&value);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// Whether a URL or a key-value string holds a password that is not a variable.
///
/// A URL has it before the `@` or as a parameter `password`; a key-value string may have blanks around the `=`.
pub(super) fn has_literal_password(url: &str) -> bool {
    let literal = |password: &str| !password.is_empty() && !password.starts_with("${");
    if let Some((_, rest)) = url.split_once("://") {
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let before_host = place.split('/').next().and_then(|authority| authority.rsplit_once('@'));
        let in_user = before_host
            .and_then(|(user, _)| user.split_once(':'))
            .map(|(_, password)| password);
        let is_parameter = |pair: &str| {
            pair.split_once('=')
                .is_some_and(|(key, value)| is_secret(key) && literal(value))
        };
        return in_user.is_some_and(literal) || parameters.split('&').any(is_parameter);
    }
    url.match_indices("password").any(|(at, word)| {
        let value = url[at + word.len()..].trim_start().strip_prefix('=');
        value.is_some_and(|value| literal(value.trim_start().trim_start_matches('\'').trim()))
    })
}

fn is_secret(key: &str) -> bool {
    matches!(key, "password" | "sslpassword")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_once() {
        let variable = |name: &str| match name {
            "A" => Some("a".to_owned()),
            "NESTED" => Some("${A}".to_owned()),
            _ => None,
        };
        assert_eq!(expand("x${A}y${A}", variable), Ok("xaya".to_owned()));
        assert_eq!(expand("${NESTED}", variable), Ok("${A}".to_owned()));
        assert_eq!(expand("p$w}d", variable), Ok("p$w}d".to_owned()));
        let missing = ExpandError::Missing { name: "B".to_owned() };
        assert_eq!(expand("${B}", variable), Err(missing));
        assert_eq!(expand("${A}${B", variable), Err(ExpandError::Unclosed));
    }

    #[test]
    fn literal_passwords_are_found_in_every_form() {
        for literal in [
            "postgres://u:pw@h/d",
            "postgresql://u:p@w@h1,h2/d",
            "postgres://u@h/d?password=pw",
            "postgres://h/d?sslmode=require&sslpassword=pw",
            "host=h password=pw",
            "host=h password = 'pw'",
            "sslpassword=pw",
        ] {
            assert!(has_literal_password(literal), "{literal}");
        }
        for fine in [
            "${URL}",
            "postgres://u@h/d",
            "postgres://u:@h/d",
            "postgres://u:${PW}@h/d",
            "postgres://u:${PW}@h:${PORT}/d",
            "postgres://h/d?user=a:b@c",
            "postgres://u@h/d?password=${PW}",
            "host=h password=${PW}",
            "host=h password='${PW}'",
            "host=h passfile=/x",
            "host=password",
        ] {
            assert!(!has_literal_password(fine), "{fine}");
        }
    }
}
