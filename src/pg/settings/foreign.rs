//! Keywords which libpq does not know: slips of the pen, and what Prisma, poolers and other drivers put into their URLs.

use super::error::{Origin, SettingsError};
use super::keyword::{Keyword, nearest};

/// What a name stands for.
pub(super) enum Lookup {
    /// A keyword of libpq.
    Known(Keyword),
    /// Another tool's, which changes nothing here; a warning was given.
    PassedOver,
}

/// Other tools' parameters that say how *they* pool, cache and wait. Nothing that is sent to the server depends on them.
const PASSED_OVER: &[(&str, &str)] = &[
    ("binary_parameters", "lib/pq"),
    ("connection_limit", "Prisma"),
    ("default_query_exec_mode", "pgx"),
    ("description_cache_capacity", "pgx"),
    ("max_idle_connection_lifetime", "Prisma"),
    ("pgbouncer", "Prisma"),
    ("pool_health_check_period", "pgx"),
    ("pool_max_conn_idle_time", "pgx"),
    ("pool_max_conn_lifetime", "pgx"),
    ("pool_max_conn_lifetime_jitter", "pgx"),
    ("pool_max_conns", "pgx"),
    ("pool_min_conns", "pgx"),
    ("pool_timeout", "Prisma"),
    ("prepareThreshold", "the JDBC driver"),
    ("prepared_statement_cache_size", "asyncpg"),
    ("preparedStatementCacheQueries", "the JDBC driver"),
    ("single_use_connections", "Prisma"),
    ("socket_timeout", "Prisma"),
    ("statement-cache-capacity", "sqlx"),
    ("statement_cache_capacity", "pgx"),
    ("statement_cache_size", "Prisma"),
    ("supa", "Supabase"),
    ("uselibpqcompat", "node-postgres"),
    ("workaround", "Supabase"),
];

/// Parameters of the server which people put among the keywords because their driver allows it.
const SERVER_SETTINGS: &[&str] = &[
    "idle_in_transaction_session_timeout",
    "lock_timeout",
    "role",
    "search_path",
    "statement_timeout",
    "timezone",
];

/// Looks a name up.
///
/// `may_be_shown` is false where the name could be a piece of a password; then it is repeated neither in errors nor
/// in warnings.
///
/// # Errors
///
/// [`SettingsError::UnknownKeyword`], with what to write instead where that is known.
pub(super) fn look_up(
    name: &str,
    value: &str,
    origin: &Origin,
    may_be_shown: bool,
    warnings: &mut Vec<String>,
) -> Result<Lookup, SettingsError> {
    if let Some(keyword) = Keyword::from_name(name) {
        return Ok(Lookup::Known(keyword));
    }
    if let Some((known, tool)) = PASSED_OVER.iter().find(|(known, _)| *known == name) {
        warnings.push(format!(
            "{known} in {origin} is a parameter of {tool} and has no effect here"
        ));
        return Ok(Lookup::PassedOver);
    }
    if is_harmless(name, value) {
        warnings.push(format!(
            "{name}={value} in {origin} is a parameter of Prisma and has no effect here"
        ));
        return Ok(Lookup::PassedOver);
    }
    Err(SettingsError::UnknownKeyword {
        keyword: may_be_shown.then(|| name.to_owned()),
        origin: origin.clone(),
        advice: if may_be_shown { advice(name) } else { None },
    })
}

/// Prisma's parameters that ask for what is done anyway: its default schema, and a certificate that nobody checks.
fn is_harmless(name: &str, value: &str) -> bool {
    matches!(
        (name, value),
        ("schema", "public") | ("sslaccept", "accept_invalid_certs")
    )
}

fn advice(name: &str) -> Option<String> {
    let fixed = match name {
        "schema" | "currentSchema" => Some(
            "it is a parameter of Prisma and JDBC for the schema to work in; write options=-csearch_path%3DNAME in a URL",
        ),
        "sslaccept" => Some("it is a parameter of Prisma; write sslmode=verify-full"),
        "sslidentity" => Some("it is a parameter of Prisma; write sslcert and sslkey, with PEM files"),
        "ssl" | "tls" => Some("write sslmode=require"),
        "database" | "db" => Some("write dbname"),
        "username" | "login" => Some("write user"),
        "hostname" | "server" => Some("write host"),
        "pass" | "pwd" => Some("write password"),
        "sslca" | "ssl-ca" | "ssl_ca" => Some("write sslrootcert"),
        _ => None,
    };
    if let Some(fixed) = fixed {
        return Some(fixed.to_owned());
    }
    if SERVER_SETTINGS.contains(&name.to_ascii_lowercase().as_str()) {
        return Some(format!(
            "it is a setting of the server; write options=-c{name}%3DVALUE in a URL"
        ));
    }
    nearest(name, Keyword::all().map(Keyword::name)).map(|meant| format!("did you mean {meant}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooling_parameters_are_passed_over_with_a_warning() {
        for (name, value) in [
            ("pgbouncer", "true"),
            ("connection_limit", "1"),
            ("schema", "public"),
            ("supa", "base-pooler.x"),
            ("sslaccept", "accept_invalid_certs"),
        ] {
            let mut warnings = Vec::new();
            let found = look_up(name, value, &Origin::ConnectionString, true, &mut warnings);
            assert!(matches!(found, Ok(Lookup::PassedOver)), "{name}");
            assert_eq!(warnings.len(), 1, "{name}");
            assert!(warnings[0].contains(name), "{}", warnings[0]);
        }
    }

    #[test]
    fn what_would_change_the_outcome_is_refused_with_the_way_to_write_it() {
        for (name, value, words) in [
            ("schema", "app", "options=-csearch_path"),
            ("sslaccept", "strict", "sslmode=verify-full"),
            ("search_path", "app", "options=-csearch_path%3DVALUE"),
            ("sslmod", "require", "did you mean sslmode?"),
            ("database", "app", "write dbname"),
        ] {
            let Err(error) = look_up(name, value, &Origin::ConnectionString, true, &mut Vec::new()) else {
                panic!("{name}={value} was accepted");
            };
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
