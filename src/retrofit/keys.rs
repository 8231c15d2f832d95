//! Indexes that begin with the tenant, and foreign keys that hold it.

use crate::pg::ident::QualifiedName;
use crate::schema::{Action, ForeignKey, Index, Kind, Relation, Schema};
use crate::script::{LockMode, RelationName};

use super::aim::{Aim, Aims};
use super::name::name;
use super::partitions;
use super::step::{Stage, Step};
use super::template::{columns, ident, in_schema_of, literal, qualified};

/// The first major in which ON DELETE SET NULL can name the columns that are set.
const SET_NULL_COLUMNS: u32 = 15;

/// Returns the steps for all tables.
pub(super) fn steps(schema: &Schema, aims: &Aims) -> Vec<Step> {
    let mut steps = Vec::new();
    for aim in &aims.tables {
        let relation = &schema.relations[&aim.table];
        // Nor a key nor a foreign key of a partitioned table can hold the tenant.
        if relation.kind == Kind::Partitioned {
            if partitions::is_flat(schema, relation) && !relation.has_index_on(&[&aim.column]) {
                let behind = behind(aim, relation);
                let behind: Vec<&str> = behind.iter().map(String::as_str).collect();
                steps.push(partitions::index(schema, aim, relation, &behind));
            }
            continue;
        }
        let pointing = pointing(schema, aims, aim, relation);
        steps.extend(left_over(aim, relation));
        let wanted = referenced(schema, aims, aim);
        for columns in &wanted {
            steps.extend(key(aim, relation, columns));
        }
        let mut indexed = !wanted.is_empty();
        for (foreign_key, parent) in &pointing {
            indexed |= index_for(&mut steps, aim, relation, foreign_key);
            steps.extend(foreign_key_steps(schema, aim, relation, foreign_key, parent));
        }
        if !indexed && !relation.has_index_on(&[&aim.column]) {
            steps.push(first_index(aim, relation));
        }
    }
    steps
}

/// Tells whether a foreign key can hold the tenant: a partitioned table has no unique key without its partition key, NOT VALID is not for
/// partitioned tables (before 18), and the two columns have to be comparable. Where rows without a tenant are everybody's, a key that holds the
/// tenant would not look at them, and would refuse to point to them.
pub(super) fn can_hold(relation: &Relation, referenced: &Relation, aim: &Aim, parent: &Aim) -> bool {
    let have_tenants = !aim.shares_nulls && !parent.shares_nulls;
    let are_tables = relation.kind == Kind::Table && referenced.kind == Kind::Table;
    are_tables && have_tenants && comparable(&aim.data_type, &parent.data_type)
}

/// Tells whether there is an index's equality between two types, as a foreign key needs it.
pub(super) fn comparable(one: &str, other: &str) -> bool {
    let family = |name: &str| match name.split('(').next().unwrap_or(name) {
        "smallint" | "integer" | "bigint" => "integers".to_owned(),
        "text" | "character varying" => "text".to_owned(),
        other => other.to_owned(),
    };
    family(one) == family(other)
}

/// Returns the foreign keys of a table that do not hold the tenant and could, each with the table it points to; not those beside which somebody
/// else has made one that does.
fn pointing<'a>(schema: &Schema, aims: &'a Aims, aim: &Aim, relation: &'a Relation) -> Vec<(&'a ForeignKey, &'a Aim)> {
    let keys = relation
        .foreign_keys
        .iter()
        .filter(|key| !key.is_inherited && !key.columns.contains(&aim.column));
    let known = keys.filter_map(|key| Some((key, aims.of(key.references)?)));
    known
        .filter(|(key, parent)| {
            // What points to the tenant itself needs no second one beside it.
            !key.referenced_columns.contains(&parent.column)
                && can_hold(relation, &schema.relations[&parent.table], aim, parent)
        })
        .filter(|(key, parent)| {
            composite(relation, aim, key, parent).is_none_or(|found| found.name == called(aim, key))
        })
        .collect()
}

/// Returns those of them that lack one that holds the tenant.
fn held<'a>(schema: &Schema, aims: &'a Aims, aim: &Aim, relation: &'a Relation) -> Vec<(&'a ForeignKey, &'a Aim)> {
    let mut pointing = pointing(schema, aims, aim, relation);
    pointing.retain(|(key, parent)| composite(relation, aim, key, parent).is_none());
    pointing
}

/// Returns the name of the foreign key that holds the tenant too.
fn called(aim: &Aim, key: &ForeignKey) -> String {
    let own = with(&aim.column, &key.columns);
    let mut parts = vec![aim.name.name.as_str()];
    parts.extend(own.iter().map(String::as_str));
    parts.push("fkey");
    name(&parts)
}

fn composite<'a>(relation: &'a Relation, aim: &Aim, key: &ForeignKey, parent: &Aim) -> Option<&'a ForeignKey> {
    relation.foreign_keys.iter().find(|found| {
        found.is_valid
            && found.references == key.references
            && found.columns == with(&aim.column, &key.columns)
            && found.referenced_columns == with(&parent.column, &key.referenced_columns)
    })
}

fn with(first: &str, others: &[String]) -> Vec<String> {
    std::iter::once(first.to_owned())
        .chain(others.iter().cloned())
        .collect()
}

/// Returns the columns of a table, the tenant's first, that foreign keys will point to and that are no key yet.
fn referenced(schema: &Schema, aims: &Aims, aim: &Aim) -> Vec<Vec<String>> {
    let relation = &schema.relations[&aim.table];
    let mut wanted: Vec<Vec<String>> = Vec::new();
    for other in &aims.tables {
        let from = &schema.relations[&other.table];
        if from.kind == Kind::Partitioned {
            continue;
        }
        for (key, _) in held(schema, aims, other, from)
            .into_iter()
            .filter(|(key, _)| key.references == aim.table)
        {
            let columns = with(&aim.column, &key.referenced_columns);
            let is_key = relation
                .keys
                .iter()
                .any(|key| key.columns == columns && !key.is_deferrable);
            if !is_key && !wanted.contains(&columns) {
                wanted.push(columns);
            }
        }
    }
    wanted
}

/// A unique index beside writers, then the constraint that takes it over.
fn key(aim: &Aim, relation: &Relation, of: &[String]) -> Vec<Step> {
    let parts: Vec<&str> = std::iter::once(aim.name.name.as_str())
        .chain(of.iter().map(String::as_str))
        .collect();
    let constraint = name(&[&parts[..], &["key"]].concat());
    let mut steps = Vec::new();
    if !relation
        .indexes
        .iter()
        .any(|index| index.name == constraint && index.is_valid)
    {
        let listed = columns(of.iter().map(String::as_str));
        steps.push(index(
            aim,
            &constraint,
            true,
            &listed,
            "what foreign keys will point to",
        ));
    }
    let (table, quoted) = (qualified(&aim.name), ident(&constraint));
    steps.push(Step {
        stage: Stage::Keys,
        tables: vec![aim.name.clone()],
        lock: Some(LockMode::AccessExclusive),
        statements: vec![format!(
            "alter table {table} add constraint {quoted} unique using index {quoted}"
        )],
        undo: vec![format!("alter table {table} drop constraint {quoted}")],
        why: "a row of a tenant can be pointed to".to_owned(),
    });
    steps
}

fn index(aim: &Aim, called: &str, is_unique: bool, listed: &str, why: &str) -> Step {
    let unique = if is_unique { "unique " } else { "" };
    let (table, quoted) = (qualified(&aim.name), ident(called));
    let there = in_schema_of(&aim.name, called);
    Step {
        stage: Stage::Indexes,
        tables: vec![aim.name.clone()],
        lock: Some(LockMode::ShareUpdateExclusive),
        statements: vec![format!(
            "create {unique}index concurrently {quoted} on {table} ({listed})"
        )],
        undo: vec![format!("drop index concurrently if exists {there}")],
        why: why.to_owned(),
    }
}

/// The index that a foreign key needs when the referenced row goes, with the tenant before it; the one without goes. Tells whether there is
/// one that begins with the tenant then.
fn index_for(steps: &mut Vec<Step>, aim: &Aim, relation: &Relation, key: &ForeignKey) -> bool {
    let wanted = with(&aim.column, &key.columns);
    let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let called = index_name(aim, &key.columns);
    let old = relation.indexes.iter().find(|index| is_plain(index, &key.columns));
    if relation.has_index_on(&names) {
        return true;
    }
    if old.is_none() && !relation.has_index_on(&key.columns.iter().map(String::as_str).collect::<Vec<_>>()) {
        // Nobody wanted one for this foreign key.
        return false;
    }
    steps.push(index(
        aim,
        &called,
        false,
        &columns(names),
        "lookups within a tenant, and the foreign key's own",
    ));
    steps.extend(old.map(|old| old_index(aim, old, &called)));
    true
}

/// Tells whether an index is there for nothing but a foreign key.
fn is_plain(index: &Index, of: &[String]) -> bool {
    let columns: Option<Vec<String>> = index.columns.iter().cloned().collect();
    columns.as_deref() == Some(of)
        && !index.is_unique
        && !index.is_partial
        && index.method == "btree"
        && index.constraint.is_none()
        && !index.is_marked
}

/// Returns the indexes whose work ours do already: files of an earlier plan were given up between the two.
fn left_over(aim: &Aim, relation: &Relation) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut done: Vec<&[String]> = Vec::new();
    for key in &relation.foreign_keys {
        let of = match key.columns.split_first() {
            Some((first, rest)) if *first == aim.column && !rest.is_empty() => rest,
            _ => &key.columns,
        };
        let called = index_name(aim, of);
        let is_made = relation
            .indexes
            .iter()
            .any(|index| index.name == called && index.is_valid);
        let old = relation.indexes.iter().find(|index| is_plain(index, of));
        if let Some(old) = old.filter(|_| is_made && !done.contains(&of)) {
            done.push(of);
            steps.push(old_index(aim, old, &called));
        }
    }
    steps
}

/// Returns the name of the index that begins with the tenant, for a foreign key of these columns.
fn index_name(aim: &Aim, of: &[String]) -> String {
    let mut parts = vec![aim.name.name.as_str(), aim.column.as_str()];
    parts.extend(of.iter().map(String::as_str));
    parts.push("idx");
    name(&parts)
}

fn old_index(aim: &Aim, old: &Index, called: &str) -> Step {
    let name = in_schema_of(&aim.name, &old.name);
    Step {
        stage: Stage::OldIndexes,
        tables: vec![aim.name.clone()],
        lock: Some(LockMode::ShareUpdateExclusive),
        statements: vec![format!("drop index concurrently {name}")],
        undo: again(old, &name),
        why: format!("{called} does its work"),
    }
}

/// Makes an index again, beside writers.
fn again(index: &Index, called: &QualifiedName) -> Vec<String> {
    let (create, rest) = index.definition.split_once("INDEX ").unwrap_or((&index.definition, ""));
    let mut statements = vec![format!("{create}INDEX CONCURRENTLY {rest}")];
    if let Some(comment) = &index.comment {
        statements.push(format!("comment on index {called} is {}", literal(comment)));
    }
    statements
}

/// The index without which every query would read all tenants' rows.
fn first_index(aim: &Aim, relation: &Relation) -> Step {
    let all = with(&aim.column, &behind(aim, relation));
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    let parts: Vec<&str> = std::iter::once(aim.name.name.as_str())
        .chain(names.iter().copied())
        .collect();
    let called = name(&[&parts[..], &["idx"]].concat());
    index(
        aim,
        &called,
        false,
        &columns(names),
        "a tenant's rows are found without reading the others'",
    )
}

/// What an index that begins with the tenant goes on with: the usual order, or else the key.
fn behind(aim: &Aim, relation: &Relation) -> Vec<String> {
    let sorted = relation.column("created_at").map(|_| "created_at".to_owned());
    let key = || {
        relation
            .primary_key()
            .map(|key| key.columns.clone())
            .unwrap_or_default()
    };
    let behind: Vec<String> = sorted.map_or_else(key, |column| vec![column]);
    behind.into_iter().filter(|column| *column != aim.column).collect()
}

/// The foreign key with the tenant in it, looked at later; then the one without goes, where the new one does all that it did.
fn foreign_key_steps(schema: &Schema, aim: &Aim, relation: &Relation, key: &ForeignKey, parent: &Aim) -> Vec<Step> {
    let own = with(&aim.column, &key.columns);
    let others = with(&parent.column, &key.referenced_columns);
    let called = called(aim, key);
    let (table, quoted) = (qualified(&aim.name), ident(&called));
    let mut tables: Vec<RelationName> = vec![aim.name.clone()];
    if parent.name != aim.name {
        tables.push(parent.name.clone());
    }
    let found = relation.foreign_keys.iter().find(|found| found.name == called);
    let (actions, does_all) = actions(schema, key);
    let mut steps = Vec::new();
    let step = |stage, lock, statements, undo, why: &str| Step {
        stage,
        tables: tables.clone(),
        lock: Some(lock),
        statements,
        undo,
        why: why.to_owned(),
    };
    if found.is_none() {
        let add = format!(
            "alter table {table} add constraint {quoted} foreign key ({}) references {} ({}){actions} not valid",
            columns(own.iter().map(String::as_str)),
            qualified(&parent.name),
            columns(others.iter().map(String::as_str)),
        );
        let undo = format!("alter table {table} drop constraint {quoted}");
        steps.push(step(
            Stage::ForeignKeys,
            LockMode::ShareRowExclusive,
            vec![add],
            vec![undo],
            "a row points to its own tenant's rows only",
        ));
    }
    if !found.is_some_and(|found| found.is_valid) {
        let validate = format!("alter table {table} validate constraint {quoted}");
        steps.push(step(
            Stage::ValidateKeys,
            LockMode::ShareUpdateExclusive,
            vec![validate],
            Vec::new(),
            "so do the rows that are there",
        ));
    }
    if does_all {
        let old = ident(&key.name);
        let drop = format!("alter table {table} drop constraint {old}");
        let again = definition(schema, key);
        let mut undo = vec![format!("alter table {table} add constraint {old} {again} not valid")];
        if key.is_valid {
            undo.push(format!("alter table {table} validate constraint {old}"));
        }
        if let Some(comment) = &key.comment {
            undo.push(format!(
                "comment on constraint {old} on {table} is {}",
                literal(comment)
            ));
        }
        steps.push(step(
            Stage::Replaced,
            LockMode::AccessExclusive,
            vec![drop],
            undo,
            &format!("{called} says more"),
        ));
    }
    steps
}

/// Returns what stands behind the referenced columns, and whether it does all that the old foreign key did.
///
/// Setting the referencing columns to null must leave the tenant's alone, which can be said from 15 on. Before, and for SET DEFAULT, the old
/// one stays and acts; the new one looks when that is done, at the end of the transaction.
fn actions(schema: &Schema, key: &ForeignKey) -> (String, bool) {
    let on_update = match key.on_update {
        Action::NoAction => String::new(),
        // Which would set the tenant to null too.
        Action::SetNull | Action::SetDefault => return (" deferrable initially deferred".to_owned(), false),
        action => format!(" on update {}", action.words()),
    };
    let on_delete = match key.on_delete {
        Action::NoAction => String::new(),
        Action::SetNull if schema.major() >= SET_NULL_COLUMNS => {
            format!(
                " on delete set null ({})",
                columns(key.columns.iter().map(String::as_str))
            )
        }
        Action::SetNull | Action::SetDefault => return (" deferrable initially deferred".to_owned(), false),
        action => format!(" on delete {}", action.words()),
    };
    (
        format!("{on_update}{on_delete}{}", deferrable(key)),
        !key.is_match_full || key.columns.len() == 1,
    )
}

pub(super) fn deferrable(key: &ForeignKey) -> &'static str {
    match (key.is_deferrable, key.is_deferred) {
        (false, _) => "",
        (true, false) => " deferrable",
        (true, true) => " deferrable initially deferred",
    }
}

/// Returns a foreign key as it was.
fn definition(schema: &Schema, key: &ForeignKey) -> String {
    let full = if key.is_match_full { " match full" } else { "" };
    let action = |on: &str, action: Action| match action {
        Action::NoAction => String::new(),
        other => format!(" on {on} {}", other.words()),
    };
    format!(
        "foreign key ({}) references {} ({}){full}{}{}{}",
        columns(key.columns.iter().map(String::as_str)),
        qualified(&schema.relations[&key.references].name),
        columns(key.referenced_columns.iter().map(String::as_str)),
        action("update", key.on_update),
        action("delete", key.on_delete),
        deferrable(key),
    )
}
