//! Functions that are trusted with more than their bodies keep.

use crate::finding::Finding;
use crate::schema::Function;
use crate::script::{Token, TokenKind, tokens};

use super::Audit;
use super::reach::listed;
use super::rule::Rule;

const LEAKPROOF: &str = "leak.leakproof";
const DYNAMIC: &str = "leak.dynamic-sql";

pub(super) const RULE: Rule = Rule {
    codes: &[LEAKPROOF, DYNAMIC],
    explanation: "\
A LEAKPROOF function is asked before policies are, on every tenant's rows: it must tell nothing of what it is asked, by no error, \
notice, setting or table. A SECURITY DEFINER function that pastes an argument into a query runs with its owner's rights whatever SQL the \
caller writes there: hand values over with USING, or write them with %L, and names with %I.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let functions = audit.schema.functions.values();
    functions
        .filter_map(|function| leakproof(audit, function).or_else(|| dynamic(audit, function)))
        .collect()
}

fn named(function: &Function) -> String {
    format!("{}.{}({})", function.schema, function.name, function.arguments)
}

fn leakproof(audit: &Audit<'_>, function: &Function) -> Option<Finding> {
    let tells = [
        "set_config",
        "raise",
        "insert",
        "update",
        "perform",
        "execute",
        "nextval",
    ];
    let said = tokens(&function.body)
        .filter(|token| token.kind == TokenKind::Word)
        .map(|token| token.span.slice(&function.body).to_ascii_lowercase())
        .find(|word| tells.contains(&word.as_str()))?;
    let roles = audit.roles_that(|role| audit.calls(role, function));
    if !function.is_leakproof || roles.is_empty() {
        return None;
    }
    let message = format!(
        "is marked LEAKPROOF, so that it is asked on every tenant's rows before policies are, and tells of them ({said})"
    );
    Some(Finding::error(
        LEAKPROOF,
        named(function),
        message,
        format!("alter function {} not leakproof", named(function)),
    ))
}

fn dynamic(audit: &Audit<'_>, function: &Function) -> Option<Finding> {
    if !function.is_security_definer || function.arguments.is_empty() || function.language != "plpgsql" {
        return None;
    }
    let roles = audit.roles_that(|role| audit.calls(role, function) && !audit.schema.acts_as(role, &function.owner));
    if roles.is_empty() || !is_pasted(&function.body) {
        return None;
    }
    let message = format!(
        "pastes text into a query that runs with the rights of its owner {}: {} can write any SQL there",
        function.owner,
        listed(&roles)
    );
    let help = "hand values over with USING, or write them with %L in format(), and names with %I";
    Some(Finding::error(DYNAMIC, named(function), message, help))
}

/// Tells whether what EXECUTE runs is put together by `||`, or by `%s`, without quoting.
fn is_pasted(body: &str) -> bool {
    let lexed: Vec<Token> = tokens(body).filter(|token| !token.kind.is_blank()).collect();
    let text = |token: &Token| token.span.slice(body).to_ascii_lowercase();
    let mut starts = lexed
        .iter()
        .enumerate()
        .filter(|(_, token)| text(token) == "execute")
        .map(|(at, _)| at);
    starts.any(|start| {
        let statement: Vec<String> = lexed[start..]
            .iter()
            .map(text)
            .take_while(|token| token != ";" && token != "using")
            .collect();
        let is_quoted = statement.iter().any(|word| word.starts_with("quote_"));
        let is_joined = statement.iter().any(|word| word == "||");
        let is_formatted = statement
            .iter()
            .any(|word| word.starts_with('\'') && word.contains("%s"));
        (is_joined && !is_quoted) || is_formatted
    })
}
