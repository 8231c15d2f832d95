//! What other tools' ledgers keep about a file, each as its tool computes it: pure functions of names and text, but for Drizzle's journal.
//!
//! Read from the tools' sources; the test vectors were made with the tools or with independent implementations of the hashes.

pub mod atlas;
pub mod drizzle;
pub mod flyway;
pub mod graphile;
pub mod postgres_migrations;
pub mod prisma;
pub mod refinery;
pub mod sqitch;
pub mod sqlx;
pub mod supabase;

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        write!(text, "{byte:02x}").expect("a String can be written to");
    }
    text
}

/// Returns the forms that one file takes on its way through editors and git: as it is, with LF and with CRLF line ends, each also
/// without byte-order mark. A tool has hashed one of them.
pub(super) fn forms(raw: &str) -> Vec<Cow<'_, str>> {
    let mut forms: Vec<Cow<'_, str>> = vec![Cow::Borrowed(raw)];
    let bare = raw.strip_prefix('\u{feff}');
    let lf = raw.replace("\r\n", "\n");
    let crlf = lf.replace('\n', "\r\n");
    forms.extend([Cow::Owned(lf), Cow::Owned(crlf)]);
    if let Some(bare) = bare {
        forms.extend(self::forms(bare));
    }
    let mut seen = 0;
    while seen < forms.len() {
        if forms[..seen].contains(&forms[seen]) {
            forms.remove(seen);
        } else {
            seen += 1;
        }
    }
    forms
}

#[cfg(test)]
pub(super) mod vectors {
    /// The text of the test vectors.
    pub const LF: &str = "CREATE TABLE t (id int);\n";
    /// The same with a CRLF line end.
    pub const CRLF: &str = "CREATE TABLE t (id int);\r\n";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_few_forms() {
        assert_eq!(forms("a"), ["a"]);
        assert_eq!(forms("a\n"), ["a\n", "a\r\n"]);
        assert_eq!(forms("a\r\nb\n"), ["a\r\nb\n", "a\nb\n", "a\r\nb\r\n"]);
        assert_eq!(forms("\u{feff}a\n"), ["\u{feff}a\n", "\u{feff}a\r\n", "a\n", "a\r\n"]);
        assert_eq!(hex(&[0, 0xab]), "00ab");
    }
}
