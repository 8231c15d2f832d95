//! Sequences, what is given away of things to come, and what is sent out of the database.

use serde::Deserialize;

use super::access::Grant;
use crate::activity::Oid;
use crate::script::RelationName;

/// A sequence.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sequence {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// Who may do what.
    pub grants: Vec<Grant>,
}

impl Sequence {
    /// Returns its qualified name.
    pub fn full_name(&self) -> RelationName {
        RelationName::qualified(&self.schema, &self.name)
    }
}

/// What a role gives away of what it makes later on: ALTER DEFAULT PRIVILEGES.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DefaultPrivileges {
    /// The role that makes it.
    pub role: String,
    /// Where it is made; nothing for everywhere.
    pub schema: Option<String>,
    /// `r` for relations, `S` for sequences, `f` for functions.
    pub kind: char,
    /// Who may do what then.
    pub grants: Vec<Grant>,
}

/// A publication of logical replication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Its name.
    pub name: String,
    /// FOR ALL TABLES.
    pub is_for_all: bool,
    /// The tables that it sends out.
    pub tables: Vec<Oid>,
}
