//! The normal form of a text: what is left when comments, white space and letter case are gone.
//!
//! The token checksum is taken over it, so it is a format: it must never change. See [`hash_tokens`].

use super::copy::CopyData;
use super::lexer::Lexer;
use super::statement_end::{Role, StatementEnd};
use super::{Token, TokenKind, tokens};

/// Feeds the normal form of a text to `sink`, in blocks of arbitrary size.
///
/// The text must have LF line ends: those inside quotes and COPY data count. The normal form is a row of
/// records, one a token: one byte for the kind, the length of the bytes as a 32-bit little-endian
/// number, the bytes.
///
/// | kind | token | bytes |
/// | --- | --- | --- |
/// | `w` | word outside quotes | ASCII letters in lower case |
/// | `"` | quoted identifier | as written, with quotes; the prefix `U&` in lower case |
/// | `'` | string | as written, with quotes; the prefix in lower case |
/// | `+` | string that goes on one from an earlier line | as written, with quotes |
/// | `$` | dollar-quoted string | as written, with both tags |
/// | `0` | number | as written |
/// | `p` | parameter | as written |
/// | `o` | operator, by the server's rule of the longest match | as written |
/// | `.` | punctuation | as written |
/// | `;` | semicolon | none |
/// | `\` | psql command | as written, from the backslash to the end of the line |
/// | `d` | COPY data | as written, without the line `\.` |
/// | `x` | anything else | as written |
/// | `!` | something that is opened and not closed | as written, to the end of the text |
///
/// White space, comments and a byte-order mark give no record. A semicolon that ends a statement gives
/// one only when a token of another statement follows, and none when it ends nothing. So two texts with the same normal
/// form hold the same statements; texts with different ones may still mean the same (`a != b`, `a <> b`).
pub fn hash_tokens(text: &str, sink: &mut impl FnMut(&[u8])) {
    let mut writer = Writer {
        buffer: [0; BUFFER],
        len: 0,
        sink,
    };
    let mut lexer = Lexer::new(text);
    let mut statement = StatementEnd::default();
    // A semicolon is written late, so that the last one does not count.
    let mut ended = false;
    while let Some(token) = lexer.next() {
        let role = statement.feed(text, token);
        if ended && matches!(role, Role::Part | Role::MetaCommand) {
            writer.record(b';', &[]);
            ended = false;
        }
        match role {
            Role::Blank | Role::Stray => {}
            Role::Part | Role::MetaCommand => write_token(&mut writer, text, token),
            Role::End => ended = true,
            Role::EndBeforeData => {
                let copy = CopyData::after(text, token.span.end);
                ended = !write_copy_data(&mut writer, text, &copy);
                lexer.seek(copy.end);
            }
        }
    }
    writer.flush();
}

fn write_token(writer: &mut Writer<'_, impl FnMut(&[u8])>, text: &str, token: Token) {
    let bytes = token.span.slice(text).as_bytes();
    match token.kind {
        TokenKind::Space | TokenKind::LineComment | TokenKind::BlockComment => {}
        TokenKind::Word => writer.folded(b'w', bytes, bytes.len()),
        TokenKind::QuotedIdent => writer.folded(b'"', bytes, prefix(bytes)),
        TokenKind::String => writer.folded(b'\'', bytes, prefix(bytes)),
        TokenKind::StringContinued => writer.record(b'+', bytes),
        TokenKind::DollarString => writer.record(b'$', bytes),
        TokenKind::Number => writer.record(b'0', bytes),
        TokenKind::Param => writer.record(b'p', bytes),
        TokenKind::Operator => writer.record(b'o', bytes),
        TokenKind::Punctuation => writer.record(b'.', bytes),
        TokenKind::Semicolon => writer.record(b';', &[]),
        TokenKind::MetaCommand => writer.record(b'\\', bytes),
        TokenKind::Other => writer.record(b'x', bytes),
        TokenKind::Unterminated(_) => writer.record(b'!', bytes),
    }
}

/// Returns the length of what stands before the opening quote.
fn prefix(bytes: &[u8]) -> usize {
    bytes.iter().position(|b| matches!(b, b'\'' | b'"')).unwrap_or(0)
}

/// Writes the data after a COPY, and before it the semicolon of that statement. Says whether there was any.
///
/// Text that [`super::split`] would refuse, on the line of the statement, counts as it is.
fn write_copy_data(writer: &mut Writer<'_, impl FnMut(&[u8])>, text: &str, copy: &CopyData) -> bool {
    let rest = copy.rest_of_line.slice(text);
    let stray = tokens(rest).any(|token| !token.kind.is_blank());
    if !stray && copy.data.is_empty() {
        return false;
    }
    writer.record(b';', &[]);
    if stray {
        writer.record(b'x', rest.as_bytes());
    }
    writer.record(b'd', copy.data.slice(text).as_bytes());
    true
}

const BUFFER: usize = 1024;

/// Gathers small writes: most tokens are shorter than the price of a call into a hash.
struct Writer<'a, F> {
    buffer: [u8; BUFFER],
    len: usize,
    sink: &'a mut F,
}

impl<F: FnMut(&[u8])> Writer<'_, F> {
    fn record(&mut self, kind: u8, bytes: &[u8]) {
        self.folded(kind, bytes, 0);
    }

    /// Writes a record whose first `fold` bytes go in lower case.
    fn folded(&mut self, kind: u8, bytes: &[u8], fold: usize) {
        self.put(&[kind]);
        // A token of 4 GiB does not fit into a text that a server takes.
        self.put(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        let (folded, rest) = bytes.split_at(fold.min(bytes.len()));
        for part in folded.chunks(64) {
            let mut lower = [0; 64];
            let lower = &mut lower[..part.len()];
            lower.copy_from_slice(part);
            lower.make_ascii_lowercase();
            self.put(lower);
        }
        self.put(rest);
    }

    fn put(&mut self, bytes: &[u8]) {
        if bytes.len() > BUFFER - self.len {
            self.flush();
        }
        if bytes.len() > BUFFER {
            (self.sink)(bytes);
            return;
        }
        self.buffer[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn flush(&mut self) {
        if self.len > 0 {
            (self.sink)(&self.buffer[..self.len]);
            self.len = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal_form(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        hash_tokens(text, &mut |block| bytes.extend_from_slice(block));
        bytes
    }

    /// Returns a record as the format says it is.
    fn record(kind: u8, text: &str) -> Vec<u8> {
        let len = u32::try_from(text.len()).unwrap().to_le_bytes();
        [&[kind][..], &len, text.as_bytes()].concat()
    }

    #[test]
    fn the_format_is_what_it_was() {
        let text = "\u{feff}Select U&\"a\" , 'B' -- c\n'D', E'e', $x$ F $x$, 1E5, $1 <- 2; \\Gexec A\ncopy T from stdin;\n1\tA\n\\.\n";
        let expected = [
            record(b'w', "select"),
            record(b'"', "u&\"a\""),
            record(b'.', ","),
            record(b'\'', "'B'"),
            record(b'+', "'D'"),
            record(b'.', ","),
            record(b'\'', "e'e'"),
            record(b'.', ","),
            record(b'$', "$x$ F $x$"),
            record(b'.', ","),
            record(b'0', "1E5"),
            record(b'.', ","),
            record(b'p', "$1"),
            record(b'o', "<"),
            record(b'o', "-"),
            record(b'0', "2"),
            record(b';', ""),
            record(b'\\', "\\Gexec A"),
            record(b'w', "copy"),
            record(b'w', "t"),
            record(b'w', "from"),
            record(b'w', "stdin"),
            record(b';', ""),
            record(b'd', "1\tA\n"),
        ];
        assert_eq!(normal_form(text), expected.concat());
        assert_eq!(normal_form("{ 'a"), [record(b'x', "{"), record(b'!', "'a")].concat());
        assert!(normal_form(" ;; -- nothing\n ; ").is_empty());
    }

    #[test]
    fn what_does_not_count_does_not_count() {
        for (one, other) in [
            ("select 1", " SELECT\t/* x */ 1 ; -- y"),
            ("a<-1", "a < - 1"),
            ("a;b", ";;a;;\n;b;;"),
            ("'a'\n'b'", "'a' -- c\n\n\n  'b'"),
            ("\u{feff}a", "a"),
            ("copy t from stdin", "copy t from stdin;\n\\.\n"),
            (
                "copy t from stdin;\n1\n\\.\nb",
                "COPY t FROM STDIN; -- x\n1\n\\.\n;; b;",
            ),
            (
                "create function f() begin atomic select 1; end",
                "CREATE FUNCTION f ( ) BEGIN ATOMIC SELECT 1 ; END;",
            ),
        ] {
            assert_eq!(normal_form(one), normal_form(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn what_counts_counts() {
        for (one, other) in [
            ("'a'", "'A'"),
            ("'a '", "'a'"),
            ("\"a\"", "a"),
            ("\"a\"", "\"A\""),
            ("'a''b'", "'a' 'b'"),
            ("'a'\n'b'", "'a' 'b'"),
            ("'a'\n'b'", "'ab'"),
            ("$$a$$", "$x$a$x$"),
            ("$$ a $$", "$$a$$"),
            ("E'a'", "'a'"),
            ("e 'a'", "e'a'"),
            ("a b", "ab"),
            ("1 a", "1a"),
            ("a - - b", "a --b"),
            ("a < = b", "a <= b"),
            ("a;b", "a b"),
            ("(a;b)", "(a b)"),
            ("(a;;b)", "(a;b)"),
            ("\\echo a", "\\echo A"),
            ("copy t from stdin;\nA\n", "copy t from stdin;\na\n"),
            ("copy t from stdin;\n-- a\n", "copy t from stdin;\n"),
            ("copy t from stdin;a\nb", "copy t from stdin;\nb"),
            ("\u{e4}", "\u{c4}"),
        ] {
            assert_ne!(normal_form(one), normal_form(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn long_tokens_pass_through_the_buffer_whole() {
        for len in [1, 63, 64, 65, BUFFER - 5, BUFFER, BUFFER + 1, 5 * BUFFER] {
            let word = "Ab".repeat(len.div_ceil(2))[..len].to_owned();
            assert_eq!(normal_form(&word), record(b'w', &word.to_lowercase()), "{len}");
            let string = format!("'{word}'");
            assert_eq!(normal_form(&string), record(b'\'', &string), "{len}");
        }
    }
}
