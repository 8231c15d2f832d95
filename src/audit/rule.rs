//! The rules, each with what it means.

use crate::finding::Finding;

use super::{
    Audit, bypass, collation, functions, immutable, keys, rows, search_path, truncate, trusted, unused, view_writes,
    views,
};

/// A rule: one question, and what it means.
pub struct Rule {
    /// The codes of its findings.
    pub codes: &'static [&'static str],
    /// What is wrong, why it matters and what to do, for `--explain`.
    pub explanation: &'static str,
    pub(crate) find: fn(&Audit<'_>) -> Vec<Finding>,
}

/// All of them.
pub static RULES: [Rule; 12] = [
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

/// Returns the rule that finds things of this code.
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.codes.contains(&code))
}
