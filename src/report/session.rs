//! Sessions in words: who one is, what it does, what it holds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::activity::{Awaited, Backend, Held, Kind, SessionState, Wait};
use crate::duration::human_duration;
use crate::script::masked;

/// How much of a query is told to machines, in characters.
const QUERY_CHARACTERS: usize = 300;

/// Returns `worker as app at 10.0.0.3`.
pub(super) fn who(backend: &Backend) -> String {
    let role = backend.role.as_deref().unwrap_or("unknown role");
    let mut text = match (&backend.kind, &backend.application) {
        (Kind::Autovacuum { .. }, _) => return "autovacuum".to_owned(),
        (Kind::Prepared { .. }, _) => return format!("role {role}"),
        (_, Some(application)) => format!("{application} as {role}"),
        (_, None) => format!("role {role}"),
    };
    if let Some(client) = &backend.client {
        text.push_str(&format!(" at {client}"));
    }
    text
}

/// Returns `idle in transaction for 3 h`.
pub(super) fn state(backend: &Backend) -> String {
    let age =
        |age: Option<std::time::Duration>| age.map_or_else(String::new, |age| format!(" for {}", human_duration(age)));
    match &backend.kind {
        Kind::Prepared { gid } => return format!("prepared transaction `{gid}`{}", age(backend.in_transaction)),
        Kind::Autovacuum { wraparound: true } => {
            return format!("autovacuum to prevent wraparound{}", age(backend.in_transaction));
        }
        Kind::Autovacuum { wraparound: false } => return format!("autovacuum{}", age(backend.in_transaction)),
        Kind::Hidden => return "what it does is hidden".to_owned(),
        Kind::Client | Kind::Walsender | Kind::Other(_) => {}
    }
    match backend.state {
        Some(SessionState::Active) => format!("at work{}", age(backend.in_state)),
        Some(state) => format!("{state}{}", age(backend.in_state)),
        None => "what it does is hidden".to_owned(),
    }
}

/// Returns `ACCESS SHARE on public.a, public.b and 9 more; ROW EXCLUSIVE on public.c` of the locks that it has; nothing for none.
pub(super) fn holds(locks: &[Held], named: usize) -> Option<String> {
    let mut by_mode: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for held in locks.iter().filter(|held| held.granted) {
        by_mode.entry(held.mode).or_default().push(held.relation.to_string());
    }
    let parts: Vec<String> = by_mode
        .into_iter()
        .rev()
        .map(|(mode, names)| format!("{mode} on {}", listed(&names, named)))
        .collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Returns the first few names, and how many more there are.
pub fn listed(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Returns what somebody waits for: `ACCESS EXCLUSIVE on public.a`.
pub(super) fn awaited(wait: &Wait) -> String {
    let of = |before: &str| {
        wait.relation
            .as_ref()
            .map_or_else(String::new, |relation| format!("{before}{relation}"))
    };
    match &wait.awaited {
        Awaited::Relation => {
            let mode = wait.mode.map_or_else(|| "a lock".to_owned(), |mode| mode.to_string());
            format!("{mode}{}", of(" on "))
        }
        Awaited::Row if wait.relation.is_some() => format!("a row{}", of(" of ")),
        Awaited::Row => "a row that another transaction has changed".to_owned(),
        Awaited::OlderTransaction => match &wait.phase {
            Some(phase) => format!("older transactions, for an index{}: {phase}", of(" on ")),
            None => "older transactions to end".to_owned(),
        },
        Awaited::Advisory(key) => format!("advisory lock {key}"),
        Awaited::Other(locktype) => format!("a lock of type {locktype}{}", of(" on ")),
    }
}

/// Returns who decides about a prepared transaction, and by which statements: it belongs to a coordinator, which may still want either.
pub fn decide(gid: &str, database: Option<&str>) -> String {
    let gid = gid.replace('\'', "''");
    let place = database.map_or_else(String::new, |database| format!(", in database {database}"));
    format!("whoever prepared it decides{place}: COMMIT PREPARED '{gid}'; or ROLLBACK PREPARED '{gid}';")
}

/// Returns a session for machines. Values in its query are masked: they may be anybody's data.
pub(super) fn session_json(backend: &Backend) -> Value {
    let milliseconds = |duration: Option<std::time::Duration>| {
        duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    };
    let kind = match &backend.kind {
        Kind::Client => "client backend",
        Kind::Autovacuum { wraparound: true } => "autovacuum to prevent wraparound",
        Kind::Autovacuum { wraparound: false } => "autovacuum",
        Kind::Walsender => "walsender",
        Kind::Prepared { .. } => "prepared transaction",
        Kind::Other(name) => name,
        Kind::Hidden => "hidden",
    };
    let gid = match &backend.kind {
        Kind::Prepared { gid } => Some(gid),
        _ => None,
    };
    json!({
        "pid": backend.pid.map(|pid| pid.0),
        "gid": gid,
        "kind": kind,
        "role": backend.role,
        "application": backend.application,
        "client": backend.client,
        "state": backend.state.map(SessionState::name),
        "in_state_ms": milliseconds(backend.in_state),
        "in_transaction_ms": milliseconds(backend.in_transaction),
        "query": query(backend, QUERY_CHARACTERS),
        "holds": backend.locks.iter().filter(|held| held.granted).map(held_json).collect::<Vec<_>>(),
    })
}

fn held_json(held: &Held) -> Value {
    json!({ "relation": held.relation.to_string(), "mode": held.mode.name() })
}

/// Returns its last statement on one line, without the values in it; nothing if it is hidden or there was none.
pub(super) fn query(backend: &Backend, characters: usize) -> Option<String> {
    // What the server says to whoever may not see it begins with `<`, which no statement does.
    let query = backend
        .query
        .as_deref()
        .filter(|query| !query.is_empty() && !query.starts_with('<'))?;
    Some(masked(query.trim_end().trim_end_matches(';'), characters))
}
