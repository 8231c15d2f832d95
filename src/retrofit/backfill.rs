//! The tenant column itself: added, filled in new rows, filled in old ones, required.

use crate::schema::{Kind, Relation, Schema};
use crate::script::{LockMode, RelationName};
use crate::tenancy::Tenancy;

use super::aim::{Aim, Source};
use super::expression;
use super::name::name;
use super::partitions;
use super::step::{Stage, Step};
use super::template::{columns, fill, ident, in_schema_of, literal, qualified};

const FILL_FUNCTION: &str = include_str!("../../sql/retrofit/fill_function.sql");
const FILL_TRIGGER: &str = include_str!("../../sql/retrofit/fill_trigger.sql");
const FROM_PARENT: &str = include_str!("../../sql/retrofit/backfill_parent.sql");
const FROM_EXPRESSION: &str = include_str!("../../sql/retrofit/backfill_expression.sql");

/// How many rows a round fills: some tenths of a second, in which other writers of the same rows wait.
const ROWS_A_ROUND: usize = 5_000;

/// From how many rows, or bytes where nobody has counted, the rows to fill get an index.
const LARGE_ROWS: u64 = 100_000;
const LARGE_BYTES: u64 = 8 * 1024 * 1024;

/// Returns the steps from a table without the column, or with gaps in it, to one where it is NOT NULL. `lacks_values` says whether there are
/// rows to fill.
pub(super) fn steps(schema: &Schema, tenancy: &Tenancy, aim: &Aim, lacks_values: bool) -> Vec<Step> {
    let relation = &schema.relations[&aim.table];
    let found = relation.column(&aim.column);
    let mut steps = Vec::new();
    if found.is_some_and(|column| column.not_null) || aim.source == Source::Root {
        return steps;
    }
    steps.extend(column(schema, tenancy, aim, relation));
    let backfill = lacks_values.then(|| backfill(schema, aim, relation)).flatten();
    steps.extend(gaps(schema, aim, relation, backfill.is_some()));
    steps.extend(backfill);
    // A child has the check and NOT NULL from its parent.
    if relation.parents.is_empty() && !aim.shares_nulls {
        steps.extend(required(aim, relation));
    }
    steps
}

fn step(aim: &Aim, stage: Stage, lock: LockMode, statements: Vec<String>, undo: Vec<String>, why: String) -> Step {
    Step {
        stage,
        tables: vec![aim.name.clone()],
        lock: Some(lock),
        statements,
        undo,
        why,
    }
}

/// Adds the column, and what fills it in rows that come from now on.
fn column(schema: &Schema, tenancy: &Tenancy, aim: &Aim, relation: &Relation) -> Option<Step> {
    let (table, column) = (qualified(&aim.name), ident(&aim.column));
    let (mut statements, mut undo) = (Vec::new(), Vec::new());
    let found = relation.column(&aim.column);
    if found.is_none() {
        statements.push(format!("alter table {table} add column {column} {}", aim.data_type));
        undo.push(format!("alter table {table} drop column {column}"));
    }
    let has_default = found.is_some_and(|column| column.default.is_some());
    let mut set_default = |value: String| {
        if !has_default {
            statements.push(format!("alter table {table} alter column {column} set default {value}"));
            if found.is_some() {
                undo.push(format!("alter table {table} alter column {column} drop default"));
            }
        }
    };
    let what = match &aim.source {
        Source::There | Source::Root => return None,
        Source::Constant(value) => {
            set_default(literal(value));
            "all rows are of one tenant"
        }
        Source::Expression(_) => match expression::default(tenancy, &aim.data_type) {
            Some(value) => {
                set_default(value);
                "new rows are the session's tenant's"
            }
            None => "the application says whose a new row is",
        },
        Source::Parent { key, column: from } => {
            let trigger = name(&[&aim.name.name, &aim.column, "fill"]);
            if relation.triggers.iter().any(|found| found.name == trigger) {
                return (!statements.is_empty()).then(|| columns_step(aim, statements, undo, "the trigger is there"));
            }
            let function = in_schema_of(&aim.name, &trigger);
            let trigger = ident(&trigger);
            let parent = qualified(&schema.relations[&key.references].name);
            let matching = |(own, other): (&String, &String)| format!("p.{} = new.{}", ident(other), ident(own));
            let matching: Vec<String> = key.columns.iter().zip(&key.referenced_columns).map(matching).collect();
            statements.push(fill(
                FILL_FUNCTION,
                &[
                    ("function", &function),
                    ("column", &column),
                    ("parent", &parent),
                    ("parent_column", &ident(from)),
                    ("match", &matching.join(" and ")),
                ],
            ));
            let own = columns(key.columns.iter().map(String::as_str));
            statements.push(fill(
                FILL_TRIGGER,
                &[
                    ("trigger", &trigger),
                    ("table", &table),
                    ("columns", &own),
                    ("function", &function),
                ],
            ));
            undo.insert(0, format!("drop trigger {trigger} on {table}"));
            undo.insert(1, format!("drop function {function}()"));
            "new rows are their parent's tenant's"
        }
    };
    let mut step = (!statements.is_empty()).then(|| columns_step(aim, statements, undo, what))?;
    step.tables.extend(parent_without(schema, aim));
    Some(step)
}

/// Returns the parent whose column the trigger reads, where it is not there yet: a function's body does not tell, and until then every INSERT
/// would fail.
fn parent_without(schema: &Schema, aim: &Aim) -> Option<RelationName> {
    let Source::Parent { key, column } = &aim.source else {
        return None;
    };
    let parent = &schema.relations[&key.references];
    (parent.column(column).is_none() && parent.oid != aim.table).then(|| parent.name.clone())
}

fn columns_step(aim: &Aim, statements: Vec<String>, undo: Vec<String>, what: &str) -> Step {
    step(
        aim,
        Stage::Columns,
        LockMode::AccessExclusive,
        statements,
        undo,
        what.to_owned(),
    )
}

/// A round looks for rows without a tenant in the order of the key: in a large table it would read what the rounds before it have filled,
/// again and again. The index has only what is left. A partitioned table's is one on each partition, which need not know of one another.
fn gaps(schema: &Schema, aim: &Aim, relation: &Relation, is_filled: bool) -> Vec<Step> {
    let tables = if relation.kind == Kind::Partitioned {
        partitions::of(schema, relation)
    } else {
        vec![relation]
    };
    let Some(key) = relation.primary_key() else {
        return Vec::new();
    };
    let columns = columns(key.columns.iter().map(String::as_str));
    let column = ident(&aim.column);
    let (mut made, mut unmade, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for table in &tables {
        let called = name(&[&table.name.name, &aim.column, "gaps"]);
        let is_there = table.indexes.iter().any(|index| index.name == called);
        let is_large = table.rows.map_or(table.bytes >= LARGE_BYTES, |rows| rows >= LARGE_ROWS);
        let there = in_schema_of(&table.name, &called);
        let is_wanted = is_filled && is_large && !is_there;
        if is_wanted {
            let (index, on) = (ident(&called), qualified(&table.name));
            made.push(format!(
                "create index concurrently {index} on {on} ({columns}) where {column} is null"
            ));
            unmade.push(format!("drop index concurrently if exists {there}"));
        }
        if is_there || is_wanted {
            gone.push(format!("drop index concurrently {there}"));
        }
    }
    let one = |stage, statements: Vec<String>, undo, why: &str| {
        let lock = LockMode::ShareUpdateExclusive;
        (!statements.is_empty()).then(|| step(aim, stage, lock, statements, undo, why.to_owned()))
    };
    let made = one(
        Stage::Gaps,
        made,
        unmade,
        "a round finds its rows without reading the others",
    );
    let gone = one(Stage::NoGaps, gone, Vec::new(), "nothing is left to fill");
    made.into_iter().chain(gone).collect()
}

/// Fills the rows that are there.
fn backfill(schema: &Schema, aim: &Aim, relation: &Relation) -> Option<Step> {
    let (table, column) = (qualified(&aim.name), ident(&aim.column));
    let key = &relation.primary_key()?.columns;
    let listed: Vec<String> = key.iter().map(|name| format!("t.{}", ident(name))).collect();
    let joined: Vec<String> = key.iter().map(|name| format!("t.{0} = r.{0}", ident(name))).collect();
    let (listed, joined) = (listed.join(", "), joined.join(" and "));
    let (statement, why) = match &aim.source {
        Source::There | Source::Root => return None,
        Source::Parent { key, column: from } => {
            let parent = &schema.relations[&key.references].name;
            let matching = |(own, other): (&String, &String)| format!("p.{} = t.{}", ident(other), ident(own));
            let matching: Vec<String> = key.columns.iter().zip(&key.referenced_columns).map(matching).collect();
            let statement = fill(
                FROM_PARENT,
                &[
                    ("table", &table),
                    ("column", &column),
                    ("key", &listed),
                    ("joined", &joined),
                    ("parent", &qualified(parent)),
                    ("parent_column", &ident(from)),
                    ("match", &matching.join(" and ")),
                    ("rows", &ROWS_A_ROUND),
                ],
            );
            (
                statement,
                format!("each row is its {parent}'s tenant's: {}", aim.reason),
            )
        }
        Source::Constant(value) => (
            from_expression(aim, &listed, &joined, &literal(value)),
            aim.reason.clone(),
        ),
        Source::Expression(sql) => (from_expression(aim, &listed, &joined, sql), aim.reason.clone()),
    };
    Some(step(
        aim,
        Stage::Backfill,
        LockMode::RowExclusive,
        vec![statement],
        Vec::new(),
        why,
    ))
}

fn from_expression(aim: &Aim, listed: &str, joined: &str, expression: &str) -> String {
    fill(
        FROM_EXPRESSION,
        &[
            ("table", &qualified(&aim.name)),
            ("column", &ident(&aim.column)),
            ("key", &listed),
            ("joined", &joined),
            ("expression", &expression),
            ("type", &aim.data_type),
            ("rows", &ROWS_A_ROUND),
        ],
    )
}

/// From a column that may be null to one that may not: the check is looked at beside reads and writes, and makes SET NOT NULL quick.
fn required(aim: &Aim, relation: &Relation) -> Vec<Step> {
    let (table, column) = (qualified(&aim.name), ident(&aim.column));
    let check_name = name(&[&aim.name.name, &aim.column, "not_null"]);
    let found = relation.checks.iter().find(|check| check.name == check_name);
    let check = ident(&check_name);
    let mut steps = Vec::new();
    let drop = format!("alter table {table} drop constraint {check}");
    if found.is_none() {
        let add = format!("alter table {table} add constraint {check} check ({column} is not null) not valid");
        let why = "a row without a tenant is refused from here on".to_owned();
        steps.push(step(
            aim,
            Stage::Checks,
            LockMode::AccessExclusive,
            vec![add],
            vec![drop.clone()],
            why,
        ));
    }
    if !found.is_some_and(|check| check.is_valid) {
        let validate = format!("alter table {table} validate constraint {check}");
        let why = "the rows that are there have a tenant".to_owned();
        steps.push(step(
            aim,
            Stage::Validate,
            LockMode::ShareUpdateExclusive,
            vec![validate],
            Vec::new(),
            why,
        ));
    }
    let statements = vec![format!("alter table {table} alter column {column} set not null"), drop];
    let undo = vec![
        format!("alter table {table} add constraint {check} check ({column} is not null) not valid"),
        format!("alter table {table} alter column {column} drop not null"),
    ];
    let why = "the column says so itself, and the check is no longer needed".to_owned();
    steps.push(step(
        aim,
        Stage::Required,
        LockMode::AccessExclusive,
        statements,
        undo,
        why,
    ));
    steps
}
