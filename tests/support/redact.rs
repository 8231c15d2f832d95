//! Takes out of a run's output what changes from run to run, so that the rest can be a snapshot.
//!
//! What stands in a column of a table keeps its width: the blanks beside it grow or shrink with the
//! replacement.

use std::sync::LazyLock;

use regex::{Captures, Regex};

/// A pattern with the part to be replaced as group `it`, and the replacement.
type Rule = (Regex, &'static str);

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    [
        (
            r"(?P<it>\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?UTC|Z|[+-]\d\d(:?\d\d)?)?)",
            "[timestamp]",
        ),
        (r"(?P<it>(/[\w.-]+)+/rlsctl-[0-9a-f]{16})\b", "[socket]"),
        (r"(?P<it>\btest_\d{4}\b)", "[db-name]"),
        (r"(?:127\.0\.0\.1|localhost|\[::1\]):(?P<it>\d{2,5})\b", "[port]"),
        (r"\bport[= ](?P<it>\d{2,5})\b", "[port]"),
        (r"\b(?i:pid)[= ](?P<it>\d+)\b", "[pid]"),
        // Only what was measured: a limit such as `55s` or `60 s` is part of the message.
        (r"(?P<it><?\b\d+(\.\d+)? ?(ns|µs|us|ms)\b|\b\d+\.\d+ ?s\b)", "[time]"),
    ]
    .into_iter()
    .map(|(pattern, token)| {
        let around = format!(r"(?P<before> *){pattern}(?P<after> *)");
        (Regex::new(&around).expect("our own pattern"), token)
    })
    .collect()
});

/// The rules above, and literal texts that one run knows of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redactor {
    literals: Vec<(String, &'static str)>,
}

impl Redactor {
    /// Adds a text to be replaced wherever it stands.
    pub(crate) fn literal(mut self, text: impl Into<String>, token: &'static str) -> Self {
        self.literals.push((text.into(), token));
        self
    }

    /// Returns the text with all of it replaced.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (literal, token) in &self.literals {
            text = text.replace(literal.as_str(), token);
        }
        for (pattern, token) in RULES.iter() {
            text = pattern
                .replace_all(&text, |found: &Captures| replace(found, token))
                .into_owned();
        }
        text
    }
}

/// Replaces the middle of a match. Two or more blanks on one side make it a cell of a table, whose width
/// is kept by that side's blanks; one of them at least stays.
fn replace(found: &Captures, token: &str) -> String {
    let whole = &found[0];
    let (before, it, after) = (&found["before"], &found["it"], &found["after"]);
    let start = found.name("it").map_or(0, |it| it.start()) - found.get(0).map_or(0, |all| all.start());
    // What the pattern has matched around the part to be replaced, such as `port=`.
    let (prefix, suffix) = (
        &whole[before.len()..start],
        &whole[start + it.len()..whole.len() - after.len()],
    );
    let (old, new) = (it.chars().count(), token.chars().count());
    let fit = |blanks: &str| (blanks.len() + old).saturating_sub(new).max(1);
    let (left, right) = if after.len() >= 2 {
        (before.len(), fit(after))
    } else if before.len() >= 2 {
        (fit(before), after.len())
    } else {
        (before.len(), after.len())
    };
    format!("{}{prefix}{token}{suffix}{}", " ".repeat(left), " ".repeat(right))
}

#[test]
fn what_changes_goes_and_what_does_not_stays() {
    let redactor = Redactor::default().literal("/tmp/here", "[project]");
    for (text, expected) in [
        ("applied 3 in 12 ms", "applied 3 in [time]"),
        ("applied 3 in <1 ms", "applied 3 in [time]"),
        ("applied 3 in 1.21s.", "applied 3 in [time]."),
        ("no lock within 60 s, timeout 55s", "no lock within 60 s, timeout 55s"),
        (
            "/tmp/rlsctl-0123456789abcdef/test_0042 as postgres",
            "[socket]/[db-name] as postgres",
        ),
        ("host=127.0.0.1 port=40123 user=x", "host=127.0.0.1 port=[port] user=x"),
        ("127.0.0.1:40123/db", "127.0.0.1:[port]/db"),
        ("backend (pid 4711) waits", "backend (pid [pid]) waits"),
        (
            "at 2026-01-02T03:04:05.678Z, /tmp/here/a.sql",
            "at [timestamp], [project]/a.sql",
        ),
        ("2026-01-02 03:04:05+00", "[timestamp]"),
        (
            "migration 20240101000000_a.sql version 905",
            "migration 20240101000000_a.sql version 905",
        ),
    ] {
        assert_eq!(redactor.redact(text), expected);
    }
}

#[test]
fn columns_keep_their_width() {
    let redactor = Redactor::default();
    for row in ["a         9 ms | x", "a       128 ms | x", "a  12345678 ms | x"] {
        assert_eq!(redactor.redact(row), "a       [time] | x");
    }
    for row in ["5 ms         | x", "1234 ms      | x"] {
        assert_eq!(redactor.redact(row), "[time]       | x");
    }
}
