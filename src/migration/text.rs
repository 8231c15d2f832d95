//! The text of a migration as it is hashed and run, with the way back to the lines of its file.

use std::borrow::Cow;

use super::checksum::{Checksum, TokenChecksum};
use crate::script::{Position, Span};

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A migration's script: UTF-8 without byte-order mark, LF line ends, only the part that is to be run.
///
/// Its checksum is the sha256 of exactly these bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    sql: String,
    /// Where the script comes from, in order; the first piece starts at offset 0.
    origins: Vec<Origin>,
}

/// The start of a piece of script and the line of the file it was cut from. Pieces start at the beginning of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Origin {
    offset: usize,
    line: usize,
}

impl Text {
    /// Joins normalised pieces of a file, each with the line of the file on which it starts.
    pub(super) fn from_pieces<'a>(pieces: impl IntoIterator<Item = (usize, &'a str)>) -> Self {
        let mut text = Self {
            sql: String::new(),
            origins: Vec::new(),
        };
        for (line, piece) in pieces {
            text.origins.push(Origin {
                offset: text.sql.len(),
                line,
            });
            text.sql.push_str(piece);
        }
        text
    }

    /// Returns the script.
    pub fn as_str(&self) -> &str {
        &self.sql
    }

    /// Returns the span of the whole script.
    pub fn all(&self) -> Span {
        Span {
            start: 0,
            end: self.sql.len(),
        }
    }

    /// Returns the script, giving up the way back to the file.
    pub fn into_string(self) -> String {
        self.sql
    }

    /// Returns the checksum of the script.
    pub fn checksum(&self) -> Checksum {
        Checksum::of_pieces([self.sql.as_str()])
    }

    /// Returns the token checksum of the script.
    pub fn token_checksum(&self) -> TokenChecksum {
        TokenChecksum::of(&self.sql)
    }

    /// Returns the line of the file on which the script starts, from 1.
    pub fn first_line(&self) -> usize {
        self.origins.first().map_or(1, |origin| origin.line)
    }

    /// Returns the place in the file for a byte offset into the script; an offset past the end means the end.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.sql.len());
        let origin = self.origins.iter().rev().find(|origin| origin.offset <= offset);
        let origin = origin.copied().unwrap_or(Origin { offset: 0, line: 1 });
        let within = Position::of(&self.sql[origin.offset..], offset - origin.offset);
        Position {
            line: origin.line - 1 + within.line,
            column: within.column,
        }
    }
}

/// Returns the text without byte-order mark and with LF line ends, without copying where it is so already.
///
/// A carriage return that does not stand before a line feed stays: it may be inside a string. Several before one line feed count
/// as one, and so do several marks, so that doing it twice changes nothing.
pub(super) fn normalise(text: &[u8]) -> Cow<'_, [u8]> {
    let mut rest = text;
    while let Some(after) = rest.strip_prefix(BYTE_ORDER_MARK) {
        rest = after;
    }
    let Some(first) = memchr::memchr(b'\r', rest) else {
        return Cow::Borrowed(rest);
    };
    let mut normal = Vec::with_capacity(rest.len());
    normal.extend_from_slice(&rest[..first]);
    rest = &rest[first..];
    while let Some(at) = memchr::memchr(b'\r', rest) {
        normal.extend_from_slice(&rest[..at]);
        let run = rest[at..].iter().take_while(|byte| **byte == b'\r').count();
        if rest.get(at + run) != Some(&b'\n') {
            normal.extend_from_slice(&rest[at..at + run]);
        }
        rest = &rest[at + run..];
    }
    normal.extend_from_slice(rest);
    Cow::Owned(normal)
}

/// Does the same to text; removing carriage returns and marks leaves UTF-8 as it was.
pub(super) fn normalise_str(text: &str) -> Cow<'_, str> {
    match normalise(text.as_bytes()) {
        Cow::Borrowed(bytes) => Cow::Borrowed(&text[text.len() - bytes.len()..]),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).expect("only ASCII and whole marks were removed")),
    }
}

/// Returns the number of line feeds.
pub(super) fn count_lines(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn normalises_line_ends_and_marks() {
        for (raw, normal) in [
            ("", ""),
            ("a\nb", "a\nb"),
            ("a\r\nb\r\n", "a\nb\n"),
            ("\u{feff}a\n", "a\n"),
            ("\u{feff}\u{feff}a\r\n", "a\n"),
            ("a\rb", "a\rb"),
            ("a\r\r\nb\r", "a\nb\r"),
            ("a\u{feff}b", "a\u{feff}b"),
            ("\r\n\r\n", "\n\n"),
        ] {
            assert_eq!(normalise_str(raw), normal, "{raw:?}");
        }
    }

    #[test]
    fn positions_lead_back_to_the_file() {
        let text = Text::from_pieces([(3, "SELECT 1;\nSELECT é, x;\n"), (20, "SELECT 2;\n"), (30, "a")]);
        let at = |needle: &str| {
            let place = text.position(text.as_str().find(needle).unwrap());
            (place.line, place.column)
        };
        assert_eq!(at("SELECT 1"), (3, 1));
        assert_eq!(at("x;"), (4, 11));
        assert_eq!(at("SELECT 2"), (20, 1));
        assert_eq!(at("a"), (30, 1));
        assert_eq!(text.position(usize::MAX), Position { line: 30, column: 2 });
        assert_eq!(text.first_line(), 3);
        assert_eq!(Text::from_pieces([]).position(0), Position { line: 1, column: 1 });
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "[\u{feff}aé\r\n]{0,40}") {
            let once = normalise_str(&text).into_owned();
            prop_assert_eq!(normalise_str(&once), once.as_str());
            prop_assert!(!once.contains("\r\n"));
        }

        #[test]
        fn every_offset_has_a_position(text in "[aé\n]{0,40}", offset in 0_usize..60) {
            let text = Text::from_pieces([(1, text.as_str())]);
            let place = text.position(offset);
            prop_assert!(place.line >= 1 && place.column >= 1);
        }
    }
}
