//! Workflow commands of GitHub Actions, which become annotations on the lines of a pull request.
//!
//! The escapes are those of `actions/toolkit`, `packages/core/src/command.ts`; that a command is also taken from the middle of a
//! log, after white space (`::`) or anything (`##[`), is in `actions/runner`, `src/Runner.Common/ActionCommand.cs`.

use crate::exit::{Excerpt, Failure};
use crate::finding::{Finding, Severity};

use super::{Told, evidence, failure_lines, sentence};

/// Returns a workflow command a finding, then how things stand in a plain line.
pub(in super::super) fn github(told: &Told<'_>) -> String {
    let mut text: String = told.findings.iter().map(annotation).collect();
    if let Some(failure) = told.failure {
        text.push_str(&failed(told, failure));
    }
    let target = told
        .target
        .map_or_else(String::new, |target| format!(" of {}", target.description));
    let line = format!("{}{target}: {}", told.title(), told.summary);
    text.push_str(&defused(&one_line(&line)));
    text.push('\n');
    text
}

fn annotation(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut properties = Vec::new();
    if let Some(location) = &finding.location {
        properties.push(("file", location.path.display().to_string()));
        properties.push(("line", location.line.to_string()));
        properties.push(("col", location.column.to_string()));
    }
    properties.push(("title", finding.code.to_owned()));
    let mut lines = vec![sentence(finding)];
    lines.extend(evidence(finding));
    if !finding.help.is_empty() {
        lines.push(format!("help: {}", super::printable(&finding.help)));
    }
    command(word, &properties, &lines.join("\n"))
}

fn failed(told: &Told<'_>, failure: &Failure) -> String {
    let mut properties = Vec::new();
    if let Some(Excerpt { path, line, column, .. }) = &failure.excerpt {
        properties.push(("file", path.display().to_string()));
        properties.push(("line", line.to_string()));
        properties.push(("col", column.to_string()));
    }
    let title = format!("{}, exit code {}", told.title(), failure.exit.code());
    properties.push(("title", title));
    command("error", &properties, &failure_lines(failure).join("\n"))
}

fn command(word: &str, properties: &[(&str, String)], message: &str) -> String {
    let properties: Vec<String> = properties
        .iter()
        .map(|(key, value)| format!("{key}={}", property(value)))
        .collect();
    format!("::{word} {}::{}\n", properties.join(","), data(message))
}

/// What ends a command's line may not stand in its message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// In a property, neither may what parts one from the next.
fn property(text: &str) -> String {
    data(&super::printable(text)).replace(':', "%3A").replace(',', "%2C")
}

fn one_line(text: &str) -> String {
    super::printable(text).replace('\n', " ")
}

/// Returns text for the log in which nothing is a workflow command: a file or a server may have words that look like one.
pub(in super::super) fn defused(text: &str) -> String {
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            let line = line.replace("##[", "## [");
            let rest = line.trim_start();
            match rest.strip_prefix("::") {
                Some(after) => format!("{}: :{after}", &line[..line.len() - rest.len()]),
                None => line,
            }
        })
        .collect();
    lines.join("\n")
}
