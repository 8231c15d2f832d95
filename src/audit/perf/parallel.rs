//! Functions that keep a whole query from running in parallel.

use std::collections::BTreeMap;

use crate::finding::Finding;

use super::super::Audit;
use super::super::immutable::called;
use super::super::rule::Rule;
use super::asked;

const PARALLEL: &str = "perf.parallel-unsafe";

pub(super) const RULE: Rule = Rule {
    codes: &[PARALLEL],
    explanation: "\
A function is PARALLEL UNSAFE unless it says otherwise. No query on a table whose policy mentions one gets parallel workers, even where it \
is wrapped in a query of its own. One that only reads settings and tables may be marked PARALLEL SAFE.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let mut callers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for asked in asked(audit) {
        let text = asked.policy.using.as_deref().unwrap_or_default();
        for function in called(audit, text)
            .into_iter()
            .filter(|function| function.parallel == 'u')
        {
            let name = format!("{}.{}({})", function.schema, function.name, function.arguments);
            let tables = callers.entry(name).or_default();
            let table = asked.relation.name.to_string();
            if tables.last() != Some(&table) {
                tables.push(table);
            }
        }
    }
    let told = |(name, tables): (String, Vec<String>)| {
        let help = format!("if it only reads: alter function {name} parallel safe");
        let message = "is PARALLEL UNSAFE, and policies mention it: no query on their tables runs in parallel";
        Finding::info(PARALLEL, name, message, help).evidence("tables", tables)
    };
    callers.into_iter().map(told).collect()
}
