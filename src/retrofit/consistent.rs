//! Where no foreign key can hold the tenant: a trigger that refuses what such a key would refuse.

use crate::schema::{ForeignKey, Kind, Schema};
use crate::script::LockMode;

use super::aim::{Aim, Aims};
use super::keys::{can_hold, comparable, deferrable};
use super::name::name;
use super::step::{Stage, Step};
use super::template::{columns, fill, ident, in_schema_of, literal, qualified};

const FUNCTION: &str = include_str!("../../sql/retrofit/consistent_function.sql");
const TRIGGER: &str = include_str!("../../sql/retrofit/consistent_trigger.sql");

/// Returns the steps for all tables. The foreign key without the tenant stays: it sees to it that the parent is there at all.
pub(super) fn steps(schema: &Schema, aims: &Aims) -> Vec<Step> {
    let mut steps = Vec::new();
    for aim in &aims.tables {
        let relation = &schema.relations[&aim.table];
        let keys = relation.foreign_keys.iter();
        for key in keys.filter(|key| !key.is_inherited && !key.columns.contains(&aim.column)) {
            let Some(parent) = aims.of(key.references) else {
                continue;
            };
            let referenced = &schema.relations[&parent.table];
            let is_to_tenant = key.referenced_columns.contains(&parent.column);
            if is_to_tenant || can_hold(relation, referenced, aim, parent) {
                continue;
            }
            let called = called(aim, key);
            if !relation.triggers.iter().any(|found| found.name == called) {
                let why = match (relation.kind, referenced.kind) {
                    (Kind::Partitioned, _) => "this table is partitioned",
                    (_, Kind::Partitioned) => "the other table is partitioned",
                    _ if aim.shares_nulls || parent.shares_nulls => "rows without a tenant are everybody's",
                    _ => "the two columns are of types that cannot be compared",
                };
                steps.push(step(aim, key, parent, &called, why));
            }
        }
    }
    steps
}

/// Returns the name of the trigger, and of its function.
fn called(aim: &Aim, key: &ForeignKey) -> String {
    let mut parts = vec![aim.name.name.as_str(), aim.column.as_str()];
    parts.extend(key.columns.iter().map(String::as_str));
    parts.push("same");
    name(&parts)
}

fn step(aim: &Aim, key: &ForeignKey, parent: &Aim, called: &str, why: &str) -> Step {
    let (table, column, trigger) = (qualified(&aim.name), ident(&aim.column), ident(called));
    let function = in_schema_of(&aim.name, called);
    let given: Vec<String> = (key.columns.iter())
        .map(|own| format!("new.{} is not null", ident(own)))
        .collect();
    let matching: Vec<String> = (key.columns.iter().zip(&key.referenced_columns))
        .map(|(own, other)| format!("p.{} = new.{}", ident(other), ident(own)))
        .collect();
    let theirs = ident(&parent.column);
    let same = if comparable(&aim.data_type, &parent.data_type) {
        format!("p.{theirs} = new.{column}")
    } else {
        format!("p.{theirs}::text = new.{column}::text")
    };
    // What everybody may read, everybody's rows may point to.
    let same = if parent.shares_nulls {
        format!("(p.{theirs} is null or {same})")
    } else {
        same
    };
    let words = format!(
        "{} points to a row of {} that is of another tenant",
        aim.name, parent.name
    );
    let own: Vec<&str> = std::iter::once(aim.column.as_str())
        .chain(key.columns.iter().map(String::as_str))
        .collect();
    let create = fill(
        FUNCTION,
        &[
            ("function", &function),
            ("parent", &qualified(&parent.name)),
            ("given", &given.join(" and ")),
            ("match", &matching.join(" and ")),
            ("same", &same),
            ("words", &literal(&words)),
        ],
    );
    let calls = fill(
        TRIGGER,
        &[
            ("trigger", &trigger),
            ("table", &table),
            ("columns", &columns(own)),
            ("deferrable", &deferrable(key)),
            ("function", &function),
        ],
    );
    Step {
        stage: Stage::ForeignKeys,
        tables: vec![aim.name.clone()],
        lock: Some(LockMode::ShareRowExclusive),
        statements: vec![create, calls],
        undo: vec![
            format!("drop trigger {trigger} on {table}"),
            format!("drop function {function}()"),
        ],
        why: format!("a row points to its own tenant's rows only; a trigger, because {why}"),
    }
}
