//! A statement for people to see, without the values in it.

use super::{TokenKind, tokens};

/// Returns a statement on one line, of at most `characters`, with each string and number replaced by `?`, and without comments.
///
/// What was opened and not closed, as in the query that `pg_stat_activity` cuts off, is left out.
pub fn masked(statement: &str, characters: usize) -> String {
    let mut text = String::new();
    let mut pending_space = false;
    for token in tokens(statement) {
        let piece = match token.kind {
            TokenKind::Space | TokenKind::LineComment | TokenKind::BlockComment => {
                pending_space = true;
                continue;
            }
            TokenKind::String | TokenKind::StringContinued | TokenKind::DollarString | TokenKind::Number => "?",
            TokenKind::Unterminated(_) => "...",
            _ => token.span.slice(statement),
        };
        if pending_space && !text.is_empty() {
            text.push(' ');
        }
        pending_space = false;
        text.push_str(piece);
    }
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_left() {
        let cases = [
            (
                "select *\n  from t -- secret\n where a = 'x''y' and b = 12.5e3",
                "select * from t where a = ? and b = ?",
            ),
            (
                "insert into t values (E'\\'a', $$b$$, $1, -5)",
                "insert into t values (?, ?, $1, -?)",
            ),
            ("select 'cut off", "select ..."),
            ("update \"T\" set x = u&'a'", "update \"T\" set x = ?"),
            ("/* a */ select 1 /* open 'b'", "select ? ..."),
        ];
        for (statement, expected) in cases {
            assert_eq!(masked(statement, 100), expected);
        }
        assert_eq!(masked("select \u{e4}\u{f6}\u{fc}", 8), "select \u{e4}...");
    }
}
