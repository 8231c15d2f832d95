//! What `[tenancy]` might say, from the catalog, with its reasons. Whatever has two answers is left to a person.

mod column;
mod identity;
mod roles;
mod tables;
mod text;

use serde::Serialize;

use crate::schema::{Relation, Schema};
use crate::script::RelationName;
use crate::tenancy::{Existing, Extras, Force, Identity, Layout, Observe, Tenancy};

pub use roles::{Part, RoleProposal};
pub use tables::{Found, TableProposal};

/// Schemas that services and tools keep for themselves.
const SERVICES: [&str; 22] = [
    "auth",
    "cron",
    "drizzle",
    "extensions",
    "graphile_migrate",
    "graphile_worker",
    "graphql",
    "graphql_public",
    "hdb_catalog",
    "net",
    "pgboss",
    "pgbouncer",
    "pgmq",
    "pgsodium",
    "pgsodium_masks",
    "realtime",
    "_realtime",
    "storage",
    "supabase_functions",
    "supabase_migrations",
    "vault",
    "_analytics",
];

/// What is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The column that says whose a row is.
    pub column: String,
    /// Its type; nothing where no table says one.
    pub data_type: Option<String>,
    /// Why this column, and which others it might be.
    pub column_reasons: Vec<String>,
    /// The schemas whose tables hold tenants' rows.
    pub schemas: Vec<String>,
    /// Schemas that are left out, because none of their tables has the column.
    pub left_out: Vec<String>,
    /// The roles that use the tables.
    pub roles: Vec<RoleProposal>,
    /// How a session says whose it is.
    pub identity: Identity,
    /// Why.
    pub identity_reason: String,
    /// Other ways that the catalog speaks for, each with why.
    pub other_identities: Vec<(Identity, String)>,
    /// Tables that have policies already.
    pub with_policies: Vec<RelationName>,
    /// Every table of the schemas.
    pub tables: Vec<TableProposal>,
}

/// How many tables there are of what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All.
    pub tables: usize,
    /// Those that have the column, by whatever name, and that of the tenants.
    pub with_column: usize,
    /// Those that take it from a parent.
    pub from_parent: usize,
    /// Those of which a person has to say something, or to do something with.
    pub open: usize,
}

impl Proposal {
    /// Returns the lines for `rlsctl.toml`; what a person has to choose is commented out and says so.
    pub fn to_toml(&self) -> String {
        text::toml(self)
    }

    /// Returns `[tenancy]` without its reasons, for machines; what a person has to choose is not in it.
    pub fn to_table(&self) -> toml::Table {
        toml::from_str::<toml::Table>(&self.to_toml())
            .ok()
            .and_then(|mut table| table.remove("tenancy"))
            .and_then(|tenancy| tenancy.as_table().cloned())
            .unwrap_or_default()
    }

    /// Counts the tables.
    pub fn counts(&self) -> Counts {
        let of = |wanted: &[Found]| self.tables.iter().filter(|table| wanted.contains(&table.found)).count();
        Counts {
            tables: self.tables.len(),
            with_column: of(&[Found::Has, Found::Tenants, Found::OtherName]),
            from_parent: of(&[Found::FromParent]),
            open: self.tables.iter().filter(|table| table.found.is_open()).count(),
        }
    }

    /// Tells whether there is a role that the application acts as.
    pub fn has_app_role(&self) -> bool {
        self.roles.iter().any(|role| role.part == Part::App)
    }
}

/// Returns what `[tenancy]` might say; nothing where there are no tables but those of services and tools.
pub fn propose(schema: &Schema) -> Option<Proposal> {
    let tables: Vec<&Relation> = schema.relations.values().filter(|table| is_of_users(table)).collect();
    if tables.is_empty() {
        return None;
    }
    let chosen = column::choose(schema, &tables);
    let (schemas, left_out) = column::schemas(&tables, &chosen);
    let ours: Vec<&Relation> = tables
        .iter()
        .copied()
        .filter(|table| table.name.schema.as_ref().is_some_and(|name| schemas.contains(name)))
        .collect();
    let roles = roles::propose(schema, &ours);
    let ways = identity::propose(schema, &ours, &chosen);
    let tenancy = Tenancy {
        column: chosen.name.clone(),
        data_type: chosen.data_type.clone(),
        schemas: schemas.clone(),
        app_roles: Vec::new(),
        read_only_roles: Vec::new(),
        admin_roles: Vec::new(),
        identity: ways.first.0.clone(),
        layout: Layout::default(),
        existing: Existing::default(),
        force: Force::default(),
        observe: Observe::default(),
        extras: Extras::default(),
        tables: std::collections::BTreeMap::new(),
    };
    let with_policies = ours
        .iter()
        .filter(|table| table.policies.iter().any(|policy| !super::enforce::is_ours(policy)));
    Some(Proposal {
        column: chosen.name.clone(),
        data_type: chosen.data_type.clone(),
        column_reasons: chosen.reasons.clone(),
        schemas,
        left_out,
        roles,
        with_policies: with_policies.map(|table| table.name.clone()).collect(),
        tables: tables::propose(schema, &ours, &chosen, &tenancy),
        identity: ways.first.0,
        identity_reason: ways.first.1,
        other_identities: ways.others,
    })
}

/// A table of the application: a partition goes with its parent.
fn is_of_users(table: &Relation) -> bool {
    let schema = table.name.schema.as_deref().unwrap_or_default();
    table.kind.is_table() && !table.is_partition && !SERVICES.contains(&schema)
}

/// Returns a name as it is compared: `tenantId` is `tenant_id`.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Tells whether a table is that of people, or belongs to a service that keeps them.
fn is_of_people(table: &Relation) -> bool {
    matches!(
        plain(&table.name.name).as_str(),
        "users" | "user" | "profiles" | "profile" | "people" | "persons" | "appusers"
    )
}
