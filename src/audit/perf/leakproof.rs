//! Indexed columns whose operators may not be asked before policies are.

use crate::finding::Finding;

use super::super::Audit;
use super::super::rule::Rule;

const LEAKPROOF: &str = "perf.not-leakproof";

pub(super) const RULE: Rule = Rule {
    codes: &[LEAKPROOF],
    explanation: "\
Under row security an operator that is not leakproof is asked after the policies: it can be no index's condition, and the column's \
statistics are not used. So it is for numeric, enum, jsonb, arrays, ranges and full text, and for LIKE. Where such a search has to be \
fast, a function with its owner's rights and the tenant's filter inside answers it; `^@` and ranges of text are leakproof.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let tables = audit
        .schema
        .relations
        .values()
        .filter(|relation| relation.row_security && relation.kind.is_table() && !relation.is_partition);
    tables
        .filter_map(|relation| {
            if audit
                .roles_that(|role| audit.reaches(role, relation, "SELECT") && audit.schema.binds(relation, role))
                .is_empty()
            {
                return None;
            }
            let indexed = |name: &str| {
                let mut columns = relation.indexes.iter().flat_map(|index| index.columns.iter().flatten());
                columns.any(|column| column == name)
            };
            let columns: Vec<String> = relation
                .columns
                .iter()
                .filter(|column| is_told(&column.data_type) && indexed(&column.name))
                .map(|column| format!("{} ({})", column.name, column.data_type))
                .collect();
            if columns.is_empty() {
                return None;
            }
            let message = format!(
                "has indexes on {}, whose operators are not leakproof: under row security such an index does not answer a search by them",
                columns.join(", ")
            );
            let help = "search by them through a function with its owner's rights and the tenant's filter inside, where it has to be fast";
            Some(Finding::info(LEAKPROOF, relation.name.to_string(), message, help))
        })
        .collect()
}

/// Types whose comparisons tell something of what they are given, by an error or otherwise.
fn is_told(data_type: &str) -> bool {
    data_type.starts_with("numeric")
        || data_type.ends_with("[]")
        || data_type.ends_with("range")
        || matches!(data_type, "jsonb" | "tsvector" | "record" | "hstore")
}
