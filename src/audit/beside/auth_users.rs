//! Views that show the users of the gateway.

use std::collections::BTreeSet;

use crate::activity::Oid;
use crate::finding::Finding;
use crate::schema::{Kind, Relation};
use crate::script::RelationName;

use super::super::Audit;
use super::super::reach::listed;
use super::super::rule::Rule;

const USERS: &str = "view.auth-users";

pub(in super::super) const RULE: Rule = Rule {
    codes: &[USERS],
    explanation: "\
auth.users holds everybody's address, and what they sign in with. A view on it that the application can read shows them, because it \
asks with its owner's rights; a materialized view has a copy of them. Show only what others may know, from a table of its own, or with \
the condition that the row is the session's own user.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let Some(users) = audit.schema.relation(&RelationName::qualified("auth", "users")) else {
        return Vec::new();
    };
    let views = audit
        .schema
        .relations
        .values()
        .filter(|relation| matches!(relation.kind, Kind::View | Kind::MaterializedView));
    views.filter_map(|view| shows(audit, view, users)).collect()
}

fn shows(audit: &Audit<'_>, view: &Relation, users: &Relation) -> Option<Finding> {
    if !reads(audit, view, users.oid, &mut BTreeSet::new()) {
        return None;
    }
    let roles = audit.roles_that(|role| audit.reaches(role, view, "SELECT"));
    if roles.is_empty() {
        return None;
    }
    let definition = view.definition.as_deref().unwrap_or_default();
    let asks = ["auth.uid()", "current_setting(", "auth.jwt()"]
        .iter()
        .any(|word| definition.contains(word));
    let name = view.name.to_string();
    let message = format!("reads auth.users, and {} can read it", listed(&roles));
    let help = format!(
        "revoke select on {name} from {}, or let its query ask for the session's own user",
        roles.join(", ")
    );
    if asks && view.kind == Kind::View {
        return Some(Finding::info(
            USERS,
            name,
            format!("{message}; its query asks who the session is"),
            help,
        ));
    }
    Some(Finding::warning(USERS, name, message, help))
}

/// Tells whether a view reads a table with rights that are not the session's own, itself or through another view.
fn reads(audit: &Audit<'_>, view: &Relation, table: Oid, seen: &mut BTreeSet<Oid>) -> bool {
    let is_sessions = view.kind == Kind::View && view.is_security_invoker();
    (view.reads.contains(&table) && !is_sessions)
        || view.reads.iter().any(|read| {
            seen.insert(*read)
                && audit
                    .schema
                    .relations
                    .get(read)
                    .is_some_and(|inner| !inner.kind.is_table() && reads(audit, inner, table, seen))
        })
}
