//! Connection URLs: `postgresql://user:password@host1:1,host2/db?sslmode=require`.

use super::error::{Origin, SettingsError};
use super::foreign::{Lookup, look_up};
use super::keyvalue::Given;
use super::keyword::Keyword;

const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Returns what comes after the scheme if `text` is a connection URL.
pub(super) fn without_scheme(text: &str) -> Option<&str> {
    SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme))
}

/// Takes a URL apart by the rules of libpq's manual ("Connection URIs"), given what follows the scheme.
///
/// Empty parts count as not given, so that lower layers supply them. No error repeats anything from the part before the
/// query string: with a password that was not percent-encoded, any of it may be a piece of the password.
pub(super) fn parse(text: &str, warnings: &mut Vec<String>) -> Result<Vec<Given>, SettingsError> {
    if text.contains(|c: char| c.is_ascii_whitespace()) {
        return Err(SettingsError::Url {
            problem: "there is white space in it; write a space as %20",
        });
    }
    let mut found = Vec::new();
    let rest = match text.find(['@', '/']) {
        Some(at) if text.as_bytes()[at] == b'@' => {
            userinfo(&text[..at], &mut found)?;
            &text[at + 1..]
        }
        _ => text,
    };
    let (before_query, query) = match rest.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (rest, None),
    };
    if before_query.contains('@') {
        return Err(SettingsError::Url {
            problem: "there is an @ which does not end the user and password; \
                      within a user, password or name write @ as %40 and / as %2F",
        });
    }
    let (authority, dbname) = match before_query.split_once('/') {
        Some((authority, dbname)) => (authority, dbname),
        None => (before_query, ""),
    };
    hosts(authority, &mut found)?;
    push(&mut found, Keyword::Dbname, decode(dbname, "database name")?);
    if let Some(query) = query {
        // An @ this late may still be the end of a password with a slash and a question mark in it.
        parameters(query, !rest.contains('@'), &mut found, warnings)?;
    }
    Ok(found)
}

fn userinfo(text: &str, found: &mut Vec<Given>) -> Result<(), SettingsError> {
    let (user, password) = match text.split_once(':') {
        Some((user, password)) => (user, password),
        None => (text, ""),
    };
    push(found, Keyword::User, decode(user, "user")?);
    push(found, Keyword::Password, decode(password, "password")?);
    Ok(())
}

/// Reads `host:port,[::1]:port,...` into one list of hosts and one of ports, as libpq's keywords have them.
fn hosts(authority: &str, found: &mut Vec<Given>) -> Result<(), SettingsError> {
    let mut names = Vec::new();
    let mut ports = Vec::new();
    for element in authority.split(',') {
        let (name, port) = match element.strip_prefix('[') {
            Some(bracketed) => split_bracketed(bracketed)?,
            None => element.split_once(':').unwrap_or((element, "")),
        };
        names.push(name);
        ports.push(port);
    }
    let given = |parts: &[&str]| parts.iter().any(|part| !part.is_empty());
    if given(&names) {
        push(found, Keyword::Host, decode(&names.join(","), "host")?);
    }
    if given(&ports) {
        // Commas must survive even if most ports are empty: they say which host a port belongs to.
        push(found, Keyword::Port, decode(&ports.join(","), "port")?);
    }
    Ok(())
}

fn split_bracketed(text: &str) -> Result<(&str, &str), SettingsError> {
    let Some((address, after)) = text.split_once(']') else {
        return Err(SettingsError::Url {
            problem: "the bracket before an IPv6 address is never closed",
        });
    };
    if address.is_empty() {
        return Err(SettingsError::Url {
            problem: "there is no address between the brackets",
        });
    }
    match after.strip_prefix(':') {
        Some(port) => Ok((address, port)),
        None if after.is_empty() => Ok((address, "")),
        None => Err(SettingsError::Url {
            problem: "only a port may follow the bracket after an IPv6 address",
        }),
    }
}

fn parameters(
    query: &str,
    may_be_shown: bool,
    found: &mut Vec<Given>,
    warnings: &mut Vec<String>,
) -> Result<(), SettingsError> {
    if query.is_empty() {
        return Ok(());
    }
    for parameter in query.split('&') {
        let Some((name, value)) = parameter.split_once('=') else {
            return Err(SettingsError::Url {
                problem: "a parameter after the question mark has no equals sign",
            });
        };
        if value.contains('=') {
            return Err(SettingsError::Url {
                problem: "a parameter after the question mark has two equals signs; write = within a value as %3D",
            });
        }
        let name = decode(name, "name of a parameter")?;
        let value = decode(value, "value of a parameter")?;
        // What the JDBC driver writes; libpq takes it too.
        let (name, value) = if name == "ssl" && value == "true" {
            ("sslmode".to_owned(), "require".to_owned())
        } else {
            (name, value)
        };
        let lookup = look_up(&name, &value, &Origin::ConnectionString, may_be_shown, warnings)?;
        if let Lookup::Known(keyword) = lookup {
            found.push(Given {
                keyword,
                value,
                origin: Origin::ConnectionString,
                may_be_shown: may_be_shown && !keyword.is_secret(),
            });
        }
    }
    Ok(())
}

fn push(found: &mut Vec<Given>, keyword: Keyword, value: String) {
    if !value.is_empty() {
        found.push(Given {
            keyword,
            value,
            origin: Origin::ConnectionString,
            may_be_shown: false,
        });
    }
}

/// Decodes `%XX`. A plus sign stays one, as in libpq.
fn decode(text: &str, part: &'static str) -> Result<String, SettingsError> {
    let wrong = |problem| SettingsError::PercentEncoding { part, problem };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (Some(high), Some(low)) = (hex(rest.next()), hex(rest.next())) else {
            return Err(wrong(
                "a % is not followed by two hexadecimal digits; write % itself as %25",
            ));
        };
        match high * 16 + low {
            0 => return Err(wrong("%00 stands for a NUL byte, which no value may contain")),
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong("what it stands for is not UTF-8"))
}

fn hex(digit: Option<u8>) -> Option<u8> {
    let value = char::from(digit?).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outcome(url: &str) -> Result<Vec<(&'static str, String)>, String> {
        let text = without_scheme(url).expect("the tests hand in URLs");
        parse(text, &mut Vec::new())
            .map(|found| {
                found
                    .into_iter()
                    .map(|given| (given.keyword.name(), given.value))
                    .collect()
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn urls_are_taken_apart_as_libpq_does() {
        for (url, expected) in [
            ("postgres://", vec![]),
            ("postgresql://h", vec![("host", "h")]),
            ("postgres:///db", vec![("dbname", "db")]),
            ("postgres://u@", vec![("user", "u")]),
            ("postgres://u@h", vec![("user", "u"), ("host", "h")]),
            (
                "postgres://u:p@h:1/db",
                vec![
                    ("user", "u"),
                    ("password", "p"),
                    ("host", "h"),
                    ("port", "1"),
                    ("dbname", "db"),
                ],
            ),
            ("postgres://u:@h", vec![("user", "u"), ("host", "h")]),
            (
                "postgres://u:p:q@h",
                vec![("user", "u"), ("password", "p:q"), ("host", "h")],
            ),
            (
                "postgres://u:p?q#r@h",
                vec![("user", "u"), ("password", "p?q#r"), ("host", "h")],
            ),
            (
                "postgres://u:%40%2f@h",
                vec![("user", "u"), ("password", "@/"), ("host", "h")],
            ),
            ("postgres://[::1]:5433/", vec![("host", "::1"), ("port", "5433")]),
            ("postgres://[::1]", vec![("host", "::1")]),
            ("postgres://:5433", vec![("port", "5433")]),
            (
                "postgres://a:1,b,[::2]:3/db",
                vec![("host", "a,b,::2"), ("port", "1,,3"), ("dbname", "db")],
            ),
            ("postgres://%2Ftmp/db", vec![("host", "/tmp"), ("dbname", "db")]),
            (
                "postgres:///db?host=/tmp&port=1",
                vec![("dbname", "db"), ("host", "/tmp"), ("port", "1")],
            ),
            (
                "postgres://h?sslmode=require",
                vec![("host", "h"), ("sslmode", "require")],
            ),
            ("postgres://h/?ssl=true", vec![("host", "h"), ("sslmode", "require")]),
            ("postgres://h/a+b", vec![("host", "h"), ("dbname", "a+b")]),
            ("postgres://h/a/b", vec![("host", "h"), ("dbname", "a/b")]),
            ("postgres://h/?", vec![("host", "h")]),
            (
                "postgres://h/?options=-csearch_path%3Dapp",
                vec![("host", "h"), ("options", "-csearch_path=app")],
            ),
        ] {
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(name, value)| (name, value.to_owned()))
                .collect();
            assert_eq!(outcome(url), Ok(expected), "{url}");
        }
    }

    #[test]
    fn mangled_urls_are_refused_without_repeating_them() {
        for (url, words) in [
            ("postgres://u:s3@cret@h/db", "write @ as %40"),
            ("postgres://u@server:s3cret@h/db", "write @ as %40"),
            ("postgres://u:s3/cret@h/db", "write @ as %40"),
            ("postgres://u:s3%zzcret@h/db", "in the password"),
            ("postgres://u:s3%", "in the port"),
            ("postgres://u:s3%00cret@h", "NUL"),
            ("postgres://u:s3%ffcret@h", "not UTF-8"),
            ("postgres://u:s3 cret@h", "write a space as %20"),
            ("postgres://u:1/s3?cret@h/db", "has no equals sign"),
            ("postgres://u:1/s3?cret=x@h/db", "(not shown"),
            ("postgres://[::1/db", "never closed"),
            ("postgres://[]/db", "no address"),
            ("postgres://[::1]x/db", "only a port"),
            ("postgres://h/?sslmode", "no equals sign"),
            ("postgres://h/?sslmode=a=b", "two equals signs"),
            ("postgres://h/?sslmod=require", "did you mean sslmode?"),
        ] {
            let message = outcome(url).expect_err(url);
            assert!(message.contains(words), "{url}: {message}");
            assert!(!message.contains("s3") && !message.contains("cret"), "{url}: {message}");
        }
    }

    proptest! {
        #[test]
        fn any_password_survives_encoding(password in "[^\\x00]+") {
            let encoded = password.bytes().fold(String::new(), |text, byte| format!("{text}%{byte:02x}"));
            let found = outcome(&format!("postgres://u:{encoded}@h/db")).expect("it is encoded");
            prop_assert_eq!(&found[1], &("password", password));
        }

        #[test]
        fn no_url_panics(text in "[a-z0-9%@:/?&=,\\[\\]é]*") {
            let _ = parse(&text, &mut Vec::new());
        }
    }
}
