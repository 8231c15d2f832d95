//! From a file under `sql/retrofit` to a statement: each `{name}` in it is replaced by what is quoted already.

use std::fmt::Display;

use crate::pg::bind::statement;
use crate::pg::ident::{Ident, Literal, QualifiedName};
use crate::script::RelationName;

/// Returns the statement of a file with its values, and without its header and its last semicolon.
///
/// The values are identifiers, literals, and expressions made of them.
///
/// # Panics
/// If the file asks for a value that is not given, which every use of the file would show.
pub(super) fn fill(file: &'static str, values: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::with_capacity(file.len() + 64);
    let mut rest = statement(file);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').expect("a { of our templates is closed");
        let value = values.iter().find(|(given, _)| *given == name);
        filled.push_str(before);
        filled.push_str(&value.expect("each value of a template is given").1.to_string());
        rest = after;
    }
    filled.push_str(rest);
    filled.trim_end().to_owned()
}

/// Returns a name of the catalog or of the configuration, quoted.
///
/// # Panics
/// If it is empty or holds a NUL byte: neither source has such names.
pub(super) fn ident(name: &str) -> Ident {
    Ident::new(name).expect("a name of the catalog, or one that was read")
}

/// Returns the name of a relation, quoted, with its schema.
pub(super) fn qualified(name: &RelationName) -> QualifiedName {
    in_schema_of(name, &name.name)
}

/// Returns the name of something in the schema of a relation.
pub(super) fn in_schema_of(relation: &RelationName, name: &str) -> QualifiedName {
    let schema = relation.schema.clone().unwrap_or_else(|| "public".to_owned());
    QualifiedName::new(schema, name).expect("a name of the catalog, or one that was read")
}

/// Returns columns, quoted, with commas.
pub(super) fn columns<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| ident(name).to_string()).collect();
    names.join(", ")
}

/// Returns a string constant.
///
/// # Panics
/// If it holds a NUL byte, with which no model is read.
pub(super) fn literal(text: &str) -> String {
    Literal::new(text).expect("text that was read from TOML").to_string()
}

/// Returns a text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    // JSON's strings are strings of TOML, but for one character.
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_put_where_their_names_are() {
        let table = qualified(&RelationName::qualified("public", "Orders"));
        let filled = fill(
            "-- Purpose: {x}.\nselect {column} from {table};\n",
            &[("table", &table), ("column", &ident("a"))],
        );
        assert_eq!(filled, "select a from public.\"Orders\"");
    }
}
