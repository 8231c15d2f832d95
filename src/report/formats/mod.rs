//! Findings in the formats that pipelines read. Each is one pure function from what is told to text.

mod github;
mod junit;
mod markdown;
mod sarif;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::exit::{Exit, Failure};
use crate::finding::{Finding, Severity};

use super::document::{Document, TargetInfo};
use super::text::{count, of_severity, printable, short_hash};

pub(super) use github::{defused, github};
pub(super) use junit::junit;
pub(super) use markdown::markdown;
pub(super) use sarif::sarif;

/// What a command has to say, in every format.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    /// The command.
    pub(super) command: &'a str,
    /// The database it worked on.
    pub(super) target: Option<&'a TargetInfo>,
    /// In one line, how things stand.
    pub(super) summary: &'a str,
    /// The versions or objects that were looked at, whether or not something is wrong with them.
    pub(super) objects: &'a [String],
    /// What is wrong.
    pub(super) findings: &'a [Finding],
    /// How it ended.
    pub(super) exit: Exit,
    /// Why it did not reach its end.
    pub(super) failure: Option<&'a Failure>,
}

impl<'a> Told<'a> {
    /// Returns what a document and a failure tell; `summary` is the document's, from [`summary`].
    pub(super) fn new(document: &'a Document, summary: &'a str, failure: Option<&'a Failure>) -> Self {
        Self {
            command: document.command,
            target: document.target.as_ref(),
            summary,
            objects: &document.objects,
            findings: &document.findings,
            exit: failure.map_or(document.exit, |failure| failure.exit),
            failure,
        }
    }

    /// `rlsctl status`.
    fn title(&self) -> String {
        format!("rlsctl {}", self.command)
    }
}

/// Returns how things stand in one line: how many findings of which weight, then the document's own counts and names.
pub(super) fn summary(document: &Document) -> String {
    let of = |severity: Severity, noun: &str| match of_severity(&document.findings, severity) {
        0 => None,
        number => Some(count(number, noun)),
    };
    let found = [
        of(Severity::Error, "error"),
        of(Severity::Warning, "warning"),
        of(Severity::Info, "note"),
    ];
    let found: Vec<String> = found.into_iter().flatten().collect();
    let mut text = if found.is_empty() {
        "no findings".to_owned()
    } else {
        found.join(", ")
    };
    let own: Vec<String> = document
        .summary
        .iter()
        .filter_map(|(key, value)| Some(format!("{} {}", key.replace('_', " "), in_words(value)?)))
        .collect();
    if !own.is_empty() {
        text.push_str(&format!("; {}", own.join(", ")));
    }
    text
}

fn in_words(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(short_hash(&printable(text))),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns what is wrong with which object, as one sentence.
fn sentence(finding: &Finding) -> String {
    printable(&format!("{} {}", finding.object, finding.message))
}

/// Returns what a finding was seen by, a line each.
fn evidence(finding: &Finding) -> impl Iterator<Item = String> + '_ {
    finding.evidence.iter().map(|(key, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), short_hash);
        format!("{}: {}", key.replace('_', " "), printable(&value))
    })
}

/// Returns why a command did not reach its end, from what happened to what to do, a line each.
fn failure_lines(failure: &Failure) -> Vec<String> {
    let mut lines = vec![failure.what.clone()];
    lines.extend(failure.causes.iter().map(|cause| format!("because: {cause}")));
    if let Some(server) = &failure.server {
        lines.push(format!("SQLSTATE {}: {}", server.sqlstate, server.message));
        lines.extend(server.detail.iter().map(|detail| format!("detail: {detail}")));
        lines.extend(server.hint.iter().map(|hint| format!("hint: {hint}")));
    }
    lines.extend(failure.state.iter().map(|state| format!("state: {state}")));
    lines.extend(failure.hints.iter().map(|hint| format!("next: {hint}")));
    lines.iter().map(|line| printable(line)).collect()
}
