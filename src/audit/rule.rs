//! The rules, each with what it means.

use crate::finding::Finding;

use super::{
    Audit, beside, bypass, collation, functions, immutable, keys, perf, rows, search_path, truncate, trusted, unused,
    view_writes, views,
};

/// A rule: one question, and what it means.
pub struct Rule {
    /// The codes of its findings.
    pub codes: &'static [&'static str],
    /// What is wrong, why it matters and what to do, for `--explain`.
    pub explanation: &'static str,
    pub(crate) find: fn(&Audit<'_>) -> Vec<Finding>,
}

/// Those about tenants' rows.
pub(super) static RULES: [Rule; 12] = [
    bypass::RULE,
    rows::RULE,
    truncate::RULE,
    views::RULE,
    view_writes::RULE,
    collation::RULE,
    trusted::RULE,
    functions::RULE,
    immutable::RULE,
    search_path::RULE,
    keys::RULE,
    unused::RULE,
];

/// Returns all of them: about tenants' rows, about what stands beside, about what policies cost, and about the exceptions.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES
        .iter()
        .chain(&beside::RULES)
        .chain(&perf::RULES)
        .chain([&super::allow::RULE])
}

/// Returns the rule that finds things of this code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    rules().find(|rule| rule.codes.contains(&code))
}
