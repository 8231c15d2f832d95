//! The queries, and which of their lines a server of a given major knows.

use crate::pg::bind::{NulByte, Value, bind, statement};

const SETTINGS: &str = include_str!("../../../sql/catalog/settings.sql");
const LEND: &str = include_str!("../../../sql/catalog/lend_picture.sql");
const BORROW: &str = include_str!("../../../sql/catalog/borrow_picture.sql");

/// Each returns rows of kind, identity, place, text, class of grants, grants, holder; see `assemble`. In parts that take about as long as one
/// another, where two sessions share the work.
const PARTS: [&[&str]; 5] = [
    &[
        include_str!("../../../sql/catalog/schemas.sql"),
        include_str!("../../../sql/catalog/extensions.sql"),
        include_str!("../../../sql/catalog/relations.sql"),
        include_str!("../../../sql/catalog/sequences.sql"),
        include_str!("../../../sql/catalog/functions.sql"),
        include_str!("../../../sql/catalog/aggregates.sql"),
        include_str!("../../../sql/catalog/types.sql"),
        include_str!("../../../sql/catalog/collations.sql"),
        include_str!("../../../sql/catalog/casts.sql"),
        include_str!("../../../sql/catalog/conversions.sql"),
        include_str!("../../../sql/catalog/operators.sql"),
        include_str!("../../../sql/catalog/operator_classes.sql"),
        include_str!("../../../sql/catalog/operator_families.sql"),
        include_str!("../../../sql/catalog/text_search.sql"),
        include_str!("../../../sql/catalog/languages.sql"),
        include_str!("../../../sql/catalog/publications.sql"),
        include_str!("../../../sql/catalog/event_triggers.sql"),
        include_str!("../../../sql/catalog/statistics.sql"),
        include_str!("../../../sql/catalog/default_privileges.sql"),
        include_str!("../../../sql/catalog/foreign_data.sql"),
        include_str!("../../../sql/catalog/subscriptions.sql"),
        include_str!("../../../sql/catalog/partitions.sql"),
        include_str!("../../../sql/catalog/rules.sql"),
        include_str!("../../../sql/catalog/triggers.sql"),
    ],
    &[include_str!("../../../sql/catalog/columns.sql")],
    &[
        include_str!("../../../sql/catalog/constraints.sql"),
        include_str!("../../../sql/catalog/policies.sql"),
    ],
    &[include_str!("../../../sql/catalog/views.sql")],
    &[include_str!("../../../sql/catalog/indexes.sql")],
];

/// Returns the one message that reads everything in one transaction, and `also` what is asked for beside.
pub(super) fn message(major: u32, also: &[&str]) -> String {
    let mut message = statement(SETTINGS).to_owned();
    for part in PARTS {
        push_part(&mut message, part, major);
    }
    for query in also {
        push(&mut message, query);
    }
    push(&mut message, "commit");
    message
}

/// Returns the first message where two sessions share the work: it begins the transaction, lends its picture to the other session, and asks
/// for `also`. The parts come later: the server keeps a short answer back until the message is done.
pub(super) fn lend(also: &[&str]) -> String {
    let mut message = statement(SETTINGS).to_owned();
    push(&mut message, statement(LEND));
    for query in also {
        push(&mut message, query);
    }
    message
}

/// Returns the message that begins a transaction with a picture that is lent.
pub(super) fn borrow(picture: &str) -> Result<String, NulByte> {
    let mut message = statement(SETTINGS).to_owned();
    push(&mut message, &bind(BORROW, &[Value::Text(picture)])?);
    Ok(message)
}

/// Returns the parts, each a message inside the transaction.
pub(super) fn parts(major: u32) -> impl Iterator<Item = String> {
    PARTS.iter().map(move |part| {
        let mut message = String::new();
        push_part(&mut message, part, major);
        message
    })
}

/// Returns the message that asks other queries in the same way: in one transaction, under the same settings.
pub(in crate::pg) fn reading(queries: impl Iterator<Item = &'static str>) -> String {
    let mut message = statement(SETTINGS).to_owned();
    for query in queries {
        push(&mut message, query);
    }
    push(&mut message, "commit");
    message
}

/// Returns the message that asks only for `query`, under the same settings.
pub(super) fn alone(major: u32, query: &str) -> String {
    let mut message = format!("{};\n", statement(SETTINGS));
    push_known(&mut message, query, major);
    push(&mut message, "commit");
    message
}

fn push_part(message: &mut String, part: &[&'static str], major: u32) {
    for query in part {
        push(message, "");
        push_known(message, statement(query), major);
    }
}

fn push(message: &mut String, statement: &str) {
    if !message.is_empty() {
        message.push_str(";\n");
    }
    message.push_str(statement);
}

/// Adds the lines that this major knows: one that ends with `-- from 14` is for 14 and later only.
fn push_known(message: &mut String, query: &str, major: u32) {
    for line in query.split('\n') {
        let (code, from) = match line.rsplit_once(" -- from ") {
            Some((code, from)) => (code, from.parse().expect("a marker ends with a major")),
            None => (line, 0),
        };
        if from <= major {
            message.push_str(code);
            message.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_sent_only_what_it_knows() {
        let known = |major| {
            let mut text = String::new();
            push_known(&mut text, "a\nb -- from 14\nc -- from 18", major);
            text
        };
        assert_eq!([known(13), known(14), known(18)], ["a\n", "a\nb\n", "a\nb\nc\n"]);
        assert!(!message(13, &[]).contains("attcompression") && message(14, &[]).contains("attcompression"));
        assert!(!message(18, &[]).contains("--"));
    }
}
