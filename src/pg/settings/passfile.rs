//! The password file (manual, "The Password File").

use std::io;
use std::path::Path;

use secrecy::SecretString;

use super::values::{Endpoint, Host, is_usual_socket_directory};

/// What to look a password up by.
pub(super) struct Wanted<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) dbname: &'a str,
    pub(super) user: &'a str,
}

/// Returns the name under which the password file has a host: that of a usual socket directory is `localhost`.
pub(super) fn host_name(endpoint: &Endpoint) -> String {
    match &endpoint.host {
        Host::Tcp(name) => name.clone(),
        Host::Socket(directory) if is_usual_socket_directory(directory) => "localhost".to_owned(),
        Host::Socket(directory) => directory.to_string_lossy().into_owned(),
    }
}

/// Reads a password file, or nothing where there is none.
///
/// As in libpq nothing about this file is an error: one that others may read is passed over, and so is what is no plain
/// file or cannot be read. Each but the file that is not there gives a warning.
pub(super) fn read(path: &Path, warnings: &mut Vec<String>) -> Option<Vec<u8>> {
    let mut pass_over = |why: &str| {
        warnings.push(format!("the password file {} {why} and is passed over", path.display()));
        None
    };
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => return pass_over(&format!("cannot be looked at ({error})")),
    };
    if !metadata.is_file() {
        return pass_over("is not a plain file");
    }
    if is_open_to_others(&metadata) {
        return pass_over("may be read by others (chmod 0600 would cure that)");
    }
    match std::fs::read(path) {
        Ok(content) => Some(content),
        Err(error) => pass_over(&format!("cannot be read ({error})")),
    }
}

#[cfg(unix)]
fn is_open_to_others(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

/// Returns the password of the first line which matches.
pub(super) fn find(content: &[u8], wanted: &Wanted<'_>) -> Option<SecretString> {
    let port = wanted.port.to_string();
    let fields = [wanted.host, &port, wanted.dbname, wanted.user];
    content
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.starts_with(b"#"))
        .filter_map(|line| std::str::from_utf8(line).ok())
        .find_map(|line| password_in(line, &fields))
        .map(SecretString::from)
}

fn password_in(line: &str, wanted: &[&str; 4]) -> Option<String> {
    let mut rest = line;
    for expected in wanted {
        let (field, after) = split_field(rest);
        let after = after?;
        let is_wildcard = rest.starts_with("*:");
        if !is_wildcard && field != *expected {
            return None;
        }
        rest = after;
    }
    let (password, _) = split_field(rest);
    (!password.is_empty()).then_some(password)
}

/// Returns the text up to the next colon, with a backslash taking the next character literally, and what follows the colon.
fn split_field(text: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut characters = text.char_indices();
    while let Some((offset, character)) = characters.next() {
        match character {
            ':' => return (field, Some(&text[offset + 1..])),
            '\\' => match characters.next() {
                Some((_, escaped)) => field.push(escaped),
                None => field.push('\\'),
            },
            _ => field.push(character),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn password(content: &str) -> Option<String> {
        let wanted = Wanted {
            host: "db.example",
            port: 5432,
            dbname: "a:b",
            user: "us\\er",
        };
        find(content.as_bytes(), &wanted).map(|secret| secret.expose_secret().to_owned())
    }

    #[test]
    fn the_first_line_that_matches_wins() {
        for (content, expected) in [
            ("", None),
            ("db.example:5432:a\\:b:us\\\\er:p", Some("p")),
            ("db.example:5432:a:b:us\\\\er:p", None),
            ("*:*:*:*:p", Some("p")),
            ("*:*:*:*:p\r\n", Some("p")),
            ("*:*:*:*:p\\:q\\\\", Some("p:q\\")),
            ("*:*:*:*:p:q", Some("p")),
            ("#*:*:*:*:p", None),
            ("\n\n*:*:*:*:p\n*:*:*:*:q\n", Some("p")),
            ("other:*:*:*:p\ndb.example:*:*:*:q", Some("q")),
            ("*:5433:*:*:p", None),
            ("*:*:*:p", None),
            ("\\*:*:*:*:p", None),
            ("*x:*:*:*:p", None),
            ("*:*:*:*:", None),
            ("*:*:*:*:pässwörd", Some("pässwörd")),
        ] {
            assert_eq!(password(content).as_deref(), expected, "{content:?}");
        }
    }

    #[test]
    fn a_line_that_is_not_utf8_does_not_hide_the_next() {
        let wanted = Wanted {
            host: "h",
            port: 1,
            dbname: "d",
            user: "u",
        };
        let found = find(b"*:*:*:*:\xff\n*:*:*:*:p", &wanted).expect("the second line matches");
        assert_eq!(found.expose_secret(), "p");
    }
}
