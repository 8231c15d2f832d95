//! What there is to say of each table.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::activity::Oid;
use crate::retrofit::aim::{Aims, Source, aim};
use crate::schema::{Action, ForeignKey, Relation, Schema};
use crate::script::RelationName;
use crate::tenancy::{TableExtras, TableTenancy, Tenancy};

use super::super::template::quoted;
use super::column::{Chosen, is_tenants_name};
use super::{is_of_people, plain};

/// Tables in which tools keep what they have applied.
const LEDGERS: [&str; 14] = [
    "_prisma_migrations",
    "_sqlx_migrations",
    "__drizzle_migrations",
    "__diesel_schema_migrations",
    "ar_internal_metadata",
    "atlas_schema_revisions",
    "flyway_schema_history",
    "goose_db_version",
    "knex_migrations",
    "knex_migrations_lock",
    "pgmigrations",
    "refinery_schema_history",
    "schema_migrations",
    "django_migrations",
];

/// What a table is to the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// It has the column.
    Has,
    /// It is that of the tenants.
    Tenants,
    /// It has the column under another name.
    OtherName,
    /// It takes it from the row that a foreign key points to.
    FromParent,
    /// It is no tenant's.
    Shared,
    /// Several ways lead to a tenant: a person chooses.
    Choose,
    /// No way leads to one: a person says what it is.
    NoWay,
    /// Its parent is one of which something has to be said first.
    AfterChoice,
    /// Something has to be mended first.
    ByHand,
}

impl Found {
    /// Tells whether a person has to say or do something.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Choose | Self::NoWay | Self::AfterChoice | Self::ByHand)
    }
}

/// A table, and what is proposed for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableProposal {
    /// Its name.
    #[serde(serialize_with = "shown")]
    pub table: RelationName,
    /// What it is to the model.
    pub found: Found,
    /// Why.
    pub reason: String,
    /// The line under `[tenancy.tables]`.
    pub line: Option<String>,
    /// Whether the line counts as it stands, or is commented out until a person has chosen.
    pub is_settled: bool,
}

fn shown<S: serde::Serializer>(name: &RelationName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(name)
}

/// Returns what there is to say of each table, by name. `tenancy` is the model without its tables.
pub(super) fn propose(schema: &Schema, tables: &[&Relation], chosen: &Chosen, tenancy: &Tenancy) -> Vec<TableProposal> {
    let own: BTreeMap<Oid, TableProposal> = tables
        .iter()
        .filter_map(|table| Some((table.oid, said(table, chosen)?)))
        .collect();
    let mut tenancy = tenancy.clone();
    for table in tables {
        let Some(proposal) = own.get(&table.oid).filter(|proposal| proposal.is_settled) else {
            continue;
        };
        tenancy
            .tables
            .insert(table.name.clone(), settled(table, chosen, proposal));
    }
    let aims = aim(schema, &tenancy);
    let search = Search {
        schema,
        tables,
        chosen,
        aims: &aims,
    };
    let mut found: Vec<TableProposal> = tables
        .iter()
        .map(|table| own.get(&table.oid).cloned().unwrap_or_else(|| search.one(table)))
        .collect();
    found.sort_by(|one, other| one.table.cmp(&other.table));
    found
}

fn proposal(table: &Relation, found: Found, reason: impl Into<String>) -> TableProposal {
    TableProposal {
        table: table.name.clone(),
        found,
        reason: reason.into(),
        line: None,
        is_settled: true,
    }
}

/// What a table's own name and columns say, before the others are looked at.
fn said(table: &Relation, chosen: &Chosen) -> Option<TableProposal> {
    if LEDGERS.contains(&table.name.name.as_str()) {
        let mut found = proposal(table, Found::Shared, "a tool keeps in it what it has applied");
        found.line = Some("shared = true".to_owned());
        return Some(found);
    }
    if chosen.by_name == Some(table.oid) && table.column(&chosen.name).is_none() {
        let mut found = proposal(
            table,
            Found::Tenants,
            "its name is that of the column, and its key is the tenant",
        );
        found.line = Some(format!("column = {}", quoted(&table.primary_key()?.columns[0])));
        return Some(found);
    }
    if table.column(&chosen.name).is_some() || chosen.to.as_ref().is_some_and(|(root, _)| *root == table.oid) {
        return None;
    }
    let others = others(table, chosen);
    let first = others.first()?;
    let line = Some(format!("column = {}", quoted(first)));
    if let [only] = others.as_slice() {
        let reason = if plain(only) == plain(&chosen.name) {
            format!("{only} is {} in other letters", chosen.name)
        } else {
            format!("{only} points to where {} does", chosen.name)
        };
        return Some(TableProposal {
            line,
            ..proposal(table, Found::OtherName, reason)
        });
    }
    Some(TableProposal {
        line,
        is_settled: false,
        ..proposal(
            table,
            Found::Choose,
            format!("several of its columns may be the tenant's: {}", others.join(", ")),
        )
    })
}

/// Returns the columns that are called otherwise and say the same.
fn others(table: &Relation, chosen: &Chosen) -> Vec<String> {
    let points = |name: &String| {
        let mut keys = table.foreign_keys.iter();
        keys.any(|key| {
            key.columns == [name.clone()] && chosen.to.as_ref().is_some_and(|(root, _)| *root == key.references)
        })
    };
    let names = table.columns.iter().map(|column| &column.name);
    names
        .filter(|name| plain(name) == plain(&chosen.name) || (is_tenants_name(name) && points(name)))
        .cloned()
        .collect()
}

fn settled(table: &Relation, chosen: &Chosen, proposal: &TableProposal) -> TableTenancy {
    let column = match proposal.found {
        Found::Tenants => table.primary_key().map(|key| key.columns[0].clone()),
        Found::OtherName => others(table, chosen).into_iter().next(),
        _ => None,
    };
    TableTenancy {
        shared: proposal.found == Found::Shared,
        column,
        backfill: None,
        extras: TableExtras::default(),
    }
}

struct Search<'a> {
    schema: &'a Schema,
    tables: &'a [&'a Relation],
    chosen: &'a Chosen,
    aims: &'a Aims,
}

impl Search<'_> {
    /// What the plan would make of a table.
    fn one(&self, table: &Relation) -> TableProposal {
        if let Some(aim) = self.aims.of(table.oid) {
            return self.aimed(table, &aim.source, &aim.reason);
        }
        let name = table.name.to_string();
        let problem = self.aims.problems.iter().find(|problem| problem.object == name);
        match problem.map(|problem| problem.code) {
            Some("retrofit.no-way") => TableProposal {
                line: Some("shared = true".to_owned()),
                is_settled: false,
                ..proposal(table, Found::NoWay, self.lookup(table))
            },
            Some("retrofit.several-ways") => self.several(table),
            Some(_) => proposal(
                table,
                Found::ByHand,
                problem.map_or("", |problem| problem.message.as_str()),
            ),
            None => proposal(
                table,
                Found::AfterChoice,
                "follows from what is chosen for the tables that it points to",
            ),
        }
    }

    fn aimed(&self, table: &Relation, source: &Source, reason: &str) -> TableProposal {
        let Source::Parent { key, .. } = source else {
            // Its key may be the tenant too, where it has a row for each.
            let is_theirs = self.chosen.to.as_ref().is_none_or(|(root, _)| *root == table.oid);
            if *source == Source::Root && is_theirs {
                return proposal(table, Found::Tenants, reason);
            }
            let column = table.column(&self.chosen.name);
            let may_be_null = column.is_some_and(|column| !column.not_null);
            let reason = if may_be_null {
                "it has the column, which may be null"
            } else {
                "it has the column"
            };
            return proposal(table, Found::Has, reason);
        };
        let told = format!("{}; {reason}", self.way(table, key));
        if table.column(&self.chosen.name).is_some() {
            return proposal(
                table,
                Found::Has,
                format!("may be null; rows without take it along {told}"),
            );
        }
        let mut found = proposal(table, Found::FromParent, told);
        let is_the_tenants = self.chosen.to.as_ref().is_some_and(|(root, _)| *root == key.references);
        if is_the_tenants && key.columns.len() == 1 {
            // It could do without a second column for the same.
            found.line = Some(format!("column = {}", quoted(&key.columns[0])));
            found.is_settled = false;
        }
        found
    }

    fn is_required(table: &Relation, key: &ForeignKey) -> bool {
        let mut columns = key.columns.iter();
        columns.all(|name| table.column(name).is_some_and(|column| column.not_null))
    }

    /// `(project_id) to public.projects, never null, on delete cascade`.
    fn way(&self, table: &Relation, key: &ForeignKey) -> String {
        let to = self
            .schema
            .relations
            .get(&key.references)
            .map_or(String::new(), |table| table.name.to_string());
        let null = if Self::is_required(table, key) {
            "never null"
        } else {
            "may be null"
        };
        let delete = match key.on_delete {
            Action::NoAction => String::new(),
            action => format!(", on delete {}", action.words()),
        };
        format!("({}) to {to}, {null}{delete}", key.columns.join(", "))
    }

    fn leads(&self, table: &Relation, key: &ForeignKey) -> bool {
        let Some(to) = self.tables.iter().find(|other| other.oid == key.references) else {
            return false;
        };
        let name = to.name.to_string();
        let mut problems = self.aims.problems.iter();
        let is_shared = self.aims.shared.contains(&to.name);
        to.oid != table.oid && !is_shared && !problems.any(|it| it.code == "retrofit.no-way" && it.object == name)
    }

    fn several(&self, table: &Relation) -> TableProposal {
        let ways: Vec<&ForeignKey> = table.foreign_keys.iter().filter(|key| self.leads(table, key)).collect();
        let weight = |key: &&&ForeignKey| {
            (
                !Self::is_required(table, key),
                key.on_delete != Action::Cascade,
                key.columns.clone(),
            )
        };
        let Some(best) = ways.iter().min_by_key(weight) else {
            return proposal(table, Found::ByHand, "several foreign keys lead from it to a tenant");
        };
        let told: Vec<String> = ways.iter().map(|key| self.way(table, key)).collect();
        let why = match (Self::is_required(table, best), best.on_delete == Action::Cascade) {
            (true, true) => "is never null and goes with its parent",
            (true, false) => "is never null",
            (false, true) => "goes with its parent",
            (false, false) => "is only the first",
        };
        let columns: Vec<String> = best.columns.iter().map(|name| quoted(name)).collect();
        let reason = format!("several ways: {}. The one below {why}", told.join("; "));
        TableProposal {
            line: Some(format!("backfill = {{ from = [{}] }}", columns.join(", "))),
            is_settled: false,
            ..proposal(table, Found::Choose, reason)
        }
    }

    /// What speaks for a lookup table, and what against.
    fn lookup(&self, table: &Relation) -> String {
        if is_of_people(table) {
            return "no way leads to a tenant, and its rows are people: shared, everybody would see all of them"
                .to_owned();
        }
        let root = self
            .chosen
            .to
            .as_ref()
            .and_then(|(root, _)| self.schema.relations.get(root));
        if root.is_some_and(|root| root.foreign_keys.iter().any(|key| key.references == table.oid)) {
            return "the tenants point to it, so it is above them: shared, everybody would see all of it".to_owned();
        }
        let mut names: Vec<String> = self
            .schema
            .referencing(table.oid)
            .map(|(other, _)| other.name.to_string())
            .collect();
        names.sort();
        names.dedup();
        match names.as_slice() {
            [] => "no foreign key leads to a tenant, nor does any table point to it".to_owned(),
            [one] => format!("no way leads to a tenant; {one} points to it, as to a lookup table"),
            [first, rest @ ..] => format!(
                "no way leads to a tenant; {first} and {} more point to it, as to a lookup table",
                rest.len()
            ),
        }
    }
}
