//! Where each table shall get to: which column says whose its rows are, and where a new one takes its values from.

mod said;
mod settle;
mod ways;

use std::collections::BTreeMap;

use crate::activity::Oid;
use crate::finding::Finding;
use crate::schema::{ForeignKey, Relation, Schema};
use crate::script::RelationName;
use crate::tenancy::Tenancy;

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
    /// Whether a row without a tenant is everybody's to read.
    pub shares_nulls: bool,
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

impl Search<'_> {
    fn problem(&mut self, code: &'static str, object: &str, message: &str, help: &str) {
        self.problems.push(Finding::error(code, object, message, help));
    }

    fn is_ours(&self, relation: &Relation) -> bool {
        let is_in = |schema: &String| relation.name.schema.as_ref() == Some(schema);
        let is_log = self.tenancy.extras.audit_log.as_ref() == Some(&relation.name);
        relation.kind.is_table() && !relation.is_partition && !is_log && self.tenancy.schemas.iter().any(is_in)
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
}
