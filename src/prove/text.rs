//! Names and values as text of a statement; the rest of the module writes none otherwise.

use crate::pg::ident::{Ident, Literal, QualifiedName};
use crate::script::RelationName;

/// What a row is called in our statements: no column should be called so, for that would hide the row.
pub(super) const ROW: &str = "rlsctl_row";

/// Returns a name of the catalog, quoted.
///
/// # Panics
/// If it is empty or holds a NUL byte: the catalog has no such names.
pub(super) fn ident(name: &str) -> Ident {
    Ident::new(name).expect("a name of the catalog")
}

/// Returns the name of a relation, quoted, with its schema.
pub(super) fn qualified(name: &RelationName) -> QualifiedName {
    let schema = name.schema.as_deref().unwrap_or("public");
    QualifiedName::new(schema, name.name.as_str()).expect("a name of the catalog")
}

/// Returns a string constant. A NUL byte, which no text of the server has, is left out.
pub(super) fn literal(text: &str) -> String {
    let clean = text.replace('\0', "");
    Literal::new(&clean).expect("there is no NUL byte").to_string()
}

/// Returns a value of a column: a string constant, or null.
pub(super) fn value(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), literal)
}

/// Returns columns of the row, quoted, with commas.
pub(super) fn columns<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("{ROW}.{}", ident(name))).collect();
    names.join(", ")
}
