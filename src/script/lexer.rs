//! The server's lexer, by hand: one pass, no allocation.

use super::position::BYTE_ORDER_MARK;
use super::{Span, Token, TokenKind, Unterminated};

/// Yields the tokens of a text. The position can be moved, for COPY data.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    continuation: Continuation,
}

/// Whether a quote that comes next goes on an earlier string.
///
/// Literals with nothing but white space and line comments between them are one literal, if there is
/// a line end among these. An `E` string stays one, so its backslashes go on being escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Continuation {
    No,
    AfterString(Quoting),
    AfterLineEnd(Quoting),
}

/// What stands for what between quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quoting {
    /// A doubled quote is a quote.
    Doubled,
    /// A doubled quote is a quote, and a backslash takes the next character as it is.
    Escapes,
    /// Nothing: a bit string ends at the next quote, even if another follows.
    Bits,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            continuation: Continuation::No,
        }
    }

    /// Goes on at another byte, which must be a character boundary.
    pub(super) fn seek(&mut self, at: usize) {
        self.at = at;
        self.continuation = Continuation::No;
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Returns the kind and the length of the token that starts here.
    fn measure(&self) -> (TokenKind, usize) {
        let first = self.peek(0);
        match first {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => (TokenKind::Space, run(self.rest(), is_space)),
            0xef if self.at == 0 && self.text.starts_with(BYTE_ORDER_MARK) => {
                (TokenKind::Space, BYTE_ORDER_MARK.len_utf8())
            }
            b'-' if self.peek(1) == b'-' => (TokenKind::LineComment, run(self.rest(), |b| !is_line_end(b))),
            b'/' if self.peek(1) == b'*' => self.block_comment(),
            b'\'' => match self.continuation {
                Continuation::AfterLineEnd(quoting) => {
                    self.quoted(0, TokenKind::StringContinued, Unterminated::String, quoting)
                }
                _ => self.string(0, Quoting::Doubled),
            },
            b'"' => self.quoted(0, TokenKind::QuotedIdent, Unterminated::QuotedIdent, Quoting::Doubled),
            b'$' => self.dollar(),
            b'0'..=b'9' => (TokenKind::Number, number(self.rest())),
            b'.' if self.peek(1).is_ascii_digit() => (TokenKind::Number, number(self.rest())),
            b';' => (TokenKind::Semicolon, 1),
            b'\\' => self.backslash(),
            _ if is_ident_start(first) => self.word(),
            _ => self.symbol(first),
        }
    }

    fn word(&self) -> (TokenKind, usize) {
        match (self.peek(0), self.peek(1), self.peek(2)) {
            (b'e' | b'E', b'\'', _) => self.string(1, Quoting::Escapes),
            (b'b' | b'B' | b'x' | b'X', b'\'', _) => self.string(1, Quoting::Bits),
            (b'n' | b'N', b'\'', _) => self.string(1, Quoting::Doubled),
            (b'u' | b'U', b'&', b'\'') => self.string(2, Quoting::Doubled),
            (b'u' | b'U', b'&', b'"') => {
                self.quoted(2, TokenKind::QuotedIdent, Unterminated::QuotedIdent, Quoting::Doubled)
            }
            _ => (TokenKind::Word, run(self.rest(), is_ident_cont)),
        }
    }

    fn string(&self, prefix: usize, quoting: Quoting) -> (TokenKind, usize) {
        self.quoted(prefix, TokenKind::String, Unterminated::String, quoting)
    }

    /// Scans up to the closing quote. The opening one is the byte after the prefix.
    fn quoted(&self, prefix: usize, kind: TokenKind, open: Unterminated, quoting: Quoting) -> (TokenKind, usize) {
        let rest = self.rest();
        let quote = self.peek(prefix);
        let mut at = prefix + 1;
        while let Some(&b) = rest.get(at) {
            if quoting == Quoting::Escapes && b == b'\\' {
                at += 2;
            } else if b != quote {
                at += 1;
            } else if quoting != Quoting::Bits && rest.get(at + 1) == Some(&quote) {
                at += 2;
            } else {
                return (kind, at + 1);
            }
        }
        (TokenKind::Unterminated(open), rest.len())
    }

    /// Scans `$1`, `$tag$...$tag$`, or a lone `$`.
    fn dollar(&self) -> (TokenKind, usize) {
        let rest = self.rest();
        let digits = run(&rest[1..], |b| b.is_ascii_digit());
        if digits > 0 {
            return (TokenKind::Param, 1 + digits + glued_letters(&rest[1 + digits..]));
        }
        let tag = if is_tag_start(self.peek(1)) {
            run(&rest[1..], is_tag_cont)
        } else {
            0
        };
        if rest.get(1 + tag) != Some(&b'$') {
            return (TokenKind::Other, 1);
        }
        let delimiter = &self.text[self.at..self.at + tag + 2];
        let body = self.at + delimiter.len();
        match self.text[body..].find(delimiter) {
            Some(len) => (TokenKind::DollarString, delimiter.len() + len + delimiter.len()),
            None => (TokenKind::Unterminated(Unterminated::DollarString), rest.len()),
        }
    }

    fn block_comment(&self) -> (TokenKind, usize) {
        let rest = self.rest();
        let mut depth = 0_usize;
        let mut at = 0;
        while let Some(pair) = rest.get(at..at + 2) {
            match pair {
                b"/*" => {
                    depth += 1;
                    at += 2;
                }
                b"*/" => {
                    depth -= 1;
                    at += 2;
                    if depth == 0 {
                        return (TokenKind::BlockComment, at);
                    }
                }
                _ => at += 1,
            }
        }
        (TokenKind::Unterminated(Unterminated::BlockComment), rest.len())
    }

    /// Scans a command to psql. `\;` and `\:` are not commands: psql puts the second character into the statement.
    fn backslash(&self) -> (TokenKind, usize) {
        match self.peek(1) {
            b';' | b':' => (TokenKind::Other, 2),
            _ => (TokenKind::MetaCommand, run(self.rest(), |b| !is_line_end(b))),
        }
    }

    fn symbol(&self, first: u8) -> (TokenKind, usize) {
        match (first, self.peek(1)) {
            (b':', b':' | b'=') | (b'.', b'.') => (TokenKind::Punctuation, 2),
            (b'(' | b')' | b'[' | b']' | b',' | b'.' | b':', _) => (TokenKind::Punctuation, 1),
            _ if is_operator(first) => (TokenKind::Operator, operator(self.rest())),
            // Control characters, braces and NUL are all one byte: other first bytes start a word.
            _ => (TokenKind::Other, 1),
        }
    }

    /// Keeps track of whether the next quote would continue a string.
    fn remember(&mut self, kind: TokenKind, span: Span) {
        use Continuation::{AfterLineEnd, AfterString, No};
        let bytes = &self.bytes[span.start..span.end];
        self.continuation = match (kind, self.continuation) {
            (TokenKind::String, _) => AfterString(match bytes[0] {
                b'e' | b'E' => Quoting::Escapes,
                b'b' | b'B' | b'x' | b'X' => Quoting::Bits,
                _ => Quoting::Doubled,
            }),
            (TokenKind::StringContinued, AfterLineEnd(quoting)) => AfterString(quoting),
            (TokenKind::Space, AfterString(quoting)) if bytes.iter().any(|&b| is_line_end(b)) => AfterLineEnd(quoting),
            (TokenKind::Space | TokenKind::LineComment, before) => before,
            _ => No,
        };
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let (kind, len) = self.measure();
        let span = Span::new(self.at, self.at + len);
        self.remember(kind, span);
        self.at = span.end;
        Some(Token { kind, span })
    }
}

/// Returns how many bytes from the start satisfy the test.
fn run(bytes: &[u8], test: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&b| !test(b)).unwrap_or(bytes.len())
}

pub(super) const fn is_line_end(b: u8) -> bool {
    matches!(b, b'\n' | b'\r')
}

const fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Every byte of a character outside ASCII may start a word, a no-break space too.
const fn is_ident_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

const fn is_ident_cont(b: u8) -> bool {
    is_ident_start(b) || b.is_ascii_digit() || b == b'$'
}

const fn is_tag_start(b: u8) -> bool {
    is_ident_start(b)
}

const fn is_tag_cont(b: u8) -> bool {
    is_ident_start(b) || b.is_ascii_digit()
}

const fn is_operator(b: u8) -> bool {
    matches!(
        b,
        b'~' | b'!'
            | b'@'
            | b'#'
            | b'^'
            | b'&'
            | b'|'
            | b'`'
            | b'?'
            | b'+'
            | b'-'
            | b'*'
            | b'/'
            | b'%'
            | b'<'
            | b'>'
            | b'='
    )
}

/// Returns the length of letters that stand right behind a number, where servers before 15 started a
/// new token and later ones report an error. Kept together, the two readings are not mixed up.
fn glued_letters(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(&b) if is_ident_start(b) => run(bytes, is_ident_cont),
        _ => 0,
    }
}

/// Returns the length of a number: `1`, `1.`, `.5`, `1.5e-3`, and from 16 on `0xff` and `1_000`.
fn number(bytes: &[u8]) -> usize {
    let digit = |b: u8| b.is_ascii_digit() || b == b'_';
    let mut at = run(bytes, digit);
    // In `1..10` the dots are a token of their own.
    if bytes.get(at) == Some(&b'.') && bytes.get(at + 1) != Some(&b'.') {
        at += 1;
        at += run(&bytes[at..], digit);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let digits = run(&bytes[(at + 1 + sign).min(bytes.len())..], digit);
        if digits > 0 {
            at += 1 + sign + digits;
        }
    }
    at + glued_letters(&bytes[at..])
}

/// Returns the length of the operator that starts here.
///
/// A comment start ends it, and so does a trailing `+` or `-`, unless the operator holds a character
/// that no operator of standard SQL does (manual, section 4.1.3).
fn operator(bytes: &[u8]) -> usize {
    let window = &bytes[..bytes.len().min(LONGEST_OPERATOR)];
    let mut len = run(window, is_operator);
    if let Some(comment) = window[..len].windows(2).position(|pair| pair == b"--" || pair == b"/*") {
        len = comment;
    }
    let unusual = |b: &u8| matches!(b, b'~' | b'!' | b'@' | b'#' | b'^' | b'&' | b'|' | b'`' | b'?' | b'%');
    if len > 1 && !window[..len - 1].iter().any(unusual) {
        while len > 1 && matches!(window[len - 1], b'+' | b'-') {
            len -= 1;
        }
    }
    len
}

/// How far an operator is looked at. The server refuses one of 64 bytes or more; without a bound, a long
/// row of plus signs, each of them an operator, would be read over and over.
const LONGEST_OPERATOR: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use TokenKind::{
        BlockComment, DollarString, LineComment, MetaCommand, Number, Other, Param, QuotedIdent, Semicolon, Space,
        String, StringContinued, Word,
    };

    /// Returns the tokens that are not white space.
    fn kinds(text: &str) -> Vec<(TokenKind, &str)> {
        Lexer::new(text)
            .filter(|token| token.kind != Space)
            .map(|token| (token.kind, token.span.slice(text)))
            .collect()
    }

    #[test]
    fn every_kind_of_quote_ends_where_it_ends() {
        for (text, kind) in [
            ("'a''b'", String),
            (r"'a\'", String),
            (r"E'a\'b'", String),
            (r"e'\\'", String),
            ("N'a'", String),
            ("U&'a'", String),
            (r#"U&"a""#, QuotedIdent),
            (r#""a""b;""#, QuotedIdent),
            ("$$a$b;$$", DollarString),
            ("$a$ $b$ $$ $a1$ $a$", DollarString),
            ("$\u{e4}1$;$\u{e4}1$", DollarString),
            ("a$b$", Word),
            ("\u{a0}\u{e4}$1", Word),
            ("$12", Param),
            ("-- a /*", LineComment),
            ("/* -- /* ' */ ; */", BlockComment),
            ("/*/*/**/*/*/", BlockComment),
            (r"\gexec -- x", MetaCommand),
            (r"\;", Other),
            (r"\:", Other),
            ("\0", Other),
        ] {
            assert_eq!(kinds(text), [(kind, text)], "{text:?}");
        }
    }

    #[test]
    fn neighbours_are_told_apart() {
        assert_eq!(kinds("B'1'''"), [(String, "B'1'"), (String, "''")]);
        assert_eq!(
            kinds("1..2"),
            [(Number, "1"), (TokenKind::Punctuation, ".."), (Number, "2")]
        );
        assert_eq!(kinds("a--b\rc"), [(Word, "a"), (LineComment, "--b"), (Word, "c")]);
        assert_eq!(kinds("$1$$;$$"), [(Param, "$1"), (DollarString, "$$;$$")]);
        assert_eq!(kinds("$a;"), [(Other, "$"), (Word, "a"), (Semicolon, ";")]);
        assert_eq!(kinds("a\n\\x y\nb"), [(Word, "a"), (MetaCommand, "\\x y"), (Word, "b")]);
        assert_eq!(kinds("\u{feff}a\u{feff}"), [(Word, "a\u{feff}")]);
    }

    #[test]
    fn numbers_are_taken_whole() {
        for number in [
            "1", "1.", ".5", "1.5", "1e5", "1.5e-3", "1.e5", "0x1F", "0b01", "1_000.5", "12abc", "1e",
        ] {
            assert_eq!(kinds(number), [(Number, number)]);
        }
    }

    #[test]
    fn operators_follow_the_rule_of_the_manual() {
        for (text, expected) in [
            ("a<-1", vec!["a", "<", "-", "1"]),
            ("a@-1", vec!["a", "@-", "1"]),
            ("a+--b", vec!["a", "+", "--b"]),
            ("a*/*b*/", vec!["a", "*", "/*b*/"]),
            ("<=+-", vec!["<=", "+", "-"]),
            ("->>", vec!["->>"]),
            ("a::b:=c", vec!["a", "::", "b", ":=", "c"]),
        ] {
            let found: Vec<&str> = kinds(text).into_iter().map(|(_, slice)| slice).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_string_goes_on_only_behind_a_line_end() {
        assert_eq!(kinds("'a'\n'b'"), [(String, "'a'"), (StringContinued, "'b'")]);
        assert_eq!(kinds("'a' 'b'"), [(String, "'a'"), (String, "'b'")]);
        assert_eq!(kinds("'a' -- c\r 'b'").last(), Some(&(StringContinued, "'b'")));
        assert_eq!(kinds("'a'/**/\n'b'").last(), Some(&(String, "'b'")));
        assert_eq!(kinds("E'a'\n'\\'b'").last(), Some(&(StringContinued, "'\\'b'")));
        let bits = [(String, "x'1'"), (StringContinued, "'2'"), (String, "''")];
        assert_eq!(kinds("x'1'\n'2'''"), bits);
        assert_eq!(kinds("'a'\nE'b'").last(), Some(&(String, "E'b'")));
    }

    #[test]
    fn what_is_not_closed_reaches_to_the_end() {
        for (text, open) in [
            ("'a;", Unterminated::String),
            ("E'a\\", Unterminated::String),
            ("\"a", Unterminated::QuotedIdent),
            ("$a$ $b$", Unterminated::DollarString),
            ("/* /* */", Unterminated::BlockComment),
        ] {
            assert_eq!(kinds(text), [(TokenKind::Unterminated(open), text)]);
        }
    }
}
