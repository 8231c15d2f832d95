//! The schema as the catalog has it, typed: relations with all that belongs to them, roles, functions.
//!
//! [`crate::catalog`] holds the same as text, to be compared; this is to be reasoned about. Everything is a value, so that what reasons about
//! it can be tried on a schema made by hand.
#![allow(
    clippy::struct_excessive_bools,
    reason = "they are the flags of the catalog's own rows"
)]

mod access;
mod constraint;
mod function;
mod given;
mod relation;
mod role;

pub use access::{Command, Grant, Policy, PolicyRole};
pub use constraint::{Action, Check, ForeignKey, Key};
pub use function::{Function, Trigger, Volatility};
pub use given::{DefaultPrivileges, Publication, Sequence};
pub use relation::{Column, Index, Kind, Relation};
pub use role::{Role, RoleSetting};

use std::collections::BTreeMap;

use crate::activity::Oid;
use crate::script::RelationName;

/// Everything that was read, in one picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    /// `server_version_num`, as in 150018.
    pub server_version: u32,
    /// The role that read it.
    pub current_role: String,
    /// Tables, partitions, foreign tables, views and materialized views, by number. Without those of extensions.
    pub relations: BTreeMap<Oid, Relation>,
    /// Functions and procedures, by number. Without those of extensions.
    pub functions: BTreeMap<Oid, Function>,
    /// All roles, by name.
    pub roles: BTreeMap<String, Role>,
    /// What roles and the database bring into each session.
    pub role_settings: Vec<RoleSetting>,
    /// Schemas, with what may be done in each.
    pub schemas: BTreeMap<String, Vec<Grant>>,
    /// Sequences.
    pub sequences: Vec<Sequence>,
    /// What is given away of things to come.
    pub default_privileges: Vec<DefaultPrivileges>,
    /// What is sent out.
    pub publications: Vec<Publication>,
    /// What the role that read it was not let see, as in `functions`.
    pub unseen: Vec<&'static str>,
}

impl Schema {
    /// Returns the relation of that name, which has to be qualified.
    pub fn relation(&self, name: &RelationName) -> Option<&Relation> {
        self.relations.values().find(|relation| relation.name == *name)
    }

    /// Returns the major version of the server: 15.
    pub fn major(&self) -> u32 {
        self.server_version / 10_000
    }

    /// Returns the foreign keys of other tables that point to a relation, each with its table.
    pub fn referencing(&self, to: Oid) -> impl Iterator<Item = (&Relation, &ForeignKey)> {
        self.relations.values().flat_map(move |relation| {
            let keys = relation.foreign_keys.iter();
            keys.filter(move |key| key.references == to)
                .map(move |key| (relation, key))
        })
    }

    /// Tells whether a role has the privileges of another one without SET ROLE; each role has its own.
    pub fn acts_as(&self, role: &str, other: &str) -> bool {
        role == other
            || self
                .roles
                .get(role)
                .is_some_and(|role| role.is_superuser || role.acts_as.iter().any(|name| name == other))
    }

    /// Tells whether row security holds back a role on a relation: it is on, and the role neither bypasses it nor has the rights of an owner
    /// who is exempt (PostgreSQL's manual, "Row Security Policies").
    pub fn binds(&self, relation: &Relation, role: &str) -> bool {
        let escapes = self
            .roles
            .get(role)
            .is_some_and(|role| role.is_superuser || role.bypasses_row_security);
        let is_owner = self.acts_as(role, &relation.owner);
        relation.row_security && !escapes && (relation.force_row_security || !is_owner)
    }

    /// Tells whether a role may do something with a relation, a column or a schema: by itself, by what it acts as, or as everybody may.
    pub fn may(&self, role: &str, privilege: &str, grants: &[Grant]) -> bool {
        let is_superuser = self.roles.get(role).is_some_and(|role| role.is_superuser);
        is_superuser
            || self.may_everywhere(role, privilege)
            || grants
                .iter()
                .any(|grant| grant.privilege == privilege && (grant.is_public() || self.acts_as(role, &grant.grantee)))
    }

    /// Tells whether a role may look up what is in a schema.
    pub fn uses(&self, role: &str, schema: &str) -> bool {
        let grants = self.schemas.get(schema);
        grants.is_some_and(|grants| self.may(role, "USAGE", grants))
    }

    /// Tells whether a role may do something with a relation or with any of its columns, in a schema that it may use.
    pub fn reaches(&self, role: &str, relation: &Relation, privilege: &str) -> bool {
        let of_columns = || {
            relation
                .columns
                .iter()
                .any(|column| self.may(role, privilege, &column.grants))
        };
        let is_looked_up = relation
            .name
            .schema
            .as_deref()
            .is_some_and(|schema| self.uses(role, schema));
        is_looked_up && (self.may(role, privilege, &relation.grants) || of_columns())
    }

    /// Tells whether a role may write one column, by a grant on the table or on it.
    pub fn writes(&self, role: &str, relation: &Relation, privilege: &str, column: &str) -> bool {
        let of_column = relation.column(column).map_or(&[] as &[Grant], |column| &column.grants);
        let is_looked_up = relation
            .name
            .schema
            .as_deref()
            .is_some_and(|schema| self.uses(role, schema));
        is_looked_up && (self.may(role, privilege, &relation.grants) || self.may(role, privilege, of_column))
    }

    /// Tells whether one of the server's own roles gives the privilege on all there is (from 14 on; "Predefined Roles" in the manual).
    fn may_everywhere(&self, role: &str, privilege: &str) -> bool {
        let givers: &[&str] = match privilege {
            "SELECT" => &["pg_read_all_data"],
            "INSERT" | "UPDATE" | "DELETE" => &["pg_write_all_data"],
            "USAGE" => &["pg_read_all_data", "pg_write_all_data"],
            _ => &[],
        };
        givers.iter().any(|giver| self.acts_as(role, giver))
    }
}
