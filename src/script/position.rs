//! Offsets into a text as lines and columns.

use std::fmt;

use super::Span;

/// A place in a text as people and editors count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, counted from 1. A line feed, a carriage return, or both together end a line.
    pub line: usize,
    /// The column, counted from 1 in characters. A byte-order mark at the start takes no column.
    pub column: usize,
}

impl Position {
    /// Returns the position of the character that holds byte `byte`; past the end, that of the end.
    pub fn of(text: &str, byte: usize) -> Self {
        let before = &text[..floor_boundary(text, byte)];
        let bytes = text.as_bytes();
        let mut line = 1;
        let mut line_start = 0;
        for (at, &b) in before.as_bytes().iter().enumerate() {
            // The carriage return of a pair is still on its line; the line feed ends it.
            if b == b'\n' || (b == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
                line += 1;
                line_start = at + 1;
            }
        }
        let column = before[line_start..]
            .chars()
            .filter(|&c| c != BYTE_ORDER_MARK || line > 1)
            .count();
        Self {
            line,
            column: column + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The character that some editors put before the first one of a file.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Returns the line that holds byte `byte`, without its line end and without a byte-order mark.
pub fn line_at(text: &str, byte: usize) -> &str {
    let at = floor_boundary(text, byte);
    let bytes = text.as_bytes();
    // Pointing at the line feed of a pair means the line which that pair ends.
    let from = if bytes.get(at) == Some(&b'\n') && at > 0 && bytes[at - 1] == b'\r' {
        at - 1
    } else {
        at
    };
    let start = text[..from].rfind(['\n', '\r']).map_or(0, |end| end + 1);
    let end = text[from..].find(['\n', '\r']).map_or(text.len(), |len| from + len);
    let line = Span::new(start, end).slice(text);
    if start == 0 {
        line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line)
    } else {
        line
    }
}

/// Returns the byte where character number `chars` starts, counted from 1.
///
/// The server reports error positions this way (protocol field `P`). Past the end, and for 0, the
/// nearest place that exists is returned.
pub fn byte_of_char(text: &str, chars: usize) -> usize {
    text.char_indices()
        .nth(chars.saturating_sub(1))
        .map_or(text.len(), |(byte, _)| byte)
}

/// Returns the largest character boundary that is not after `byte`.
fn floor_boundary(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_lines_by_every_line_end() {
        let text = "a\nb\r\nc\rd";
        let cases = [
            (0, 1, 1),
            (1, 1, 2),
            (2, 2, 1),
            (3, 2, 2),
            (4, 2, 3),
            (5, 3, 1),
            (7, 4, 1),
            (8, 4, 2),
            (99, 4, 2),
        ];
        for (byte, line, column) in cases {
            assert_eq!(Position::of(text, byte), Position { line, column }, "byte {byte}");
        }
    }

    #[test]
    fn counts_columns_in_characters() {
        let text = "\u{feff}\u{e4}\u{1f600}x";
        assert_eq!(Position::of(text, 0), Position { line: 1, column: 1 });
        assert_eq!(Position::of(text, 3), Position { line: 1, column: 1 });
        assert_eq!(Position::of(text, 5), Position { line: 1, column: 2 });
        assert_eq!(
            Position::of(text, 6),
            Position { line: 1, column: 2 },
            "inside a character"
        );
        assert_eq!(Position::of(text, 9), Position { line: 1, column: 3 });
        assert_eq!(Position { line: 3, column: 7 }.to_string(), "3:7");
    }

    #[test]
    fn gives_the_line_without_its_end() {
        let text = "\u{feff}one\r\ntwo\rthree\n";
        for (byte, line) in [
            (0, "one"),
            (4, "one"),
            (6, "one"),
            (7, "one"),
            (8, "two"),
            (11, "two"),
            (12, "three"),
            (18, ""),
            (99, ""),
        ] {
            assert_eq!(line_at(text, byte), line, "byte {byte}");
        }
    }

    #[test]
    fn finds_the_byte_of_a_character() {
        let text = "a\u{e4}b";
        for (chars, byte) in [(0, 0), (1, 0), (2, 1), (3, 3), (4, 4), (50, 4)] {
            assert_eq!(byte_of_char(text, chars), byte);
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_agrees_with_itself(text in "(?s)[a\u{e4}\r\n\u{feff}]{0,20}", byte in 0_usize..40) {
            let position = Position::of(&text, byte);
            prop_assert!(position.column <= line_at(&text, byte).chars().count() + 2);
            let start = floor_boundary(&text, byte);
            let chars = text[..start].chars().count();
            prop_assert_eq!(byte_of_char(&text, chars + 1), start);
        }
    }
}
