//! What `audit` found.

use crate::exit::Exit;
use crate::finding::{Finding, Severity};
use crate::schema::Schema;

use super::document::Document;
use super::text::{GOOD, WARNING, count, exit_of, of_severity, render_findings};

/// Returns the findings for machines. What was looked at are the relations.
pub fn audit_document(schema: &Schema, findings: Vec<Finding>) -> Document {
    let is_clean = of_severity(&findings, Severity::Warning) == 0;
    let exit = match exit_of(&findings) {
        Exit::Done if !is_clean => Exit::Findings,
        exit => exit,
    };
    let mut document = Document::new("audit", exit)
        .summary("errors", of_severity(&findings, Severity::Error))
        .summary("warnings", of_severity(&findings, Severity::Warning))
        .summary("notes", of_severity(&findings, Severity::Info))
        .summary("relations", schema.relations.len())
        .summary(
            "policies",
            schema
                .relations
                .values()
                .map(|relation| relation.policies.len())
                .sum::<usize>(),
        );
    document.objects = schema
        .relations
        .values()
        .map(|relation| relation.name.to_string())
        .collect();
    document.findings = findings;
    document
}

/// Returns the findings for people.
pub fn audit_text(document: &Document) -> String {
    let findings = &document.findings;
    let mut text = render_findings(findings);
    if !findings.is_empty() {
        text.push('\n');
    }
    let (errors, warnings, notes) = (
        of_severity(findings, Severity::Error),
        of_severity(findings, Severity::Warning),
        of_severity(findings, Severity::Info),
    );
    let looked_at = format!("{} looked at", count(document.objects.len(), "relation"));
    let notes = if notes == 0 {
        String::new()
    } else {
        format!(", {}", count(notes, "note"))
    };
    text.push_str(&if errors + warnings == 0 {
        format!("{GOOD}no way to another tenant's rows found{GOOD:#}, {looked_at}{notes}\n")
    } else {
        format!(
            "{WARNING}{}, {}{WARNING:#}, {looked_at}{notes}\n",
            count(errors, "error"),
            count(warnings, "warning")
        )
    });
    text
}

/// Returns what a rule means.
pub fn rule_text(codes: &[&str], explanation: &str) -> String {
    format!("{}\n\n{explanation}\n", codes.join(", "))
}
