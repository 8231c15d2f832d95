//! `JUnit`'s XML, as GitLab, Jenkins and others read it: a test case for each version or object that was looked at.

use std::fmt::Write as _;

use crate::exit::Failure;
use crate::finding::{Finding, Severity};

use super::{Told, evidence, failure_lines, sentence};

/// Returns one test suite. The case of an object fails if it has findings of severity error; the others are its output. A
/// command that did not reach its end has a case of its own, with an error.
pub(in super::super) fn junit(told: &Told<'_>) -> String {
    let suite = escaped(&told.title());
    let mut cases = String::new();
    let (mut number, mut failures) = (0, 0);
    for object in objects(told) {
        let alike: Vec<&Finding> = told.findings.iter().filter(|it| it.object == object).collect();
        number += 1;
        failures += usize::from(alike.iter().any(|it| it.severity == Severity::Error));
        cases.push_str(&case(&suite, object, &alike));
    }
    let mut errors = 0;
    if let Some(failure) = told.failure {
        number += 1;
        errors = 1;
        cases.push_str(&error_case(&suite, failure));
    }
    let target = told
        .target
        .map_or_else(String::new, |target| escaped(&target.description));
    let counts = format!("tests=\"{number}\" failures=\"{failures}\" errors=\"{errors}\"");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"rlsctl\" {counts}>\n  \
         <testsuite name=\"{suite}\" {counts} skipped=\"0\">\n    \
         <properties>\n      \
         <property name=\"target\" value=\"{target}\"/>\n      \
         <property name=\"summary\" value=\"{}\"/>\n    \
         </properties>\n{cases}  </testsuite>\n</testsuites>\n",
        escaped(told.summary)
    )
}

/// Returns what was looked at, then what findings name besides, each once.
fn objects<'a>(told: &Told<'a>) -> Vec<&'a str> {
    let mut seen = std::collections::HashSet::new();
    let looked_at = told.objects.iter().map(String::as_str);
    let found = told.findings.iter().map(|finding| finding.object.as_str());
    looked_at.chain(found).filter(|object| seen.insert(*object)).collect()
}

fn case(suite: &str, object: &str, findings: &[&Finding]) -> String {
    let file = findings.iter().find_map(|finding| finding.location.as_ref());
    let file = file.map_or_else(String::new, |location| {
        let path = escaped(&location.path.display().to_string());
        format!(" file=\"{path}\" line=\"{}\"", location.line)
    });
    let open = format!(
        "    <testcase name=\"{}\" classname=\"{suite}\"{file} time=\"0\"",
        escaped(object)
    );
    if findings.is_empty() {
        return format!("{open}/>\n");
    }
    let (errors, notes): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.severity == Severity::Error);
    let mut text = format!("{open}>\n");
    if let Some(first) = errors.first() {
        let (kind, message) = (escaped(first.code), escaped(&sentence(first)));
        writeln!(
            text,
            "      <failure type=\"{kind}\" message=\"{message}\">{}</failure>",
            body(&errors)
        )
        .expect("a String can be written to");
    }
    if !notes.is_empty() {
        writeln!(text, "      <system-out>{}</system-out>", body(&notes)).expect("a String can be written to");
    }
    text.push_str("    </testcase>\n");
    text
}

fn body(findings: &[&Finding]) -> String {
    let mut lines = Vec::new();
    for finding in findings {
        lines.push(format!("[{}] {}", finding.code, sentence(finding)));
        if let Some(location) = &finding.location {
            lines.push(format!(
                "at {}:{}:{}",
                location.path.display(),
                location.line,
                location.column
            ));
        }
        lines.extend(evidence(finding));
        if !finding.help.is_empty() {
            lines.push(format!("help: {}", finding.help));
        }
    }
    escaped(&lines.join("\n"))
}

fn error_case(suite: &str, failure: &Failure) -> String {
    format!(
        "    <testcase name=\"{suite}\" classname=\"{suite}\" time=\"0\">\n      \
         <error type=\"exit code {}\" message=\"{}\">{}</error>\n    </testcase>\n",
        failure.exit.code(),
        escaped(&failure.what),
        escaped(&failure_lines(failure).join("\n"))
    )
}

/// Returns text for an element or an attribute. What XML 1.0 has no way to write is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in super::printable(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            char::REPLACEMENT_CHARACTER | '\u{fffe}' | '\u{ffff}' => {}
            other => out.push(other),
        }
    }
    out
}
