//! What policies cost. Apart from leaks: nothing here lets a row through.
//!
//! Severity warning where the price was measured as ten times and more on a table that is large, or may be; everything else is info. A table
//! of which the last ANALYZE says that it is small is never a warning.

mod cast;
mod condition;
mod index;
mod leakproof;
mod parallel;
mod permissive;
mod subquery;
mod unwrapped;

use std::rc::Rc;

use crate::finding::{Finding, Severity};
use crate::schema::{Command, Policy, Relation};
use crate::script::expression::Expression;

use super::Audit;
use super::rule::Rule;

/// The rules about what policies cost.
pub(super) static RULES: [Rule; 7] = [
    index::RULE,
    cast::RULE,
    subquery::RULE,
    permissive::RULE,
    unwrapped::RULE,
    parallel::RULE,
    leakproof::RULE,
];

/// Below this a table is read as a whole in less than a millisecond or two.
const LARGE: u64 = 10_000;

/// A condition that is asked of an application's query.
struct Asked<'a> {
    relation: &'a Relation,
    policy: &'a Policy,
    expression: Rc<Expression>,
}

/// Returns the USING of every policy that holds for a role of the application which can give the command.
fn asked<'a>(audit: &Audit<'a>) -> Vec<Asked<'a>> {
    let mut found = Vec::new();
    for relation in audit.schema.relations.values().filter(|relation| relation.row_security) {
        for policy in &relation.policies {
            let is_asked = audit.roles.iter().any(|role| is_for(audit, relation, policy, role));
            let expression = policy.using.as_deref().and_then(|text| audit.model.expression(text));
            if let (true, Some(expression)) = (is_asked, expression) {
                found.push(Asked {
                    relation,
                    policy,
                    expression,
                });
            }
        }
    }
    found
}

fn is_for(audit: &Audit<'_>, relation: &Relation, policy: &Policy, role: &str) -> bool {
    let is_named = policy
        .roles
        .iter()
        .any(|named| named.is_empty() || audit.schema.acts_as(role, named));
    let privileges: &[&str] = match policy.command {
        Command::All => &["SELECT", "UPDATE", "DELETE"],
        Command::Select => &["SELECT"],
        Command::Insert => &["INSERT"],
        Command::Update => &["UPDATE"],
        Command::Delete => &["DELETE"],
    };
    is_named
        && audit.schema.binds(relation, role)
        && privileges
            .iter()
            .any(|privilege| audit.reaches(role, relation, privilege))
}

/// Returns how much a price matters that grows with the table.
fn weight(relation: &Relation) -> Severity {
    match relation.rows {
        Some(rows) if rows < LARGE => Severity::Info,
        _ => Severity::Warning,
    }
}

fn weighed(relation: &Relation, finding: Finding) -> Finding {
    Finding {
        severity: weight(relation),
        ..finding
    }
}
