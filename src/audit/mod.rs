//! `audit`: what in the catalog lets rows cross tenants.
//!
//! Everything is asked of one model ([`crate::isolation`]), relative to the roles of the application. A rule is one file: a short question to the
//! model, and what it means for a person. What the model cannot tell is said as such, with severity info; `prove` then tries it.

mod bypass;
mod collation;
mod functions;
mod immutable;
mod keys;
mod reach;
mod rows;
mod rule;
mod search_path;
mod truncate;
mod trusted;
mod unused;
mod view_writes;
mod views;

pub use rule::{RULES, Rule, rule};

use crate::finding::Finding;
use crate::isolation::Model;
use crate::schema::Schema;
use crate::tenancy::Tenancy;

/// What the rules ask.
pub(crate) struct Audit<'a> {
    pub(crate) model: Model<'a>,
    pub(crate) schema: &'a Schema,
    /// The roles of the application that there are.
    pub(crate) roles: Vec<&'a str>,
}

/// Returns what lets rows cross tenants, by object. Pure: everything is in the schema.
pub fn audit(schema: &Schema, tenancy: &Tenancy) -> Vec<Finding> {
    let known = tenancy.all_app_roles().filter(|role| schema.roles.contains_key(*role));
    let audit = Audit {
        model: Model::new(schema, tenancy),
        schema,
        roles: known.map(String::as_str).collect(),
    };
    let mut found: Vec<Finding> = RULES.iter().flat_map(|rule| (rule.find)(&audit)).collect();
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
