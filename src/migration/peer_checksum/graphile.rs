//! graphile-migrate: sha1 over the hash before it and the body (`src/hash.ts`, `src/migration.ts`).

use sha1::{Digest as _, Sha1};

use super::{forms, hex};

/// Returns the text behind the `--! Key: value` lines at its start.
pub fn body(text: &str) -> &str {
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        if header(line).is_none() {
            break;
        }
        rest = after;
    }
    rest
}

/// Reads a header line: a key that begins with a capital letter, perhaps with a value.
fn header(line: &str) -> Option<(&str, &str)> {
    let header = line.trim_end_matches('\r').strip_prefix("--! ")?;
    let (key, value) = header.split_once(':').unwrap_or((header, ""));
    let is_key = key.starts_with(|c: char| c.is_ascii_uppercase())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_key.then_some((key, value.trim()))
}

/// Whether the file says that it was edited on purpose, and names `stored` as the hash that it keeps.
pub fn vouches(stored: &str, raw: &str) -> bool {
    let headers: Vec<_> = raw.split('\n').map_while(header).collect();
    headers.contains(&("Hash", stored)) && headers.iter().any(|(key, _)| *key == "AllowInvalidHash")
}

/// Returns the hash before a committed file's and its own, as its header has them; `None` without that header.
pub fn committed(raw: &str) -> Option<(Option<String>, String)> {
    let headers: Vec<_> = raw.split('\n').map_while(header).collect();
    let value = |key: &str| {
        headers
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| (*value).to_owned())
    };
    let previous = value("Previous")?;
    Some(((previous != "-").then_some(previous), value("Hash")?))
}

/// What JavaScript's `trim` takes away.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() && c != '\u{85}' || c == '\u{feff}')
}

/// Returns the hash of a migration's body behind the hash of the one before it, or behind none.
pub fn checksum(previous: Option<&str>, body: &str) -> String {
    let text = format!("{}\n{}", previous.unwrap_or_default(), trim(body));
    format!("sha1:{}", hex(&Sha1::digest(format!("{}\n", trim(&text)).as_bytes())))
}

/// Whether `stored` is the hash of the file behind `previous`.
pub fn matches(stored: &str, previous: Option<&str>, raw: &str) -> bool {
    forms(raw).iter().any(|form| checksum(previous, body(form)) == stored)
}

#[cfg(test)]
mod tests {
    use super::super::vectors::{CRLF, LF};
    use super::*;

    const FIRST: &str = "sha1:9d425143f6c0084d58f4289ec9a78d367155bf76";
    const SECOND: &str = "sha1:64d56a65eccdffdbdccbc3c0d72df158d8bff99b";

    #[test]
    fn vectors() {
        assert_eq!(checksum(None, LF), FIRST);
        assert_eq!(checksum(Some(FIRST), "ALTER TABLE t ADD x int;\n"), SECOND);
    }

    #[test]
    fn the_hashes_of_a_committed_file_are_in_its_header() {
        let text = format!("--! Previous: -\n--! Hash: {FIRST}\n\nselect 1;\n--! Hash: sha1:cd\n");
        assert_eq!(committed(&text), Some((None, FIRST.to_owned())));
        let text = format!("--! Previous: {FIRST}\r\n--! Hash: {SECOND}\r\n--! Message: x\r\n\r\nselect 1;\r\n");
        assert_eq!(committed(&text), Some((Some(FIRST.to_owned()), SECOND.to_owned())));
        assert_eq!(committed("select 1;\n--! Hash: sha1:cd\n"), None);
    }

    #[test]
    fn the_header_does_not_count() {
        let file = format!(
            "--! Previous: {FIRST}\n--! Hash: {SECOND}\n--! Message: more\n--! AllowInvalidHash\n\nALTER TABLE t ADD x int;\n\n"
        );
        assert!(matches(SECOND, Some(FIRST), &file));
        assert!(matches(SECOND, Some(FIRST), &file.replace('\n', "\r\n")));
        assert!(!matches(SECOND, None, &file));
        assert!(matches(
            FIRST,
            None,
            &format!("--! Previous: -\n--! Hash: {FIRST}\n\n{CRLF}")
        ));
        assert!(vouches(SECOND, &file) && !vouches(FIRST, &file));
        assert!(!vouches(SECOND, &file.replace("--! AllowInvalidHash\n", "")));
        assert_eq!(body("--! no-transaction\nA;\n"), "--! no-transaction\nA;\n");
        assert_eq!(body("--!include a.sql\nA;\n"), "--!include a.sql\nA;\n");
    }
}
