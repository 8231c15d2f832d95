//! Where each table shall get to: which column says whose its rows are, and where a new one takes its values from.

use std::collections::{BTreeMap, BTreeSet};

use crate::activity::Oid;
use crate::finding::Finding;
use crate::schema::{ForeignKey, Kind, Relation, Schema};
use crate::script::RelationName;
use crate::tenancy::{Backfill, Tenancy};

use super::template::quoted;

/// Where the values of the tenant column come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The column is there.
    There,
    /// The table is that of the tenants: its key is what the others' columns point to.
    Root,
    /// All rows get this value.
    Constant(String),
    /// From the row that a foreign key points to.
    Parent {
        /// The foreign key.
        key: ForeignKey,
        /// The column of the referenced table.
        column: String,
    },
    /// From an expression over the row.
    Expression(String),
}

/// Where a table shall get to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aim {
    /// The table.
    pub table: Oid,
    /// Its name.
    pub name: RelationName,
    /// The column that says whose a row is.
    pub column: String,
    /// Its type, as it is written in SQL.
    pub data_type: String,
    /// Where its values come from, as far as it lacks any.
    pub source: Source,
    /// How many parents are between it and a table that has its values from nobody.
    pub depth: usize,
    /// Why this source and no other, for a person.
    pub reason: String,
}

/// Where all tables shall get to, and what cannot be decided.
#[derive(Clone, Debug, Default)]
pub struct Aims {
    /// The tables that get row security; parents come before those that take their values from them.
    pub tables: Vec<Aim>,
    /// The tables that everybody may read on purpose.
    pub shared: Vec<RelationName>,
    /// What a person has to decide or mend first.
    pub problems: Vec<Finding>,
}

impl Aims {
    /// Returns the aim of a table.
    pub fn of(&self, table: Oid) -> Option<&Aim> {
        self.tables.iter().find(|aim| aim.table == table)
    }
}

/// Returns where each table of the model's schemas shall get to.
///
/// Nothing is guessed: a table with no way to a tenant, or with two, is a problem with the lines to write for it.
pub fn aim(schema: &Schema, tenancy: &Tenancy) -> Aims {
    let mut search = Search {
        schema,
        tenancy,
        chosen: BTreeMap::new(),
        nullable: BTreeMap::new(),
        problems: Vec::new(),
    };
    search.configured();
    let tables: Vec<&Relation> = schema
        .relations
        .values()
        .filter(|relation| search.is_ours(relation))
        .collect();
    let (shared, tables): (Vec<&Relation>, Vec<&Relation>) =
        tables.into_iter().partition(|table| tenancy.table(&table.name).shared);
    let mut open = Vec::new();
    for table in tables {
        if !search.said(table) {
            open.push(table);
        }
    }
    search.roots(&mut open);
    search.along_foreign_keys(&open);
    let mut aims = search.finish();
    aims.shared = shared.into_iter().map(|table| table.name.clone()).collect();
    aims
}

struct Search<'a> {
    schema: &'a Schema,
    tenancy: &'a Tenancy,
    chosen: BTreeMap<Oid, Chosen>,
    /// Tables that have the column, but may lack values.
    nullable: BTreeMap<Oid, Chosen>,
    problems: Vec<Finding>,
}

/// What is known of a table before the types of its parents are.
#[derive(Clone)]
struct Chosen {
    column: String,
    data_type: Option<String>,
    source: Source,
    reason: String,
}

impl<'a> Search<'a> {
    /// Says which of the names in the configuration mean nothing here.
    fn configured(&mut self) {
        for schema in &self.tenancy.schemas {
            if !self.schema.schemas.contains_key(schema) {
                self.problem(
                    "retrofit.no-schema",
                    schema,
                    "is no schema of this database",
                    "mend `schemas` in [tenancy]",
                );
            }
        }
        let roles = self.tenancy.all_app_roles().chain(&self.tenancy.admin_roles);
        for role in roles.collect::<Vec<_>>() {
            if !self.schema.roles.contains_key(role) {
                let help = format!("create it (`create role {role}`), or mend the roles in [tenancy]");
                self.problem("retrofit.no-role", role, "is no role of this server", &help);
            }
        }
        for name in self.tenancy.tables.keys() {
            let found = self.schema.relation(name);
            if !found.is_some_and(|relation| relation.kind.is_table()) {
                self.problem(
                    "retrofit.no-table",
                    &name.to_string(),
                    "is no table of this database",
                    "mend its name in [tenancy.tables]",
                );
            }
        }
    }

    fn problem(&mut self, code: &'static str, object: &str, message: &str, help: &str) {
        self.problems.push(Finding::error(code, object, message, help));
    }

    fn is_ours(&self, relation: &Relation) -> bool {
        let is_in = |schema: &String| relation.name.schema.as_ref() == Some(schema);
        relation.kind.is_table() && !relation.is_partition && self.tenancy.schemas.iter().any(is_in)
    }

    /// Takes what the table or the configuration says outright; tells whether that settled it.
    fn said(&mut self, table: &'a Relation) -> bool {
        let said = self.tenancy.table(&table.name);
        let column = said.column.unwrap_or_else(|| self.tenancy.column.clone());
        if let Some(found) = table.column(&column) {
            let (data_type, is_key) = (
                found.data_type.clone(),
                table.primary_key().is_some_and(|key| key.columns == [column.clone()]),
            );
            if let Some(wanted) = self.tenancy.data_type.as_ref().filter(|wanted| **wanted != data_type) {
                let message = format!("column {column} is of type {data_type}, and {wanted} is configured");
                let help = "mend `type` in [tenancy], or change the column's type first; `column` in [tenancy.tables] names another one";
                self.problem("retrofit.wrong-type", &table.name.to_string(), &message, help);
                return true;
            }
            let (source, is_full) = if is_key {
                (Source::Root, true)
            } else {
                (Source::There, found.not_null)
            };
            self.choose(table, column.clone(), Some(data_type), source, "it has the column");
            if is_full {
                return true;
            }
            let there = self.chosen.remove(&table.oid).expect("it was chosen just now");
            self.nullable.insert(table.oid, there);
        }
        let source = match said.backfill {
            None => return false,
            Some(Backfill::Constant(value)) => Source::Constant(value),
            Some(Backfill::Expression(sql)) => Source::Expression(sql),
            Some(Backfill::Parent(columns)) => {
                let Some(key) = table.foreign_keys.iter().find(|key| key.columns == columns) else {
                    let message = format!(
                        "has no foreign key over {}, which its backfill names",
                        columns.join(", ")
                    );
                    self.problem(
                        "retrofit.no-foreign-key",
                        &table.name.to_string(),
                        &message,
                        "name the columns of one that is there",
                    );
                    return true;
                };
                Source::Parent {
                    key: key.clone(),
                    column: String::new(),
                }
            }
        };
        let data_type = self.type_of_column(table, &column);
        self.choose(table, column, data_type, source, "rlsctl.toml says so");
        true
    }

    /// Returns the type of the column that is there, or what the configuration says.
    fn type_of_column(&self, table: &Relation, column: &str) -> Option<String> {
        let there = table.column(column).map(|column| column.data_type.clone());
        there.or_else(|| self.tenancy.data_type.clone())
    }

    fn choose(&mut self, table: &Relation, column: String, data_type: Option<String>, source: Source, reason: &str) {
        let chosen = Chosen {
            column,
            data_type,
            source,
            reason: reason.to_owned(),
        };
        self.chosen.insert(table.oid, chosen);
    }

    /// Finds the tables whose key is what tenant columns point to.
    fn roots(&mut self, open: &mut Vec<&'a Relation>) {
        let mut roots: BTreeMap<Oid, String> = BTreeMap::new();
        for (oid, chosen) in self.chosen.iter().chain(&self.nullable) {
            let keys = self.schema.relations[oid].foreign_keys.iter();
            for key in keys.filter(|key| key.columns == [chosen.column.clone()]) {
                roots.insert(key.references, key.referenced_columns[0].clone());
            }
        }
        open.retain(|table| {
            let Some(column) = roots.get(&table.oid) else {
                return true;
            };
            let data_type = table.column(column).map(|column| column.data_type.clone());
            self.choose(
                table,
                column.clone(),
                data_type,
                Source::Root,
                "the others' tenant columns point to it",
            );
            false
        });
    }

    /// Finds the way of each table that is left to one that has a tenant.
    fn along_foreign_keys(&mut self, open: &[&'a Relation]) {
        let mut reaching: BTreeSet<Oid> = self.chosen.keys().chain(self.nullable.keys()).copied().collect();
        loop {
            let more: Vec<Oid> = open
                .iter()
                .filter(|table| !reaching.contains(&table.oid))
                .filter(|table| table.foreign_keys.iter().any(|key| reaching.contains(&key.references)))
                .map(|table| table.oid)
                .collect();
            if more.is_empty() {
                break;
            }
            reaching.extend(more);
        }
        for table in open {
            let ways: Vec<&ForeignKey> = table
                .foreign_keys
                .iter()
                .filter(|key| reaching.contains(&key.references) && key.references != table.oid)
                // The tenant column's own foreign key is where the others lead to.
                .filter(|key| {
                    self.nullable
                        .get(&table.oid)
                        .is_none_or(|there| key.columns != [there.column.clone()])
                })
                .collect();
            self.one_way(table, &ways);
        }
    }

    fn one_way(&mut self, table: &'a Relation, ways: &[&ForeignKey]) {
        let is_required = |key: &&&ForeignKey| {
            let mut columns = key.columns.iter();
            columns.all(|name| table.column(name).is_some_and(|column| column.not_null))
        };
        let required: Vec<&&ForeignKey> = ways.iter().filter(is_required).collect();
        let there = self.nullable.get(&table.oid).cloned();
        let (key, reason) = match (ways, required.as_slice()) {
            ([] | [_, _, ..], []) | ([], _) | ([_, _, ..], [_, _, ..]) if there.is_some() => {
                // Whether it lacks values at all is seen in its rows.
                self.chosen.extend(there.map(|there| (table.oid, there)));
                return;
            }
            ([], _) => return self.no_way(table),
            ([only], _) => (*only, "its only foreign key that leads to a tenant".to_owned()),
            (_, [only]) => (
                **only,
                "of its foreign keys that lead to a tenant, the only one that is never null".to_owned(),
            ),
            _ => return self.several_ways(table, ways),
        };
        let source = Source::Parent {
            key: key.clone(),
            column: String::new(),
        };
        let column = self
            .tenancy
            .table(&table.name)
            .column
            .unwrap_or_else(|| self.tenancy.column.clone());
        let data_type = there.and_then(|there| there.data_type);
        self.choose(table, column, data_type, source, &reason);
    }

    fn no_way(&mut self, table: &Relation) {
        let message = format!(
            "has no column {}, and no foreign key leads from it to a table that has one",
            self.tenancy.column
        );
        let (name, key) = (&table.name, quoted(&table.name.to_string()));
        let help = format!(
            "write one of these under [tenancy.tables.{key}]: shared = true (readable by all on purpose), column = \"...\" (its own name for it), \
             backfill = {{ constant = \"...\" }} or backfill = {{ sql = \"...\" }}"
        );
        self.problem("retrofit.no-way", &name.to_string(), &message, &help);
    }

    fn several_ways(&mut self, table: &Relation, ways: &[&ForeignKey]) {
        let told: Vec<String> = ways
            .iter()
            .map(|key| {
                format!(
                    "({}) to {}",
                    key.columns.join(", "),
                    self.schema.relations[&key.references].name
                )
            })
            .collect();
        let columns: Vec<String> = ways[0].columns.iter().map(|column| format!("\"{column}\"")).collect();
        let message = format!("several of its foreign keys lead to a tenant: {}", told.join(", "));
        let help = format!(
            "choose under [tenancy.tables.{}], as in backfill = {{ from = [{}] }}",
            quoted(&table.name.to_string()),
            columns.join(", ")
        );
        self.problem("retrofit.several-ways", &table.name.to_string(), &message, &help);
    }

    /// Follows the parents, which gives each table its type and its place in the order.
    fn finish(mut self) -> Aims {
        let mut tables = Vec::new();
        for oid in self.chosen.keys().copied().collect::<Vec<_>>() {
            match self.settle(oid) {
                Ok(aim) => tables.push(aim),
                Err(Some(finding)) => self.problems.push(finding),
                Err(None) => {}
            }
        }
        tables.sort_by(|one, other| (one.depth, &one.name).cmp(&(other.depth, &other.name)));
        Aims {
            tables,
            shared: Vec::new(),
            problems: self.problems,
        }
    }

    /// Returns the aim of a table, a problem, or nothing where the problem is a parent's.
    fn settle(&self, oid: Oid) -> Result<Aim, Option<Finding>> {
        let relation = &self.schema.relations[&oid];
        let chosen = &self.chosen[&oid];
        let (mut at, mut depth, mut seen) = (oid, 0, vec![oid]);
        while let Source::Parent { key, .. } = &self.chosen[&at].source {
            at = key.references;
            depth += 1;
            if seen.contains(&at) {
                let names: Vec<String> = seen
                    .iter()
                    .map(|oid| self.schema.relations[oid].name.to_string())
                    .collect();
                let message = format!(
                    "takes its tenant from a parent that takes it from its own: {}",
                    names.join(", ")
                );
                let help = format!(
                    "break the circle under [tenancy.tables.{}]: backfill = {{ sql = \"...\" }}",
                    quoted(&relation.name.to_string())
                );
                return Err(Some(Finding::error(
                    "retrofit.circle",
                    relation.name.to_string(),
                    message,
                    help,
                )));
            }
            seen.push(at);
            if !self.chosen.contains_key(&at) {
                return Err(None);
            }
        }
        let Some(data_type) = chosen.data_type.clone().or_else(|| self.chosen[&at].data_type.clone()) else {
            let help = "write `type` in [tenancy], as in type = \"uuid\"";
            let message = "would get a column whose type nothing says";
            return Err(Some(Finding::error(
                "retrofit.no-type",
                relation.name.to_string(),
                message,
                help,
            )));
        };
        let source = match &chosen.source {
            Source::Parent { key, .. } => Source::Parent {
                key: key.clone(),
                column: self.chosen[&key.references].column.clone(),
            },
            other => other.clone(),
        };
        if let Some(problem) = not_yet(relation, &source) {
            return Err(Some(problem));
        }
        Ok(Aim {
            table: oid,
            name: relation.name.clone(),
            column: chosen.column.clone(),
            data_type,
            source,
            depth,
            reason: chosen.reason.clone(),
        })
    }
}

/// What a person has to do: a column on a tree of tables is added and filled on all of them, by rounds that only they can bound.
fn not_yet(relation: &Relation, source: &Source) -> Option<Finding> {
    if matches!(source, Source::There | Source::Root) {
        return None;
    }
    let name = relation.name.to_string();
    if relation.kind == Kind::Partitioned || !relation.parents.is_empty() {
        let message = "is partitioned or inherits, and has no tenant column yet";
        let help = "add and fill the column by a migration of your own; from there on retrofit goes on";
        return Some(Finding::error("retrofit.tree", name, message, help));
    }
    if relation.primary_key().is_none() {
        let message = "has no primary key, by which its rows could be filled in rounds";
        let help = "add one, or add and fill the column by a migration of your own";
        return Some(Finding::error("retrofit.no-key", name, message, help));
    }
    None
}
