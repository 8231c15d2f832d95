//! Statements that make something.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    CreateFunctionStmt, CreateSeqStmt, CreateStmt, CreateTableAsStmt, CreateTrigStmt, IndexStmt, Node, ObjectType,
    RefreshMatViewStmt, RuleStmt, ViewStmt,
};

use super::alter_table::{column_definition, referenced};
use super::draft::Draft;
use super::names::{from_parts, relation_name, string, strings};
use super::parse::parse_body;
use super::walk::Walk;
use crate::script::{LockMode, NonTransactional, RelationKind, SessionEffect};

/// Notes `CREATE TABLE`.
pub(super) fn create_table(draft: &mut Draft, statement: &CreateStmt) {
    draft.create(statement.relation.as_ref());
    // A partition shuts out everybody from the table it becomes part of, and checks its default partition.
    let parent_mode = if statement.partbound.is_some() {
        LockMode::AccessExclusive
    } else {
        LockMode::ShareUpdateExclusive
    };
    for node in &statement.inh_relations {
        if let Some(NodeEnum::RangeVar(parent)) = &node.node {
            draft.lock_table(parent, parent_mode);
        }
    }
    if statement.partbound.is_some() {
        draft.dependents();
    }
    for element in statement.table_elts.iter().chain(&statement.constraints) {
        table_element(draft, element);
    }
}

fn table_element(draft: &mut Draft, element: &Node) {
    match &element.node {
        Some(NodeEnum::ColumnDef(column)) => column_definition(&mut Walk::stored(draft), column),
        Some(NodeEnum::Constraint(constraint)) => {
            referenced(draft, constraint);
            Walk::stored(draft).option(constraint.raw_expr.as_deref());
        }
        Some(NodeEnum::TableLikeClause(like)) => draft.lock_option(like.relation.as_ref(), LockMode::AccessShare),
        _ => {}
    }
}

/// Notes `CREATE TABLE AS`, `SELECT INTO` and `CREATE MATERIALIZED VIEW`.
pub(super) fn create_table_as(draft: &mut Draft, statement: &CreateTableAsStmt) {
    if let Some(into) = &statement.into {
        draft.create(into.rel.as_ref());
    }
    match statement.query.as_ref().and_then(|query| query.node.as_ref()) {
        Some(NodeEnum::ExecuteStmt(_)) => draft.opaque(),
        Some(query) => Walk::running(draft).tree(query),
        None => {}
    }
}

/// Notes `REFRESH MATERIALIZED VIEW`: what it reads is known to the catalog only.
pub(super) fn refresh(draft: &mut Draft, statement: &RefreshMatViewStmt) {
    let mode = if statement.concurrent {
        LockMode::Exclusive
    } else {
        LockMode::AccessExclusive
    };
    if let Some(view) = &statement.relation {
        draft.lock(relation_name(view), mode, RelationKind::MaterializedView);
    }
    draft.dependents();
}

/// Notes `CREATE VIEW`.
pub(super) fn create_view(draft: &mut Draft, statement: &ViewStmt) {
    draft.create(statement.view.as_ref());
    if let (true, Some(view)) = (statement.replace, &statement.view) {
        draft.lock(relation_name(view), LockMode::AccessExclusive, RelationKind::View);
    }
    Walk::stored(draft).option(statement.query.as_deref());
}

/// Notes `CREATE INDEX`. Its expressions run under the table owner's name and cannot change the session.
pub(super) fn create_index(draft: &mut Draft, statement: &IndexStmt) {
    let Some(table) = &statement.relation else { return };
    draft.lock_table(
        table,
        if statement.concurrent {
            LockMode::ShareUpdateExclusive
        } else {
            LockMode::Share
        },
    );
    let name = (!statement.idxname.is_empty()).then(|| statement.idxname.clone());
    if let Some(name) = &name {
        let mut index = relation_name(table);
        index.name.clone_from(name);
        draft.statement.creates.push(index);
    }
    if statement.concurrent {
        draft.never(NonTransactional::CreateIndex {
            table: relation_name(table),
            index: name,
            if_not_exists: statement.if_not_exists,
            unique: statement.unique,
        });
    }
    let mut walk = Walk::stored(draft);
    walk.nodes(&statement.index_params);
    walk.option(statement.where_clause.as_deref());
}

/// Notes `CREATE SEQUENCE`.
pub(super) fn create_sequence(draft: &mut Draft, statement: &CreateSeqStmt) {
    draft.create(statement.sequence.as_ref());
    owned_by(draft, &statement.options);
}

/// Notes the table that a sequence is to belong to.
pub(super) fn owned_by(draft: &mut Draft, options: &[Node]) {
    for node in options {
        let Some(NodeEnum::DefElem(element)) = &node.node else {
            continue;
        };
        if element.defname != "owned_by" {
            continue;
        }
        let column = element.arg.as_ref().map(|arg| strings(arg)).unwrap_or_default();
        if let Some(table) = from_parts(&column[..column.len().saturating_sub(1)]) {
            draft.lock(table, LockMode::AccessShare, RelationKind::Table);
        }
    }
}

/// Notes `CREATE TRIGGER`.
pub(super) fn create_trigger(draft: &mut Draft, statement: &CreateTrigStmt) {
    draft.lock_option(statement.relation.as_ref(), LockMode::ShareRowExclusive);
    draft.lock_option(statement.constrrel.as_ref(), LockMode::AccessShare);
    Walk::stored(draft).option(statement.when_clause.as_deref());
}

/// Notes `CREATE RULE`.
pub(super) fn create_rule(draft: &mut Draft, statement: &RuleStmt) {
    draft.lock_option(statement.relation.as_ref(), LockMode::AccessExclusive);
    let mut walk = Walk::stored(draft);
    walk.option(statement.where_clause.as_deref());
    for action in &statement.actions {
        match &action.node {
            Some(NodeEnum::NotifyStmt(_)) | None => {}
            Some(node) => walk.tree(node),
        }
    }
}

/// Notes `CREATE FUNCTION`: the server looks up the relations in a body of SQL, but not in one of another language.
pub(super) fn create_function(draft: &mut Draft, statement: &CreateFunctionStmt) {
    let name: Vec<&str> = statement.funcname.iter().filter_map(string).collect();
    if name.len() > 1 && name[0].starts_with("pg_temp") {
        draft.effect(SessionEffect::Temporary);
    }
    for node in &statement.parameters {
        if let Some(NodeEnum::FunctionParameter(parameter)) = &node.node {
            Walk::stored(draft).option(parameter.defexpr.as_deref());
        }
    }
    if let Some(body) = &statement.sql_body {
        Walk::stored(draft).node(body);
        return;
    }
    let argument = |name: &str| {
        statement.options.iter().find_map(|node| match &node.node {
            Some(NodeEnum::DefElem(element)) if element.defname == name => element.arg.as_ref(),
            _ => None,
        })
    };
    let is_sql = argument("language")
        .and_then(|node| string(node))
        .is_some_and(|name| name.eq_ignore_ascii_case("sql"));
    let Some(body) = argument("as")
        .and_then(|node| strings(node).first().copied())
        .filter(|_| is_sql)
    else {
        return;
    };
    match parse_body(body) {
        Some(statements) => stored_statements(draft, &statements),
        None => draft.unknown(),
    }
}

/// A utility statement in a function's body is not looked at before it runs.
fn stored_statements(draft: &mut Draft, statements: &[NodeEnum]) {
    let mut walk = Walk::stored(draft);
    for statement in statements {
        walk.query(statement);
    }
}

/// Notes the tables of a publication.
pub(super) fn publication_objects(draft: &mut Draft, objects: &[Node]) {
    for node in objects {
        let Some(NodeEnum::PublicationObjSpec(object)) = &node.node else {
            continue;
        };
        if let Some(table) = &object.pubtable {
            draft.lock_option(table.relation.as_ref(), LockMode::ShareUpdateExclusive);
            Walk::stored(draft).option(table.where_clause.as_deref());
        }
    }
}

/// Returns the command's name for a `CREATE TABLE AS`.
pub(super) fn table_as_tag(statement: &CreateTableAsStmt) -> &'static str {
    match statement.objtype() {
        ObjectType::ObjectMatview => "CREATE MATERIALIZED VIEW",
        _ if statement.is_select_into => "SELECT INTO",
        _ => "CREATE TABLE AS",
    }
}
