//! Small readers of the grammar's nodes.

use pg_query::NodeEnum;
use pg_query::protobuf::{Node, RangeVar, a_const};

use crate::script::RelationName;

/// Returns the name of a relation as the statement writes it.
pub(super) fn relation_name(range: &RangeVar) -> RelationName {
    RelationName {
        schema: (!range.schemaname.is_empty()).then(|| range.schemaname.clone()),
        name: range.relname.clone(),
    }
}

/// Says whether a relation is temporary by its declaration or by its schema.
pub(super) fn is_temporary(range: &RangeVar) -> bool {
    range.relpersistence == "t" || range.schemaname.starts_with("pg_temp")
}

/// Returns the text of a string node.
pub(super) fn string(node: &Node) -> Option<&str> {
    match node.node.as_ref()? {
        NodeEnum::String(string) => Some(&string.sval),
        _ => None,
    }
}

/// Returns the strings of a list node, or of a single string or type name.
pub(super) fn strings(node: &Node) -> Vec<&str> {
    match &node.node {
        Some(NodeEnum::List(list)) => list.items.iter().filter_map(string).collect(),
        Some(NodeEnum::TypeName(name)) => name.names.iter().filter_map(string).collect(),
        _ => string(node).into_iter().collect(),
    }
}

/// Reads a possibly qualified name out of its parts: `name`, `schema.name`, `catalog.schema.name`.
pub(super) fn from_parts(parts: &[&str]) -> Option<RelationName> {
    let (name, qualifiers) = parts.split_last()?;
    Some(RelationName {
        schema: qualifiers.last().map(|&schema| schema.to_owned()),
        name: (*name).to_owned(),
    })
}

/// Returns the string constant an expression is, seeing through casts.
pub(super) fn constant(node: &Node) -> Option<&str> {
    match node.node.as_ref()? {
        NodeEnum::AConst(constant) => match constant.val.as_ref()? {
            a_const::Val::Sval(string) => Some(&string.sval),
            _ => None,
        },
        NodeEnum::TypeCast(cast) => constant(cast.arg.as_ref()?),
        _ => None,
    }
}

/// Returns the truth value an expression is, if it is a constant.
pub(super) fn boolean(node: &Node) -> Option<bool> {
    match node.node.as_ref()? {
        NodeEnum::AConst(constant) => match constant.val.as_ref()? {
            a_const::Val::Boolval(value) => Some(value.boolval),
            a_const::Val::Sval(string) => truth(&string.sval),
            a_const::Val::Ival(number) => Some(number.ival != 0),
            _ => None,
        },
        NodeEnum::TypeCast(cast) => boolean(cast.arg.as_ref()?),
        NodeEnum::String(string) => truth(&string.sval),
        // A bare word in a list of options is read as the name of a type: `connect = off`.
        NodeEnum::TypeName(name) => match name.names.as_slice() {
            [word] => truth(string(word)?),
            _ => None,
        },
        NodeEnum::Integer(number) => Some(number.ival != 0),
        NodeEnum::Boolean(value) => Some(value.boolval),
        _ => None,
    }
}

/// Reads a boolean option as the server does.
fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "off" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// Returns an option out of a list of them: none if it is not there, else its value, which is true if the
/// statement names only the option and also if the value is not a known truth value.
pub(super) fn option(options: &[Node], name: &str) -> Option<bool> {
    options.iter().rev().find_map(|node| match &node.node {
        Some(NodeEnum::DefElem(element)) if element.defname == name => {
            Some(element.arg.as_ref().is_none_or(|arg| boolean(arg).unwrap_or(true)))
        }
        _ => None,
    })
}
