//! TRUNCATE, which asks no policy.

use crate::finding::Finding;
use crate::schema::Kind;

use super::Audit;
use super::reach::listed;
use super::rule::Rule;

const TRUNCATE: &str = "leak.truncate";

pub(super) const RULE: Rule = Rule {
    codes: &[TRUNCATE],
    explanation: "\
TRUNCATE empties a table for all tenants, and asks no policy. A role of the application does not need it.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let tables = audit
        .schema
        .relations
        .values()
        .filter(|relation| relation.kind != Kind::Foreign && audit.model.owned(relation).is_some());
    tables
        .filter_map(|relation| {
            // An owner can do anything; that is told of elsewhere.
            let roles = audit.roles_that(|role| {
                let is_bound = !relation.row_security || audit.schema.binds(relation, role);
                is_bound && !audit.schema.acts_as(role, &relation.owner) && audit.reaches(role, relation, "TRUNCATE")
            });
            if roles.is_empty() {
                return None;
            }
            let message = format!(
                "can be emptied by {} for all tenants: TRUNCATE asks no policy",
                listed(&roles)
            );
            let by_all = relation
                .grants
                .iter()
                .any(|grant| grant.is_public() && grant.privilege == "TRUNCATE");
            let whom = if by_all { "public".to_owned() } else { roles.join(", ") };
            let help = format!("revoke truncate on {} from {whom}", relation.name);
            Some(Finding::error(TRUNCATE, relation.name.to_string(), message, help))
        })
        .collect()
}
