//! Policies and conditions that are joined by OR.

use crate::finding::Finding;
use crate::schema::{Command, Policy, Relation};
use crate::script::expression::Expression;

use super::super::Audit;
use super::super::rule::Rule;
use super::condition::{any_of, found_by, is_of_row};
use super::{is_for, weighed};

const OR: &str = "perf.or";
const SEVERAL: &str = "perf.permissive-policies";

pub(super) const RULE: Rule = Rule {
    codes: &[OR, SEVERAL],
    explanation: "\
Permissive policies of one role and command are joined by OR, as are the parts of `... or (select is_admin())`. A part that is not about the \
row takes the index from everybody: for each query all rows are read, eighty times slower and more, measured. Give administrators a role \
of their own, with BYPASSRLS or with a policy TO that role. Where each of several permissive policies could use an index by itself, all of \
them are still asked; one policy is mostly cheaper.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let tables = audit.schema.relations.values().filter(|relation| relation.row_security);
    tables
        .filter_map(|relation| {
            let commands = [Command::Select, Command::Update, Command::Delete];
            let asked = commands.into_iter().flat_map(|command| {
                let permissive = move |role: &&str| together(audit, relation, role, command);
                audit.roles.iter().map(permissive)
            });
            let found: Vec<Finding> = asked
                .filter_map(|policies| joined(audit, relation, &policies))
                .collect();
            found.into_iter().min_by_key(|finding| finding.severity)
        })
        .collect()
}

/// Returns the permissive policies that are asked together.
fn together<'a>(audit: &Audit<'_>, relation: &'a Relation, role: &str, command: Command) -> Vec<&'a Policy> {
    let policies = relation.policies.iter();
    policies
        .filter(|policy| {
            policy.is_permissive
                && (policy.command == Command::All || policy.command == command)
                && policy.using.is_some()
                && is_for(audit, relation, policy, role)
        })
        .collect()
}

fn joined(audit: &Audit<'_>, relation: &Relation, policies: &[&Policy]) -> Option<Finding> {
    let read: Vec<_> = policies
        .iter()
        .filter_map(|policy| Some((*policy, audit.model.expression(policy.using.as_deref()?)?)))
        .collect();
    let arms: Vec<(&Policy, &Expression)> = read
        .iter()
        .flat_map(|(policy, expression)| any_of(expression).into_iter().map(|arm| (*policy, arm)))
        .collect();
    let is_indexed = |(_, arm): &(&Policy, &Expression)| !found_by(arm, relation).is_empty();
    let name = relation.name.to_string();
    let is_open =
        |arm: &Expression| !is_of_row(arm, relation) && !matches!(arm, Expression::Bool(_) | Expression::Null);
    let open = arms.iter().find(|(_, arm)| is_open(arm));
    if let (Some((policy, _)), true) = (open, arms.iter().any(is_indexed)) {
        let message = format!(
            "policy {} has a way that does not depend on the row, joined by OR: it takes the index from every query, and all rows are read",
            policy.name
        );
        let help = "give those whom it is for a role of their own, with a policy TO that role";
        let finding = Finding::info(OR, name, message, help).evidence("policy", policy.name.clone());
        // That was measured where it is a function's answer, in the policy itself.
        let is_measured = arms
            .iter()
            .any(|(other, arm)| is_open(arm) && is_an_answer(arm) && is_beside(&arms, other));
        return Some(if is_measured {
            weighed(relation, finding)
        } else {
            finding
        });
    }
    let [_, _, ..] = policies else { return None };
    let names: Vec<&str> = policies.iter().map(|policy| policy.name.as_str()).collect();
    let message = format!(
        "has {} permissive policies for one role and command, which are all asked, joined by OR: {}",
        names.len(),
        names.join(", ")
    );
    let help = "join them into one, or make those restrictive that only narrow";
    Some(Finding::info(SEVERAL, name, message, help))
}

/// Tells whether something is what a function or a query says, not a comparison.
fn is_an_answer(arm: &Expression) -> bool {
    matches!(
        arm,
        Expression::Scalar(_) | Expression::Call { .. } | Expression::Exists(_)
    )
}

/// Tells whether a policy has several ways.
fn is_beside(arms: &[(&Policy, &Expression)], policy: &Policy) -> bool {
    arms.iter().filter(|(other, _)| other.name == policy.name).count() > 1
}
