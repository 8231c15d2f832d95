//! Tenants that are told apart by letters which the column takes for the same.

use crate::finding::Finding;

use super::Audit;
use super::rule::Rule;

const COLLATION: &str = "leak.collation";

pub(super) const RULE: Rule = Rule {
    codes: &[COLLATION],
    explanation: "\
Under a nondeterministic collation `=` takes strings of different bytes for equal, as Acme and ACME. Where the tenant's column has one, \
every policy that compares it lets one tenant see another's rows. Give the column a deterministic collation.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let tables = audit.schema.relations.values().filter(|relation| relation.row_security);
    tables
        .filter_map(|relation| {
            let column = relation.column(audit.model.owned(relation)?.column()?)?;
            let is_reached = !audit
                .roles_that(|role| audit.reaches(role, relation, "SELECT"))
                .is_empty();
            if !column.is_nondeterministic || !is_reached {
                return None;
            }
            let message = format!(
                "its column {} has a nondeterministic collation, under which `=` takes different tenants for the same",
                column.name
            );
            let name = crate::script::RelationName::new(&column.name);
            let help = format!(
                "alter table {} alter column {name} type {} collate \"C\"",
                relation.name, column.data_type
            );
            Some(Finding::error(COLLATION, relation.name.to_string(), message, help))
        })
        .collect()
}
