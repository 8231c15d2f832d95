//! Where a target stands.

use serde_json::{Value, json};

use crate::exit::Exit;
use crate::finding::{Finding, Severity};
use crate::migration::{Head, Version};

use super::document::Document;
use super::text::{DIM, GOOD, WARNING, count, exit_of, of_severity, printable, render_findings};

/// How many pending files are listed before the rest is only counted.
const LISTED: usize = 15;

/// Where a target stands.
#[derive(Clone, Debug)]
pub struct Standing {
    /// How many migrations are applied.
    pub applied: usize,
    /// The newest of them.
    pub newest: Option<Version>,
    /// The head over them; `None` without a ledger.
    pub head: Option<Head>,
    /// What is pending: version and name.
    pub pending: Vec<(Version, String)>,
    /// Pending baselines: version, what each stands for, and whether that is applied, so that it will be recorded and not run.
    pub baselines: Vec<(Version, String, bool)>,
    /// What is half applied, by version.
    pub unfinished: Vec<Version>,
    /// Every version that has a file or is applied, in order.
    pub versions: Vec<Version>,
    /// What files and ledger disagree about.
    pub findings: Vec<Finding>,
    /// Other tools' ledgers in the database, `schema.table`.
    pub other_ledgers: Vec<String>,
    /// The folder and its layout.
    pub folder: String,
    /// `host/db as role`.
    pub target: String,
}

impl Standing {
    /// Returns the exit code: findings of severity error are findings, pending files are not.
    pub fn exit(&self) -> Exit {
        exit_of(&self.findings)
    }
}

/// Returns a standing for machines.
pub fn status_document(standing: &Standing) -> Document {
    let pending: Vec<Value> = standing
        .pending
        .iter()
        .map(|(version, name)| json!({ "version": version.to_string(), "name": name }))
        .collect();
    let baselines: Vec<Value> = standing
        .baselines
        .iter()
        .map(|(version, stands_for, recorded)| {
            json!({ "version": version.to_string(), "stands_for": stands_for, "recorded_only": recorded })
        })
        .collect();
    let unfinished: Vec<String> = standing.unfinished.iter().map(ToString::to_string).collect();
    let mut document = Document::new("status", standing.exit())
        .summary("applied", standing.applied)
        .summary("pending", standing.pending.len())
        .summary("drifted", of_severity(&standing.findings, Severity::Error))
        .summary("cosmetic", of_severity(&standing.findings, Severity::Info))
        .summary("head", standing.head.as_ref().map(ToString::to_string))
        .summary("newest", standing.newest.as_ref().map(ToString::to_string))
        .with("baselines", baselines)
        .with("other_ledgers", standing.other_ledgers.clone())
        .with("pending", pending)
        .with("unfinished", unfinished);
    document.findings.clone_from(&standing.findings);
    document.objects = standing.versions.iter().map(ToString::to_string).collect();
    document
}

/// Returns a standing for people.
pub fn status_text(standing: &Standing) -> String {
    let mut text = format!("{DIM}target {DIM:#} {}\n", printable(&standing.target));
    let mut line = |head: &str, body: String| text.push_str(&format!("{DIM}{head:<7}{DIM:#} {body}\n"));
    line("files", printable(&standing.folder));
    match &standing.head {
        None => line("head", "no ledger: rlsctl has not run here yet".to_owned()),
        Some(head) => line("head", format!("{GOOD}{}{GOOD:#}", head.short())),
    }
    for table in &standing.other_ledgers {
        let hint = "`rlsctl adopt` takes it over";
        line(
            "",
            format!("another tool's ledger is here: {}; {hint}", printable(table)),
        );
    }
    let newest = standing
        .newest
        .as_ref()
        .map_or_else(String::new, |newest| format!(", newest {newest}"));
    line("applied", format!("{}{newest}", standing.applied));
    line("pending", standing.pending.len().to_string());
    for (version, name) in standing.pending.iter().take(LISTED) {
        line("", format!("{version} {}", printable(name)));
    }
    if standing.pending.len() > LISTED {
        line("", format!("and {} more", standing.pending.len() - LISTED));
    }
    for (version, stands_for, recorded) in &standing.baselines {
        let done = if *recorded {
            "which are applied: recorded, not run"
        } else {
            "of which none may be applied for it to run"
        };
        line("", format!("{version} stands for {stands_for}, {done}"));
    }
    for version in &standing.unfinished {
        line(
            "half",
            format!("{WARNING}{version} is half applied{WARNING:#}; `rlsctl migrate` goes on from there"),
        );
    }
    if !standing.findings.is_empty() {
        text.push_str(&format!("\n{}\n", count(standing.findings.len(), "finding")));
        text.push_str(&render_findings(&standing.findings));
    }
    text
}
