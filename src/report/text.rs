//! Small pieces of text that several reports share.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::finding::{Finding, Severity};

/// Errors.
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Warnings.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Hints and notes.
pub(super) const NOTE: Style = AnsiColor::Cyan.on_default().bold();
/// What went well.
pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What may be passed over.
pub(super) const DIM: Style = Style::new().dimmed();

/// Returns `1 file`, `2 files`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// Returns a duration as people say it: `3 ms`, `1.2 s`, `4 min`, `2 days`.
pub fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.as_millis() == 0 => "<1 ms".to_owned(),
        0 => format!("{} ms", duration.as_millis()),
        1..=59 => format!("{:.1} s", duration.as_secs_f64()),
        60..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Returns one finding: what, where, and what to do.
pub fn render_finding(finding: &Finding) -> String {
    let (style, word) = match finding.severity {
        Severity::Error => (ERROR, "error"),
        Severity::Warning => (WARNING, "warning"),
        Severity::Info => (NOTE, "info"),
    };
    let mut text = format!(
        "{style}{word}{style:#} {DIM}[{}]{DIM:#} {} {}\n",
        finding.code,
        printable(&finding.object),
        printable(&finding.message)
    );
    if let Some(location) = &finding.location {
        let path = printable(&location.path.display().to_string());
        writeln!(text, "  at {path}:{}:{}", location.line, location.column).expect("a String can be written to");
    }
    for (key, value) in &finding.evidence {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        writeln!(text, "  {DIM}{}:{DIM:#} {}", key.replace('_', " "), printable(&value))
            .expect("a String can be written to");
    }
    if !finding.help.is_empty() {
        writeln!(text, "  {NOTE}help:{NOTE:#} {}", printable(&finding.help)).expect("a String can be written to");
    }
    text
}

/// Returns all findings, one after the other.
pub fn render_findings(findings: &[Finding]) -> String {
    findings.iter().map(render_finding).collect()
}

/// Returns text from a file or a server without what would move a terminal's cursor.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' && c != '\t' {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_say_them() {
        let cases = [
            (0, "<1 ms"),
            (3, "3 ms"),
            (1_250, "1.2 s"),
            (240_000, "4 min"),
            (7_200_000, "2 h"),
            (200_000_000, "2 days"),
        ];
        for (milliseconds, text) in cases {
            assert_eq!(human_duration(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}
