//! Two tenants that both have rows, for each relation.

use std::collections::BTreeMap;

use crate::activity::Oid;
use crate::pg::{MessageError, Session};
use crate::schema::Kind;
use crate::script::RelationName;
use crate::tenancy::{Identity, Sessions, Tenancy};

use super::compose::fill;
use super::plan::{Plan, Subject};
use super::says::Who;
use super::text::{ident, literal, qualified};
use super::whose::Whose;

const PAIR: &str = include_str!("../../sql/prove/pair.sql");
const MEMBER: &str = include_str!("../../sql/prove/member.sql");
/// How many tenants are asked for in all tables.
const CANDIDATES: usize = 6;

/// Which tenants a relation is tried with: one acts, and the other is to be reached.
pub(super) type Pairs = BTreeMap<Oid, Result<(Who, Who), String>>;

/// Finds the tenants. What is given counts; otherwise the same two are taken wherever both have rows.
///
/// # Errors
/// [`MessageError`] where the connection is lost; what a table's query says against it is the table's own.
pub(super) async fn pairs(
    session: &Session,
    plan: &Plan,
    tenancy: &Tenancy,
    sessions: &Sessions,
    given: Option<(&str, &str)>,
) -> Result<Pairs, MessageError> {
    let tables = tables(plan);
    let mut found: BTreeMap<Oid, Result<(String, String), String>> = BTreeMap::new();
    let fixed = match sessions.each.as_slice() {
        [one, two, ..] => Some((one.tenant.as_str(), two.tenant.as_str())),
        _ => None,
    };
    let given = given.or(fixed);
    if given.is_none() {
        for (oid, name, whose) in &tables {
            found.insert(*oid, two(session, name, whose).await?);
        }
    }
    let candidates = given.map_or_else(|| ranked(&found), |(one, two)| vec![one.to_owned(), two.to_owned()]);
    let mut present = BTreeMap::new();
    for (oid, name, whose) in &tables {
        present.insert(*oid, present_in(session, name, whose, &candidates).await?);
    }
    let best = best(&candidates, &present, given);
    let mut pairs = Pairs::new();
    for (oid, _, _) in &tables {
        let has = |tenant: &String| present[oid].as_ref().is_ok_and(|there| there.contains(tenant));
        let local = match &best {
            Some((one, two)) if has(one) && has(two) => Ok((one.clone(), two.clone())),
            Some((one, two)) if given.is_some() => Err(missing(one, two, &present[oid])),
            _ => found
                .get(oid)
                .cloned()
                .unwrap_or_else(|| Err("no tenants were found".to_owned())),
        };
        let pair = match local {
            Ok((one, two)) => with_users(session, tenancy, &one, &two).await?,
            Err(reason) => Err(reason),
        };
        pairs.insert(*oid, pair);
    }
    for view in plan.subjects.iter().filter(|subject| is_behind(subject)) {
        let mut behind = view.bases.iter().filter_map(|oid| pairs.get(oid));
        let pair = behind.clone().find(|pair| pair.is_ok()).or(behind.next()).cloned();
        pairs.extend(pair.map(|pair| (view.oid, pair)));
    }
    Ok(pairs)
}

fn missing(one: &str, two: &str, present: &Result<Vec<String>, String>) -> String {
    match present {
        Err(reason) => reason.clone(),
        Ok(there) => {
            let without: Vec<&str> = [one, two]
                .into_iter()
                .filter(|name| !there.iter().any(|it| it == name))
                .collect();
            format!("tenant {} has no rows here", without.join(" and tenant "))
        }
    }
}

/// What has tenants' rows: the subjects, and the tables behind views.
fn tables(plan: &Plan) -> Vec<(Oid, RelationName, Whose)> {
    // What a view shows may depend on who asks; the tables behind it have rows of their own.
    let subjects = plan
        .subjects
        .iter()
        .filter(|subject| subject.whose.is_tenants() && !is_behind(subject));
    let mut all: Vec<(Oid, RelationName, Whose)> = plan.erased.clone();
    for subject in subjects {
        if !all.iter().any(|(oid, ..)| *oid == subject.oid) {
            all.push((subject.oid, subject.name.clone(), subject.whose.clone()));
        }
    }
    all
}

/// Tells whether a subject's tenants are those of the tables behind it.
fn is_behind(subject: &Subject) -> bool {
    subject.kind == Kind::View && !subject.bases.is_empty()
}

async fn two(
    session: &Session,
    name: &RelationName,
    whose: &Whose,
) -> Result<Result<(String, String), String>, MessageError> {
    let Some(whose) = whose.sql() else {
        return Ok(Err("nothing says whose its rows are".to_owned()));
    };
    let query = fill(PAIR, &[("table", &qualified(name)), ("whose", &whose)]);
    let answer = asked(session, &query).await?;
    Ok(answer.and_then(|rows| {
        let cell = |at: usize| rows.first().and_then(|row| row.get(at).cloned().flatten());
        match (cell(1), cell(2)) {
            (Some(one), Some(two)) => Ok((one, two)),
            (Some(one), None) => Err(format!(
                "only tenant {one} has rows here: with another one's rows it could be tried, or with `--seed`"
            )),
            _ => Err("no tenant has rows here: with rows of two it could be tried, or with `--seed`".to_owned()),
        }
    }))
}

/// Asks behind a savepoint; a refusal is returned as its words.
async fn asked(session: &Session, query: &str) -> Result<Result<Vec<Vec<Option<String>>>, String>, MessageError> {
    let answer = session
        .message(&format!("rollback to savepoint rlsctl_probe; {query}"))
        .await;
    match answer.result {
        Ok(()) => Ok(Ok(answer.rows)),
        Err(MessageError::Refused { refusal }) => {
            let (message, state) = (&refusal.error.message, &refusal.error.sqlstate);
            Ok(Err(format!(
                "its rows cannot be looked at by whoever is connected: {message} (SQLSTATE {state})"
            )))
        }
        Err(lost) => Err(lost),
    }
}

fn ranked(found: &BTreeMap<Oid, Result<(String, String), String>>) -> Vec<String> {
    let mut times: BTreeMap<&String, usize> = BTreeMap::new();
    for (one, two) in found.values().flatten() {
        *times.entry(one).or_default() += 1;
        *times.entry(two).or_default() += 1;
    }
    let mut ranked: Vec<(&String, usize)> = times.into_iter().collect();
    ranked.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    ranked
        .into_iter()
        .take(CANDIDATES)
        .map(|(name, _)| name.clone())
        .collect()
}

async fn present_in(
    session: &Session,
    name: &RelationName,
    whose: &Whose,
    candidates: &[String],
) -> Result<Result<Vec<String>, String>, MessageError> {
    let Some(whose) = whose.sql().filter(|_| !candidates.is_empty()) else {
        return Ok(Ok(Vec::new()));
    };
    let table = qualified(name);
    let each = candidates.iter().map(|tenant| {
        let tenant = literal(tenant);
        format!("select {tenant} where exists (select from {table} rlsctl_row where {whose} = {tenant})")
    });
    let query = each.collect::<Vec<_>>().join("; ");
    let answer = asked(session, &query).await?;
    Ok(answer.map(|rows| {
        rows.into_iter()
            .filter_map(|row| row.into_iter().next().flatten())
            .collect()
    }))
}

/// Returns the two candidates that share most tables.
fn best(
    candidates: &[String],
    present: &BTreeMap<Oid, Result<Vec<String>, String>>,
    given: Option<(&str, &str)>,
) -> Option<(String, String)> {
    if let Some((one, two)) = given {
        return Some((one.to_owned(), two.to_owned()));
    }
    let mut found: Option<(usize, &String, &String)> = None;
    for (at, one) in candidates.iter().enumerate() {
        for two in &candidates[at + 1..] {
            let both = present
                .values()
                .flatten()
                .filter(|there| there.contains(one) && there.contains(two));
            let number = both.count();
            if number > 0 && found.is_none_or(|(most, ..)| number > most) {
                found = Some((number, one, two));
            }
        }
    }
    found.map(|(_, one, two)| (one.clone(), two.clone()))
}

/// Adds the users, where sessions have such.
async fn with_users(
    session: &Session,
    tenancy: &Tenancy,
    one: &str,
    two: &str,
) -> Result<Result<(Who, Who), String>, MessageError> {
    let who = |tenant: &str, user: Option<String>| Who {
        tenant: tenant.to_owned(),
        user,
    };
    match &tenancy.identity {
        Identity::Setting { .. } | Identity::Claim { .. } => Ok(Ok((who(one, None), who(two, None)))),
        Identity::Owner(_) => Ok(Ok((who(one, Some(one.to_owned())), who(two, Some(two.to_owned()))))),
        Identity::Membership(membership) => {
            let user = |one: &str, other: &str| {
                fill(
                    MEMBER,
                    &[
                        ("memberships", &qualified(&membership.table)),
                        ("user", &ident(&membership.user_column)),
                        ("tenant", &ident(&membership.tenant_column)),
                        ("one", &literal(one)),
                        ("other", &literal(other)),
                    ],
                )
            };
            let mut users = Vec::new();
            for (one, other) in [(one, two), (two, one)] {
                let rows = asked(session, &user(one, other)).await?;
                match rows.map(|rows| rows.into_iter().next().and_then(|row| row.into_iter().next().flatten())) {
                    Ok(Some(user)) => users.push(user),
                    Ok(None) => {
                        return Ok(Err(format!(
                            "tenant {one} has no user in {} who is none of tenant {other}'s",
                            membership.table
                        )));
                    }
                    Err(reason) => return Ok(Err(reason)),
                }
            }
            let (second, first) = (users.pop(), users.pop());
            Ok(Ok((who(one, first), who(two, second))))
        }
    }
}
