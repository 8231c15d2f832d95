//! Partitioned tables: what is done on the parent reaches all partitions, apart from indexes that are made beside writers.

use crate::schema::{Kind, Relation, Schema};
use crate::script::LockMode;

use super::aim::Aim;
use super::name::name;
use super::step::{Stage, Step};
use super::template::{columns, ident, in_schema_of, qualified};

/// Returns the partitions of a table, in the order of their names.
pub(super) fn of<'a>(schema: &'a Schema, parent: &Relation) -> Vec<&'a Relation> {
    let relations = schema.relations.values();
    let mut found: Vec<&Relation> = relations
        .filter(|relation| relation.is_partition && relation.parents.contains(&parent.oid))
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// Tells whether a partitioned table is one whose partitions hold the rows themselves, here and not on another server.
pub(super) fn is_flat(schema: &Schema, relation: &Relation) -> bool {
    let holds = |partition: &&Relation| partition.kind == Kind::Table;
    relation.kind == Kind::Partitioned && relation.parents.is_empty() && of(schema, relation).iter().all(holds)
}

/// Returns the index that begins with the tenant: on the parent alone, where it stays INVALID and asks nobody to wait; beside writers on each
/// partition; and attached, with the last of which the parent's becomes valid (PostgreSQL's manual, "Table Partitioning").
pub(super) fn index(schema: &Schema, aim: &Aim, relation: &Relation, behind: &[&str]) -> Step {
    let names: Vec<&str> = std::iter::once(aim.column.as_str())
        .chain(behind.iter().copied())
        .collect();
    let called = |table: &str| {
        let parts: Vec<&str> = std::iter::once(table)
            .chain(names.iter().copied())
            .chain(["idx"])
            .collect();
        name(&parts)
    };
    let listed = columns(names.iter().copied());
    let whole = called(&aim.name.name);
    let whole_name = in_schema_of(&aim.name, &whole);
    let has = |relation: &Relation, called: &str| relation.indexes.iter().any(|index| index.name == called);
    let mut statements = Vec::new();
    if !has(relation, &whole) {
        let table = qualified(&aim.name);
        statements.push(format!("create index {} on only {table} ({listed})", ident(&whole)));
    }
    for partition in of(schema, relation) {
        let (own, table) = (called(&partition.name.name), qualified(&partition.name));
        let made = partition.indexes.iter().find(|index| index.name == own);
        if made.is_none() {
            statements.push(format!(
                "create index concurrently {} on {table} ({listed})",
                ident(&own)
            ));
        }
        if !made.is_some_and(|index| index.is_inherited) {
            let part = in_schema_of(&partition.name, &own);
            statements.push(format!("alter index {whole_name} attach partition {part}"));
        }
    }
    Step {
        stage: Stage::Indexes,
        tables: vec![aim.name.clone()],
        lock: Some(LockMode::Share),
        statements,
        undo: vec![format!("drop index if exists {whole_name}")],
        why:
            "a tenant's rows are found without reading the others'; made on each partition beside writers, and attached"
                .to_owned(),
    }
}
