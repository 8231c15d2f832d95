//! Functions marked IMMUTABLE that read the session.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::schema::{Function, Volatility};
use crate::script::RelationName;
use crate::script::expression::Expression;

use super::Audit;
use super::rule::Rule;

const CACHED: &str = "leak.immutable";

pub(super) const RULE: Rule = Rule {
    codes: &[CACHED],
    explanation: "\
What is IMMUTABLE is worked out once and kept in a cached plan. A policy that calls such a function for the session's tenant goes on \
showing the tenant for which the plan was made, also to the next one on a pooled connection. STABLE does not.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for relation in audit.schema.relations.values().filter(|relation| relation.row_security) {
        for policy in &relation.policies {
            let texts = [policy.using.as_deref(), policy.check.as_deref()];
            for function in texts.into_iter().flatten().flat_map(|text| called(audit, text)) {
                if function.volatility == Volatility::Immutable && reads_session(function) {
                    let name = format!("{}.{}({})", function.schema, function.name, function.arguments);
                    let message = format!(
                        "policy {} calls {name}, which is marked IMMUTABLE and reads the session: a cached plan keeps showing an earlier tenant's rows",
                        policy.name
                    );
                    let help = format!("alter function {name} stable");
                    found.push(
                        Finding::error(CACHED, relation.name.to_string(), message, help)
                            .evidence("policy", policy.name.clone()),
                    );
                }
            }
        }
    }
    found
}

/// Returns the functions of the schema that an expression calls.
pub(super) fn called<'a>(audit: &Audit<'a>, text: &str) -> Vec<&'a Function> {
    let mut names: BTreeSet<RelationName> = BTreeSet::new();
    if let Some(expression) = audit.model.expression(text) {
        expression.walk(&mut |inner| {
            if let Expression::Call { name, .. } = inner {
                names.insert(name.clone());
            }
        });
    }
    let functions = audit.schema.functions.values();
    functions
        .filter(|function| names.contains(&RelationName::qualified(&function.schema, &function.name)))
        .collect()
}

pub(super) fn reads_session(function: &Function) -> bool {
    let body = function.body.to_ascii_lowercase();
    [
        "current_setting",
        "current_user",
        "session_user",
        "current_role",
        "auth.",
        " from ",
    ]
    .iter()
    .any(|word| body.contains(word))
}
