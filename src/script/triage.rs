//! The cheap half of [`super::classify`]: what need not be looked at any closer.

use super::classify::builtins::{Builtin, builtin};
use super::keywords::never_names_a_function;
use super::{Token, TokenKind, tokens};

/// What the first look at a statement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Triage {
    /// If [`super::classify`] can read the statement at all, it says: it runs inside a transaction, controls none, has no
    /// effect on the session, adds no value to an enum type, and exchanges no data with the client.
    Plain,
    /// [`super::classify`] has to say.
    Classify,
}

/// Says whether a statement is plainly harmless to its transaction and its session, from its tokens alone.
///
/// This takes about a microsecond where the grammar takes tens. It errs on one side: a statement is
/// [`Triage::Plain`] only when its leading words allow nothing else, and when every call in it is one of a
/// built-in function that is known. It says nothing about tables.
pub fn triage(statement: &str) -> Triage {
    match look(statement) {
        Some(()) => Triage::Plain,
        None => Triage::Classify,
    }
}

/// How a statement with some leading words is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    /// Whether it evaluates expressions, so that every call counts.
    runs: bool,
    /// Words that make it something else when they stand outside parentheses.
    unless: &'static [&'static str],
    /// Whether a temporary schema matters only up to the first parenthesis: in the name of a function,
    /// not in its `SET search_path`.
    routine: bool,
}

const STORED: Rule = unless(&[]);
const ROUTINE: Rule = Rule {
    routine: true,
    ..STORED
};
const RUNS: Rule = Rule { runs: true, ..STORED };

const fn unless(words: &'static [&'static str]) -> Rule {
    Rule {
        runs: false,
        unless: words,
        routine: false,
    }
}

/// The leading words of the statements that can be plain.
///
/// What is not here goes to the grammar: `SET`, `DO`, `CALL`, `COPY`, `VACUUM`, `TEMP`, databases, tablespaces,
/// subscriptions, and whatever future servers invent.
#[rustfmt::skip]
const RULES: &[(&[&str], Rule)] = &[
    (&["create", "table"], unless(&["as", "execute"])),
    (&["create", "unlogged", "table"], unless(&["as", "execute"])),
    (&["create", "index"], unless(&["concurrently"])),
    (&["create", "unique", "index"], unless(&["concurrently"])),
    (&["create", "schema"], unless(&["create"])),
    (&["create", "function"], ROUTINE),
    (&["create", "procedure"], ROUTINE),
    (&["create", "trigger"], STORED),
    (&["create", "constraint", "trigger"], STORED),
    (&["create", "view"], STORED),
    (&["create", "rule"], STORED),
    (&["create", "policy"], STORED),
    (&["create", "type"], STORED),
    (&["create", "domain"], STORED),
    (&["create", "sequence"], STORED),
    (&["create", "extension"], STORED),
    (&["create", "role"], STORED),
    (&["create", "user"], STORED),
    (&["create", "materialized", "view"], RUNS),
    (&["create", "publication"], STORED),
    (&["alter", "publication"], STORED),
    (&["drop", "publication"], STORED),
    (&["create", "or", "replace", "function"], ROUTINE),
    (&["create", "or", "replace", "procedure"], ROUTINE),
    (&["create", "or", "replace", "trigger"], STORED),
    (&["create", "or", "replace", "view"], STORED),
    (&["alter", "table"], Rule { unless: &["concurrently"], ..RUNS }),
    (&["alter", "index"], STORED),
    (&["alter", "view"], STORED),
    (&["alter", "sequence"], STORED),
    (&["alter", "schema"], STORED),
    (&["alter", "function"], STORED),
    (&["alter", "procedure"], STORED),
    (&["alter", "policy"], STORED),
    (&["alter", "trigger"], STORED),
    (&["alter", "role"], STORED),
    (&["alter", "user"], STORED),
    (&["alter", "domain"], STORED),
    (&["alter", "default", "privileges"], STORED),
    (&["alter", "type"], unless(&["value"])),
    (&["drop", "table"], STORED),
    (&["drop", "index"], unless(&["concurrently"])),
    (&["drop", "view"], STORED),
    (&["drop", "materialized", "view"], STORED),
    (&["drop", "sequence"], STORED),
    (&["drop", "function"], STORED),
    (&["drop", "procedure"], STORED),
    (&["drop", "trigger"], STORED),
    (&["drop", "policy"], STORED),
    (&["drop", "type"], STORED),
    (&["drop", "domain"], STORED),
    (&["drop", "schema"], STORED),
    (&["drop", "extension"], STORED),
    (&["drop", "role"], STORED),
    (&["comment", "on"], STORED),
    (&["grant"], STORED),
    (&["revoke"], STORED),
    (&["truncate"], STORED),
    (&["analyze"], STORED),
    (&["refresh", "materialized", "view"], STORED),
    (&["insert", "into"], RUNS),
    (&["update"], RUNS),
    (&["delete", "from"], RUNS),
    (&["select"], RUNS),
    (&["with"], RUNS),
];

/// The number of words in the longest head of [`RULES`].
const HEAD: usize = 4;

fn look(statement: &str) -> Option<()> {
    let (head, rule) = find_rule(statement)?;
    let mut look = Look {
        head,
        rule,
        parens: 0,
        opened: false,
        word: "",
        before: Before::Other,
    };
    for token in tokens(statement).filter(|token| !token.kind.is_blank()) {
        look.token(token, token.span.slice(statement))?;
    }
    Some(())
}

/// Returns the rule for a statement and how many words it starts with that say so.
fn find_rule(statement: &str) -> Option<(usize, Rule)> {
    let mut words = [""; HEAD];
    let mut count = 0;
    for token in tokens(statement).filter(|token| !token.kind.is_blank()).take(HEAD) {
        if token.kind != TokenKind::Word {
            break;
        }
        words[count] = token.span.slice(statement);
        count += 1;
    }
    let starts_with = |head: &[&str]| {
        head.len() <= count
            && head
                .iter()
                .zip(words)
                .all(|(known, word)| word.eq_ignore_ascii_case(known))
    };
    RULES
        .iter()
        .find(|(head, _)| starts_with(head))
        .map(|&(head, rule)| (head.len(), rule))
}

/// Where the look has got to. Each step gives none when the grammar has to say.
#[derive(Debug)]
struct Look<'a> {
    rule: Rule,
    /// How many of its leading words are still to come.
    head: usize,
    parens: usize,
    /// Whether there was a parenthesis yet.
    opened: bool,
    /// The last word, empty if the last token was none.
    word: &'a str,
    before: Before,
}

/// What stands before the next token, as far as it tells whether a parenthesis opens the arguments of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Nothing that could be called.
    Other,
    /// `)`.
    Closed,
    /// `INTO` or `REFERENCES`, or a dot behind it: the name of a relation comes next.
    Target,
    /// The name of that relation: a list of columns may follow.
    TargetName,
    /// The last word, which may be the name of a function.
    Word,
    /// Something in quotes or behind a dot: if it is called, it is not looked up.
    Unknown,
    /// A dot.
    Dot,
}

impl<'a> Look<'a> {
    fn token(&mut self, token: Token, text: &'a str) -> Option<()> {
        self.before = match token.kind {
            TokenKind::Word => return self.take_word(text),
            TokenKind::QuotedIdent if !self.is_suspicious(text) => match self.before {
                Before::Target => Before::TargetName,
                _ => Before::Unknown,
            },
            TokenKind::Punctuation => self.punctuation(text)?,
            TokenKind::String
            | TokenKind::StringContinued
            | TokenKind::DollarString
            | TokenKind::Number
            | TokenKind::Param
            | TokenKind::Operator => Before::Other,
            // The actions of a rule are separated inside parentheses.
            TokenKind::Semicolon if self.parens > 0 => Before::Other,
            _ => return None,
        };
        self.word = "";
        Some(())
    }

    fn take_word(&mut self, word: &'a str) -> Option<()> {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        let after = |other: &str| self.word.eq_ignore_ascii_case(other);
        let behind_head = self.head == 0;
        self.head = self.head.saturating_sub(1);
        let something_else = behind_head && self.parens == 0 && self.rule.unless.iter().any(|other| is(other));
        // `SELECT INTO` makes a table. Behind `DISTINCT ON (a)` a call may follow a parenthesis.
        let misleading = is("into") && !after("insert") || is("on") && after("distinct");
        if something_else || self.is_suspicious(word) || self.rule.runs && misleading {
            return None;
        }
        self.before = match self.before {
            Before::Target => Before::TargetName,
            Before::Dot => Before::Unknown,
            Before::Closed if is("over") || is("filter") => Before::Other,
            _ if is("into") || is("references") => Before::Target,
            _ if is("key") && (after("primary") || after("foreign")) => Before::Other,
            _ if is("varying") && (after("character") || after("char") || after("bit")) => Before::Other,
            _ => Before::Word,
        };
        self.word = word;
        Some(())
    }

    fn is_suspicious(&self, name: &str) -> bool {
        !(self.rule.routine && self.opened) && is_suspicious_name(name)
    }

    fn punctuation(&mut self, symbol: &str) -> Option<Before> {
        Some(match symbol {
            "(" => {
                self.parens += 1;
                self.opened = true;
                let called = match self.before {
                    Before::Word => !is_harmless_before_parenthesis(self.word),
                    Before::Unknown => true,
                    _ => false,
                };
                if called && self.rule.runs {
                    return None;
                }
                Before::Other
            }
            ")" => {
                self.parens = self.parens.checked_sub(1)?;
                Before::Closed
            }
            "." if self.before == Before::TargetName => Before::Target,
            "." => Before::Dot,
            _ => Before::Other,
        })
    }
}

/// Says whether a name may make the statement temporary or a change of settings: `UPDATE pg_settings` is a `SET`.
fn is_suspicious_name(name: &str) -> bool {
    let bare = name.strip_prefix('"').unwrap_or(name);
    let starts_with = |prefix: &str| {
        bare.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    // An escape in U&"..." can spell anything.
    starts_with("pg_temp") || starts_with("pg_settings") || starts_with("u&\"")
}

/// Says whether a word before a parenthesis is a keyword that names no function, or a function known to be harmless.
fn is_harmless_before_parenthesis(word: &str) -> bool {
    let mut buffer = [0; 64];
    let Some(lower) = buffer.get_mut(..word.len()) else {
        return false;
    };
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    let Ok(lower) = std::str::from_utf8(lower) else {
        return false;
    };
    never_names_a_function(lower) || builtin(&[lower]) == Builtin::Harmless
}
