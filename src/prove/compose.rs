//! From a file under `sql/prove` to a statement: each `{name}` in it is replaced by what is quoted already.

use std::fmt::Display;

use crate::pg::bind::statement;

/// Returns the statement of a file with its values, and without its header and its last semicolon.
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
    filled
}
