//! Relations with their columns and indexes.

use serde::Deserialize;

use super::access::{Grant, Policy};
use super::constraint::{Check, ForeignKey, Key};
use super::function::Trigger;
use crate::activity::Oid;
use crate::script::RelationName;

/// What kind of relation it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Kind {
    /// A table, or a partition that holds rows.
    #[serde(rename = "r")]
    Table,
    /// A partitioned table.
    #[serde(rename = "p")]
    Partitioned,
    /// A foreign table.
    #[serde(rename = "f")]
    Foreign,
    /// A view.
    #[serde(rename = "v")]
    View,
    /// A materialized view.
    #[serde(rename = "m")]
    MaterializedView,
}

impl Kind {
    /// Tells whether it can have row security: a table or a partitioned one.
    pub fn is_table(self) -> bool {
        matches!(self, Self::Table | Self::Partitioned)
    }
}

/// A relation, with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Its number.
    pub oid: Oid,
    /// Its name, qualified.
    pub name: RelationName,
    /// What it is.
    pub kind: Kind,
    /// Whose it is.
    pub owner: String,
    /// ENABLE ROW LEVEL SECURITY.
    pub row_security: bool,
    /// FORCE ROW LEVEL SECURITY.
    pub force_row_security: bool,
    /// How many rows the last ANALYZE found; nothing if there was none.
    pub rows: Option<u64>,
    /// How many bytes they take.
    pub bytes: u64,
    /// Whether it is a partition.
    pub is_partition: bool,
    /// The tables it inherits from, or is a partition of.
    pub parents: Vec<Oid>,
    /// Whether rules of its own say what a write does.
    pub has_rules: bool,
    /// Storage options, as in `security_invoker=true`.
    pub options: Vec<String>,
    /// Its comment.
    pub comment: Option<String>,
    /// Who may do what.
    pub grants: Vec<Grant>,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// Its primary key and its unique constraints.
    pub keys: Vec<Key>,
    /// Its foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// Its checks.
    pub checks: Vec<Check>,
    /// Its indexes.
    pub indexes: Vec<Index>,
    /// Its policies.
    pub policies: Vec<Policy>,
    /// Its triggers.
    pub triggers: Vec<Trigger>,
    /// Of a view: the relations that its query names.
    pub reads: Vec<Oid>,
    /// Of a view: its query, as the server writes it.
    pub definition: Option<String>,
}

impl Relation {
    /// Returns a relation with nothing that belongs to it: without columns, constraints, indexes, policies and grants, and with row security
    /// off.
    pub fn bare(oid: Oid, name: RelationName, kind: Kind, owner: impl Into<String>) -> Self {
        Self {
            oid,
            name,
            kind,
            owner: owner.into(),
            row_security: false,
            force_row_security: false,
            rows: None,
            bytes: 0,
            is_partition: false,
            parents: Vec::new(),
            has_rules: false,
            options: Vec::new(),
            comment: None,
            grants: Vec::new(),
            columns: Vec::new(),
            keys: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            indexes: Vec::new(),
            policies: Vec::new(),
            triggers: Vec::new(),
            reads: Vec::new(),
            definition: None,
        }
    }

    /// Returns the column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Returns the primary key.
    pub fn primary_key(&self) -> Option<&Key> {
        self.keys.iter().find(|key| key.is_primary)
    }

    /// Tells whether an index that is valid, and for all rows, begins with these columns in this order.
    pub fn has_index_on(&self, columns: &[&str]) -> bool {
        self.indexes.iter().any(|index| {
            index.is_valid
                && !index.is_partial
                && index.method == "btree"
                && index.columns.len() >= columns.len()
                && index
                    .columns
                    .iter()
                    .zip(columns)
                    .all(|(has, wanted)| has.as_deref() == Some(wanted))
        })
    }

    /// Tells whether a view asks with the rights of whoever asks it.
    pub fn is_security_invoker(&self) -> bool {
        self.options.iter().any(|option| {
            matches!(
                option.as_str(),
                "security_invoker=true" | "security_invoker=on" | "security_invoker=1"
            )
        })
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, as `format_type` writes it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// NOT NULL.
    pub not_null: bool,
    /// Its default, as the server writes it.
    pub default: Option<String>,
    /// Whether its collation takes different letters for the same.
    #[serde(default)]
    pub is_nondeterministic: bool,
    /// Whether it is computed.
    pub is_generated: bool,
    /// Whether it is an identity.
    pub is_identity: bool,
    /// Whether it is a parent's.
    pub is_inherited: bool,
    /// Its comment.
    pub comment: Option<String>,
    /// Who may do what with it alone.
    pub grants: Vec<Grant>,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Index {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its key columns in order; nothing for an expression.
    pub columns: Vec<Option<String>>,
    /// `btree`.
    pub method: String,
    /// UNIQUE.
    pub is_unique: bool,
    /// Whether it is the primary key's.
    pub is_primary: bool,
    /// Whether it has a WHERE.
    pub is_partial: bool,
    /// Whether it can be used.
    pub is_valid: bool,
    /// Whether it is a part of the index of a partitioned table.
    pub is_inherited: bool,
    /// Its comment.
    pub comment: Option<String>,
    /// Whether CLUSTER ON or REPLICA IDENTITY names it.
    pub is_marked: bool,
    /// The constraint it belongs to.
    pub constraint: Option<String>,
    /// `CREATE INDEX ...`, as the server writes it.
    pub definition: String,
}
