//! Cuts a file into statements.

use thiserror::Error;

use super::copy::CopyData;
use super::lexer::{Lexer, is_line_end};
use super::statement_end::{Role, StatementEnd};
use super::{Span, TokenKind, Unterminated, tokens};

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where the piece is. The spans of all pieces, in order, cover the whole file.
    pub span: Span,
    /// What is to be sent: a statement without the white space and comments around it and without its
    /// semicolon; a psql command without its line end; COPY data without the line `\.`. Empty for
    /// [`PieceKind::Blank`].
    pub body: Span,
    /// What the piece is.
    pub kind: PieceKind,
}

/// What a piece of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PieceKind {
    /// One statement, with what stands before it and its semicolon.
    Statement,
    /// A backslash command to psql, up to the line end. Any statement before it is a piece of its own.
    MetaCommand,
    /// The data of the `COPY ... FROM STDIN` before it, with the line `\.` if there is one.
    CopyData,
    /// White space, comments, a byte-order mark, or a semicolon that ends nothing.
    Blank,
}

/// Why a text cannot be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SplitError {
    /// Something is opened and not closed before the text ends.
    #[error("unterminated {what}")]
    Unterminated {
        /// What is open.
        what: Unterminated,
        /// The byte where it was opened.
        at: usize,
    },
    /// A statement goes on after `COPY ... FROM STDIN;` on the same line, where its data would have to begin.
    #[error("more text follows `COPY ... FROM STDIN;` on its line; the data begins on the next one")]
    TextBeforeCopyData {
        /// The byte where that text starts.
        at: usize,
    },
}

impl SplitError {
    /// Returns the byte the error is about.
    pub const fn at(&self) -> usize {
        match *self {
            Self::Unterminated { at, .. } | Self::TextBeforeCopyData { at } => at,
        }
    }
}

/// Cuts a text into pieces that concatenate to it.
///
/// The rules are psql's, with `standard_conforming_strings` on. A statement ends at a semicolon outside
/// quotes, comments, parentheses and `BEGIN ATOMIC` bodies, at a psql command, or at the end of the text;
/// so open parentheses at the end are no error here, but one for the server.
///
/// # Errors
/// [`SplitError`] with the byte at which something was opened that the text never closes.
pub fn split(text: &str) -> Result<Vec<Piece>, SplitError> {
    let mut splitter = Splitter {
        text,
        pieces: Vec::new(),
        piece_start: 0,
        body: None,
    };
    splitter.run()?;
    Ok(splitter.pieces)
}

struct Splitter<'a> {
    text: &'a str,
    pieces: Vec<Piece>,
    /// The first byte that is in no piece yet.
    piece_start: usize,
    /// What counts of the statement at hand: first to last token that is not blank.
    body: Option<Span>,
}

impl Splitter<'_> {
    fn run(&mut self) -> Result<(), SplitError> {
        let mut lexer = Lexer::new(self.text);
        let mut statement = StatementEnd::default();
        while let Some(token) = lexer.next() {
            let open = statement.open_atomic_body();
            if let TokenKind::Unterminated(what) = token.kind {
                return Err(SplitError::Unterminated {
                    what,
                    at: token.span.start,
                });
            }
            match statement.feed(self.text, token) {
                Role::Blank => {}
                Role::Part => {
                    let start = self.body.map_or(token.span.start, |body| body.start);
                    self.body = Some(Span::new(start, token.span.end));
                }
                Role::End | Role::Stray => self.cut(token.span.end),
                Role::EndBeforeData => {
                    self.cut(token.span.end);
                    let end = self.cut_copy_data(token.span.end)?;
                    lexer.seek(end);
                }
                Role::MetaCommand => {
                    if let Some(at) = open {
                        return Err(SplitError::Unterminated {
                            what: Unterminated::AtomicBody,
                            at,
                        });
                    }
                    lexer.seek(self.cut_meta_command(token.span));
                }
            }
        }
        if let Some(at) = statement.open_atomic_body() {
            return Err(SplitError::Unterminated {
                what: Unterminated::AtomicBody,
                at,
            });
        }
        self.cut(self.text.len());
        Ok(())
    }

    /// Ends the piece at hand, a statement if anything in it counts.
    fn cut(&mut self, end: usize) {
        if end == self.piece_start {
            return;
        }
        let (kind, body) = match self.body.take() {
            Some(body) => (PieceKind::Statement, body),
            None => (PieceKind::Blank, Span::new(end, end)),
        };
        self.push(kind, body, end);
    }

    fn push(&mut self, kind: PieceKind, body: Span, end: usize) {
        self.pieces.push(Piece {
            span: Span::new(self.piece_start, end),
            body,
            kind,
        });
        self.piece_start = end;
    }

    fn cut_copy_data(&mut self, from: usize) -> Result<usize, SplitError> {
        let copy = CopyData::after(self.text, from);
        let rest = copy.rest_of_line.slice(self.text);
        if let Some(token) = tokens(rest).find(|token| !token.kind.is_blank()) {
            return Err(SplitError::TextBeforeCopyData {
                at: from + token.span.start,
            });
        }
        if copy.end > from {
            self.push(PieceKind::CopyData, copy.data, copy.end);
        }
        Ok(copy.end)
    }

    /// Ends the statement before a psql command, if there is one, and then the command with its line end.
    fn cut_meta_command(&mut self, command: Span) -> usize {
        if self.body.is_some() {
            self.cut(command.start);
        }
        let bytes = self.text.as_bytes();
        let mut end = command.end;
        if bytes.get(end) == Some(&b'\r') {
            end += 1;
        }
        if bytes.get(end) == Some(&b'\n') {
            end += 1;
        }
        debug_assert!(
            end == self.text.len() || is_line_end(bytes[end - 1]),
            "a command reaches to its line end"
        );
        self.push(PieceKind::MetaCommand, command, end);
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PieceKind::{Blank, CopyData, MetaCommand, Statement};

    fn cut(text: &str) -> Vec<(PieceKind, &str)> {
        let pieces = split(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let whole: String = pieces.iter().map(|piece| piece.span.slice(text)).collect();
        assert_eq!(whole, text);
        pieces
            .iter()
            .map(|piece| (piece.kind, piece.body.slice(text)))
            .collect()
    }

    fn statements(text: &str) -> Vec<&str> {
        let is_statement = |&(kind, _): &(PieceKind, &str)| kind == Statement;
        cut(text)
            .into_iter()
            .filter(is_statement)
            .map(|(_, body)| body)
            .collect()
    }

    #[test]
    fn cuts_at_semicolons_and_nowhere_else() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            (";;", &[]),
            ("-- only\n/* comments; */", &[]),
            ("a;b", &["a", "b"]),
            (" a ; \r\n b /* c */ ; -- d", &["a", "b"]),
            ("\u{feff}a;", &["a"]),
            ("';' \";\" $$;$$; /*;*/ d --;\n ;e", &["';' \";\" $$;$$", "d", "e"]),
            (r"E'\';';b", &[r"E'\';'", "b"]),
            (r"'\';b", &[r"'\'", "b"]),
            ("a$b$;c", &["a$b$", "c"]),
            (
                "create rule r as on insert to t do (a; b); c",
                &["create rule r as on insert to t do (a; b)", "c"],
            ),
            ("f(a;b", &["f(a;b"]),
            ("a);b", &["a)", "b"]),
            ("a\0;b", &["a\0", "b"]),
            (r"select 1 \; select 2; b", &[r"select 1 \; select 2", "b"]),
        ];
        for (text, expected) in cases {
            assert_eq!(statements(text), *expected, "{text:?}");
        }
    }

    #[test]
    fn keeps_a_function_with_an_atomic_body_whole() {
        for whole in [
            "create function f() returns int begin atomic select 1; select 2; end",
            "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; END",
            "create procedure p() begin atomic select case case 1 when 1 then 2 end when 2 then 3 end; end",
            "create function f() begin atomic select 1 as end, t.case, (case when a then b end); end",
            "create function f() begin /* x */ atomic ; end",
        ] {
            let text = format!("{whole}; b");
            assert_eq!(statements(&text), [whole, "b"]);
        }
        // The words mean nothing elsewhere.
        assert_eq!(statements("begin; atomic; end"), ["begin", "atomic", "end"]);
        assert_eq!(
            statements("create function begin() as 'x'; b"),
            ["create function begin() as 'x'", "b"]
        );
        assert_eq!(statements("create table t (begin int, atomic int); b").len(), 2);
        assert_eq!(statements("drop function f; begin; b").len(), 3);
    }

    #[test]
    fn takes_the_data_behind_copy() {
        for copy in [
            "copy t from stdin",
            "COPY t (a, b) FROM STDIN WITH (FORMAT csv)",
            "copy t from\n--c\nstdin",
        ] {
            let text = format!("{copy}; -- note\n1\t';\n\\.\nb");
            assert_eq!(cut(&text), [(Statement, copy), (CopyData, "1\t';\n"), (Statement, "b")]);
        }
        assert_eq!(cut("copy t from stdin;"), [(Statement, "copy t from stdin")]);
        assert_eq!(cut("copy t from stdin"), [(Statement, "copy t from stdin")]);
        assert_eq!(
            cut("copy t from stdin;\na"),
            [(Statement, "copy t from stdin"), (CopyData, "a")]
        );
        for other in [
            "copy t from 'stdin'",
            "copy t to stdout",
            "copy (select a from stdin) to 'x'",
            "select copy from stdin",
        ] {
            let text = format!("{other};\nb");
            assert_eq!(cut(&text), [(Statement, other), (Statement, "b")]);
        }
    }

    #[test]
    fn takes_psql_commands_line_by_line() {
        assert_eq!(cut("\\set x ';\r\na;"), [(MetaCommand, "\\set x ';"), (Statement, "a")]);
        assert_eq!(
            cut("-- c\n\\i x\nselect 1 \\gset y\nb"),
            [
                (MetaCommand, "\\i x"),
                (Statement, "select 1"),
                (MetaCommand, "\\gset y"),
                (Statement, "b")
            ]
        );
        assert_eq!(cut("a;\n\\q"), [(Statement, "a"), (MetaCommand, "\\q")]);
        assert_eq!(cut("'\\q'; -- \\q\n"), [(Statement, "'\\q'"), (Blank, "")]);
    }

    #[test]
    fn says_where_something_was_opened() {
        use Unterminated::{AtomicBody, BlockComment, DollarString, QuotedIdent, String};
        for (text, what, at) in [
            ("a; 'b", String, 3),
            ("a; E'b\\'", String, 3),
            ("a \"b;", QuotedIdent, 2),
            ("a $b$ $c$", DollarString, 2),
            ("a /* /* */", BlockComment, 2),
            ("create function f() begin atomic a;", AtomicBody, 20),
            ("create function f() begin atomic a; \\q\nend", AtomicBody, 20),
        ] {
            let error = split(text).unwrap_err();
            assert_eq!(error, SplitError::Unterminated { what, at }, "{text:?}");
            assert_eq!(error.at(), at);
        }
        let error = split("copy t from stdin; select 1;\n1\n").unwrap_err();
        assert_eq!(error, SplitError::TextBeforeCopyData { at: 19 });
        assert_eq!(split("'").unwrap_err().to_string(), "unterminated string");
    }
}
