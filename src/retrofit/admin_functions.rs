//! Functions by which admins list a table across tenants.

use crate::finding::Finding;
use crate::pg::ident::QualifiedName;
use crate::schema::Schema;
use crate::script::RelationName;
use crate::tenancy::Tenancy;

use super::name::name;
use super::step::{Stage, Step};
use super::template::{fill, ident, in_schema_of, literal, qualified};

const FUNCTION: &str = include_str!("../../sql/retrofit/admin_function.sql");

/// Returns the steps that make those that are missing.
pub(super) fn steps(schema: &Schema, tenancy: &Tenancy) -> Vec<Step> {
    let tables = tenancy.extras.admin_functions.iter();
    let there = tables.filter(|table| schema.relation(table).is_some());
    there.filter_map(|table| step(schema, tenancy, table)).collect()
}

fn called(table: &RelationName) -> QualifiedName {
    in_schema_of(table, &name(&["admin", &table.name]))
}

fn step(schema: &Schema, tenancy: &Tenancy, table: &RelationName) -> Option<Step> {
    let function = called(table);
    let is_there = schema.functions.values().any(|found| {
        let is_named = found.schema == function.schema.as_str() && found.name == function.name.as_str();
        is_named && found.arguments.is_empty()
    });
    if is_there || tenancy.admin_roles.is_empty() {
        return None;
    }
    let named: Vec<String> = tenancy.admin_roles.iter().map(|role| literal(role)).collect();
    let roles: Vec<String> = tenancy.admin_roles.iter().map(|role| ident(role).to_string()).collect();
    // What default privileges give is taken away again.
    let app: Vec<String> = tenancy.all_app_roles().map(|role| ident(role).to_string()).collect();
    let create = fill(
        FUNCTION,
        &[
            ("function", &function),
            ("table", &qualified(table)),
            ("roles", &format!("array[{}]::name[]", named.join(", "))),
        ],
    );
    Some(Step {
        stage: Stage::AdminFunctions,
        tables: vec![table.clone()],
        lock: None,
        statements: vec![
            create,
            format!(
                "revoke execute on function {function}() from public, {}",
                app.join(", ")
            ),
            format!("grant execute on function {function}() to {}", roles.join(", ")),
        ],
        undo: vec![format!("drop function {function}()")],
        why: format!("admins list {table} without privileges on it"),
    })
}

/// Names that mean nothing, and functions that would show their owner no more than a tenant sees.
pub(super) fn problems(schema: &Schema, tenancy: &Tenancy) -> Vec<Finding> {
    let mut found = Vec::new();
    for table in &tenancy.extras.admin_functions {
        let name = table.to_string();
        let Some(relation) = schema.relation(table).filter(|relation| relation.kind.is_table()) else {
            let help = "mend admin_functions in [tenancy]";
            found.push(Finding::error(
                "retrofit.no-table",
                name,
                "is no table of this database",
                help,
            ));
            continue;
        };
        if tenancy.admin_roles.is_empty() {
            let message = "is to be listed by admins, and there are none";
            let help = "name them in admin_roles of [tenancy]";
            found.push(Finding::error("retrofit.no-admins", name, message, help));
            continue;
        }
        let owner = schema.roles.get(&schema.current_role);
        let bypasses = owner.is_some_and(|role| role.is_superuser || role.bypasses_row_security);
        let is_bound = relation.force_row_security || super::enforce::is_forced(schema, tenancy, relation);
        let is_owners = schema.acts_as(&schema.current_role, &relation.owner) && !is_bound;
        if !bypasses && !is_owners {
            let message = format!(
                "is held back from {}, to whom the function for admins would belong: it would list nothing",
                schema.current_role
            );
            let help = "apply retrofit as a role with BYPASSRLS, or take the table out of admin_functions";
            found.push(Finding::error("retrofit.admin-bound", name, message, help));
        }
    }
    found
}
