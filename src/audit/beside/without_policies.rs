//! What the application reaches and can have no policies.

use crate::finding::Finding;
use crate::isolation::{Chance, Says};
use crate::schema::Kind;

use super::super::Audit;
use super::super::reach::listed;
use super::super::rule::Rule;

const MATERIALIZED: &str = "view.materialized";
const FOREIGN: &str = "view.foreign-table";

pub(in super::super) const RULE: Rule = Rule {
    codes: &[MATERIALIZED, FOREIGN],
    explanation: "\
Materialized views and foreign tables can have no policies: whoever has the privilege has all rows. Where they hold tenants' rows that is \
told as a leak; where they do not, it is good to know.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let relations = audit.schema.relations.values();
    relations
        .filter_map(|relation| {
            let (code, what) = match relation.kind {
                Kind::MaterializedView => (MATERIALIZED, "is a materialized view"),
                Kind::Foreign => (FOREIGN, "is a foreign table"),
                _ => return None,
            };
            let roles = audit.roles_that(|role| audit.reaches(role, relation, "SELECT"));
            let role = roles.first()?;
            let is_told = audit.model.owned(relation).is_some()
                || (relation.kind == Kind::MaterializedView
                    && Says::ALL
                        .into_iter()
                        .any(|says| audit.model.shown(relation, role, says).chance > Chance::Never));
            if is_told {
                return None;
            }
            let message = format!("{what}, which can have no policies, and {} can read it", listed(&roles));
            let help = format!(
                "revoke select on {} from {}, unless it is everybody's",
                relation.name,
                roles.join(", ")
            );
            Some(Finding::info(code, relation.name.to_string(), message, help))
        })
        .collect()
}
