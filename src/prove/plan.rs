//! What is to be tried: a pure value, made of the schema and the tenancy model.

use std::collections::{BTreeMap, BTreeSet};

use crate::activity::Oid;
use crate::schema::{Action, Function, Kind, Relation, Schema, Volatility};
use crate::script::RelationName;
use crate::tenancy::Tenancy;

use super::rights::Rights;
use super::whose::{Whose, whose};

/// A relation that some role of the application reaches.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its number.
    pub oid: Oid,
    /// Its name.
    pub name: RelationName,
    /// What it is.
    pub kind: Kind,
    /// How it is told whose its rows are.
    pub whose: Whose,
    /// What each role may do with it.
    pub rights: BTreeMap<String, Rights>,
    /// The tables whose rows a deletion takes along, by foreign keys.
    pub taken_along: Vec<Oid>,
    /// Of a view: the tables of tenants that it reads, itself or by other views.
    pub bases: Vec<Oid>,
    /// Why whoever is connected cannot see what happens to it, and what would help.
    pub blind: Option<String>,
}

/// A function that acts with its owner's rights, and that some role of the application may call.
#[derive(Clone, Debug)]
pub struct Callable {
    /// `schema.name(types)`.
    pub name: String,
    /// The call's name, quoted.
    pub schema: String,
    /// Its name alone.
    pub function: String,
    /// The types of its arguments.
    pub arguments: Vec<String>,
    /// Who may call it.
    pub roles: Vec<String>,
    /// Why it is not called.
    pub refused: Option<&'static str>,
}

/// Everything that is to be tried.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The relations, by name.
    pub subjects: Vec<Subject>,
    /// The functions, by name.
    pub functions: Vec<Callable>,
    /// Tables with tenants' rows, those that refer to others first: the order in which rows can be deleted.
    pub erased: Vec<(Oid, RelationName, Whose)>,
}

/// Returns what is to be tried.
pub fn plan(schema: &Schema, tenancy: &Tenancy, calls_volatile: bool) -> Plan {
    let owned: BTreeMap<Oid, Whose> = schema
        .relations
        .values()
        .map(|relation| (relation.oid, whose(schema, tenancy, relation)))
        .collect();
    let mut subjects: Vec<Subject> = schema
        .relations
        .values()
        .filter_map(|relation| subject(schema, tenancy, relation, &owned))
        .collect();
    subjects.sort_by(|one, other| one.name.cmp(&other.name));
    Plan {
        subjects,
        functions: functions(schema, tenancy, &owned, calls_volatile),
        erased: erased(schema, &owned),
    }
}

fn subject(schema: &Schema, tenancy: &Tenancy, relation: &Relation, owned: &BTreeMap<Oid, Whose>) -> Option<Subject> {
    let whose = owned[&relation.oid].clone();
    let roles = tenancy.all_app_roles();
    let rights: BTreeMap<String, Rights> = roles
        .map(|role| (role.clone(), Rights::of(schema, relation, role)))
        .filter(|(_, rights)| !rights.is_none())
        .collect();
    let is_in = |schema: &String| relation.name.schema.as_ref() == Some(schema);
    let is_ours = whose.is_tenants() || tenancy.schemas.iter().any(is_in);
    let bases = bases(schema, relation, owned);
    let is_view = matches!(relation.kind, Kind::View | Kind::MaterializedView);
    if rights.is_empty() || !is_ours || (is_view && bases.is_empty() && !whose.is_tenants()) {
        return None;
    }
    Some(Subject {
        oid: relation.oid,
        name: relation.name.clone(),
        kind: relation.kind,
        whose,
        rights,
        taken_along: taken_along(schema, relation.oid, owned),
        blind: blind(schema, relation, &bases),
        bases,
    })
}

/// Whoever compares must see all rows: row security may not hold it back.
fn blind(schema: &Schema, relation: &Relation, bases: &[Oid]) -> Option<String> {
    let role = &schema.current_role;
    let tables = bases
        .iter()
        .filter_map(|oid| schema.relations.get(oid))
        .chain([relation]);
    let mut bound = tables.filter(|table| schema.binds(table, role));
    let first = bound.next()?;
    Some(format!(
        "{role}, which compares, is held back by row security on {} itself: ALTER ROLE {role} BYPASSRLS, or connect as a superuser",
        first.name
    ))
}

/// The tables of tenants behind a view.
fn bases(schema: &Schema, relation: &Relation, owned: &BTreeMap<Oid, Whose>) -> Vec<Oid> {
    let mut open: Vec<Oid> = relation.reads.clone();
    let mut seen = BTreeSet::from([relation.oid]);
    let mut found = Vec::new();
    while let Some(oid) = open.pop() {
        let Some(read) = schema.relations.get(&oid).filter(|_| seen.insert(oid)) else {
            continue;
        };
        if read.kind.is_table() && owned[&oid].is_tenants() {
            found.push(oid);
        }
        open.extend(&read.reads);
    }
    found.sort();
    found
}

/// The tables of tenants whose rows go, or change, with a row of this one.
fn taken_along(schema: &Schema, from: Oid, owned: &BTreeMap<Oid, Whose>) -> Vec<Oid> {
    let mut open = vec![from];
    let mut found = BTreeSet::new();
    while let Some(oid) = open.pop() {
        for (child, key) in schema.referencing(oid) {
            let does = matches!(key.on_delete, Action::Cascade | Action::SetNull | Action::SetDefault);
            if does && child.oid != from && !child.is_partition && found.insert(child.oid) {
                open.push(child.oid);
            }
        }
    }
    found.into_iter().filter(|oid| owned[oid].is_tenants()).collect()
}

/// Puts tables in an order in which what refers to others comes before them; a circle is broken anywhere.
fn erased(schema: &Schema, owned: &BTreeMap<Oid, Whose>) -> Vec<(Oid, RelationName, Whose)> {
    let tables = schema.relations.values().filter(|relation| {
        relation.kind.is_table() && relation.parents.is_empty() && owned[&relation.oid].is_tenants()
    });
    let mut left: Vec<&Relation> = tables.collect();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let is_free = |table: &&Relation| {
            !left
                .iter()
                .any(|other| other.oid != table.oid && other.foreign_keys.iter().any(|key| key.references == table.oid))
        };
        let at = left.iter().position(is_free).unwrap_or(0);
        let table = left.remove(at);
        ordered.push((table.oid, table.name.clone(), owned[&table.oid].clone()));
    }
    ordered
}

/// What acts with the caller's rights reads what the caller may read anyway.
fn functions(schema: &Schema, tenancy: &Tenancy, owned: &BTreeMap<Oid, Whose>, calls_volatile: bool) -> Vec<Callable> {
    let mut found: Vec<Callable> = schema
        .functions
        .values()
        .filter(|function| {
            function.is_security_definer && !matches!(function.returns.as_str(), "trigger" | "event_trigger" | "-" | "")
        })
        .filter(|function| !is_held_back(schema, owned, &function.owner))
        .filter_map(|function| callable(schema, tenancy, function, calls_volatile))
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// Tells whether row security holds back a function's owner on every table of tenants.
fn is_held_back(schema: &Schema, owned: &BTreeMap<Oid, Whose>, role: &str) -> bool {
    let mut tables = schema
        .relations
        .values()
        .filter(|relation| relation.kind.is_table() && owned[&relation.oid].is_tenants());
    tables.all(|table| schema.binds(table, role))
}

fn callable(schema: &Schema, tenancy: &Tenancy, function: &Function, calls_volatile: bool) -> Option<Callable> {
    let may_use = |role: &String| {
        let grants = schema.schemas.get(&function.schema);
        grants.is_some_and(|grants| schema.may(role, "USAGE", grants)) && schema.may(role, "EXECUTE", &function.grants)
    };
    let roles: Vec<String> = tenancy.all_app_roles().filter(|role| may_use(role)).cloned().collect();
    if roles.is_empty() {
        return None;
    }
    let refused = (function.volatility == Volatility::Volatile && !calls_volatile)
        .then_some("it is VOLATILE, and what it does outside of the transaction could not be taken back: `--call-volatile` calls it");
    let arguments = function.arguments.split(", ").filter(|word| !word.is_empty());
    Some(Callable {
        name: format!("{}.{}({})", function.schema, function.name, function.arguments),
        schema: function.schema.clone(),
        function: function.name.clone(),
        arguments: arguments.map(str::to_owned).collect(),
        roles,
        refused,
    })
}
