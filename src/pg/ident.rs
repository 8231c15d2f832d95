//! Quoting: the only way in which a name or a string gets into the text of a statement.
//!
//! Nothing here talks to a server, and nothing here decides *which* object is meant: a value of these types is a name
//! that can be written down safely, no more. Formatting a `&str` into SQL instead of one of these is a bug.

mod keywords;

use std::fmt;

use keywords::needs_quotes_as_keyword;

/// Why a text can be no identifier or no string constant in Postgres.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentError {
    /// An identifier of no characters; the server calls it a zero-length delimited identifier.
    #[error("an identifier may not be empty")]
    Empty,
    /// A NUL byte, which no text value in Postgres may contain.
    #[error("a NUL byte at byte {offset} can be written neither in an identifier nor in a string constant")]
    Nul {
        /// Offset of the first NUL in bytes.
        offset: usize,
    },
}

/// An identifier: the name of a relation, a column, a role, a schema.
///
/// `Display` writes what the server's `quote_ident` returns: bare if that is safe, in double quotes otherwise. Words which
/// any server from 13 to 18 reserves (even only as a column or type name) are quoted, so on an old server a word that only
/// became one later is quoted without need.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(String);

impl Ident {
    /// Returns the identifier for `name`, taken literally: no case folding, no unquoting, no splitting at dots.
    ///
    /// # Errors
    ///
    /// [`IdentError::Empty`] and [`IdentError::Nul`]: no quoting makes a name of those.
    pub fn new(name: impl Into<String>) -> Result<Self, IdentError> {
        let name = name.into();
        if name.is_empty() {
            return Err(IdentError::Empty);
        }
        refuse_nul(&name)?;
        Ok(Self(name))
    }

    /// Returns the name itself, unquoted, for messages and for query parameters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_safe_bare(&self) -> bool {
        let bytes = self.0.as_bytes();
        let starts_well = matches!(bytes.first(), Some(b'a'..=b'z' | b'_'));
        starts_well
            && bytes
                .iter()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
            && !needs_quotes_as_keyword(&self.0)
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_safe_bare() {
            return f.write_str(&self.0);
        }
        write_quoted(f, &self.0, '"', false)
    }
}

/// A name within a schema.
///
/// `Display` writes both parts as [`Ident`] does, with a dot between them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedName {
    /// The schema.
    pub schema: Ident,
    /// The name of the object within it.
    pub name: Ident,
}

impl QualifiedName {
    /// Returns the name for the two parts, each taken literally.
    ///
    /// # Errors
    ///
    /// As [`Ident::new`], for either part.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Result<Self, IdentError> {
        Ok(Self {
            schema: Ident::new(schema)?,
            name: Ident::new(name)?,
        })
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// A string constant.
///
/// `Display` writes what the server's `quote_literal` returns, which is safe whether `standard_conforming_strings` is on
/// or off: a text with a backslash in it is written as an escape string, where a backslash means the same under both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal<'a>(&'a str);

impl<'a> Literal<'a> {
    /// Returns the constant for `text`.
    ///
    /// # Errors
    ///
    /// [`IdentError::Nul`]: the server's text types cannot hold a NUL byte.
    pub fn new(text: &'a str) -> Result<Self, IdentError> {
        refuse_nul(text)?;
        Ok(Self(text))
    }
}

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escapes = self.0.contains('\\');
        if escapes {
            f.write_str("E")?;
        }
        write_quoted(f, self.0, '\'', escapes)
    }
}

fn refuse_nul(text: &str) -> Result<(), IdentError> {
    match text.find('\0') {
        Some(offset) => Err(IdentError::Nul { offset }),
        None => Ok(()),
    }
}

fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str, quote: char, double_backslashes: bool) -> fmt::Result {
    use fmt::Write;
    f.write_char(quote)?;
    for character in text.chars() {
        if character == quote || (double_backslashes && character == '\\') {
            f.write_char(character)?;
        }
        f.write_char(character)?;
    }
    f.write_char(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_quoted_only_where_needed() {
        for (name, written) in [
            ("account", "account"),
            ("_private2", "_private2"),
            ("Account", "\"Account\""),
            ("2fast", "\"2fast\""),
            ("a-b", "\"a-b\""),
            ("a b", "\"a b\""),
            ("a.b", "\"a.b\""),
            ("a$b", "\"a$b\""),
            ("café", "\"café\""),
            ("select", "\"select\""),
            ("between", "\"between\""),
            ("left", "\"left\""),
            ("system_user", "\"system_user\""),
            ("abort", "abort"),
            ("\"; drop table x; --", "\"\"\"; drop table x; --\""),
            ("back\\slash", "\"back\\slash\""),
        ] {
            assert_eq!(Ident::new(name).expect(name).to_string(), written);
        }
    }

    #[test]
    fn qualified_names_quote_each_part() {
        let name = QualifiedName::new("My schema", "user").expect("both parts are names");
        assert_eq!(name.to_string(), "\"My schema\".\"user\"");
    }

    #[test]
    fn literals_mean_the_same_under_both_string_syntaxes() {
        for (text, written) in [
            ("", "''"),
            ("it's", "'it''s'"),
            ("a\\", "E'a\\\\'"),
            ("\\'; drop table x; --", "E'\\\\''; drop table x; --'"),
            ("new\nline", "'new\nline'"),
        ] {
            assert_eq!(Literal::new(text).expect(text).to_string(), written);
        }
    }

    #[test]
    fn what_cannot_be_written_is_refused() {
        assert_eq!(Ident::new(""), Err(IdentError::Empty));
        assert_eq!(Ident::new("a\0b"), Err(IdentError::Nul { offset: 1 }));
        assert_eq!(QualifiedName::new("public", ""), Err(IdentError::Empty));
        assert_eq!(Literal::new("\0"), Err(IdentError::Nul { offset: 0 }));
    }
}
