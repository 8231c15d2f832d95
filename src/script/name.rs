//! Names of relations as a statement writes them.

use std::fmt;

use super::keywords::needs_quotes;
use super::{TokenKind, tokens};

/// A relation's name, qualified or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelationName {
    /// The schema, if the statement names one; otherwise the search path decides.
    pub schema: Option<String>,
    /// The name proper, without quotes.
    pub name: String,
}

impl RelationName {
    /// Returns a name that leaves the schema to the search path.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            schema: None,
            name: name.into(),
        }
    }

    /// Returns a name in a schema.
    pub fn qualified(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            schema: Some(schema.into()),
            name: name.into(),
        }
    }

    /// Reads one name, as a statement writes it: folded to lower case outside quotes.
    pub fn one(text: &str) -> Option<Self> {
        let mut names = Self::list(text)?;
        names.pop().filter(|_| names.is_empty())
    }

    /// Reads names that are separated by commas, as a statement writes them: folded to lower case outside quotes.
    ///
    /// Returns none if the text is anything else, or names a relation twice.
    pub fn list(text: &str) -> Option<Vec<Self>> {
        let mut names = Vec::new();
        for item in items(text)? {
            let name = match <[String; 1]>::try_from(item) {
                Ok([name]) => Self::new(name),
                Err(item) => {
                    let [schema, name] = <[String; 2]>::try_from(item).ok()?;
                    Self::qualified(schema, name)
                }
            };
            if names.contains(&name) {
                return None;
            }
            names.push(name);
        }
        Some(names)
    }
}

/// Returns the parts of each name: an identifier, then any number of a dot and an identifier.
fn items(text: &str) -> Option<Vec<Vec<String>>> {
    let mut items = vec![Vec::new()];
    let mut wants_part = true;
    for token in tokens(text).filter(|token| token.kind != TokenKind::Space) {
        let part = token.span.slice(text);
        let part = match (token.kind, part) {
            (TokenKind::Word, _) if wants_part => part.to_ascii_lowercase(),
            // Not `U&"..."`, whose escapes can spell anything.
            (TokenKind::QuotedIdent, _) if wants_part && part.starts_with('"') => {
                part[1..part.len() - 1].replace("\"\"", "\"")
            }
            (TokenKind::Punctuation, "," | ".") if !wants_part => {
                if part == "," {
                    items.push(Vec::new());
                }
                wants_part = true;
                continue;
            }
            _ => return None,
        };
        items.last_mut()?.push(part);
        wants_part = false;
    }
    (!wants_part).then_some(items)
}

impl fmt::Display for RelationName {
    /// Writes the name so that the server reads it back: quoted where it has to be, as `quote_ident` does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write_ident(f, schema)?;
            f.write_str(".")?;
        }
        write_ident(f, &self.name)
    }
}

fn write_ident(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if needs_quotes(name) {
        write!(f, "\"{}\"", name.replace('"', "\"\""))
    } else {
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_list_as_the_server_folds_names() {
        let list = |names: &[RelationName]| Some(names.to_vec());
        for (text, names) in [
            ("Orders", list(&[RelationName::new("orders")])),
            (
                " app . \"Or \"\"ders\" ",
                list(&[RelationName::qualified("app", "Or \"ders")]),
            ),
            (
                "a,b.a",
                list(&[RelationName::new("a"), RelationName::qualified("b", "a")]),
            ),
            ("select", list(&[RelationName::new("select")])),
            ("", None),
            ("a,", None),
            (",a", None),
            ("a b", None),
            ("a..b", None),
            ("a.b.c", None),
            ("a, A", None),
            ("U&\"a\"", None),
            ("a;", None),
            ("\"a", None),
        ] {
            let one = names.as_deref().and_then(|names| match names {
                [only] => Some(only.clone()),
                _ => None,
            });
            assert_eq!(RelationName::one(text), one, "{text:?}");
            assert_eq!(RelationName::list(text), names, "{text:?}");
        }
    }

    #[test]
    fn quotes_where_the_server_would() {
        let cases = [
            (RelationName::new("orders"), "orders"),
            (RelationName::new("_o1"), "_o1"),
            (RelationName::new("Orders"), "\"Orders\""),
            (RelationName::new("1st"), "\"1st\""),
            (RelationName::new("a$b"), "\"a$b\""),
            (RelationName::new(""), "\"\""),
            (RelationName::new("\u{e4}"), "\"\u{e4}\""),
            (RelationName::new("\"; drop table x; --"), "\"\"\"; drop table x; --\""),
            (RelationName::qualified("app", "user"), "app.\"user\""),
            (RelationName::qualified("My App", "name"), "\"My App\".name"),
            (RelationName::new("between"), "\"between\""),
        ];
        for (name, text) in cases {
            assert_eq!(name.to_string(), text);
        }
    }
}
