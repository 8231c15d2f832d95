//! Tables without row security that hold no tenant's rows, as far as is known.

use crate::finding::{Finding, Severity};
use crate::schema::Relation;

use super::super::Audit;
use super::super::reach::listed;
use super::super::rule::Rule;

const DISABLED: &str = "rls.disabled";
const SENSITIVE: &str = "rls.sensitive-columns";

pub(in super::super) const RULE: Rule = Rule {
    codes: &[DISABLED, SENSITIVE],
    explanation: "\
A table without row security shows all of its rows to whoever has the privilege. For a list of countries that is as it should be: say so \
with `shared = true` in [tenancy.tables]. For anything else it is the first thing to look at, and all the more where a column's name says \
that it holds a secret, or what is nobody else's business.",
    find,
};

/// Names of columns that hold secrets, or what is nobody else's business.
const SECRETS: [&str; 28] = [
    "password",
    "passwd",
    "password_hash",
    "hashed_password",
    "encrypted_password",
    "secret",
    "client_secret",
    "api_key",
    "apikey",
    "private_key",
    "access_token",
    "refresh_token",
    "auth_token",
    "session_token",
    "reset_token",
    "otp",
    "mfa_secret",
    "ssn",
    "social_security_number",
    "tax_id",
    "passport_number",
    "credit_card",
    "card_number",
    "cvv",
    "iban",
    "bank_account",
    "date_of_birth",
    "salary",
];

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let tables = audit.schema.relations.values().filter(|relation| {
        let is_left_open = relation.kind.is_table() && !relation.row_security && relation.policies.is_empty();
        is_left_open && audit.model.owned(relation).is_none() && !audit.model.tenancy.table(&relation.name).shared
    });
    tables.flat_map(|relation| open(audit, relation)).collect()
}

fn open(audit: &Audit<'_>, relation: &Relation) -> Vec<Finding> {
    let roles = audit.roles_that(|role| {
        let privileges = ["SELECT", "INSERT", "UPDATE", "DELETE"];
        let is_owner = audit.schema.acts_as(role, &relation.owner);
        !is_owner
            && privileges
                .iter()
                .any(|privilege| audit.reaches(role, relation, privilege))
    });
    if roles.is_empty() {
        return Vec::new();
    }
    let name = relation.name.to_string();
    let help = format!(
        "alter table {name} enable row level security, with a policy; or say that it is everybody's: [tenancy.tables.\"{name}\"] shared = true"
    );
    let message = format!(
        "has no row security, and {} can reach it: whoever has the privilege has all rows",
        listed(&roles)
    );
    let severity = if audit.knows_tenants() {
        Severity::Info
    } else {
        Severity::Warning
    };
    let disabled = Finding {
        severity,
        ..Finding::error(DISABLED, name.clone(), message, help)
    };
    let readable = |column: &&crate::schema::Column| {
        let is_read = |role: &&str| {
            audit.schema.may(role, "SELECT", &relation.grants) || audit.schema.may(role, "SELECT", &column.grants)
        };
        is_secret(&column.name) && roles.iter().any(is_read)
    };
    let secret: Vec<&str> = relation
        .columns
        .iter()
        .filter(readable)
        .map(|column| column.name.as_str())
        .collect();
    if secret.is_empty() {
        return vec![disabled];
    }
    let message = format!(
        "has no row security, {} can read it, and the names of its columns say that they are not for everybody: {}",
        listed(&roles),
        secret.join(", ")
    );
    let help = "put row security onto the table, or take the columns' privileges away";
    vec![disabled, Finding::warning(SENSITIVE, name, message, help)]
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('-', "_");
    SECRETS.contains(&name.as_str())
}
