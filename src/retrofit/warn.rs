//! Who will be locked out, and what will see less.

use crate::finding::{Finding, Severity};
use crate::schema::{Kind, Relation, Schema, Trigger};
use crate::tenancy::{Existing, Tenancy};

use super::aim::{Aim, Aims, Source};

/// Returns what a person should know before row security binds.
pub(super) fn warnings(schema: &Schema, tenancy: &Tenancy, aims: &Aims) -> Vec<Finding> {
    let mut found = Vec::new();
    for aim in &aims.tables {
        let relation = &schema.relations[&aim.table];
        found.extend(without_policy(schema, tenancy, relation));
        found.extend(beside(tenancy, relation));
        found.extend(altered(schema, tenancy, aim));
        found.extend(no_index(schema, aim, relation));
        found.extend(no_trigger(aim));
    }
    found.extend(escaping(schema, tenancy));
    found.extend(migrating(schema, tenancy, aims));
    found
}

fn warning(code: &'static str, object: impl Into<String>, message: impl Into<String>, help: &str) -> Finding {
    Finding {
        severity: Severity::Warning,
        ..Finding::error(code, object, message, help)
    }
}

/// A materialized view, or any view before 15.
pub(super) fn seen_by_all(view: &Relation) -> Finding {
    let kind = if view.kind == Kind::View {
        "view"
    } else {
        "materialized view"
    };
    let message = format!("is a {kind} that shows all tenants' rows: it asks with its owner's rights");
    let help = "take SELECT on it away from the application's roles, or put a condition on the tenant into its query";
    warning("retrofit.view-shows-all", view.name.to_string(), message, help)
}

/// Roles that read or write the table today and that no policy is for.
fn without_policy(schema: &Schema, tenancy: &Tenancy, relation: &Relation) -> Option<Finding> {
    let named = |role: &str| {
        let mut ours = tenancy.all_app_roles().chain(&tenancy.admin_roles);
        ours.any(|app| schema.acts_as(role, app))
    };
    let escapes = |role: &str| {
        let escapes = schema
            .roles
            .get(role)
            .is_some_and(|role| role.is_superuser || role.bypasses_row_security);
        escapes || schema.acts_as(role, &relation.owner)
    };
    let mut roles: Vec<&str> = relation
        .grants
        .iter()
        .filter(|grant| matches!(grant.privilege.as_str(), "SELECT" | "INSERT" | "UPDATE" | "DELETE"))
        .map(|grant| grant.grantee.as_str())
        .filter(|role| !role.is_empty() && !named(role) && !escapes(role))
        .collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        return None;
    }
    let message = format!("will show no rows to {}, which may use it today", roles.join(", "));
    let help = "name them in app_roles, read_only_roles or admin_roles of [tenancy], if they shall go on";
    Some(warning("retrofit.locked-out", relation.name.to_string(), message, help))
}

/// An index on a partitioned table is made on each partition and attached, but not on partitions of partitions.
fn no_index(schema: &Schema, aim: &Aim, relation: &Relation) -> Option<Finding> {
    let is_made = super::partitions::is_flat(schema, relation) || relation.has_index_on(&[&aim.column]);
    if relation.kind != Kind::Partitioned || is_made {
        return None;
    }
    let message = format!(
        "is partitioned and has no index that begins with {}: every query reads all tenants' rows",
        aim.column
    );
    let help = "make one by a migration of your own: CREATE INDEX ON ONLY the parent, CREATE INDEX CONCURRENTLY on each partition, then ALTER INDEX ... ATTACH PARTITION";
    Some(warning("retrofit.no-index", relation.name.to_string(), message, help))
}

fn beside(tenancy: &Tenancy, relation: &Relation) -> Option<Finding> {
    let others: Vec<&str> = relation
        .policies
        .iter()
        .filter(|policy| policy.is_permissive && !super::enforce::is_ours(policy))
        .map(|policy| policy.name.as_str())
        .collect();
    if others.is_empty() || tenancy.existing != Existing::Keep {
        return None;
    }
    let message = format!(
        "keeps policies that let rows pass beside the tenant's: {}",
        others.join(", ")
    );
    Some(warning(
        "retrofit.kept-policies",
        relation.name.to_string(),
        message,
        "write existing = \"replace\" in [tenancy] unless they are meant so",
    ))
}

/// Policies of ours that somebody has altered: they are made again as the model says.
fn altered(schema: &Schema, tenancy: &Tenancy, aim: &Aim) -> Option<Finding> {
    let policies = super::enforce::altered(schema, tenancy, aim);
    let names: Vec<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let message = format!(
        "has policies that were altered since retrofit made them: {}",
        names.join(", ")
    );
    let help = "see what they let pass in pg_policies; retrofit makes them again as [tenancy] says";
    Some(warning("retrofit.altered", aim.name.to_string(), message, help))
}

/// An expression over the row fills the rows that are there; new ones are filled by the session, or by nobody.
fn no_trigger(aim: &Aim) -> Option<Finding> {
    matches!(aim.source, Source::Expression(_)).then(|| {
        warning(
            "retrofit.new-rows",
            aim.name.to_string(),
            "takes the tenant of new rows from the session, and refuses them where it says none",
            "let the application set the tenant before this is applied",
        )
    })
}

/// Triggers of the application that the backfill's UPDATE sets off, such as those that write the time of the last change. They stay as they are:
/// whoever switched them off would have every other session's rows go without them meanwhile.
pub(super) fn fires(schema: &Schema, aim: &Aim, rows: u64) -> Option<Finding> {
    let relation = &schema.relations[&aim.table];
    if rows == 0 || matches!(aim.source, Source::There | Source::Root) {
        return None;
    }
    let fires = |trigger: &&Trigger| {
        trigger.is_enabled
            && trigger.fires_on_update
            && (trigger.update_columns.is_empty() || trigger.update_columns.contains(&aim.column))
    };
    let names: Vec<&str> = (relation.triggers.iter().filter(fires))
        .map(|trigger| trigger.name.as_str())
        .collect();
    if names.is_empty() {
        return None;
    }
    let message = format!(
        "has triggers that fire on the backfill's UPDATE of {rows} rows: {}",
        names.join(", ")
    );
    let help = "see that they may (a time of the last change is written anew; what they send goes out once a row), or give them UPDATE OF with their columns";
    Some(warning("retrofit.fires", aim.name.to_string(), message, help))
}

/// Roles of the application that row security never holds back.
fn escaping(schema: &Schema, tenancy: &Tenancy) -> Vec<Finding> {
    let roles = tenancy.all_app_roles().filter_map(|role| schema.roles.get(role));
    roles
        .filter(|role| role.is_superuser || role.bypasses_row_security)
        .map(|role| {
            let what = if role.is_superuser {
                "is a superuser"
            } else {
                "has BYPASSRLS"
            };
            let message = format!("{what}: row security does not hold it back, and every tenant's rows are its own");
            let help = "let the application act as a role without it";
            Finding::error("retrofit.escapes", role.name.clone(), message, help)
        })
        .collect()
}

/// Under FORCE, what a migration writes is held back too: it changes no rows and reports success.
fn migrating(schema: &Schema, tenancy: &Tenancy, aims: &Aims) -> Option<Finding> {
    let role = schema.roles.get(&schema.current_role)?;
    let forced = aims.tables.iter().any(|aim| {
        let relation = &schema.relations[&aim.table];
        relation.force_row_security || super::enforce::is_forced(schema, tenancy, relation)
    });
    if role.is_superuser || role.bypasses_row_security || !forced {
        return None;
    }
    Some(warning(
        "retrofit.migrations-bound",
        schema.current_role.clone(),
        "applies migrations and will be held back by FORCE: its UPDATE and DELETE change no rows, and report success",
        "give it BYPASSRLS, or let each migration that writes rows say `-- rlsctl: scope=...`; `rlsctl migrate` refuses those that do not",
    ))
}
