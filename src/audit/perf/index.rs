//! No index by which a tenant's rows are found.

use crate::finding::Finding;
use crate::schema::Kind;
use crate::script::RelationName;

use super::super::Audit;
use super::super::rule::Rule;
use super::condition::found_by;
use super::{asked, weighed};

const NO_INDEX: &str = "perf.no-index";

pub(super) const RULE: Rule = Rule {
    codes: &[NO_INDEX],
    explanation: "\
Every query on the table is asked for the tenant by its policy. Without an index that begins with the tenant's column it reads the rows of \
all tenants to find those of one: on half a million rows of a thousand tenants that was measured as a thousand times slower and more. Best is \
an index on the tenant and what the table is mostly sorted by, as in (tenant_id, created_at desc).",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for asked in asked(audit) {
        let relation = asked.relation;
        let Some(tenant) = audit.model.owned(relation).and_then(|owned| owned.column()) else {
            continue;
        };
        let name = relation.name.to_string();
        // A partition is found by its bounds, and its parent's index is its own.
        let is_divided = relation.kind == Kind::Partitioned || relation.is_partition;
        let is_told = found.iter().any(|finding| finding.object == name);
        let columns = found_by(&asked.expression, relation);
        let is_found = columns.iter().any(|column| relation.has_index_on(&[column]));
        if is_divided || is_told || !columns.contains(&tenant) || is_found {
            continue;
        }
        let column = RelationName::new(tenant);
        let message = format!(
            "has no index that begins with {tenant}: for each query its policy {} reads the rows of all tenants",
            asked.policy.name
        );
        let help =
            format!("create index concurrently on {name} ({column}), with what the table is sorted by behind it");
        found.push(weighed(
            relation,
            Finding::info(NO_INDEX, name, message, help).evidence("column", tenant),
        ));
    }
    found
}
