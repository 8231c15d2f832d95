//! Names that a session can put something else behind.

use crate::finding::Finding;
use crate::schema::{Function, Volatility};
use crate::script::expression::{Expression, From, Query};

use super::Audit;
use super::immutable::called;
use super::reach::listed;
use super::rule::Rule;

const SHADOWED: &str = "leak.search-path";

pub(super) const RULE: Rule = Rule {
    codes: &[SHADOWED],
    explanation: "\
A table's name without a schema is looked up in the session's temporary tables first, before everything on the search path, unless \
pg_temp is named in it, last. A function that policies trust, or that acts with its owner's rights, and that names its tables so, reads \
what the session has put there. Write every name with its schema, or set search_path to end with pg_temp.",
    find,
};

fn find(audit: &Audit<'_>) -> Vec<Finding> {
    let trusted = audit
        .schema
        .relations
        .values()
        .filter(|relation| relation.row_security)
        .flat_map(|relation| {
            let texts = relation
                .policies
                .iter()
                .flat_map(|policy| [policy.using.as_deref(), policy.check.as_deref()]);
            texts.flatten().flat_map(|text| called(audit, text)).collect::<Vec<_>>()
        });
    let mut trusted: Vec<&Function> = trusted.collect();
    trusted.extend(
        audit
            .schema
            .functions
            .values()
            .filter(|function| function.is_security_definer),
    );
    trusted.sort_by_key(|function| (&function.schema, &function.name, &function.arguments));
    trusted.dedup();
    trusted
        .into_iter()
        .filter_map(|function| shadowed(audit, function).or_else(|| outdone(audit, function)))
        .collect()
}

fn shadowed(audit: &Audit<'_>, function: &Function) -> Option<Finding> {
    let roles = audit.roles_that(|role| audit.calls(role, function));
    if roles.is_empty() || function.volatility == Volatility::Immutable && function.body.is_empty() {
        return None;
    }
    let path = function
        .settings
        .iter()
        .find_map(|setting| setting.strip_prefix("search_path="));
    let is_last = path.is_some_and(|path| path.trim_end_matches('"').ends_with("pg_temp"));
    // A body that the server has parsed keeps to what its names meant then.
    let is_parsed = function.body.contains("\nBEGIN ATOMIC\n");
    if is_last || is_parsed {
        return None;
    }
    let query = audit.model.body(function)?;
    let name = unqualified(&query).into_iter().find(|name| {
        audit
            .schema
            .relations
            .values()
            .any(|relation| relation.name.name == *name)
    })?;
    let whole = format!("{}.{}({})", function.schema, function.name, function.arguments);
    let message = format!(
        "names {name} without its schema: {} can put a temporary table in its place, and so choose what the function sees",
        listed(&roles)
    );
    let help = format!(
        "write the schema before every name in it, or: alter function {whole} set search_path = {}, pg_temp",
        path.filter(|path| !path.is_empty()).unwrap_or("pg_catalog, public")
    );
    Some(Finding::error(SHADOWED, whole, message, help))
}

/// A schema on the function's path in which the application may create: a better match there is called instead.
fn outdone(audit: &Audit<'_>, function: &Function) -> Option<Finding> {
    let path = function
        .settings
        .iter()
        .find_map(|setting| setting.strip_prefix("search_path="))?;
    let mut schemas = path.split(',').map(|schema| schema.trim().trim_matches('"'));
    let writes = |schema: &str| {
        let grants = audit.schema.schemas.get(schema)?;
        let roles = audit.roles_that(|role| {
            audit.schema.may(role, "CREATE", grants) && !audit.schema.acts_as(role, &function.owner)
        });
        (!roles.is_empty()).then_some(roles)
    };
    let (schema, roles) = schemas.find_map(|schema| Some((schema.to_owned(), writes(schema)?)))?;
    let query = audit.model.body(function)?;
    let mut called = None;
    query.walk(&mut |inner| {
        if let Expression::Call { name, .. } = inner
            && name.schema.is_none()
            && audit.schema.functions.values().any(|own| own.name == name.name)
        {
            called.get_or_insert_with(|| name.name.clone());
        }
    });
    let name = called.or_else(|| unqualified(&query).into_iter().next())?;
    let whole = format!("{}.{}({})", function.schema, function.name, function.arguments);
    let message = format!(
        "names {name} without its schema and looks it up in {schema}, where {} may create: what is put there is used instead",
        listed(&roles)
    );
    let help = format!("write the schema before every name in it, or take {schema} out of its search_path");
    Some(Finding::error(SHADOWED, whole, message, help))
}

/// Returns the tables that a query names without a schema, those in queries inside of it too.
fn unqualified(query: &Query) -> Vec<String> {
    let mut names = Vec::new();
    own(query, &mut names);
    query.walk(&mut |inner| match inner {
        Expression::Exists(query)
        | Expression::Scalar(query)
        | Expression::ArrayOf(query)
        | Expression::QuantifiedQuery { query, .. } => own(query, &mut names),
        _ => {}
    });
    names
}

fn own(query: &Query, names: &mut Vec<String>) {
    for source in query.arms.iter().flat_map(|arm| &arm.sources) {
        match &source.what {
            From::Relation(name) if name.schema.is_none() => names.push(name.name.clone()),
            From::Query(query) => own(query, names),
            _ => {}
        }
    }
}
