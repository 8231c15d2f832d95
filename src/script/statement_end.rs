//! Where a statement ends: psql's rule, token by token.

use super::{Span, Token, TokenKind};

/// Follows the tokens of one statement after the other.
///
/// A semicolon ends a statement, except inside parentheses (`CREATE RULE ... DO (a; b)`) and inside the
/// `BEGIN ATOMIC` body of a function. psql counts the words `begin`, `case` and `end` after `CREATE
/// FUNCTION` (`src/fe_utils/psqlscan.l`); here the body must begin with both words, so that a function
/// may be called `begin`, and a word after a dot or after `AS` is a name.
#[derive(Clone, Debug, Default)]
pub(super) struct StatementEnd {
    /// How many words were seen, up to [`HEAD`].
    words: usize,
    head: [Head; HEAD],
    parens: usize,
    /// The depth of `BEGIN ATOMIC` and of each `CASE` inside it, and where the body began.
    atomic: usize,
    atomic_at: usize,
    previous: Previous,
    copies_from_client: bool,
    /// Whether the statement has any token that counts.
    started: bool,
}

/// How many words at the start of a statement say whether it makes a function.
const HEAD: usize = 4;

/// The leading words that matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Head {
    #[default]
    Other,
    Create,
    Or,
    Replace,
    Routine,
    Copy,
}

/// The token before, as far as it changes the meaning of a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Previous {
    #[default]
    Other,
    /// A dot or `AS`: the next word is a name.
    NameFollows,
    Begin,
    From,
}

/// What a token means for the statement it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It is white space or a comment.
    Blank,
    /// It belongs to the statement.
    Part,
    /// It ends a statement.
    End,
    /// It ends a `COPY ... FROM STDIN`: data follows on the next line.
    EndBeforeData,
    /// It is a semicolon with no statement before it.
    Stray,
    /// It is a command to psql, and ends whatever statement stands before it.
    MetaCommand,
}

impl StatementEnd {
    /// Takes the next token and says what it is to the statement.
    pub(super) fn feed(&mut self, text: &str, token: Token) -> Role {
        match token.kind {
            kind if kind.is_blank() => return Role::Blank,
            TokenKind::MetaCommand => {
                *self = Self::default();
                return Role::MetaCommand;
            }
            TokenKind::Semicolon if self.parens == 0 && self.atomic == 0 => {
                let role = match (self.started, self.copies_from_client) {
                    (false, _) => Role::Stray,
                    (true, true) => Role::EndBeforeData,
                    (true, false) => Role::End,
                };
                *self = Self::default();
                return role;
            }
            _ => {}
        }
        self.started = true;
        self.previous = match token.kind {
            TokenKind::Word => self.word(token.span.slice(text), token.span),
            TokenKind::Punctuation => self.punctuation(token.span.slice(text)),
            _ => Previous::Other,
        };
        Role::Part
    }

    /// Returns where the `BEGIN ATOMIC` body began that is still open.
    pub(super) fn open_atomic_body(&self) -> Option<usize> {
        (self.atomic > 0).then_some(self.atomic_at)
    }

    fn punctuation(&mut self, symbol: &str) -> Previous {
        match symbol {
            "(" => self.parens += 1,
            ")" => self.parens = self.parens.saturating_sub(1),
            "." => return Previous::NameFollows,
            _ => {}
        }
        Previous::Other
    }

    fn word(&mut self, word: &str, span: Span) -> Previous {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        if self.words < HEAD {
            self.head[self.words] = head(word);
            self.words += 1;
        }
        if self.parens > 0 || self.previous == Previous::NameFollows {
            return Previous::Other;
        }
        if self.head[0] == Head::Copy {
            self.copies_from_client |= self.previous == Previous::From && (is("stdin") || is("stdout"));
            return if is("from") { Previous::From } else { Previous::Other };
        }
        if !self.makes_routine() {
            return Previous::Other;
        }
        if self.atomic == 0 {
            if self.previous == Previous::Begin && is("atomic") {
                self.atomic = 1;
            } else if is("begin") {
                self.atomic_at = span.start;
                return Previous::Begin;
            }
        } else if is("case") {
            self.atomic += 1;
        } else if is("end") {
            self.atomic -= 1;
        } else if is("as") {
            return Previous::NameFollows;
        }
        Previous::Other
    }

    fn makes_routine(&self) -> bool {
        use Head::{Create, Or, Replace, Routine};
        matches!(self.head, [Create, Routine, ..] | [Create, Or, Replace, Routine])
    }
}

fn head(word: &str) -> Head {
    const WORDS: [(&str, Head); 6] = [
        ("create", Head::Create),
        ("or", Head::Or),
        ("replace", Head::Replace),
        ("function", Head::Routine),
        ("procedure", Head::Routine),
        ("copy", Head::Copy),
    ];
    WORDS
        .iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name))
        .map_or(Head::Other, |&(_, head)| head)
}
