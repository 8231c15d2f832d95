//! Whether who inserts may read what the tenant of the new row is taken from.
//!
//! The trigger that fills the column keeps the inserter's rights: row security of the parent holds the inserter back there too, so that a parent
//! of another tenant is not found, and its tenant is not given away. With its owner's rights it would be. The price is that the inserter needs
//! SELECT on the few columns that are read.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::schema::{ForeignKey, Grant, Relation, Schema};
use crate::script::RelationName;
use crate::tenancy::Tenancy;

use super::aim::{Aim, Source};
use super::template::{columns, ident, qualified};

/// Returns a problem for each role that writes the table today and would fail with 42501 once the trigger is there.
pub(super) fn problems(schema: &Schema, tenancy: &Tenancy, aim: &Aim) -> Vec<Finding> {
    let Source::Parent { key, column } = &aim.source else {
        return Vec::new();
    };
    let read = Read::new(schema, key, column);
    let writers = writers(schema, tenancy, &schema.relations[&aim.table], key);
    let lacking = writers.into_iter().filter(|role| !read.is_open_to(schema, role));
    lacking.map(|role| read.problem(schema, aim, role)).collect()
}

/// What the trigger reads.
struct Read<'a> {
    parent: &'a Relation,
    columns: Vec<&'a str>,
}

impl<'a> Read<'a> {
    fn new(schema: &'a Schema, key: &'a ForeignKey, tenant: &'a str) -> Self {
        let mut columns: Vec<&str> = key.referenced_columns.iter().map(String::as_str).collect();
        if !columns.contains(&tenant) {
            columns.push(tenant);
        }
        Self {
            parent: &schema.relations[&key.references],
            columns,
        }
    }

    fn is_open_to(&self, schema: &Schema, role: &str) -> bool {
        self.may_look(schema, role) && self.may_read(schema, role)
    }

    fn may_look(&self, schema: &Schema, role: &str) -> bool {
        let grants = schema_of(&self.parent.name).and_then(|name| schema.schemas.get(name));
        grants.is_none_or(|grants| schema.may(role, "USAGE", grants))
    }

    fn may_read(&self, schema: &Schema, role: &str) -> bool {
        let of_column = |name: &&str| {
            let column = self.parent.column(name);
            column.is_some_and(|column| schema.may(role, "SELECT", &column.grants))
        };
        schema.may(role, "SELECT", &self.parent.grants) || self.columns.iter().all(of_column)
    }

    fn problem(&self, schema: &Schema, aim: &Aim, role: &str) -> Finding {
        let parent = &self.parent.name;
        let message = format!(
            "{role} could no longer write it: {} of a new row is taken from {parent}, with the rights of who inserts, and {role} may not read {} there",
            aim.column,
            self.columns.join(", ")
        );
        let help = format!(
            "let it read them, row security holds it to its own tenant's rows: {}",
            self.grants(schema, role)
        );
        Finding::error("retrofit.no-select", aim.name.to_string(), message, help)
            .evidence("role", role)
            .evidence("parent", parent.to_string())
            .evidence("columns", self.columns.clone())
    }

    /// Returns the statements that are missing.
    fn grants(&self, schema: &Schema, role: &str) -> String {
        let (to, table) = (ident(role), qualified(&self.parent.name));
        let mut grants = Vec::new();
        if let Some(name) = schema_of(&self.parent.name).filter(|_| !self.may_look(schema, role)) {
            grants.push(format!("`grant usage on schema {} to {to}`", ident(name)));
        }
        // A column that is yet to be added cannot be granted.
        let are_there = self.columns.iter().all(|name| self.parent.column(name).is_some());
        let of = if are_there {
            format!(" ({})", columns(self.columns.iter().copied()))
        } else {
            String::new()
        };
        if !self.may_read(schema, role) {
            grants.push(format!("`grant select{of} on {table} to {to}`"));
        }
        grants.join(" and ")
    }
}

fn schema_of(name: &RelationName) -> Option<&str> {
    name.schema.as_deref()
}

/// Returns the roles that set off the trigger: those of the configuration, and others that were given INSERT, or UPDATE of what points to the
/// parent. Its owner is not asked unless it is one of the application's.
fn writers<'a>(schema: &Schema, tenancy: &'a Tenancy, table: &'a Relation, key: &ForeignKey) -> BTreeSet<&'a str> {
    let of_columns = table.columns.iter().flat_map(|column| {
        let points = key.columns.contains(&column.name);
        let grants = column.grants.iter();
        grants.filter(move |grant| grant.privilege == "INSERT" || (points && grant.privilege == "UPDATE"))
    });
    let of_table = table.grants.iter();
    let writing: Vec<&Grant> = of_table
        .filter(|grant| matches!(grant.privilege.as_str(), "INSERT" | "UPDATE"))
        .chain(of_columns)
        .collect();
    let named = tenancy.all_app_roles().chain(&tenancy.admin_roles);
    let named = named.filter(|role| schema.roles.contains_key(*role));
    let writes = |role: &&String| {
        let mut grants = writing.iter();
        schema.may(role, "INSERT", &[]) || grants.any(|grant| grant.is_public() || schema.acts_as(role, &grant.grantee))
    };
    let given = writing.iter().map(|grant| grant.grantee.as_str());
    let given = given.filter(|role| !role.is_empty() && *role != table.owner);
    named.filter(writes).map(String::as_str).chain(given).collect()
}
