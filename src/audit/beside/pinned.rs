//! Functions with their owner's rights and the caller's search path.

use crate::finding::Finding;

use super::super::Audit;
use super::super::rule::Rule;

const PATH: &str = "function.search-path";

pub(in super::super) const RULE: Rule = Rule {
    codes: &[PATH],
    explanation: "\
A SECURITY DEFINER function without a search_path of its own looks names up where its caller says. Where it names a table without its \
schema that is told as a leak; operators and functions are looked up the same way. Set search_path to '' and write every name with its \
schema, or let it end with pg_temp. A function with its caller's rights does not need it, and an SQL one is not inlined any more with it.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let functions = audit.schema.functions.values().filter(|function| {
        let is_pinned = function
            .settings
            .iter()
            .any(|setting| setting.starts_with("search_path="));
        // What the server has parsed keeps to what its names meant then.
        function.is_security_definer && !is_pinned && !function.body.contains("\nBEGIN ATOMIC\n")
    });
    functions
        .map(|function| {
            let name = format!("{}.{}({})", function.schema, function.name, function.arguments);
            let message = "acts with its owner's rights and looks names up on the caller's search_path";
            let help = format!(
                "alter function {name} set search_path = '', with every name in its body written with its schema"
            );
            Finding::info(PATH, name, message, help)
        })
        .collect()
}
