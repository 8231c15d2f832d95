//! From text to tree.

use pg_query::NodeEnum;

use super::deep::classify_deep;
use super::dispatch::dispatch;
use super::draft::Draft;
use super::error::SyntaxError;
use crate::script::{Statement, TokenKind, tokens};

/// Says what one statement does.
///
/// The text is read with the grammar of `PostgreSQL` 18. What it says holds for servers 13 to 18; where they differ,
/// the stronger lock is given. Views, triggers, rules, policies, defaults, operators and casts may run more than the
/// text shows; a function that is not built in makes the statement [`crate::script::SessionEffect::Opaque`].
///
/// # Errors
/// [`SyntaxError`] when the grammar cannot read the text, or when it is not exactly one statement.
pub fn classify(statement: &str) -> Result<Statement, SyntaxError> {
    if let Some(at) = statement.bytes().position(|b| b == 0) {
        return Err(SyntaxError::nul(at));
    }
    if tokens(statement).all(|token| token.kind.is_blank() || token.kind == TokenKind::Semicolon) {
        return Err(SyntaxError::not_one(0));
    }
    let parsed = match pg_query::parse(statement, 0) {
        Ok(parsed) => parsed.protobuf,
        Err(error) if is_too_deep(&error) => {
            return classify_deep(statement).ok_or_else(|| syntax_error(statement, &error));
        }
        Err(error) => return Err(syntax_error(statement, &error)),
    };
    let [only] = parsed.stmts.as_slice() else {
        return Err(SyntaxError::not_one(parsed.stmts.len()));
    };
    let mut draft = Draft::new();
    if let Some(node) = only.stmt.as_ref().and_then(|node| node.node.as_ref()) {
        dispatch(&mut draft, node);
    }
    Ok(draft.finish())
}

/// Reads the statements of a function's body that is plain SQL; none if the grammar cannot.
pub(super) fn parse_body(body: &str) -> Option<Vec<NodeEnum>> {
    let parsed = pg_query::parse(body, 0).ok()?;
    Some(
        parsed
            .protobuf
            .stmts
            .into_iter()
            .filter_map(|raw| raw.stmt?.node)
            .collect(),
    )
}

/// Says whether the grammar read the text, but its tree did not come through.
fn is_too_deep(error: &pg_query::Error) -> bool {
    match error {
        pg_query::Error::Decode(_) => true,
        pg_query::Error::Parse(message) => message.contains("nested too deeply"),
        _ => false,
    }
}

fn syntax_error(statement: &str, error: &pg_query::Error) -> SyntaxError {
    let message = message(error);
    SyntaxError::from_grammar(statement, &message, |text| {
        Some(self::message(&pg_query::parse(text, 0).err()?))
    })
}

fn message(error: &pg_query::Error) -> String {
    match error {
        pg_query::Error::Parse(message) => message.clone(),
        other => other.to_string(),
    }
}
