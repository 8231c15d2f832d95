//! What a table has, and what is written of it.

use crate::finding::Finding;
use crate::schema::{Column, Relation};
use crate::tenancy::Backfill;

use super::super::template::ident;
use super::{Chosen, Search, Source};

/// Whether a table has the tenant column.
enum Has {
    /// It lacks it.
    Nothing,
    /// Each row has a tenant.
    AllRows(Chosen),
    /// Rows may lack one.
    SomeRows(Chosen),
    /// It is not what is configured.
    Wrong(Finding),
}

impl Search<'_> {
    /// Says which of the names in the configuration mean nothing here.
    pub(super) fn configured(&mut self) {
        for schema in &self.tenancy.schemas {
            if !self.schema.schemas.contains_key(schema) {
                self.problem(
                    "retrofit.no-schema",
                    schema,
                    "is no schema of this database",
                    "mend `schemas` in [tenancy]",
                );
            }
        }
        let roles = self.tenancy.all_app_roles().chain(&self.tenancy.admin_roles);
        for role in roles.collect::<Vec<_>>() {
            if !self.schema.roles.contains_key(role) {
                let help = format!(
                    "create it (`create role {}`), or mend the roles in [tenancy]",
                    ident(role)
                );
                self.problem("retrofit.no-role", role, "is no role of this server", &help);
            }
        }
        for name in self.tenancy.tables.keys() {
            let found = self.schema.relation(name);
            if !found.is_some_and(|relation| relation.kind.is_table()) {
                self.problem(
                    "retrofit.no-table",
                    &name.to_string(),
                    "is no table of this database",
                    "mend its name in [tenancy.tables]",
                );
            }
        }
    }
    /// Takes what the table or the configuration says outright; tells whether that settled it.
    pub(super) fn said(&mut self, table: &Relation) -> bool {
        let said = self.tenancy.table(&table.name);
        let column = said.column.unwrap_or_else(|| self.tenancy.column.clone());
        let has = table
            .column(&column)
            .map_or(Has::Nothing, |found| self.has(table, found));
        match has {
            Has::Wrong(problem) => {
                self.problems.push(problem);
                return true;
            }
            Has::AllRows(chosen) => {
                self.chosen.insert(table.oid, chosen);
                return true;
            }
            // Rows without a tenant are so on purpose, and only what is written says otherwise.
            Has::SomeRows(chosen) if said.extras.shares_nulls && said.backfill.is_none() => {
                self.chosen.insert(table.oid, chosen);
                return true;
            }
            Has::SomeRows(chosen) => {
                self.nullable.insert(table.oid, chosen);
            }
            Has::Nothing => {}
        }
        let Some(backfill) = said.backfill else { return false };
        match source(table, backfill) {
            Ok(source) => {
                let data_type = self.type_of_column(table, &column);
                self.choose(table, column, data_type, source, "rlsctl.toml says so");
            }
            Err(problem) => self.problems.push(problem),
        }
        true
    }

    /// Says what a tenant column that is there is good for.
    fn has(&self, table: &Relation, found: &Column) -> Has {
        let (column, data_type) = (&found.name, &found.data_type);
        let mut wanted = self.tenancy.data_type.iter();
        if let Some(wanted) = wanted.find(|wanted| *wanted != data_type) {
            let message = format!("column {column} is of type {data_type}, and {wanted} is configured");
            let help = "mend `type` in [tenancy], or change the column's type first; `column` in [tenancy.tables] names another one";
            let name = table.name.to_string();
            return Has::Wrong(Finding::error("retrofit.wrong-type", name, message, help));
        }
        let is_key = table.primary_key().is_some_and(|key| key.columns == [column.clone()]);
        let chosen = Chosen {
            column: column.clone(),
            data_type: Some(data_type.clone()),
            source: if is_key { Source::Root } else { Source::There },
            reason: "it has the column".to_owned(),
        };
        if is_key || found.not_null {
            Has::AllRows(chosen)
        } else {
            Has::SomeRows(chosen)
        }
    }

    /// Returns the type of the column that is there, or what the configuration says.
    fn type_of_column(&self, table: &Relation, column: &str) -> Option<String> {
        let there = table.column(column).map(|column| column.data_type.clone());
        there.or_else(|| self.tenancy.data_type.clone())
    }
}

/// Returns the source that is written for a table; a problem where it names a foreign key that is not there.
fn source(table: &Relation, backfill: Backfill) -> Result<Source, Finding> {
    let columns = match backfill {
        Backfill::Constant(value) => return Ok(Source::Constant(value)),
        Backfill::Expression(sql) => return Ok(Source::Expression(sql)),
        Backfill::Parent(columns) => columns,
    };
    let found = table.foreign_keys.iter().find(|key| key.columns == columns);
    let Some(key) = found else {
        let message = format!(
            "has no foreign key over {}, which its backfill names",
            columns.join(", ")
        );
        let help = "name the columns of one that is there";
        let name = table.name.to_string();
        return Err(Finding::error("retrofit.no-foreign-key", name, message, help));
    };
    Ok(Source::Parent {
        key: key.clone(),
        column: String::new(),
    })
}
