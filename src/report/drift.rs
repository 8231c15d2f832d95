//! What `drift-check` found.

use std::path::PathBuf;

use serde_json::json;

use crate::exit::Exit;
use crate::finding::{Finding, Severity};
use crate::migration::{Head, Version};

use super::difference::{Comparison, difference_table};
use super::document::Document;
use super::text::{DIM, GOOD, WARNING, count, exit_of, of_severity, printable, render_findings};

/// One database's ledger, in short.
#[derive(Clone, Debug)]
pub struct LedgerSide {
    /// `host/db as role`.
    pub description: String,
    /// How many migrations are applied.
    pub applied: usize,
    /// The newest of them.
    pub newest: Option<Version>,
    /// The head over them; `None` without a ledger.
    pub head: Option<Head>,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug)]
pub struct DriftReport {
    /// The folder and its layout.
    pub folder: String,
    /// The head over the files that are applied or would be.
    pub head_of_files: Head,
    /// The target.
    pub target: LedgerSide,
    /// The other database, with `--against`, and what of the two ledgers differs.
    pub against: Option<(LedgerSide, Comparison)>,
    /// What was said about the catalog, a line for each leg that looked at it.
    pub catalog: Vec<String>,
    /// The files that were written back.
    pub wrote: Vec<PathBuf>,
    /// Every version and object that was looked at.
    pub looked_at: Vec<String>,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl DriftReport {
    /// Returns the exit code: a finding of severity error is drift.
    pub fn exit(&self) -> Exit {
        exit_of(&self.findings)
    }
}

/// Returns a report for machines, without [`DriftReport::looked_at`], of which there may be tens of thousands: they are not copied.
pub fn drift_document(report: &DriftReport) -> Document {
    let side = |side: &LedgerSide| {
        json!({
            "description": side.description,
            "applied": side.applied,
            "newest": side.newest.as_ref().map(ToString::to_string),
            "head": side.head.as_ref().map(ToString::to_string),
        })
    };
    let wrote: Vec<String> = report.wrote.iter().map(|path| path.display().to_string()).collect();
    let mut document = Document::new("drift-check", report.exit())
        .summary("errors", of_severity(&report.findings, Severity::Error))
        .summary("notes", of_severity(&report.findings, Severity::Info))
        .summary("applied", report.target.applied)
        .summary("newest", report.target.newest.as_ref().map(ToString::to_string))
        .summary("head", report.target.head.as_ref().map(ToString::to_string))
        .summary("head_of_files", report.head_of_files.to_string())
        .with("against", report.against.as_ref().map(|(other, _)| side(other)))
        .with("catalog", report.catalog.clone())
        .with("wrote", wrote);
    document.findings.clone_from(&report.findings);
    document
}

/// Returns a report for people: heads first, then only what differs.
pub fn drift_text(report: &DriftReport) -> String {
    let mut text = String::new();
    let mut line = |head: &str, body: &str| text.push_str(&format!("{DIM}{head:<7}{DIM:#} {body}\n"));
    line(
        "files",
        &format!("{} {}", report.head_of_files.short(), printable(&report.folder)),
    );
    line("ledger", &in_short(&report.target));
    if let Some((other, _)) = &report.against {
        line("against", &in_short(other));
    }
    for said in &report.catalog {
        line("catalog", &printable(said));
    }
    for path in &report.wrote {
        line("wrote", &printable(&path.display().to_string()));
    }
    if let Some((_, comparison)) = &report.against {
        text.push_str(&format!("\n{}", difference_table(comparison)));
    }
    if !report.findings.is_empty() {
        text.push_str(&format!("\n{}", render_findings(&report.findings)));
    }
    let (errors, notes) = (
        of_severity(&report.findings, Severity::Error),
        of_severity(&report.findings, Severity::Info),
    );
    let notes = if notes == 0 {
        String::new()
    } else {
        format!(", {}", count(notes, "note"))
    };
    text.push_str(&if errors == 0 {
        format!("{GOOD}no drift{GOOD:#}{notes}\n")
    } else {
        format!("{WARNING}drift{WARNING:#}: {}{notes}\n", count(errors, "finding"))
    });
    text
}

fn in_short(side: &LedgerSide) -> String {
    let head = side.head.as_ref().map_or_else(|| "none".to_owned(), Head::short);
    let newest = side
        .newest
        .as_ref()
        .map_or_else(String::new, |newest| format!(", newest {newest}"));
    format!(
        "{head} {} ({} applied{newest})",
        printable(&side.description),
        side.applied
    )
}
