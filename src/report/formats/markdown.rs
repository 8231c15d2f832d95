//! A table for a comment on a pull request.

use crate::finding::{Finding, Severity};

use super::{Told, failure_lines};

/// A comment on GitHub holds 65,536 characters, on GitLab more.
const LENGTH: usize = 60_000;

/// Returns a heading, how things stand, and a table of what was found, as long as a comment may be.
pub(in super::super) fn markdown(told: &Told<'_>) -> String {
    let mut text = format!("### {}\n\n", escaped(&told.title()));
    if let Some(target) = told.target {
        text.push_str(&format!("{}\n\n", escaped(&target.description)));
    }
    if let Some(failure) = told.failure {
        let lines: Vec<String> = failure_lines(failure).iter().map(|line| escaped(line)).collect();
        text.push_str(&format!(
            "**error, exit code {}:** {}\n\n",
            failure.exit.code(),
            lines.join("<br>")
        ));
    }
    text.push_str(&format!("{}\n", escaped(told.summary)));
    if !told.findings.is_empty() {
        text.push_str("\n| | finding | object | what | what to do |\n| --- | --- | --- | --- | --- |\n");
    }
    for (index, finding) in told.findings.iter().enumerate() {
        let row = row(finding);
        if text.len() + row.len() > LENGTH {
            let more = told.findings.len() - index;
            text.push_str(&format!("\n... and {more} more; `--format json` lists all\n"));
            break;
        }
        text.push_str(&row);
    }
    text
}

fn row(finding: &Finding) -> String {
    let word = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let place = finding.location.as_ref().map_or_else(String::new, |location| {
        let path = escaped(&location.path.display().to_string());
        format!("<br>{path}:{}", location.line)
    });
    format!(
        "| {word} | {} | {} | {}{place} | {} |\n",
        escaped(finding.code),
        escaped(&finding.object),
        escaped(&finding.message),
        escaped(&finding.help)
    )
}

/// Returns text that Markdown shows as it is, in a cell of a table or outside of one.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in super::printable(text).chars() {
        match c {
            '\n' => out.push_str("<br>"),
            '\t' => out.push(' '),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            // Nobody is called by a name in a function's body.
            '@' => out.push_str("@\u{200b}"),
            other => out.push(other),
        }
    }
    out
}
