//! What `audit` found.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::audit::{Allowed, Fix};
use crate::exit::Exit;
use crate::finding::{Finding, Severity};
use crate::schema::Schema;

use super::document::Document;
use super::text::{DIM, GOOD, WARNING, count, exit_of, of_severity, printable, render_findings};

/// What `audit` found, and what it passed over.
pub struct AuditReport<'a> {
    /// What was looked at.
    pub schema: &'a Schema,
    /// What counts.
    pub findings: Vec<Finding>,
    /// What rlsctl.toml allows.
    pub allowed: Vec<Allowed>,
    /// What the baseline knows.
    pub known: Vec<Finding>,
    /// How many the baseline knows that are not there any more; nothing without one.
    pub gone: Option<usize>,
    /// Where what was looked at comes from, if not from a database that is there.
    pub said: Option<String>,
    /// Whether anything is known of tenants.
    pub knows_tenants: bool,
    /// What mends it, and the files that it was written to.
    pub fixes: Option<(&'a [Fix], &'a [PathBuf])>,
}

/// Returns the findings for machines. What was looked at are the relations.
pub fn audit_document(report: &AuditReport<'_>) -> Document {
    let findings = &report.findings;
    let is_clean = of_severity(findings, Severity::Warning) == 0;
    let exit = match exit_of(findings) {
        Exit::Done if !is_clean => Exit::Findings,
        exit => exit,
    };
    let relations = &report.schema.relations;
    let mut document = Document::new("audit", exit)
        .summary("errors", of_severity(findings, Severity::Error))
        .summary("warnings", of_severity(findings, Severity::Warning))
        .summary("notes", of_severity(findings, Severity::Info))
        .summary("allowed", report.allowed.len())
        .summary("known", report.known.len())
        .summary("tenancy", report.knows_tenants)
        .summary("relations", relations.len())
        .summary(
            "policies",
            relations
                .values()
                .map(|relation| relation.policies.len())
                .sum::<usize>(),
        )
        .with("allowed", report.allowed.iter().map(allowed).collect::<Vec<_>>())
        .with("not_seen", report.schema.unseen.clone());
    if let Some(gone) = report.gone {
        document = document.summary("gone", gone);
    }
    if let Some(said) = &report.said {
        document = document.with("source", said.clone());
    }
    if let Some((fixes, paths)) = report.fixes {
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        document = document
            .with("fixes", fixes.iter().map(fix).collect::<Vec<_>>())
            .with("fix_files", paths);
    }
    document.objects = relations.values().map(|relation| relation.name.to_string()).collect();
    document.findings.clone_from(findings);
    document
}

fn allowed(allowed: &Allowed) -> Value {
    json!({
        "finding": allowed.finding,
        "reason": allowed.by.reason,
        "until": allowed.by.until.map(|day| day.to_string()),
    })
}

fn fix(fix: &Fix) -> Value {
    json!({ "code": fix.code, "object": fix.object, "sql": fix.sql })
}

/// Returns the findings for people.
pub fn audit_text(report: &AuditReport<'_>, document: &Document, width: Option<u16>) -> String {
    let findings = &document.findings;
    let mut text = folded(&render_findings(findings), width);
    if !findings.is_empty() {
        text.push('\n');
    }
    if let Some(said) = &report.said {
        text.push_str(&folded(&format!("{DIM}{}{DIM:#}\n", printable(said)), width));
    }
    text.push_str(&folded(&format!("{}\n", summary(report)), width));
    text
}

fn summary(report: &AuditReport<'_>) -> String {
    let findings = &report.findings;
    let (errors, warnings, notes) = (
        of_severity(findings, Severity::Error),
        of_severity(findings, Severity::Warning),
        of_severity(findings, Severity::Info),
    );
    let mut said = vec![format!(
        "{} looked at",
        count(report.schema.relations.len(), "relation")
    )];
    if notes > 0 {
        said.push(count(notes, "note"));
    }
    if !report.allowed.is_empty() {
        said.push(format!("{} allowed", report.allowed.len()));
    }
    if !report.known.is_empty() {
        said.push(format!("{} known to the baseline", report.known.len()));
    }
    if let Some(gone @ 1..) = report.gone {
        said.push(format!("{gone} of the baseline gone: write it anew"));
    }
    let said = said.join(", ");
    let leaks = findings.iter().any(|finding| finding.severity == Severity::Error);
    if errors + warnings > 0 {
        let (errors, warnings) = (count(errors, "error"), count(warnings, "warning"));
        return format!("{WARNING}{errors}, {warnings}{WARNING:#}, {said}");
    }
    debug_assert!(!leaks);
    let new = if report.gone.is_some() { "new " } else { "" };
    if report.knows_tenants {
        format!("{GOOD}no {new}way to another tenant's rows found{GOOD:#}, {said}")
    } else {
        format!("{GOOD}nothing {new}found that can be told without [tenancy]{GOOD:#}, {said}")
    }
}

/// Breaks lines at a terminal's width, so that what goes on stands further in; a pipe gets each in one.
fn folded(text: &str, width: Option<u16>) -> String {
    let Some(width) = width.map(usize::from).filter(|width| *width >= 40) else {
        return text.to_owned();
    };
    let mut folded = String::with_capacity(text.len() + text.len() / 20);
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let indent = " ".repeat(indent + 2);
        let mut used = 0;
        for word in line.trim_end_matches('\n').split_inclusive(' ') {
            let shown = anstream::adapter::strip_str(word).to_string();
            let length = shown.trim_end().chars().count();
            if used > 0 && used + length > width && !shown.trim().is_empty() {
                while folded.ends_with(' ') {
                    folded.pop();
                }
                folded.push('\n');
                folded.push_str(&indent);
                used = indent.len();
            }
            folded.push_str(word);
            used += shown.chars().count();
        }
        if line.ends_with('\n') {
            folded.push('\n');
        }
    }
    folded
}

/// Returns what a rule means.
pub fn rule_text(codes: &[&str], explanation: &str) -> String {
    format!("{}\n\n{explanation}\n", codes.join(", "))
}
