//! Tokens: the smallest parts of a text that the server's lexer tells apart.

use std::fmt;

use super::Span;
use super::lexer::Lexer;

/// A part of a text and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it is.
    pub span: Span,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// White space, and a byte-order mark at the very start.
    Space,
    /// `--` up to, and without, the line end.
    LineComment,
    /// `/* */`, nested ones inside it.
    BlockComment,
    /// An identifier or keyword outside quotes.
    Word,
    /// `"..."` and `U&"..."`.
    QuotedIdent,
    /// `'...'` with its prefix, if any: `E`, `B`, `X`, `N`, `U&`.
    String,
    /// `'...'` that goes on a string from an earlier line (the standard's continuation of literals).
    StringContinued,
    /// `$tag$...$tag$`.
    DollarString,
    /// A number, together with any letters glued to it.
    Number,
    /// `$1`.
    Param,
    /// An operator, by the server's rule of the longest match.
    Operator,
    /// `(` `)` `[` `]` `,` `.` `:` `::` `:=` `..`
    Punctuation,
    /// `;`
    Semicolon,
    /// A backslash outside quotes and everything up to the line end: a command to psql.
    MetaCommand,
    /// A character that no token of the server's starts with, `\;` and `\:` among them.
    Other,
    /// Something that was opened and not closed; it reaches to the end of the text.
    Unterminated(Unterminated),
}

impl TokenKind {
    /// Says whether the token is white space or a comment.
    pub const fn is_blank(self) -> bool {
        matches!(self, Self::Space | Self::LineComment | Self::BlockComment)
    }
}

/// What was opened and not closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unterminated {
    /// `'`
    String,
    /// `"`
    QuotedIdent,
    /// `$tag$`
    DollarString,
    /// `/*`
    BlockComment,
    /// `BEGIN ATOMIC`, the body of a function in standard SQL.
    AtomicBody,
}

impl fmt::Display for Unterminated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "string",
            Self::QuotedIdent => "quoted identifier",
            Self::DollarString => "dollar-quoted string",
            Self::BlockComment => "block comment",
            Self::AtomicBody => "`BEGIN ATOMIC` body",
        })
    }
}

/// Returns the tokens of a text, in order and without gaps.
///
/// The rules are those of the server's lexer (`src/backend/parser/scan.l`, `PostgreSQL` 13 to 18, with
/// `standard_conforming_strings` on), and psql's for a backslash. COPY data is not known here: its
/// lines come out as whatever tokens they look like. [`super::split`] knows where data starts.
pub fn tokens(text: &str) -> impl Iterator<Item = Token> + '_ {
    Lexer::new(text)
}
