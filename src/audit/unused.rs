//! Policies that nobody asks, and tables that nobody gets anything from.

use crate::finding::{Finding, Severity};

use super::Audit;
use super::rule::Rule;

const UNUSED: &str = "rls.policies-unused";
const NONE: &str = "rls.no-policy";

pub(super) const RULE: Rule = Rule {
    codes: &[UNUSED, NONE],
    explanation: "\
Policies on a table without ENABLE ROW LEVEL SECURITY are not asked. The other way round, a table with row security and no policy shows \
no rows and takes none, which is safe, and mostly not meant.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let tables = audit
        .schema
        .relations
        .values()
        .filter(|relation| relation.kind.is_table());
    tables
        .filter_map(|relation| {
            let name = relation.name.to_string();
            match (relation.row_security, relation.policies.as_slice()) {
                (false, [first, ..]) => {
                    let message = format!(
                        "has policies that nobody asks, {} among them: row security is off",
                        first.name
                    );
                    let help = format!("alter table {} enable row level security", relation.name);
                    let finding = Finding::error(UNUSED, name, message, help);
                    let severity = if audit.model.owned(relation).is_some() {
                        Severity::Error
                    } else {
                        Severity::Warning
                    };
                    Some(Finding { severity, ..finding })
                }
                (true, []) => {
                    let message = "has row security and no policy: whom it binds sees no rows and writes none";
                    let help = "write a policy, or leave it so if nobody but its owner shall use it";
                    Some(Finding::info(NONE, name, message, help))
                }
                _ => None,
            }
        })
        .collect()
}
