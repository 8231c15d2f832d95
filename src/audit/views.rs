//! Views, which ask with their owner's rights.

use crate::activity::Oid;
use crate::finding::Finding;
use crate::isolation::{Chance, Says, Shown};
use crate::schema::{Kind, Relation};

use super::Audit;
use super::reach::listed;
use super::rule::Rule;

const VIEW: &str = "leak.view";
const MATERIALIZED: &str = "leak.materialized-view";
const UNKNOWN: &str = "audit.unknown-view";

pub(super) const RULE: Rule = Rule {
    codes: &[VIEW, MATERIALIZED, UNKNOWN],
    explanation: "\
A view asks the tables in it with the rights of its owner, so that policies hold its owner back, and not who asks it; with \
security_invoker (15 and later) it asks with the rights of who asks. A materialized view holds rows that its owner has read, and can \
have no policies. Either is safe where its own query leaves out other tenants' rows, or where its owner is held back too.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let views = audit
        .schema
        .relations
        .values()
        .filter(|relation| matches!(relation.kind, Kind::View | Kind::MaterializedView));
    views.filter_map(|view| shown(audit, view)).collect()
}

fn shown(audit: &Audit<'_>, view: &Relation) -> Option<Finding> {
    let on_a_view = view
        .reads
        .iter()
        .filter_map(|read| audit.schema.relations.get(read))
        .any(|read| !read.kind.is_table());
    let roles = audit.roles_that(|role| {
        let escapes = &audit.schema.roles[role];
        let is_free = escapes.is_superuser || escapes.bypasses_row_security;
        let any = ["SELECT", "INSERT", "UPDATE", "DELETE"]
            .iter()
            .any(|privilege| audit.reaches(role, view, privilege));
        // What asks with the session's own rights shows what the tables show.
        any && !is_free && !(view.kind == Kind::View && view.is_security_invoker() && !on_a_view)
    });
    let role = roles.first()?;
    let best = best(Says::ALL.into_iter().map(|says| audit.model.shown(view, role, says)))?;
    let of = best
        .of
        .and_then(|of: Oid| audit.schema.relations.get(&of))
        .map(|table| table.name.to_string());
    let of = of.unwrap_or_default();
    let name = view.name.to_string();
    if best.chance < Chance::Can {
        let message = format!(
            "it cannot be told from its query whether it shows {} rows of {of} of other tenants",
            listed(&roles)
        );
        return Some(Finding::info(UNKNOWN, name, message, "try it: `rlsctl prove`"));
    }
    if view.kind == Kind::MaterializedView {
        let message = format!(
            "holds rows of {of} of all tenants, and {} can read it: it can have no policies",
            listed(&roles)
        );
        let help = format!(
            "revoke select on {} from {}, and show it through a view with a condition on the tenant",
            view.name,
            roles.join(", ")
        );
        return Some(Finding::error(MATERIALIZED, name, message, help));
    }
    let message = format!(
        "shows {} rows of {of} of other tenants: it asks with the rights of its owner {}",
        listed(&roles),
        view.owner
    );
    let help = if audit.schema.major() >= 15 {
        format!("alter view {} set (security_invoker = true)", view.name)
    } else {
        format!(
            "give {} to an owner whom the policies hold back, or put a condition on the tenant into its query",
            view.name
        )
    };
    Some(Finding::error(VIEW, name, message, help).evidence("table", of))
}

fn best(shown: impl Iterator<Item = Shown>) -> Option<Shown> {
    shown
        .filter(|shown| shown.chance > Chance::Never)
        .max_by_key(|shown| shown.chance)
}
