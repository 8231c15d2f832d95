//! The two ways of writing down how a server is reached.

use std::fmt::Write as _;

/// Quotes a value for a connection string (manual, "Keyword/Value Connection Strings").
pub(super) fn quoted(value: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "/._-".contains(it);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// Encodes all but the unreserved characters of RFC 3986.
pub(super) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes everything");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_as_libpq_wants_them() {
        for (value, expected) in [
            ("postgres", "postgres"),
            ("/tmp/rlsctl-1", "/tmp/rlsctl-1"),
            ("", "''"),
            ("a b", "'a b'"),
            (r"it's a \", r"'it\'s a \\'"),
            ("naïve", "'naïve'"),
        ] {
            assert_eq!(quoted(value), expected);
        }
        assert_eq!(percent_encoded("/tmp/a b?é"), "%2Ftmp%2Fa%20b%3F%C3%A9");
    }
}
