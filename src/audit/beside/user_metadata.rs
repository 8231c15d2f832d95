//! Policies that believe what a user says of itself.

use crate::finding::Finding;
use crate::schema::Policy;

use super::super::Audit;
use super::super::rule::Rule;

const METADATA: &str = "rls.user-metadata";

pub(in super::super) const RULE: Rule = Rule {
    codes: &[METADATA],
    explanation: "\
user_metadata in a token is what the user has written there: each can change its own, by the gateway's interface. A policy that believes it \
lets everybody be whoever they like. app_metadata can be written by the server only.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for relation in audit.schema.relations.values().filter(|relation| relation.row_security) {
        // On tenants' tables the model says what comes of it.
        if audit.model.owned(relation).is_some() {
            continue;
        }
        for policy in relation.policies.iter().filter(|policy| believes(policy)) {
            let message = format!(
                "policy {} reads user_metadata of the token, which each user can change by itself",
                policy.name
            );
            let help = "read app_metadata instead, or a table that users cannot write";
            found.push(
                Finding::warning(METADATA, relation.name.to_string(), message, help)
                    .evidence("policy", policy.name.clone()),
            );
        }
    }
    found
}

fn believes(policy: &Policy) -> bool {
    let texts = [policy.using.as_deref(), policy.check.as_deref()];
    texts
        .into_iter()
        .flatten()
        .any(|text| text.contains("'user_metadata'") || text.contains("raw_user_meta_data"))
}
