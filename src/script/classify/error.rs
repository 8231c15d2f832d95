//! What the grammar says of a text it cannot read.

use thiserror::Error;

use crate::script::{TokenKind, tokens};

/// A statement that the server's grammar (that of version 18) does not read.
///
/// The server at hand may be a later one and know better, so this is no proof that the statement fails.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong.
    pub message: String,
    /// The text at which reading stopped; none at the end of the statement.
    pub near: Option<String>,
    /// The byte of the statement at which reading stopped, when it can be found.
    pub at: Option<usize>,
}

/// The longest statement that is read again to find out which of several look-alikes the grammar means.
const LONGEST_SEARCHED: usize = 1 << 20;

impl SyntaxError {
    /// Returns the error for a NUL byte, which no server takes.
    pub(super) fn nul(at: usize) -> Self {
        Self {
            message: "the text holds a NUL byte, which Postgres does not accept".to_owned(),
            near: None,
            at: Some(at),
        }
    }

    /// Returns the error for a text that holds no statement, or more than one.
    pub(super) fn not_one(count: usize) -> Self {
        let message = if count == 0 {
            "there is no statement"
        } else {
            "there is more than one statement"
        };
        Self {
            message: message.to_owned(),
            near: None,
            at: None,
        }
    }

    /// Reads what the grammar reports. `reparse` gives its message for another text, or none if it is fine.
    ///
    /// The crate drops the position. But the grammar stops at the first token that does not fit, so a text cut off
    /// behind that token or further on gives the same message, and one cut off behind an earlier look-alike does not.
    pub(super) fn from_grammar(statement: &str, message: &str, reparse: impl Fn(&str) -> Option<String>) -> Self {
        let Some((what, near)) = message.split_once(" at or near \"") else {
            let at = message
                .ends_with("at end of input")
                .then_some(statement.trim_end().len());
            return Self {
                message: in_our_words(message, None),
                near: None,
                at,
            };
        };
        let near = near.strip_suffix('"').unwrap_or(near);
        let candidates: Vec<usize> = tokens(statement)
            .filter(|token| !matches!(token.kind, TokenKind::Space | TokenKind::LineComment))
            .map(|token| token.span.start)
            .filter(|&start| statement[start..].starts_with(near))
            .collect();
        let is_before_the_error = |&at: &usize| reparse(&statement[..at + near.len()]).as_deref() != Some(message);
        let at = match candidates.as_slice() {
            [] => None,
            [only] => Some(*only),
            _ if statement.len() > LONGEST_SEARCHED => None,
            several => several
                .get(several.partition_point(|at| is_before_the_error(at)))
                .copied(),
        };
        Self {
            message: in_our_words(what, Some(near)),
            near: Some(near.to_owned()),
            at,
        }
    }
}

fn in_our_words(what: &str, near: Option<&str>) -> String {
    match (what, near) {
        ("syntax error", Some(near)) => format!("`{near}` does not fit here"),
        ("syntax error at end of input", None) => "the statement ends too early".to_owned(),
        (what, Some(near)) => format!("{what} at `{near}`"),
        (what, None) => what.to_owned(),
    }
}
