//! Functions that act with their owner's rights.

use crate::finding::Finding;
use crate::isolation::{Chance, Says, Shown};
use crate::schema::Function;

use super::Audit;
use super::reach::listed;
use super::rule::Rule;

const FUNCTION: &str = "leak.function";
const UNKNOWN: &str = "audit.unknown-function";

pub(super) const RULE: Rule = Rule {
    codes: &[FUNCTION, UNKNOWN],
    explanation: "\
A SECURITY DEFINER function asks with the rights of its owner. It leaks where its owner is not held back by policies, the application \
may call it, and what it returns is another tenant's: because it takes the tenant as an argument, or asks for none. One that looks up \
the session's own membership first is safe. The shape alone does not say which it is, so its body is read; where it cannot be, it is \
said so, and `prove` calls it.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let definers = audit
        .schema
        .functions
        .values()
        .filter(|function| function.is_security_definer);
    definers.filter_map(|function| shown(audit, function)).collect()
}

fn shown(audit: &Audit<'_>, function: &Function) -> Option<Finding> {
    // A trigger's function is called by no session.
    if matches!(function.returns.as_str(), "trigger" | "event_trigger") {
        return None;
    }
    let roles = audit.roles_that(|role| audit.calls(role, function) && !audit.schema.acts_as(role, &function.owner));
    if roles.is_empty() {
        return None;
    }
    let name = format!("{}.{}({})", function.schema, function.name, function.arguments);
    let shown = Says::ALL.into_iter().map(|says| audit.model.returned(function, says));
    let best = shown.reduce(|one, other| match (one, other) {
        (None, _) | (_, None) => None,
        (Some(one), Some(other)) => Some(if other.chance > one.chance { other } else { one }),
    })?;
    match best {
        Some(Shown {
            chance: Chance::Can,
            of,
        }) => {
            let of = of
                .and_then(|of| audit.schema.relations.get(&of))
                .map(|table| table.name.to_string())
                .unwrap_or_default();
            let message = format!(
                "returns rows of {of} of any tenant to {}: it acts with the rights of its owner {}",
                listed(&roles),
                function.owner
            );
            let help = format!(
                "let it ask for the session's own tenant, make it SECURITY INVOKER, or revoke execute on function {name} from public and {}",
                roles.join(", ")
            );
            Some(Finding::error(FUNCTION, name, message, help))
        }
        Some(Shown {
            chance: Chance::Never, ..
        }) => None,
        _ if touches(audit, function) => {
            let message = format!(
                "acts with the rights of its owner {}, {} can call it, and it cannot be told from its body what it gives away",
                function.owner,
                listed(&roles)
            );
            Some(Finding::info(UNKNOWN, name, message, "try it: `rlsctl prove`"))
        }
        _ => None,
    }
}

/// Tells whether the body names a table of tenants' rows, which the owner reads unhindered.
fn touches(audit: &Audit<'_>, function: &Function) -> bool {
    let words: std::collections::BTreeSet<String> = crate::script::tokens(&function.body)
        .map(|token| token.span.slice(&function.body).trim_matches('"').to_ascii_lowercase())
        .collect();
    audit.schema.relations.values().any(|relation| {
        audit.model.owned(relation).is_some()
            && words.contains(&relation.name.name.to_ascii_lowercase())
            && !audit.schema.binds(relation, &function.owner)
    })
}
