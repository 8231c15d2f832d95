//! Reads the typed schema.
#![allow(
    clippy::struct_excessive_bools,
    reason = "they are the flags of the catalog's own rows"
)]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::activity::Oid;
use crate::schema::{
    Action, Check, Column, ForeignKey, Function, Grant, Index, Key, Kind, Policy, Publication, Relation, Role,
    RoleSetting, Schema, Trigger,
};
use crate::script::RelationName;

use super::bind::statement;
use super::catalog::{CatalogError, reading};
use super::connect::Session;
use super::message::{MessageError, Row};

/// Each returns rows of a kind and a JSON object. Relations come before what belongs to them.
const QUERIES: [(&str, &str); 15] = [
    ("the server", include_str!("../../sql/schema/server.sql")),
    ("schemas", include_str!("../../sql/schema/schemas.sql")),
    ("relations", include_str!("../../sql/schema/relations.sql")),
    ("columns", include_str!("../../sql/schema/columns.sql")),
    ("constraints", include_str!("../../sql/schema/constraints.sql")),
    ("indexes", include_str!("../../sql/schema/indexes.sql")),
    ("policies", include_str!("../../sql/schema/policies.sql")),
    ("triggers", include_str!("../../sql/schema/triggers.sql")),
    ("views", include_str!("../../sql/schema/views.sql")),
    ("functions", include_str!("../../sql/schema/functions.sql")),
    ("roles", include_str!("../../sql/schema/roles.sql")),
    ("settings of roles", include_str!("../../sql/schema/role_settings.sql")),
    ("sequences", include_str!("../../sql/schema/sequences.sql")),
    (
        "default privileges",
        include_str!("../../sql/schema/default_privileges.sql"),
    ),
    ("publications", include_str!("../../sql/schema/publications.sql")),
];

/// The server's word that a role may not read something.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// Returns the schema as it is. One message, one transaction, which reads only. Where the role may not read a part of the catalog, which
/// is readable by all unless somebody has revoked that, the rest is read and [`Schema::unseen`] says what is missing.
///
/// # Locks
/// Those of [`snapshot`](super::snapshot).
///
/// # Privileges
/// CONNECT.
///
/// # Errors
/// [`CatalogError`].
pub async fn schema(session: &Session) -> Result<Schema, CatalogError> {
    let mut schema = Schema::default();
    match ask(session, &QUERIES).await {
        Ok(rows) => rows.iter().try_for_each(|row| take(&mut schema, row))?,
        Err(error) if error.sqlstate() == Some(INSUFFICIENT_PRIVILEGE) => parts(session, &mut schema).await?,
        Err(error) => return Err(error.into()),
    }
    Ok(schema)
}

/// Reads each part by itself, and notes those that may not be read.
async fn parts(session: &Session, schema: &mut Schema) -> Result<(), CatalogError> {
    for query in QUERIES {
        match ask(session, &[query]).await {
            Ok(rows) => rows.iter().try_for_each(|row| take(schema, row))?,
            Err(error) if error.sqlstate() == Some(INSUFFICIENT_PRIVILEGE) => schema.unseen.push(query.0),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn ask(session: &Session, queries: &[(&'static str, &'static str)]) -> Result<Vec<Row>, MessageError> {
    let message = reading(queries.iter().map(|(_, query)| statement(query)));
    let answer = session.message(&message).await;
    if let Err(error) = answer.result {
        session.message("rollback").await.result?;
        return Err(error);
    }
    Ok(answer.rows)
}

/// What belongs to a relation.
#[derive(Deserialize)]
struct Of<T> {
    relation: u32,
    #[serde(flatten)]
    what: T,
}

#[derive(Deserialize)]
struct ServerRow {
    version: u32,
    role: String,
}

#[derive(Deserialize)]
struct SchemaRow {
    name: String,
    grants: Vec<Grant>,
}

#[derive(Deserialize)]
struct RelationRow {
    oid: u32,
    schema: String,
    name: String,
    kind: Kind,
    owner: String,
    row_security: bool,
    force_row_security: bool,
    rows: i64,
    bytes: u64,
    is_partition: bool,
    parents: Vec<u32>,
    has_rules: bool,
    options: Vec<String>,
    comment: Option<String>,
    grants: Vec<Grant>,
}

#[derive(Deserialize)]
struct ConstraintRow {
    name: String,
    kind: char,
    columns: Vec<String>,
    references: Option<u32>,
    referenced_columns: Vec<String>,
    on_update: String,
    on_delete: String,
    #[serde(rename = "match")]
    match_type: String,
    is_deferrable: bool,
    is_deferred: bool,
    is_valid: bool,
    is_inherited: bool,
    comment: Option<String>,
    definition: String,
}

#[derive(Deserialize)]
struct TriggerRow {
    name: String,
    function: u32,
    is_enabled: bool,
    fires_on_update: bool,
    update_columns: Vec<String>,
    is_inherited: bool,
    definition: String,
}

#[derive(Deserialize)]
struct ViewRow {
    reads: Vec<u32>,
    definition: Option<String>,
}

#[derive(Deserialize)]
struct FunctionRow {
    oid: u32,
    #[serde(flatten)]
    what: Function,
}

#[derive(Deserialize)]
struct PublicationRow {
    name: String,
    is_for_all: bool,
    tables: Vec<u32>,
}

fn take(schema: &mut Schema, row: &Row) -> Result<(), CatalogError> {
    let [Some(kind), Some(json)] = row.as_slice() else {
        return Err(unreadable("a row without a kind"));
    };
    match kind.as_str() {
        "server" => {
            let row: ServerRow = parse(json)?;
            (schema.server_version, schema.current_role) = (row.version, row.role);
        }
        "schema" => {
            let row: SchemaRow = parse(json)?;
            schema.schemas.insert(row.name, row.grants);
        }
        "relation" => {
            let relation = relation(parse(json)?);
            schema.relations.insert(relation.oid, relation);
        }
        "role" => {
            let role: Role = parse(json)?;
            schema.roles.insert(role.name.clone(), role);
        }
        "setting" => schema.role_settings.push(parse::<RoleSetting>(json)?),
        "function" => {
            let row: FunctionRow = parse(json)?;
            schema.functions.insert(Oid(row.oid), row.what);
        }
        "sequence" => schema.sequences.push(parse(json)?),
        "default" => schema.default_privileges.push(parse(json)?),
        "publication" => schema.publications.push(publication(parse(json)?)),
        kind => belonging(&mut schema.relations, kind, json)?,
    }
    Ok(())
}

/// Takes what belongs to a relation; that of one which is not told, such as an extension's, is passed over.
fn belonging(relations: &mut BTreeMap<Oid, Relation>, kind: &str, json: &str) -> Result<(), CatalogError> {
    match kind {
        "column" => add::<Column>(relations, json, |relation, column| relation.columns.push(column)),
        "constraint" => add::<ConstraintRow>(relations, json, constraint),
        "index" => add::<Index>(relations, json, |relation, index| relation.indexes.push(index)),
        "policy" => add::<Policy>(relations, json, |relation, policy| relation.policies.push(policy)),
        "trigger" => add::<TriggerRow>(relations, json, |relation, row| {
            if !row.is_inherited {
                relation.triggers.push(Trigger {
                    name: row.name,
                    function: Oid(row.function),
                    is_enabled: row.is_enabled,
                    fires_on_update: row.fires_on_update,
                    update_columns: row.update_columns,
                    definition: row.definition,
                });
            }
        }),
        "view" => add::<ViewRow>(relations, json, |relation, row| {
            relation.reads = row.reads.into_iter().map(Oid).collect();
            relation.definition = row.definition;
        }),
        other => Err(unreadable(&format!("a {other}"))),
    }
}

fn add<T: DeserializeOwned>(
    relations: &mut BTreeMap<Oid, Relation>,
    json: &str,
    push: impl FnOnce(&mut Relation, T),
) -> Result<(), CatalogError> {
    let row: Of<T> = parse(json)?;
    if let Some(relation) = relations.get_mut(&Oid(row.relation)) {
        push(relation, row.what);
    }
    Ok(())
}

fn publication(row: PublicationRow) -> Publication {
    Publication {
        name: row.name,
        is_for_all: row.is_for_all,
        tables: row.tables.into_iter().map(Oid).collect(),
    }
}

fn relation(row: RelationRow) -> Relation {
    let name = RelationName::qualified(row.schema, row.name);
    Relation {
        row_security: row.row_security,
        force_row_security: row.force_row_security,
        rows: u64::try_from(row.rows).ok(),
        bytes: row.bytes,
        is_partition: row.is_partition,
        parents: row.parents.into_iter().map(Oid).collect(),
        has_rules: row.has_rules,
        options: row.options,
        comment: row.comment,
        grants: row.grants,
        ..Relation::bare(Oid(row.oid), name, row.kind, row.owner)
    }
}

fn constraint(relation: &mut Relation, row: ConstraintRow) {
    match (row.kind, row.references) {
        ('p' | 'u', _) => relation.keys.push(Key {
            name: row.name,
            is_primary: row.kind == 'p',
            columns: row.columns,
            is_deferrable: row.is_deferrable,
        }),
        ('f', Some(references)) => relation.foreign_keys.push(ForeignKey {
            name: row.name,
            columns: row.columns,
            references: Oid(references),
            referenced_columns: row.referenced_columns,
            on_update: action(&row.on_update),
            on_delete: action(&row.on_delete),
            is_match_full: row.match_type == "f",
            is_deferrable: row.is_deferrable,
            is_deferred: row.is_deferred,
            is_valid: row.is_valid,
            is_inherited: row.is_inherited,
            comment: row.comment,
        }),
        ('c', _) => relation.checks.push(Check {
            name: row.name,
            columns: row.columns,
            definition: row.definition,
            is_valid: row.is_valid,
        }),
        // An exclusion constraint is no key that a foreign key could point to.
        _ => {}
    }
}

fn action(letter: &str) -> Action {
    match letter {
        "r" => Action::Restrict,
        "c" => Action::Cascade,
        "n" => Action::SetNull,
        "d" => Action::SetDefault,
        _ => Action::NoAction,
    }
}

fn parse<T: DeserializeOwned>(json: &str) -> Result<T, CatalogError> {
    serde_json::from_str(json).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(what: &str) -> CatalogError {
    CatalogError::Unreadable { what: what.to_owned() }
}
