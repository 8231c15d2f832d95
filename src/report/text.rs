//! Small pieces of text that several reports share.

use anstyle::{AnsiColor, Style};

use crate::exit::Exit;
use crate::finding::{Finding, Severity};
use crate::migration::Version;

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

/// Returns how many findings have a weight.
pub(super) fn of_severity(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

/// Returns the exit code of a command that only looks: errors are findings, all else is good to know.
pub(super) fn exit_of(findings: &[Finding]) -> Exit {
    match of_severity(findings, Severity::Error) {
        0 => Exit::Done,
        _ => Exit::Findings,
    }
}

/// More findings of one kind than this are listed a line each, with one help for all.
const IN_FULL: usize = 5;

/// More notes of one kind than this are only counted; they need nothing to be done.
const NOTES_NAMED: usize = 10;

fn head(finding: &Finding) -> String {
    let (style, word) = match finding.severity {
        Severity::Error => (ERROR, "error"),
        Severity::Warning => (WARNING, "warning"),
        Severity::Info => (NOTE, "info"),
    };
    format!("{style}{word}{style:#} {DIM}[{}]{DIM:#}", finding.code)
}

fn place(finding: &Finding) -> Option<String> {
    let location = finding.location.as_ref()?;
    let path = printable(&location.path.display().to_string());
    Some(format!("{path}:{}:{}", location.line, location.column))
}

/// Returns one finding: what, where, and what to do.
pub fn render_finding(finding: &Finding) -> String {
    let (object, message) = (printable(&finding.object), printable(&finding.message));
    let mut text = format!("{} {object} {message}\n", head(finding));
    if let Some(place) = place(finding) {
        text.push_str(&format!("  at {place}\n"));
    }
    for (key, value) in &finding.evidence {
        let Some(value) = evidence(value) else { continue };
        let key = key.replace('_', " ");
        if value.contains('\n') {
            text.push_str(&format!("  {DIM}{key}:{DIM:#}\n{}", indented(&value)));
        } else {
            text.push_str(&format!("  {DIM}{key}:{DIM:#} {}\n", printable(&value)));
        }
    }
    text.push_str(&help(finding));
    text
}

/// Returns evidence in words; nothing for what is empty, or for rows of a table, which the message tells.
fn evidence(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(short_hash(text)),
        serde_json::Value::Array(items) if items.iter().any(serde_json::Value::is_object) => None,
        serde_json::Value::Array(items) => {
            let words: Vec<String> = items.iter().filter_map(evidence).collect();
            (!words.is_empty()).then(|| words.join(", "))
        }
        other => Some(other.to_string()),
    }
}

/// Returns lines as they are, such as those of a diff, set off from what is around them.
fn indented(lines: &str) -> String {
    let mut text = String::new();
    for line in lines.trim_end_matches('\n').split('\n') {
        text.push_str(&format!("    {}\n", printable(line)));
    }
    text
}

fn help(finding: &Finding) -> String {
    if finding.help.is_empty() {
        return String::new();
    }
    format!("  {NOTE}help:{NOTE:#} {}\n", printable(&finding.help))
}

/// A sha256 is shown as git shows one; the JSON document has it in full.
pub(super) fn short_hash(value: &str) -> String {
    let is_hash = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { &value[..12] } else { value }.to_owned()
}

/// Returns all findings, one after the other. Many of one kind are folded, so that the last screen still tells the story: errors
/// and warnings to a line each, notes to one line together.
pub fn render_findings(findings: &[Finding]) -> String {
    let mut text = String::new();
    let mut folded: Vec<&str> = Vec::new();
    for finding in findings {
        if folded.contains(&finding.code) {
            continue;
        }
        let alike: Vec<&Finding> = findings.iter().filter(|other| other.code == finding.code).collect();
        if alike.len() <= IN_FULL {
            text.push_str(&render_finding(finding));
            continue;
        }
        folded.push(finding.code);
        text.push_str(&if finding.severity == Severity::Info {
            fold_notes(&alike)
        } else {
            fold(&alike)
        });
    }
    text
}

fn fold(alike: &[&Finding]) -> String {
    let mut text = String::new();
    for finding in alike {
        let (object, message) = (printable(&finding.object), printable(&finding.message));
        let place = place(finding).map_or_else(String::new, |place| format!(" ({place})"));
        text.push_str(&format!("{} {object} {message}{place}\n", head(finding)));
    }
    // The help of each may name its own object; the first one shows the form.
    text.push_str(&alike.first().map_or_else(String::new, |first| help(first)));
    text
}

fn fold_notes(alike: &[&Finding]) -> String {
    let Some(first) = alike.first() else {
        return String::new();
    };
    let named: Vec<String> = alike
        .iter()
        .take(NOTES_NAMED)
        .map(|finding| printable(&finding.object))
        .collect();
    let more = match alike.len().saturating_sub(NOTES_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (head, message) = (head(first), printable(&first.message));
    format!(
        "{head} {} times\n  {message}\n  {}{more}\n{}",
        alike.len(),
        named.join(", "),
        help(first)
    )
}

/// Sorts findings: errors first, then by version (numerically) or file, then by place.
pub fn sort_findings(findings: &mut [Finding]) {
    findings.sort_by_cached_key(|finding| {
        let version = Version::parse(&finding.object).ok();
        let place = finding
            .location
            .as_ref()
            .map(|location| (location.path.clone(), location.line, location.column));
        (finding.severity, version, finding.object.clone(), place, finding.code)
    });
}

/// Returns text from a file or a server without what would move a terminal's cursor.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if (c.is_control() && c != '\n' && c != '\t') || turns_direction(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// Characters that make a terminal show the text behind them in another order.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_few_findings_are_shown_in_full_and_many_fold() {
        let one = |number: usize| {
            Finding::error("drift.edited", number.to_string(), "was edited", "restore it")
                .at("m/a.sql", 1, 1)
                .evidence("checksum", "ab".repeat(32))
        };
        let few: Vec<_> = (1..=IN_FULL).map(one).collect();
        let shown = plain(&render_findings(&few));
        assert_eq!(shown.matches("help: restore it").count(), IN_FULL);
        assert!(shown.contains("checksum: abababababab\n"), "{shown}");
        let many: Vec<_> = (1..=300).map(one).collect();
        let shown = plain(&render_findings(&many));
        assert_eq!(shown.matches("error [drift.edited]").count(), 300);
        assert_eq!(shown.matches("help: restore it").count(), 1);
        assert_eq!(shown.matches('\n').count(), 301);
    }

    #[test]
    fn evidence_is_told_in_words() {
        let rows = serde_json::json!([{ "line": 1 }]);
        let finding = Finding::error("files.wide", "1", "alters", "split it")
            .evidence("tables", rows)
            .evidence("left_out", Vec::<String>::new())
            .evidence("files", vec!["a.sql", "b.sql"]);
        let expected = "error [files.wide] 1 alters\n  files: a.sql, b.sql\n  help: split it\n";
        assert_eq!(plain(&render_finding(&finding)), expected);
    }

    #[test]
    fn many_notes_of_one_kind_are_four_lines() {
        let note = |number: usize| Finding::info("drift.cosmetic", number.to_string(), "differs", "nothing");
        let notes: Vec<_> = (1..=287).map(note).collect();
        let expected = "info [drift.cosmetic] 287 times\n  differs\n  1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 277 more\n  help: nothing\n";
        assert_eq!(plain(&render_findings(&notes)), expected);
    }

    #[test]
    fn findings_are_sorted_by_weight_then_version() {
        let mut findings = vec![
            Finding::info("drift.cosmetic", "1", "", ""),
            Finding::error("drift.gap", "10", "", ""),
            Finding::error("drift.edited", "9", "", ""),
            Finding::error("files.b", "2", "", "").at("a.sql", 7, 1),
            Finding::error("files.c", "2", "", "").at("a.sql", 3, 1),
        ];
        sort_findings(&mut findings);
        let order: Vec<_> = findings.iter().map(|finding| finding.code).collect();
        assert_eq!(
            order,
            ["files.c", "files.b", "drift.edited", "drift.gap", "drift.cosmetic"]
        );
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
        assert_eq!(printable("a\u{9b}2J\u{202e}b"), "a\u{fffd}2J\u{fffd}b");
    }
}
