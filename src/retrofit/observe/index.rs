//! Which indexes a query loses as soon as row security is on.

use crate::finding::{Finding, Severity};
use crate::schema::{Index, Relation};

/// Types whose comparisons are leakproof on every server, so that an index answers them under row security too (`pg_proc.proleakproof`).
const LEAKPROOF: [&str; 14] = [
    "uuid",
    "text",
    "character varying",
    "smallint",
    "integer",
    "bigint",
    "boolean",
    "date",
    "timestamp without time zone",
    "timestamp with time zone",
    "bytea",
    "inet",
    "real",
    "double precision",
];

/// Says which indexes cannot answer a query's own condition while the table is observed: the condition could leak, so that the policy has to
/// be asked first, and unlike the enforced one it leaves no rows out.
pub(super) fn slower(relation: &Relation) -> Option<Finding> {
    let names: Vec<&str> = relation
        .indexes
        .iter()
        .filter(|index| index.is_valid && !is_leakproof(relation, index))
        .map(|index| index.name.as_str())
        .collect();
    if names.is_empty() {
        return None;
    }
    let message = format!(
        "has indexes whose conditions are not leakproof, so that a query that has no other reads the whole table while it is observed: {}",
        names.join(", ")
    );
    let help = "see in EXPLAIN, as a role that row security binds, what the queries behind them cost; enforced, they read the tenant's rows only";
    Some(
        Finding {
            severity: Severity::Warning,
            ..Finding::error("retrofit.not-leakproof", relation.name.to_string(), message, help)
        }
        .evidence("indexes", names.len()),
    )
}

/// An index is of no use to a query whose condition is on its first column, or is not a B-tree's.
fn is_leakproof(relation: &Relation, index: &Index) -> bool {
    let first = index.columns.first().and_then(Option::as_deref);
    let column = first.and_then(|name| relation.column(name));
    index.method == "btree"
        && column.is_some_and(|column| {
            let base = column.data_type.split('(').next().unwrap_or_default();
            LEAKPROOF.contains(&base) || LEAKPROOF.contains(&column.data_type.as_str())
        })
}
