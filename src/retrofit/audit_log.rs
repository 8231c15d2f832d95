//! A log of what was written: a row for each row, which tenants read and nobody of the application writes.

use crate::finding::Finding;
use crate::pg::ident::QualifiedName;
use crate::schema::Schema;
use crate::script::{LockMode, RelationName};
use crate::tenancy::{Identity, Tenancy, UserSource};

use super::aim::{Aim, Aims};
use super::expression;
use super::name::name;
use super::step::{Stage, Step};
use super::template::{fill, ident, in_schema_of, literal, qualified};

const TABLE: &str = include_str!("../../sql/retrofit/audit_log_table.sql");
const FUNCTION: &str = include_str!("../../sql/retrofit/audit_log_function.sql");
const TRIGGER: &str = include_str!("../../sql/retrofit/audit_log_trigger.sql");
const KEEP_FUNCTION: &str = include_str!("../../sql/retrofit/audit_log_keep_function.sql");
const KEEP_TRIGGER: &str = include_str!("../../sql/retrofit/audit_log_keep_trigger.sql");
const GONE: &str = include_str!("../../sql/retrofit/audit_log_gone.sql");

/// What holds a row's tenant in the log.
const COLUMN: &str = "tenant_id";

/// Returns the steps that make the log, and those by which each table writes it.
pub(super) fn steps(schema: &Schema, tenancy: &Tenancy, aims: &Aims) -> Vec<Step> {
    let Some(log) = &tenancy.extras.audit_log else {
        return Vec::new();
    };
    let Some(data_type) = logged(tenancy, aims).next().map(|aim| &aim.data_type) else {
        return Vec::new();
    };
    let mut steps: Vec<Step> = table(schema, tenancy, log, data_type).into_iter().collect();
    for aim in logged(tenancy, aims) {
        let relation = &schema.relations[&aim.table];
        let called = name(&[&aim.name.name, "logged"]);
        if relation.triggers.iter().any(|found| found.name == called) {
            continue;
        }
        let (trigger, of) = (ident(&called), qualified(&aim.name));
        let create = fill(
            TRIGGER,
            &[
                ("trigger", &trigger),
                ("table", &of),
                ("function", &writer(log)),
                ("column", &literal(&aim.column)),
            ],
        );
        steps.push(Step {
            stage: Stage::Logged,
            tables: vec![aim.name.clone()],
            lock: Some(LockMode::ShareRowExclusive),
            statements: vec![create],
            undo: vec![format!("drop trigger {trigger} on {of}")],
            why: format!("what is written is told in {log}"),
        });
    }
    steps
}

/// Returns the tables that are logged.
fn logged<'a>(tenancy: &'a Tenancy, aims: &'a Aims) -> impl Iterator<Item = &'a Aim> {
    let is_logged = |aim: &&Aim| !tenancy.table(&aim.name).extras.is_unlogged;
    aims.tables.iter().filter(is_logged)
}

fn writer(log: &RelationName) -> QualifiedName {
    in_schema_of(log, &name(&[&log.name, "write"]))
}

fn table(schema: &Schema, tenancy: &Tenancy, log: &RelationName, data_type: &str) -> Option<Step> {
    let (table, function) = (qualified(log), writer(log));
    let (keep, keeper) = (
        name(&[&log.name, "keep"]),
        in_schema_of(log, &name(&[&log.name, "keep"])),
    );
    let has_function = |name: &QualifiedName| {
        let mut found = schema.functions.values();
        found.any(|found| found.schema == name.schema.as_str() && found.name == name.name.as_str())
    };
    let (mut statements, mut undo) = (Vec::new(), Vec::new());
    if !has_function(&function) {
        let values: [(&str, &dyn std::fmt::Display); 4] = [
            ("function", &function),
            ("table", &table),
            ("type", &data_type),
            ("user", &said_user(tenancy)),
        ];
        statements.push(fill(FUNCTION, &values));
        // Who could call it by a trigger of their own could write to the log what they like.
        let roles: Vec<String> = tenancy.all_app_roles().map(|role| ident(role).to_string()).collect();
        let roles = roles.join(", ");
        statements.push(format!("revoke execute on function {function}() from public, {roles}"));
        undo.push(format!("drop function {function}()"));
    }
    if schema.relation(log).is_none() {
        let readers: Vec<String> = tenancy.all_app_roles().map(|role| ident(role).to_string()).collect();
        let admins: Vec<String> = tenancy.admin_roles.iter().map(|role| ident(role).to_string()).collect();
        let all = [&readers[..], &admins[..]].concat().join(", ");
        let index = ident(&name(&[&log.name, COLUMN, "written_at", "idx"])).to_string();
        let own = expression::condition(tenancy, COLUMN, data_type);
        statements.extend([
            fill(TABLE, &[("table", &table), ("type", &data_type)]),
            format!("create index {index} on {table} ({COLUMN}, written_at)"),
            // What default privileges give is taken away again.
            format!("revoke all on table {table} from public, {all}"),
            format!(
                "create policy tenant_log on {table} for select to {} using ({own})",
                readers.join(", ")
            ),
        ]);
        if !admins.is_empty() {
            let to = admins.join(", ");
            statements.push(format!(
                "create policy tenant_admins on {table} for select to {to} using (true)"
            ));
        }
        statements.extend([
            format!("alter table {table} enable row level security"),
            format!("grant select on table {table} to {all}"),
            fill(KEEP_FUNCTION, &[("function", &keeper)]),
            format!("revoke execute on function {keeper}() from public"),
            fill(
                KEEP_TRIGGER,
                &[("trigger", &ident(&keep)), ("table", &table), ("function", &keeper)],
            ),
        ]);
        let named = literal(&log.to_string());
        let gone = fill(GONE, &[("table", &table), ("name", &named), ("keep_function", &keeper)]);
        undo.push(gone);
    }
    (!statements.is_empty()).then(|| Step {
        stage: Stage::Log,
        tables: vec![log.clone()],
        lock: None,
        statements,
        undo,
        why: "tenants read their own rows of it; nobody of the application writes it, and no row of it is changed or deleted".to_owned(),
    })
}

/// Returns who the session says its user is, if the model knows; as text, and nothing where it cannot be.
fn said_user(tenancy: &Tenancy) -> String {
    let user = match &tenancy.identity {
        Identity::Membership(membership) => &membership.user,
        Identity::Owner(user) => user,
        Identity::Setting { .. } | Identity::Claim { .. } => return "null::text".to_owned(),
    };
    match user {
        UserSource::Function { .. } => format!("{}::text", expression::in_body(user, "text")),
        other => expression::in_body(other, "text"),
    }
}

/// What a log cannot be kept of.
pub(super) fn problems(schema: &Schema, tenancy: &Tenancy, aims: &Aims) -> Vec<Finding> {
    let Some(log) = &tenancy.extras.audit_log else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut types: Vec<&str> = logged(tenancy, aims).map(|aim| aim.data_type.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    if types.len() > 1 {
        let message = format!("would hold tenants of several types: {}", types.join(", "));
        let help = "write audited = false under [tenancy.tables] for the tables of all but one";
        found.push(Finding::error("retrofit.audit-types", log.to_string(), message, help));
    }
    let owner = schema.relation(log).map_or(&schema.current_role, |table| &table.owner);
    for role in tenancy.all_app_roles().filter(|role| schema.acts_as(role, owner)) {
        let message = format!("would belong to {owner}, as which {role} can act: the application could change it");
        let help = "apply retrofit as a role that the application cannot act as";
        found.push(Finding::error("retrofit.audit-owner", log.to_string(), message, help));
    }
    let in_schema = log
        .schema
        .as_ref()
        .is_some_and(|name| schema.schemas.contains_key(name));
    if !in_schema {
        let message = "is to be in a schema that is not there";
        let help = "create it by a migration of your own, or mend audit_log in [tenancy]";
        found.push(Finding::error("retrofit.no-schema", log.to_string(), message, help));
    }
    found
}
