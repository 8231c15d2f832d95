//! Policies that let everybody write.

use crate::finding::{Finding, Severity};
use crate::schema::{Command, Policy, Relation};
use crate::script::expression::Expression;

use super::super::Audit;
use super::super::reach::listed;
use super::super::rule::Rule;

const ALWAYS: &str = "rls.always-true";

pub(in super::super) const RULE: Rule = Rule {
    codes: &[ALWAYS],
    explanation: "\
A policy that is always true for INSERT, UPDATE or DELETE takes whatever is written: row security is on and keeps nobody back. For reading, \
that is how a table is made public on purpose. On a table with tenants' rows it is told as what it is there, a leak.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let tables = audit
        .schema
        .relations
        .values()
        .filter(|relation| relation.row_security && audit.model.owned(relation).is_none());
    tables
        .flat_map(|relation| {
            relation
                .policies
                .iter()
                .filter_map(|policy| open(audit, relation, policy))
        })
        .collect()
}

fn open(audit: &Audit<'_>, relation: &Relation, policy: &Policy) -> Option<Finding> {
    let restricted = |command: Command| {
        let mut others = relation.policies.iter();
        others.any(|other| !other.is_permissive && (other.command == Command::All || other.command == command))
    };
    let is_true = |text: Option<&str>| match text.map(|text| audit.model.expression(text)) {
        None => true,
        Some(expression) => matches!(expression.as_deref(), Some(Expression::Bool(true))),
    };
    let (using, check) = (policy.using.as_deref(), policy.check.as_deref());
    let writes = [
        (Command::Insert, "INSERT", is_true(check.or(using))),
        (Command::Update, "UPDATE", is_true(using) && is_true(check.or(using))),
        (Command::Delete, "DELETE", is_true(using)),
    ];
    let mut words = Vec::new();
    let mut whom = Vec::new();
    for (command, word, is_open) in writes {
        let is_of_it = policy.command == Command::All || policy.command == command;
        if !policy.is_permissive || !is_open || !is_of_it || restricted(command) {
            continue;
        }
        let roles = audit.roles_that(|role| {
            let is_named = policy
                .roles
                .iter()
                .any(|named| named.is_empty() || audit.schema.acts_as(role, named));
            is_named && audit.schema.binds(relation, role) && audit.reaches(role, relation, word)
        });
        if !roles.is_empty() {
            words.push(word);
            whom.extend(roles);
        }
    }
    if words.is_empty() {
        return None;
    }
    whom.sort_unstable();
    whom.dedup();
    let message = format!(
        "policy {} is always true for {}: it keeps {} from nothing",
        policy.name,
        listed(&words),
        listed(&whom)
    );
    let help = "let the policy say which rows, or take the privilege away";
    let severity = if audit.knows_tenants() {
        Severity::Info
    } else {
        Severity::Warning
    };
    Some(Finding {
        severity,
        ..Finding::error(ALWAYS, relation.name.to_string(), message, help).evidence("policy", policy.name.clone())
    })
}
