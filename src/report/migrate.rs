//! What `migrate` did.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::event::Blocker;
use crate::exit::Exit;
use crate::migrate::{Outcome, RunError};

use super::document::Document;
use super::text::{DIM, GOOD, count};

/// Returns an outcome for machines.
pub fn outcome_document(outcome: &Outcome, exit: Exit) -> Document {
    let applied: Vec<Value> = outcome
        .applied
        .iter()
        .map(|applied| {
            json!({
                "version": applied.version.to_string(),
                "name": applied.name,
                "duration_ms": milliseconds(applied.duration),
                "recorded_only": applied.recorded,
            })
        })
        .collect();
    let repeated: Vec<Value> = outcome
        .repeated
        .iter()
        .map(|file| json!({ "version": file.version.to_string(), "rounds": file.rounds, "rows": file.rows }))
        .collect();
    let versions =
        |versions: &[crate::migration::Version]| versions.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut document = Document::new("migrate", exit)
        .summary("applied", outcome.applied.len())
        .summary("applied_by_another_runner", outcome.elsewhere.len())
        .summary("pending", outcome.pending.len())
        .summary("total", outcome.total)
        .summary("head", outcome.head.to_string())
        .with("applied", applied)
        .with("applied_by_another_runner", versions(&outcome.elsewhere))
        .with("pending", versions(&outcome.pending))
        .with("repeated", repeated)
        .with(
            "ended_sessions",
            outcome.ended.iter().map(blocker_json).collect::<Vec<_>>(),
        );
    if let Some(RunError::Blocked { tables, blockers, .. }) = &outcome.stopped {
        let blockers: Vec<Value> = blockers.iter().map(blocker_json).collect();
        document = document.with("blocked", json!({ "tables": tables, "by": blockers }));
    }
    document.objects = outcome
        .applied
        .iter()
        .map(|applied| applied.version.to_string())
        .collect();
    document
}

/// Returns a session that is or was in the way, for machines.
fn blocker_json(blocker: &Blocker) -> Value {
    json!({
        "pid": blocker.pid,
        "gid": blocker.gid,
        "role": blocker.role,
        "application": blocker.application,
        "client": blocker.client,
        "state": blocker.state,
        "since_ms": blocker.since.map(|since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX)),
        "wanted": blocker.wants,
        "spared": blocker.spared,
    })
}

fn milliseconds(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// Returns an outcome for people: one or two lines, for the rest is on stderr.
pub fn outcome_text(outcome: &Outcome) -> String {
    let mut text = if outcome.applied.is_empty() && outcome.elsewhere.is_empty() {
        "nothing to apply".to_owned()
    } else {
        let took: std::time::Duration = outcome.applied.iter().map(|applied| applied.duration).sum();
        let took = crate::duration::human_duration(took);
        format!(
            "{GOOD}applied {}{GOOD:#} in {took}",
            count(outcome.applied.len(), "migration")
        )
    };
    let mut add = |what: String| write!(text, "{what}").expect("a String can be written to");
    if !outcome.elsewhere.is_empty() {
        add(format!("; {} by another runner", outcome.elsewhere.len()));
    }
    if !outcome.pending.is_empty() {
        add(format!("; {} still pending", outcome.pending.len()));
    }
    add(format!(
        "\nhead {} {DIM}({} applied){DIM:#}\n",
        outcome.head.short(),
        outcome.total
    ));
    text
}
