//! Whether two expressions say the same: one as it was written, the other as the server writes it back.

use serde_json::{Map, Value};

/// What says where something stands, or how it was spelt, and nothing else.
const NO_MEANING: [&str; 7] = [
    "funcformat",
    "rexpr_list_start",
    "rexpr_list_end",
    "list_start",
    "list_end",
    "stmt_len",
    "stmt_location",
];

/// Tells whether two expressions are the same by the server's grammar, whatever their parentheses, their casts, the names of their columns in
/// the output, and the schemas of functions and operators where one of the two says none.
///
/// The server writes an expression back with casts that were understood, with parentheses everywhere, and without the schemas of its search path
/// (`ruleutils.c`). What cannot be read is not the same as anything.
pub fn same_expression(one: &str, other: &str) -> bool {
    match (tree(one), tree(other)) {
        (Some(one), Some(other)) => is_same(&one, &other),
        _ => false,
    }
}

fn tree(expression: &str) -> Option<Value> {
    let parsed = pg_query::parse(&format!("select ({expression})"), 0).ok()?.protobuf;
    let [only] = parsed.stmts.as_slice() else { return None };
    serde_json::to_value(only).ok().map(bare)
}

/// Leaves out what does not count.
fn bare(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(bare).collect(),
        Value::Object(mut map) => match uncast(&mut map) {
            Some(inner) => bare(inner),
            None => bare_map(map).into(),
        },
        other => other,
    }
}

/// Returns what a node casts.
fn uncast(map: &mut Map<String, Value>) -> Option<Value> {
    let cast = map.get_mut("node")?.get_mut("TypeCast")?;
    cast.get_mut("arg").map(Value::take)
}

fn bare_map(map: Map<String, Value>) -> Map<String, Value> {
    let counts = |key: &String| !key.ends_with("location") && !NO_MEANING.contains(&key.as_str());
    map.into_iter()
        .filter(|(key, _)| counts(key))
        .map(|(key, mut value)| {
            if key == "ResTarget" {
                value["name"] = Value::Null;
            }
            (key, bare(value))
        })
        .collect()
}

fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| {
                    let there = other.get(key);
                    there.is_some_and(|there| match key.as_str() {
                        "funcname" | "name" => is_same_name(value, there),
                        _ => is_same(value, there),
                    })
                })
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        _ => one == other,
    }
}

/// A schema counts where both name one.
fn is_same_name(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            let mut pairs = one.iter().rev().zip(other.iter().rev());
            one.is_empty() == other.is_empty() && pairs.all(|(one, other)| is_same(one, other))
        }
        _ => is_same(one, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_writes_back_is_the_same() {
        for (written, told) in [
            (
                "tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)",
                "(tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS \"nullif\"))",
            ),
            (
                "tenant_id = any ((select app.tenant_ids())::uuid[])",
                "(tenant_id = ANY (( SELECT tenant_ids() AS tenant_ids)::uuid[]))",
            ),
            (
                "name = (select nullif(nullif(current_setting('c', true), '')::json -> 'a' ->> 'b', '')::varchar)",
                "((name)::text = (( SELECT (NULLIF((((NULLIF(current_setting('c'::text, true), ''::text))::json -> 'a'::text) ->> 'b'::text), ''::text))::character varying AS \"nullif\"))::text)",
            ),
            (
                "a = (select auth.uid())",
                "(a OPERATOR(public.=) ( SELECT auth.uid() AS uid))",
            ),
            (
                "a = (select app.tenant_as(array['owner', 'viewer']))",
                "(a = ( SELECT tenant_as(ARRAY['owner'::text, 'viewer'::text]) AS tenant_as))",
            ),
            ("true", "true"),
        ] {
            assert!(same_expression(written, told), "{written}\n{told}");
        }
    }

    #[test]
    fn what_says_something_else_is_not() {
        let ours = "tenant_id = (select app.tenant())";
        for other in [
            "true",
            "tenant_id = (select other.tenant())",
            "tenant_id = (select app.tenants())",
            "tenant_id <> (select app.tenant())",
            "other_id = (select app.tenant())",
            "tenant_id = (select app.tenant()) or true",
            "tenant_id = app.tenant()",
            "tenant_id = (select app.tenant() limit 0)",
            "tenant_id = (select app.tenant(array['owner']))",
            "tenant_id = ",
            "tenant_id = (select app.tenant())); select (1",
        ] {
            assert!(!same_expression(ours, other), "{other}");
        }
    }
}
