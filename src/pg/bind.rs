//! Values into a statement for the simple protocol.
//!
//! A migration and its ledger row travel in one message, and only the simple protocol carries several statements; it has no
//! parameters. So `$1` is replaced here by a literal from the one quoting type, before the statement leaves the process.

use std::fmt::Write as _;

use super::ident::Literal;

/// A value for a `$n`.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// Text, quoted.
    Text(&'a str),
    /// Text or null.
    Optional(Option<&'a str>),
    /// A number.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
    /// One of our own queries, already bound.
    Query(&'a str),
}

/// The text cannot be sent: it holds a NUL byte, which no Postgres text can.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a value holds a NUL byte, which Postgres cannot store")]
pub struct NulByte;

/// Returns a statement file without its header comment and its last semicolon.
pub fn statement(file: &'static str) -> &'static str {
    let mut rest = file;
    while let Some(line) = rest.strip_prefix("--") {
        rest = line.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest.trim_end().trim_end_matches(';')
}

/// Returns `sql` with each `$n` replaced by the n-th value.
///
/// The statements are our own files under `sql/`; a `$n` inside quotes does not occur in them.
///
/// # Errors
/// [`NulByte`].
///
/// # Panics
/// If the statement asks for a value that is not there, which every test of the statement would show.
pub fn bind(sql: &'static str, values: &[Value<'_>]) -> Result<String, NulByte> {
    let texts = values.iter().map(|value| match value {
        Value::Text(text) | Value::Optional(Some(text)) => text.len() + text.len() / 16,
        _ => 0,
    });
    let mut bound = String::with_capacity(sql.len() + 64 * values.len() + texts.sum::<usize>());
    let mut rest = statement(sql);
    while let Some((before, after)) = rest.split_once('$') {
        bound.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: usize = after[..digits].parse().expect("a $ in our statements is a parameter");
        push(&mut bound, values[number - 1])?;
        rest = &after[digits..];
    }
    bound.push_str(rest);
    Ok(bound)
}

fn push(bound: &mut String, value: Value<'_>) -> Result<(), NulByte> {
    match value {
        Value::Text(text) | Value::Optional(Some(text)) => {
            let literal = Literal::new(text).map_err(|_| NulByte)?;
            write!(bound, "{literal}").expect("a String can be written to");
        }
        Value::Optional(None) => bound.push_str("null"),
        Value::Integer(number) => write!(bound, "{number}").expect("a String can be written to"),
        Value::Query(query) => bound.push_str(query),
        Value::Boolean(truth) => bound.push_str(if truth { "true" } else { "false" }),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_literals() {
        let values = [
            Value::Text("it's"),
            Value::Integer(-3),
            Value::Boolean(true),
            Value::Optional(None),
        ];
        let bound = bind("-- Purpose: a test with $9.\nselect $1, $2, $3, $4;\n", &values).unwrap();
        assert_eq!(bound, "select 'it''s', -3, true, null");
        assert_eq!(bind("select $1", &[Value::Text("a\0b")]), Err(NulByte));
    }

    #[test]
    fn a_value_is_not_looked_at_again() {
        assert_eq!(
            bind("select $1, $2", &[Value::Text("$2"), Value::Integer(1)]).unwrap(),
            "select '$2', 1"
        );
    }
}
