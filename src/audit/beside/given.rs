//! What is given away of things to come, what sequences tell, and what is sent out.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::schema::{DefaultPrivileges, Grant};

use super::super::Audit;
use super::super::reach::listed;
use super::super::rule::Rule;

const DEFAULTS: &str = "grants.default-privileges";
const SEQUENCE: &str = "grants.sequence";
const PUBLICATION: &str = "grants.publication";

pub(in super::super) const RULE: Rule = Rule {
    codes: &[DEFAULTS, SEQUENCE, PUBLICATION],
    explanation: "\
Default privileges open each table that is made later on, before anybody has put row security onto it. A sequence that can be read tells \
how many rows all tenants have made together. A publication sends all tenants' rows to its subscribers, and asks no policy.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = audit
        .schema
        .default_privileges
        .iter()
        .filter_map(|default| opened(audit, default))
        .collect();
    found.extend(sequences(audit));
    found.extend(publications(audit));
    found
}

fn opened(audit: &Audit<'_>, default: &DefaultPrivileges) -> Option<Finding> {
    let privileges = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"];
    let counts = |grant: &&Grant| privileges.contains(&grant.privilege.as_str());
    let given: Vec<&Grant> = default.grants.iter().filter(counts).collect();
    let roles = audit.roles_that(|role| {
        let is_given = |grant: &&Grant| grant.is_public() || audit.schema.acts_as(role, &grant.grantee);
        role != default.role && given.iter().any(is_given)
    });
    if default.kind != 'r' || roles.is_empty() {
        return None;
    }
    let words: BTreeSet<&str> = given.iter().map(|grant| grant.privilege.as_str()).collect();
    let words: Vec<&str> = words.into_iter().collect();
    let place = match &default.schema {
        Some(schema) => format!(" in schema {schema}"),
        None => String::new(),
    };
    let message = format!(
        "gives {} on each table that it makes{place} to {}, before it has row security",
        listed(&words),
        listed(&roles)
    );
    let help = "grant on each table when its policies are there; `rlsctl audit` in CI finds one that was forgotten";
    Some(Finding::info(DEFAULTS, default.role.clone(), message, help))
}

fn sequences(audit: &Audit<'_>) -> Vec<Finding> {
    let told = audit.schema.sequences.iter().filter_map(|sequence| {
        let roles = audit.roles_that(|role| {
            audit.uses(role, Some(&sequence.schema))
                && !audit.schema.acts_as(role, &sequence.owner)
                && audit.schema.may(role, "SELECT", &sequence.grants)
        });
        if roles.is_empty() {
            return None;
        }
        let name = sequence.full_name().to_string();
        let message = format!(
            "can be read by {}, and tells how many rows there are of all tenants",
            listed(&roles)
        );
        let help = format!(
            "revoke select on sequence {name} from {}: USAGE is enough to insert",
            roles.join(", ")
        );
        Some(Finding::info(SEQUENCE, name, message, help))
    });
    told.collect()
}

fn publications(audit: &Audit<'_>) -> Vec<Finding> {
    let told = audit.schema.publications.iter().filter_map(|publication| {
        let relations = publication
            .tables
            .iter()
            .filter_map(|oid| audit.schema.relations.get(oid));
        let tables: Vec<String> = relations
            .filter(|relation| audit.model.owned(relation).is_some())
            .map(|relation| relation.name.to_string())
            .collect();
        if tables.is_empty() {
            return None;
        }
        let message = "is a publication that sends out tenants' rows: policies are not asked for its subscribers";
        let help = "see who subscribes to it, and which roles have REPLICATION";
        Some(Finding::info(PUBLICATION, publication.name.clone(), message, help).evidence("tables", tables))
    });
    told.collect()
}
