//! What an outcome means.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::exit::ServerError;
use crate::schema::{Kind, Relation, Schema};

use super::probe::{Aim, Outcome, Probe};
use super::reads::{Stage, cached_script};
use super::sample::Print;
use super::text::{ROW, columns, ident, literal, qualified};
use super::verdict::{Deed, Ruling, Tier, Verdict};

/// What makes a run wait for another one; it is worth another try.
const CONFLICTS: [&str; 3] = ["40001", "40P01", "55P03"];

/// Tells whether an outcome says nothing because somebody else wrote at the same moment.
pub(super) fn is_conflict(outcome: &Outcome) -> bool {
    outcome
        .error
        .as_ref()
        .is_some_and(|error| CONFLICTS.contains(&error.sqlstate.as_str()))
}

/// Returns a ruling without evidence.
pub(super) fn ruling(object: String, probe: &Probe, verdict: Verdict, reason: impl Into<String>) -> Ruling {
    Ruling {
        object,
        role: probe.role.clone(),
        command: probe.deed,
        session: probe.standing.name(),
        verdict,
        tier: Tier::Dynamic,
        reason: reason.into(),
        evidence: BTreeMap::new(),
        script: None,
    }
}

/// Judges an attempt on a relation. `redact` masks values of rows, but for the columns that say whose they are.
pub(super) fn judge(stage: &Stage<'_>, probe: &Probe, outcome: &Outcome, redact: bool) -> Ruling {
    let object = stage.subject.name.to_string();
    let say = |verdict: Verdict, reason: String| ruling(object.clone(), probe, verdict, reason);
    let ruling = if outcome.acting.is_none() {
        let why = outcome.error.as_ref().map_or_else(String::new, words);
        return say(Verdict::Unknown, format!("the session could not begin: {why}"));
    } else if outcome.acting.as_deref() != Some(probe.role.as_str()) {
        let acting = outcome.acting.as_deref().unwrap_or_default();
        return say(
            Verdict::Unknown,
            format!("the session acts as {acting} and not as {}", probe.role),
        );
    } else if let Some(error) = &outcome.error {
        refused(stage, probe, outcome, error, &say)
    } else if probe.aim == Aim::See {
        saw(stage, probe, outcome, redact, &say)
    } else {
        wrote(stage, probe, outcome, &say)
    };
    if ruling.verdict != Verdict::Leak {
        return ruling;
    }
    let whose = stage.subject.whose.sql();
    let tenant = literal(&stage.other.tenant);
    let table = qualified(&stage.subject.name).to_string();
    let row = outcome.seen.first().map(|(kind, row)| (kind.as_str(), row.as_str()));
    let shown = row.and_then(|row| shortest(stage, probe, row, redact));
    let script = probe.script(
        &table,
        whose.as_deref().map(|whose| (whose, tenant.as_str())),
        shown.as_deref(),
    );
    let script = if redact { masked(stage, &script) } else { script };
    Ruling {
        script: Some(script),
        ..ruling
    }
}

/// A script without values of the other tenant's row, but for the tenants themselves.
fn masked(stage: &Stage<'_>, script: &str) -> String {
    let tenants = [&stage.one.tenant, &stage.other.tenant];
    let mut values: Vec<String> = stage
        .sample
        .theirs
        .iter()
        .chain(&stage.sample.ours)
        .flatten()
        .cloned()
        .collect();
    values.retain(|value| !tenants.contains(&value));
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values.iter().fold(script.to_owned(), |script, value| {
        script.replace(&literal(value), "'***'")
    })
}

/// The query that shows one row that was seen: by its key, if it has one, or by what says whose it is.
fn shortest(stage: &Stage<'_>, probe: &Probe, (kind, row): (&str, &str), redact: bool) -> Option<String> {
    if probe.standing == super::says::Standing::Cached {
        return cached_script(stage);
    }
    if probe.standing == super::says::Standing::Shadowed {
        return None;
    }
    let table = qualified(&stage.subject.name);
    let columns = columns(stage.rights.select.iter().map(String::as_str));
    let row: Value = serde_json::from_str(row).ok()?;
    let key = stage
        .relation()
        .primary_key()
        .map(|key| key.columns.as_slice())
        .unwrap_or_default();
    let cells: Option<Vec<String>> = key
        .iter()
        .map(|name| {
            let cell = row.get(name)?;
            let text = cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
            Some(format!("{ROW}.{} = {}", ident(name), literal(&text)))
        })
        .collect();
    let condition = match (
        cells.filter(|cells| !cells.is_empty() && !redact),
        stage.subject.whose.sql(),
    ) {
        (Some(cells), _) => cells.join(" and "),
        (None, Some(whose)) if kind == "null" => format!("{whose} is null"),
        (None, Some(whose)) => format!("{whose} = {}", literal(&stage.other.tenant)),
        (None, None) => "true".to_owned(),
    };
    Some(format!("select {columns} from {table} {ROW} where {condition}"))
}

fn words(error: &ServerError) -> String {
    format!("{} (SQLSTATE {})", error.message, error.sqlstate)
}

type Say<'a> = dyn Fn(Verdict, String) -> Ruling + 'a;

/// What the server refuses is held back where row security or a privilege refused it; all else may have other reasons.
fn refused(stage: &Stage<'_>, probe: &Probe, outcome: &Outcome, error: &ServerError, say: &Say<'_>) -> Ruling {
    let code = error.sqlstate.as_str();
    let is_shadowed = probe.standing == super::says::Standing::Shadowed;
    let is_vague = probe.standing.is_nobody() || matches!(probe.standing, super::says::Standing::Value(_));
    let ruling = if outcome.is_done {
        say(
            Verdict::Unknown,
            format!(
                "it was accepted, and what came of it could not be looked at: {}",
                words(error)
            ),
        )
    } else if code == "42501" {
        say(Verdict::Proven, "refused by row security or a privilege".to_owned())
    } else if code == "55000" && probe.aim != Aim::See {
        say(Verdict::Proven, "refused: it cannot be written through".to_owned())
    } else if is_vague && (code.starts_with("22") || code == "42704") {
        say(
            Verdict::Proven,
            format!("the session is refused altogether: {}", words(error)),
        )
    } else if is_shadowed && code != "57014" {
        say(Verdict::Proven, format!("refused: {}", words(error)))
    } else if code == "57014" {
        let took = crate::duration::human_duration(outcome.took);
        say(Verdict::Unknown, format!("it was stopped after {took}"))
    } else if code == "55P03" {
        say(
            Verdict::Unknown,
            "a lock was not to be had: somebody else is writing there".to_owned(),
        )
    } else if code == "23505" && probe.aim == Aim::Make && names_tenants(stage) {
        say(
            Verdict::Proven,
            "its key is the tenant itself, so that there is no second row of one".to_owned(),
        )
    } else if code == "23502" && probe.aim == Aim::Make && names_column(stage, error) {
        say(Verdict::Proven, "refused: the row would have had no tenant".to_owned())
    } else if code.starts_with("23") && probe.aim != Aim::See {
        say(
            Verdict::Unknown,
            format!(
                "no policy stopped it, a constraint did, which may not stop another row: {}",
                words(error)
            ),
        )
    } else {
        say(Verdict::Unknown, words(error))
    };
    ruling.evidence("sqlstate", code)
}

/// Tells whether the server speaks of the column that says whose a row is; in any language it stands in the message.
fn names_column(stage: &Stage<'_>, error: &ServerError) -> bool {
    let column = stage.subject.whose.column();
    column.is_some_and(|column| error.message.contains(&format!("\"{column}\"")))
}

/// Tells whether the relation is the table of the tenants.
fn names_tenants(stage: &Stage<'_>) -> bool {
    let column = stage.subject.whose.column();
    stage
        .relation()
        .keys
        .iter()
        .any(|key| key.columns.iter().map(String::as_str).eq(column))
}

fn saw(stage: &Stage<'_>, probe: &Probe, outcome: &Outcome, redact: bool, say: &Say<'_>) -> Ruling {
    let Some((kind, row)) = outcome.seen.first() else {
        let control = stage.sample.prints.get(&stage.subject.oid).map(|print| print.rows);
        let ruling = say(Verdict::Proven, "no row of another tenant is seen".to_owned());
        return match control {
            Some(rows) => ruling.evidence("rows_of_the_other", rows),
            None => ruling,
        };
    };
    let what = match (kind.as_str(), probe.standing.is_nobody()) {
        ("null", _) => "sees a row that has no tenant",
        (_, true) => "sees rows though it is nobody's session",
        _ => "sees a row of another tenant",
    };
    let reason = why(stage.schema, stage.relation(), &probe.role, Deed::Select);
    let ruling = say(Verdict::Leak, format!("{what}{reason}"));
    let ruling = ruling.evidence("row", shown(stage, row, redact));
    match &probe.standing {
        super::says::Standing::Value(value) => ruling.evidence("session_value", value.as_str()),
        _ => ruling,
    }
}

/// Returns a row, with its values masked where that is asked for.
fn shown(stage: &Stage<'_>, row: &str, redact: bool) -> Value {
    let mut value: Value = serde_json::from_str(row).unwrap_or_else(|_| row.into());
    if let (true, Some(cells)) = (redact, value.as_object_mut()) {
        for (name, cell) in cells {
            if stage.subject.whose.column() != Some(name) {
                *cell = "***".into();
            }
        }
    }
    value
}

fn wrote(stage: &Stage<'_>, probe: &Probe, outcome: &Outcome, say: &Say<'_>) -> Ruling {
    let watched = stage.sample.prints.iter();
    let changed: Vec<(&crate::activity::Oid, &Print)> = watched
        .filter(|(oid, before)| outcome.prints.get(oid) != Some(before))
        .collect();
    let Some((oid, before)) = changed.first() else {
        let rows: u64 = stage.sample.prints.values().map(|print| print.rows).sum();
        if rows == 0 {
            return say(
                Verdict::Unknown,
                "the other tenant has no row that could have changed".to_owned(),
            );
        }
        let reason = match probe.aim {
            Aim::Make | Aim::Give => "accepted, but no row became the other tenant's",
            _ => "accepted, but no row of the other tenant is another than before",
        };
        return say(Verdict::Proven, reason.to_owned()).evidence("rows_of_the_other", rows);
    };
    let after = outcome.prints.get(oid).cloned().unwrap_or_default();
    let what = match probe.aim {
        Aim::Make => "makes a row for another tenant",
        Aim::Take => "takes another tenant's rows for its own",
        Aim::Give => "gives its rows to another tenant",
        Aim::Delete => "deletes another tenant's rows",
        Aim::Change | Aim::See => "changes another tenant's rows",
    };
    let along = if **oid == stage.subject.oid {
        String::new()
    } else {
        let name = stage
            .schema
            .relations
            .get(oid)
            .map_or_else(String::new, |it| it.name.to_string());
        format!(", in {name}")
    };
    let reason = why(stage.schema, stage.relation(), &probe.role, probe.deed);
    say(Verdict::Leak, format!("{what}{along}{reason}"))
        .evidence("rows_before", before.rows)
        .evidence("rows_after", after.rows)
}

/// Returns why no policy held it back, as far as the catalog says; empty where the policies themselves are too wide.
pub(super) fn why(schema: &Schema, relation: &Relation, role: &str, deed: Deed) -> String {
    let is = |test: fn(&crate::schema::Role) -> bool| schema.roles.get(role).is_some_and(test);
    if is(|role| role.is_superuser) {
        return format!(": {role} is a superuser, whom no policy binds");
    }
    if is(|role| role.bypasses_row_security) {
        return format!(": {role} has BYPASSRLS");
    }
    match relation.kind {
        Kind::View if !relation.is_security_invoker() => {
            return format!(": the view asks with the rights of its owner, {}", relation.owner);
        }
        Kind::View => return String::new(),
        Kind::MaterializedView => return ": a materialized view has no row security".to_owned(),
        Kind::Foreign => return ": a foreign table has no row security".to_owned(),
        Kind::Table | Kind::Partitioned => {}
    }
    if !relation.row_security {
        return ": row security is off".to_owned();
    }
    if !schema.binds(relation, role) {
        return format!(
            ": {role} has the rights of the owner, {}, and row security is not forced",
            relation.owner
        );
    }
    let word = deed.word();
    format!(": its policies for {word} let it pass")
}
