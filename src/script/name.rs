//! Names of relations as a statement writes them.

use std::fmt;

use super::keywords::needs_quotes;

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
