//! Roles of the application that row security never holds back.

use crate::finding::Finding;
use crate::schema::Role;
use crate::script::RelationName;

use super::Audit;
use super::rule::Rule;

const BYPASSES: &str = "leak.bypass";
const SET_ROLE: &str = "leak.set-role";
const REPLICATES: &str = "leak.replication";

pub(super) const RULE: Rule = Rule {
    codes: &[BYPASSES, SET_ROLE, REPLICATES],
    explanation: "\
A superuser and a role with BYPASSRLS are asked by no policy, a role with REPLICATION reads the data files and the stream of \
changes. An application that acts as one of them, or that can become one by SET ROLE, sees every tenant's rows. BYPASSRLS is not \
inherited by members, but SET ROLE reaches it. Let the application act as a role that has none of these, and is a member of none \
that has.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for name in &audit.roles {
        let role = &audit.schema.roles[*name];
        if let Some(how) = escapes(role) {
            let message = format!("{how}, so that no policy holds it back: every tenant's rows are its own");
            let ident = RelationName::new(*name);
            let help = if role.is_superuser {
                format!("alter role {ident} nosuperuser nobypassrls")
            } else {
                format!("alter role {ident} nobypassrls")
            };
            found.push(Finding::error(BYPASSES, *name, message, help));
            continue;
        }
        if role.creates_roles && audit.schema.major() < 16 {
            let message = "has CREATEROLE: before PostgreSQL 16 it can make itself a member of any role but a superuser, and act as it";
            let help = format!("alter role {} nocreaterole", RelationName::new(*name));
            found.push(Finding::error(SET_ROLE, *name, message, help));
        }
        if role.replicates {
            let message =
                "has REPLICATION: it can read the whole cluster's data files and changes, whatever policies say";
            let help = format!("alter role {} noreplication", RelationName::new(*name));
            found.push(Finding::error(REPLICATES, *name, message, help));
        }
        found.extend(
            audit
                .becomes(name)
                .into_iter()
                .filter_map(|other| becomes(audit, name, other)),
        );
    }
    found
}

fn escapes(role: &Role) -> Option<&'static str> {
    match (role.is_superuser, role.bypasses_row_security) {
        (true, _) => Some("is a superuser"),
        (_, true) => Some("has BYPASSRLS"),
        _ => None,
    }
}

/// What a role can become, and what that one sees that the first does not.
fn becomes(audit: &Audit<'_>, name: &str, other: &Role) -> Option<Finding> {
    if audit.roles.contains(&other.name.as_str()) {
        // It is judged by itself.
        return None;
    }
    let what = if let Some(how) = escapes(other) {
        format!("which {how}")
    } else {
        let owned = audit.schema.relations.values().find(|relation| {
            audit.model.owned(relation).is_some()
                && relation.row_security
                && !relation.force_row_security
                && audit.schema.acts_as(&other.name, &relation.owner)
                && !audit.schema.acts_as(name, &relation.owner)
        })?;
        format!(
            "which acts as the owner of {}, and its policies do not hold an owner back",
            owned.name
        )
    };
    let message = format!("can SET ROLE to {}, {what}", other.name);
    let help = format!(
        "revoke {} from {}",
        RelationName::new(&other.name),
        RelationName::new(name)
    );
    Some(Finding::error(SET_ROLE, name, message, help).evidence("becomes", other.name.clone()))
}
