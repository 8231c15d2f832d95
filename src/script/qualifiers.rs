//! The names of columns in a view's query, the same from every server.
//!
//! Postgres before 16 writes `SELECT orders.id FROM orders` where 16 and later write `SELECT id FROM orders`: until then every view had two
//! more relations in its range table, so that `get_query_def` took its columns for ambiguous. 18 writes the prefix again where there is a
//! GROUP BY. Whether a query has one source of columns only is seen from its text, so the prefix is taken away where it cannot say anything.

use pg_query::NodeEnum;
use pg_query::protobuf::{Node, SelectStmt};
use serde_json::Value;

use super::{TokenKind, tokens};

/// Returns a query without the prefix of columns, if it has one source of columns; else as it is, and so if it cannot be read.
///
/// Queries inside of it stay as they are: all servers write their prefixes.
pub fn without_qualifiers(query: &str) -> String {
    let places = places(query).unwrap_or_default();
    let mut text = String::with_capacity(query.len());
    let mut rest = 0;
    for place in places {
        let Some(end) = prefix_end(query, place) else { continue };
        text.push_str(&query[rest..place]);
        rest = end;
    }
    text.push_str(&query[rest..]);
    text
}

/// Returns where columns with a prefix begin, in order.
fn places(query: &str) -> Option<Vec<usize>> {
    let parsed = pg_query::parse(query, 0).ok()?.protobuf;
    let [only] = parsed.stmts.as_slice() else { return None };
    let NodeEnum::SelectStmt(select) = only.stmt.as_ref()?.node.as_ref()? else {
        return None;
    };
    let source = only_source(select)?;
    let tree = serde_json::to_value(select.as_ref()).ok()?;
    let mut found = Vec::new();
    for part in [
        "target_list",
        "where_clause",
        "group_clause",
        "having_clause",
        "window_clause",
        "sort_clause",
        "distinct_clause",
    ] {
        columns(&tree[part], &source, &mut found);
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// Returns the name of the one relation, function or query in FROM.
fn only_source(select: &SelectStmt) -> Option<String> {
    let [Node { node: Some(source) }] = select.from_clause.as_slice() else {
        return None;
    };
    let (alias, name) = match source {
        NodeEnum::RangeVar(relation) => (relation.alias.as_ref(), Some(&relation.relname)),
        NodeEnum::RangeSubselect(query) => (query.alias.as_ref(), None),
        NodeEnum::RangeFunction(function) => (function.alias.as_ref(), None),
        _ => return None,
    };
    alias.map(|alias| &alias.aliasname).or(name).cloned()
}

/// Notes the columns `source.name` outside of queries further inside.
fn columns(tree: &Value, source: &str, found: &mut Vec<usize>) {
    match tree {
        Value::Array(items) => items.iter().for_each(|item| columns(item, source, found)),
        Value::Object(fields) => {
            if let Some(column) = fields.get("ColumnRef") {
                note(column, source, found);
                return;
            }
            let inner = fields.iter().filter(|(name, _)| *name != "SelectStmt");
            inner.for_each(|(_, value)| columns(value, source, found));
        }
        _ => {}
    }
}

fn note(column: &Value, source: &str, found: &mut Vec<usize>) {
    let name = |at: usize| column["fields"][at]["node"]["String"]["sval"].as_str();
    let is_pair = column["fields"].as_array().is_some_and(|fields| fields.len() == 2);
    if is_pair && name(0) == Some(source) && name(1).is_some() {
        found.extend(column["location"].as_u64().and_then(|at| usize::try_from(at).ok()));
    }
}

/// Returns where the column's own name begins: behind a name and a dot.
fn prefix_end(query: &str, place: usize) -> Option<usize> {
    let rest = query.get(place..)?;
    let mut tokens = tokens(rest);
    let (first, second) = (tokens.next()?, tokens.next()?);
    let is_name = matches!(first.kind, TokenKind::Word | TokenKind::QuotedIdent);
    (is_name && second.span.slice(rest) == ".").then_some(place + second.span.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_goes_where_there_is_one_source() {
        let cases = [
            (
                "SELECT t.a,\n    t.b AS c\n   FROM public.t;",
                "SELECT a,\n    b AS c\n   FROM public.t;",
            ),
            (
                "SELECT \"T\".\"A\" FROM s.\"T\" WHERE \"T\".b > 1",
                "SELECT \"A\" FROM s.\"T\" WHERE b > 1",
            ),
            (
                "SELECT count(t.a) FROM x t GROUP BY t.b ORDER BY t.b",
                "SELECT count(a) FROM x t GROUP BY b ORDER BY b",
            ),
            (
                "SELECT g.g FROM generate_series(1, 2) g(g)",
                "SELECT g FROM generate_series(1, 2) g(g)",
            ),
            (
                "SELECT q.a FROM ( SELECT t.a FROM t) q",
                "SELECT a FROM ( SELECT t.a FROM t) q",
            ),
            (
                "SELECT t.a FROM t WHERE (EXISTS ( SELECT 1 FROM u WHERE u.b = t.a))",
                "SELECT a FROM t WHERE (EXISTS ( SELECT 1 FROM u WHERE u.b = t.a))",
            ),
        ];
        for (query, expected) in cases {
            assert_eq!(without_qualifiers(query), expected);
            assert_eq!(without_qualifiers(expected), expected);
        }
    }

    #[test]
    fn everything_else_stays() {
        for query in [
            "SELECT t.a, u.b FROM t, u",
            "SELECT t.a FROM t JOIN u ON t.a = u.a",
            "SELECT t.a FROM t UNION SELECT u.a FROM u",
            "SELECT t.*::t FROM t",
            "SELECT s.f(a), 't.a' FROM s.s",
            "SELECT t.a FROM",
            "",
        ] {
            assert_eq!(without_qualifiers(query), query);
        }
    }
}
