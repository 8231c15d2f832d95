//! IN and EXISTS, which are filters and never an index's condition.

use crate::finding::{Finding, Severity};
use crate::script::expression::Expression;

use super::super::Audit;
use super::super::rule::Rule;
use super::condition::{all_of, any_of, found_by, is_a_call, is_of_row};
use super::{asked, weighed};

const SUBQUERY: &str = "perf.subquery";

pub(super) const RULE: Rule = Rule {
    codes: &[SUBQUERY],
    explanation: "\
`tenant_id in (select f())` is a hashed subplan: a filter, which the planner never turns into a condition of an index. A query without its own \
filter for the tenant reads all tenants' rows: a hundred to a thousand times slower, measured. `= any (array(select f()))` and \
`= any ((select f())::uuid[])` say the same and use the index; `= (select active_tenant())` keeps its order too. An EXISTS on a parent has \
the same price; a tenant's column on the table itself has none.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for asked in asked(audit) {
        let relation = asked.relation;
        // What has an index's condition beside it is asked only of the rows that are found by that.
        let arms = any_of(&asked.expression);
        let parts = arms
            .into_iter()
            .filter(|arm| found_by(arm, relation).is_empty())
            .flat_map(all_of);
        let told = parts.filter_map(|part| match part {
            Expression::QuantifiedQuery {
                left,
                query,
                is_all: false,
                ..
            } if is_of_row(left, relation) => Some(("IN (SELECT ...)", is_a_call(query))),
            Expression::Exists(_) if is_of_row(part, relation) => Some(("an EXISTS that depends on the row", false)),
            _ => None,
        });
        let Some((what, is_call)) = told.max_by_key(|(_, is_call)| *is_call) else {
            continue;
        };
        let message = format!(
            "policy {} has {what}, which is a filter and never an index's condition: queries without a filter of their own read all rows",
            asked.policy.name
        );
        let help = "write it as `= any (array(select ...))`, or as `= any ((select f())::uuid[])` with a function that returns an array";
        let finding = Finding::info(SUBQUERY, relation.name.to_string(), message, help)
            .evidence("policy", asked.policy.name.clone());
        found.push(if is_call { weighed(relation, finding) } else { finding });
    }
    once_each(found)
}

/// Returns one finding a table, the weightiest.
fn once_each(mut found: Vec<Finding>) -> Vec<Finding> {
    let key = |finding: &Finding| (finding.object.clone(), finding.severity);
    found.sort_by_key(key);
    found.dedup_by(|next, one| next.object == one.object);
    debug_assert!(found.iter().all(|finding| finding.severity != Severity::Error));
    found
}
