//! `audit`: what in the catalog lets rows cross tenants.
//!
//! Everything is asked of one model ([`crate::isolation`]), relative to the roles of the application. A rule is one file: a short question to the
//! model, and what it means for a person. What the model cannot tell is said as such, with severity info; `prove` then tries it.

mod allow;
mod baseline;
mod beside;
mod bypass;
mod collation;
mod fix;
mod functions;
mod immutable;
mod keys;
mod perf;
mod reach;
mod rows;
mod rule;
mod search_path;
mod truncate;
mod trusted;
mod unused;
mod view_writes;
mod views;

pub use allow::{Allow, Allowed, Sifted, sift};
pub use baseline::{Baseline, BaselineError};
pub use fix::{Fix, Fixed, fixed};
pub use rule::{Rule, rule, rules};

use crate::finding::Finding;
use crate::isolation::Model;
use crate::schema::{Role, Schema};
use crate::tenancy::{Existing, Extras, Force, Identity, Layout, Observe, Tenancy};

/// What the rules ask.
pub(crate) struct Audit<'a> {
    pub(crate) model: Model<'a>,
    pub(crate) schema: &'a Schema,
    /// The roles of the application that there are.
    pub(crate) roles: Vec<&'a str>,
}

impl Audit<'_> {
    /// Tells whether anything is known of tenants.
    fn knows_tenants(&self) -> bool {
        !self.model.tenancy.column.is_empty()
    }
}

/// Returns what lets rows cross tenants, what stands beside and what policies cost, the gravest first. Pure: everything is in the schema.
pub fn audit(schema: &Schema, tenancy: &Tenancy) -> Vec<Finding> {
    let known = tenancy.all_app_roles().filter(|role| schema.roles.contains_key(*role));
    let audit = Audit {
        model: Model::new(schema, tenancy),
        schema,
        roles: known.map(String::as_str).collect(),
    };
    let of_all = rules().flat_map(|rule| (rule.find)(&audit));
    sorted(of_all.collect())
}

/// Returns what can be said where nothing is known of tenants, for every role that an application may act as: one that owns nothing and is
/// held back by policies.
pub fn audit_without_tenancy(schema: &Schema) -> Vec<Finding> {
    let tenancy = unknown_tenancy();
    let audit = Audit {
        model: Model::new(schema, &tenancy),
        schema,
        roles: schema
            .roles
            .values()
            .filter(|role| may_be_applications(schema, role))
            .map(|role| role.name.as_str())
            .collect(),
    };
    let of_all = rules().flat_map(|rule| (rule.find)(&audit));
    // That a role bypasses row security may be what it is for.
    sorted(
        of_all
            .filter(|finding| !bypass::RULE.codes.contains(&finding.code))
            .collect(),
    )
}

fn may_be_applications(schema: &Schema, role: &Role) -> bool {
    let is_own = |owner: &String| *owner == role.name;
    let owns = schema.relations.values().any(|relation| is_own(&relation.owner))
        || schema.functions.values().any(|function| is_own(&function.owner));
    let is_free = role.is_superuser || role.bypasses_row_security || role.replicates || role.creates_roles;
    !owns && !is_free && !role.name.starts_with("pg_")
}

/// A tenancy in which no column is a tenant's.
fn unknown_tenancy() -> Tenancy {
    Tenancy {
        column: String::new(),
        data_type: None,
        schemas: Vec::new(),
        app_roles: Vec::new(),
        read_only_roles: Vec::new(),
        admin_roles: Vec::new(),
        identity: Identity::Setting { name: String::new() },
        layout: Layout::default(),
        existing: Existing::default(),
        force: Force::default(),
        tables: std::collections::BTreeMap::new(),
        observe: Observe::default(),
        extras: Extras::default(),
    }
}

fn sorted(mut found: Vec<Finding>) -> Vec<Finding> {
    // What is told as a leak is not told once more as what may become one.
    let leaking: std::collections::BTreeSet<String> = found
        .iter()
        .filter(|finding| finding.code == "leak.search-path")
        .map(|finding| finding.object.clone())
        .collect();
    found.retain(|finding| finding.code != "function.search-path" || !leaking.contains(&finding.object));
    found.sort_by(|one, other| {
        (one.severity, &one.object, one.code, &one.message).cmp(&(
            other.severity,
            &other.object,
            other.code,
            &other.message,
        ))
    });
    found.dedup();
    found
}
