//! Rows that count as deleted: hidden from the application's roles, and from then on nobody's of theirs to change.
//!
//! A policy that shows only rows whose column is null makes the UPDATE that fills it fail with 42501: an UPDATE that reads its table (a WHERE, a
//! RETURNING) has to leave a row that the SELECT policy shows (PostgreSQL's manual, CREATE POLICY). No restrictive policy changes that. So the
//! policy shows what is deleted to the transaction that deletes it, which it knows by its time; a trigger writes exactly that time.

use crate::finding::Finding;
use crate::schema::{Column, Relation, Schema};
use crate::script::LockMode;
use crate::tenancy::{SoftDelete, Tenancy};

use super::aim::Aim;
use super::name::name;
use super::step::{Stage, Step};
use super::template::{fill, ident, in_schema_of, qualified, quoted};

const FUNCTION: &str = include_str!("../../sql/retrofit/soft_delete_function.sql");
const TRIGGER: &str = include_str!("../../sql/retrofit/soft_delete_trigger.sql");

/// Returns the condition with that of rows which are not deleted, where a table's can be.
pub(super) fn and_alive(schema: &Schema, tenancy: &Tenancy, aim: &Aim, condition: String) -> String {
    match column(tenancy, &schema.relations[&aim.table]).filter(|column| is_time(column)) {
        None => condition,
        Some(column) => {
            let name = ident(&column.name);
            format!(
                "{condition} and ({name} is null or {name} = now()::{})",
                column.data_type
            )
        }
    }
}

/// Returns what a membership `m` has to be to count.
pub(super) fn of_members(tenancy: &Tenancy, table: &Relation) -> String {
    column(tenancy, table).map_or_else(String::new, |column| format!(" and m.{} is null", ident(&column.name)))
}

/// Returns the step that makes the trigger.
pub(super) fn step(schema: &Schema, tenancy: &Tenancy, aim: &Aim) -> Option<Step> {
    let relation = &schema.relations[&aim.table];
    let column = column(tenancy, relation).filter(|column| is_time(column))?;
    let called = name(&[&aim.name.name, &column.name, "now"]);
    if relation.triggers.iter().any(|found| found.name == called) {
        return None;
    }
    let (table, function, trigger) = (qualified(&aim.name), in_schema_of(&aim.name, &called), ident(&called));
    let of = ident(&column.name);
    let create = fill(
        FUNCTION,
        &[("function", &function), ("column", &of), ("type", &column.data_type)],
    );
    let calls = fill(
        TRIGGER,
        &[
            ("trigger", &trigger),
            ("table", &table),
            ("column", &of),
            ("function", &function),
        ],
    );
    Some(Step {
        stage: Stage::Columns,
        tables: vec![aim.name.clone()],
        lock: Some(LockMode::ShareRowExclusive),
        statements: vec![create, calls],
        undo: vec![
            format!("drop trigger {trigger} on {table}"),
            format!("drop function {function}()"),
        ],
        why: format!(
            "a row is deleted by its {}, at the time of the transaction that fills it",
            column.name
        ),
    })
}

/// A column that is not there, or that holds no time.
pub(super) fn problem(schema: &Schema, tenancy: &Tenancy, aim: &Aim) -> Option<Finding> {
    let relation = &schema.relations[&aim.table];
    let said = tenancy.table(&aim.name).extras.soft_delete;
    let (message, help) = match (said, column(tenancy, relation)) {
        (_, Some(column)) if is_time(column) => return None,
        (_, Some(column)) => (
            format!(
                "has a column {} of type {}, by which its rows cannot be hidden: it says no time",
                column.name, column.data_type
            ),
            "the UPDATE that deletes a row has to leave one that its own transaction still sees, which only a time can tell: use a timestamp, or write soft_delete = false under",
        ),
        (Some(SoftDelete::Column(name)), None) => (
            format!("has no column {name}, by which its rows are to count as deleted"),
            "mend soft_delete under",
        ),
        _ => return None,
    };
    let help = format!("{help} [tenancy.tables.{}]", quoted(&aim.name.to_string()));
    Some(Finding::error(
        "retrofit.soft-delete",
        aim.name.to_string(),
        message,
        help,
    ))
}

fn column<'a>(tenancy: &Tenancy, relation: &'a Relation) -> Option<&'a Column> {
    match tenancy.table(&relation.name).extras.soft_delete {
        Some(SoftDelete::Never) => None,
        Some(SoftDelete::Column(name)) => relation.column(&name),
        None => relation.column(tenancy.extras.soft_delete.as_ref()?),
    }
}

fn is_time(column: &Column) -> bool {
    column.data_type.starts_with("timestamp")
}
