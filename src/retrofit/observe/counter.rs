//! The counters of a table: what they are called, what each counts, and the statements that make them and take them away.

use serde::{Deserialize, Serialize};

use crate::pg::ident::QualifiedName;
use crate::schema::{Relation, Schema};
use crate::script::RelationName;
use crate::tenancy::Tenancy;

use super::super::name::name;
use super::super::template::{fill, literal};

const COUNTER: &str = include_str!("../../../sql/retrofit/observe_counter.sql");
const SINCE: &str = include_str!("../../../sql/retrofit/observe_since.sql");

/// The schema of the counters.
pub(super) const SCHEMA: &str = "rlsctl_observe";
/// What the comment on each of them begins with.
const MARK: &str = "rlsctl observe ";
/// What can be denied, as policies are for it.
pub(super) const COMMANDS: [&str; 4] = ["select", "insert", "update", "delete"];

/// What a relation of ours stands for. It is kept in its comment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Counter {
    /// The table, with its schema.
    pub table: String,
    /// The command; nothing for the relation that says since when the table is observed.
    pub command: Option<String>,
    /// The role; nothing for all that are not told apart.
    pub role: Option<String>,
    /// The application; nothing for all that are not told apart.
    pub application: Option<String>,
}

impl Counter {
    /// Returns what a comment says; nothing for one of somebody else.
    pub(super) fn read(comment: &str) -> Option<Self> {
        serde_json::from_str(comment.strip_prefix(MARK)?).ok()
    }

    fn comment(&self) -> String {
        let json = serde_json::to_string(self).expect("it is made of texts");
        format!("{MARK}{json}")
    }

    /// Returns what it is called.
    pub(super) fn relation(&self, table: &RelationName) -> QualifiedName {
        let Some(command) = &self.command else {
            return of(table, "since");
        };
        let schema = table.schema.as_deref().unwrap_or("public");
        let role = self.role.as_deref().unwrap_or("other");
        let mut parts = vec![schema, &table.name, command, role];
        parts.extend(self.application.as_deref());
        ours(&name(&parts))
    }

    /// Returns the statements that make it. It is read once: what shows nothing at all has lost what it knew.
    fn made(&self, table: &RelationName) -> Vec<String> {
        let relation = self.relation(table);
        vec![
            fill(COUNTER, &[("counter", &relation)]),
            commented(&relation, self),
            format!("select from {relation} limit 1"),
        ]
    }
}

fn commented(relation: &QualifiedName, what: &Counter) -> String {
    format!(
        "comment on materialized view {relation} is {}",
        literal(&what.comment())
    )
}

/// Returns a name in the schema of the counters.
fn ours(name: &str) -> QualifiedName {
    QualifiedName::new(SCHEMA, name).expect("it is made of names of the catalog")
}

/// Returns what belongs to a table and is called by a word.
pub(super) fn of(table: &RelationName, word: &str) -> QualifiedName {
    let schema = table.schema.as_deref().unwrap_or("public");
    ours(&name(&[schema, &table.name, word]))
}

/// Returns how the comments on all counters of a table begin.
pub(super) fn mark(table: &RelationName) -> String {
    let name = serde_json::Value::from(table.to_string());
    format!("{MARK}{{\"table\":{name},")
}

/// Returns the roles that are told apart, and behind them all others.
pub(super) fn roles(tenancy: &Tenancy) -> Vec<Option<String>> {
    let mut roles: Vec<Option<String>> = Vec::new();
    for role in tenancy.all_app_roles() {
        let role = Some(role.clone());
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    roles.push(None);
    roles
}

/// Returns the applications that are told apart, and behind them all others.
pub(super) fn applications(tenancy: &Tenancy) -> Vec<Option<String>> {
    let named = tenancy.observe.applications.iter().cloned().map(Some);
    named.chain([None]).collect()
}

/// Returns the counters that a table shall have.
pub(super) fn wanted(tenancy: &Tenancy, table: &RelationName) -> Vec<Counter> {
    let mut counters = Vec::new();
    for command in COMMANDS {
        for role in roles(tenancy) {
            for application in applications(tenancy) {
                counters.push(Counter {
                    table: table.to_string(),
                    command: Some(command.to_owned()),
                    role: role.clone(),
                    application,
                });
            }
        }
    }
    counters
}

/// Returns the relations that count for a table, with what they stand for.
pub(super) fn there<'a>(schema: &'a Schema, table: &RelationName) -> Vec<(&'a Relation, Counter)> {
    let (table, mut found) = (table.to_string(), Vec::new());
    for relation in schema.relations.values() {
        if relation.name.schema.as_deref() != Some(SCHEMA) {
            continue;
        }
        let counter = relation.comment.as_deref().and_then(Counter::read);
        found.extend(
            counter
                .filter(|counter| counter.table == table)
                .map(|counter| (relation, counter)),
        );
    }
    found.sort_by(|a, b| a.0.name.cmp(&b.0.name));
    found
}

/// Returns the statements that make the counters of a table.
pub(super) fn made(tenancy: &Tenancy, table: &RelationName) -> Vec<String> {
    let counters = wanted(tenancy, table);
    counters.iter().flat_map(|counter| counter.made(table)).collect()
}

/// Returns the statements that make what says since when a table is observed.
pub(in crate::retrofit) fn since_made(table: &RelationName) -> Vec<String> {
    let since = Counter {
        table: table.to_string(),
        command: None,
        role: None,
        application: None,
    };
    let relation = since.relation(table);
    vec![fill(SINCE, &[("since", &relation)]), commented(&relation, &since)]
}

/// Returns the statement that takes it away.
pub(in crate::retrofit) fn since_gone(table: &RelationName) -> String {
    format!("drop materialized view {}", of(table, "since"))
}
