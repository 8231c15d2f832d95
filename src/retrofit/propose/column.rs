//! Which column says whose a row is.

use std::collections::{BTreeMap, BTreeSet};

use crate::activity::Oid;
use crate::schema::{Relation, Schema};

use super::{is_of_people, plain};

/// What columns with the tenant are called, without `_`; those that are as often something below a tenant come last.
const NAMES: [&str; 12] = [
    "tenantid",
    "organizationid",
    "organisationid",
    "orgid",
    "accountid",
    "workspaceid",
    "companyid",
    "teamid",
    "tenantuuid",
    "orguuid",
    "projectid",
    "customerid",
];
/// From here on a name may be that of something below a tenant.
const BELOW: usize = 10;
/// Such a name is taken only if it is on more than so many times the tables that any other one is on.
const TIMES: usize = 3;

/// What tables with the tenants are called.
const TENANTS: [&str; 10] = [
    "tenants",
    "organizations",
    "organisations",
    "orgs",
    "accounts",
    "workspaces",
    "companies",
    "teams",
    "projects",
    "customers",
];

/// The column that is proposed.
#[derive(Clone, Debug, Default)]
pub(super) struct Chosen {
    /// Its name.
    pub(super) name: String,
    /// Its type, on most tables.
    pub(super) data_type: Option<String>,
    /// The table and column that it points to.
    pub(super) to: Option<(Oid, String)>,
    /// The table that looks like that of the tenants, where nothing points to it.
    pub(super) by_name: Option<Oid>,
    /// Whether a row belongs to a user, not to a tenant.
    pub(super) is_owner: bool,
    /// Why, and what else it might be.
    pub(super) reasons: Vec<String>,
    /// The tables that have it.
    pub(super) tables: BTreeSet<Oid>,
}

/// Tells whether a column is called as one with the tenant is.
pub(super) fn is_tenants_name(name: &str) -> bool {
    NAMES.contains(&plain(name).as_str())
}

/// A name that columns have.
#[derive(Clone, Debug, Default)]
struct Candidate<'a> {
    name: String,
    tables: Vec<&'a Relation>,
    /// How many of the tables have a foreign key from it alone, by where that points to.
    to: BTreeMap<(Oid, String), usize>,
}

impl Candidate<'_> {
    fn most(&self) -> Option<(&(Oid, String), usize)> {
        let most = self
            .to
            .iter()
            .max_by_key(|(to, count)| (**count, std::cmp::Reverse(to.0)));
        most.map(|(to, count)| (to, *count))
    }

    fn place(&self) -> Option<usize> {
        NAMES.iter().position(|name| *name == plain(&self.name))
    }
}

/// Returns the column to propose.
pub(super) fn choose(schema: &Schema, tables: &[&Relation]) -> Chosen {
    let candidates = candidates(tables);
    let mut known: Vec<&Candidate<'_>> = candidates
        .iter()
        .filter(|one| one.place().is_some() && (one.tables.len() > 1 || !one.to.is_empty()))
        .collect();
    let weight = |one: &Candidate<'_>| {
        let is_below = one.place().is_some_and(|place| place >= BELOW);
        one.tables.len() * if is_below { 1 } else { TIMES }
    };
    known.sort_by_key(|one| (std::cmp::Reverse(weight(one)), one.place(), one.name.clone()));
    if let Some((first, others)) = known.split_first() {
        let mut chosen = told(schema, tables, first);
        // What points to the same tenants is the same under another name.
        let others = others
            .iter()
            .filter(|other| chosen.to.is_none() || other.most().map(|(to, _)| to) != chosen.to.as_ref());
        let also: Vec<String> = others.map(|other| also(schema, first, other)).collect();
        chosen.reasons.extend(also);
        return chosen;
    }
    let pointing = candidates
        .iter()
        .filter(|one| !plain(&one.name).ends_with("by"))
        .filter_map(|one| one.most().map(|(to, count)| (one, to, count)))
        .filter(|(_, _, count)| *count > 1 && count * TIMES >= tables.len())
        .max_by_key(|(one, _, count)| (*count, std::cmp::Reverse(one.name.clone())));
    match pointing {
        Some((one, (to, _), _)) => {
            let mut chosen = told(schema, tables, one);
            let table = schema.relations.get(to);
            chosen.is_owner = table.is_some_and(is_of_people);
            chosen.reasons.push(if chosen.is_owner {
                "No column is called as one with a tenant is: it seems that a row belongs to a user.".to_owned()
            } else {
                "It is not called as a tenant's column is; no other one points to one and the same table from so many tables.".to_owned()
            });
            chosen
        }
        None => nothing_shared(tables),
    }
}

fn candidates<'a>(tables: &[&'a Relation]) -> Vec<Candidate<'a>> {
    let mut found: BTreeMap<&str, Candidate<'a>> = BTreeMap::new();
    for table in tables {
        for column in &table.columns {
            let one = found.entry(&column.name).or_default();
            one.name.clone_from(&column.name);
            one.tables.push(table);
            let keys = table.foreign_keys.iter();
            for key in keys.filter(|key| key.columns == [column.name.clone()] && key.references != table.oid) {
                *one.to
                    .entry((key.references, key.referenced_columns[0].clone()))
                    .or_default() += 1;
            }
        }
    }
    found.into_values().collect()
}

fn told(schema: &Schema, tables: &[&Relation], one: &Candidate<'_>) -> Chosen {
    let mut types: BTreeMap<&str, usize> = BTreeMap::new();
    for table in &one.tables {
        if let Some(column) = table.column(&one.name) {
            *types.entry(&column.data_type).or_default() += 1;
        }
    }
    let data_type = types
        .iter()
        .max_by_key(|(_, count)| **count)
        .map(|(name, _)| (*name).to_owned());
    let to = one.most().and_then(|((oid, column), count)| {
        let table = schema.relations.get(oid)?;
        Some(((*oid, column.clone()), table.name.to_string(), count))
    });
    let points = to
        .as_ref()
        .map_or("none of them with a foreign key".to_owned(), |(_, name, count)| {
            format!("{count} of them with a foreign key to {name}")
        });
    let of = data_type
        .as_deref()
        .map_or(String::new(), |data_type| format!(", of type {data_type}"));
    let have = if one.tables.len() == 1 { "has" } else { "have" };
    let by_name = if to.is_none() {
        like_tenants(tables, &one.name)
    } else {
        None
    };
    Chosen {
        name: one.name.clone(),
        data_type,
        by_name,
        is_owner: false,
        reasons: vec![format!(
            "{} of {} tables {have} {}{of}, {points}.",
            one.tables.len(),
            tables.len(),
            one.name
        )],
        tables: one.tables.iter().map(|table| table.oid).collect(),
        to: to.map(|(to, _, _)| to),
    }
}

/// Another name that would do: what is said depends on which is above the other.
fn also(schema: &Schema, first: &Candidate<'_>, other: &Candidate<'_>) -> String {
    let number = other.tables.len();
    let have = if number == 1 { "table has" } else { "tables have" };
    let told = format!("{number} {have} {}", other.name);
    let has = |one: &Candidate<'_>, other: &Candidate<'_>| {
        let table = one.most().and_then(|((oid, _), _)| schema.relations.get(oid));
        table.is_some_and(|table| table.column(&other.name).is_some())
    };
    if has(first, other) {
        format!(
            "choose: {told}, which is above {}: take it if all of that is to be seen as one.",
            first.name
        )
    } else if has(other, first) {
        format!("{told}, which is below {}.", first.name)
    } else {
        format!("choose: {told}; take it if that is what keeps customers apart.")
    }
}

/// Returns the table that is called as the column is, such as `tenants` for `tenant_id`.
fn like_tenants(tables: &[&Relation], column: &str) -> Option<Oid> {
    let column = plain(column);
    let stem = column.strip_suffix("uuid").or_else(|| column.strip_suffix("id"))?;
    let found = tables.iter().find(|table| {
        let name = plain(&table.name.name);
        let is_alike =
            name == stem || name == format!("{stem}s") || name == format!("{}ies", stem.trim_end_matches('y'));
        is_alike && table.primary_key().is_some_and(|key| key.columns.len() == 1)
    });
    found.map(|table| table.oid)
}

/// No column is shared: the one after the table that looks like that of the tenants, or our own word.
fn nothing_shared(tables: &[&Relation]) -> Chosen {
    let place = |table: &&&Relation| TENANTS.iter().position(|name| *name == plain(&table.name.name));
    let found = tables
        .iter()
        .filter(|table| place(table).is_some())
        .filter(|table| table.primary_key().is_some_and(|key| key.columns.len() == 1))
        .min_by_key(|table| place(table));
    let Some(table) = found else {
        return Chosen {
            name: "tenant_id".to_owned(),
            reasons: vec![
                "No column is shared by tables in a way that speaks for a tenant; this is a new one.".to_owned(),
            ],
            ..Chosen::default()
        };
    };
    let name = &table.name.name;
    let stem = name
        .strip_suffix("ies")
        .map_or_else(|| name.trim_end_matches('s').to_owned(), |stem| format!("{stem}y"));
    let key = table.primary_key().and_then(|key| table.column(&key.columns[0]));
    Chosen {
        name: format!("{}_id", stem.to_lowercase()),
        data_type: key.map(|key| key.data_type.clone()),
        by_name: Some(table.oid),
        reasons: vec![format!(
            "No table has a column with a tenant; {} looks like the table of the tenants, and this one is called and typed after it.",
            table.name
        )],
        ..Chosen::default()
    }
}

/// Returns the schemas of the tables that have the column, and those of the others; all where none has it.
pub(super) fn schemas(tables: &[&Relation], chosen: &Chosen) -> (Vec<String>, Vec<String>) {
    let of = |table: &&Relation| table.name.schema.clone();
    let all: BTreeSet<String> = tables.iter().filter_map(of).collect();
    let with: BTreeSet<String> = tables
        .iter()
        .filter(|table| chosen.tables.contains(&table.oid))
        .filter_map(of)
        .collect();
    if with.is_empty() {
        return (all.into_iter().collect(), Vec::new());
    }
    let left_out = all.difference(&with).cloned().collect();
    (with.into_iter().collect(), left_out)
}
