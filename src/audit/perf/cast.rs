//! The tenant's column inside of a cast or a function.

use crate::finding::Finding;
use crate::schema::Relation;
use crate::script::expression::Expression;

use super::super::Audit;
use super::super::rule::Rule;
use super::condition::{all_of, any_of, column, found_by, is_of_row};
use super::{asked, weighed};

const CAST: &str = "perf.cast";

pub(super) const RULE: Rule = Rule {
    codes: &[CAST],
    explanation: "\
An index on a column is of no use to a condition on something made of it: `tenant_id::text = current_setting(...)` reads all tenants' rows, \
which was measured as 350 times slower and more. Cast the other side: `tenant_id = current_setting(...)::uuid`.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for asked in asked(audit) {
        let relation = asked.relation;
        let arms = any_of(&asked.expression);
        let is_indexed = |name: &str| {
            // An index on what is made of it answers the condition.
            let mut indexes = relation.indexes.iter();
            indexes.any(|index| index.columns.first() == Some(&None) && index.definition.contains(name))
        };
        let wrapped = arms
            .into_iter()
            .filter(|arm| found_by(arm, relation).is_empty())
            .flat_map(all_of)
            .find_map(|part| wrapped(part, relation));
        let Some((column, is_cast)) = wrapped.filter(|(column, _)| !is_indexed(column)) else {
            continue;
        };
        if found
            .iter()
            .any(|finding: &Finding| finding.object == relation.name.to_string())
        {
            continue;
        }
        let message = format!(
            "policy {} compares what it makes of {column}, not the column: no index on it is of use, and all tenants' rows are read",
            asked.policy.name
        );
        let help = format!("cast the other side to the type of {column}, and leave the column bare");
        let finding = Finding::info(CAST, relation.name.to_string(), message, help)
            .evidence("policy", asked.policy.name.clone())
            .evidence("column", column);
        let is_tenant = audit.model.owned(relation).and_then(|owned| owned.column()) == Some(column);
        found.push(if is_tenant && is_cast {
            weighed(relation, finding)
        } else {
            finding
        });
    }
    found
}

/// Types whose values are other ones after a cast. A varchar, or a domain, is to the server the text that it is cast to.
const CASTED: [&str; 8] = [
    "uuid", "bigint", "integer", "smallint", "numeric", "date", "boolean", "inet",
];

/// Returns the column that is compared by `=` only after something was made of it, and whether that is a cast.
fn wrapped<'e>(part: &'e Expression, relation: &Relation) -> Option<(&'e str, bool)> {
    let Expression::Operator { name, operands } = part else {
        return None;
    };
    let [left, right] = operands.as_slice() else {
        return None;
    };
    if name != "=" {
        return None;
    }
    let side = |one: &'e Expression, other: &Expression| made_of(one, relation).filter(|_| !is_of_row(other, relation));
    side(left, right).or_else(|| side(right, left))
}

fn made_of<'e>(expression: &'e Expression, relation: &Relation) -> Option<(&'e str, bool)> {
    let inner = match expression {
        Expression::Cast(inner, _) => {
            let Some(name) = column(inner, relation) else {
                return made_of(inner, relation);
            };
            let is_other = relation
                .column(name)
                .is_some_and(|column| CASTED.contains(&column.data_type.as_str()));
            return is_other.then_some((name, true));
        }
        Expression::Call { arguments, .. } | Expression::Coalesce(arguments) => arguments.first()?,
        Expression::NullIf(pair) => &pair[0],
        _ => return None,
    };
    let name = column(inner, relation).or_else(|| match inner {
        Expression::Cast(inner, _) => column(inner, relation),
        _ => None,
    })?;
    Some((name, false))
}
