//! What a role may try.

use crate::schema::{Column, Relation, Schema};

/// What a role may do with a relation, by itself, by what it acts as, or as everybody may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// The columns it may read.
    pub select: Vec<String>,
    /// Whether it may read all of the relation, system columns included.
    pub select_whole: bool,
    /// The columns it may fill.
    pub insert: Vec<String>,
    /// The columns it may change.
    pub update: Vec<String>,
    /// Whether it may delete.
    pub delete: bool,
    /// Whether it may empty the table.
    pub truncate: bool,
}

impl Rights {
    /// Returns the rights of a role on a relation; none without USAGE of its schema.
    pub fn of(schema: &Schema, relation: &Relation, role: &str) -> Self {
        let name = relation.name.schema.as_deref().unwrap_or("public");
        let may_use = schema
            .schemas
            .get(name)
            .is_some_and(|grants| schema.may(role, "USAGE", grants));
        if !may_use {
            return Self::default();
        }
        let whole = |privilege: &str| schema.may(role, privilege, &relation.grants);
        let columns = |privilege: &str, fits: fn(&Column) -> bool| {
            let is_whole = whole(privilege);
            let columns = relation.columns.iter().filter(|column| fits(column));
            let allowed = columns.filter(|column| is_whole || schema.may(role, privilege, &column.grants));
            allowed.map(|column| column.name.clone()).collect()
        };
        Self {
            select: columns("SELECT", |_| true),
            select_whole: whole("SELECT"),
            insert: columns("INSERT", |column| !column.is_generated),
            update: columns("UPDATE", |column| !column.is_generated && !column.is_identity),
            delete: whole("DELETE"),
            truncate: relation.kind.is_table() && whole("TRUNCATE"),
        }
    }

    /// Tells whether there is anything to try.
    pub fn is_none(&self) -> bool {
        self.select.is_empty() && self.insert.is_empty() && self.update.is_empty() && !self.delete && !self.truncate
    }
}
