//! What `reap-idle` ended, what it left alone, and what it could not end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::activity::{Backend, Kind, Spared};
use crate::exit::{Exit, Failure};
use crate::finding::Finding;
use crate::reap::{Left, NotEnded, Outcome};

use super::document::{Document, TargetInfo};
use super::fold::folded;
use super::line::Line;
use super::session::{decide, holds, query, session_json, state, who};
use super::text::{DIM, ERROR, GOOD, WARNING, count};

/// How many tables are named.
const NAMED: usize = 4;
/// How much of a query is shown.
const QUERY_CHARACTERS: usize = 100;

/// One database, and what came of it.
#[derive(Debug)]
pub struct Reaped {
    /// The database, for people.
    pub target: TargetInfo,
    /// Its name.
    pub database: String,
    /// The role that acts, as it is written in a GRANT; empty if that was not found out.
    pub role: String,
    /// What was done, or why nothing could be.
    pub result: Result<Outcome, Failure>,
    /// How long it took.
    pub duration: Duration,
}

impl Reaped {
    /// Returns what it is called where there are several.
    pub fn label(&self) -> String {
        match &self.target.name {
            Some(name) if self.database.is_empty() => name.clone(),
            Some(name) => format!("{name}/{}", self.database),
            None => self.target.description.clone(),
        }
    }

    /// Returns how it ended for this database.
    pub fn exit(&self) -> Exit {
        match &self.result {
            Err(failure) => failure.exit,
            Ok(outcome) if outcome.stopped.is_some() => Exit::Environment,
            Ok(outcome) if !outcome.not_ended.is_empty() => Exit::Findings,
            Ok(_) => Exit::Done,
        }
    }
}

/// Returns a line for each session, of each database; those that were left alone only if `verbose`.
pub fn reap_text(all: &[Reaped], verbose: bool) -> String {
    let mut text = String::new();
    for reaped in all {
        let Ok(outcome) = &reaped.result else { continue };
        let prefix = if all.len() > 1 {
            format!("{}: ", reaped.label())
        } else {
            String::new()
        };
        let mut line = |style: anstyle::Style, word: &str, rest: String| {
            let line = Line::default()
                .styled(DIM, &prefix)
                .styled(style, word)
                .plain(format!(" {rest}"));
            text.push_str(&line.render(None));
        };
        let (style, word) = if outcome.dry_run {
            (WARNING, "would end")
        } else {
            (GOOD, "ended")
        };
        for backend in &outcome.ended {
            line(style, word, in_full(backend));
        }
        for (backend, why) in &outcome.not_ended {
            line(ERROR, "not ended", format!("{}; {}", in_full(backend), not_ended(why)));
        }
        for backend in &outcome.prepared {
            line(
                WARNING,
                "not ended",
                format!("{}; {}", in_full(backend), decision(backend, &reaped.database)),
            );
        }
        for (backend, left) in outcome.spared.iter().filter(|_| verbose) {
            line(DIM, "spared", format!("{}; {left}", in_full(backend)));
        }
    }
    match super::ui::stdout_width() {
        Some(width) => folded(&text, width.into()),
        None => text,
    }
}

fn in_full(backend: &Backend) -> String {
    let pid = backend.pid.map_or_else(String::new, |pid| format!("{pid} "));
    let mut text = format!("{pid}{}, {}", state(backend), who(backend));
    if let Some(holds) = holds(&backend.locks, NAMED) {
        text.push_str(&format!("; it has {holds}"));
    }
    if let Some(query) = query(backend, QUERY_CHARACTERS) {
        text.push_str(&format!("; last: {query}"));
    }
    text
}

fn not_ended(why: &NotEnded) -> String {
    match why {
        NotEnded::Refused(spared) => spared.to_string(),
        NotEnded::Going => "it was told to end, and 5 s later it was still there".to_owned(),
    }
}

fn decision(backend: &Backend, database: &str) -> String {
    match &backend.kind {
        Kind::Prepared { gid } => decide(gid, Some(database)),
        _ => String::new(),
    }
}

/// Returns what a person should look at: errors for sessions that were due and are still there, warnings for prepared transactions.
pub fn reap_findings(all: &[Reaped]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for reaped in all {
        let Ok(outcome) = &reaped.result else { continue };
        for (backend, why) in &outcome.not_ended {
            let object = backend.pid.map_or_else(String::new, |pid| pid.to_string());
            let message = format!("{}, {}: {}", state(backend), who(backend), not_ended(why));
            findings.push(
                Finding::error("reap.not-ended", object, message, help(why, &reaped.role))
                    .evidence("target", reaped.label())
                    .evidence("session", session_json(backend)),
            );
        }
        for backend in &outcome.prepared {
            let Kind::Prepared { gid } = &backend.kind else {
                continue;
            };
            let mut finding = Finding::error(
                "reap.prepared",
                gid,
                state(backend),
                decision(backend, &reaped.database),
            );
            finding.severity = crate::finding::Severity::Warning;
            findings.push(
                finding
                    .evidence("target", reaped.label())
                    .evidence("session", session_json(backend)),
            );
        }
    }
    findings
}

fn help(why: &NotEnded, role: &str) -> String {
    match why {
        NotEnded::Refused(Spared::NotGranted) => format!("GRANT pg_signal_backend TO {role};"),
        NotEnded::Refused(_) => "run it as a superuser for this one, or ask who owns it".to_owned(),
        NotEnded::Going => "look what its process waits for: `rlsctl blockers`, and the server's log".to_owned(),
    }
}

/// Returns all of it for machines.
pub fn reap_document(all: &[Reaped], exit: Exit) -> Document {
    let outcomes = || all.iter().filter_map(|reaped| reaped.result.as_ref().ok());
    let sum = |number: fn(&Outcome) -> usize| outcomes().map(number).sum::<usize>();
    let is_dry_run = outcomes().any(|outcome| outcome.dry_run);
    let mut document = Document::new("reap-idle", exit)
        .summary("databases", all.len())
        .summary("not_looked_at", all.len() - outcomes().count())
        .summary("sessions", sum(|outcome| outcome.seen))
        .summary(
            "ended",
            if is_dry_run {
                0
            } else {
                sum(|outcome| outcome.ended.len())
            },
        )
        .summary(
            "would_end",
            if is_dry_run {
                sum(|outcome| outcome.ended.len())
            } else {
                0
            },
        )
        .summary("not_ended", sum(|outcome| outcome.not_ended.len()))
        .summary("spared", sum(|outcome| outcome.spared.len()))
        .summary("prepared", sum(|outcome| outcome.prepared.len()))
        .with("dry_run", is_dry_run)
        .with("databases", all.iter().map(database_json).collect::<Vec<_>>());
    if let [only] = all {
        document.target = Some(only.target.clone());
    }
    document.findings = reap_findings(all);
    document
}

fn database_json(reaped: &Reaped) -> Value {
    let empty = Outcome::default();
    let outcome = reaped.result.as_ref().unwrap_or(&empty);
    let with = |backend: &Backend, why: String| {
        let mut session = session_json(backend);
        session["why"] = why.into();
        session
    };
    let failed = reaped.result.as_ref().err().map(Failure::on_one_line);
    let stopped = outcome.stopped.as_ref().map(ToString::to_string);
    json!({
        "target": reaped.target,
        "database": reaped.database,
        "exit_code": reaped.exit().code(),
        "failed": failed.or(stopped),
        "not_reached": outcome.not_reached,
        "ended": outcome.ended.iter().map(session_json).collect::<Vec<_>>(),
        "not_ended": outcome.not_ended.iter().map(|(backend, why)| with(backend, not_ended(why))).collect::<Vec<_>>(),
        "spared": outcome.spared.iter().map(|(backend, left)| with(backend, left.to_string())).collect::<Vec<_>>(),
        "prepared": outcome.prepared.iter().map(session_json).collect::<Vec<_>>(),
        "notes": outcome.notes,
    })
}

/// Returns the whole in one line, for stderr.
pub fn reap_summary(all: &[Reaped]) -> String {
    let outcomes = || all.iter().filter_map(|reaped| reaped.result.as_ref().ok());
    let sum = |number: fn(&Outcome) -> usize| outcomes().map(number).sum::<usize>();
    let over = sum(|outcome| {
        outcome
            .spared
            .iter()
            .filter(|(_, left)| *left == Left::OverLimit)
            .count()
    });
    let word = if outcomes().any(|outcome| outcome.dry_run) {
        "would end"
    } else {
        "ended"
    };
    let mut text = format!(
        "{word} {} of {}",
        sum(|outcome| outcome.ended.len()),
        count(sum(|outcome| outcome.seen), "session"),
    );
    let spared = sum(|outcome| outcome.spared.len());
    if spared > 0 {
        text.push_str(&format!(", left {spared} alone that are idle in a transaction"));
    }
    if over > 0 {
        text.push_str(&format!(", {over} of them over the limit"));
    }
    let prepared = sum(|outcome| outcome.prepared.len());
    if prepared > 0 {
        text.push_str(&format!("; not ended: {}", count(prepared, "prepared transaction")));
    }
    text
}
